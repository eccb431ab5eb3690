"""The plan of a query: what the index is asked, and what is left to check in Python."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any, NamedTuple

from ..index_schema import DOUBTS, IndexSchema, index_schema_of
from ..paths import Path
from ..query.bind import OrderKey
from ..query.tree import EVERYTHING, NOTHING, AllOf, Bound, inner, is_everything, is_nothing
from . import ft
from .costs import cheapest_first
from .expression import express, joined
from .normal import normalise

INDEX, SCAN, NONE = "index", "scan", "none"
_PARAMETER = re.compile(r"\$(p\d+)")


class Select(NamedTuple):
    """A question about one model: which objects, in which order, which slice of them.

    ``keys_down`` orders ties by descending key; ``distinct`` keeps the first object of each combination of values.
    ``members`` are those that the rows are wanted for, beside what the question itself is about; None is all.
    """

    model: Any
    where: Bound = EVERYTHING
    order: tuple[OrderKey, ...] = ()
    start: int = 0
    stop: int | None = None
    keys_down: bool = False
    distinct: tuple[Path, ...] | None = None
    members: frozenset[str] | None = None

    @property
    def sliced(self) -> bool:
        """Whether not all rows are asked for."""
        return self.start > 0 or self.stop is not None


class Part(NamedTuple):
    """One condition of a conjunction, and how it is met.

    ``fate`` is ``exact`` or ``superset`` (by the query text), ``filter`` (by FT.AGGREGATE's FILTER), or ``check``.
    """

    condition: Bound
    fate: str
    checked: bool


class Plan(NamedTuple):
    """How a `Select` is answered.

    ``access`` is `INDEX` (the index gives candidates), `SCAN` (every document of the model is one) or `NONE` (nothing
    can match). The candidates of ``query`` and ``filter`` are checked for ``check`` in Python. If that is None they
    are the answer, unless a document has a doubt about ``doubts``: then those of ``widened``, checked for ``where``,
    are. ``server_order`` tells whether the index can order and cut the rows. ``why`` says why it scans.
    """

    select: Select
    access: str
    where: Bound
    check: Bound | None
    schema: IndexSchema
    query: str = "*"
    widened: str = "*"
    filter: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    doubts: frozenset[str] = frozenset()
    server_order: bool = False
    parts: tuple[Part, ...] = ()
    why: str | None = None

    @property
    def doubts_query(self) -> str:
        """Finds the documents about whose numbers the index cannot be sure."""
        return f"@{DOUBTS}:{{{'|'.join(sorted(self.doubts))}}}"

    @property
    def candidates(self) -> str:
        """The query text whose documents are checked."""
        return self.query if self.check is None else self.widened

    @property
    def sorted_there(self) -> bool:
        """Whether the index orders the rows and cuts the slice out of them."""
        return self.server_order and bool(self.select.order or self.select.sliced)

    def arguments(self, text: str) -> list[str]:
        """PARAMS of a query text, and the dialect."""
        # That of the plan names all of them, or hardly any too few to be worth a look.
        words = [*chain.from_iterable(self.parameters if text is self.query else self.named_in(text))]
        return ["PARAMS", str(len(words)), *words, "DIALECT", "2"] if words else ["DIALECT", "2"]

    def named_in(self, text: str) -> list[tuple[str, str]]:
        """The parameters that a query text names."""
        used = set(_PARAMETER.findall(text))
        return [pair for pair in self.parameters if pair[0] in used]


def make_plan(select: Select, why_no_search: str | None) -> Plan:
    """Plan a question; ``why_no_search`` says why the server has no index to ask, None if it has.

    O(size of the conditions); asks nobody.
    """
    where = normalise(select.where)
    schema = index_schema_of(select.model)
    if is_nothing(where):
        return Plan(select, NONE, NOTHING, None, schema)
    check = None if is_everything(where) else where
    if why_no_search is not None:
        return Plan(select, SCAN, where, check, schema, why=why_no_search)
    parameters = ft.Parameters()
    pushed = _EVERY_DOCUMENT if check is None else ft.push(where, schema, parameters)
    if pushed is not None and pushed.exact:
        parts = tuple(Part(child, "exact", checked=False) for child in conjuncts(where))
        return _indexed(select, where, None, schema, pushed, None, parameters, parts)
    return _narrowed(select, where, schema, pushed, parameters)


#: What finds every document of the index.
_EVERY_DOCUMENT = ft.Pushed("*", "*")


def _narrowed(
    select: Select, where: Bound, schema: IndexSchema, pushed: ft.Pushed | None, parameters: ft.Parameters
) -> Plan:
    """The plan of conditions that the query text alone does not meet exactly."""
    parts = tuple(_part(child, schema) for child in conjuncts(where))
    filter_text = _filter([part.condition for part in parts if part.fate == "filter"], schema)
    if pushed is None and filter_text is None:
        return Plan(select, SCAN, where, where, schema, parts=parts, why="the index cannot narrow it down")
    found = pushed or _EVERY_DOCUMENT
    left = tuple(part.condition for part in parts if part.checked)
    # Where a double may bring too few, the widened query brings all of its doubts, to be checked whole.
    left_to_check = where if left and found.doubts else AllOf(left) if len(left) > 1 else left[0] if left else None
    return _indexed(select, where, left_to_check, schema, found, filter_text, parameters, parts)


def _filter(conditions: list[Bound], schema: IndexSchema) -> str | None:
    """Conditions that are met by FILTER, as its expression."""
    if not conditions:
        return None
    expressed = [express(condition, schema) for condition in inner(cheapest_first(AllOf(tuple(conditions))))]
    return joined([one.text for one in expressed if one is not None], " && ")


def _indexed(
    select: Select,
    where: Bound,
    check: Bound | None,
    schema: IndexSchema,
    found: ft.Pushed,
    filter_text: str | None,
    parameters: ft.Parameters,
    parts: tuple[Part, ...],
) -> Plan:
    leaves = [schema.leaves.get(key.path.names) for key in select.order]
    sortable = all(leaf is not None and leaf.sortable for leaf in leaves)
    server_order = sortable and check is None and select.distinct is None
    doubts = found.doubts
    if server_order and leaves:
        # Two numbers that share a double have an order that the index does not know.
        doubts = doubts.union(leaf.alias for leaf in leaves if leaf is not None and leaf.numeric)
    return Plan(select, INDEX, where, check, schema, found.text, found.widened, filter_text, parameters.pairs, doubts,
                server_order, parts)  # fmt: skip


def conjuncts(where: Bound) -> tuple[Bound, ...]:
    """What all must hold, of normalised conditions."""
    return where.children if isinstance(where, AllOf) else (where,)


def _part(condition: Bound, schema: IndexSchema) -> Part:
    # As deep as it stands when it is pushed, or the parser's limit would be taken for out of reach.
    pushed = ft.push(condition, schema, ft.Parameters(), depth=1)
    if pushed is not None and pushed.exact:
        return Part(condition, "exact", checked=False)
    expressed = express(condition, schema)
    if expressed is not None:
        return Part(condition, "filter", checked=not expressed.exact)
    return Part(condition, "check" if pushed is None else "superset", checked=True)


def sort_arguments(plan: Plan) -> list[str]:
    """``SORTBY`` of FT.AGGREGATE for the plan's order; ties by key."""
    keys = [word for key in plan.select.order for word in _sorted_by(plan, key, "@")]
    keys += ["@__key", _direction(plan.select.keys_down)]
    return ["SORTBY", str(len(keys)), *keys]


def sort_key(plan: Plan) -> list[str]:
    """What follows FT.SEARCH's ``SORTBY`` for a plan with one key of order."""
    (key,) = plan.select.order
    return _sorted_by(plan, key)


def _sorted_by(plan: Plan, key: OrderKey, sign: str = "") -> list[str]:
    leaf = plan.schema.leaves[key.path.names]
    return [f"{sign}{leaf.tag or leaf.numeric}", _direction(key.descending)]


def _direction(descending: bool) -> str:
    return "DESC" if descending else "ASC"

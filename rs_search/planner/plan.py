"""The plan of a query: what the index is asked, and what is left to check in Python."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import StrictPerformanceException
from ..index_schema import DOUBTS, IndexSchema, index_schema_of
from ..options import options_of
from ..query.bind import OrderKey
from ..query.tree import EVERYTHING, NOTHING, AllOf, AnyOf, Bound, Condition, describe
from . import ft
from .normal import normalise

INDEX, SCAN, NONE = "index", "scan", "none"
_PARAMETER = re.compile(r"\$(p\d+)")


@dataclass(frozen=True, eq=False)
class Select:
    """A question about one model: which objects, in which order, which slice of them."""

    model: Any
    where: Bound = EVERYTHING
    order: tuple[OrderKey, ...] = ()
    start: int = 0
    stop: int | None = None

    @property
    def sliced(self) -> bool:
        """Whether not all rows are asked for."""
        return self.start > 0 or self.stop is not None


@dataclass(frozen=True, eq=False)
class Plan:
    """How a `Select` is answered.

    ``access`` is `INDEX` (FT.SEARCH gives candidates), `SCAN` (every document of the model is one) or `NONE` (nothing
    can match). ``check`` is what the candidates of ``widened`` are checked for in Python. If it is None, ``query``
    answers by itself, unless a document has a doubt about ``doubts``: then ``widened`` and ``where`` do.
    ``server_order`` tells whether the index can order and cut the rows. ``reasons`` say why it scans or checks.
    """

    select: Select
    access: str
    where: Bound
    check: Bound | None
    schema: IndexSchema
    query: str = "*"
    widened: str = "*"
    parameters: tuple[tuple[str, str], ...] = ()
    doubts: frozenset[str] = frozenset()
    server_order: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def doubts_query(self) -> str:
        """Finds the documents about whose numbers the index cannot be sure."""
        return f"@{DOUBTS}:{{{'|'.join(sorted(self.doubts))}}}"

    def arguments(self, text: str) -> list[str]:
        """PARAMS of a query text, only those that it names, and the dialect."""
        used = set(_PARAMETER.findall(text))
        pairs = [part for name, value in self.parameters if name in used for part in (name, value)]
        return [*(["PARAMS", str(len(pairs)), *pairs] if pairs else []), "DIALECT", "2"]


def make_plan(select: Select, why_no_search: str | None) -> Plan:
    """Plan a question; ``why_no_search`` says why the server has no index to ask, None if it has.

    O(size of the conditions); asks nobody.
    """
    where = normalise(select.where)
    schema = index_schema_of(select.model)
    if isinstance(where, AnyOf) and not where.children:
        return Plan(select, NONE, NOTHING, None, schema)
    everything = isinstance(where, AllOf) and not where.children
    if why_no_search is not None:
        return Plan(select, SCAN, where, None if everything else where, schema, reasons=(why_no_search,))
    if everything:
        return _with_order(Plan(select, INDEX, where, None, schema))
    parameters = ft.Parameters()
    pushed = ft.push(where, schema, parameters)
    if pushed is None:
        reason = f"the index cannot narrow down: {describe(where)}"
        return Plan(select, SCAN, where, where, schema, reasons=(reason,))
    # Where a double may bring too few, the widened query brings all of its doubts, to be checked whole.
    check = None if pushed.exact else where if pushed.doubts else _left(where, schema)
    values = tuple(parameters.values.items())
    return _with_order(
        Plan(select, INDEX, where, check, schema, pushed.text, pushed.widened, values, pushed.doubts,
             reasons=() if check is None else (f"the index cannot tell exactly: {describe(check)}",))
    )  # fmt: skip


def _left(where: Bound, schema: IndexSchema) -> Bound:
    """The part of a conjunction that the index does not answer exactly; all of anything else."""
    if not isinstance(where, AllOf):
        return where
    left = []
    for child in where.children:
        # As deep as it stood when it was pushed, or the parser's limit would be taken for out of reach.
        pushed = ft.push(child, schema, ft.Parameters(), depth=1)
        if pushed is None or not pushed.exact:
            left.append(child)
    return AllOf(tuple(left))


def _with_order(plan: Plan) -> Plan:
    leaves = [plan.schema.leaves.get(key.path.names) for key in plan.select.order]
    sortable = all(leaf is not None and leaf.sortable for leaf in leaves)
    # Two numbers that share a double have an order that the index does not know.
    doubts = frozenset(leaf.alias for leaf in leaves if leaf is not None and leaf.numeric)
    return Plan(
        plan.select, plan.access, plan.where, plan.check, plan.schema, plan.query, plan.widened, plan.parameters,
        plan.doubts | doubts if sortable else plan.doubts, sortable and plan.check is None, plan.reasons,
    )  # fmt: skip


def sort_arguments(plan: Plan) -> list[str]:
    """``SORTBY`` of FT.AGGREGATE for the plan's order; ties by key."""
    keys = []
    for key in plan.select.order:
        leaf = plan.schema.leaves[key.path.names]
        keys += [f"@{leaf.tag or leaf.numeric}", "DESC" if key.descending else "ASC"]
    keys += ["@__key", "ASC"]
    return ["SORTBY", str(len(keys)), *keys]


def refuse_scan(plan: Plan) -> None:
    """Raise `StrictPerformanceException` for a scan that the model forbids."""
    model = plan.select.model
    if plan.access == SCAN and options_of(model).strict:
        raise StrictPerformanceException(
            f"{model.__name__}.__strict_performance__ forbids a query that reads the whole collection:\n"
            + explain(plan, None)
        )


def explain(plan: Plan, server: str | None) -> str:
    """The plan as a readable tree."""
    lines = [f"{plan.select.model.__name__}: {describe(plan.where)}"]
    if plan.access == NONE:
        lines.append("  nothing can match; the server is not asked")
    elif plan.access == SCAN:
        lines.append(f"  scan    every key {plan.schema.prefix}:* is read")
    else:
        query = plan.query if plan.check is None else plan.widened
        sorted_there = plan.server_order and (plan.select.order or plan.select.sliced)
        name, order = ("FT.AGGREGATE", " " + " ".join(sort_arguments(plan))) if sorted_there else ("FT.SEARCH", "")
        lines.append(f"  index   {name} {plan.schema.name} '{query}'{order}")
        lines += [f"          ${name} = {value!r}" for name, value in plan.parameters if _names(query, name)]
    if plan.check is not None:
        lines.append(f"  check   in Python: {describe(plan.check)}")
    if plan.select.order:
        keys = ", ".join(("-" if key.descending else "") + str(key.path) for key in plan.select.order)
        lines.append(f"  order   by {keys}, then key, {'in the index' if plan.server_order else 'in Python'}")
    if plan.select.sliced:
        lines.append(
            f"  slice   rows {plan.select.start} to {plan.select.stop if plan.select.stop is not None else 'the last'}"
        )
    if plan.doubts and plan.access == INDEX:
        lines.append(
            f"  if      a document keeps {', '.join(sorted(plan.doubts))} beyond doubles: those are checked in Python"
        )
    lines += [f"  why     {reason}" for reason in plan.reasons]
    if server:
        lines.append(f"  server  {server}")
    return "\n".join(lines)


def _names(query: str, name: str) -> bool:
    return name in _PARAMETER.findall(query)


def single_value(where: Bound, name: str) -> Any:
    """The one value that a conjunction demands a top-level field to equal; None if it demands none."""
    children = where.children if isinstance(where, AllOf) else (where,)
    for child in children:
        if isinstance(child, Condition) and child.operator == "in" and child.path.names == (name,):
            return child.value[0] if len(child.value) == 1 else None
    return None

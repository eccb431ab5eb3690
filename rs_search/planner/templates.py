"""Plans of questions that differ from an earlier one in their values only.

A program asks few questions, many times, with other values. A plan depends on the paths and operators of its
conditions, and of plain values on nothing but what `_READERS` tell: so it is made once for each *shape*, and recalled
with other parameters. Whatever is not plain is planned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from ..kinds import DATE, DURATION, EXACT_INTEGERS, INSTANT, INTEGER, Kind
from ..memo import once_per_class
from ..query.tree import AllOf, Bounds, Condition
from .plan import INDEX, Plan, Select
from .text import TextQuery, index_terms, is_indexable

#: Shapes that are kept for a model, and parameters of a plan that is: of more, planning is the least that they cost.
MOST_SHAPES = 1000
_NAMES = tuple(f"p{number}" for number in range(50))
#: Kinds that the index keeps as the whole number that is compared.
_WHOLE = frozenset((INTEGER, DATE, INSTANT, DURATION))
#: What of a value decides about the plan, and the parameters that it makes.
_Read = tuple[Any, tuple[str, ...]]


class Template:
    """A plan that was kept, and the words of commands that were made by it."""

    __slots__ = ("plan", "words")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.words: dict[Any, tuple[Any, ...]] = {}

    def command(self, kind: Any, make: Callable[[], Sequence[Any]], values: Iterable[str]) -> tuple[Any, ...]:
        """The words of a command with other values: ``make`` makes those of its ``kind`` once, with the plan's."""
        words = self.words.get(kind)
        if words is None:
            if len(self.words) >= MOST_SHAPES:
                self.words.clear()
            made, values_of_plan = make(), 2 * len(self.plan.parameters)
            # At the end stand the parameters, and the dialect.
            words = self.words[kind] = tuple(made[: len(made) - values_of_plan - 2])
        return (*words, *chain.from_iterable(zip(_NAMES, values, strict=False)), "DIALECT", "2")


def look(select: Select) -> tuple[Template, list[str]] | None:
    """What was kept for the shape of a question, and its own parameters; None if nothing was.

    O(number of conditions); asks nobody.
    """
    read = _read(select)
    template = None if read is None else _kept(select.model).get(read[0])
    return None if read is None or template is None else (template, read[1])


def recall(select: Select) -> Plan | None:
    """The plan that `make_plan` makes of a question where there is an index; None unless it kept one of its shape.

    O(number of conditions); asks nobody.
    """
    found = look(select)
    if found is None:
        return None
    template, values = found
    plan = template.plan
    # Not by _replace, which takes twice as long.
    return Plan(select, INDEX, select.where, None, plan.schema, plan.query, plan.widened, None,
                tuple(zip(_NAMES, values, strict=False)), plan.doubts, plan.server_order)  # fmt: skip


def keep(plan: Plan) -> None:
    """Have a plan recalled for questions of its shape, if the index answers those exactly."""
    read, kept = _read(plan.select), _kept(plan.select.model)
    if read is None or plan.access != INDEX or plan.check is not None or plan.filter is not None:
        return
    # Two bounds of one path are one in the plan, say: then it is not made of these values one by one.
    if [value for _, value in plan.parameters] == read[1] and len(kept) < MOST_SHAPES:
        kept[read[0]] = Template(plan)


@once_per_class
def _kept(model: type[Any]) -> dict[tuple[Any, ...], Template]:
    return {}


def _read(select: Select) -> tuple[tuple[Any, ...], list[str]] | None:
    """The shape of a question and its parameters; None where a condition or a value is not plain."""
    where = select.where
    if select.distinct is not None or not isinstance(where, (Condition, AllOf)):
        return None
    shape: list[Any] = []
    parameters: list[str] = []
    for key in select.order:
        shape += (key.path.names, key.descending)
    for condition in (where,) if isinstance(where, Condition) else where.children:
        if not isinstance(condition, Condition) or (reader := _READERS.get(condition.operator)) is None:
            return None
        path = condition.path
        read = reader(path.field.kind, condition.value)
        if read is None:
            return None
        shape += (path.names, path.steps, condition.operator, read[0])
        parameters += read[1]
    return (tuple(shape), parameters) if len(parameters) <= len(_NAMES) else None


def _of_values(kind: Kind, values: tuple[Any, ...]) -> _Read | None:
    if len(values) != 1:
        return None
    if kind.tag is None:
        number = _number(kind, values[0], "")
        return None if number is None else (None, (number, number))
    tag = kind.tag(values[0])
    # A server reads backslashes, and ends a tag at a NUL; what is no ASCII may have no form to be sent in.
    return None if not tag.isascii() or "\\" in tag or "\0" in tag else (None, (tag,))


def _of_bounds(kind: Kind, bounds: Bounds) -> _Read | None:
    if bounds.low is not None and bounds.high is not None and not bounds.low < bounds.high:
        return None
    low, high = _number(kind, bounds.low, "-inf"), _number(kind, bounds.high, "inf")
    return None if low is None or high is None else ((bounds.include_low, bounds.include_high), (low, high))


def _number(kind: Kind, comparable: Any, open_end: str) -> str | None:
    """A whole number that no other one shares a double with: no document is in doubt about it."""
    if comparable is None:
        return open_end
    whole = type(comparable) is int and kind in _WHOLE and -EXACT_INTEGERS < comparable < EXACT_INTEGERS
    return repr(comparable) if whole else None


def _of_words(kind: Kind, query: TextQuery) -> _Read | None:
    if query.without:
        return None
    sizes: list[int] = []
    parameters: list[str] = []
    for group in query.groups:
        for word in group:
            if type(word) is not str or not is_indexable(word):
                return None
            terms = index_terms(word)
            sizes.append(len(terms))
            parameters += terms
        sizes.append(0)
    return tuple(sizes), tuple(parameters)


#: By the operators whose conditions can be met by a query text alone.
_READERS: dict[str, Callable[[Kind, Any], _Read | None]] = {
    "in": _of_values,
    "between": _of_bounds,
    "search": _of_words,
}

"""Parts of a value that can be compared like a number: the year of a date, the length of a list.

``best_before__year=2024`` and ``best_before__year__gte=2024``: the part, then any comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schematics.types import DateType, IntType

from .. import calendar, kinds
from ..errors import InvalidValue
from ..kinds import Kind
from ..paths import Path
from ..schema import Field, row_of
from .comparisons import Builder, missing
from .lists import list_itself
from .tree import AnyOf, Bound, Bounds, Condition, Negation, Said, fold, inner

_DATES = (kinds.DATE, kinds.INSTANT)


def _field(type_: Any) -> Field:
    row = row_of(type_)
    return Field("", "", type_, row, row.kind)


_NUMBER, _DAY = _field(IntType()), _field(DateType())


@dataclass(frozen=True)
class Test:
    """A part's name, and the numbers it may have: an interval, or some of them."""

    part: str
    wanted: Bounds | frozenset[int]


@dataclass(frozen=True)
class Part:
    """A part of values: the kinds that have it, the field whose type reads the query's value, and its meaning.

    ``of`` gives the part of a comparable. ``starts`` gives, where the part only grows with the value, the comparable
    at which it begins, so that a comparison of the part is one of the value. ``most`` bounds what it can be.
    """

    name: str
    kinds: tuple[Kind, ...]
    field: Field
    meaning: str
    of: Callable[[Kind, int], int] | None = None
    starts: Callable[[Kind, int], int] | None = None
    range: tuple[int, int] | None = None
    of_list: bool = False


#: Every part. README's table is made of these rows as well.
PARTS: tuple[Part, ...] = (
    Part("year", _DATES, _NUMBER, "the year (instants: in UTC)",
         starts=lambda kind, year: calendar.start_of_day(kind, calendar.first_day_of_year(year))),
    Part("month", _DATES, _NUMBER, "the month, 1 to 12",
         lambda kind, value: calendar.civil(calendar.day_of(kind, value))[1], range=(1, 12)),
    Part("day", _DATES, _NUMBER, "the day of the month, 1 to 31",
         lambda kind, value: calendar.civil(calendar.day_of(kind, value))[2], range=(1, 31)),
    Part("hour", (kinds.INSTANT,), _NUMBER, "the hour, 0 to 23",
         lambda kind, value: value % calendar.DAY // calendar.HOUR, range=(0, 23)),
    Part("date", _DATES, _DAY, "the day, of any time", starts=calendar.start_of_day),
    Part("len", (), _NUMBER, "how many elements a list has, None among them", range=(0, 2**63), of_list=True),
)  # fmt: skip
BY_NAME = {part.name: part for part in PARTS}


def part_builder(part: Part, compare: Builder) -> Builder:
    """The lookup ``part__comparison``."""

    def build(path: Path, value: Any, asked: str) -> Bound:
        reader = Path((*path.names, part.name), path.steps, part.field)
        return fold(compare(reader, value, asked), inner, lambda node, done: _rebuilt(node, done, part, path, asked))

    return build


def _rebuilt(node: Bound, children: list[Bound], part: Part, path: Path, asked: str) -> Bound:
    """A comparison of the part as conditions on the path itself."""
    if isinstance(node, Negation):
        return Negation(children[0])
    if not isinstance(node, Condition):
        return type(node)(tuple(children))
    if node.operator == "missing":
        if part.of_list:
            raise InvalidValue(f"{asked}: a list that is missing has no length; use {path}__isnull")
        return missing(path)
    wanted = node.value if isinstance(node.value, Bounds) else frozenset(node.value)
    if part.starts is not None:
        return _as_bounds(part, path, wanted, node.said)
    _check(part, wanted, asked)
    whole = list_itself(path) if part.of_list else path
    return Condition(whole, "part", Test(part.name, wanted), node.said)


def _check(part: Part, wanted: Bounds | frozenset[int], asked: str) -> None:
    if isinstance(wanted, frozenset) and part.range is not None:
        wrong = [number for number in wanted if not part.range[0] <= number <= part.range[1]]
        if wrong:
            raise InvalidValue(f"{asked}: {wrong[0]} is no {part.name}: {part.meaning}")


def _as_bounds(part: Part, path: Path, wanted: Bounds | frozenset[int], said: Said) -> Bound:
    starts, kind = part.starts, path.field.kind
    assert starts is not None
    if isinstance(wanted, Bounds):
        low = None if wanted.low is None else starts(kind, wanted.low + (not wanted.include_low))
        high = None if wanted.high is None else starts(kind, wanted.high + wanted.include_high)
        return Condition(path, "between", Bounds(low, high, include_high=False), said)
    spans = [Bounds(starts(kind, one), starts(kind, one + 1), include_high=False) for one in sorted(wanted)]
    found = tuple(Condition(path, "between", span, said) for span in spans)
    return found[0] if len(found) == 1 else AnyOf(found)


def span_of(kind: Kind, bounds: Bounds) -> tuple[int, int] | None:
    """The first and last day that an interval of dates or instants may have; None if it is open."""
    if bounds.low is None or bounds.high is None:
        return None
    last = bounds.high if bounds.include_high else bounds.high - 1
    return calendar.day_of(kind, bounds.low), calendar.day_of(kind, last)


def holds(test: Test, kind: Kind, value: Any) -> bool:
    """Whether a comparable, or a list, has the part that is wanted."""
    of = BY_NAME[test.part].of
    return (len(value) if of is None else of(kind, value)) in test.wanted

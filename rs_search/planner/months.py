"""Months next to bounds on the same date become bounds themselves: ``day__year=2024, day__month=5``."""

from __future__ import annotations

from .. import calendar
from ..paths import EACH
from ..query.parts import Test, span_of
from ..query.tree import AnyOf, Bound, Bounds, Condition

#: Months of more years than this stay a check: each year is a range of its own.
MOST_YEARS = 12


def months_in(conditions: list[Bound], root: int) -> list[Bound]:
    """Joined conditions, months written as intervals where others bound the same date to a few years."""
    if not any(_is_month(condition) for condition in conditions):
        return conditions
    spans = {
        condition.path.names: span
        for condition in conditions
        if isinstance(condition, Condition) and _bounds_a_date(condition, root)
        if (span := span_of(condition.path.field.kind, condition.value)) is not None
    }
    return [_as_intervals(condition, spans) for condition in conditions]


def _is_month(bound: Bound) -> bool:
    return isinstance(bound, Condition) and isinstance(bound.value, Test) and bound.value.part == "month"


def _bounds_a_date(condition: Condition, root: int) -> bool:
    known = condition.path.field.kind.name in ("date", "instant")
    return known and condition.operator == "between" and EACH not in condition.path.steps[root:]


def _as_intervals(bound: Bound, spans: dict[tuple[str, ...], tuple[int, int]]) -> Bound:
    if not isinstance(bound, Condition) or not _is_month(bound) or bound.path.names not in spans:
        return bound
    first, last = (calendar.civil(day)[0] for day in spans[bound.path.names])
    if last - first >= MOST_YEARS:
        return bound
    months = [month for month in range(1, 13) if month in bound.value.wanted]
    found = tuple(_month(bound, year, month) for year in range(first, last + 1) for month in months)
    return found[0] if len(found) == 1 else AnyOf(found)


def _month(condition: Condition, year: int, month: int) -> Condition:
    kind = condition.path.field.kind
    low, high = (calendar.start_of_day(kind, calendar.month_start(year, number)) for number in (month, month + 1))
    return Condition(condition.path, "between", Bounds(low, high, include_high=False), condition.shown)

"""Months next to bounds on the same date become bounds themselves: ``day__year=2024, day__month=5``."""

from __future__ import annotations

from .. import calendar
from ..paths import EACH
from ..query.parts import Test, span_of
from ..query.tree import AnyOf, Bound, Bounds, Condition
from .intervals import intersection

#: Months of more years than this stay a check: each year is a range of its own.
MOST_YEARS = 12


def months_in(conditions: list[Bound], root: int) -> list[Bound]:
    """Joined conditions, months written as intervals where others bound the same date to a few years.

    The intervals lie within those bounds, which then need no range of their own.
    """
    given = [one for one in conditions if isinstance(one, Condition)]
    bounds = {one.path.names: one for one in given if _bounds_a_few_years(one, root)}
    months = [one for one in given if _is_month(one) and one.path.names in bounds]
    if not months:
        return conditions
    replaced = {id(bounds[month.path.names]) for month in months} | {id(month) for month in months}
    kept = [one for one in conditions if id(one) not in replaced]
    return [*kept, *(_as_intervals(month, bounds[month.path.names]) for month in months)]


def _is_month(condition: Condition) -> bool:
    return isinstance(condition.value, Test) and condition.value.part == "month"


def _bounds_a_few_years(condition: Condition, root: int) -> bool:
    dated = condition.path.field.kind.name in ("date", "instant") and condition.operator == "between"
    return dated and EACH not in condition.path.steps[root:] and 0 < len(_years(condition)) <= MOST_YEARS


def _years(condition: Condition) -> range:
    """The years of an interval; none if it is open."""
    span = span_of(condition.path.field.kind, condition.value)
    if span is None:
        return range(0)
    first, last = (calendar.civil(day)[0] for day in span)
    return range(first, last + 1)


def _as_intervals(month: Condition, bounds: Condition) -> Bound:
    numbers = [number for number in range(1, 13) if number in month.value.wanted]
    intervals = [
        intersection(_interval(month, year, number), bounds.value) for year in _years(bounds) for number in numbers
    ]
    said = f"{bounds.shown} and {month.shown}"
    found = tuple(Condition(month.path, "between", one, said) for one in intervals if not one.empty)
    return found[0] if len(found) == 1 else AnyOf(found)


def _interval(month: Condition, year: int, number: int) -> Bounds:
    kind = month.path.field.kind
    days = (calendar.month_start(year, number), calendar.month_start(year, number + 1))
    low, high = (calendar.start_of_day(kind, day) for day in days)
    return Bounds(low, high, include_high=False)

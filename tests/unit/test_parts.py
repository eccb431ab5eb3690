"""Parts of dates: in any year, by any comparison; and months beside bounds."""

from __future__ import annotations

import calendar as civil_calendar
import datetime as dt
import operator
from collections.abc import Callable
from typing import Any

import pytest
from fixtures.models import Everything
from hypothesis import given
from hypothesis import strategies as st

from rs_search import Q, calendar
from rs_search.kinds import DATE, INSTANT
from rs_search.planner.normal import normalise
from rs_search.planner.predicate import predicate
from rs_search.query.bind import bind
from rs_search.query.tree import AnyOf, Condition, inner

dates = st.dates() | st.dates(dt.date(2019, 12, 1), dt.date(2024, 3, 1))


@given(st.dates())
def test_days_are_those_of_the_calendar(day: dt.date) -> None:
    assert calendar.civil(day.toordinal()) == (day.year, day.month, day.day)
    assert calendar.first_day_of_year(day.year) == dt.date(day.year, 1, 1).toordinal()
    assert calendar.month_start(day.year, day.month) == day.replace(day=1).toordinal()
    length = civil_calendar.monthrange(day.year, day.month)[1]
    assert calendar.month_start(day.year, day.month + 1) == day.replace(day=1).toordinal() + length


@given(st.integers(-2_000_000, 6_000_000))
def test_days_outside_the_calendar_follow_each_other(day: int) -> None:
    year, month, number = calendar.civil(day)
    assert calendar.month_start(year, month) + number - 1 == day
    assert calendar.month_start(year, month) <= day < calendar.month_start(year, month + 1)
    assert calendar.first_day_of_year(year) <= day < calendar.first_day_of_year(year + 1)


@given(st.datetimes())
def test_an_instant_belongs_to_its_day(instant: dt.datetime) -> None:
    comparable = (instant - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    day = calendar.day_of(INSTANT, comparable)
    assert day == instant.date().toordinal()
    assert calendar.start_of_day(INSTANT, day) <= comparable < calendar.start_of_day(INSTANT, day + 1)
    assert calendar.start_of_day(DATE, day) == calendar.day_of(DATE, day) == day


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq, "ne": operator.ne, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt,
    "lte": operator.le,
}  # fmt: skip
OF: dict[str, Callable[[dt.datetime], Any]] = {
    "year": lambda value: value.year, "month": lambda value: value.month, "day": lambda value: value.day,
    "hour": lambda value: value.hour, "date": lambda value: value.date(),
}  # fmt: skip


@given(st.datetimes(), st.datetimes(), st.sampled_from(sorted(OF)), st.sampled_from(sorted(SIGNS)))
def test_a_part_is_compared_as_python_compares_it(value: dt.datetime, other: dt.datetime, part: str, sign: str) -> None:
    wanted = OF[part](other)
    meets = predicate(bind(Everything, Q(**{f"datetime__{part}__{sign}": wanted})))
    expected = SIGNS[sign](OF[part](value), wanted)
    assert meets({"datetime": value.isoformat(timespec="microseconds")}) is expected
    if part != "hour":
        assert (
            predicate(bind(Everything, Q(**{f"date__{part}__{sign}": wanted})))({"date": value.date().isoformat()})
            is expected
        )


@pytest.mark.parametrize(
    ("text", "year", "month", "day", "hour"),
    [
        ("0001-01-01T00:30:00.000000+0100", 0, 12, 31, 23),
        ("9999-12-31T23:30:00.000000-0100", 10000, 1, 1, 0),
        ("0001-01-01T00:00:00.000000", 1, 1, 1, 0),
        ("9999-12-31T23:59:59.999999", 9999, 12, 31, 23),
    ],
)
def test_an_instant_may_be_in_a_year_that_python_does_not_know(
    text: str, year: int, month: int, day: int, hour: int
) -> None:
    asked = {"datetime__year": year, "datetime__month": month, "datetime__day": day, "datetime__hour": hour}
    for name, value in asked.items():
        assert predicate(bind(Everything, Q(**{name: value})))({"datetime": text}), name
    assert predicate(normalise(bind(Everything, Q(**asked))))({"datetime": text})
    assert not predicate(bind(Everything, Q(datetime__year__in=[year - 1, year + 1])))({"datetime": text})


@pytest.mark.parametrize(("name", "value"), [("year__gt", 10**400), ("year", -(10**30)), ("month__gte", 13)])
def test_a_part_that_nothing_has_is_found_nowhere(name: str, value: int) -> None:
    assert not predicate(bind(Everything, Q(**{f"date__{name}": value})))({"date": "2024-02-29"})


# --- months beside bounds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "operators"),
    [
        (Q(date__month=2), ["part"]),
        (Q(date__year=2024, date__month=2), ["between"]),
        (Q(date__gte="2024-01-01", date__lt="2025-01-01", date__month__in=[2, 3]), ["between"] * 2),
        (Q(date__range=("2023-12-31", "2024-01-01"), date__month=1), ["between"]),
        (Q(datetime__year=2024, datetime__month__gt=10), ["between"] * 2),
        (Q(date__year__range=(2000, 2011), date__month=1), ["between"] * 12),
        (Q(date__year=2024, date__month=2, integer=1), ["in", "between"]),
        (Q(date__year__range=(2000, 2012), date__month=1), ["between", "part"]),
        (Q(date__year__gt=2000, date__month=1), ["between", "part"]),
        (Q(date__year=2024, datetime__month=1), ["between", "part"]),
        (Q(dates__year=2024, dates__month=1), ["between", "part"]),
        (Q(date__year=2024, date__day=1), ["between", "part"]),
        (Q(date__year=2024) & ~Q(date__month=1), ["between", "not"]),
        (Q(cities__match={"opened__year": 2024, "opened__month": 1}), ["match"]),
    ],
    ids=repr,
)
def test_a_month_is_intervals_where_the_years_are_few(query: Q, operators: list[str]) -> None:
    plain = normalise(bind(Everything, query))
    children = (plain,) if isinstance(plain, Condition) else inner(plain)
    told = [
        child.operator if isinstance(child, Condition)
        else f"any of {len(child.children)}" if isinstance(child, AnyOf) else "not"
        for child in children
    ]  # fmt: skip
    assert told == operators


def test_a_month_that_there_is_not_means_nothing() -> None:
    assert inner(normalise(bind(Everything, Q(date__year=2024, date__month__gt=12)))) == ()


@given(dates, dates, dates, st.lists(st.integers(1, 12), min_size=1, max_size=3), st.booleans())
def test_months_beside_bounds_mean_what_they_mean_alone(
    first: dt.date, second: dt.date, day: dt.date, months: list[int], of_instants: bool
) -> None:
    name = "datetime" if of_instants else "date"
    low, high = sorted((first, second))
    time = "T00:00:00" if of_instants else ""
    ends = {f"{name}__gte": f"{low}{time}", f"{name}__lt": f"{high}{time}"}
    query = Q(**ends, **{f"{name}__month__in": months})
    document = {name: f"{day.isoformat()}T12:00:00.000000" if of_instants else day.isoformat()}
    expected = low <= day < high and day.month in months
    assert predicate(bind(Everything, query))(document) is expected
    assert predicate(normalise(bind(Everything, query)))(document) is expected

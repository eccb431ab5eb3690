"""Calendar arithmetic on comparables: days since the year 1 of dates, microseconds since 1970 of instants (UTC).

An instant may lie a day outside the years 1 to 9999 that ``datetime`` knows: its zone may carry it over.
"""

from __future__ import annotations

import datetime as dt

from .kinds import DATE, Kind

DAY = 86_400_000_000
HOUR = 3_600_000_000
EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
#: The Gregorian calendar repeats itself after so many days.
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400


def day_of(kind: Kind, comparable: int) -> int:
    """The day of a date or instant, 1 January of year 1 being 1."""
    return comparable if kind is DATE else comparable // DAY + EPOCH_DAY


def start_of_day(kind: Kind, day: int) -> int:
    """The comparable at which a day begins."""
    return day if kind is DATE else (day - EPOCH_DAY) * DAY


def first_day_of_year(year: int) -> int:
    """1 January of a year, also outside 1 to 9999.

    >>> first_day_of_year(1970) == EPOCH_DAY
    True
    """
    before = year - 1
    return 365 * before + before // 4 - before // 100 + before // 400 + 1


def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month of a day, also outside the years 1 to 9999.

    >>> civil(1), civil(0)
    ((1, 1, 1), (0, 12, 31))
    """
    cycles = 0 if 1 <= day <= dt.date.max.toordinal() else (day - 1) // _CYCLE_DAYS
    date = dt.date.fromordinal(day - cycles * _CYCLE_DAYS)
    return date.year + cycles * _CYCLE_YEARS, date.month, date.day


def month_start(year: int, month: int) -> int:
    """The first day of a month; month 13 is January of the next year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    common = dt.date(2001, month, 1).toordinal() - dt.date(2001, 1, 1).toordinal()
    leap = month > 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return first_day_of_year(year) + common + leap

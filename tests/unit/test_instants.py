"""Texts of instants: what is known to be read back is read back, by schematics itself."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schematics.types import DateTimeType, TimestampType, UTCDateTimeType

from rs_search import kinds
from rs_search.instants import is_read_back
from rs_search.kinds import Unkeepable, to_native

WITH_Z = "%Y-%m-%dT%H:%M:%S.%fZ"
OPTIONS = [
    {"tzd": tzd, "convert_tz": convert, "drop_tzinfo": drop, **form}
    for tzd, convert, drop, form in product(
        ("require", "allow", "utc", "reject"),
        (True, False),
        (True, False),
        ({}, {"serialized_format": WITH_Z}, {"formats": "%Y-%m-%d"}, {"parser": dt.datetime.fromisoformat}),
    )
]
TYPES = [
    *(DateTimeType(**options) for options in OPTIONS),
    *(UTCDateTimeType(**{name: value for name, value in options.items() if name != "serialized_format"})
      for options in OPTIONS),
    *(TimestampType(), TimestampType(drop_tzinfo=True), DateTimeType(serialized_format=str)),
]  # fmt: skip
EVERYDAY = [DateTimeType(), UTCDateTimeType(), DateTimeType(tzd="reject"), DateTimeType(tzd="utc", drop_tzinfo=True)]
zones = st.sampled_from([None, dt.timezone.utc, DateTimeType.UTC]) | st.builds(
    dt.timezone, st.timedeltas(dt.timedelta(hours=-23, minutes=-59), dt.timedelta(hours=23, minutes=59))
)
minutes = st.integers(-1439, 1439)
fixed = st.builds(lambda number: dt.timezone(dt.timedelta(minutes=number)), minutes)
theirs = st.builds(lambda number: DateTimeType.offset_timezone(minutes=number), minutes)
edges = st.sampled_from([dt.datetime.min, dt.datetime.max, dt.datetime(1, 1, 1, 0, 0, 0, 1), dt.datetime(1970, 1, 1)])
moments = st.builds(lambda at, zone: at.replace(tzinfo=zone), st.datetimes() | edges, zones | fixed | theirs)


@given(st.sampled_from(EVERYDAY) | st.sampled_from(TYPES), moments)
def test_what_is_known_to_be_read_back_is_read_back_as_the_same_instant(type_: Any, moment: dt.datetime) -> None:
    if is_read_back(type_, moment):
        back = to_native(type_, kinds.INSTANT.encode(type_, moment))
        assert back == moment
        assert back.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize("type_", EVERYDAY)
def test_a_naive_instant_is_known_to_be_read_back_by_everyday_types(type_: Any) -> None:
    assert is_read_back(type_, dt.datetime(2024, 2, 29, 12, 0, 0, 5))


@pytest.mark.parametrize("zone", [dt.timezone.utc, DateTimeType.UTC, DateTimeType.offset_timezone(5, 30)])
def test_an_offset_of_whole_minutes_is_known_to_be_read_back(zone: dt.tzinfo) -> None:
    assert is_read_back(DateTimeType(), dt.datetime(2024, 2, 29, tzinfo=zone))


class Local(dt.tzinfo):
    def utcoffset(self, at: Any) -> dt.timedelta:
        return dt.timedelta(hours=1)

    def dst(self, at: Any) -> None:
        return None


class Moment(dt.datetime):
    pass


@pytest.mark.parametrize(
    ("type_", "moment"),
    [
        (DateTimeType(tzd="utc"), dt.datetime(2024, 1, 1)),
        (DateTimeType(tzd="require"), dt.datetime(2024, 1, 1)),
        (DateTimeType(serialized_format=WITH_Z), dt.datetime(2024, 1, 1)),
        (DateTimeType(drop_tzinfo=True), dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)),
        (DateTimeType(tzd="reject"), dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)),
    ],
)
def test_an_instant_that_is_read_back_as_another_one_is_refused(type_: Any, moment: dt.datetime) -> None:
    assert not is_read_back(type_, moment)
    with pytest.raises(Unkeepable):
        kinds.INSTANT.encode(type_, moment)


@pytest.mark.parametrize(
    "moment",
    [
        dt.datetime(2024, 1, 1, tzinfo=Local()),
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(seconds=5))),
        Moment(2024, 1, 1),
    ],
)
def test_of_other_zones_and_classes_it_is_tried_out(moment: dt.datetime) -> None:
    assert not is_read_back(DateTimeType(), moment)
    assert to_native(DateTimeType(), kinds.INSTANT.encode(DateTimeType(), moment)) == moment

"""Kinds: what a value of each type is stored as, read back as, compared by, and indexed as."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import uuid
from decimal import Decimal
from typing import Any

import pytest
from schematics.types import (
    BaseType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    EmailType,
    FloatType,
    GeoPointType,
    IntType,
    MACAddressType,
    MultilingualStringType,
    StringType,
    TimedeltaType,
    TimestampType,
    UnionType,
    UTCDateTimeType,
    UUIDType,
)

from rs_search import kinds
from rs_search.kinds import Unkeepable
from rs_search.schema import TYPE_ROWS, row_of


def kind_of(type_: BaseType) -> kinds.Kind:
    return row_of(type_).kind


UTC = dt.timezone.utc
HALF_PAST = dt.timezone(dt.timedelta(hours=5, minutes=30))


class Flavour(str, enum.Enum):
    VANILLA = "vanilla"


class Level(enum.IntEnum):
    HIGH = 3


class GermanDateType(DateType):
    SERIALIZED_FORMAT = "%d.%m.%Y"

    def to_primitive(self, value: Any, context: Any = None) -> str:
        return str(value.strftime(self.SERIALIZED_FORMAT))


KEPT: list[tuple[BaseType, Any, Any]] = [
    (StringType(), "", ""),
    (StringType(), "a\0b\ud7ff😀", "a\0b\ud7ff😀"),
    (StringType(), Flavour.VANILLA, "vanilla"),
    (EmailType(), "ann@example.com", "ann@example.com"),
    (UUIDType(), uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (MACAddressType(), "aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:ff"),
    (IntType(), -(2**63), -(2**63)),
    (IntType(), 2**64 - 1, 2**64 - 1),
    (IntType(), Level.HIGH, 3),
    (FloatType(), 0.1, 0.1),
    (FloatType(), 5e-324, 5e-324),
    (FloatType(), 1.7976931348623157e308, 1.7976931348623157e308),
    (DecimalType(), Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
    (DecimalType(), Decimal("1E+400"), "1E+400"),
    (DecimalType(), Decimal("-Infinity"), "-Infinity"),
    (DecimalType(), Decimal("-0.10"), "-0.10"),
    (BooleanType(), True, True),
    (DateType(), dt.date(1, 2, 3), "0001-02-03"),
    (DateType(), dt.date.max, "9999-12-31"),
    (GermanDateType(formats=["%d.%m.%Y"]), dt.date(2020, 2, 3), "03.02.2020"),
    (DateTimeType(), dt.datetime(1, 1, 1), "0001-01-01T00:00:00.000000"),
    (DateTimeType(), dt.datetime(2024, 2, 29, 1, 2, 3, 4, HALF_PAST), "2024-02-29T01:02:03.000004+0530"),
    (UTCDateTimeType(), dt.datetime(2024, 2, 29, 12), "2024-02-29T12:00:00.000000Z"),
    (TimestampType(), dt.datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC), 1000000000.0),
    (TimestampType(), dt.datetime(1969, 12, 31, 23, 59, 59, 500000, UTC), -0.5),
    (TimedeltaType(), dt.timedelta(seconds=90), 90),
    (TimedeltaType(), dt.timedelta(microseconds=5), 5e-06),
    (TimedeltaType(precision="days"), dt.timedelta(days=2, hours=12), 2.5),
    (GeoPointType(), [48.2, 16], [48.2, 16]),
    (GeoPointType(), {"lat": 48.2, "lon": 16.37}, {"lat": 48.2, "lon": 16.37}),
    (MultilingualStringType(), {"en_US": "Ice", "de": None}, {"en_US": "Ice", "de": None}),
    (UnionType((IntType, StringType)), "forty", "forty"),
    (BaseType(), {"a": [1, 2.5, None, True, "x"]}, {"a": [1, 2.5, None, True, "x"]}),
]


@pytest.mark.parametrize(("type_", "native", "primitive"), KEPT)
def test_a_value_is_stored_as_a_primitive_that_reads_back_equal(type_: BaseType, native: Any, primitive: Any) -> None:
    kind = kind_of(type_)
    encoded = kind.encode(type_, native)
    assert encoded == primitive
    assert type(encoded) is type(primitive)
    assert kind.decode(type_, encoded) == native


@pytest.mark.parametrize(("type_", "native", "primitive"), KEPT)
def test_what_lookups_compare_is_the_same_from_a_document_and_from_an_instance(
    type_: BaseType, native: Any, primitive: Any
) -> None:
    kind = kind_of(type_)
    comparable = kind.comparable(type_, native)
    assert comparable == kind.comparable(type_, kind.decode(type_, primitive))
    if type(primitive) in kind.plain:
        assert comparable == primitive
    assert hash(comparable) == hash(comparable)


REFUSED: list[tuple[BaseType, Any, str]] = [
    (StringType(), "lone \ud800", "surrogate at position 5"),
    (IntType(), 2**64, "64 bits"),
    (IntType(), -(2**63) - 1, "64 bits"),
    (FloatType(), math.nan, "no form for nan"),
    (FloatType(), -math.inf, "no form for -inf"),
    (DecimalType(), Decimal("NaN"), "NaN"),
    (DecimalType(), Decimal("sNaN"), "NaN"),
    (GermanDateType(), dt.date(2020, 2, 3), "cannot be read back"),
    (DateTimeType(serialized_format="%Y-%m-%dT%H:%M:%S"), dt.datetime(2020, 1, 1, 0, 0, 0, 5), "reads back as"),
    (DateTimeType(), dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(seconds=1))), "out of range"),
    (
        TimedeltaType(precision="days"),
        dt.timedelta(days=999999999, microseconds=1),
        "reads back as|cannot be read back",
    ),
    (GeoPointType(), [math.inf, 1.0], "no form for inf"),
    (GeoPointType(), [10**30, 1], "64 bits"),
    (MultilingualStringType(), {"en_US": 5}, "int, where text is stored"),
    (MultilingualStringType(), {5: "x"}, "locale 5"),
    (BaseType(), object(), "no form for object"),
    (BaseType(), {1: "x"}, "no form for dict"),
    (BaseType(), {"a": {1, 2}}, "no form for set"),
    (BaseType(), b"bytes", "no form for bytes"),
    (BaseType(), [math.nan], "no form for nan"),
    (BaseType(), {"a": [2**64]}, "64 bits"),
    (BaseType(), {"\ud800": 1}, "surrogate"),
    (BaseType(), (1, 2), "does not read back equal"),
    (UnionType((StringType, DateType)), dt.date(2020, 1, 1), "does not read back equal"),
]


@pytest.mark.parametrize(("type_", "native", "reason"), REFUSED)
def test_a_value_that_could_not_come_back_equal_is_refused_with_the_reason(
    type_: BaseType, native: Any, reason: str
) -> None:
    with pytest.raises(Unkeepable, match=reason):
        kind_of(type_).encode(type_, native)


def test_an_offset_with_seconds_is_stored_as_the_same_instant_in_utc() -> None:
    lmt = dt.datetime(1890, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=1, minutes=5, seconds=21)))
    encoded = kinds.INSTANT.encode(DateTimeType(), lmt)
    assert encoded == "1890-01-01T10:54:39.000000+0000"
    assert kinds.INSTANT.decode(DateTimeType(), encoded) == lmt


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (dt.datetime(2024, 1, 1, 12), dt.datetime(2024, 1, 1, 12, tzinfo=UTC)),
        (dt.datetime(2024, 1, 1, 12, tzinfo=UTC), dt.datetime(2024, 1, 1, 17, 30, tzinfo=HALF_PAST)),
    ],
)
def test_the_same_instant_is_compared_as_equal_and_naive_counts_as_utc(first: dt.datetime, second: dt.datetime) -> None:
    assert kinds.instant_microseconds(first) == kinds.instant_microseconds(second)


@pytest.mark.parametrize(
    ("native", "microseconds"),
    [
        (dt.datetime(1970, 1, 1), 0),
        (dt.datetime(1969, 12, 31, 23, 59, 59, 999999), -1),
        (dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))), -62135596800_000000 - 14 * 3600_000000),
        (dt.datetime.max, 253402300799_999999),
    ],
)
def test_an_instant_is_microseconds_since_1970_even_beyond_what_utc_has_years_for(
    native: dt.datetime, microseconds: int
) -> None:
    assert kinds.instant_microseconds(native) == microseconds


NUMBERS: list[tuple[kinds.Kind, Any, float, bool]] = [
    (kinds.INTEGER, 0, 0, True),
    (kinds.INTEGER, 2**53 - 1, 2**53 - 1, True),
    (kinds.INTEGER, 2**53, 2.0**53, True),
    (kinds.INTEGER, 2**53 + 1, 2.0**53, False),
    (kinds.INTEGER, -(2**53) - 1, -(2.0**53), False),
    (kinds.INTEGER, 2**63, 2.0**63, True),
    (kinds.INTEGER, 10**400, kinds.LARGEST_DOUBLE, False),
    (kinds.INTEGER, -(10**400), -kinds.LARGEST_DOUBLE, False),
    (kinds.FLOAT, 0.1, 0.1, True),
    (kinds.FLOAT, 0.9654801388982029, 0.9654801388982029, False),
    (kinds.FLOAT, math.inf, math.inf, True),
    (kinds.DECIMAL, Decimal("0.1"), 0.1, True),
    (kinds.DECIMAL, Decimal("0.1000000000000000055511151231257827"), 0.1, False),
    (kinds.DECIMAL, Decimal("123456789012345"), 123456789012345.0, True),
    (kinds.DECIMAL, Decimal("1234567890123456"), 1234567890123456.0, False),
    (kinds.DECIMAL, Decimal("1E+400"), kinds.LARGEST_DOUBLE, False),
    (kinds.DECIMAL, Decimal("1E-400"), 0.0, False),
    (kinds.DECIMAL, Decimal("-Infinity"), -kinds.LARGEST_DOUBLE, False),
    (kinds.DECIMAL, Decimal("-0"), 0.0, True),
]


@pytest.mark.parametrize(("kind", "comparable", "number", "exact"), NUMBERS)
def test_a_number_of_the_index_says_whether_it_stands_for_one_value_only(
    kind: kinds.Kind, comparable: Any, number: float, exact: bool
) -> None:
    assert kind.number is not None
    assert kind.number(comparable) == (number, exact)


@pytest.mark.parametrize("kind", [kinds.INTEGER, kinds.DECIMAL])
def test_numbers_said_to_be_exact_keep_values_apart_and_in_order(kind: kinds.Kind) -> None:
    assert kind.number is not None
    values = [Decimal(text) for text in ("-1E+14", "-0.3", "0", "0.1", "0.3", "0.30000000000001", "999999999999999")]
    values = sorted(values if kind is kinds.DECIMAL else {int(value) for value in values})
    numbers = [kind.number(value) for value in values]
    assert all(exact for _, exact in numbers)
    assert [number for number, _ in numbers] == sorted({number for number, _ in numbers})


@pytest.mark.parametrize(
    ("first", "second"),
    [(True, 1), (False, 0), ([1], (1, 2)), ([True], [1]), ({"a": 1}, {"a": True}), ([1], {"a": 1}), ([], {})],
)
def test_values_that_json_tells_apart_are_not_equal(first: Any, second: Any) -> None:
    assert kinds.canonical(first) != kinds.canonical(second)


@pytest.mark.parametrize(("first", "second"), [(1, 1.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ([1, [2]], (1, (2,)))])
def test_values_that_json_takes_for_the_same_are_equal(first: Any, second: Any) -> None:
    assert kinds.canonical(first) == kinds.canonical(second)
    assert hash(kinds.canonical(first)) == hash(kinds.canonical(second))


def test_every_type_of_schematics_has_the_row_of_its_nearest_base() -> None:
    class Money(DecimalType):
        pass

    assert row_of(Money()).type is DecimalType
    assert row_of(BaseType()).type is BaseType
    assert len({row.type for row in TYPE_ROWS}) == len(TYPE_ROWS)


@pytest.mark.parametrize("row", TYPE_ROWS, ids=lambda row: row.type.__name__)
def test_a_row_names_index_fields_that_its_kind_can_fill(row: Any) -> None:
    able = {"TAG": row.kind.tag, "NUMERIC": row.kind.number, "TEXT": row.kind in (kinds.TEXT, kinds.MULTILINGUAL),
            "GEO": row.kind is kinds.POINT}  # fmt: skip
    assert all(able[name] for name in row.index)


class Colour(enum.Enum):
    RED = "red"


class ColourType(StringType):
    """A type of one's own whose native value is no text."""

    def to_native(self, value: Any, context: Any = None) -> Colour:
        return value if isinstance(value, Colour) else Colour(value)

    def to_primitive(self, value: Any, context: Any = None) -> str:
        return str(value.value)


def test_a_type_of_ones_own_is_stored_by_its_own_primitive() -> None:
    assert kinds.TEXT.encode(ColourType(), Colour.RED) == "red"


def test_a_type_of_ones_own_is_compared_by_its_primitive() -> None:
    assert kinds.TEXT.comparable(ColourType(), Colour.RED) == "red"


def test_decimals_keep_every_digit_whatever_the_context() -> None:
    value = Decimal("1." + "1" * 60)
    with decimal.localcontext() as context:
        context.prec = 5
        assert kinds.DECIMAL.decode(DecimalType(), kinds.DECIMAL.encode(DecimalType(), value)) == value

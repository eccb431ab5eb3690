"""Primary keys and Redis keys: which object is which, and that no two objects share a key."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from decimal import Decimal
from typing import Any

import pytest
from fixtures.models import IceCream
from hypothesis import given
from hypothesis import strategies as st
from schematics.models import Model
from schematics.types import (
    DateTimeType,
    DateType,
    DecimalType,
    FloatType,
    IntType,
    StringType,
    TimestampType,
    UTCDateTimeType,
    UUIDType,
)
from schematics.types.serializable import serializable

from rs_search import Objects, SearchRedisMixin, objects
from rs_search.errors import InvalidObject, InvalidValue
from rs_search.primary_key import key_for, new_primary_key, primary_key, primary_key_of_values, text_of_pk
from rs_search.storage.keys import KeyPattern, quoted


def key_of(prefix: str, pk: str) -> str:
    return KeyPattern(f"{prefix}:").key(pk)


def pk_of(prefix: str, key: str) -> str:
    return KeyPattern(f"{prefix}:").pk(key)


class Plain(Model, SearchRedisMixin):
    name = StringType()


class Identified(Model, SearchRedisMixin):
    id = UUIDType()
    name = StringType()


class Pair(Model, SearchRedisMixin):
    __unique_together__ = ("first", "second")
    first = StringType()
    second = StringType()
    third = IntType()


class Numbered(Model, SearchRedisMixin):
    pk = IntType()


class Exact(Model, SearchRedisMixin):
    pk = DecimalType()


VIENNA = dt.timezone(dt.timedelta(hours=1))
ID = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        (IceCream(), None),
        (IceCream({"pk": "p", "id": "i"}), "p"),
        (IceCream({"id": "i"}), "i"),
        (IceCream({"pk": "", "id": "i"}), "i"),
        (IceCream({"id": ""}), None),
        (Plain({"name": "x"}), None),
        (Identified({"id": ID}), str(ID)),
        (Numbered({"pk": 0}), "0"),
        (Numbered({"pk": "007"}), "7"),
        (Pair({"first": "a", "second": "b"}), "a.b"),
        (Pair({"first": "a.b", "second": "c"}), "a%2Eb.c"),
        (Pair({"first": "a", "second": "b.c"}), "a.b%2Ec"),
        (Pair({"first": "a:b", "second": "c%"}), "a%3Ab.c%25"),
        (Pair({"first": "a"}), None),
        (Pair({"first": "", "second": ""}), "."),
    ],
)
def test_the_primary_key_is_pk_else_id_else_what_is_unique_together(instance: Model, expected: str | None) -> None:
    assert primary_key(instance) == expected


def test_an_object_without_a_pk_field_remembers_the_key_it_was_stored_under() -> None:
    plain = Plain({"name": "x"})
    plain.__dict__["pk"] = "stored"
    assert primary_key(plain) == "stored"


def test_a_computed_pk_is_the_primary_key() -> None:
    class Computed(Model, SearchRedisMixin):
        name = StringType()

        @serializable(type=StringType())
        def pk(self) -> str:
            return f"<{self.name}>"

    assert primary_key(Computed({"name": "x"})) == "<x>"


def test_a_new_primary_key_is_a_random_uuid() -> None:
    first, second = new_primary_key(IceCream), new_primary_key(IceCream)
    assert first != second
    assert uuid.UUID(first).version == 4


def test_no_key_is_made_up_where_fields_are_unique_together() -> None:
    with pytest.raises(InvalidObject, match="Pair needs first, second to make its primary key"):
        new_primary_key(Pair)


def test_a_primary_key_that_cannot_be_read_is_told() -> None:
    with pytest.raises(InvalidValue, match=r"Numbered\.pk: 'many' cannot be read as IntType"):
        text_of_pk(Numbered, "many")
    with pytest.raises(InvalidValue, match=r"Identified\.id: 'x' cannot be read as UUIDType"):
        text_of_pk(Identified, "x")
    numbered = Numbered()
    numbered.pk = "many"
    with pytest.raises(InvalidObject, match=r"Numbered.pk: 'many' cannot be read as IntType"):
        primary_key(numbered)


@pytest.mark.parametrize(
    ("model", "value", "text"),
    [
        (IceCream, "a", "a"),
        (IceCream, 5, "5"),
        (Numbered, "5", "5"),
        (Numbered, 5.0, "5"),
        (Identified, ID, str(ID)),
        (Identified, ID.hex, str(ID)),
        (Plain, 5, "5"),
        (Pair, "a.b", "a.b"),
    ],
)
def test_a_primary_key_is_read_by_the_field_that_holds_it(model: type[Model], value: Any, text: str) -> None:
    assert text_of_pk(model, value) == text


@pytest.mark.parametrize(
    ("type_", "first", "second"),
    [
        (DecimalType(), Decimal("1.0"), Decimal("1.00")),
        (FloatType(), 0.0, -0.0),
        (DecimalType(), Decimal("1E+2"), Decimal("100.0")),
        (DecimalType(), Decimal("1E+400"), Decimal("10E+399")),
        (DecimalType(), Decimal(0), Decimal("-0E+50")),
        (DateTimeType(), dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)),
        (DateTimeType(), dt.datetime(2024, 1, 1, 1, tzinfo=VIENNA), dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)),
        (DateTimeType(tzd="require"), "2024-01-01T01:00:00+0100", "2024-01-01T00:00:00Z"),
        (TimestampType(), dt.datetime(2024, 1, 1, 1, tzinfo=VIENNA), 1704067200),
        (UTCDateTimeType(), dt.datetime(2024, 1, 1, 1, tzinfo=VIENNA), "2024-01-01T00:00:00Z"),
    ],
)
def test_equal_values_are_one_primary_key(type_: Any, first: Any, second: Any) -> None:
    model: Any = type("Odd", (Model, SearchRedisMixin), {"pk": type_})
    text = text_of_pk(model, first)
    assert text_of_pk(model, second) == text
    assert text_of_pk(model, text) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("100", "100"),
        ("0.10", "0.1"),
        ("-1.50", "-1.5"),
        ("1E-30", "1E-30"),
        ("12345678901234567890123456789012345.670", "12345678901234567890123456789012345.67"),
        ("1E+400", "1E+400"),
        ("Infinity", "Infinity"),
    ],
)
def test_a_decimal_key_keeps_every_digit_that_counts(number: str, text: str) -> None:
    assert text_of_pk(Exact, number) == text


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_have_one_key_exactly_if_they_are_equal(first: Decimal, second: Decimal) -> None:
    assert (text_of_pk(Exact, first) == text_of_pk(Exact, second)) is (first == second)
    padded = Decimal((first.as_tuple().sign, (*first.as_tuple().digits, 0), first.as_tuple().exponent - 1))
    assert text_of_pk(Exact, padded) == text_of_pk(Exact, first)


# --- keys -------------------------------------------------------------------------------------------------------------


parts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
awkward = st.one_of(parts, st.text("ab.:%23AE", max_size=6))


@given(awkward, awkward)
def test_different_primary_keys_have_different_keys_with_one_colon(first: str, second: str) -> None:
    assert (key_of("M", first) == key_of("M", second)) is (first == second)
    assert key_of("M", first).count(":") == 1


@given(awkward)
def test_a_key_tells_its_primary_key(pk: str) -> None:
    for prefix in ("M", "app:M", "%3A", "é"):
        assert pk_of(prefix, key_of(prefix, pk)) == pk


@given(st.tuples(awkward, awkward), st.tuples(awkward, awkward))
def test_different_values_that_are_unique_together_have_different_keys(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    keys = [primary_key_of_values(Pair, {"first": one, "second": two}) for one, two in (first, second)]
    assert (keys[0] == keys[1]) is (first == second)


def test_text_that_no_primary_key_can_be_is_told_as_its_field() -> None:
    with pytest.raises(InvalidValue, match=r"IceCream\.pk: '\\ud800' cannot be read as StringType: a lone surrogate"):
        text_of_pk(IceCream, "\ud800")


def test_a_primary_key_may_not_contain_nul() -> None:
    with pytest.raises(InvalidObject, match="must not contain NUL"):
        key_for(IceCream, "a\0b")


def test_a_primary_key_without_a_utf8_form_is_refused() -> None:
    with pytest.raises((InvalidObject, InvalidValue)):
        key_for(Plain, text_of_pk(Plain, "\ud800"))


@pytest.mark.parametrize(
    ("part", "also", "text"),
    [("a:b", "", "a%3Ab"), ("50%", "", "50%25"), ("a.b", ".", "a%2Eb"), ("a.b", "", "a.b"), ("é ", "", "é ")],
)
def test_a_part_is_quoted(part: str, also: str, text: str) -> None:
    assert quoted(part, also) == text


@pytest.mark.parametrize("model", [IceCream, Plain])
def test_the_key_of_an_object_that_was_never_stored_is_refused(model: Any) -> None:
    for ask in (lambda one: one.key, objects(model).key, objects(model).delete, objects(model).refresh):
        with pytest.raises(InvalidObject, match=f"this {model.__name__} has no primary key yet"):
            ask(model())


def test_an_object_tells_its_key_and_primary_key() -> None:
    ice = IceCream({"id": "a:b"})
    assert (ice.key, ice.__primary_key__, objects(IceCream).primary_key(ice)) == ("IceCream:a%3Ab", "a:b", "a:b")


# --- which lookups name a key -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "lookups", "pk"),
    [
        (IceCream, {"pk": "x"}, "x"),
        (IceCream, {"pk__exact": "x", "flavour": "y"}, "x"),
        (IceCream, {"pk__eq": "x"}, "x"),
        (Plain, {"pk": "x"}, "x"),
        (Numbered, {"pk": "5"}, "5"),
        (Identified, {"id": ID.hex}, str(ID)),
        (Pair, {"first": "a", "second": "b", "third": 5}, "a.b"),
        (Pair, {"first": "a"}, None),
        (Pair, {"first": "a", "second__ne": "b"}, None),
        (Pair, {"first": "a", "second": None}, None),
        (IceCream, {"flavour": "x"}, None),
        (IceCream, {"pk": None}, None),
        (IceCream, {"pk__ne": "x"}, None),
        (IceCream, {"pk__in": ["x"]}, None),
        (IceCream, {"id": "x"}, "x"),
    ],
)
def test_lookups_by_equality_of_what_makes_the_key_are_a_key_lookup(
    model: type[Any], lookups: dict[str, Any], pk: str | None
) -> None:
    assert Objects(model)._pk_among(lookups) == pk


def test_parts_of_every_type_make_keys_apart() -> None:
    class Typed(Model):
        __unique_together__ = ("day", "number")
        day = DateType()
        number = IntType()

    values = itertools.product([dt.date(1, 1, 1), dt.date(2024, 1, 1)], [-1, 0, 1, 11])
    keys = [primary_key_of_values(Typed, {"day": day, "number": number}) for day, number in values]
    assert len(set(keys)) == 8
    assert keys[0] == "0001-01-01.-1"

"""What every lookup means: tables of documents, and an order of rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from fixtures.models import Everything
from schematics.models import Model
from schematics.types import IntType, ListType, ModelType, StringType, UnionType

from rs_search import Q
from rs_search.codec import encode, parse
from rs_search.planner import ft
from rs_search.planner.predicate import OPERATORS, predicate, sort_rows
from rs_search.query.bind import bind, bind_order


def holds(query: Q, values: dict[str, Any], model: type[Model] = Everything) -> bool:
    """Whether an object with these values, stored, meets a query."""
    return predicate(bind(model, query))(parse(encode(model(values)), "key"))


BIG = 2**53 + 1
MEANINGS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    # exact, and None
    ({"string": "x"}, {"string": "x"}, True),
    ({"string": "x"}, {"string": "X"}, False),
    ({"string": "x "}, {"string": "x"}, False),
    ({"string": "é"}, {"string": "e\u0301"}, False),
    ({}, {"string": "x"}, False),
    ({}, {"string": ""}, False),
    ({}, {"string": None}, True),
    ({"string": ""}, {"string": None}, False),
    ({"string": ""}, {"string": ""}, True),
    ({"boolean": False}, {"boolean": False}, True),
    ({}, {"boolean": False}, False),
    ({"integer": 0}, {"integer": None}, False),
    ({"integer": BIG}, {"integer": BIG}, True),
    ({"integer": BIG}, {"integer": BIG - 1}, False),
    ({"float": -0.0}, {"float": 0}, True),
    ({"decimal": "0.10"}, {"decimal": "0.1"}, True),
    ({"decimal": "0.1000000000000000000001"}, {"decimal": "0.1"}, False),
    ({"datetime": dt.datetime(2024, 1, 1)}, {"datetime": "2024-01-01T01:00:00+0100"}, True),
    ({"point": [1, 2]}, {"point": (1.0, 2.0)}, True),
    ({"point": [1, 2]}, {"point": (2, 1)}, False),
    ({"anything": 1}, {"anything": True}, False),
    ({"anything": {"a": [1]}}, {"anything": {"a": (1,)}}, True),
    ({"multilingual": {"en_US": "x", "de": "y"}}, {"multilingual": {"de": "y", "en_US": "x"}}, True),
    ({"multilingual": {"en_US": "x"}}, {"multilingual__en_US": "x"}, True),
    ({"multilingual": {"en_US": "x"}}, {"multilingual__de": None}, True),
    ({"mapping": {"a": 1}}, {"mapping__a": 1}, True),
    ({"mapping": {"b": 1}}, {"mapping__a__ne": 1}, True),
    # complements keep what is missing
    ({}, {"string__ne": "x"}, True),
    ({}, {"string__nin": ["x"]}, True),
    ({"string": "x"}, {"string__ne": None}, True),
    ({}, {"string__ne": None}, False),
    ({}, {"string__nin": ["x", None]}, False),
    # in
    ({"string": "x"}, {"string__in": []}, False),
    ({"string": "x"}, {"string__nin": []}, True),
    ({}, {"string__in": ["x", None]}, True),
    ({"integer": 2}, {"integer__in": ["1", "2"]}, True),
    # order: the missing has none
    ({}, {"integer__gt": 0}, False),
    ({}, {"integer__lte": 0}, False),
    ({"integer": BIG}, {"integer__gt": BIG - 1}, True),
    ({"integer": BIG}, {"integer__lte": BIG - 1}, False),
    ({"integer": 5}, {"integer__range": (5, 5)}, True),
    ({"integer": 5}, {"integer__range": (6, 4)}, False),
    ({"string": "b"}, {"string__gt": "B"}, True),
    ({"string": "é"}, {"string__gt": "z"}, True),
    ({"decimal": "1E+400"}, {"decimal__gt": "1E+399"}, True),
    ({"date": dt.date(1, 1, 1)}, {"date__lt": dt.date(1, 1, 2)}, True),
    ({"timedelta": dt.timedelta(microseconds=1)}, {"timedelta__gt": 0}, True),
    # lists: some element
    ({"strings": ["x", "y"]}, {"strings": "y"}, True),
    ({"strings": ["x", "y"]}, {"strings__ne": "y"}, False),
    ({"strings": []}, {"strings": None}, True),
    ({"strings": [None]}, {"strings": None}, True),
    ({"strings": [None, "x"]}, {"strings": None}, False),
    ({}, {"strings__isnull": True}, True),
    ({"integers": [1, 5]}, {"integers__gt": 4, "integers__lt": 2}, True),
    ({"integers": [1, 5]}, {"integers__range": (2, 4)}, False),
    ({"cities": [{"name": "a", "visitors": 1}, {"name": "b", "visitors": 2}]},
     {"cities__name": "a", "cities__visitors": 2}, True),
    ({"cities": [{"tags": ["x"]}, {"tags": ["y"]}]}, {"cities__tags": "y"}, True),
    ({"cities": [{}]}, {"cities__name": None}, True),
    ({"cities": [{}, {"name": "x"}]}, {"cities__name": None}, False),
    # objects
    ({"city": {}}, {"city__isnull": True}, False),
    ({}, {"city__isnull": True}, True),
    ({"city": {}}, {"city__name": None}, True),
    ({"pet": {"lives": 9}}, {"pet__lives": 9}, True),
    ({"mapping": {}}, {"mapping__isnull": True}, False),
    # search
    ({"string": "Sweet Vanillas"}, {"string__search": "vanilla sweet"}, True),
    ({"string": "x"}, {"string__search": "?!"}, False),
    ({}, {"string__search": "x"}, False),
    ({"strings": ["sweet", "vanilla"]}, {"strings__search": "sweet vanilla"}, False),
    ({"strings": ["sweet", "vanilla ices, sweet"]}, {"strings__search": "sweet vanilla"}, True),
    ({"multilingual": {"en_US": "ice", "de": "cream"}}, {"multilingual__search": "ice cream"}, False),
    ({"multilingual": {"en_US": "ice cream", "de": None}}, {"multilingual__search": "ice cream"}, True),
    ({"renamed": "kept"}, {"renamed": "kept"}, True),
    ({"string": "x"}, {"shouted": "X"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("values", "lookups", "expected"), MEANINGS)
def test_a_lookup_means(values: dict[str, Any], lookups: dict[str, Any], expected: bool) -> None:
    assert holds(Q(**lookups), values) is expected
    assert holds(~Q(**lookups), values) is not expected


def test_everything_holds_for_any_document_and_nothing_for_none() -> None:
    assert holds(Q(), {})
    assert not holds(~Q(), {})


def test_the_check_and_the_query_text_know_the_same_operators() -> None:
    assert OPERATORS == ft.OPERATORS


def test_a_deeper_level_of_a_model_in_itself_is_found() -> None:
    class Node(Model):
        name = StringType()
        children = ListType(ModelType("Node"))

    values = {"children": [{"children": [{"name": "x"}]}, {}]}
    assert holds(Q(children__children__name="x"), values, Node)
    assert not holds(Q(children__name="x"), values, Node)


class Inner(Model):
    x = IntType()


class Either(Model):
    either = UnionType((IntType, ListType(IntType)))


def test_a_union_compares_whatever_type_took_the_value() -> None:
    assert holds(Q(either=5), {"either": 5}, Either)
    assert not holds(Q(either=5), {"either": [5]}, Either)
    assert holds(Q(either=[5]), {"either": [5]}, Either)


def test_a_union_may_hold_an_object() -> None:
    class Holder(Model):
        either = UnionType((IntType, ModelType(Inner)))

    assert not holds(Q(either=5), {"either": {"x": 5}}, Holder)
    assert holds(Q(either={"x": 5}), {"either": {"x": 5}}, Holder)
    assert not holds(Q(either={"x": 6}), {"either": {"x": 5}}, Holder)


# --- order ------------------------------------------------------------------------------------------------------------


def ordered(objects: dict[str, dict[str, Any]], *names: str) -> list[str]:
    rows = [(key, parse(encode(Everything(values)), key)) for key, values in objects.items()]
    return [key for key, _ in sort_rows(rows, bind_order(Everything, names))]


THINGS: dict[str, dict[str, Any]] = {
    "d": {"integer": 1, "string": "B"},
    "c": {"integer": 1, "string": "a"},
    "b": {"string": "a"},
    "a": {"integer": BIG, "string": None},
    "é": {"integer": BIG - 1},
}


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ((), ["a", "b", "c", "d", "é"]),
        (("integer",), ["c", "d", "é", "a", "b"]),
        (("-integer",), ["a", "é", "c", "d", "b"]),
        (("string",), ["d", "b", "c", "a", "é"]),
        (("-string",), ["b", "c", "d", "a", "é"]),
        (("integer", "-string"), ["c", "d", "é", "a", "b"]),
        (("-integer", "string"), ["a", "é", "d", "c", "b"]),
        (("string", "integer"), ["d", "c", "b", "é", "a"]),
        (("integer", "integer"), ["c", "d", "é", "a", "b"]),
    ],
)
def test_rows_stand_in_order_with_the_missing_last_and_ties_by_key(names: tuple[str, ...], keys: list[str]) -> None:
    assert ordered(THINGS, *names) == keys


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("decimal", ["-1E+400", "0.1", "0.10000000000000000001", "1E+400", "Infinity"]),
        ("datetime", ["2024-01-01T01:00:00+0200", "2024-01-01T00:00:00", "2024-01-01T00:00:00-0100"]),
        ("boolean", [False, True]),
        ("uuid", [f"{digit}2345678-1234-5678-1234-567812345678" for digit in "0a"]),
        ("timedelta", [dt.timedelta(days=-1), dt.timedelta(0), dt.timedelta(microseconds=1)]),
        ("string", ["", "A", "a", "é", "\uffff", "😀"]),
    ],
)
def test_values_are_ordered_as_they_are_compared(name: str, values: list[Any]) -> None:
    objects = {str(9 - place): {name: value} for place, value in enumerate(values)}
    assert ordered(objects, name) == list(objects)
    assert ordered(objects, f"-{name}") == list(objects)[::-1]


def test_equal_decimals_of_different_length_are_a_tie() -> None:
    assert ordered({"b": {"decimal": Decimal("1.0")}, "a": {"decimal": Decimal("1.00")}}, "-decimal") == ["a", "b"]

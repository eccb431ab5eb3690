"""The order of rows, and the first of each combination of values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from fixtures.encoding import encoded
from fixtures.models import Everything

from rs_search.planner.order import Seen, ranker
from rs_search.planner.order import ordered as ranked
from rs_search.query.bind import bind_order, bind_paths
from rs_search.reading import parse
from rs_search.turns import finished

BIG = 2**53 + 1


def ordered(objects: dict[str, dict[str, Any]], *names: str, keys_down: bool = False) -> list[str]:
    rows = [(key, parse(encoded(Everything(values)), key)) for key, values in objects.items()]
    keys = bind_order(Everything, names)
    rank = ranker(keys)
    found = finished(ranked([(key, rank(document), None) for key, document in rows], keys, keys_down))
    return [key for key, _, _ in found]


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


def test_ties_stand_by_descending_key_where_keys_go_down() -> None:
    assert ordered(THINGS, keys_down=True) == ["é", "d", "c", "b", "a"]
    assert ordered(THINGS, "integer", keys_down=True) == ["d", "c", "é", "a", "b"]


# --- the first of each combination ------------------------------------------------------------------------------------


DISTINCT: list[tuple[tuple[str, ...], list[dict[str, Any]], list[bool]]] = [
    ((), [{}, {}], [True, True]),
    (("string",), [{"string": "x"}, {"string": "X"}, {"string": "x"}, {}, {"integer": 1}],
     [True, True, False, True, False]),
    (("string", "integer"), [{"string": "x", "integer": 1}, {"string": "x"}, {"string": "x", "integer": 1}],
     [True, True, False]),
    (("decimal",), [{"decimal": "1.0"}, {"decimal": "1.00"}], [True, False]),
    (("float",), [{"float": 1}, {"float": 1.0}, {"float": 0.0}, {"float": -0.0}], [True, False, True, False]),
    (("datetime",), [{"datetime": "2024-01-01T00:00:00"}, {"datetime": "2024-01-01T01:00:00+0100"}], [True, False]),
    (("boolean", "integer"), [{"boolean": True}, {"integer": 1}], [True, True]),
    (("strings",), [{"strings": ["a", "b"]}, {"strings": ["b", "a"]}, {"strings": ["a", "b"]}, {"strings": []}, {}],
     [True, True, False, True, True]),
    (("cities__name",), [{"cities": [{"name": "a"}]}, {"cities": [{"name": "b"}]}, {"cities": [{"name": "a"}]}, {}],
     [True, True, False, True]),
    (("cities__tags",), [{"cities": [{"tags": ["a", "b"]}]}, {"cities": [{"tags": ["a"]}, {"tags": ["b"]}]}],
     [True, True]),
    (("mapping__a",), [{"mapping": {"a": 1}}, {"mapping": {"a": 1, "b": 2}}, {"mapping": {}}], [True, False, True]),
    (("anything",), [{"anything": {"a": [1]}}, {"anything": {"a": [True]}}, {"anything": {"a": [1]}}],
     [True, True, False]),
    (("city",), [{"city": {"name": "a"}}, {"city": {"name": "b"}}, {"city": {"name": "a"}}], [True, True, False]),
    (("point",), [{"point": [1, 2]}, {"point": [1.0, 2.0]}], [True, False]),
]  # fmt: skip


@pytest.mark.parametrize(("names", "values", "firsts"), DISTINCT)
def test_rows_with_equal_values_are_seen_once(
    names: tuple[str, ...], values: list[dict[str, Any]], firsts: list[bool]
) -> None:
    seen = Seen(bind_paths(Everything, names, "distinct"))
    assert [seen.is_first(parse(encoded(Everything(value)), "key")) for value in values] == firsts


def test_rows_that_values_tells_apart_are_two_combinations() -> None:
    seen = Seen(bind_paths(Everything, ["cities__name"], "distinct"))
    rows = [{"cities": [{"name": "a"}, {}]}, {"cities": [{"name": "a"}]}]
    assert [seen.is_first(row) for row in rows] == [True, True]


def test_without_paths_every_row_is_the_first() -> None:
    seen = Seen(None)
    assert [seen.is_first({}), seen.is_first({})] == [True, True]

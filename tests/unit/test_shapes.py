"""What a row is: values at paths, through models, lists and dictionaries."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.models import FULL, Cat, City, Everything

from rs_search.query.bind import bind_paths
from rs_search.query.shapes import DICTIONARY, FLAT, INSTANCE, PARTIAL, TUPLE, Shape, reach

RIO = City({"name": "Rio", "tags": ["hot", "big"]})


@pytest.mark.parametrize(
    ("value", "names", "found"),
    [
        (5, (), 5),
        (None, ("a", "b"), None),
        ({"a": {"b": 1}}, ("a", "b"), 1),
        ({"a": 1}, ("b",), None),
        (5, ("a",), None),
        ([], ("a",), []),
        ([{"a": 1}, {}, None], ("a",), [1, None, None]),
        ([[{"a": 1}], []], ("a",), [[1], []]),
        (RIO, ("name",), "Rio"),
        (RIO, ("visitors",), None),
        (RIO, ("nothing",), None),
        ([RIO, City()], ("tags",), [["hot", "big"], None]),
        (Cat({"lives": 9}), ("tricks",), None),
        (Everything({"string": "x"}), ("shouted",), "X"),
    ],
)
def test_what_stands_at_the_end_of_a_path(value: Any, names: tuple[str, ...], found: Any) -> None:
    assert reach(value, names) == found


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (DICTIONARY, {"city__name": "Wien", "integer": 42, "cities__name": ["Rio", "Oslo"], "mapping__b c": 2}),
        (TUPLE, ("Wien", 42, ["Rio", "Oslo"], 2)),
        (FLAT, "Wien"),
    ],
)
def test_a_row_has_the_values_that_were_asked_for_in_their_order(kind: str, row: Any) -> None:
    shape = Shape(kind, bind_paths(Everything, ["city__name", "integer", "cities__name", "mapping__b c"], "values"))
    values = Everything(FULL)
    assert shape.row({name: values._data.get(name) for name in shape.fields}) == row


def test_a_shape_knows_the_fields_its_paths_begin_in() -> None:
    assert Shape(TUPLE, bind_paths(Everything, ["city__name", "pk", "city__tags"], "values")).fields == ("city", "pk")
    assert Shape().fields == ()


@pytest.mark.parametrize(
    ("kind", "of_values"), [(INSTANCE, False), (PARTIAL, False), (DICTIONARY, True), (TUPLE, True), (FLAT, True)]
)
def test_rows_are_values_or_instances(kind: str, of_values: bool) -> None:
    assert Shape(kind).of_values is of_values

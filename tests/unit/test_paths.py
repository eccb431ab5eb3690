"""Paths: how the server is told where a value stands, and what is read there."""

from __future__ import annotations

from typing import Any

import pytest
from schematics.types import StringType

from rs_search.paths import EACH, Path
from rs_search.schema import _field

TEXT = _field("x", StringType())


def path(*steps: str | None) -> Path:
    return Path(tuple(step for step in steps if step), steps, TEXT)


@pytest.mark.parametrize(
    ("steps", "json_path"),
    [
        (("a",), "$.a"),
        (("a", "b_2"), "$.a.b_2"),
        (("a", EACH), "$.a[*]"),
        (("a", EACH, "b", EACH, EACH), "$.a[*].b[*][*]"),
        (("stored name",), '$["stored name"]'),
        (("a.b",), '$["a.b"]'),
        (("é",), '$["é"]'),
        (("1a",), '$["1a"]'),
        (("a-b", "$", "*"), '$["a-b"]["$"]["*"]'),
        (('quo"ted',), '$["quo\\"ted"]'),
        (("back\\slash",), '$["back\\\\slash"]'),
        (("it's",), '$["it\'s"]'),
        (("",), '$[""]'),
    ],
)
def test_a_path_is_written_with_brackets_where_a_name_is_not_plain(
    steps: tuple[str | None, ...], json_path: str
) -> None:
    assert path(*steps).json_path() == json_path


@pytest.mark.parametrize(
    ("steps", "document", "values"),
    [
        (("a",), {"a": 1}, [1]),
        (("a",), {"a": None}, [None]),
        (("a",), {}, []),
        (("a",), {"a": [1, 2]}, [[1, 2]]),
        (("a", EACH), {"a": [1, None, 2]}, [1, None, 2]),
        (("a", EACH), {"a": []}, []),
        (("a", EACH), {"a": None}, []),
        (("a", EACH), {"a": "text"}, []),
        (("a", EACH), {"a": {"b": 1}}, []),
        (("a", "b"), {"a": {"b": 1}}, [1]),
        (("a", "b"), {"a": None}, []),
        (("a", "b"), {"a": "text"}, []),
        (("a", EACH, "b"), {"a": [{"b": 1}, {}, None, {"b": None}, 5]}, [1, None]),
        (("a", EACH, "b", EACH), {"a": [{"b": [1, 2]}, {"b": []}, {"b": [3]}]}, [1, 2, 3]),
        (("a", EACH, EACH), {"a": [[1], None, [2, 3]]}, [1, 2, 3]),
    ],
)
def test_a_path_reads_every_value_that_stands_at_its_end(
    steps: tuple[str | None, ...], document: dict[str, Any], values: list[Any]
) -> None:
    assert path(*steps).reader()(document) == values


def test_a_path_through_a_list_may_end_in_many_values() -> None:
    assert path("a", EACH, "b").multiple
    assert not path("a", "b").multiple


def test_a_path_reads_as_its_names() -> None:
    assert str(path("a", EACH, "b")) == "a__b"

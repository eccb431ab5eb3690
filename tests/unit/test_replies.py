"""Replies of real servers, RESP2 and RESP3, as bytes and as text: one shape.

Recorded from Redis 8.2.3 with RediSearch 2.10.5 and RedisJSON 2.8.3, through redis-py 8.1.0.
"""

from __future__ import annotations

from typing import Any

import pytest

from rs_search.server.index_info import index_info
from rs_search.server.replies import Page, aggregate_page, mapping, reduced, search_page, text

ROWS = [("t:1", b'{"a":"x"}')]
SEARCHES: dict[str, tuple[Any, bool, Page]] = {
    "RESP2": ([1, b"t:1", [b"$", b'{"a":"x"}']], True, Page(1, ROWS, ())),
    "RESP3": (
        {
            b"attributes": [],
            b"total_results": 1,
            b"format": b"STRING",
            b"results": [{b"id": b"t:1", b"extra_attributes": {b"$": b'{"a":"x"}'}, b"values": []}],
            b"warning": [],
        },
        True,
        Page(1, ROWS, ()),
    ),
    "RESP2 decoded": ([1, "t:1", ["$", '{"a":"x"}']], True, Page(1, [("t:1", '{"a":"x"}')], ())),
    "RESP3 decoded": (
        {
            "attributes": [],
            "total_results": 1,
            "format": "STRING",
            "results": [{"id": "t:1", "extra_attributes": {"$": '{"a":"x"}'}, "values": []}],
            "warning": [],
        },
        True,
        Page(1, [("t:1", '{"a":"x"}')], ()),
    ),
    "RESP2 nothing": ([0], True, Page(0, [], ())),
    "RESP2 count": ([2], False, Page(2, [], ())),
    "RESP3 count": (
        {b"attributes": [], b"total_results": 2, b"format": b"STRING", b"results": [], b"warning": []},
        False,
        Page(2, [], ()),
    ),
    "RESP2 keys": ([2, b"t:1", b"t:\xc3\xa9"], False, Page(2, [("t:1", None), ("t:é", None)], ())),
    "RESP3 keys": (
        {
            b"attributes": [],
            b"total_results": 2,
            b"format": b"STRING",
            b"results": [{b"id": b"t:1", b"values": []}, {b"id": b"t:\xc3\xa9", b"values": []}],
            b"warning": [],
        },
        False,
        Page(2, [("t:1", None), ("t:é", None)], ()),
    ),
    "RESP2 expired": (
        [2, b"t:1", None, b"t:2", [b"$", b"{}"]],
        True,
        Page(2, [("t:1", None), ("t:2", b"{}")], ()),
    ),
    "RESP3 expired": (
        {
            b"total_results": 1,
            b"results": [{b"id": b"t:1", b"extra_attributes": None, b"values": []}],
            b"warning": [],
        },
        True,
        Page(1, [("t:1", None)], ()),
    ),
    "RESP3 timeout": (
        {b"total_results": 0, b"results": [], b"warning": [b"Timeout limit was reached"]},
        True,
        Page(0, [], ("Timeout limit was reached",)),
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_reply_of_search_is_a_page(name: str) -> None:
    reply, content, page = SEARCHES[name]
    found = search_page(reply, content)
    assert found[:3] == page[:3]
    assert not found.texts_there or all(text is not None for _, text in found.rows)


SORTED = [
    ("t:é", b'{"a":"y"}'),
    ("t:1", b'{"a":"x"}'),
]
AGGREGATES: dict[str, tuple[Any, Page]] = {
    "RESP2": (
        [
            2,
            [b"__key", b"t:\xc3\xa9", b"a", b"y", b"$", b'{"a":"y"}'],
            [b"__key", b"t:1", b"a", b"x", b"$", b'{"a":"x"}'],
        ],
        Page(2, SORTED, ()),
    ),
    "RESP3": (
        {
            b"attributes": [],
            b"total_results": 2,
            b"format": b"STRING",
            b"results": [
                {b"extra_attributes": {b"__key": b"t:\xc3\xa9", b"a": b"y", b"$": b'{"a":"y"}'}, b"values": []},
                {b"extra_attributes": {b"__key": b"t:1", b"a": b"x", b"$": b'{"a":"x"}'}, b"values": []},
            ],
            b"warning": [],
        },
        Page(2, SORTED, ()),
    ),
    "RESP2 nothing": ([0], Page(0, [], ())),
    "RESP2 gone": ([1, [b"__key", b"t:1"]], Page(1, [("t:1", None)], ())),
}


@pytest.mark.parametrize("name", AGGREGATES)
def test_a_reply_of_aggregate_is_a_page_by_key(name: str) -> None:
    reply, page = AGGREGATES[name]
    found = aggregate_page(reply)
    assert found[:3] == page[:3]
    assert not found.texts_there or all(text is not None for _, text in found.rows)


COUNTED = [
    [1, [b"n", b"3"]],
    [1, ["n", "3"]],
    {b"total_results": 1, b"results": [{b"extra_attributes": {b"n": b"3"}, b"values": []}], b"warning": []},
]


@pytest.mark.parametrize("reply", COUNTED)
def test_what_a_reducer_gave_is_found_by_its_name(reply: Any) -> None:
    assert int(reduced(reply, "n")) == 3


def test_a_reducer_of_no_rows_gave_nothing() -> None:
    assert reduced([0], "n") is None
    assert reduced({b"total_results": 0, b"results": [], b"warning": []}, "n") is None


INFOS: list[tuple[Any, bool]] = [
    ([b"index_name", b"i", b"indexing", 0, b"percent_indexed", b"1"], False),
    ([b"index_name", b"i", b"indexing", 1, b"percent_indexed", b"0.25"], True),
    ([b"index_name", b"i", b"indexing", b"0", b"percent_indexed", b"0.5"], True),
    ({b"index_name": b"i", b"indexing": 0, b"percent_indexed": 1.0}, False),
    ({b"index_name": b"i", b"indexing": 1.0, b"percent_indexed": 0.5}, True),
    ({"index_name": "i", "indexing": 0, "percent_indexed": 1.0}, False),
    ({"index_name": "i"}, False),
]


@pytest.mark.parametrize(("info", "filling"), INFOS)
def test_an_index_is_filling_until_the_server_says_that_it_holds_everything(info: Any, filling: bool) -> None:
    assert index_info(info).filling is filling


def test_an_indexing_of_zero_as_a_float_is_no_filling() -> None:
    assert index_info({"index_name": "i", "indexing": 0.0, "percent_indexed": 1.0}).filling is False


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        ([b"a", 1, b"b", 2], {"a": 1, "b": 2}),
        ({b"a": 1, b"b": 2}, {"a": 1, "b": 2}),
        ([[b"a", 1], (b"b", 2)], {"a": 1, "b": 2}),
        ([], {}),
        ({}, {}),
        ([[b"MAXSEARCHRESULTS", b"1000000"]], {"MAXSEARCHRESULTS": b"1000000"}),
    ],
)
def test_names_and_values_are_a_mapping_in_every_shape(reply: Any, names: dict[str, Any]) -> None:
    assert mapping(reply) == names


@pytest.mark.parametrize(("value", "expected"), [(b"x", "x"), ("x", "x"), (5, 5), (None, None), (b"\xc3\xa9", "é")])
def test_bytes_are_text(value: Any, expected: Any) -> None:
    assert text(value) == expected


def test_bytes_that_are_no_utf8_can_be_written_back() -> None:
    assert text(b"t:\xff").encode("utf-8", "surrogateescape") == b"t:\xff"

"""Capabilities: what is asked of a server once, and what is made of its replies. Replies are recorded ones."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from rs_search.errors import ServerError, ServerUnavailable
from rs_search.operations.requests import Command
from rs_search.server import capabilities
from rs_search.server.capabilities import ASK_EVERY, USUAL_LIMIT, Capabilities, ServerState, discover

KNOWN = [b"known", -1, [b"write", b"module"], 1, 1, 1]
MODULES_ON_8 = [
    {b"name": b"ReJSON", b"ver": 20803, b"path": b"rejson.so", b"args": []},
    {b"name": b"search", b"ver": 21005, b"path": b"redisearch.so", b"args": []},
    {b"name": b"vectorset", b"ver": 1, b"path": b"", b"args": []},
]
ONLY_VECTORS = [{b"name": b"vectorset", b"ver": 1, b"path": b"", b"args": []}]
REFUSED = ServerError("redis://localhost:6379/0 refused MODULE LIST: NOPERM this user has no permissions")
UNKNOWN = ServerError("redis://localhost:6379/0 refused FT.CONFIG: unknown command 'FT.CONFIG'")


def ask(replies: dict[str, Any], database: int = 0) -> tuple[Capabilities, list[str]]:
    """Discover, answering each command by its first words; an error is thrown in."""
    asked: list[str] = []
    operation = discover(ServerState(database=database))
    try:
        request = next(operation)
        while True:
            assert isinstance(request, Command)
            words = " ".join(map(str, request.arguments))
            asked.append(words)
            reply = next(answer for start, answer in replies.items() if words.startswith(start))
            request = operation.throw(reply) if isinstance(reply, Exception) else operation.send(reply)
    except StopIteration as stop:
        return stop.value, asked


def answers(
    present: str, modules: Any, limit: Any = UNKNOWN, sorted_limit: Any = UNKNOWN, newer: Any = None
) -> dict[str, Any]:
    known = [KNOWN if sign == "x" else None for sign in present.ljust(6)]
    return {
        "COMMAND INFO": known,
        "MODULE LIST": modules,
        "FT.CONFIG GET MAXSEARCHRESULTS": limit,
        "FT.CONFIG GET MAXAGGREGATERESULTS": sorted_limit,
        "CONFIG GET": {} if newer is None else newer,
    }


def test_a_server_with_the_modules_is_asked_four_questions() -> None:
    found, asked = ask(
        answers("xxxx", MODULES_ON_8, [[b"MAXSEARCHRESULTS", b"1000000"]], {b"MAXAGGREGATERESULTS": b"10000"})
    )
    assert found == Capabilities(True, None, 21005, 1_000_000, 10_000, "RediSearch 2.10.5 and RedisJSON")
    assert asked == [
        "COMMAND INFO JSON.SET JSON.MGET FT.SEARCH FT.AGGREGATE HEXPIRE HPTTL",
        "MODULE LIST",
        "FT.CONFIG GET MAXSEARCHRESULTS",
        "FT.CONFIG GET MAXAGGREGATERESULTS",
    ]


def test_a_plain_server_is_asked_two_questions() -> None:
    found, asked = ask(answers("    ", ONLY_VECTORS))
    assert (found.json, found.why_no_search) == (False, "the server has no RediSearch (FT.SEARCH)")
    assert (found.description, len(asked)) == ("no modules", 2)


RESP2_MODULES = [[b"name", b"search", b"ver", 21005], [b"name", b"ReJSON", b"ver", 20803]]
DECODED_MODULES = [{"name": "search", "ver": 21005, "path": "x", "args": []}]
WHY: list[tuple[str, Any, int, bool, str | None]] = [
    ("xxxx", MODULES_ON_8, 0, True, None),
    ("xxxx", RESP2_MODULES, 0, True, None),
    ("xxxx", DECODED_MODULES, 0, True, None),
    ("xxxx", REFUSED, 0, True, None),
    ("xxxx", [{b"name": b"search", b"ver": 80200}], 0, True, None),
    ("xxxx", MODULES_ON_8, 1, True, "the connection uses database 1, and RediSearch indexes database 0 only"),
    ("xxxx", [{b"name": b"search", b"ver": 20800}], 0, True,
     "the server's RediSearch 2.8.0 is too old; 2.10 or newer is needed"),
    ("  xx", [{b"name": b"ft", b"ver": 10202}], 0, False,
     "the server's RediSearch 1.2.2 is too old; 2.10 or newer is needed"),
    ("xx  ", [{b"name": b"ReJSON", b"ver": 20803}], 0, True, "the server has no RediSearch (FT.SEARCH)"),
    ("  xx", MODULES_ON_8[1:], 0, False, "the server has no RedisJSON, and RediSearch can index nothing without it"),
    ("x xx", MODULES_ON_8, 0, True, "the server has no RedisJSON, and RediSearch can index nothing without it"),
    ("    ", REFUSED, 0, False, "the server has no RediSearch (FT.SEARCH)"),
    ("    ", [], 3, False, "the server has no RediSearch (FT.SEARCH)"),
]  # fmt: skip


@pytest.mark.parametrize(("present", "modules", "database", "json", "why"), WHY)
def test_why_a_server_cannot_search(present: str, modules: Any, database: int, json: bool, why: str | None) -> None:
    found, _ = ask(answers(present, modules), database)
    assert (found.json, found.why_no_search) == (json, why)


@pytest.mark.parametrize(
    ("limit", "newer", "expected"),
    [
        ([[b"MAXSEARCHRESULTS", b"10000"]], None, 10_000),
        ({b"MAXSEARCHRESULTS": b"10000"}, None, 10_000),
        ({"MAXSEARCHRESULTS": "10000"}, None, 10_000),
        ([[b"MAXSEARCHRESULTS", b"-1"]], None, 1_000_000),
        (UNKNOWN, {"search-max-search-results": "77"}, 77),
        (UNKNOWN, [b"search-max-search-results", b"77"], 77),
        (UNKNOWN, {}, USUAL_LIMIT),
        (UNKNOWN, REFUSED, USUAL_LIMIT),
        ([], {"search-max-search-results": "77"}, 77),
        ([[b"MAXSEARCHRESULTS", b"unlimited"]], {}, 1_000_000),
    ],
)
def test_the_limit_of_rows_is_what_the_server_tells_or_the_usual_one(limit: Any, newer: Any, expected: int) -> None:
    found, _ = ask(answers("xxxx", MODULES_ON_8, limit, newer=newer))
    assert found.most_rows == expected


@pytest.mark.parametrize("asked", ["COMMAND INFO", "MODULE LIST", "FT.CONFIG GET MAXSEARCHRESULTS"])
def test_a_server_that_goes_away_meanwhile_is_not_taken_for_one_without_modules(asked: str) -> None:
    with pytest.raises(ServerUnavailable):
        ask({**answers("xxxx", MODULES_ON_8), asked: ServerUnavailable("gone")})


def test_a_server_is_asked_once_and_a_warning_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    state = ServerState()
    operation = discover(state)
    next(operation)
    operation.send([None] * 6)
    with pytest.raises(StopIteration) as first, caplog.at_level(logging.WARNING, "rs_search"):
        operation.send([])
    with pytest.raises(StopIteration) as second:
        next(discover(state))
    assert second.value.value is first.value.value is state.capabilities
    assert [record.message for record in caplog.records] == [
        "queries will read whole collections: the server has no RediSearch (FT.SEARCH)"
    ]


@pytest.mark.parametrize("late", range(4))
def test_what_is_known_may_run_out_between_two_looks_at_the_clock(monkeypatch: pytest.MonkeyPatch, late: int) -> None:
    known = Capabilities(False, "the server has no RediSearch (FT.SEARCH)", description="no modules")
    state = ServerState(capabilities=known, asked=0.0)
    clock = iter([ASK_EVERY - 1] * late + [ASK_EVERY + 1] * 9)
    monkeypatch.setattr(capabilities.time, "monotonic", lambda: next(clock))
    operation = discover(state)
    if late:
        with pytest.raises(StopIteration) as stopped:
            next(operation)
        assert stopped.value.value is known
    else:
        assert isinstance(next(operation), Command)

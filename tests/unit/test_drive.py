"""Operations driven by hand, and the table of redis-py's errors. No server: requests are looked at, replies given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import redis
from fixtures.models import IceCream
from redis import exceptions

from rs_search import Q
from rs_search.errors import (
    IncompleteResult,
    MissingIndex,
    RedisMixinException,
    ServerError,
    ServerUnavailable,
    UnreadableDocument,
    WrongKeyType,
)
from rs_search.index_schema import index_schema_of
from rs_search.operations import records, search
from rs_search.operations.index import LONGEST_PAUSE, ensure_index
from rs_search.operations.requests import Batch, Command, Operation, Pause, command
from rs_search.planner.plan import Select
from rs_search.query.bind import bind, bind_order
from rs_search.server.capabilities import Capabilities, ServerState
from rs_search.server.connections import Server
from rs_search.server.drive import CLIENT_ERRORS, translated
from rs_search.server.drive import run as run_on_server
from rs_search.storage import json_document

SEARCH = Capabilities(True, None, 21005, description="RediSearch 2.10.5 and RedisJSON")
JSON_ONLY = Capabilities(True, "the server has no RediSearch (FT.SEARCH)")
PLAIN = Capabilities(False, "the server has no RediSearch (FT.SEARCH)")
NAME = index_schema_of(IceCream).name


def state_of(capabilities: Capabilities, ready: bool = True) -> ServerState:
    return ServerState(capabilities=capabilities, ready_indexes={NAME} if ready else set())


def drive(operation: Operation[Any], *replies: Any) -> tuple[list[Any], Any]:
    """Run an operation with these replies (errors are thrown in): what it asked for, and its result."""
    asked = []
    answers = list(replies)
    try:
        asked.append(next(operation))
        while True:
            reply = answers.pop(0)
            asked.append(operation.throw(reply) if isinstance(reply, Exception) else operation.send(reply))
    except StopIteration as stop:
        assert not answers, "replies were left over"
        return asked, stop.value


def words(request: Any) -> Any:
    if isinstance(request, Command):
        return " ".join(map(str, request.arguments))
    if isinstance(request, Batch):
        return [words(command) for command in request.commands]
    return request


# --- the table of errors ----------------------------------------------------------------------------------------------


REDIS_ERRORS = [value for value in vars(exceptions).values() if inspect.isclass(value) and issubclass(value, Exception)]
UNAVAILABLE = (exceptions.ConnectionError, exceptions.TimeoutError)


def made(error: type[Exception]) -> Exception:
    for arguments in (("said",), ("said", "more"), ("1 host:6379",)):
        try:
            return error(*arguments)
        except (TypeError, ValueError, IndexError):
            continue
    raise AssertionError(f"{error} cannot be made")


@pytest.mark.parametrize("error", REDIS_ERRORS, ids=lambda error: error.__name__)
def test_every_error_of_redis_py_becomes_one_of_ours(error: type[Exception]) -> None:
    raised = made(error)
    found = translated(raised, "redis://h:1/0", "GET")
    assert isinstance(found, ServerError)
    assert isinstance(found, RedisMixinException)
    assert isinstance(found, ServerUnavailable) is issubclass(error, UNAVAILABLE)
    assert "redis://h:1/0" in str(found)


def test_the_driver_catches_every_error_that_redis_py_raises_for_a_command() -> None:
    # Raised in a forked child whose lock is lost: nothing of the server.
    programming = {"ChildDeadlockedError"}
    assert {error.__name__ for error in REDIS_ERRORS if not issubclass(error, CLIENT_ERRORS)} == programming


def test_an_error_of_a_cluster_client_comes_out_as_ours() -> None:
    class Client(redis.Redis):
        def execute_command(self, *arguments: Any, **options: Any) -> Any:
            raise exceptions.RedisClusterException("no slots")

    with pytest.raises(ServerError, match="refused DEL: no slots"):
        run_on_server(records.remove(["k"]), Server(Client(), state_of(PLAIN), "redis://h:1/0"))


SAID: list[tuple[Exception, type[ServerError], str]] = [
    (exceptions.ResponseError("Unknown index name"), MissingIndex, "has no such index"),
    (exceptions.ResponseError("nope: no such index"), MissingIndex, "has no such index"),
    (exceptions.ResponseError("Unknown Index name"), MissingIndex, "has no such index"),
    (exceptions.ResponseError("SEARCH_INDEX_NOT_FOUND Index not found: nope"), MissingIndex, "has no such index"),
    (exceptions.ResponseError("Existing key has wrong Redis type"), WrongKeyType, "a key holds another type"),
    (
        exceptions.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        WrongKeyType,
        "type",
    ),
    (exceptions.ResponseError("unknown command 'FT.SEARCH'"), ServerError, "refused GET: unknown command"),
    (exceptions.NoPermissionError("no permissions"), ServerError, "refused GET"),
    (exceptions.ReadOnlyError("read only replica"), ServerError, "refused GET"),
    (exceptions.OutOfMemoryError("OOM"), ServerError, "refused GET"),
    (exceptions.AuthenticationError("invalid password"), ServerUnavailable, "refused the user or password"),
    (exceptions.BusyLoadingError("loading"), ServerUnavailable, "still loading its data"),
    (exceptions.ConnectionError("Error 111"), ServerUnavailable, "cannot be reached (GET)"),
    (exceptions.TimeoutError("Timeout"), ServerUnavailable, "cannot be reached (GET)"),
    (ConnectionResetError(104, "reset"), ServerUnavailable, "cannot be reached (GET)"),
    (OSError("no socket"), ServerUnavailable, "cannot be reached (GET)"),
]


@pytest.mark.parametrize(("error", "ours", "said"), SAID, ids=[repr(error) for error, _, _ in SAID])
def test_an_error_is_told_by_what_the_server_said(error: Exception, ours: type[ServerError], said: str) -> None:
    found = translated(error, "redis://h:1/0", "GET")
    assert type(found) is ours
    assert said in str(found)


# --- one object -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capabilities", "expire", "asked"),
    [
        (SEARCH, None, ["JSON.SET Ice:1 $ {}"]),
        (SEARCH, 60, [["JSON.SET Ice:1 $ {}", "EXPIRE Ice:1 60"]]),
        (PLAIN, None, ["SET Ice:1 {} KEEPTTL"]),
        (PLAIN, 60, ["SET Ice:1 {} EX 60"]),
    ],
)
def test_an_object_is_written_in_one_round_trip(
    capabilities: Capabilities, expire: int | None, asked: list[Any]
) -> None:
    requests, _ = drive(records.put(state_of(capabilities), "Ice:1", "{}", expire), "OK")  # type: ignore[arg-type]
    assert [words(request) for request in requests] == asked
    assert all(request.atomic for request in requests if isinstance(request, Batch))


@pytest.mark.parametrize("expire", [None, 60])
def test_an_object_kept_as_text_is_converted_in_place(expire: int | None) -> None:
    wrong = WrongKeyType("Existing key has wrong Redis type")
    requests, _ = drive(records.put(state_of(SEARCH), "Ice:1", "{}", expire), wrong, ["1", "OK"])  # type: ignore[arg-type]
    assert isinstance(requests[1], Batch)
    assert requests[1].atomic
    assert words(requests[1])[:2] == ["DEL Ice:1", "JSON.SET Ice:1 $ {}"]


def test_an_object_is_read_with_redisjson_and_without() -> None:
    assert drive(records.get(state_of(PLAIN), "k"), b'{"a":1}') == ([command("GET", "k")], {"a": 1})
    assert drive(records.get(state_of(SEARCH), "k"), b'{"a":1}') == ([command("JSON.GET", "k")], {"a": 1})
    assert drive(records.get(state_of(SEARCH), "k"), None) == ([command("JSON.GET", "k")], None)
    asked, found = drive(records.get(state_of(SEARCH), "k"), WrongKeyType("x"), b'{"a":1}')
    assert (asked, found) == ([command("JSON.GET", "k"), command("GET", "k")], {"a": 1})


def test_what_is_no_document_is_told_with_its_key() -> None:
    with pytest.raises(UnreadableDocument, match="k holds no JSON"):
        drive(records.get(state_of(PLAIN), "k"), b"x")


def test_keys_are_removed_a_thousand_at_a_time() -> None:
    requests, removed = drive(records.remove([f"k{number}" for number in range(2500)]), 1000, 999, 500)
    assert [len(request.arguments) - 1 for request in requests] == [1000, 1000, 500]
    assert removed == 2499
    assert drive(records.remove([])) == ([], 0)


# --- scans ------------------------------------------------------------------------------------------------------------


def take_all(key: str, document: Any) -> bool:
    return True


def test_a_scan_reads_each_key_once_and_leaves_other_models_alone() -> None:
    requests, rows = drive(
        json_document.scan("Ice", PLAIN, take_all),
        (7, [b"Ice:1", b"Ice:Cone:1", b"Ice:2"]),
        [b'{"a":1}', None],
        (b"0", [b"Ice:1", b"Ice:3"]),
        [b'{"a":3}'],
    )
    assert [words(request) for request in requests] == [
        "SCAN 0 MATCH Ice:* COUNT 1000", "MGET Ice:1 Ice:2", "SCAN 7 MATCH Ice:* COUNT 1000", "MGET Ice:3",
    ]  # fmt: skip
    assert rows == [("Ice:1", {"a": 1}), ("Ice:3", {"a": 3})]


def test_a_scan_with_redisjson_reads_texts_as_well() -> None:
    requests, rows = drive(
        json_document.scan("Ice", JSON_ONLY, take_all), (0, ["Ice:1", "Ice:2"]), [b"{}", None], [b'{"a":2}']
    )
    assert [words(request) for request in requests][1:] == ["JSON.MGET Ice:1 Ice:2 .", "MGET Ice:2"]
    assert rows == [("Ice:1", {}), ("Ice:2", {"a": 2})]


def test_an_empty_page_of_a_scan_is_not_read() -> None:
    requests, rows = drive(json_document.scan("Ice", PLAIN, take_all), (5, []), (0, []))
    assert ([type(request) for request in requests], rows) == ([Command, Command], [])


@pytest.mark.parametrize(
    ("prefix", "pattern"), [("Ice", "Ice:*"), ("a*b?[c]^\\", "a\\*b\\?\\[c\\]\\^\\\\:*"), ("app:é", "app:é:*")]
)
def test_a_scan_takes_the_prefix_by_the_letter(prefix: str, pattern: str) -> None:
    request = next(json_document.scan_keys(prefix))
    assert isinstance(request, Command)
    assert request.arguments[3] == pattern


def test_a_foreign_key_that_is_no_utf8_does_no_harm() -> None:
    scan = json_document.scan("Ice", PLAIN, take_all)
    next(scan)
    request = scan.send((0, [b"Ice:\xff", b"Ice:1"]))
    assert isinstance(request, Command)
    assert [argument if isinstance(argument, bytes) else str(argument).encode() for argument in request.arguments]


# --- the index --------------------------------------------------------------------------------------------------------


FULL, FILLING = {"indexing": 0, "percent_indexed": 1.0}, {"indexing": 1, "percent_indexed": 0.5}
MISSING = MissingIndex("Unknown index name")


def test_an_index_known_to_be_ready_is_not_asked_about() -> None:
    assert drive(ensure_index(state_of(SEARCH), index_schema_of(IceCream))) == ([], None)


def test_an_index_that_is_there_is_asked_about_once() -> None:
    state = state_of(SEARCH, ready=False)
    asked, _ = drive(ensure_index(state, index_schema_of(IceCream)), FULL)
    assert asked == [command("FT.INFO", NAME)]
    assert state.ready_indexes == {NAME}


def test_an_index_that_is_not_there_is_made_and_awaited() -> None:
    state = state_of(SEARCH, ready=False)
    asked, _ = drive(ensure_index(state, index_schema_of(IceCream)), MISSING, "OK", FILLING, None, FILLING, None, FULL)
    assert [words(request).split()[0] if isinstance(request, Command) else request for request in asked] == [
        "FT.INFO", "FT.CREATE", "FT.INFO", Pause(0.002), "FT.INFO", Pause(0.004), "FT.INFO",
    ]  # fmt: skip


def test_pauses_grow_to_a_limit() -> None:
    asked, _ = drive(
        ensure_index(state_of(SEARCH, ready=False), index_schema_of(IceCream)), *[FILLING, None] * 12, FULL
    )
    pauses = [request.seconds for request in asked if isinstance(request, Pause)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_an_index_that_another_process_made_meanwhile_is_taken() -> None:
    taken = ServerError("redis://h refused FT.CREATE: Index already exists")
    asked, _ = drive(ensure_index(state_of(SEARCH, ready=False), index_schema_of(IceCream)), MISSING, taken, FULL)
    assert len(asked) == 3


@pytest.mark.parametrize("error", [ServerError("Invalid JSONPath"), ServerUnavailable("gone, index already exists")])
def test_an_index_that_cannot_be_made_is_told(error: ServerError) -> None:
    with pytest.raises(type(error)):
        drive(ensure_index(state_of(SEARCH, ready=False), index_schema_of(IceCream)), MISSING, error)


# --- questions --------------------------------------------------------------------------------------------------------


def select(query: Q | None = None, *order: str, **cut: int) -> Select:
    return Select(IceCream, bind(IceCream, query or Q()), bind_order(IceCream, order), **cut)


def page(*numbers: int, total: int | None = None, **extra: Any) -> dict[str, Any]:
    results = [
        {
            "id": f"IceCream:{number}",
            "extra_attributes": {"$": f'{{"amount_kg":{number}}}', "__key": f"IceCream:{number}"},
        }
        for number in numbers
    ]
    return {"total_results": len(numbers) if total is None else total, "results": results, "warning": [], **extra}


def keys(rows: list[search.Row]) -> list[str]:
    return [key.removeprefix("IceCream:") for key, _ in rows]


def run(question: Select, *replies: Any, capabilities: Capabilities = SEARCH) -> tuple[list[Any], Any]:
    return drive(search.select_rows(state_of(capabilities), question), *replies)


def count(question: Select, *replies: Any, capabilities: Capabilities = SEARCH) -> tuple[list[Any], Any]:
    return drive(search.count_rows(state_of(capabilities), question), *replies)


def test_what_can_match_nothing_asks_nothing() -> None:
    assert run(select(Q(flavour__in=[]))) == ([], [])
    assert count(select(Q(flavour__in=[]))) == ([], 0)


def test_an_exact_question_is_one_search() -> None:
    asked, rows = run(select(Q(flavour="x")), page(2, 1))
    assert words(asked[0]) == (
        f"FT.SEARCH {NAME} @flavour:{{$p0}} VERBATIM RETURN 1 $ LIMIT 0 1000 TIMEOUT 0 PARAMS 2 p0 x DIALECT 2"
    )
    assert (len(asked), keys(rows)) == (1, ["1", "2"])


def test_a_superset_is_checked() -> None:
    asked, rows = run(select(Q(flavour__ne="x", amount_kg__gt=2**53 + 1)), page(1, 2**53 + 1, 2**53 + 2))
    assert (len(asked), keys(rows)) == (1, [str(2**53 + 2)])


def test_doubts_are_counted_first_and_widen_the_search_where_there_are_any() -> None:
    question = select(Q(amount_kg=2**53))
    asked, rows = run(question, page(total=0), page(2**53))
    assert "@_doubts:{amount_kg}" in words(asked[0])
    assert "@_doubts" not in words(asked[1])
    assert keys(rows) == [str(2**53)]
    asked, rows = run(question, page(total=1), page(2**53, 2**53 + 1))
    assert "@_doubts:{amount_kg}" in words(asked[1])
    assert keys(rows) == [str(2**53)]


def test_an_order_and_a_slice_are_the_servers_where_it_can() -> None:
    asked, rows = run(select(Q(), "-flavour", start=2, stop=4), page(4, 3, total=9))
    assert words(asked[0]) == (
        f"FT.AGGREGATE {NAME} * VERBATIM LOAD 1 @__key SORTBY 4 @flavour DESC @__key ASC "
        "LIMIT 2 2 LOAD 1 $ TIMEOUT 0 DIALECT 2"
    )
    assert keys(rows) == ["4", "3"]


def test_a_slice_that_is_checked_is_cut_in_python() -> None:
    found = [f"IceCream:{number}" for number in range(5)]
    documents = [f'{{"amount_kg":{number}}}' for number in range(5)]
    question = select(Q(amount_kg__ne=4), "-amount_kg", start=1, stop=3)
    _, rows = run(question, (0, found), documents, capabilities=PLAIN)
    assert keys(rows) == ["2", "1"]


def test_more_rows_than_asked_for_are_asked_for_again_in_one_reply() -> None:
    asked, rows = run(select(Q(flavour="x")), page(1, total=1500), page(*range(1500)))
    assert "LIMIT 0 1000 " in words(asked[0])
    assert "LIMIT 0 10000 " in words(asked[1])
    assert len(rows) == 1500


def test_more_rows_than_the_server_gives_at_once_are_scanned() -> None:
    asked, rows = run(
        select(Q(amount_kg__gte=2)),
        page(1, total=10_001),
        (0, ["IceCream:1", "IceCream:3"]),
        ['{"amount_kg":1}', '{"amount_kg":3}'],
    )
    assert [words(request).split()[0] for request in asked] == ["FT.SEARCH", "SCAN", "JSON.MGET"]
    assert keys(rows) == ["3"]


@pytest.mark.parametrize("ask", [run, count])
def test_an_answer_that_the_server_says_is_incomplete_is_not_passed_on(ask: Callable[..., Any]) -> None:
    reply = page(1, warning=["Timeout limit was reached"])
    with pytest.raises(IncompleteResult, match="Timeout limit was reached"):
        ask(select(Q(flavour="x")), [reply] if ask is count else reply)


def test_a_document_that_expired_meanwhile_is_no_row() -> None:
    gone = {"total_results": 2, "results": [{"id": "IceCream:1", "extra_attributes": None}, page(2)["results"][0]]}
    _, rows = run(select(Q(flavour="x")), gone)
    assert keys(rows) == ["2"]


def test_a_sorted_page_with_a_document_gone_is_read_again() -> None:
    gone = page(1, 2)
    del gone["results"][0]["extra_attributes"]["$"]
    asked, rows = run(select(Q(), "flavour", stop=2), gone, page(2, 3))
    assert asked[0] == asked[1]
    assert keys(rows) == ["2", "3"]


@pytest.mark.parametrize(("ask", "reply", "expected"), [(run, page(1), ["1"]), (count, [page(total=1)], 1)])
def test_an_index_that_was_dropped_meanwhile_is_made_again_once(
    ask: Callable[..., Any], reply: Any, expected: Any
) -> None:
    asked, found = ask(select(Q(flavour="x")), MISSING, MISSING, "OK", FULL, reply)
    assert [words(request)[:9] for request in asked[1:4]] == ["FT.INFO r", "FT.CREATE", "FT.INFO r"]
    assert (keys(found) if ask is run else found) == expected
    with pytest.raises(MissingIndex):
        ask(select(Q(flavour="x")), MISSING, FULL, MISSING)


@pytest.mark.parametrize(
    ("cut", "total", "expected"),
    [({}, 7, 7), ({"start": 2}, 7, 5), ({"stop": 3}, 7, 3), ({"start": 2, "stop": 3}, 7, 1), ({"start": 9}, 7, 0),
     ({"start": 5, "stop": 100}, 7, 2), ({"start": 3, "stop": 3}, 7, 0)],
)  # fmt: skip
def test_a_count_is_the_servers_cut_as_the_slice(cut: dict[str, int], total: int, expected: int) -> None:
    asked, found = count(select(Q(flavour="x"), **cut), [page(total=total)])
    assert (len(asked), found) == (1, expected)
    assert isinstance(asked[0], Batch)


def test_a_count_with_doubts_reads_the_rows() -> None:
    _, found = count(select(Q(amount_kg=2**53)), [page(total=2), page(total=1)], page(total=1), page(2**53, 2**53 + 1))
    assert found == 1


def test_a_count_by_scan_counts_what_meets_the_condition() -> None:
    _, found = count(
        select(Q(amount_kg__gt=1), start=1), (0, [f"IceCream:{number}" for number in range(5)]),
        [f'{{"amount_kg":{number}}}' for number in range(5)], capabilities=PLAIN,
    )  # fmt: skip
    assert found == 2


def test_a_member_that_cannot_be_read_is_told_with_its_key() -> None:
    with pytest.raises(UnreadableDocument, match="IceCream:1 is no readable IceCream"):
        run(select(Q(amount_kg__gt=1)), (0, ["IceCream:1"]), ['{"amount_kg":"many"}'], capabilities=PLAIN)


def test_an_explanation_asks_nothing_once_the_server_is_known() -> None:
    asked, told = drive(search.explain_select(state_of(SEARCH), select(Q(flavour="x"))))
    assert asked == []
    assert told.splitlines()[-1] == "  server  RediSearch 2.10.5 and RedisJSON"


def test_rows_found_are_removed() -> None:
    asked, removed = drive(records.remove_selected(state_of(SEARCH), select(Q(flavour="x"))), page(1, 2), 2)
    assert (words(asked[1]), removed) == ("DEL IceCream:1 IceCream:2", 2)


def test_every_key_of_a_model_is_removed_and_no_other() -> None:
    asked, removed = drive(records.remove_all("Ice"), (1, ["Ice:1", "Ice:Cone:1"]), (0, ["Ice:1", "Ice:2"]), 2)
    assert (words(asked[-1]), removed) == ("DEL Ice:1 Ice:2", 2)

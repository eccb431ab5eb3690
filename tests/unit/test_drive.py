"""Operations driven by hand, and the table of redis-py's errors. No server: requests are looked at, replies given."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis
from fixtures.models import IceCream
from redis import exceptions

from rs_search import Q
from rs_search.errors import (
    IncompleteResult,
    MissingIndex,
    MissingModule,
    NotAllowed,
    RedisMixinException,
    ServerError,
    ServerUnavailable,
    UnreadableDocument,
    WrongKeyType,
)
from rs_search.index_schema import index_schema_of
from rs_search.operations import records, search, selected
from rs_search.operations.candidates import Tally
from rs_search.operations.index import LONGEST_PAUSE, ensure_index
from rs_search.operations.requests import (
    ALONE,
    Batch,
    Begin,
    Command,
    Deliver,
    Finish,
    Operation,
    Pause,
    Stream,
    command,
)
from rs_search.planner.plan import Select
from rs_search.query.bind import bind, bind_order
from rs_search.server.capabilities import Capabilities, IndexHealth, ServerState
from rs_search.server.connections import Server
from rs_search.server.drive import CLIENT_ERRORS, stream, translated
from rs_search.server.drive import run as run_on_server
from rs_search.server.index_arguments import key_filter, wanted_fields
from rs_search.storage import json_document
from rs_search.storage.base import Record
from rs_search.storage.json_document import JsonDocuments
from rs_search.storage.keys import KeyPattern

SEARCH = Capabilities(True, None, 21005, description="RediSearch 2.10.5 and RedisJSON")
JSON_ONLY = Capabilities(True, "the server has no RediSearch (FT.SEARCH)")
PLAIN = Capabilities(False, "the server has no RediSearch (FT.SEARCH)")
NAME = index_schema_of(IceCream).name


def state_of(capabilities: Capabilities, ready: bool = True) -> ServerState:
    return ServerState(capabilities=capabilities, indexes={NAME: IndexHealth(math.inf)} if ready else {})


def drive(operation: Operation[Any], *replies: Any) -> tuple[list[Any], Any]:
    """Run an operation with these replies (errors are thrown in): what it asked for, and its result."""
    asked: list[Any] = []
    answers = list(replies)
    result = _driven(operation, asked, answers)
    assert not answers, "replies were left over"
    return asked, result


def _driven(operation: Operation[Any], asked: list[Any], answers: list[Any]) -> Any:
    try:
        request = next(operation)
        while True:
            if isinstance(request, Begin):
                # What is begun asks first; its result waits.
                request = operation.send(Begun(_driven(request.operation, asked, answers)))
            elif isinstance(request, Finish):
                request = operation.send(request.begun.result)
            elif request == Pause(0):
                # Others would have their turn.
                request = operation.send(None)
            else:
                asked.append(request)
                reply = answers.pop(0)
                request = operation.throw(reply) if isinstance(reply, Exception) else operation.send(reply)
    except StopIteration as stop:
        return stop.value


@dataclass
class Begun:
    """An operation that was begun, and is done."""

    result: Any

    def cancel(self) -> None:
        """Its result is wanted no longer."""


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
        run_on_server(
            records.remove(state_of(PLAIN), IceCream, ["k"]), Server(Client(), state_of(PLAIN), "redis://h:1/0")
        )


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
    (exceptions.ResponseError("unknown command 'FT.SEARCH'"), MissingModule, "no such command (GET)"),
    (exceptions.NoPermissionError("no permissions"), NotAllowed, "does not allow GET"),
    (exceptions.ReadOnlyError("read only replica"), NotAllowed, "does not allow GET"),
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

ICES = JsonDocuments(IceCream)


def record(expire: int | None = None) -> Record:
    return Record("Ice:1", b"{}", expire)


@pytest.mark.parametrize(
    ("capabilities", "expire", "asked"),
    [
        (SEARCH, None, ["JSON.SET Ice:1 $ b'{}'"]),
        (SEARCH, 60, ["JSON.SET Ice:1 $ b'{}'", "EXPIRE Ice:1 60"]),
        (PLAIN, None, ["SADD rs:strings IceCream:", "SET Ice:1 b'{}' KEEPTTL"]),
        (PLAIN, 60, ["SADD rs:strings IceCream:", "SET Ice:1 b'{}' EX 60"]),
    ],
)
def test_an_object_is_written_in_one_round_trip(
    capabilities: Capabilities, expire: int | None, asked: list[Any]
) -> None:
    (request,), written = drive(ICES.write(record(expire), capabilities), ["OK"])
    assert (words(request), written) == (asked, True)
    # What notes that there are strings need not be in one step with the first of them.
    assert request.atomic is (capabilities.json and len(asked) > 1)


@pytest.mark.parametrize("expire", [None, 60])
def test_an_object_kept_as_text_is_converted_in_place(expire: int | None) -> None:
    wrong = WrongKeyType("Existing key has wrong Redis type")
    requests, written = drive(ICES.write(record(expire), SEARCH), wrong, [1])
    assert words(requests[1])[0].startswith("EVAL")
    assert written is True


def test_an_object_is_read_with_redisjson_and_without() -> None:
    assert drive(ICES.read_one("k", PLAIN), b'{"a":1}') == ([command("GET", "k")], {"a": 1})
    assert drive(ICES.read_one("k", SEARCH), b'{"a":1}') == ([command("JSON.GET", "k")], {"a": 1})
    assert drive(ICES.read_one("k", SEARCH), None) == ([command("JSON.GET", "k")], None)
    asked, found = drive(ICES.read_one("k", SEARCH), WrongKeyType("x"), b'{"a":1}')
    assert (asked, found) == ([command("JSON.GET", "k"), command("GET", "k")], {"a": 1})


def test_what_is_no_document_is_told_with_its_key() -> None:
    with pytest.raises(UnreadableDocument, match="k holds no document"):
        drive(ICES.read_one("k", PLAIN), b"x")


def test_keys_are_removed_a_thousand_at_a_time() -> None:
    keys = [f"k{number}" for number in range(2500)]
    requests, removed = drive(records.remove(state_of(SEARCH), IceCream, keys), [1000], [999], [500])
    assert [len(request.commands[0].arguments) - 1 for request in requests] == [1000, 1000, 500]
    assert removed == 2499
    assert drive(records.remove(state_of(SEARCH), IceCream, [])) == ([], 0)


# --- scans ------------------------------------------------------------------------------------------------------------


def test_a_scan_reads_each_key_once_and_leaves_other_models_alone() -> None:
    requests, found = drive(
        ICES.keys(),
        (7, [b"IceCream:1", b"IceCream:Cone:1", b"IceCream:2"]),
        (9, []),
        (b"0", [b"IceCream:1", b"IceCream:3"]),
    )
    asked = [f"SCAN {cursor} MATCH IceCream:* COUNT 1000" for cursor in (0, 7, 9)]
    assert [words(request) for request in requests] == asked
    assert found == ["IceCream:1", "IceCream:2", "IceCream:3"]


def test_documents_are_read_in_the_order_of_their_keys_without_those_that_are_gone() -> None:
    requests, rows = drive(ICES.read(["Ice:2", "Ice:1"], PLAIN), [b'{"a":2}', None])
    assert [words(request) for request in requests] == ["MGET Ice:2 Ice:1"]
    assert rows == [("Ice:2", {"a": 2})]


def test_documents_kept_as_text_are_read_beside_those_of_redisjson() -> None:
    requests, rows = drive(ICES.read(["Ice:1", "Ice:2"], JSON_ONLY), [b"{}", None], [b'{"a":2}'])
    assert [words(request) for request in requests] == ["JSON.MGET Ice:1 Ice:2 .", "MGET Ice:2"]
    assert rows == [("Ice:1", {}), ("Ice:2", {"a": 2})]


@pytest.mark.parametrize("capabilities", [PLAIN, JSON_ONLY])
def test_no_keys_are_not_read(capabilities: Capabilities) -> None:
    assert drive(ICES.read([], capabilities)) == ([], [])


def test_keys_that_hold_a_document_are_told() -> None:
    requests, found = drive(json_document.existing(["a", "b"]), [b"[]", None])
    assert (words(requests[0]), found) == ("JSON.MGET a b $.__none__", ["a"])


@pytest.mark.parametrize(
    ("prefix", "pattern"), [("Ice", "Ice:*"), ("a*b?[c]^\\", "a\\*b\\?\\[c\\]\\^\\\\:*"), ("app:é", "app:é:*")]
)
def test_a_scan_takes_the_prefix_by_the_letter(prefix: str, pattern: str) -> None:
    assert KeyPattern(f"{prefix}:").glob == pattern


def test_a_foreign_key_that_is_no_utf8_does_no_harm() -> None:
    assert drive(ICES.keys(), (0, [b"IceCream:\xff", b"IceCream:1"]))[1] == ["IceCream:1"]


# --- the index --------------------------------------------------------------------------------------------------------


def told_field(alias: str, told: str) -> dict[str, Any]:
    path, kind, *flags = told.split(" ")
    return {"attribute": alias, "identifier": path, "type": kind, "flags": flags}


#: What FT.INFO says of an index of the model that is whole, and of one that is being filled.
FULL = {
    "index_name": f"{NAME}:1",
    "indexing": 0,
    "percent_indexed": 1.0,
    "attributes": [told_field(*field) for field in wanted_fields(index_schema_of(IceCream)).items()],
    "index_definition": {"key_type": "JSON", "prefixes": ["IceCream:"], "filter": key_filter("IceCream:")},
    "stopwords_list": [],
}
FILLING = {**FULL, "indexing": 1, "percent_indexed": 0.5}
MISSING = MissingIndex("Unknown index name")


def test_an_index_known_to_be_ready_is_not_asked_about() -> None:
    assert drive(ensure_index(state_of(SEARCH), index_schema_of(IceCream))) == ([], None)


def test_an_index_that_is_there_is_asked_about_once() -> None:
    state = state_of(SEARCH, ready=False)
    asked, _ = drive(ensure_index(state, index_schema_of(IceCream)), 0, FULL)
    assert asked == [command("SISMEMBER", "rs:strings", "IceCream:"), command("FT.INFO", NAME)]
    assert state.indexes[NAME].why_not is None
    assert drive(ensure_index(state, index_schema_of(IceCream))) == ([], None)


def test_an_index_is_looked_at_again_after_a_while() -> None:
    state = state_of(SEARCH)
    state.indexes[NAME] = IndexHealth(-math.inf, seen=(f"{NAME}:1", 2))
    asked, refused = drive(ensure_index(state, index_schema_of(IceCream)), 0, {**FULL, "hash_indexing_failures": 2})
    assert [words(request) for request in asked] == ["SISMEMBER rs:strings IceCream:", f"FT.INFO {NAME}"]
    assert refused is None


REFUSED = {
    **FULL,
    "hash_indexing_failures": "1",
    "Index Errors": {"indexing failures": 1, "last indexing error": "Invalid JSON type"},
}


def listed(*found: str, count: int | None = None) -> dict[str, Any]:
    """The reply to FT.AGGREGATE … TOLIST … COUNT."""
    row = {"keys": list(found), "n": str(len(found) if count is None else count)}
    return {"total_results": 1, "results": [{"extra_attributes": row}] if found else []}


def test_documents_that_the_index_refused_are_named() -> None:
    state = state_of(SEARCH, ready=False)
    asked, refused = drive(
        ensure_index(state, index_schema_of(IceCream)), 0, REFUSED, (0, ["IceCream:1", "IceCream:2"]),
        [[1]], [[1], [0]], [b"[]"],
    )  # fmt: skip
    inside = [f"FT.SEARCH {NAME}:1 * INKEYS {keys} NOCONTENT LIMIT 0 0 TIMEOUT 0 DIALECT 2"
              for keys in ("2 IceCream:1 IceCream:2", "1 IceCream:1", "1 IceCream:2")]  # fmt: skip
    assert [words(request) for request in asked[3:5]] == [inside[:1], inside[1:]]
    assert words(asked[5]) == "JSON.MGET IceCream:2 $.__none__"
    assert refused == "the index refused 1 of the documents, IceCream:2 (its last error: Invalid JSON type)"
    assert drive(ensure_index(state, index_schema_of(IceCream))) == ([], refused)


def test_a_question_is_answered_by_a_scan_where_the_index_refused_documents() -> None:
    state = state_of(SEARCH)
    state.indexes[NAME] = IndexHealth(math.inf, ("", 1), "the index refused 1 of the documents")
    asked, answer = drive(
        search.select_rows(state, select(Q(amount_kg=1)), Tally()), (0, ["IceCream:1"]), ['{"amount_kg":1}']
    )
    assert [words(request).split()[0] for request in asked] == ["SCAN", "JSON.MGET"]
    assert keys(answer) == ["1"]


def test_an_index_that_is_not_there_is_made_and_awaited() -> None:
    state = state_of(SEARCH, ready=False)
    asked, why_not = drive(
        ensure_index(state, index_schema_of(IceCream)),
        0, MISSING, "OK", FILLING, None, FILLING, None, FULL, "OK", "OK", "OK", 1,
    )  # fmt: skip
    assert [words(request).split()[0] if isinstance(request, Command) else request for request in asked] == [
        "SISMEMBER", "FT.INFO", "FT.CREATE", "FT.INFO", Pause(0.002), "FT.INFO", Pause(0.004), "FT.INFO",
        "SET", "FT.ALIASADD", "FT.ALIASUPDATE", "DEL",
    ]  # fmt: skip
    assert [words(request) for request in asked[-4:]] == [
        f"SET {NAME}:fitting 1 NX PX 30000",
        f"FT.ALIASADD {NAME} {NAME}:1",
        f"FT.ALIASUPDATE rs:IceCream {NAME}:1",
        f"DEL {NAME}:fitting",
    ]
    assert why_not is None


def test_an_index_that_takes_long_to_fill_serves_later() -> None:
    class Hasty(IceCream):
        __index_wait__ = 0

    schema = index_schema_of(Hasty)
    state = ServerState(capabilities=SEARCH)
    filling = {**FILLING, "index_name": f"{schema.name}:1"}
    asked, why_not = drive(ensure_index(state, schema), 0, MISSING, "OK", filling)
    assert [words(request).split()[0] for request in asked] == ["SISMEMBER", "FT.INFO", "FT.CREATE", "FT.INFO"]
    assert why_not == "its index is being built, and has read 50% of the documents"
    # A look from time to time, not at each query, tells when it is whole.
    assert drive(ensure_index(state, schema)) == ([], why_not)


def test_an_index_that_may_not_be_made_is_an_error_that_says_what_to_run() -> None:
    class Looked(IceCream):
        __auto_index__ = False

    with pytest.raises(MissingIndex, match=r"run `rs-search index create .*test_drive:.*Looked`"):
        drive(ensure_index(ServerState(capabilities=SEARCH), index_schema_of(Looked)), 0, MISSING, MISSING)


def test_an_index_that_is_not_what_the_model_declares_is_not_asked() -> None:
    other = {**FULL, "attributes": [*FULL["attributes"][1:], told_field("more", "$.more TAG")]}
    asked, why_not = drive(ensure_index(state_of(SEARCH, ready=False), index_schema_of(IceCream)), 0, other)
    assert len(asked) == 2
    assert "pk is not in the index; more is in the index and not in the model; IceCream.index.rebuild()" in why_not


def test_pauses_grow_to_a_limit() -> None:
    asked, _ = drive(
        ensure_index(state_of(SEARCH, ready=False), index_schema_of(IceCream)), 0, *[FILLING, None] * 12, FULL
    )
    pauses = [request.seconds for request in asked if isinstance(request, Pause)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_an_index_that_another_process_made_meanwhile_is_taken() -> None:
    taken = ServerError("redis://h refused FT.CREATE: Index already exists")
    asked, _ = drive(
        ensure_index(state_of(SEARCH, ready=False), index_schema_of(IceCream)),
        0, MISSING, taken, FULL, "OK", ServerError("Alias already exists"), "OK", 1,
    )  # fmt: skip
    assert len(asked) == 8


@pytest.mark.parametrize("error", [ServerError("Invalid JSONPath"), ServerUnavailable("gone, index already exists")])
def test_an_index_that_cannot_be_made_is_told(error: ServerError) -> None:
    with pytest.raises(type(error)):
        drive(ensure_index(state_of(SEARCH, ready=False), index_schema_of(IceCream)), 0, MISSING, error)


# --- questions --------------------------------------------------------------------------------------------------------


def select(query: Q | None = None, *order: str, **cut: int) -> Select:
    return Select(IceCream, bind(IceCream, Q() if query is None else query), bind_order(IceCream, order), **cut)


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
    asked, answer = drive(search.select_rows(state_of(capabilities), question, Tally()), *replies)
    return asked, answer


def count(question: Select, *replies: Any, capabilities: Capabilities = SEARCH) -> tuple[list[Any], Any]:
    asked, answer = drive(search.count_rows(state_of(capabilities), question), *replies)
    return asked, answer


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


def flavoured(**flavours: str | None) -> dict[str, Any]:
    """A page of objects by key, with their flavours."""
    results = [
        {"id": f"IceCream:{key}", "extra_attributes": {"$": f'{{"flavour":"{name}"}}', "__key": f"IceCream:{key}"}}
        for key, name in flavours.items()
    ]
    return {"total_results": 9, "results": results, "warning": []}


def test_an_order_and_a_slice_are_the_servers_where_it_can() -> None:
    asked, rows = run(select(Q(), "-flavour", start=2, stop=4), flavoured(a="z", b="y", c="x", d="w"))
    # With one row more at each end, to see whether the slice cuts through a tie.
    assert [words(request) for request in asked] == [
        f"FT.SEARCH {NAME} * VERBATIM SORTBY flavour DESC RETURN 1 $ LIMIT 1 4 TIMEOUT 0 DIALECT 2"
    ]
    assert keys(rows) == ["b", "c"]


def test_ties_inside_a_slice_are_put_in_order() -> None:
    _, rows = run(select(Q(), "flavour", stop=3), flavoured(b="x", a="x", c="y", d="z"))
    assert keys(rows) == ["a", "b", "c"]


def test_of_a_tie_at_the_end_of_a_slice_the_first_by_key_are_asked_for() -> None:
    asked, rows = run(select(Q(id="i"), "flavour", stop=3), flavoured(b="x", z="y", y="y", w="y"), page(7, 8))
    assert words(asked[1]) == (
        f"FT.AGGREGATE {NAME} (@id:{{$p0}} @flavour:{{$p1}}) VERBATIM LOAD 1 @__key SORTBY 2 @__key ASC LIMIT 0 2 "
        "LOAD 1 $ TIMEOUT 0 PARAMS 4 p0 i p1 y DIALECT 2"
    )
    assert keys(rows) == ["b", "7", "8"]


AGGREGATED = (
    f"FT.AGGREGATE {NAME} * VERBATIM LOAD 1 @__key SORTBY 4 @flavour ASC @__key ASC "
    "LIMIT {} LOAD 1 $ TIMEOUT 0 DIALECT 2"
)


@pytest.mark.parametrize(
    ("start", "first", "limit"),
    [
        (1, [flavoured(a="x", b="x", c="y", d="z")], "1 2"),
        (0, [flavoured(b="x", z="y", y="y", w="y"), flavoured(b="y")], "0 3"),
        (0, [flavoured(b="x", z="y", y="y", w="y"), flavoured(c="y")], "0 3"),
    ],
    ids=["a tie at the beginning", "a row that others moved", "fewer rows than before"],
)
def test_where_that_does_not_tell_the_rows_the_whole_order_is_asked_for(
    start: int, first: list[Any], limit: str
) -> None:
    stop = start + int(limit.split()[1])
    asked, rows = run(select(Q(), "flavour", start=start, stop=stop), *first, page(4, 5))
    assert words(asked[-1]) == AGGREGATED.format(limit)
    assert keys(rows) == ["4", "5"]


def test_an_order_of_several_keys_is_asked_for_at_once() -> None:
    asked, rows = run(select(Q(), "-flavour", "id", start=2, stop=4), page(4, 3, total=9))
    assert words(asked[0]) == (
        f"FT.AGGREGATE {NAME} * VERBATIM LOAD 1 @__key SORTBY 6 @flavour DESC @id ASC @__key ASC "
        "LIMIT 2 2 LOAD 1 $ TIMEOUT 0 DIALECT 2"
    )
    assert keys(rows) == ["4", "3"]


def test_a_slice_that_is_checked_is_cut_in_python() -> None:
    found = [f"IceCream:{number}" for number in range(5)]
    documents = [f'{{"amount_kg":{number}}}' for number in range(5)]
    question = select(Q(amount_kg__ne=4), "-amount_kg", start=1, stop=3)
    _, rows = run(question, (0, found), documents, capabilities=PLAIN)
    assert keys(rows) == ["2", "1"]


def test_of_more_rows_than_asked_for_the_keys_come_in_one_reply_and_the_documents_by_key() -> None:
    found = [f"IceCream:{number:04}" for number in range(1500)]
    texts = ['{"flavour":"x"}'] * 1500
    asked, rows = run(select(Q(flavour="x")), page(1, total=1500), listed(*found), texts[:1000], texts[1000:])
    assert "LIMIT 0 1000 " in words(asked[0])
    assert words(asked[1]) == (
        f"FT.AGGREGATE {NAME} @flavour:{{$p0}} VERBATIM LOAD 1 @__key GROUPBY 0 REDUCE TOLIST 1 @__key AS keys "
        "REDUCE COUNT 0 AS n TIMEOUT 0 PARAMS 2 p0 x DIALECT 2"
    )
    assert [len(request.arguments) for request in asked[2:]] == [1002, 502]
    assert len(rows) == 1500


@pytest.mark.parametrize(("others", "scans"), [(0, True), (10_000, False)])
def test_where_most_keys_are_wanted_they_are_scanned(others: int, scans: bool) -> None:
    found = [f"IceCream:{number:04}" for number in range(1500)]
    texts = ['{"flavour":"x"}'] * 1500
    keys_of = (0, found) if scans else listed(*found)
    asked, rows = run(select(Q()), page(1, total=1500), 1500 + others, keys_of, texts[:1000], texts[1000:])
    assert [words(request).split()[0] for request in asked[1:3]] == ["DBSIZE", "SCAN" if scans else "FT.AGGREGATE"]
    assert len(rows) == 1500


def test_where_the_server_takes_two_keys_for_one_they_are_scanned() -> None:
    asked, rows = run(
        select(Q(amount_kg__gte=2)),
        page(1, total=1_000_001),
        listed("IceCream:1", count=2),
        (0, ["IceCream:1", "IceCream:3"]),
        ['{"amount_kg":1}', '{"amount_kg":3}'],
    )
    assert [words(request).split()[0] for request in asked] == [
        "FT.SEARCH", "FT.AGGREGATE", "SCAN", "JSON.MGET",
    ]  # fmt: skip
    assert keys(rows) == ["3"]


@pytest.mark.parametrize("ask", [run, count])
def test_an_answer_that_the_server_says_is_incomplete_is_not_passed_on(ask: Callable[..., Any]) -> None:
    reply = page(1, warning=["Timeout limit was reached"])
    with pytest.raises(IncompleteResult, match="Timeout limit was reached"):
        ask(select(Q(flavour="x")), reply)


def test_a_document_that_expired_meanwhile_is_no_row() -> None:
    gone = {"total_results": 2, "results": [{"id": "IceCream:1", "extra_attributes": None}, page(2)["results"][0]]}
    _, rows = run(select(Q(flavour="x")), gone)
    assert keys(rows) == ["2"]


def test_a_sorted_page_with_a_document_gone_is_read_again() -> None:
    gone = page(1, 2)
    del gone["results"][0]["extra_attributes"]["$"]
    asked, rows = run(select(Q(), "flavour", stop=2), gone, gone, page(2, 3))
    assert asked[1] == asked[2]
    assert keys(rows) == ["2", "3"]


@pytest.mark.parametrize(("ask", "reply", "expected"), [(run, page(1), ["1"]), (count, page(total=1), 1)])
def test_an_index_that_was_dropped_meanwhile_is_made_again(ask: Callable[..., Any], reply: Any, expected: Any) -> None:
    asked, found = ask(select(Q(flavour="x")), MISSING, 0, MISSING, "OK", FULL, "OK", "OK", "OK", 1, reply)
    assert [words(request)[:9] for request in asked[2:5]] == ["FT.INFO r", "FT.CREATE", "FT.INFO r"]
    assert (keys(found) if ask is run else found) == expected
    with pytest.raises(MissingIndex):
        ask(select(Q(flavour="x")), MISSING, 0, FULL, MISSING, 0, FULL, MISSING)


@pytest.mark.parametrize(
    ("cut", "total", "expected"),
    [({}, 7, 7), ({"start": 2}, 7, 5), ({"stop": 3}, 7, 3), ({"start": 2, "stop": 3}, 7, 1), ({"start": 9}, 7, 0),
     ({"start": 5, "stop": 100}, 7, 2), ({"start": 3, "stop": 3}, 7, 0)],
)  # fmt: skip
def test_a_count_is_the_servers_cut_as_the_slice(cut: dict[str, int], total: int, expected: int) -> None:
    asked, found = count(select(Q(flavour="x"), **cut), page(total=total))
    assert (len(asked), found) == (1, expected)
    assert "NOCONTENT LIMIT 0 0" in words(asked[0])


def test_a_count_with_doubts_reads_the_rows() -> None:
    _, found = count(select(Q(amount_kg=2**53)), [page(total=2), page(total=1)], page(2**53, 2**53 + 1))
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
    assert str(told).splitlines()[-1] == "  server  RediSearch 2.10.5 and RedisJSON"


def test_rows_found_are_removed_where_they_still_are_as_they_were_read() -> None:
    texts = [b'{"flavour":"x"}', b'{"flavour":"y"}']
    found = listed("IceCream:1", "IceCream:2")
    asked, removed = drive(selected.remove_selected(state_of(SEARCH), select(Q(flavour="x"))), [], found, texts, [1])
    assert asked[0] is ALONE
    assert [words(asked[2]), removed] == ["JSON.MGET IceCream:1 IceCream:2 .", 1]
    assert [command.arguments[3] for command in asked[3].commands] == ["IceCream:1"]


def test_every_key_of_a_model_is_removed_and_no_other() -> None:
    replies = [(1, ["IceCream:1", "IceCream:Cone:1"]), (0, ["IceCream:1", "IceCream:2"]), [2]]
    asked, removed = drive(records.remove_all(state_of(SEARCH), IceCream), *replies)
    assert (words(asked[-1]), removed) == (["DEL IceCream:1 IceCream:2"], 2)


# --- filters, keys and batches ----------------------------------------------------------------------------------------


def test_strings_are_filtered_by_aggregate() -> None:
    asked, rows = run(select(Q(flavour__contains="x")), page(2, 1))
    assert words(asked[0]) == (
        f'FT.AGGREGATE {NAME} * VERBATIM FILTER (exists(@flavour) && contains(@flavour,"x")>0) '
        "LIMIT 0 1001 LOAD 2 @__key $ TIMEOUT 0 DIALECT 2"
    )
    assert keys(rows) == ["1", "2"]


def test_of_more_filtered_rows_than_the_server_gives_at_once_the_keys_come_first() -> None:
    asked, rows = run(
        select(Q(flavour__contains="x")), page(*range(3)), listed("IceCream:1", "IceCream:2"),
        ['{"flavour":"xy"}', '{"flavour":"y"}'], capabilities=replace(SEARCH, most_sorted_rows=3),
    )  # fmt: skip
    assert "LIMIT 0 3 " in words(asked[0])
    assert [words(request).split()[0] for request in asked] == ["FT.AGGREGATE", "FT.AGGREGATE", "JSON.MGET"]
    assert keys(rows) == ["1"]


def test_a_filtered_count_is_the_servers() -> None:
    reply = {"total_results": 1, "results": [{"extra_attributes": {"n": "7"}}]}
    asked, found = count(select(Q(flavour__contains="x"), start=2), reply)
    assert words(asked[0]).endswith("GROUPBY 0 REDUCE COUNT 0 AS n TIMEOUT 0 DIALECT 2")
    assert found == 5
    assert count(select(Q(flavour__contains="x")), {"total_results": 0, "results": []})[1] == 0


def test_how_many_documents_were_read_is_told() -> None:
    question = select(Q(amount_kg__gt=3))
    tally = Tally()
    keys, texts = [f"IceCream:{number}" for number in range(5)], [f'{{"amount_kg":{number}}}' for number in range(5)]
    _, answer = drive(search.select_rows(state_of(PLAIN), question, tally), (0, keys), texts)
    assert (len(answer), tally.examined) == (1, 5)


def test_rows_among_keys_come_in_the_order_of_the_keys_each_once() -> None:
    asked, rows = drive(
        search.select_among(state_of(SEARCH), select(Q(amount_kg__gt=1)), list("3213")),
        [f'{{"amount_kg":{key}}}' for key in "321"],
    )
    assert words(asked[0]) == "JSON.MGET IceCream:3 IceCream:2 IceCream:1 ."
    assert keys(rows) == ["3", "2"]


def test_keys_go_down_where_the_question_says_so() -> None:
    assert keys(run(select(Q(flavour="x"), keys_down=True), page(2, 3, 1))[1]) == ["3", "2", "1"]


def many(total: int) -> tuple[list[str], list[str]]:
    return [f"IceCream:{number:04}" for number in range(total)], [
        f'{{"amount_kg":{number % 7}}}' for number in range(total)
    ]


def test_a_slice_of_a_scan_reads_no_further_than_it_needs() -> None:
    names, texts = many(3000)
    asked, rows = run(select(Q(amount_kg=1), stop=3), (0, names), texts[:1000], capabilities=PLAIN)
    assert (len(asked), keys(rows)) == (2, ["0001", "0008", "0015"])


def batches(question: Select, *replies: Any, capabilities: Capabilities = PLAIN) -> tuple[list[Any], list[list[str]]]:
    """What a stream asks for, and the keys that it delivers."""
    asked: list[Any] = []
    delivered: list[list[str]] = []
    answers, reply = list(replies), None
    operation = search.iterate_rows(state_of(capabilities), question)
    try:
        while True:
            request = operation.throw(reply) if isinstance(reply, Exception) else operation.send(reply)
            if isinstance(request, Deliver):
                delivered.append(keys(request.rows))
                reply = None
            elif isinstance(request, Begin):
                reply = Begun(_driven(request.operation, asked, answers))
            elif isinstance(request, Finish):
                reply = request.begun.result
            else:
                asked.append(request)
                reply = answers.pop(0)
    except StopIteration:
        assert not answers
        return asked, delivered


def test_rows_are_delivered_a_thousand_documents_at_a_time() -> None:
    names, texts = many(2500)
    asked, delivered = batches(select(Q(amount_kg=1)), (0, names), texts[:1000], texts[1000:2000], texts[2000:])
    assert [words(request).split()[0] for request in asked] == ["SCAN", "MGET", "MGET", "MGET"]
    assert [len(batch) for batch in delivered] == [143, 143, 71]
    assert [key for batch in delivered for key in batch] == [f"{number:04}" for number in range(1, 2500, 7)]


def test_a_stream_in_another_order_reads_what_it_is_ordered_by_first() -> None:
    names, texts = many(5)
    asked, delivered = batches(select(Q(amount_kg__gt=1), "-amount_kg", start=1), (0, names), texts,
                               [texts[4], texts[3], texts[2]])  # fmt: skip
    assert words(asked[-1]) == "MGET IceCream:0004 IceCream:0003 IceCream:0002"
    assert delivered == [["0003", "0002"]]


def test_a_stream_ends_with_its_slice() -> None:
    names, texts = many(3000)
    asked, delivered = batches(select(Q(), start=998, stop=1001), (0, names), texts[:1000], texts[1000:2000])
    assert (len(asked), delivered) == (3, [["0998", "0999"], ["1000"]])


def test_a_stream_makes_a_dropped_index_again() -> None:
    asked, delivered = batches(
        select(Q(flavour="x")), MISSING, 0, MISSING, "OK", FULL, "OK", "OK", "OK", 1, page(1), capabilities=SEARCH
    )
    assert [words(request).split()[0] for request in asked] == [
        "FT.SEARCH", "SISMEMBER", "FT.INFO", "FT.CREATE", "FT.INFO", "SET", "FT.ALIASADD", "FT.ALIASUPDATE", "DEL",
        "FT.SEARCH",
    ]  # fmt: skip
    assert delivered == [["1"]]


def test_a_stream_of_nothing_asks_nothing() -> None:
    assert batches(select(Q(flavour__in=[]))) == ([], [])


# --- streams on a server ----------------------------------------------------------------------------------------------


class Echo(redis.Redis):
    """Answers each command with its words, and fails those that say so."""

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        if arguments[0] == "FAIL":
            raise exceptions.ResponseError("said no")
        return list(arguments)


SERVER = Server(Echo(), state_of(PLAIN), "redis://h:1/0")


def test_a_stream_is_run_as_far_as_its_rows_are_taken() -> None:
    told: list[Any] = []

    def rows() -> Stream:
        try:
            for number in range(3):
                told.append((yield command("GET", number)))
                yield Deliver([number])
        finally:
            told.append("closed")

    running = stream(rows(), SERVER)
    assert told == []
    assert next(running) == [0]
    assert told == [["GET", 0]]
    assert list(running) == [[1], [2]]
    assert told == [["GET", 0], ["GET", 1], ["GET", 2], "closed"]


def test_a_stream_that_is_left_is_closed() -> None:
    told: list[str] = []

    def rows() -> Stream:
        try:
            yield Deliver([1])
            yield command("GET", "never")
        finally:
            told.append("closed")

    running = stream(rows(), SERVER)
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert told == ["closed"]


def test_an_error_is_thrown_into_a_stream_and_out_of_it() -> None:
    def mends() -> Stream:
        try:
            yield command("FAIL")
        except ServerError as error:
            yield Deliver([str(error)])

    def fails() -> Stream:
        yield Deliver([1])
        yield command("FAIL")

    assert list(stream(mends(), SERVER)) == [["redis://h:1/0 refused FAIL: said no"]]
    running = stream(fails(), SERVER)
    assert next(running) == [1]
    with pytest.raises(ServerError, match="refused FAIL: said no"):
        next(running)

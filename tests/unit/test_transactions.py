"""Transactions without a server: what is kept, sent and undone, and who is in which."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry
from schematics.models import Model
from schematics.types import IntType, StringType

from rs_search import (
    Conflict,
    F,
    InvalidObject,
    SearchRedisMixin,
    ServerUnavailable,
    SimpleRedisMixin,
    Transaction,
    TransactionError,
    transaction,
)
from rs_search.operations.requests import WRITE, Batch, command
from rs_search.server.blocks import Block
from rs_search.server.capabilities import Capabilities
from rs_search.server.connections import known_of
from rs_search.server.transactions import current


class Pipeline:
    """What redis-py's would be told; ``fails`` is raised by EXEC."""

    def __init__(self, wire: Client) -> None:
        self.client = wire
        self.watching = False

    def watch(self, *keys: str) -> None:
        self.watching = True
        self.client.log.append(("WATCH", *keys))

    def multi(self) -> None:
        self.client.log.append(("MULTI",))

    def execute_command(self, *words: Any) -> None:
        self.client.log.append(words)

    def execute(self) -> list[Any]:
        self.client.log.append(("EXEC",))
        if self.client.fails:
            raise self.client.fails.pop(0)
        return []

    def reset(self) -> None:
        self.client.log.append(("reset",))


class Client:
    """A client that answers nothing: what is asked outside of a pipeline is noted by itself."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.asked: list[tuple[Any, ...]] = []
        self.fails: list[Exception] = []

    def pipeline(self, transaction: bool) -> Pipeline:
        assert transaction
        return Pipeline(self)

    def execute_command(self, *words: Any) -> Any:
        self.asked.append(words)
        return [b"none"] * words[2] if words[0] == "EVAL" else None

    @property
    def sent(self) -> list[str]:
        """What was sent, the scripts' texts apart, and what writes nothing."""
        return [" ".join(map(str, words[:2])) for words in self.log if words != WRITES_NOTHING]


#: What a server that is out of memory refuses when it is queued.
WRITES_NOTHING = ("SETRANGE", "rs:none", 0, "")


class Ice(Model, SimpleRedisMixin):
    pk = StringType()
    number = IntType()
    version = IntType()


class Versioned(Ice):
    __prefix__ = "Versioned"
    __version_field__ = "version"


def server() -> Client:
    wire = Client()
    known_of(wire).state.capabilities = Capabilities(False, "none")
    return wire


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    fake = server()
    monkeypatch.setattr(Ice, "__redis_client__", fake)
    assert current() is None
    yield fake
    assert current() is None


def ice(pk: str | None = "1", **values: Any) -> Any:
    return Ice({"pk": pk, **values})


def fail(block: Transaction, *writes: Callable[[], Any]) -> None:
    """Writes in a block that an error ends."""
    with block:
        for write in writes:
            write()
        raise KeyError


# --- the block --------------------------------------------------------------------------------------------------------


def test_writes_are_sent_together_at_the_end_of_the_block(wire: Client) -> None:
    with transaction() as block:
        assert current() is block
        assert ice("1").set() is True
        ice("2").delete()
        assert wire.log == []
    assert wire.sent == ["SET Ice:1", "DEL Ice:2", "EXEC", "reset"]
    assert wire.asked == []


def test_what_a_server_without_memory_refuses_comes_first(wire: Client) -> None:
    with transaction():
        ice("1").set()
    assert wire.log[0] == WRITES_NOTHING


def test_an_error_in_the_block_sends_nothing(wire: Client) -> None:
    with pytest.raises(KeyError):
        fail(transaction(), ice("1").set)
    assert wire.log == []


def test_a_block_without_writes_sends_nothing(wire: Client) -> None:
    with transaction():
        Ice.get_many([])
    assert wire.log == []


def test_what_is_asked_in_the_block_is_asked_at_once(wire: Client) -> None:
    with transaction():
        ice("1").set()
        with pytest.raises(LookupError):
            Ice.match(pk="1")
        assert wire.asked == [("GET", "Ice:1")]
        assert wire.log == []


def test_a_block_that_is_used_again_sends_its_own_writes_only(wire: Client) -> None:
    block = transaction()
    for pk in "12":
        with block:
            ice(pk).set()
    assert wire.sent == ["SET Ice:1", "EXEC", "reset", "SET Ice:2", "EXEC", "reset"]


def test_after_an_error_a_block_starts_anew(wire: Client) -> None:
    block = transaction()
    with pytest.raises(KeyError):
        fail(block, ice("1").set)
    with block:
        ice("2").set()
    assert wire.sent == ["SET Ice:2", "EXEC", "reset"]


def test_a_block_inside_a_block_joins_it(wire: Client) -> None:
    with transaction() as outer:
        ice("1").set()
        with transaction() as inner:
            assert inner is outer
            ice("2").set()
        assert current() is outer
        assert wire.log == []
        ice("3").set()
    assert wire.sent == ["SET Ice:1", "SET Ice:2", "SET Ice:3", "EXEC", "reset"]


def test_an_error_in_an_inner_block_that_is_caught_leaves_the_outer_one(wire: Client) -> None:
    with transaction():
        ice("1").set()
        with pytest.raises(KeyError), transaction():
            raise KeyError
    assert wire.sent == ["SET Ice:1", "EXEC", "reset"]


def test_a_block_inside_itself_ends_with_the_outer_one() -> None:
    def left() -> Any:
        block = transaction()
        with block, block:
            pass
        return current()

    # In a context of its own, for the other tests.
    assert contextvars.copy_context().run(left) is None


def test_models_on_two_servers_cannot_share_a_block(wire: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(Ice):
        pass

    other = server()
    monkeypatch.setattr(Elsewhere, "__redis_client__", other)
    with pytest.raises(TransactionError, match="a transaction is on one server"):
        fail(transaction(), ice("1").set, Elsewhere({"pk": "1"}).set)
    assert wire.log == other.log == []


@pytest.mark.parametrize(
    "depends",
    [
        lambda: ice("1").set(if_absent=True),
        lambda: ice("1").set(if_present=True),
        lambda: Versioned({"pk": "1"}).set(),
        lambda: Versioned.set_many([Versioned({"pk": "1"})]),
        lambda: Ice.get_or_set(pk="1"),
    ],
)
def test_what_depends_on_what_is_stored_then_cannot_take_part(wire: Client, depends: Any) -> None:
    with pytest.raises(TransactionError, match="cannot take part in a transaction"), transaction():
        depends()
    assert wire.log == []


def test_what_cannot_take_part_leaves_the_rest_of_the_block(wire: Client) -> None:
    with transaction():
        ice("1").set()
        with pytest.raises(TransactionError):
            ice("2").set(if_absent=True)
    assert wire.sent == ["SET Ice:1", "EXEC", "reset"]


# --- what is undone ---------------------------------------------------------------------------------------------------


def test_an_object_that_was_not_sent_is_as_it_was(wire: Client) -> None:
    new = ice(None, number="5")
    seen = []
    with pytest.raises(KeyError):
        fail(transaction(), new.set, lambda: seen.append(new.pk))
    assert seen[0] is not None
    assert new.pk is None


def test_an_object_that_was_sent_keeps_its_key(wire: Client) -> None:
    new = ice(None)
    with transaction():
        new.set()
    assert wire.sent == [f"SET Ice:{new.pk}", "EXEC", "reset"]


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (exceptions.WatchError("changed"), Conflict),
        (exceptions.ConnectionError("gone"), ServerUnavailable),
        (OSError("gone"), ServerUnavailable),
    ],
)
def test_objects_are_as_they_were_where_sending_failed(wire: Client, error: Exception, ours: type[Exception]) -> None:
    wire.fails.append(error)
    new = ice(None)
    with pytest.raises(ours), transaction():
        new.set()
    assert new.pk is None
    assert wire.sent[-1] == "reset"


def test_many_objects_are_as_they_were_where_sending_failed(wire: Client) -> None:
    new = ice(None)
    with pytest.raises(KeyError):
        fail(transaction(), lambda: Ice.set_many([new]))
    assert new.pk is None


def test_what_was_not_sent_is_still_changed(wire: Client) -> None:
    new = ice("1", number=5)
    assert new.changed == {"pk", "number"}
    with pytest.raises(KeyError):
        fail(transaction(), new.set)
    assert new.changed == {"pk", "number"}


def test_what_was_done_last_is_undone_first() -> None:
    done: list[int] = []
    fake = Known(server())

    def keep(block: Block) -> None:
        for number in range(3):
            block.add(Batch((), role=WRITE, undo=lambda number=number: done.append(number)), fake)  # type: ignore[misc]
        raise KeyError

    with pytest.raises(KeyError), transaction() as block:
        keep(block)
    assert done == [2, 1, 0]


class Known:
    """As much of a server as a transaction asks."""

    address = "redis://fake"

    def __init__(self, wire: Client) -> None:
        self.client = wire
        self.state = known_of(wire).state


def test_what_a_batch_would_do_among_others_is_sent_in_its_place() -> None:
    fake = server()
    with transaction() as block:
        block.add(Batch((command("A"),), role=WRITE, together=lambda: (command("B"), command("C"))), Known(fake))
        block.add(Batch((command("D"),), role=WRITE), Known(fake))
        block.add(Batch((command("E"),), role=WRITE, together=tuple), Known(fake))
    assert fake.sent == ["B", "C", "D", "EXEC", "reset"]


# --- watched objects --------------------------------------------------------------------------------------------------


def test_watched_objects_are_watched_before_the_block(wire: Client) -> None:
    with transaction(watch=[ice("1"), ice("2")]):
        assert wire.sent == ["WATCH Ice:1", "WATCH Ice:2"]
        ice("3").set()
    assert wire.sent[2:] == ["MULTI", "SET Ice:3", "EXEC", "reset"]


def test_an_inner_block_watches_for_the_outer_one(wire: Client) -> None:
    with transaction():
        with transaction(watch=[ice("1")]):
            assert wire.sent == ["WATCH Ice:1"]
        ice("2").set()
    assert wire.sent == ["WATCH Ice:1", "MULTI", "SET Ice:2", "EXEC", "reset"]


def test_nothing_is_watched_any_more_after_an_error(wire: Client) -> None:
    with pytest.raises(KeyError), transaction(watch=[ice("1")]):
        raise KeyError
    assert wire.sent == ["WATCH Ice:1", "reset"]


def test_an_object_without_a_key_cannot_be_watched(wire: Client) -> None:
    with pytest.raises(InvalidObject, match="no primary key yet"), transaction(watch=[ice(None)]):
        raise AssertionError("the block must not run")


def test_an_error_of_watching_comes_out_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ice, "__redis_client__", redis.Redis(port=1, retry=Retry(NoBackoff(), 0)))
    with pytest.raises(ServerUnavailable), transaction(watch=[ice("1")]):
        raise AssertionError("the block must not run")


# --- functions --------------------------------------------------------------------------------------------------------


def changed(times: int) -> list[Exception]:
    return [exceptions.WatchError("changed") for _ in range(times)]


@pytest.mark.parametrize(("retries", "conflicts", "calls"), [(0, 0, 1), (3, 0, 1), (3, 1, 2), (3, 3, 4)])
def test_a_function_runs_again_while_watched_objects_change(
    wire: Client, retries: int, conflicts: int, calls: int
) -> None:
    wire.fails += changed(conflicts)
    done = []

    def function() -> int:
        done.append(ice("1").set())
        return len(done)

    assert transaction(retries=retries).run(function) == calls
    assert len(done) == calls


@pytest.mark.parametrize("retries", [0, 2])
def test_a_function_runs_no_more_often_than_it_may(wire: Client, retries: int) -> None:
    wire.fails += changed(9)
    done = []
    with pytest.raises(Conflict):
        transaction(retries=retries).run(lambda: done.append(ice("1").set()))
    assert len(done) == retries + 1


def test_another_error_is_not_tried_again(wire: Client) -> None:
    wire.fails += [exceptions.ConnectionError("gone")]
    done = []
    with pytest.raises(ServerUnavailable):
        transaction(retries=5).run(lambda: done.append(ice("1").set()))
    assert len(done) == 1


def test_what_is_watched_is_asked_at_each_attempt(wire: Client) -> None:
    wire.fails += changed(1)
    given = iter([[ice("1")], [ice("2")]])
    transaction(watch=lambda: next(given), retries=1).run(lambda: ice("3").set())
    assert [sent for sent in wire.sent if sent.startswith("WATCH")] == ["WATCH Ice:1", "WATCH Ice:2"]


def test_a_decorated_function_is_a_transaction_at_each_call(wire: Client) -> None:
    @transaction(retries=1)
    def keep(pk: str, *, number: int) -> str:
        """Keeps."""
        ice(pk, number=number).set()
        return pk

    wire.fails += changed(1)
    assert (keep("1", number=2), keep("2", number=3)) == ("1", "2")
    assert wire.sent.count("EXEC") == 3
    assert (keep.__name__, keep.__doc__) == ("keep", "Keeps.")


def test_a_decorated_coroutine_is_awaited_in_its_transaction() -> None:
    seen = []

    @transaction()
    async def function(number: int) -> int:
        seen.append(current())
        await asyncio.sleep(0)
        return number

    assert asyncio.run(function(5)) == 5  # type: ignore[arg-type]
    assert isinstance(seen[0], Block)
    assert current() is None


# --- threads and tasks ------------------------------------------------------------------------------------------------


def test_a_thread_is_in_no_transaction_of_another(wire: Client) -> None:
    seen: list[Any] = []
    with transaction() as block:
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
        assert current() is block
    assert seen == [None]


def test_tasks_at_once_are_each_in_their_own_transaction() -> None:
    async def one(seen: list[Any]) -> None:
        async with transaction() as block:
            await asyncio.sleep(0)
            seen.append((current(), block))

    async def both() -> list[Any]:
        seen: list[Any] = []
        await asyncio.gather(one(seen), one(seen))
        return seen

    (first, own), (second, other) = asyncio.run(both())
    assert first is own
    assert second is other
    assert first is not second


def test_an_update_is_refused_before_anything_is_changed(wire: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "execute_command", lambda *words: [b'{"pk": "1", "number": 5}'])
    kept = ice("1", number=5)
    with pytest.raises(TransactionError), transaction():
        kept.update(number=F("number") + 1)
    assert kept.number == 5
    assert wire.log == []


class Searched(Model, SearchRedisMixin):
    pk = StringType()


def test_a_document_is_written_by_a_command_that_cannot_fail_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Client()
    known_of(fake).state.capabilities = Capabilities(True, None)
    monkeypatch.setattr(Searched, "__redis_client__", fake, raising=False)
    with transaction():
        Searched({"pk": "1"}).set()
    assert [words[0] for words in fake.log] == ["SETRANGE", "EVAL", "EXEC", "reset"]
    assert fake.log[1][2:4] == (1, "Searched:1")


# --- who is in which block --------------------------------------------------------------------------------------------


def test_one_transaction_that_several_enter_at_once_is_a_block_for_each(wire: Client) -> None:
    shared = transaction()
    both = threading.Barrier(2)

    def one(pk: str) -> None:
        with shared:
            ice(pk).set()
            both.wait(10)

    threads = [threading.Thread(target=one, args=(pk,)) for pk in "12"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wire.sent) == ["EXEC", "EXEC", "SET Ice:1", "SET Ice:2", "reset", "reset"]


def test_what_is_begun_in_a_block_joins_it_until_its_end(wire: Client) -> None:
    with transaction():
        within = contextvars.copy_context()
        within.run(ice("1").set)
        assert wire.asked == []
    assert wire.sent == ["SET Ice:1", "EXEC", "reset"]
    # Kept for an end that is over, it would be lost.
    within.run(ice("2").set)
    assert [words[:2] for words in wire.asked] == [("SET", "Ice:2")]
    assert within.run(current) is None


def test_a_block_that_ends_where_it_did_not_begin_is_an_error(wire: Client) -> None:
    block = transaction()
    contextvars.copy_context().run(block.__enter__)
    with pytest.raises(TransactionError, match="in the task or thread in which it began"):
        block.__exit__(None, None, None)
    assert wire.log == []


def test_blocks_that_end_in_another_order_are_an_error(wire: Client) -> None:
    def crossed() -> None:
        outer, inner = transaction(), transaction()
        outer.__enter__()
        inner.__enter__()
        with pytest.raises(TransactionError, match="innermost first"):
            outer.__exit__(None, None, None)

    contextvars.copy_context().run(crossed)
    assert wire.log == []


def test_a_block_that_cannot_watch_all_gives_its_connection_back(wire: Client) -> None:
    with pytest.raises(InvalidObject), transaction(watch=[ice("1"), ice(None)]):
        raise AssertionError("the block must not run")
    assert wire.sent == ["WATCH Ice:1", "reset"]

"""The index lost, and found again: a server that was emptied, started anew, or stands in for another one.

What is lost is made again by the next call, or done without, and the log says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

import pytest
import redis
from fixtures.drivers import Driver
from fixtures.ices import Ice, keep, keep_by_hand
from fixtures.servers import Restarts, client_for
from redis.backoff import ConstantBackoff
from redis.retry import Retry

import rs_search
from rs_search import NotAllowed, StrictPerformanceException
from rs_search.storage.json_document import STRINGS

SERVERS = [("redis", 3), ("redis", 2), ("valkey", 3)]


@pytest.mark.parametrize("seldom", [True, False])
@pytest.mark.parametrize("take", ["FLUSHALL", "FT.DROPINDEX", "alias"])
def test_an_index_that_is_lost_is_made_again_and_told(
    client: redis.Redis, drive: Driver, take: str, seldom: bool, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("rs_search.operations.index.LOOK_EVERY", 1000 if seldom else 0)
    keep(50)
    assert drive(Ice, "count", amount__gte=0) == 50
    assert caplog.text == ""
    if take == "FLUSHALL":
        client.flushall()
        keep(50)
    elif take == "FT.DROPINDEX":
        client.execute_command("FT.DROPINDEX", f"{Ice.index.name}:1")
    else:
        client.execute_command("FT.ALIASDEL", Ice.index.name)
    assert drive(Ice, "count", amount__gte=0) == 50
    assert caplog.text.count(f"the index {Ice.index.name} is gone") == 1
    assert len(drive.rows(Ice.filter(amount__gte=0))) == 50
    assert drive.rows(Ice.filter(amount=5))[0].pk == "000005"
    assert drive(Ice.index, "status").exists


@pytest.mark.usefixtures("looks")
def test_one_that_was_dropped_by_ourselves_is_no_loss(client: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    keep(5)
    assert Ice.count(amount__gte=0) == 5
    Ice.index.drop()
    assert Ice.count(amount__gte=0) == 5
    assert caplog.text == ""


# --- started anew -----------------------------------------------------------------------------------------------------


def test_an_index_that_is_read_in_again_is_not_asked_before_that_is_done(restarts: Restarts) -> None:
    """From an append-only file the index fills while the server answers already: 1,600, 2,000 … of 100,000 documents.

    redis-py connects anew without a word.
    """
    restarts.start("--appendonly", "yes")
    client = client_for(restarts.url)
    rs_search.connect(client)
    keep_by_hand(client, 15_000)
    assert Ice.count(amount__gte=0) == 15_000
    restarts.stop()
    restarts.start("--appendonly", "yes")
    assert Ice.count(amount__gte=0) == 15_000
    assert [one.amount for one in Ice.filter(amount__gte=14_998)] == [14_998, 14_999]
    assert sum(1 for _ in Ice.filter(amount__gte=14_000).iterator()) == 1_000


def test_a_server_with_persistence_is_of_use(restarts: Restarts) -> None:
    """From a snapshot the index and its alias are whole when the server answers."""
    restarts.start()
    client = client_for(restarts.url)
    rs_search.connect(client)
    keep(100)
    assert Ice.count(amount__gte=0) == 100
    client.save()
    restarts.stop()
    restarts.start()
    assert client.execute_command("FT.INFO", Ice.index.name)
    assert Ice.count(amount__gte=0) == 100


def test_without_persistence_the_next_call_makes_the_index_again(
    restarts: Restarts, caplog: pytest.LogCaptureFixture
) -> None:
    restarts.start()
    rs_search.connect(client_for(restarts.url))
    keep(5)
    assert Ice.count(amount__gte=0) == 5
    restarts.stop(signal.SIGKILL)
    restarts.start()
    keep(3)
    assert Ice.count(amount__gte=0) == 3
    assert Ice.filter(amount=1).explain(run=True).access == "index"
    assert f"the index {Ice.index.name} is gone" in caplog.text


def test_modules_that_are_lost_and_found_are_noticed(restarts: Restarts, caplog: pytest.LogCaptureFixture) -> None:
    restarts.start()
    rs_search.connect(client_for(restarts.url))
    keep(5)
    assert Ice.count(amount__gte=0) == 5
    restarts.stop()
    restarts.start(modules=False)
    # Without persistence the data are gone as well.
    assert Ice.count(amount__gte=0) == 0
    assert "the server has changed: it has no modules now" in caplog.text
    assert "queries will read whole collections" in caplog.text
    keep(4)
    assert Ice.count(amount__gte=0) == 4
    assert Ice.filter(amount=1).explain().access == "scan"
    client = redis.Redis.from_url(restarts.url)
    assert client.type("Ice:000001") == b"string"
    client.save()
    restarts.stop()
    restarts.start()
    # Kept as strings, which no index sees: found and converted.
    assert Ice.count(amount__gte=0) == 4
    assert Ice.count(amount__gte=0) == 4
    assert "4 objects of Ice, kept as strings without RedisJSON, are documents now" in caplog.text
    assert Ice.filter(amount=1).explain(run=True).access == "index"
    assert client.type("Ice:000001") == b"ReJSON-RL"
    assert client.exists(STRINGS) == 0


def test_an_async_client_notices_that_the_server_was_started_anew(restarts: Restarts) -> None:
    async def ask() -> None:
        client = redis.asyncio.Redis.from_url(restarts.url)
        rs_search.connect(client)
        await Ice({"pk": "a", "amount": 1}).aset()
        assert (await Ice.filter(amount=1).aexplain(run=True)).access == "scan"
        await client.save()
        # The loop goes on, and sees that the connection ends.
        await asyncio.to_thread(restarts.stop)
        await asyncio.to_thread(restarts.start)
        assert await Ice.acount(amount=1) == 1
        assert (await Ice.filter(amount=1).aexplain(run=True)).access == "index"
        assert await Ice.acount(amount=1) == 1
        await client.aclose()

    restarts.start(modules=False)
    asyncio.run(ask())


def test_a_server_without_modules_is_asked_from_time_to_time(
    restarts: Restarts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_search.server.capabilities.ASK_EVERY", 0)
    restarts.start("--enable-module-command", "yes", modules=False)
    rs_search.connect(client_for(restarts.url))
    keep(2)
    assert Ice.filter(amount__gte=0).explain(run=True).access == "scan"
    restarts.load_modules()
    assert Ice.filter(amount__gte=0).explain(run=True).access == "index"
    assert Ice.count(amount__gte=0) == 2


def test_writing_goes_on_where_the_modules_were_lost(restarts: Restarts) -> None:
    restarts.start()
    rs_search.connect(client_for(restarts.url))
    keep(5)
    restarts.stop()
    restarts.start(modules=False)
    Ice({"pk": "a", "amount": 1}).set()
    assert Ice.match_for_pk("a").amount == 1


# --- objects kept without RedisJSON -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("looks")
def test_strings_that_come_while_a_process_runs_are_found_and_converted(client: redis.Redis, drive: Driver) -> None:
    """Another process may not know yet that the server has RedisJSON now, and writes strings for a while."""
    keep(3)
    assert drive(Ice, "count", amount__gte=0) == 3
    client.sadd(STRINGS, "Ice:")
    client.set("Ice:late", json.dumps({"pk": "late", "amount": 7, "day": "2020-01-01"}))
    status = drive(Ice.index, "status")
    assert (status.documents, status.indexed, status.waiting) == (4, 3, 1)
    assert "1 objects, kept without RedisJSON, are strings" in (status.why_not or "")
    assert drive(Ice, "count", amount=7) == 1
    assert drive(Ice, "count", day="2020-01-01") == 4
    assert client.exists(STRINGS) == 0
    assert drive(Ice.index, "status").why_not is None


@pytest.mark.usefixtures("looks")
def test_a_string_that_cannot_be_converted_hides_nothing(client: redis.Redis) -> None:
    keep(3)
    client.set("Ice:bad", "no json")
    client.sadd("rs:strings", "Ice:")
    with pytest.raises(rs_search.UnreadableDocument, match="Ice:bad"):
        list(Ice.filter(amount__gte=0))
    client.delete("Ice:bad")
    assert Ice.count(amount__gte=0) == 3


# --- another server in its place --------------------------------------------------------------------------------------


def replicated(first: Restarts, second: Restarts) -> redis.Redis:
    """Start two servers, the second a replica of the first; gives a client of the second, once it has all."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    first.start("--port", port, "--repl-diskless-sync-delay", "0")
    second.start("--replicaof", "127.0.0.1", port)
    client = redis.Redis.from_url(second.url)
    wait_for(lambda: client.info("replication")["master_link_status"] == "up")
    return client


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_replica_that_takes_over_answers_from_its_own_index(restarts: Restarts, other_restarts: Restarts) -> None:
    replica = replicated(restarts, other_restarts)
    address = f"{restarts.folder}/address"
    os.symlink(f"{restarts.folder}/s", address)
    client = client_for(f"unix://{address}")
    rs_search.connect(client)
    keep(50)
    assert Ice.count(amount__gte=10) == 40
    client.wait(1, 10_000)
    restarts.stop(signal.SIGKILL)
    os.replace(other_address(other_restarts), address)
    replica.replicaof("NO", "ONE")
    assert Ice.count(amount__gte=10) == 40
    assert Ice.filter(amount=1).explain(run=True).access == "index"
    Ice({"pk": "new", "amount": 1}).set()
    assert Ice.count(amount=1) == 2


def other_address(server: Restarts) -> str:
    link = f"{server.folder}/address"
    os.symlink(f"{server.folder}/s", link)
    return link


def test_a_replica_that_has_no_index_yet_is_read_without_one(
    restarts: Restarts, other_restarts: Restarts, caplog: pytest.LogCaptureFixture
) -> None:
    replica = replicated(restarts, other_restarts)
    rs_search.connect(client_for(restarts.url))
    keep(5)
    wait_for(lambda: replica.dbsize() == 5)
    rs_search.connect(replica)
    assert Ice.count(amount__gte=3) == 2
    assert "queries of Ice read the whole collection: the index cannot be made" in caplog.text
    with pytest.raises(NotAllowed, match="read only"):
        Ice({"pk": "new"}).set()

    class Strict(Ice):
        __prefix__ = "Ice"
        __strict_performance__ = True

    with pytest.raises(StrictPerformanceException, match="read only"):
        Strict.count(amount__gte=3)


def test_a_user_who_may_make_no_index_reads_the_collection(
    client: redis.Redis, drive: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    keep(5)
    client.execute_command("ACL SETUSER", "reader", "on", ">secret", "~*", "+@all", "-ft.create")
    pool = client.connection_pool
    settings = {**pool.connection_kwargs, "username": "reader", "password": "secret"}
    try:
        rs_search.connect(
            redis.Redis(connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **settings))
        )
        assert drive(Ice, "count", amount__gte=3) == 2
        assert "the index cannot be made or looked after" in caplog.text
        rs_search.connect(client)
        Ice.index.create()
    finally:
        client.execute_command("ACL DELUSER", "reader")


@pytest.mark.skipif(redis.__version__.startswith("5."), reason="redis-py 5 tries no more where there is no server")
def test_a_client_that_tries_again_does_so_both_ways(restarts: Restarts, drive: Driver) -> None:
    restarts.start(modules=False)
    rs_search.connect(restarts.url, retry=Retry(ConstantBackoff(0.05), 100))
    assert drive(Ice({"pk": "a"}), "set")
    restarts.stop()
    begin = threading.Timer(0.5, restarts.start, kwargs={"modules": False})
    begin.start()
    try:
        assert drive(Ice({"pk": "b"}), "set")
    finally:
        begin.join()

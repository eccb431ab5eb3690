"""What only an event loop can show: many loops, many tasks, pages read ahead, and clients that are closed."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import redis
import redis.asyncio
from fixtures.loops import KEPT, Ice, Runner, connections_fall_to
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel
from schematics.models import Model
from schematics.types import StringType

import rs_search
from rs_search import Conflict, ReferenceType, SearchRedisMixin, ServerError, TransactionError, objects, transaction
from rs_search.server.connections import client_of
from rs_search.twins import sync

SERVERS = [("redis", 3), ("plain", 2)]


class Cone(Model, SearchRedisMixin):
    pk = StringType()
    ice = ReferenceType(Ice)


async def counted(times: int) -> list[int]:
    return list(await asyncio.gather(*(Ice.acount(amount__lt=5) for _ in range(times))))


# --- loops and threads ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("kept")
def test_one_model_serves_loops_one_after_the_other(run: Runner) -> None:
    for _ in range(3):
        assert run(Ice.acount(amount__lt=10)) == 10


@pytest.mark.usefixtures("kept")
def test_one_model_serves_threads_and_loops_at_once(run: Runner) -> None:
    found: list[int] = []

    def in_loop() -> None:
        found.extend(run(counted(20)))

    def in_thread() -> None:
        found.extend(Ice.count(amount__lt=5) for _ in range(20))

    threads = [threading.Thread(target=work) for work in (in_loop, in_thread) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 120


def test_nothing_is_opened_at_import(client: redis.Redis) -> None:
    """A module with models is imported in a process without a server, and without a loop."""
    code = (
        "from schematics.models import Model\nfrom schematics.types import StringType\n"
        "from rs_search import SearchRedisMixin\nclass A(Model, SearchRedisMixin):\n    pk = StringType()\n"
        "print(A.filter(pk='x'))"
    )
    settings = {"RS_SEARCH_URL": "redis://127.0.0.1:1", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings)
    assert done.stdout.strip() == "A.filter(pk='x')", done.stderr


# --- many tasks -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("kept")
def test_five_hundred_tasks_share_twenty_connections(run: Runner, client: redis.Redis) -> None:
    async def work() -> list[int]:
        found = await asyncio.gather(*(Ice.amatch(pk=f"{place:04}") for place in range(500)))
        connected.append(len(client.client_list()))
        return [one.amount for one in found]

    connected: list[int] = []
    assert connections_fall_to(1, client)
    assert run(work()) == list(range(500))
    assert connected[0] <= 20 + 1


async def in_a_block(place: int, **options: Any) -> None:
    async with transaction(**options):
        await Ice({"pk": f"x{place}"}).aset()
        assert (await Ice.amatch(pk="0001")).amount == 1


@pytest.mark.usefixtures("kept")
def test_five_hundred_transactions_share_the_connections(run: Runner) -> None:
    async def work() -> int:
        await asyncio.gather(*(in_a_block(place) for place in range(500)))
        return await Ice.acount(pk__startswith="x")

    assert run(work()) == 500


@pytest.mark.usefixtures("kept")
def test_transactions_that_watch_leave_connections_for_what_is_read_in_them(run: Runner) -> None:
    async def work() -> int:
        watched = [Ice({"pk": f"{place:04}"}) for place in range(100)]
        await asyncio.gather(*(in_a_block(place, watch=[one]) for place, one in enumerate(watched)))
        return await Ice.acount(pk__startswith="x")

    assert run(work()) == 100


def test_threads_in_transactions_wait_for_a_connection(client: redis.Redis) -> None:
    settings = client.connection_pool.connection_kwargs
    few = redis.Redis(unix_socket_path=settings["path"], max_connections=3)
    rs_search.connect(few)

    def one(place: int) -> None:
        with transaction(watch=[Ice({"pk": str(place)})]) if place % 2 else transaction():
            Ice({"pk": str(place)}).set()

    threads = [threading.Thread(target=one, args=(place,)) for place in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Ice.get_many(map(str, range(30)))) == Ice.count() == 30
    few.close()


def test_a_function_that_gives_another_client_at_each_call_has_one_of_ours(client: redis.Redis, run: Runner) -> None:
    path = client.connection_pool.connection_kwargs["path"]

    class Given(Ice):
        __redis_client__ = staticmethod(
            lambda: redis.Redis(unix_socket_path=path, retry=Retry(ExponentialBackoff(base=0.01), 3))
        )

    async def work() -> int:
        before = len(client.client_list())
        for place in range(20):
            await Given({"pk": str(place)}).aset()
        return len(client.client_list()) - before

    assert run(work()) == 1


def test_a_client_that_tries_again_in_a_way_of_its_own_has_one_of_ours_without(
    client: redis.Redis, run: Runner
) -> None:
    class Own:
        def call_with_retry(self, do: Any, fail: Any, *more: Any, **options: Any) -> Any:
            return do()

    client.connection_pool.connection_kwargs["retry"] = Own()
    assert run(Ice({"pk": "a"}).aset())


def test_what_is_watched_fails_the_block_of_a_task(client: redis.Redis) -> None:
    async def work() -> None:
        one = Ice({"pk": "a", "amount": 1})
        await one.aset()
        with pytest.raises(Conflict):
            await too_late(one)
        assert await Ice.aget_many(["a", "b"]) == [None, None]

    async def too_late(one: Ice) -> None:
        async with transaction(watch=[one]):
            client.delete("Ice:a")
            await Ice({"pk": "b"}).aset()

    asyncio.run(work())


def test_a_task_that_outlives_the_block_it_was_begun_in_writes_by_itself(client: redis.Redis) -> None:
    async def late(began: asyncio.Event) -> None:
        await began.wait()
        await Ice({"pk": "late"}).aset()

    async def work() -> None:
        ended = asyncio.Event()
        async with transaction():
            await Ice({"pk": "early"}).aset()
            task = asyncio.ensure_future(late(ended))
        assert [one and one.pk for one in await Ice.aget_many(["early", "late"])] == ["early", None]
        ended.set()
        await task
        assert (await Ice.amatch(pk="late")).pk == "late"

    asyncio.run(work())


# --- pages ------------------------------------------------------------------------------------------------------------


def pages_read(client: redis.Redis) -> int:
    told = client.info("commandstats")
    return sum(told.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("json.mget", "mget"))


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("waits", [True, False])
def test_one_page_is_held_and_the_next_is_read_while_the_caller_works(
    run: Runner, client: redis.Redis, waits: bool
) -> None:
    async def work() -> None:
        client.config_resetstat()
        seen = []
        async for one in Ice.filter(amount__gte=0):
            seen.append(one.amount)
            if len(seen) % 1000 == 1:
                if waits:
                    await asyncio.sleep(0.05)
                else:
                    # Whoever leaves the loop no turn has the next page asked for all the same.
                    time.sleep(0.05)
                # The one whose rows these are, and the one after it, if there is one.
                assert pages_read(client) == min(3, len(seen) // 1000 + 2)
        assert seen == list(range(KEPT))

    run(work())


@pytest.mark.usefixtures("kept")
def test_breaking_out_of_a_loop_over_rows_leaves_nothing_behind(run: Runner) -> None:
    async def work() -> None:
        for _ in range(5):
            async for one in Ice.filter(amount__gte=0):
                assert one.amount == 0
                break
        # The loop itself closes what was broken out of, in tasks of its own.
        for _ in range(200):
            await asyncio.sleep(0.025)
            if asyncio.all_tasks() == {asyncio.current_task()}:
                break
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await Ice.acount() == KEPT

    run(work())


# --- clients ----------------------------------------------------------------------------------------------------------


def path_of(client: redis.Redis) -> str:
    return str(client.connection_pool.connection_kwargs["path"])


@pytest.fixture
def awaited_only(client: redis.Redis) -> Any:
    """An async client alone, which speaks as the other one does."""
    own = redis.asyncio.Redis(
        unix_socket_path=path_of(client), protocol=client.connection_pool.connection_kwargs.get("protocol") or 3
    )
    rs_search.connect(own)
    yield own
    rs_search.connect(client)


def test_an_async_client_of_the_users_own_serves_awaited_calls(awaited_only: Any) -> None:
    async def work() -> None:
        await Ice({"pk": "x", "amount": 1}).aset()
        assert await Ice.acount() == 1
        rows = Ice.all()
        await rows
        assert len(rows) == 1
        await Cone({"pk": "c", "ice": "x"}).aset()
        cone = await Cone.amatch(pk="c")
        with pytest.raises(ServerError, match="aprefetch"):
            print(cone.ice)
        await Cone.aprefetch([cone], "ice")
        assert cone.ice.amount == 1
        # It is the user's own that did it.
        assert len(await awaited_only.client_list()) <= 2
        await awaited_only.aclose()

    asyncio.run(work())


def calls_of(owner: Any) -> list[str]:
    twins = {name: getattr(value, "twin", None) for name, value in vars(type(owner)).items()}
    return [name for name, twin in twins.items() if isinstance(twin, sync) and not name.startswith("_")]


ARGUMENTS: dict[str, Any] = {
    **{name: [Ice({"pk": "1"})] for name in ("set", "refresh", "delete", "ttl", "persist")},
    **{name: [["1"]] for name in ("get_many", "delete_many", "in_bulk")},
    "update": [],
    "match_for_pk": ["1"],
    "set_many": [[Ice({"pk": "1"})]],
}
OPTIONS: dict[str, Any] = {name: {"pk": "1"} for name in ("match", "get_or_set", "update_or_set", "delete_filter")}


@pytest.mark.parametrize("owner", [objects(Ice), Ice.all(), Ice.index], ids=["objects", "result sets", "index"])
def test_each_operation_that_cannot_wait_says_which_can(owner: Any, awaited_only: Any) -> None:
    names = calls_of(owner)
    assert len(names) > 5
    for name in set(names) - {"prefetch"}:
        arguments, options = ARGUMENTS.get(name, []), OPTIONS.get(name, {})
        if name == "update":
            arguments, options = ([Ice({"pk": "1"})] if "ttl" in names else []), {"amount": 2}
        with pytest.raises(ServerError, match=rf"Ice has an async client: {name}\(\) cannot wait: await a{name}\(\)"):
            getattr(owner, name)(*arguments, **options)


@pytest.mark.usefixtures("awaited_only")
def test_what_is_no_operation_says_as_well_what_to_await() -> None:
    said = "await the result set, or read it by `async for`"
    with pytest.raises(ServerError, match=said):
        list(Ice.all())
    with pytest.raises(ServerError, match=said):
        print(Ice.all()[0])
    with pytest.raises(ServerError, match=r"await aexists\(\)"):
        bool(Ice.all())
    with pytest.raises(ServerError, match="read the result set by `async for`"):
        next(Ice.all().iterator())
    with (
        pytest.raises(ServerError, match="`async with transaction"),
        transaction(watch=[Ice({"pk": "1"})]),
    ):
        raise AssertionError("the block must not run")
    explanation = asyncio.run(explained())
    if explanation.access == "index":
        with pytest.raises(ServerError, match=r"await aprofile\(\)"):
            explanation.profile()


async def explained() -> Any:
    found = await Ice.filter(amount=1).aexplain()
    await client_of(Ice).aclose()
    return found


def test_a_block_takes_writes_of_its_own_side_only(client: redis.Redis) -> None:
    async def work() -> None:
        with pytest.raises(TransactionError, match="await aset"):
            async with transaction():
                Ice({"pk": "called"}).set()
        with pytest.raises(TransactionError, match="async with transaction"), transaction():
            await Ice({"pk": "awaited"}).aset()
        assert await Ice.aget_many(["called", "awaited"]) == [None, None]

    asyncio.run(work())


@pytest.mark.usefixtures("kept")
def test_an_async_client_of_one_loop_has_a_stand_in_in_others(run: Runner, awaited_only: Any) -> None:
    async def work() -> int:
        found = await counted(30)
        # Its connections are of its first loop; later it is only asked for the address.
        await awaited_only.aclose() if not served else None
        served.append(True)
        return sum(found)

    served: list[bool] = []
    assert [run(work()) for _ in range(3)] == [150] * 3


@pytest.mark.usefixtures("kept")
def test_clients_are_closed_with_their_loop_or_when_asked(run: Runner, client: redis.Redis) -> None:
    run(counted(30))
    assert connections_fall_to(1, client)

    async def work() -> None:
        await counted(30)
        assert len(client.client_list()) > 1
        await rs_search.aclose()
        assert connections_fall_to(1, client)
        assert await Ice.acount() == KEPT
        await rs_search.aclose()
        await rs_search.aclose()

    run(work())
    assert connections_fall_to(1, client)


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted where Linux lists them")
@pytest.mark.usefixtures("client")
def test_a_hundred_loops_leave_no_open_file() -> None:
    # An unclosed socket would be a ResourceWarning too, and fail the test.
    asyncio.run(counted(3))
    before = open_files()
    for _ in range(100):
        asyncio.run(counted(3))
    assert open_files() == before


HALF_CLOSED = """
import asyncio, gc, os, sys, warnings
from fixtures.loops import Ice

warnings.simplefilter("ignore")
for _ in range(20):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(Ice.acount())
    loop.close()
asyncio.run(Ice.acount())
gc.collect()
files = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
print(sum("socket" in os.readlink(file) for file in files if os.path.islink(file)))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted where Linux lists them")
def test_a_loop_that_was_closed_half_is_forgotten_with_its_clients(client: redis.Redis) -> None:
    """One that is closed without the end of its generators tells nobody; the next loop sees it."""
    settings = {**os.environ, "RS_SEARCH_URL": f"unix://{path_of(client)}", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", HALF_CLOSED], capture_output=True, text=True, env=settings)
    assert done.stdout.strip() == "0", done.stderr


@pytest.mark.usefixtures("kept")
def test_a_function_that_gives_a_client_at_each_call_has_one_in_a_loop(client: redis.Redis) -> None:
    path = path_of(client)

    class Anew(Ice):
        __prefix__ = "Ice"
        __redis_client__ = staticmethod(lambda: redis.Redis(unix_socket_path=path))

    async def work() -> int:
        for _ in range(10):
            await Anew.amatch(pk="0001")
        return len(client.client_list())

    assert connections_fall_to(1, client)
    assert asyncio.run(work()) == 2


@pytest.mark.usefixtures("client")
def test_a_client_that_does_not_tell_its_address_cannot_be_stood_in_for() -> None:
    """Its stand-in would talk to another server, that of localhost."""

    class Watched(Ice):
        __redis_client__ = Sentinel([("127.0.0.1", 1)]).master_for("main")

    with pytest.raises(ServerError, match=r"SentinelConnectionPool.*give a client of redis\.asyncio"):
        asyncio.run(Watched.acount())

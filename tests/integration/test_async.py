"""What only an event loop can show: many loops, many tasks, cancelled ones, and clients that are closed."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import redis
import redis.asyncio
from schematics.models import Model
from schematics.types import IntType, StringType

import rs_search
from rs_search import ReferenceType, SearchRedisMixin, ServerError

#: Two of the five kinds: each test fills a collection, twice.
SERVERS = [("redis", 3), ("plain", 2)]


class Ice(Model, SearchRedisMixin):
    pk = StringType()
    amount = IntType()


class Cone(Model, SearchRedisMixin):
    pk = StringType()
    ice = ReferenceType(Ice)


@pytest.fixture
def kept(client: redis.Redis) -> None:
    Ice.set_many(Ice({"pk": f"{place:04}", "amount": place}) for place in range(3000))


Runner = Callable[[Coroutine[Any, Any, Any]], Any]


def with_uvloop(work: Coroutine[Any, Any, Any]) -> Any:
    uvloop = pytest.importorskip("uvloop")
    loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.fixture(params=[asyncio.run, with_uvloop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.usefixtures("kept")
def test_one_model_serves_loops_one_after_the_other(run: Runner) -> None:
    for _ in range(3):
        assert run(Ice.acount(amount__lt=10)) == 10


@pytest.mark.usefixtures("kept")
def test_one_model_serves_threads_and_loops_at_once() -> None:
    found: list[int] = []

    def in_loop() -> None:
        found.extend(asyncio.run(_counted(20)))

    def in_thread() -> None:
        found.extend(Ice.count(amount__lt=5) for _ in range(20))

    threads = [threading.Thread(target=work) for work in (in_loop, in_thread) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 120


async def _counted(times: int) -> list[int]:
    return list(await asyncio.gather(*(Ice.acount(amount__lt=5) for _ in range(times))))


@pytest.mark.usefixtures("kept")
def test_five_hundred_tasks_share_twenty_connections(run: Runner, client: redis.Redis) -> None:
    async def work() -> list[int]:
        found = await asyncio.gather(*(Ice.amatch(pk=f"{place:04}") for place in range(500)))
        connected.append(len(client.client_list()))
        return [one.amount for one in found]

    connected: list[int] = []
    assert run(work()) == list(range(500))
    assert connected[0] <= 20 + 5


@pytest.mark.usefixtures("kept")
def test_a_cancelled_task_leaves_the_connection_usable(run: Runner) -> None:
    async def work() -> None:
        for pause in (0.0, 0.001, 0.003, 0.01, 0.02):
            reading = asyncio.ensure_future(_read_all())
            await asyncio.sleep(pause)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert (await Ice.amatch(pk="0007")).amount == 7
            assert await Ice.acount() == 3000

    run(work())


async def _read_all() -> None:
    while True:
        await Ice.all()


@pytest.mark.usefixtures("kept")
def test_a_time_limit_ends_a_question_and_the_next_is_answered(run: Runner) -> None:
    async def work() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_read_all(), 0.05)
        assert await Ice.acount() == 3000

    run(work())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup came with Python 3.11")
@pytest.mark.usefixtures("kept")
def test_task_groups_work_and_one_error_cancels_the_others(run: Runner) -> None:
    async def work() -> None:
        with pytest.raises(Exception, match="unhandled errors") as caught:
            await _in_a_group()
        assert caught.group_contains(rs_search.NotFound)
        assert await Ice.acount() == 3000

    run(work())


async def _in_a_group() -> None:
    async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
        for _ in range(10):
            group.create_task(_read_all())
        group.create_task(Ice.amatch(pk="gone"))


@pytest.mark.usefixtures("kept")
def test_breaking_out_of_a_loop_over_rows_leaves_nothing_behind(run: Runner) -> None:
    async def work() -> None:
        for _ in range(30):
            async for one in Ice.order_by("-amount"):
                assert one.amount == 2999
                break
        assert await Ice.acount() == 3000
        # The loop itself closes what was broken out of, in tasks of its own.
        await asyncio.sleep(0.1)
        assert not [task for task in asyncio.all_tasks() if "arun" in repr(task) and not task.done()]

    run(work())


@pytest.mark.usefixtures("kept")
def test_rows_are_read_ahead_while_the_caller_works(client: redis.Redis) -> None:
    async def work() -> list[int]:
        seen = []
        async for one in Ice.filter(amount__gte=0):
            seen.append(one.amount)
            if len(seen) % 1000 == 0:
                await asyncio.sleep(0.01)
        return seen

    assert asyncio.run(work()) == list(range(3000))


@pytest.mark.usefixtures("kept")
def test_the_loop_goes_on_while_many_rows_are_read() -> None:
    async def work() -> int:
        turns, reading = 0, asyncio.ensure_future(_rows())
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        assert len(reading.result()) == 3000
        return turns

    # The keys, three pages of a thousand documents, and three batches of instances each give others a turn.
    assert asyncio.run(work()) > 6


async def _rows() -> list[Ice]:
    return await Ice.filter(amount__gte=0)


def test_an_async_client_of_the_users_own_serves_awaited_calls_only(client: redis.Redis) -> None:
    settings = client.connection_pool.connection_kwargs
    address = {name: settings[name] for name in ("path", "protocol") if settings.get(name) is not None}

    async def work() -> None:
        own = redis.asyncio.Redis(unix_socket_path=address["path"], protocol=settings.get("protocol") or 3)
        rs_search.connect(own)
        await Ice({"pk": "x", "amount": 1}).aset()
        assert await Ice.acount() == 1
        with pytest.raises(ServerError, match=r"await acount\(\)"):
            Ice.count()
        with pytest.raises(ServerError, match="await the result set"):
            list(Ice.all())
        rows = Ice.all()
        await rows
        assert len(rows) == 1
        await Cone({"pk": "c", "ice": "x"}).aset()
        cone = await Cone.amatch(pk="c")
        with pytest.raises(ServerError, match="aprefetch"):
            print(cone.ice)
        await Cone.aprefetch([cone], "ice")
        assert cone.ice.amount == 1
        await own.aclose()

    try:
        asyncio.run(work())
    finally:
        rs_search.connect(client)


@pytest.mark.usefixtures("kept")
def test_clients_are_closed_with_their_loop_or_when_asked(client: redis.Redis) -> None:
    def connections() -> int:
        return len(client.client_list())

    before = connections()
    asyncio.run(_counted(30))
    assert connections() == before

    async def work() -> None:
        await _counted(30)
        assert connections() > before
        await rs_search.aclose()
        assert connections() == before
        assert await Ice.acount() == 3000

    asyncio.run(work())
    assert connections() == before


def test_nothing_is_opened_at_import(client: redis.Redis) -> None:
    """A module with models is imported in a process without a server, and without a loop."""
    import subprocess

    code = (
        "from schematics.models import Model\nfrom schematics.types import StringType\n"
        "from rs_search import SearchRedisMixin\nclass A(Model, SearchRedisMixin):\n    pk = StringType()\n"
        "print(A.filter(pk='x'))"
    )
    settings = {"RS_SEARCH_URL": "redis://127.0.0.1:1", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings)
    assert done.stdout.strip() == "A.filter(pk='x')", done.stderr

"""Tasks cancelled at any moment: nothing of theirs is left, neither in the connections nor on the server."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis
from fixtures.loops import KEPT, Ice, Runner, connections_fall_to, keep
from fixtures.servers import Restarts
from schematics.types import IntType

import rs_search
from rs_search import transaction
from rs_search.server import unbroken
from rs_search.server.replies import mapping

SERVERS = [("redis", 3), ("plain", 2)]


# --- hundreds of them -------------------------------------------------------------------------------------------------


async def one_object(chosen: random.Random) -> None:
    place = chosen.randrange(KEPT)
    assert (await Ice.amatch(pk=f"{place:04}")).amount == place


async def a_range(chosen: random.Random) -> None:
    first = chosen.randrange(KEPT - 20)
    found = await Ice.filter(amount__gte=first, amount__lt=first + 20)
    assert [one.amount for one in found] == list(range(first, first + 20))


async def a_count(chosen: random.Random) -> None:
    last = chosen.randrange(KEPT)
    assert await Ice.acount(amount__lt=last) == last


async def several_pages(chosen: random.Random) -> None:
    assert [one.amount async for one in Ice.filter(amount__gte=1500)] == list(range(1500, KEPT))


async def filtered(chosen: random.Random) -> None:
    # More than a page, of which the index's FILTER tells the rows.
    assert len(await Ice.filter(name__icontains="N")) == KEPT


async def many_by_key(chosen: random.Random) -> None:
    pks = [f"{chosen.randrange(KEPT):04}" for _ in range(50)]
    assert [one and one.pk for one in await Ice.aget_many(pks)] == pks


async def a_transaction(chosen: random.Random) -> None:
    pk = str(chosen.random())
    async with transaction():
        await Ice({"pk": f"left{pk}"}).aset()
        await Ice({"pk": f"right{pk}"}).aset()


async def a_watched_transaction(chosen: random.Random) -> None:
    watched = Ice({"pk": f"{chosen.randrange(KEPT):04}"})
    async with transaction(watch=[watched]):
        await one_object(chosen)
        await Ice({"pk": f"watched{chosen.random()}"}).aset()


Work = Callable[[random.Random], Awaitable[None]]
WORK: list[Work] = [one_object, a_range, a_count, several_pages, filtered, many_by_key, a_transaction,
                    a_watched_transaction]  # fmt: skip


async def cancelled(chosen: random.Random, times: int) -> int:
    """Begin eight tasks and cancel them in a moment, so many times; gives how many had not ended by then."""
    ended: list[Any] = []
    for _ in range(times):
        tasks = [asyncio.ensure_future(work(random.Random(chosen.random()))) for work in WORK]  # type: ignore[arg-type]
        await asyncio.sleep(chosen.uniform(0, 0.012))
        for task in tasks:
            task.cancel()
        ended += await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
    assert [one for one in ended if one is not None and not isinstance(one, asyncio.CancelledError)] == []
    return sum(one is not None for one in ended)


async def undisturbed(chosen: random.Random, others: asyncio.Future[Any]) -> int:
    """Work whose answers must be right, until others have ended."""
    done = 0
    while not others.done():
        await chosen.choice(WORK[:6])(chosen)
        done += 1
    return done


async def halves() -> tuple[set[str], set[str]]:
    """What is left of the two objects of each transaction."""
    left = await Ice.filter(pk__startswith="left").values_list("pk", flat=True)
    right = await Ice.filter(pk__startswith="right").values_list("pk", flat=True)
    return {pk.removeprefix("left") for pk in left}, {pk.removeprefix("right") for pk in right}


@pytest.mark.usefixtures("kept")
def test_hundreds_of_cancelled_tasks_leave_every_answer_right(run: Runner, client: redis.Redis) -> None:
    async def work() -> None:
        cancelling = asyncio.ensure_future(cancelled(random.Random(5), 25))
        steady = [undisturbed(random.Random(seed), cancelling) for seed in range(3)]
        assert min(await asyncio.gather(*steady)) > 0
        assert await cancelling > 100
        # All of the connections are there again, and no more were made.
        await asyncio.wait_for(asyncio.gather(*(a_watched_transaction(random.Random(seed)) for seed in range(40))), 20)
        assert len(client.client_list()) <= 20 + 1
        left, right = await halves()
        assert left == right
        assert await Ice.acount(pk__startswith="0") == 1000

    assert connections_fall_to(1, client)
    run(work())


# --- what the server keeps --------------------------------------------------------------------------------------------


def cursors(client: redis.Redis) -> int:
    told = mapping(client.execute_command("FT.INFO", Ice.index.name))
    return int(mapping(told["cursor_stats"])["global_total"])


def test_no_cursor_is_left_on_the_server(indexed: redis.Redis) -> None:
    """It has room for 128 of an index, and keeps those that nobody reads for five minutes."""
    keep(indexed, KEPT)

    async def work() -> None:
        for pause in range(20):
            reading = asyncio.ensure_future(filtered(random.Random()))
            await asyncio.sleep(pause / 1000)
            reading.cancel()
            await asyncio.wait((reading,))
        for asked in (Ice.filter(name__icontains="N"), Ice.order_by("name"), Ice.all()):
            async for _ in asked:
                break
        await filtered(random.Random())
        assert cursors(indexed) == 0

    asyncio.run(work())


# --- a server that says nothing ---------------------------------------------------------------------------------------


def test_calls_that_a_server_does_not_answer_give_their_connections_back(
    restarts: Restarts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unbroken, "GRACE", 0.01)
    restarts.start(modules=False)
    client = rs_search.connect(restarts.url)
    keep(client, 10)

    async def work() -> None:
        await Ice.acount()
        restarts.send(signal.SIGSTOP)
        # More than there are connections.
        for _ in range(25):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(Ice.amatch(pk="0007"), 0.02)
        restarts.send(signal.SIGCONT)
        assert (await asyncio.wait_for(Ice.amatch(pk="0007"), 20)).amount == 7

    asyncio.run(work())
    client.close()


# --- time limits ------------------------------------------------------------------------------------------------------


async def read_all() -> None:
    while True:
        await Ice.all()


@pytest.mark.usefixtures("kept")
def test_a_time_limit_ends_a_question_and_the_next_is_answered(run: Runner) -> None:
    async def work() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(read_all(), 0.05)
        assert await Ice.acount() == KEPT

    run(work())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup came with Python 3.11")
@pytest.mark.usefixtures("kept")
def test_asyncio_timeout_ends_a_question_and_the_next_is_answered(run: Runner) -> None:
    async def work() -> None:
        for seconds in (0, 0.001, 0.005, 0.02):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(seconds):  # type: ignore[attr-defined]
                    await read_all()
            assert await Ice.acount() == KEPT

    run(work())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup came with Python 3.11")
@pytest.mark.usefixtures("kept")
def test_task_groups_work_and_one_error_cancels_the_others(run: Runner) -> None:
    async def in_a_group() -> None:
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
            for _ in range(10):
                group.create_task(read_all())
            group.create_task(Ice.amatch(pk="gone"))

    async def work() -> None:
        with pytest.raises(Exception, match="unhandled errors") as caught:
            await in_a_group()
        assert caught.group_contains(rs_search.NotFound)
        assert await Ice.acount() == KEPT

    run(work())


# --- what is left of an object ----------------------------------------------------------------------------------------


class Versioned(Ice):
    __prefix__ = "Versioned"
    __version_field__ = "version"
    version = IntType()


@pytest.mark.usefixtures("client")
def test_a_write_that_was_cancelled_is_done_again_without_a_conflict_that_is_none() -> None:
    async def work() -> None:
        one = Versioned({"pk": "v", "amount": 1})
        await one.aset()
        one.amount = 2
        writing = asyncio.ensure_future(one.aset())
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait((writing,))
        assert one.version == 1
        await one.aset()
        assert (await Versioned.amatch(pk="v")).amount == 2

    asyncio.run(work())

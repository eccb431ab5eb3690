"""No operation keeps an event loop to itself: what is done between two turns does not grow with the rows."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis
from fixtures.loops import Ice, keep

from rs_search import turns

SERVERS = [("redis", 3), ("plain", 2)]
#: Rows of the two collections whose turns are compared; both are more than a page.
FEW, MANY = 1100, 2200
PKS = [f"{place:04}" for place in range(MANY)]


async def each(asked: Any) -> None:
    async for _ in asked:
        pass


async def rows(asked: Any) -> None:
    await asked


ALL, CHECKED = Ice.filter(amount__gte=0), Ice.filter(name__regex="^n")
#: What is asked of collections of so many rows. Most of it is checked or put in order in Python, on any server.
ASKED: dict[str, Callable[[int], Awaitable[Any]]] = {
    "rows": lambda count: rows(ALL[:]),
    "rows that are checked": lambda count: rows(CHECKED[:]),
    "rows that are iterated": lambda count: each(ALL),
    "rows put in order": lambda count: rows(CHECKED.order_by("-name")),
    "rows put in order and iterated": lambda count: each(ALL.order_by("name", "-amount")),
    "values, each once": lambda count: rows(ALL.values_list("name").distinct()),
    "a count": lambda count: CHECKED[:].acount(),
    "rows by primary key": lambda count: ALL.ain_bulk(),
    "rows among primary keys": lambda count: CHECKED.ain_bulk(PKS[:count]),
    "objects by primary key": lambda count: Ice.aget_many(PKS[:count]),
    "a deletion by primary key": lambda count: Ice.adelete_many(PKS[:count]),
}


class Turns:
    """Counts the calls of functions, of Python and of C, between two turns of a loop: what is done, without a clock."""

    def __init__(self) -> None:
        self.calls = self.most = 0

    def _called(self, frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self.calls += 1

    async def measured(self, work: Awaitable[Any]) -> int:
        """The most calls in one turn while work is done."""
        task = asyncio.ensure_future(work)
        sys.setprofile(self._called)
        try:
            while not task.done():
                await asyncio.sleep(0)
                self.most, self.calls = max(self.most, self.calls), 0
        finally:
            sys.setprofile(None)
        await task
        return self.most


async def most_calls(client: redis.Redis, count: int) -> dict[str, int]:
    """The most calls in a turn of all that is asked of so many objects."""
    keep(client, count)
    return {name: await Turns().measured(ask(count)) for name, ask in ASKED.items()}


def test_what_is_done_in_a_turn_does_not_grow_with_the_rows(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As many are sorted in a few milliseconds; here fewer, that few rows are many.
    monkeypatch.setattr(turns, "SORTED", turns.READ)

    async def measured() -> list[dict[str, int]]:
        # What is made once, such as the functions of a model, is made first.
        return [await most_calls(client, count) for count in (10, FEW, MANY)]

    _, few, many = asyncio.run(measured())
    assert {name: (few[name], many[name]) for name in ASKED if many[name] > 1.4 * few[name]} == {}

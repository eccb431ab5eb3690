"""Calls of redis-py that go on to their end when the task that awaits them is cancelled.

Cut off, redis-py closes the connection, loses it from its pool (a pipeline that is being reset), or swallows the
cancellation (8.1, while it waits for a reply); what is left of a reply must never be read as another one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
#: Seconds that a call goes on without its task, before its connection is closed: the server may have gone silent.
GRACE = 1.0


async def unbroken(call: Coroutine[Any, Any, T], ended: Callable[[], object] | None = None) -> T:
    """Await a call; a task that is cancelled meanwhile ends at once, and the call by itself.

    ``ended`` is called at the end of the call.
    """
    running = asyncio.ensure_future(call)
    if ended is not None:
        running.add_done_callback(lambda _: ended())
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if not running.done():
            _left(running)
        raise


def _left(running: asyncio.Task[Any]) -> None:
    """Let a call end without its task, or close its connection where it does not."""
    # Else the loop complains of an error that nobody waited for; and it holds its tasks weakly.
    _going_on.add(running)
    running.add_done_callback(_forgotten)
    running.get_loop().call_later(GRACE, _cut, running)


def _cut(running: asyncio.Task[Any]) -> None:
    # Again and again: redis-py may have swallowed the last one.
    if not running.done():
        running.cancel()
        running.get_loop().call_later(GRACE, _cut, running)


_going_on: set[asyncio.Task[Any]] = set()


def _forgotten(running: asyncio.Task[Any]) -> None:
    _going_on.discard(running)
    if not running.cancelled():
        running.exception()

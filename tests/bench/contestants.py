"""Those who do the work, as those who take turns: in this process, called or awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from .agreement import Seen
from .rounds import Clock, Sample
from .rows import Row


class Called:
    """A class with one method for each kind of work, called."""

    asynchronous = False

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.name: str = worker.name

    def can(self, row: Row) -> bool:
        """Whether it has a method for it."""
        return row.asynchronous == self.asynchronous and self._method(row) is not None

    def patience(self, row: Row) -> tuple[int, int] | None:
        """As much as anybody's, unless it says otherwise."""
        slow = getattr(self.worker, "slow", {})
        most: tuple[int, int] | None = slow.get(row.work)
        return most

    def answer(self, row: Row, asked: Any) -> Any:
        """Its answer, comparable with others'."""
        seen = Seen(row, self.worker.plain)
        found = self._method(row)(self._prepared(row, asked))
        for one in found if row.streams else ():
            seen.add(one)
        return seen.total() if row.streams else seen.whole(found)

    def sample(self, row: Row, asked: Sequence[Any]) -> Sample:
        """The time that it takes."""
        prepared = [self._prepared(row, one) for one in asked]
        method = self._method(row)
        with Clock() as clock:
            if row.streams:
                for one in prepared:
                    for _ in method(one):
                        pass
            else:
                for one in prepared:
                    method(one)
        return clock.sample(len(prepared))

    def _method(self, row: Row) -> Any:
        return getattr(self.worker, row.work, getattr(self.worker, row.measure, None) if row.measure else None)

    def _prepared(self, row: Row, asked: Any) -> Any:
        """What there is before the clock starts: an object that is to be saved, say."""
        made = getattr(self.worker, f"{row.work}_prepared", None)
        return asked if made is None else made(asked)


class Awaited(Called):
    """The same, awaited in one event loop."""

    asynchronous = True

    def __init__(self, worker: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(worker)
        self._loop = loop

    def answer(self, row: Row, asked: Any) -> Any:
        """Its answer, comparable with others'."""
        return self._loop.run_until_complete(self._answer(row, asked))

    async def _answer(self, row: Row, asked: Any) -> Any:
        seen = Seen(row, self.worker.plain)
        found = self._method(row)(self._prepared(row, asked))
        if not row.streams:
            return seen.whole(await found)
        async for one in found:
            seen.add(one)
        return seen.total()

    def sample(self, row: Row, asked: Sequence[Any]) -> Sample:
        """The time that it takes."""
        prepared = [self._prepared(row, one) for one in asked]
        return self._loop.run_until_complete(self._sample(row, prepared))

    async def _sample(self, row: Row, prepared: list[Any]) -> Sample:
        method = self._method(row)
        with Clock() as clock:
            if row.streams:
                for one in prepared:
                    async for _ in method(one):
                        pass
            else:
                for one in prepared:
                    await method(one)
        return clock.sample(len(prepared))

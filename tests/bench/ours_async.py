"""The library's async side, asked as its README asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import redis.asyncio

from . import ours
from .ours import Ice
from .rows import OURS
from .workload import Document, Order, Range, Words


class AsyncOurs:
    """Each row of the benchmark, asked of the library and awaited."""

    name = OURS
    plain = staticmethod(ours.plain)

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.model: Any = ours.model_on(client)

    def save_prepared(self, number: int) -> Ice:
        """What there is before it is saved."""
        return ours.made(self.model, number)

    def save_many_prepared(self, numbers: list[int]) -> list[Ice]:
        """What there is before these are saved."""
        return [ours.made(self.model, number) for number in numbers]

    async def get(self, pk: str) -> Any:
        return await self.model.amatch_for_pk(pk)

    async def save(self, ice: Ice) -> None:
        await ice.aset()

    async def save_many(self, many: list[Ice]) -> None:
        await self.model.aset_many(many)

    async def text(self, words: Words) -> Any:
        return await self.model.filter(description__search=" ".join(words))[:10]

    async def count(self, asked: Range) -> Any:
        return await self.model.filter(amount_kg__range=asked).acount()

    async def tag(self, flavour: str) -> Any:
        return await self.model.filter(flavour=flavour)

    async def range(self, asked: Range) -> Any:
        return await self.model.filter(amount_kg__range=asked)

    async def values(self, asked: Range) -> list[Document]:
        rows: list[Document] = await self.model.filter(amount_kg__range=asked).values()
        return rows

    async def top(self, order: Order) -> Any:
        return await ours.in_order(self.model, order)[:10]

    def everything(self, _: None) -> AsyncIterator[Any]:
        rows: AsyncIterator[Any] = self.model.all().aiterator()
        return rows

    async def fallback(self, asked: Range) -> Any:
        return await self.model.filter(amount_kg__range=asked)

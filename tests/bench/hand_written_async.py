"""The same by hand with ``redis.asyncio``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import redis.asyncio

from . import hand_written as by_hand
from .hand_written import BATCH, INDEX, PREFIX, documents
from .rows import HAND
from .workload import Document, Order, Range, Words


class AsyncHandWritten:
    """Each row of the benchmark, asked directly and awaited."""

    name = HAND
    plain = staticmethod(by_hand.plain)

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.client: Any = client

    def save_prepared(self, number: int) -> Document:
        """What there is before it is saved."""
        return by_hand.kept(number)

    def save_many_prepared(self, numbers: list[int]) -> list[Document]:
        """What there is before these are saved."""
        return [by_hand.kept(number) for number in numbers]

    async def get(self, pk: str) -> Document:
        document: Document = orjson.loads(await self.client.execute_command("JSON.GET", PREFIX + pk))
        return document

    async def save(self, document: Document) -> None:
        await self.client.execute_command("JSON.SET", PREFIX + document["id"], "$", orjson.dumps(document))

    async def save_many(self, many: list[Document]) -> None:
        async with self.client.pipeline(transaction=False) as pipeline:
            for document in many:
                pipeline.execute_command("JSON.SET", PREFIX + document["id"], "$", orjson.dumps(document))
            await pipeline.execute()

    async def text(self, words: Words) -> list[Document]:
        return documents(await self.client.execute_command(*by_hand.text_words(words)))

    async def count(self, asked: Range) -> int:
        reply = await self.client.execute_command(*by_hand.count_words(asked))
        total: int = reply[b"total_results"]
        return total

    async def tag(self, flavour: str) -> list[Document]:
        return documents(await self.client.execute_command(*by_hand.tag_words(flavour)))

    async def range(self, asked: Range) -> list[Document]:
        return documents(await self.client.execute_command(*by_hand.range_words(asked)))

    async def top(self, order: Order) -> list[Document]:
        return documents(await self.client.execute_command(*by_hand.top_words(order)))

    async def everything(self, _: None) -> AsyncIterator[Document]:
        page, cursor = await self.client.execute_command(*by_hand.CURSOR)
        while True:
            for document in documents(page):
                yield document
            if not cursor:
                return
            page, cursor = await self.client.execute_command("FT.CURSOR", "READ", INDEX, cursor, "COUNT", BATCH)


class AsyncHandWrittenScan:
    """The same on a server without modules, awaited."""

    name = HAND
    plain = staticmethod(by_hand.plain)

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.client: Any = client

    async def fallback(self, asked: Range) -> list[Document]:
        found: dict[bytes, Document] = {}
        cursor, (low, high), loads = 0, asked, orjson.loads
        while True:
            cursor, keys = await self.client.scan(cursor, match=PREFIX + "*", count=BATCH)
            if keys:
                for key, text in zip(keys, await self.client.mget(keys), strict=True):
                    if text is not None:
                        document = loads(text)
                        if low <= document["amount_kg"] <= high:
                            # SCAN may give a key twice.
                            found[key] = document
            if not cursor:
                return list(found.values())

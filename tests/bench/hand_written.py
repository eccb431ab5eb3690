"""The measure: redis-py and orjson, as one writes them who knows both, and wants dictionaries.

Its documents have ``best_before`` as seconds, which RediSearch can order, and no companions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import orjson
import redis

from .rows import HAND
from .workload import MEMBERS, Document, Order, Page, Range, Words, document

PREFIX, INDEX = "Hand:", "hand"
#: As many fields of each kind as the model's index has; SORTABLE those that it is sorted by: ``id`` stands for the key.
SCHEMA = (
    *("$.id", "AS", "id", "TAG", "CASESENSITIVE", "SORTABLE", "UNF"),
    *("$.flavour", "AS", "flavour", "TAG", "CASESENSITIVE"),
    *("$.tags[*]", "AS", "tags", "TAG", "CASESENSITIVE"),
    *("$.in_stock", "AS", "in_stock", "TAG"),
    *("$.maker.city", "AS", "city", "TAG", "CASESENSITIVE"),
    *("$.amount_kg", "AS", "amount_kg", "NUMERIC", "SORTABLE"),
    *("$.price", "AS", "price", "NUMERIC", "SORTABLE"),
    *("$.best_before", "AS", "best_before", "NUMERIC", "SORTABLE"),
    *("$.description", "AS", "description", "TEXT"),
)
CREATE = ("FT.CREATE", INDEX, "ON", "JSON", "PREFIX", "1", PREFIX, "STOPWORDS", "0", "SCHEMA", *SCHEMA)
BATCH = 1000
CURSOR = ("FT.AGGREGATE", INDEX, "*", "LOAD", "1", "$", "WITHCURSOR", "COUNT", BATCH, "DIALECT", "2")
_RANGE = "@amount_kg:[$low $high]"
_DOCUMENT = ("RETURN", "1", "$")


def kept(number: int) -> Document:
    """One of the benchmark's documents as it is kept here."""
    made = document(number)
    return {**made, "best_before": int(made["best_before"].timestamp())}


def plain(kept: Document) -> Document:
    """The benchmark's document again."""
    return {**kept, "best_before": dt.datetime.fromtimestamp(kept["best_before"], dt.timezone.utc)}


def tag_words(flavour: str) -> tuple[Any, ...]:
    """FT.SEARCH of the rows with a flavour."""
    return ("FT.SEARCH", INDEX, "@flavour:{$flavour}", *_DOCUMENT, "LIMIT", "0", "1000",
            "PARAMS", "2", "flavour", flavour, "DIALECT", "2")  # fmt: skip


def range_words(asked: Range) -> tuple[Any, ...]:
    """FT.SEARCH of the rows in a range."""
    return ("FT.SEARCH", INDEX, _RANGE, *_DOCUMENT, "LIMIT", "0", "1000000", *_bounds(asked))


def count_words(asked: Range) -> tuple[Any, ...]:
    """FT.SEARCH for how many there are in a range."""
    return ("FT.SEARCH", INDEX, _RANGE, "NOCONTENT", "LIMIT", "0", "0", *_bounds(asked))


def text_words(words: Words) -> tuple[Any, ...]:
    """FT.SEARCH of the first ten rows, by key, with both words."""
    return ("FT.SEARCH", INDEX, "@description:($first $second)", *_DOCUMENT, "SORTBY", "id", "ASC", "LIMIT", "0", "10",
            "PARAMS", "4", "first", words[0], "second", words[1], "DIALECT", "2")  # fmt: skip


def top_words(order: Order, first: int = 0) -> tuple[Any, ...]:
    """FT.SEARCH of ten rows in an order."""
    field, descending = order
    return ("FT.SEARCH", INDEX, "*", *_DOCUMENT, "SORTBY", field, "DESC" if descending else "ASC", "LIMIT", first, "10",
            "DIALECT", "2")  # fmt: skip


def _bounds(asked: Range) -> tuple[Any, ...]:
    return ("PARAMS", "4", "low", asked[0], "high", asked[1], "DIALECT", "2")


def documents(reply: Any) -> list[Document]:
    """The documents of a reply of RESP3."""
    loads = orjson.loads
    return [loads(row[b"extra_attributes"][b"$"]) for row in reply[b"results"]]


class HandWritten:
    """Each row of the benchmark, asked directly."""

    name = HAND
    plain = staticmethod(plain)

    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client

    def save_prepared(self, number: int) -> Document:
        """What there is before it is saved."""
        return kept(number)

    def save_many_prepared(self, numbers: list[int]) -> list[Document]:
        """What there is before these are saved."""
        return [kept(number) for number in numbers]

    def get(self, pk: str) -> Document:
        document: Document = orjson.loads(self.client.execute_command("JSON.GET", PREFIX + pk))
        return document

    def save(self, document: Document) -> None:
        self.client.execute_command("JSON.SET", PREFIX + document["id"], "$", orjson.dumps(document))

    def save_many(self, many: list[Document]) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for document in many:
                pipeline.execute_command("JSON.SET", PREFIX + document["id"], "$", orjson.dumps(document))
            pipeline.execute()

    def text(self, words: Words) -> list[Document]:
        return documents(self.client.execute_command(*text_words(words)))

    def count(self, asked: Range) -> int:
        total: int = self.client.execute_command(*count_words(asked))[b"total_results"]
        return total

    def tag(self, flavour: str) -> list[Document]:
        return documents(self.client.execute_command(*tag_words(flavour)))

    def range(self, asked: Range) -> list[Document]:
        return documents(self.client.execute_command(*range_words(asked)))

    def read(self, asked: Range) -> int:
        return sum(document[name] is not None for document in self.range(asked) for name in MEMBERS)

    def top(self, order: Order) -> list[Document]:
        return documents(self.client.execute_command(*top_words(order)))

    def page(self, page: Page) -> list[Document]:
        return documents(self.client.execute_command(*top_words(*page)))

    def everything(self, _: None) -> Iterator[Document]:
        """By a cursor: the fastest, though it misses documents that others update meanwhile."""
        page, cursor = self.client.execute_command(*CURSOR)
        while True:
            yield from documents(page)
            if not cursor:
                return
            page, cursor = self.client.execute_command("FT.CURSOR", "READ", INDEX, cursor, "COUNT", BATCH)


class HandWrittenScan:
    """The same on a server without modules: SCAN, MGET, and a look at each document."""

    name = HAND
    plain = staticmethod(plain)

    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client

    def fallback(self, asked: Range) -> list[Document]:
        found: dict[bytes, Document] = {}
        cursor, (low, high), loads = 0, asked, orjson.loads
        while True:
            cursor, keys = self.client.scan(cursor, match=PREFIX + "*", count=BATCH)
            if keys:
                for key, text in zip(keys, self.client.mget(keys), strict=True):
                    if text is not None:
                        document = loads(text)
                        if low <= document["amount_kg"] <= high:
                            # SCAN may give a key twice.
                            found[key] = document
            if not cursor:
                return list(found.values())

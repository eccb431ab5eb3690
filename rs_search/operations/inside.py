"""Which documents an index holds: counted where that is enough, fifteen times as fast as reading their keys."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import IncompleteResult
from ..server.replies import LISTED, search_page
from ..storage.base import batched
from .candidates import listed_keys
from .requests import Batch, Command, Operation, command


def keys_outside(name: str, keys: list[str]) -> Operation[list[str]]:
    """Those of the keys that are not in an index; 1 round trip a thousand, 2 where some of them are not."""
    outside: list[str] = []
    for batch in batched(keys):
        (inside,) = yield from _counted(name, [batch])
        if not inside:
            outside += batch
        elif inside < len(batch):
            # One by one: MAXSEARCHRESULTS may cut a reply with the keys.
            counts = yield from _counted(name, [[key] for key in batch])
            outside += [key for key, count in zip(batch, counts, strict=True) if not count]
    return outside


def _counted(name: str, groups: Sequence[list[str]]) -> Operation[list[int]]:
    """How many of each group of keys are in an index."""
    replies = yield Batch(tuple(_count(name, keys) for keys in groups))
    return [search_page(reply, content=False).total for reply in replies]


def _count(name: str, keys: list[str]) -> Command:
    return command("FT.SEARCH", name, "*", "INKEYS", str(len(keys)), *keys, "NOCONTENT", "LIMIT", "0", "0",
                   "TIMEOUT", "0", "DIALECT", "2")  # fmt: skip


def keys_inside(name: str) -> Operation[set[str]]:
    """The keys of all documents in an index; 1 round trip."""
    reply = yield command("FT.AGGREGATE", name, "*", *LISTED, "TIMEOUT", "0", "DIALECT", "2")
    found = yield from listed_keys(reply)
    if found is None:
        raise IncompleteResult(f"{name} took two keys for one when it listed all of them")
    return set(found)

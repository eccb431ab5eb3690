"""Stored documents looked at one by one: whether their companions fit their members, and written again if not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..codec import dump, parse
from ..companions import UnkeepableAt, companions
from ..errors import InvalidObject, UnreadableDocument
from ..index_schema import IndexSchema
from ..instances import hydrate
from ..rewriting import change, rewritten
from ..schema import COMPANIONS, schema_of
from ..server.capabilities import Capabilities
from ..storage import storage_of
from ..storage.base import SEEN, Record, Seen, as_bytes
from .requests import CHANGE, Batch, Operation, command


@dataclass(frozen=True)
class Refused:
    """A stored document that is not in the index, and why."""

    key: str
    reason: str


@dataclass
class Found:
    """Keys of what is not as it should be, so far."""

    checked: int = 0
    present: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    unreadable: list[Refused] = field(default_factory=list)


def look_at(schema: IndexSchema, keys: list[str], found: Found) -> Operation[None]:
    """Look at the documents under keys; 1 round trip, 2 where some are gone or strings."""
    texts = yield from texts_of(keys)
    absent = [key for key, text in zip(keys, texts, strict=True) if text is None]
    # Gone by now, or strings.
    strings = (yield command("MGET", *absent)) if absent else []
    found.strings += [key for key, text in zip(absent, strings, strict=True) if text is not None]
    found.checked += len(keys) - sum(text is None for text in strings)
    for key, text in zip(keys, texts, strict=True):
        if text is None:
            continue
        try:
            if _is_stale(schema, key, text):
                found.stale.append(key)
            else:
                found.present.append(key)
        except (UnreadableDocument, UnkeepableAt) as error:
            found.unreadable.append(Refused(key, str(error)))


def texts_of(keys: list[str]) -> Operation[list[Any]]:
    """The JSON texts under keys; None for what is none."""
    return list((yield command("JSON.MGET", *keys, "."))) if keys else []


def _is_stale(schema: IndexSchema, key: str, text: Any) -> bool:
    beside = companions(parse(text, key), schema)
    there = orjson.loads(as_bytes(text)).get(COMPANIONS) or {}
    if not beside or not there:
        return bool(beside or there)
    return bool(orjson.loads(dump({COMPANIONS: beside}))[COMPANIONS] != there)


def write_again(schema: IndexSchema, keys: list[str], capabilities: Capabilities) -> Operation[list[str]]:
    """Write objects again as they are, where nobody else does; gives the keys of those that validate. 2 round trips."""
    storage = storage_of(schema.model)
    records = list(_records(schema, (yield from storage.look(keys, capabilities))))
    if not records:
        return []
    yield Batch(tuple(storage.guarded(record, capabilities) for record in records), role=CHANGE)
    # What another program wrote meanwhile is that one's, and was read by the index then.
    return [record.key for record in records]


def _records(schema: IndexSchema, seen: list[Seen]) -> Iterator[Record]:
    for one in seen:
        try:
            stored = hydrate(schema.model, one.key, one.document)
            change(stored, one.key, {})
            prepared = rewritten(stored, one, schema_of(schema.model).fields)
        except (InvalidObject, UnreadableDocument):
            # Only who wrote it knows what was meant; it is told as unreadable, or missing.
            continue
        yield prepared.record(None, when=SEEN, seen=one.digest)

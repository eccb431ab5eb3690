"""Stored objects as lines, read in the order of keys and written as they were: what ``rs-search dump`` and ``load`` do.

A line is an object by itself: its primary key, its document without what stands beside it for the index, and the
seconds that it has to live.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schematics.models import Model

from ..codec import Document
from ..errors import ServerError, UnreadableDocument, shown_key
from ..index_schema import index_schema_of
from ..instances import hydrate, prepare
from ..primary_key import is_given
from ..schema import COMPANIONS, schema_of
from ..server.capabilities import Capabilities, ServerState, discover
from ..storage import storage_of
from ..storage.base import ABSENT, Record
from .convert import WHOLE_HASHES
from .requests import CHANGE, Batch, Operation, gathered
from .stored import payload_of, with_the_rest

OnUnreadable = Callable[[UnreadableDocument], None]


@dataclass(frozen=True)
class Line:
    """An object; ``ttl`` is None for one that lives for ever."""

    pk: str
    document: Document
    ttl: int | None = None


def keys_after(state: ServerState, model: type[Model], pk: str | None) -> Operation[list[str]]:
    """The keys of a model's objects in order, those after a primary key's only. O(keys of the database)."""
    storage = storage_of(model)
    keys = sorted((yield from storage.keys()), key=storage.rank)
    if pk is None:
        return keys
    return keys[bisect_right([storage.rank(key) for key in keys], storage.rank(storage.key(pk))) :]


def read(
    state: ServerState, model: type[Model], keys: list[str], on_unreadable: OnUnreadable | None = None
) -> Operation[list[Line]]:
    """The objects under keys, those that are gone left out. 2 round trips.

    Raises `UnreadableDocument`; ``on_unreadable`` is told instead, and the rest read one by one.
    """
    capabilities = yield from discover(state)
    storage = storage_of(model)
    try:
        rows = yield from storage.read(keys, capabilities)
    except UnreadableDocument:
        if on_unreadable is None:
            raise
        rows = yield from _readable(model, keys, capabilities, on_unreadable)
    lives = yield from gathered([storage.time_to_live(key, capabilities) for key, _ in rows])
    return [
        Line(storage.pk(key), document, seconds(left))
        for (key, document), left in zip(rows, lives, strict=True)
        if left is not None
    ]


def _readable(
    model: type[Model], keys: list[str], capabilities: Capabilities, on_unreadable: OnUnreadable
) -> Operation[list[tuple[str, Document]]]:
    rows: list[tuple[str, Document]] = []
    for key in keys:
        try:
            rows += yield from storage_of(model).read([key], capabilities)
        except UnreadableDocument as error:
            on_unreadable(error)
    return rows


def seconds(left: int | None) -> int | None:
    """Milliseconds to live as whole seconds, none of them lost.

    >>> seconds(1001), seconds(-1)
    (2, None)
    """
    return None if left is None or left < 0 else max(1, -(-left // 1000))


def record_of(model: type[Model], line: Line) -> Record:
    """What the storage writes for a line: its version as it was, and members that the model does not know, if it can.

    Raises `UnreadableDocument` for what is not the model's, `InvalidObject` for what does not validate.
    """
    instance: Any = hydrate(model, storage_of(model).key(line.pk), line.document)
    own = schema_of(model).fields.get("pk")
    if own is not None and own.computed is None and not is_given(instance._data.get("pk")):
        # Written by others, under a key that its fields do not make.
        instance._data.converted["pk"] = line.pk
    prepared = prepare(instance)
    storage = storage_of(model)
    written = {name: value for name, value in prepared.document.items() if name != COMPANIONS}
    document = with_the_rest(line.document, written)
    if storage.partial or document == written:
        return prepared.record(line.ttl)
    payload = payload_of(index_schema_of(model), document) if storage.indexed else storage.payload(document)
    return Record(prepared.key, payload, line.ttl)


def write(state: ServerState, model: type[Model], records: list[Record], if_absent: bool = False) -> Operation[int]:
    """Keep records, ``if_absent`` where there is nothing yet; gives how many were kept. 1 round trip."""
    if not records:
        return 0
    capabilities = yield from discover(state)
    storage = storage_of(model)
    expiring = next((one.key for one in records if one.expire is not None), None)
    if expiring is not None and not storage.lives_apart(capabilities):
        raise ServerError(f"{shown_key(expiring)} cannot be kept: {WHOLE_HASHES}")
    if not if_absent:
        yield from storage.write_many(records, capabilities)
        return len(records)
    conditional = (one._replace(when=ABSENT) for one in records)
    before = storage.preamble(capabilities)
    commands = (*before, *(storage.guarded(one, capabilities) for one in conditional))
    replies = yield Batch(commands, role=CHANGE)
    return sum(map(bool, replies[len(before) :]))

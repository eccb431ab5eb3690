"""Stored documents looked at one by one: whether their companions fit their members, and written again if not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..codec import Document, encode
from ..companions import UnkeepableAt, companions, is_as_made, merged
from ..errors import InvalidObject, UnreadableDocument
from ..index_schema import IndexSchema
from ..instances import hydrate
from ..kinds import Unkeepable
from ..reading import parse
from ..rewriting import change
from ..schema import COMPANIONS
from ..server.capabilities import Capabilities
from ..storage import storage_of
from ..storage.base import SEEN, Record, as_bytes
from ..storage.scripts import digest
from ..turns import WRITTEN, in_turns
from .requests import CHANGE, Batch, Operation, Pause, command, taking_turns

#: A document as it is to be written, of one that is stored; raises what is wrong with it.
Made = Callable[[IndexSchema, str, Document], Document]


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
    for place, (key, text) in enumerate(zip(keys, texts, strict=True)):
        if place and place % WRITTEN == 0:
            yield Pause(0)
        if text is not None:
            _look_at(schema, key, text, found)


def _look_at(schema: IndexSchema, key: str, text: Any, found: Found) -> None:
    try:
        document, beside = _separated(text, key)
        if is_as_made(beside, merged(beside, companions(document, schema), schema)):
            found.present.append(key)
        else:
            found.stale.append(key)
    except (UnreadableDocument, UnkeepableAt) as error:
        found.unreadable.append(Refused(key, str(error)))


def texts_of(keys: list[str]) -> Operation[list[Any]]:
    """The JSON texts under keys; None for what is none."""
    return list((yield command("JSON.MGET", *keys, "."))) if keys else []


def _separated(text: Any, key: str) -> tuple[Document, Any]:
    """A document without its companions, and these, None if there are none. Raises `UnreadableDocument`."""
    beside: Any = None

    def load(text: Any) -> Any:
        nonlocal beside
        found = orjson.loads(text)
        beside = found.get(COMPANIONS) if isinstance(found, dict) else None
        return found

    return parse(text, key, load), beside


# --- written again ----------------------------------------------------------------------------------------------------


def as_it_is(schema: IndexSchema, key: str, document: Document) -> Document:
    """The document itself: only what stands beside it is made anew."""
    return document


def as_the_model_writes(schema: IndexSchema, key: str, document: Document) -> Document:
    """The document as its model writes it, members that the model does not know kept. Raises what is wrong with it."""
    stored = hydrate(schema.model, key, dict(document))
    change(stored, key, {})
    written = encode(stored, for_index=False, nulls=storage_of(schema.model).keeps_nulls)
    whole: Document = with_the_rest(document, written)
    return whole


def with_the_rest(stored: Any, written: Any) -> Any:
    """What a model writes, with the members that it does not know: other programs' and other versions'.

    >>> with_the_rest({"a": "1", "b": 2, "c": [{"d": 1}, {"e": 3}]}, {"a": 1, "c": [{"d": 1}, {}]})
    {'a': 1, 'c': [{'d': 1}, {'e': 3}], 'b': 2}
    """
    if isinstance(stored, dict) and isinstance(written, dict):
        rest = {name: value for name, value in stored.items() if name not in written and value is not None}
        return {name: with_the_rest(stored.get(name), value) for name, value in written.items()} | rest
    if isinstance(stored, list) and isinstance(written, list) and len(stored) == len(written):
        return [with_the_rest(*pair) for pair in zip(stored, written, strict=True)]
    return written


def payload_of(schema: IndexSchema, document: Document, beside: Any = None) -> Any:
    """What is kept of a document, with its companions, and those there that another version of the model reads.

    Raises `UnkeepableAt`, `Unkeepable`.
    """
    beside = merged(beside, companions(document, schema), schema)
    return storage_of(schema.model).payload({**document, COMPANIONS: beside} if beside else document)


def write_again(schema: IndexSchema, keys: list[str], capabilities: Capabilities, made: Made) -> Operation[list[str]]:
    """Write objects again, where nobody else does; gives the keys of those that could be made. 2 round trips.

    Companions that another version of the model reads, and this one does not, stay as they are.
    """
    storage = storage_of(schema.model)
    texts = yield from storage.texts(keys, capabilities)

    def recorded(part: list[tuple[str, Any]]) -> list[Record]:
        return [
            Record(key, payload, None, SEEN, digest(as_bytes(text)))
            for key, text in part
            if text is not None and (payload := _payload(schema, key, text, made)) is not None
        ]

    work = in_turns(list(zip(keys, texts, strict=True)), recorded, turn=WRITTEN)
    records = yield from taking_turns(work)
    if not records:
        return []
    yield Batch(tuple(storage.guarded(record, capabilities) for record in records), role=CHANGE)
    # What another program wrote meanwhile is that one's, and was read by the index then.
    return [record.key for record in records]


def _payload(schema: IndexSchema, key: str, text: Any, made: Made) -> Any:
    try:
        stored, beside = _separated(text, key)
        return payload_of(schema, made(schema, key, stored), beside)
    except (InvalidObject, UnreadableDocument, UnkeepableAt, Unkeepable):
        # Only who wrote it knows what was meant; it is told as unreadable, or missing.
        return None

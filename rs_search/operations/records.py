"""One object at a time: written, read and removed by its key."""

from __future__ import annotations

from ..codec import Document
from ..planner.plan import Select
from ..server.capabilities import ServerState, discover
from ..storage import json_document
from .requests import Operation
from .search import select_rows


def put(state: ServerState, key: str, payload: bytes, expire: int | None) -> Operation[None]:
    """Keep a document under its key; ``expire`` in seconds. 1 round trip."""
    capabilities = yield from discover(state)
    yield from json_document.write(key, payload, expire, capabilities)


def get(state: ServerState, key: str) -> Operation[Document | None]:
    """The document under a key, or None. 1 round trip."""
    capabilities = yield from discover(state)
    return (yield from json_document.read(key, capabilities))


def remove(keys: list[str]) -> Operation[int]:
    """Remove keys; gives how many there were. 1 round trip a thousand keys."""
    return (yield from json_document.delete(keys))


def remove_all(prefix: str) -> Operation[int]:
    """Remove every object of a model; gives how many there were. O(keys of the database)."""
    keys = yield from json_document.scan_keys(prefix)
    return (yield from json_document.delete(keys))


def remove_selected(state: ServerState, select: Select) -> Operation[int]:
    """Remove the objects that a question finds; gives how many there still were."""
    answer = yield from select_rows(state, select)
    return (yield from json_document.delete([key for key, _ in answer.value]))

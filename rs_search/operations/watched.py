"""What a transaction asks around its block: whether objects are as they were read, and keys of the types they seem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from schematics.models import Model

from ..codec import Document, dump
from ..errors import Conflict, WrongKeyType, shown_key
from ..hydration import loaded
from ..instances import own_key
from ..schema import COMPANIONS, schema_of
from ..server.capabilities import ServerState, discover
from ..server.replies import text
from ..storage import scripts, storage_of
from ..storage.base import batched
from .requests import Operation

#: By one command, which may go over the connection that watches.
_TYPES = """
local kinds = {}
for place, key in ipairs(KEYS) do kinds[place] = redis.call('TYPE', key).ok end
return kinds"""


def keys_of(instance: Any) -> list[str]:
    """The keys of Redis that change when an object does. Raises `InvalidObject` for what has none."""
    return storage_of(type(instance)).watched(own_key(instance))


def refuse_stale(state: ServerState, instance: Any) -> Operation[None]:
    """Raise `Conflict` where an object is no longer stored as it was read or written. 1 round trip.

    Of one that was neither nothing is asked.
    """
    known = loaded(instance)
    if known is None:
        return
    model, key = type(instance), own_key(instance)
    capabilities = yield from discover(state)
    rows = yield from storage_of(model).read([key], capabilities)
    if not rows:
        raise Conflict(f"{shown_key(key)} was removed since it was read; nothing was written")
    if _compared(model, rows[0][1], known.only) != _compared(model, known.document, known.only):
        raise Conflict(f"{shown_key(key)} was written by others since it was read; nothing was written; refresh() it")


def _compared(model: type[Model], document: Document, only: frozenset[str] | None) -> Any:
    fields = schema_of(model).fields
    wanted = None if only is None else {fields[name].member for name in only if name in fields}
    members = {
        name: value
        for name, value in document.items()
        if name != COMPANIONS and (name in wanted if wanted is not None else value is not None)
    }
    # As it comes back from the server: a tuple as a list.
    return orjson.loads(dump(members))


def refuse_other_types(held: Mapping[str, frozenset[str]]) -> Operation[None]:
    """Raise `WrongKeyType` where a key holds what the writes of a transaction would fail at, in the midst of others.

    1 round trip a thousand keys.
    """
    keys = list(held)
    for batch in batched(keys):
        kinds = yield scripts.run(_TYPES, batch)
        for key, kind in zip(batch, map(text, kinds), strict=True):
            if kind != "none" and kind not in held[key]:
                wanted = " or a ".join(sorted(held[key]))
                raise WrongKeyType(f"{key} holds a {kind}, where a {wanted} should be; nothing was written")

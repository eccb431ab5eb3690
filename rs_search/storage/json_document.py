"""`SearchRedisMixin`: one JSON document a key, indexed. Without RedisJSON the same text is a Redis string."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..errors import ServerError, WrongKeyType
from ..operations.requests import CHANGE, Batch, Command, Operation, command
from ..reading import Stored
from ..server.capabilities import Capabilities
from . import scripts
from .base import Record, Storage, batched

_ANY_TYPE = """(function()
  local kind = redis.call('TYPE', KEYS[1]).ok
  if kind == 'ReJSON-RL' then return redis.call('JSON.GET', KEYS[1]) end
  return redis.call('GET', KEYS[1])
end)()"""
_SET_JSON = """
if ARGV[3] == '' then redis.call('DEL', KEYS[1])
elseif redis.call('TYPE', KEYS[1]).ok == 'string' then
  local left = redis.call('PTTL', KEYS[1])
  redis.call('DEL', KEYS[1])
  redis.call('JSON.SET', KEYS[1], '$', ARGV[3])
  if left > 0 then redis.call('PEXPIRE', KEYS[1], left) end
else
  redis.call('JSON.SET', KEYS[1], '$', ARGV[3])
end
if ARGV[3] ~= '' and ARGV[4] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[4]) end"""
_WITH_JSON = scripts.guarded(_ANY_TYPE, _SET_JSON)


#: The set of beginnings of keys under which objects were kept as strings: the index does not see them. Looked at when
#: the server has RedisJSON, which may come later.
STRINGS = "rs:strings"
#: What TYPE says of a document.
JSON_TYPE = "ReJSON-RL"


class JsonDocuments(Storage):
    """One JSON document a key."""

    why_no_index = "the server has no index"
    indexed = True
    types = frozenset({"string", "ReJSON-RL"})

    def commands(self, record: Record, capabilities: Capabilities) -> list[Command]:
        payload = record.payload
        if not capabilities.json:
            # JSON.SET leaves a key's remaining time to live as it is; so does this.
            return [command("SET", record.key, payload, *(("EX", record.expire) if record.expire else ("KEEPTTL",)))]
        commands = [Command(("JSON.SET", record.key, "$", payload))]
        return [*commands, command("EXPIRE", record.key, record.expire)] if record.expire else commands

    def preamble(self, capabilities: Capabilities) -> list[Command]:
        return [] if capabilities.json else [command("SADD", STRINGS, self.options.key_ends[0])]

    def write(self, record: Record, capabilities: Capabilities) -> Operation[bool]:
        try:
            return (yield from super().write(record, capabilities))
        except WrongKeyType:
            # Written while the server had no RedisJSON.
            yield Batch((self.guarded(record, capabilities),), role=CHANGE)
            return True

    def write_many(self, records: Collection[Record], capabilities: Capabilities) -> Operation[None]:
        try:
            yield from super().write_many(records, capabilities)
        except WrongKeyType:
            yield Batch(tuple(self.guarded(record, capabilities) for record in records), role=CHANGE)

    def in_transaction(self, record: Record, capabilities: Capabilities) -> list[Command]:
        # JSON.SET of a key that holds a string would fail in the midst of the others.
        return [self.guarded(record, capabilities)]

    def guarded(self, record: Record, capabilities: Capabilities) -> Command:
        script = _WITH_JSON if capabilities.json else scripts.OF_STRINGS
        return scripts.run(script, [record.key], record.when, record.seen or "", record.payload or "",
                           record.expire or "")  # fmt: skip

    def found_one(self, key: str, capabilities: Capabilities) -> Operation[Stored | None]:
        try:
            return text_of((yield Command(("JSON.GET" if capabilities.json else "GET", key))))
        except WrongKeyType:
            if not capabilities.json:
                raise
            return (yield command("GET", key))  # type: ignore[no-any-return]

    def texts(self, keys: list[str], capabilities: Capabilities) -> Operation[list[Any]]:
        """The texts under keys, as they stand; 1 round trip, 2 where some are strings."""
        if not keys:
            return []
        if not capabilities.json:
            return list((yield command("MGET", *keys)))
        found = list(map(text_of, (yield command("JSON.MGET", *keys, "."))))
        absent = [place for place, text in enumerate(found) if text is None]
        if absent:
            # Gone meanwhile, or a string written while the server had no RedisJSON.
            strings = yield command("MGET", *(keys[place] for place in absent))
            for place, text in zip(absent, strings, strict=True):
                found[place] = text
        return found


def text_of(reply: Any) -> bytes | str | None:
    """A reply as it is, if it is a text. Raises `ServerError`."""
    if reply is None or isinstance(reply, (bytes, str)):
        return reply
    # Read by it, floats are one unit off, and nothing tells whether a document is still as it was seen.
    raise ServerError(
        "this client reads JSON by itself, since its json() was called: give the models a client of their own"
    )


def existing(keys: list[str]) -> Operation[list[str]]:
    """Those of the keys that hold a JSON document; 1 round trip a thousand keys."""
    found: list[str] = []
    for batch in batched(keys):
        payloads = yield command("JSON.MGET", *batch, "$.__none__")
        found += [key for key, payload in zip(batch, payloads, strict=True) if payload is not None]
    return found

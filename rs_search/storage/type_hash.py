"""`HashRedisMixin`: one hash a type, which is redis-schematics' layout: the key is the field, the text its value.

A model may spread its objects over several hashes: ``__set_key__`` is then asked of each object. Here a key is the
hash's name and the field, with a NUL between, which no key has.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from ..errors import InvalidObject
from ..operations.requests import WRITE, Batch, Command, Operation, command
from ..reading import Stored
from ..server.capabilities import Capabilities
from ..server.replies import text
from . import scripts
from .base import BATCH, Record, batched
from .string import TextStorage

SEPARATOR = "\0"
#: redis-schematics lets the whole hash expire: what is left of that becomes the life of each object by itself.
_OWN_LIVES = """
local whole = redis.call('PTTL', KEYS[1])
if whole > 0 then
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    local own = redis.call('HPTTL', KEYS[1], 'FIELDS', 1, name)[1]
    if own < 0 or own > whole then redis.call('HPEXPIRE', KEYS[1], whole, 'FIELDS', 1, name) end
  end
  redis.call('PERSIST', KEYS[1])
end
"""
#: ARGV: the field, seconds or empty for ever.
_LIFE = f"""
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
{_OWN_LIVES}
if ARGV[2] == '' then redis.call('HPERSIST', KEYS[1], 'FIELDS', 1, ARGV[1])
else redis.call('HEXPIRE', KEYS[1], ARGV[2], 'FIELDS', 1, ARGV[1]) end
return 1
"""
_EXPIRE_FIELD = f"""
if ARGV[5] ~= '' then
  {_OWN_LIVES}
  redis.call('HEXPIRE', KEYS[1], ARGV[5], 'FIELDS', 1, ARGV[4])
end"""
_EXPIRE_HASH = "if ARGV[5] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[5]) end"
#: HSET ends the life that was left to a field; it is kept, as on every layer.
_SET_FIELD = """
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[4]) return 1 end
local left = redis.call('HPTTL', KEYS[1], 'FIELDS', 1, ARGV[4])[1]
redis.call('HSET', KEYS[1], ARGV[4], ARGV[3])
if left > 0 then redis.call('HPEXPIRE', KEYS[1], left, 'FIELDS', 1, ARGV[4]) end
"""
_SET = """
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[4]) return 1 end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[3])
"""
_READ = "redis.call('HGET', KEYS[1], ARGV[4])"
_BY_FIELD = scripts.guarded(_READ, _SET_FIELD + _EXPIRE_FIELD)
_BY_HASH = scripts.guarded(_READ, _SET + _EXPIRE_HASH)


class TypeHash(TextStorage):
    """One hash for all objects of a type."""

    why_no_index = "HashRedisMixin keeps all objects in one hash, which RediSearch cannot index"
    quotes = False
    types = frozenset({"hash"})
    unconditional = True

    def key(self, pk: str) -> str:
        return f"{self.options.set_key(None)}{SEPARATOR}{super().key(pk)}"

    def key_of(self, instance: Any, pk: str) -> str:
        """The key of an object: ``__set_key__`` may name another hash for it."""
        return f"{self.options.set_key(instance)}{SEPARATOR}{super().key(pk)}"

    def pk(self, key: str) -> str:
        return super().pk(_split(key)[1])

    def rank(self, key: str) -> str:
        return super().rank(_split(key)[1])

    def commands(self, record: Record, capabilities: Capabilities) -> list[Command]:
        name, field = _split(record.key)
        if capabilities.field_expiry:
            # HSET alone would let the object live for ever.
            return [self.guarded(record, capabilities)]
        life = [command("EXPIRE", name, record.expire)] if record.expire else []
        return [command("HSET", name, field, record.payload), *life]

    def guarded(self, record: Record, capabilities: Capabilities) -> Command:
        name, field = _split(record.key)
        script = _BY_FIELD if capabilities.field_expiry else _BY_HASH
        return scripts.run(
            script, [name], record.when, record.seen or "", record.payload or "", field, record.expire or ""
        )

    def found_one(self, key: str, capabilities: Capabilities) -> Operation[Stored | None]:
        return (yield command("HGET", *_split(key)))  # type: ignore[no-any-return]

    def texts(self, keys: list[str], capabilities: Capabilities) -> Operation[list[Any]]:
        """The texts under keys, None for those that have none; 1 round trip."""
        found: dict[str, Any] = {}
        hashes = _by_hash(keys)
        if hashes:
            commands = tuple(command("HMGET", name, *fields) for name, fields in hashes.items())
            for (name, fields), values in zip(hashes.items(), (yield Batch(commands)), strict=True):
                found.update({f"{name}{SEPARATOR}{field}": value for field, value in zip(fields, values, strict=True)})
        return [found[key] for key in keys]

    def keys(self) -> Operation[list[str]]:
        found: list[str] = []
        for name in (yield from self._hashes()):
            found += yield from self._fields(name)
        return found

    def locate(self, pks: list[str]) -> Operation[list[str]]:
        if not self.options.own_set_key or not pks:
            return []
        fields = [super(TypeHash, self).key(pk) for pk in pks]
        return [f"{name}{SEPARATOR}{field}" for name in (yield from self._hashes()) for field in fields]

    def _hashes(self) -> Operation[list[str]]:
        """The hashes of the model; all under its prefix where ``__set_key__`` is the model's own."""
        default = self.options.set_key(None)
        if not self.options.own_set_key:
            return [default]
        found: dict[str, None] = {default: None}
        cursor = 0
        while True:
            reply = yield command("SCAN", cursor, "MATCH", f"{self.pattern.glob}", "COUNT", BATCH, "TYPE", "hash")
            cursor = int(reply[0])
            found.update(dict.fromkeys(str(text(name)) for name in reply[1]))
            if cursor == 0:
                return list(found)

    def _fields(self, name: str) -> Operation[list[str]]:
        found: dict[str, None] = {}
        cursor = 0
        while True:
            reply = yield command("HSCAN", name, cursor, "COUNT", BATCH)
            cursor = int(reply[0])
            pairs = reply[1]
            fields = pairs if isinstance(pairs, dict) else pairs[::2]
            found.update(dict.fromkeys(f"{name}{SEPARATOR}{text(field)}" for field in fields))
            if cursor == 0:
                return [key for key in found if self.pattern.owns(_split(key)[1])]

    def delete(self, keys: list[str], capabilities: Capabilities) -> Operation[int]:
        deleted = 0
        for batch in batched(keys):
            hashes = _by_hash(batch)
            commands = tuple(command("HDEL", name, *fields) for name, fields in hashes.items())
            replies = yield Batch(commands, role=WRITE, held=partial(self.held, batch))
            deleted += sum(map(len, hashes.values())) if replies is None else sum(replies)
        return deleted

    def lives_apart(self, capabilities: Capabilities) -> bool:
        return capabilities.field_expiry

    def time_to_live(self, key: str, capabilities: Capabilities) -> Operation[int | None]:
        name, field = _split(key)
        if capabilities.field_expiry:
            lives = yield Batch((command("HPTTL", name, "FIELDS", 1, field), command("PTTL", name)), atomic=True)
            own, whole = int(lives[0][0]) if lives[0] else -2, int(lives[1])
            return None if own == -2 else min((left for left in (own, whole) if left >= 0), default=-1)
        present, left = yield Batch((command("HEXISTS", name, field), command("PTTL", name)), atomic=True)
        return int(left) if present else None

    def expire(self, key: str, seconds: int | None, capabilities: Capabilities) -> Operation[bool]:
        name, field = _split(key)
        if not capabilities.field_expiry:
            raise InvalidObject(
                f"{self.model.__name__}: this server lets only whole hashes expire, not one object of them"
            )
        life = scripts.run(_LIFE, [name], field, "" if seconds is None else seconds)
        replies = yield Batch((life,), role=WRITE, held=partial(self.held, [key]))
        return replies is None or bool(replies[0])

    def watched(self, key: str) -> list[str]:
        return [_split(key)[0]]


def _split(key: str) -> tuple[str, str]:
    name, _, field = key.partition(SEPARATOR)
    return name, field


def _by_hash(keys: list[str]) -> dict[str, list[str]]:
    hashes: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        name, field = _split(key)
        hashes[name].append(field)
    return dict(hashes)

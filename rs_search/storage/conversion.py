"""A JSON text as a string or as a RedisJSON document: one is made of the other in one step, with the key and the life.

The script writes what is new before it takes away what is old, or puts that back: an error loses nothing.
"""

from __future__ import annotations

from ..operations.requests import Command, Operation, command
from . import scripts

STRING, DOCUMENT = "string", "ReJSON-RL"
#: What the script replies if it did it; if what was seen has changed meanwhile; if the new key is taken. Else an error.
DONE, CHANGED, TAKEN = 1, 0, -1

#: KEYS: where it is, where it is to be. ARGV: its type, the digest of what was seen, the type to be, the new text.
_SCRIPT = """
local old, new = KEYS[1], KEYS[2]
if redis.call('TYPE', old).ok ~= ARGV[1] then return 0 end
local seen = redis.call(ARGV[1] == 'string' and 'GET' or 'JSON.GET', old)
if redis.sha1hex(seen) ~= ARGV[2] then return 0 end
if new ~= old and redis.call('EXISTS', new) == 1 then return -1 end
local left = redis.call('PTTL', old)
local function live(key) if left >= 0 then redis.call('PEXPIRE', key, math.max(left, 1)) end end
local function put(key, kind, text)
  if kind == 'string' then return redis.pcall('SET', key, text) end
  return redis.pcall('JSON.SET', key, '$', text)
end
if new == old then redis.call('DEL', old) end
local reply = put(new, ARGV[3], ARGV[4])
if reply.err then
  if new == old then put(old, ARGV[1], seen) live(old) end
  return reply.err
end
live(new)
if new ~= old then redis.call('DEL', old) end
return 1
"""


def turn(old: str, kind: str, digest: str, new: str, new_kind: str, text: str | bytes) -> Command:
    """What turns one object, seen with this digest under ``old``, into ``text`` under ``new``."""
    return scripts.run(_SCRIPT, [old, new], kind, digest, new_kind, text)


def texts_of(kind: str, keys: list[str]) -> Operation[list[bytes | None]]:
    """The texts under keys, None for those of another type; 1 round trip."""
    words = ("MGET", *keys) if kind == STRING else ("JSON.MGET", *keys, ".")
    return list((yield command(*words)))

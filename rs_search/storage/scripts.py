"""Writes under a condition, in one step: a Lua script that reads, compares and writes.

Scripts are pure functions of their keys and arguments, so they replicate and run in clusters (all keys of an object
share a slot there only if its layer sees to that).
"""

from __future__ import annotations

import hashlib

from ..operations.requests import Command, command

#: ``seen`` is what stands there now, or false; ARGV[1] the condition, ARGV[2] the digest of what must be there.
_GUARD = """
local seen = {read}
if ARGV[1] == 'absent' and seen then return 0 end
if ARGV[1] == 'present' and not seen then return 0 end
if ARGV[1] == 'seen' and (not seen or redis.sha1hex(seen) ~= ARGV[2]) then return 0 end
{write}
return 1
"""


def guarded(read: str, write: str) -> str:
    """A script that writes where the condition holds; gives 1 if it did."""
    return _GUARD.format(read=read, write=write)


#: KEYS: the string. ARGV[3], ARGV[4]: its text, empty to remove it; seconds to live, empty for what is left.
OF_STRINGS = guarded(
    "redis.call('GET', KEYS[1])",
    """
if ARGV[3] == '' then redis.call('DEL', KEYS[1])
elseif ARGV[4] ~= '' then redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
else redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL') end""",
)


def run(script: str, keys: list[str], *arguments: str | bytes | int) -> Command:
    """The command that runs a script."""
    return command("EVAL", script, len(keys), *keys, *arguments)


def digest(text: bytes) -> str:
    """What ``redis.sha1hex`` gives for a text: a fingerprint of what was read, not a secret."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()

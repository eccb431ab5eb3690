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


def run(script: str, keys: list[str], *arguments: str | bytes | int) -> Command:
    """The command that runs a script."""
    return command("EVAL", script, len(keys), *keys, *arguments)


def digest(text: bytes) -> str:
    """What ``redis.sha1hex`` gives for a text: a fingerprint of what was read, not a secret."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()

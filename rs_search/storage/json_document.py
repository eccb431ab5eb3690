"""One JSON document a key: the commands that keep, read and remove it, with RedisJSON and without.

Without RedisJSON the same text is a Redis string under the same key.
"""

from __future__ import annotations

import re
from typing import Any

from ..codec import Document, parse
from ..errors import InvalidObject, WrongKeyType
from ..operations.requests import Batch, Command, Operation, command
from ..server.capabilities import Capabilities
from ..server.replies import text

#: Keys asked for, read or deleted at a time.
BATCH = 1000
_GLOB = re.compile(r"([\\*?\[\]^])")
_QUOTED = {"%": "%25", ":": "%3A"}


def key_of(prefix: str, pk: str) -> str:
    """The key of a primary key; ``:`` and ``%`` in it are quoted, so that no two objects of any model share a key.

    >>> key_of("Ice", "vanilla"), key_of("Ice", "a:b")
    ('Ice:vanilla', 'Ice:a%3Ab')
    """
    if "\0" in pk:
        # RediSearch cuts a key there and would load another document.
        raise InvalidObject(f"{prefix}: a primary key must not contain NUL: {pk!r}")
    if not _has_utf8(pk):
        raise InvalidObject(f"{prefix}: a primary key must have a UTF-8 form, and {pk!r} has none")
    return f"{prefix}:{quoted(pk)}"


def _has_utf8(name: str) -> bool:
    # Of bytes that are no UTF-8 `text` makes lone surrogates.
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def quoted(part: str, also: str = "") -> str:
    """A part of a key without ``:`` and what ``also`` lists."""
    return "".join(f"%{ord(sign):02X}" if sign in also else _QUOTED.get(sign, sign) for sign in part)


def pk_of(prefix: str, key: str) -> str:
    """The primary key in a key.

    >>> pk_of("Ice", "Ice:a%3Ab")
    'a:b'
    """
    return key[len(prefix) + 1 :].replace("%3A", ":").replace("%25", "%")


def write(key: str, payload: bytes, expire: int | None, capabilities: Capabilities) -> Operation[None]:
    """Keep a document, whole or not at all; 1 round trip."""
    if not capabilities.json:
        # JSON.SET leaves a key's remaining time to live as it is; so does this.
        yield command("SET", key, payload, *(("EX", expire) if expire else ("KEEPTTL",)))
        return
    commands = [command("JSON.SET", key, "$", payload)]
    if expire:
        commands.append(command("EXPIRE", key, expire))
    try:
        yield _together(commands)
    except WrongKeyType:
        # Written while the server had no RedisJSON.
        yield _together([command("DEL", key), *commands])


def _together(commands: list[Command]) -> Command | Batch:
    return commands[0] if len(commands) == 1 else Batch(tuple(commands), atomic=True)


def read(key: str, capabilities: Capabilities) -> Operation[Document | None]:
    """The document under a key, None if there is none; 1 round trip."""
    if capabilities.json:
        try:
            payload = yield command("JSON.GET", key)
        except WrongKeyType:
            payload = yield command("GET", key)
    else:
        payload = yield command("GET", key)
    return None if payload is None else parse(payload, key)


def read_many(keys: list[str], capabilities: Capabilities) -> Operation[list[tuple[str, Document]]]:
    """The documents under the keys that have one, in order; 1 round trip, 2 where some are strings."""
    if not keys:
        return []
    if not capabilities.json:
        payloads = yield command("MGET", *keys)
    else:
        payloads = list((yield command("JSON.MGET", *keys, ".")))
        absent = [place for place, payload in enumerate(payloads) if payload is None]
        if absent:
            # Gone meanwhile, or a string written while the server had no RedisJSON.
            strings = yield command("MGET", *(keys[place] for place in absent))
            for place, payload in zip(absent, strings, strict=True):
                payloads[place] = payload
    return [(key, parse(payload, key)) for key, payload in zip(keys, payloads, strict=True) if payload is not None]


def existing(keys: list[str]) -> Operation[list[str]]:
    """Those of the keys that hold a JSON document; 1 round trip a thousand keys."""
    found: list[str] = []
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        payloads = yield command("JSON.MGET", *batch, "$.__none__")
        found += [key for key, payload in zip(batch, payloads, strict=True) if payload is not None]
    return found


def scan_keys(prefix: str) -> Operation[list[str]]:
    """The keys of a model; O(keys of the database), misses none that stays throughout."""
    found: dict[str, None] = {}
    cursor: Any = 0
    while True:
        cursor, keys = yield from _scan_page(prefix, cursor)
        found.update(dict.fromkeys(keys))
        if int(cursor) == 0:
            return list(found)


def _scan_page(prefix: str, cursor: Any) -> Operation[tuple[Any, list[str]]]:
    pattern = _GLOB.sub(r"\\\1", prefix) + ":*"
    cursor, keys = yield command("SCAN", cursor, "MATCH", pattern, "COUNT", BATCH)
    names = [text(key) for key in keys]
    return cursor, [name for name in names if _is_ours(name, prefix)]


def _is_ours(name: str, prefix: str) -> bool:
    # `User:Profile:1` belongs to another model: keys of ours have no other colon, and are UTF-8 (see `key_of`).
    return ":" not in name[len(prefix) + 1 :] and _has_utf8(name)


def delete(keys: list[str]) -> Operation[int]:
    """Remove keys in batches; gives how many there were."""
    deleted = 0
    for start in range(0, len(keys), BATCH):
        deleted += yield command("DEL", *keys[start : start + BATCH])
    return deleted

"""`SimpleRedisMixin`: one string a key, which is redis-schematics' layout: ``json.dumps`` of the primitive."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from ..codec import Document
from ..operations.requests import Command, Operation, command
from ..options import own_method
from ..reading import Stored, parse
from ..server.capabilities import Capabilities
from . import scripts
from .base import Record, Storage


class TextStorage(Storage):
    """What layers of texts share: the model's own ``__serializer__`` and ``__deserializer__``, if it has them."""

    keeps_nulls = True

    def payload(self, document: Document) -> str | bytes:
        """The text of a document, as redis-schematics writes it."""
        serialize = own_method(self.model, "__serializer__")
        text: str | bytes = json.dumps(document) if serialize is None else serialize(document)
        return text

    def parsed(self, stored: Any, key: str) -> Document:
        return parse(stored, key, self._load)

    @property
    def json(self) -> bool:
        return type(self).parsed is TextStorage.parsed and self._load is orjson.loads

    @property
    def _load(self) -> Callable[[Any], Any]:
        return own_method(self.model, "__deserializer__") or orjson.loads


class JsonStrings(TextStorage):
    """One JSON text a key."""

    why_no_index = "SimpleRedisMixin keeps strings, which RediSearch cannot index"
    quotes = False
    unconditional = True

    def commands(self, record: Record, capabilities: Capabilities) -> list[Command]:
        # redis-schematics' SET ends the life that was left; here it is kept, as on every layer.
        life = ("EX", record.expire) if record.expire else ("KEEPTTL",)
        return [command("SET", record.key, record.payload, *life)]

    def guarded(self, record: Record, capabilities: Capabilities) -> Command:
        return scripts.run(scripts.OF_STRINGS, [record.key], record.when, record.seen or "", record.payload or "",
                           record.expire or "")  # fmt: skip

    def found_one(self, key: str, capabilities: Capabilities) -> Operation[Stored | None]:
        return (yield command("GET", key))  # type: ignore[no-any-return]

    def texts(self, keys: list[str], capabilities: Capabilities) -> Operation[list[Any]]:
        """The texts under keys, None for those that have none."""
        return list((yield command("MGET", *keys))) if keys else []

"""What a storage layer is: how objects of a model are kept in Redis. Everything else is the same on all layers.

A layer of your own is a subclass of `Storage` and a mixin that names it; see `rs_search.BaseRedisMixin`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any, ClassVar, NamedTuple

from schematics.models import Model

from ..codec import Document, dump
from ..errors import QueryError
from ..key_runs import KeyRuns
from ..operations.requests import CHANGE, WRITE, Batch, Command, Held, Operation, command, taking_turns
from ..options import ModelOptions, options_of
from ..reading import Row, Stored, parse
from ..server.capabilities import Capabilities
from ..server.replies import text
from ..turns import Work, in_turns, sorted_in_turns
from .keys import KeyPattern, PrimaryKeyReader
from .scripts import digest

#: Keys asked for, read or deleted at a time.
BATCH = 1000
#: When a record is written: always; if there is none, or one; if it is what was seen.
ALWAYS, ABSENT, PRESENT, SEEN = "always", "absent", "present", "seen"


class Record(NamedTuple):
    """One object to be written: its key, what its layer makes of it, seconds to live (None: as it is, or for ever).

    ``when`` says under which condition, ``seen`` the digest of what must still be there for `SEEN`; ``members`` which
    members changed since then, None for all; ``undo`` is called if the transaction that it takes part in fails.
    """

    key: str
    payload: Any
    expire: int | None = None
    when: str = ALWAYS
    seen: str | None = None
    members: frozenset[str] | None = None
    undo: Callable[[], None] | None = None


@dataclass(frozen=True)
class Seen:
    """An object as it was read, with the digest of its text, and the text."""

    key: str
    document: Document
    digest: str
    text: bytes = b""


class Storage:
    """How the objects of one model are kept. Methods that ask the server are generators (`rs_search.operations`)."""

    #: What ``explain()`` says when it scans.
    why_no_index: ClassVar[str] = "the layer has no index"
    #: Whether RediSearch may answer queries.
    indexed: ClassVar[bool] = False
    #: Whether None is kept as null in every member.
    keeps_nulls: ClassVar[bool] = False
    #: Whether members can be read by themselves.
    partial: ClassVar[bool] = False
    #: Whether ``:`` and ``%`` in keys are quoted, and equal values make one key; else keys are redis-schematics'.
    quotes: ClassVar[bool] = True
    #: Redis types over which the layer's writes do not fail; none: over any.
    types: ClassVar[frozenset[str]] = frozenset()
    #: Whether ``delete_filter()`` without a condition removes everything, as it does in redis-schematics.
    unconditional: ClassVar[bool] = False

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    @property
    def options(self) -> ModelOptions:
        """The model's class attributes."""
        return options_of(self.model)

    @cached_property
    def pattern(self) -> KeyPattern:
        """Where the keys are."""
        before, after = self.options.key_ends
        return KeyPattern(before, after, self.quotes)

    def payload(self, document: Document) -> Any:
        """A document as it is kept. Raises `Unkeepable` for what the layer cannot keep."""
        return dump(document)

    # --- what a layer says ----------------------------------------------------------------------------------------

    def commands(self, record: Record, capabilities: Capabilities) -> list[Command]:
        """What keeps a record, whatever was there, when sent as one transaction."""
        raise NotImplementedError

    def preamble(self, capabilities: Capabilities) -> list[Command]:
        """What is sent before anything is written; need not be in one step with it."""
        return []

    def in_transaction(self, record: Record, capabilities: Capabilities) -> list[Command]:
        """What keeps a record, whatever was there, among commands of others; must not fail."""
        return self.commands(record, capabilities)

    def watched(self, key: str) -> list[str]:
        """The keys of Redis that change when the object does."""
        return [key]

    def held(self, keys: Iterable[str]) -> Held:
        """Keys of Redis at which the layer's writes would fail if they held another type, with those they may hold."""
        return [(self.watched(key)[0], self.types) for key in keys] if self.types else []

    def found(
        self, keys: list[str], capabilities: Capabilities, members: Collection[str] | None = None
    ) -> Operation[list[Row]]:
        """The keys that have something, in order, with what stands there; ``members``: only these are needed."""
        texts = yield from self.texts(keys, capabilities)
        return [(key, text) for key, text in zip(keys, texts, strict=True) if text is not None]

    def found_one(self, key: str, capabilities: Capabilities) -> Operation[Stored | None]:
        """What stands under a key, None if nothing does."""
        rows = yield from self.found([key], capabilities)
        return rows[0][1] if rows else None

    def read(self, keys: list[str], capabilities: Capabilities) -> Operation[list[tuple[str, Document]]]:
        """The documents under the keys that have one, in order."""
        return [(key, self.parsed(stored, key)) for key, stored in (yield from self.found(keys, capabilities))]

    def read_one(self, key: str, capabilities: Capabilities) -> Operation[Document | None]:
        """The document under a key, None if there is none."""
        stored = yield from self.found_one(key, capabilities)
        return None if stored is None else self.parsed(stored, key)

    def texts(self, keys: list[str], capabilities: Capabilities) -> Operation[list[Any]]:
        """What stands under keys, as `guarded` compares it; None for what is not there."""
        raise NotImplementedError

    def parsed(self, stored: Any, key: str) -> Document:
        """The document of what `found` or `texts` gave. Raises `UnreadableDocument`."""
        return parse(stored, key)

    @property
    def json(self) -> bool:
        """Whether what `texts` gives is the document as JSON."""
        return type(self).parsed is Storage.parsed

    def guarded(self, record: Record, capabilities: Capabilities) -> Command:
        """What keeps a record where its condition holds, in one step; replies 1 if it did, else 0.

        A record without a payload removes the object.
        """
        raise QueryError(f"{type(self).__name__} cannot write under a condition")

    def key_of(self, instance: Any, pk: str) -> str:
        """The key of an instance."""
        return self.key(pk)

    def locate(self, pks: list[str]) -> Operation[list[str]]:
        """Other keys under which primary keys may be, where `key` has nothing."""
        return []
        yield  # a generator, as all that asks

    def delete(self, keys: list[str], capabilities: Capabilities) -> Operation[int]:
        """Remove objects; gives how many there were."""
        deleted = 0
        for batch in batched(keys):
            replies = yield Batch((command("DEL", *batch),), role=WRITE)
            deleted += len(batch) if replies is None else replies[0]
        return deleted

    def keys(self) -> Operation[list[str]]:
        """The keys of all objects; O(keys of the database), misses none that stays throughout."""
        return (yield from self.scan())

    def keys_in_order(self, down: bool = False) -> Operation[Iterator[list[str]]]:
        """As `keys`, in order, a thousand at a time; packed in memory where they stand in the keyspace."""
        if type(self).keys is not Storage.keys:
            return batched((yield from taking_turns(self.in_order((yield from self.keys()), down))))
        runs = KeyRuns(None if self.pattern.ranks_itself else self.rank, down)
        yield from self._scan(runs.add)
        return runs.batches(BATCH)

    def delete_all(self, capabilities: Capabilities) -> Operation[int]:
        """Remove every object; gives how many there were."""
        return (yield from self.delete((yield from self.keys()), capabilities))

    def lives_apart(self, capabilities: Capabilities) -> bool:
        """Whether one object may expire and another not."""
        return True

    def time_to_live(self, key: str, capabilities: Capabilities) -> Operation[int | None]:
        """Milliseconds that an object has to live, -1 for ever, None if it is not there."""
        left = int((yield command("PTTL", key)))
        return None if left == -2 else left

    def expire(self, key: str, seconds: int | None, capabilities: Capabilities) -> Operation[bool]:
        """Let an object live so many seconds, None for ever; tells whether it is there."""
        words = ("PERSIST", key) if seconds is None else ("EXPIRE", key, seconds)
        replies = yield Batch((command("EXISTS", key), command(*words)), atomic=True, role=WRITE)
        return replies is None or bool(replies[0])

    def look(self, keys: list[str], capabilities: Capabilities) -> Operation[list[Seen]]:
        """The objects under the keys that have one, each with the digest that `SEEN` compares; 1 round trip."""
        texts = yield from self.texts(keys, capabilities)
        present = [(key, as_bytes(text)) for key, text in zip(keys, texts, strict=True) if text is not None]
        return [Seen(key, self.parsed(text, key), digest(text), text) for key, text in present]

    # --- what layers share ----------------------------------------------------------------------------------------

    def write(self, record: Record, capabilities: Capabilities) -> Operation[bool]:
        """Keep a record; tells whether its condition held."""
        before = self.preamble(capabilities)
        if record.when != ALWAYS:
            return bool((yield Batch((*before, self.guarded(record, capabilities)), role=CHANGE))[-1])
        commands = self.commands(record, capabilities)
        yield Batch((*before, *commands), len(commands) > 1, WRITE,
                    lambda: (*before, *self.in_transaction(record, capabilities)), record.undo,
                    partial(self.held, [record.key]))  # fmt: skip
        return True

    def write_many(self, records: Collection[Record], capabilities: Capabilities) -> Operation[None]:
        """Keep records, each whole or not at all; 1 round trip."""
        commands = [self.commands(record, capabilities) for record in records]
        # One transaction for all where an object takes several commands: a killed client leaves each whole.
        atomic = any(len(each) > 1 for each in commands)
        before = self.preamble(capabilities)

        def together() -> tuple[Command, ...]:
            in_transaction = (self.in_transaction(record, capabilities) for record in records)
            return (*before, *chain.from_iterable(in_transaction))

        held = partial(self.held, [record.key for record in records])
        yield Batch((*before, *chain.from_iterable(commands)), atomic, WRITE, together, lambda: _undo(records), held)

    def keys_for(self, pks: list[str]) -> Operation[list[str]]:
        """All keys under which primary keys may be, `key`'s first."""
        keys = yield from taking_turns(in_turns(pks, lambda part: list(map(self.key, part))))
        return keys + (yield from self.locate(pks))

    def key(self, pk: str) -> str:
        """The key of a primary key."""
        return self.pattern.key(pk)

    def pk(self, key: str) -> str:
        """The primary key in a key."""
        return self.pattern.pk(key)

    def pk_reader(self) -> PrimaryKeyReader:
        """`pk`, for many keys."""
        return self.pattern.reader if type(self).pk is Storage.pk else PrimaryKeyReader(self.pk)

    def rank(self, key: str) -> str:
        """What keys are ordered by."""
        return self.pattern.rank(key)

    def in_order(
        self, things: list[Any], down: bool = False, of: Callable[[Any], str] | None = None
    ) -> Work[list[Any]]:
        """Keys in order, or what has one: ``of`` gives the key of a thing."""
        if self.pattern.ranks_itself:
            return sorted_in_turns(things, of, down)
        return sorted_in_turns(things, self.rank if of is None else lambda thing: self.rank(of(thing)), down)

    def scan(self, *kind: str) -> Operation[list[str]]:
        """Keys of the model's pattern, of a Redis type if given (``"TYPE", "hash"``)."""
        found: dict[str, None] = {}
        yield from self._scan(lambda keys: found.update(dict.fromkeys(keys)), *kind)
        return list(found)

    def _scan(self, take: Callable[[list[str]], None], *kind: str) -> Operation[None]:
        """Have keys taken as SCAN gives them, some of them twice."""
        pattern, others, cursor = self.pattern, self.options.other_prefixes(), 0
        while True:
            reply = yield command("SCAN", cursor, "MATCH", pattern.glob, "COUNT", BATCH, *kind)
            cursor = int(reply[0])
            take(pattern.owned(_names(reply[1]), others))
            if cursor == 0:
                return


def batched(keys: list[str]) -> Iterator[list[str]]:
    """Keys, a thousand at a time."""
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))


def _undo(records: Collection[Record]) -> None:
    for record in records:
        if record.undo is not None:
            record.undo()


def _names(keys: list[Any]) -> list[str]:
    try:
        return [key if isinstance(key, str) else key.decode() for key in keys]
    except UnicodeDecodeError:
        # What is no UTF-8 was written by nobody here.
        names = (text(key) for key in keys)
        return [name for name in names if name.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in name)]


def as_bytes(text: Any) -> bytes:
    """A reply as bytes, whatever the client decodes."""
    return text if isinstance(text, bytes) else str(text).encode()

"""Stored objects from one form or layer to another: each is whole at every moment, in the old place or the new one.

Strings and JSON documents turn into each other where they are, in one step for each object. Between other layers an
object is written at its new place, where there is none, and only then removed from the old one if that is still what
was read: whoever is stopped in between leaves it in both, and the next run ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from schematics.models import Model

from ..codec import Document, encode
from ..errors import QueryError, RedisMixinException, ServerError, UnreadableDocument
from ..instances import hydrate
from ..kinds import Unkeepable
from ..primary_key import is_given, primary_key
from ..reading import decode, parse
from ..schema import COMPANIONS, schema_of
from ..server.capabilities import Capabilities, ServerState, discover
from ..storage import storage_of
from ..storage.base import ABSENT, SEEN, Record, Seen, Storage, as_bytes
from ..storage.conversion import CHANGED, DOCUMENT, DONE, STRING, TAKEN, texts_of, turn
from ..storage.json_document import JsonDocuments
from ..storage.keys import KeyPattern
from ..storage.scripts import digest
from ..storage.string import JsonStrings
from ..turns import WRITTEN, in_turns
from .requests import Batch, Operation, gathered, taking_turns

OnProgress = Callable[[int, int | None], None]
#: Why an object that expires cannot be kept in a hash.
WHOLE_HASHES = "it expires, and this server lets only whole hashes do so: all objects of one would go with it"
#: Objects converted at a time, if nobody says how many.
BATCH = 500


@dataclass(frozen=True)
class Converted:
    """What `convert_stored` did: how many objects it converted, how many were so already, and what it left alone.

    ``errors`` are pairs of a key and the reason why what stands there, as it was, cannot be converted.
    """

    converted: int
    skipped: int
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Task:
    """From which model's storage to which."""

    source: Storage
    target: Storage
    batch: int
    dry_run: bool
    on_progress: OnProgress | None


@dataclass
class _Count:
    total: int
    converted: int = 0
    skipped: int = 0
    gone: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, on_progress: OnProgress | None) -> None:
        if on_progress is not None:
            on_progress(self.converted + self.skipped + self.gone + len(self.errors), self.total)


@dataclass(frozen=True)
class _Moved:
    """An object that was read, and what it becomes."""

    seen: Seen
    key: str
    document: Document
    payload: Any


def task(
    model: type[Model], source: type[Model] | None, to: str, batch: int, dry_run: bool, on_progress: OnProgress | None
) -> Task:
    """What is to be converted. Raises `QueryError` where that means nothing."""
    name = model.__name__
    if batch < 1:
        raise QueryError(f"{name}.convert_stored(): a batch has one object or more, not {batch}")
    if to not in ("json", "string"):
        raise QueryError(f'{name}.convert_stored() takes to="json" or to="string", not {to!r}')
    own = storage_of(model)
    if source is not None:
        if to != "json" or source is model:
            raise QueryError(f"{name}.convert_stored(source=…) takes another model, and no to=…")
        return Task(storage_of(source), own, batch, dry_run, on_progress)
    if not isinstance(own, JsonDocuments):
        raise QueryError(f"{name} keeps no JSON documents; convert_stored(source=…) takes objects from another model")
    strings = JsonStrings(model)
    there, here = (strings, own) if to == "json" else (own, strings)
    return Task(there, here, batch, dry_run, on_progress)


def convert(state: ServerState, todo: Task) -> Operation[Converted]:
    """Convert what is stored, a batch at a time. O(keys of the database), 2 round trips a batch; 5 between layers."""
    capabilities = yield from discover(state)
    kinds = _kind(todo.source), _kind(todo.target)
    if DOCUMENT in kinds and not capabilities.json and STRING in kinds:
        raise ServerError("the server has no RedisJSON (JSON.SET): there is nothing to convert to or from")
    in_place = None not in kinds and kinds[0] != kinds[1]
    waiting = yield from _keys(todo, in_place)
    count = _Count(len(waiting))
    while waiting:
        batch, waiting = waiting[: todo.batch], waiting[todo.batch :]
        step = _turn_batch if in_place else _move_batch
        # What others wrote meanwhile is looked at once more.
        waiting += yield from step(todo, batch, capabilities, count)
        count.tell(todo.on_progress)
    return Converted(count.converted, count.skipped, tuple(count.errors))


def _kind(storage: Storage) -> str | None:
    """The Redis type of a layer with one key an object."""
    return STRING if isinstance(storage, JsonStrings) else DOCUMENT if isinstance(storage, JsonDocuments) else None


def _keys(todo: Task, in_place: bool) -> Operation[list[str]]:
    """The keys of what is to be converted, and of what was already."""
    keys = yield from todo.source.keys()
    if in_place and todo.source.model is todo.target.model:
        keys += yield from todo.target.keys()
    return list(dict.fromkeys(keys))


# --- strings and documents ------------------------------------------------------------------------------------------


def _turn_batch(todo: Task, keys: list[str], capabilities: Capabilities, count: _Count) -> Operation[list[str]]:
    source, target = _kind(todo.source) or "", _kind(todo.target) or ""
    found = yield from _present(source, keys)
    ready = yield from _all_made(todo, found, count)
    already = yield from _present(target, [key for key in keys if key not in found])
    skipped = sum(todo.target.pattern.owns(key) for key in already)
    count.skipped += skipped
    # Or of another type, or another model's.
    count.gone += len(keys) - len(found) - skipped
    if todo.dry_run or not ready:
        count.converted += len(ready)
        return []
    replies = yield Batch(
        tuple(turn(one.seen.key, source, one.seen.digest, one.key, target, one.payload) for one in ready)
    )
    again = []
    for one, reply in zip(ready, replies, strict=True):
        if reply == DONE:
            count.converted += 1
        elif reply == CHANGED:
            again.append(one.seen.key)
        elif reply == TAKEN:
            count.errors.append((one.seen.key, f"{one.key}, where it belongs, holds another one"))
        else:
            count.errors.append((one.seen.key, f"the server refused it: {as_bytes(reply).decode()}"))
    return again


def _present(kind: str, keys: list[str]) -> Operation[dict[str, bytes]]:
    texts = (yield from texts_of(kind, keys)) if keys else []
    return {key: as_bytes(text) for key, text in zip(keys, texts, strict=True) if text is not None}


def _all_made(todo: Task, texts: dict[str, bytes], count: _Count) -> Operation[list[_Moved]]:
    def made(part: list[tuple[str, bytes]]) -> list[_Moved]:
        return [moved for key, text in part if (moved := _made(todo, key, text, count)) is not None]

    return (yield from taking_turns(in_turns(list(texts.items()), made, turn=WRITTEN)))


def _made(todo: Task, key: str, text: bytes, count: _Count) -> _Moved | None:
    try:
        document = _parsed(todo.source, text, key)
        return _become(todo, Seen(key, document, digest(text)))
    except (RedisMixinException, Unkeepable) as error:
        count.errors.append((key, str(error)))
        return None


def _parsed(source: Storage, text: bytes, key: str) -> Document:
    try:
        return source.parsed(text, key)
    except UnreadableDocument:
        try:
            # Written by `SearchRedisMixin` without RedisJSON, which asks no `__deserializer__` of the model's own.
            return parse(text, key)
        except UnreadableDocument:
            pass
        raise


# --- any two layers -------------------------------------------------------------------------------------------------


def _move_batch(todo: Task, keys: list[str], capabilities: Capabilities, count: _Count) -> Operation[list[str]]:
    texts = yield from todo.source.texts(keys, capabilities)
    present = {key: as_bytes(text) for key, text in zip(keys, texts, strict=True) if text is not None}
    count.gone += len(keys) - len(present)
    ready = yield from _all_made(todo, present, count)
    if todo.dry_run or not ready:
        count.converted += len(ready)
        return []
    lives = yield from gathered([todo.source.time_to_live(one.seen.key, capabilities) for one in ready])
    if not todo.target.lives_apart(capabilities):
        ready = _without_lives(ready, lives, count)
        lives = [None] * len(ready)
    before = todo.target.preamble(capabilities)
    replies = yield Batch((
        *before,
        *(todo.target.guarded(Record(one.key, one.payload, _seconds(left), ABSENT), capabilities)
          for one, left in zip(ready, lives, strict=True)),
    ))  # fmt: skip
    written = replies[len(before) :]
    there = yield from _equal_there(todo, [one for one, did in zip(ready, written, strict=True) if not did],
                                    capabilities, count)  # fmt: skip
    whole = [one for one, did in zip(ready, written, strict=True) if did or one.key in there]
    return (yield from _remove_old(todo, whole, capabilities, count))


def _without_lives(moved: list[_Moved], lives: list[int | None], count: _Count) -> list[_Moved]:
    """Those that live for ever: another one would take the whole hash with it."""
    lasting = []
    for one, left in zip(moved, lives, strict=True):
        if _seconds(left) is None:
            lasting.append(one)
        else:
            count.errors.append((_shown(one.seen.key), WHOLE_HASHES))
    return lasting


def _seconds(left: int | None) -> int | None:
    """Milliseconds to live as whole seconds, none of them lost."""
    return None if left is None or left < 0 else max(1, -(-left // 1000))


def _equal_there(todo: Task, moved: list[_Moved], capabilities: Capabilities, count: _Count) -> Operation[set[str]]:
    """The new keys, of those taken, that hold the very object: a run was stopped before it removed the old one."""
    rows = yield from todo.target.read([one.key for one in moved], capabilities)
    found, equal = dict(rows), set()
    for one in moved:
        if one.key in found and found[one.key] == one.document:
            equal.add(one.key)
        else:
            count.errors.append((_shown(one.seen.key), f"{_shown(one.key)}, where it belongs, holds another one"))
    return equal


def _remove_old(todo: Task, moved: list[_Moved], capabilities: Capabilities, count: _Count) -> Operation[list[str]]:
    """Remove the objects at their old place; those that were written to meanwhile come once more."""
    if not moved:
        return []
    removed = yield Batch(
        tuple(todo.source.guarded(Record(one.seen.key, None, None, SEEN, one.seen.digest), capabilities)
              for one in moved)
    )  # fmt: skip
    late = [one for one, did in zip(moved, removed, strict=True) if not did]
    count.converted += len(moved) - len(late)
    if not late:
        return []
    # Ours are taken back if nobody has touched them, for the newer ones to come.
    seen = yield from todo.target.look([one.key for one in late], capabilities)
    mine = {one.key: one.document for one in late}
    untouched = [one for one in seen if one.document == mine[one.key]]
    again = yield from _still_there(todo, [one.seen.key for one in late], capabilities)
    by_key = {one.key: one.seen.key for one in late}
    yield Batch(
        tuple(todo.target.guarded(Record(one.key, None, None, SEEN, one.digest), capabilities)
              for one in untouched if by_key[one.key] in again)
    )  # fmt: skip
    count.gone += len(late) - len(again)
    return again


def _still_there(todo: Task, keys: list[str], capabilities: Capabilities) -> Operation[list[str]]:
    texts = yield from todo.source.texts(keys, capabilities)
    return [key for key, text in zip(keys, texts, strict=True) if text is not None]


# --- what an object becomes -----------------------------------------------------------------------------------------


def _become(todo: Task, seen: Seen) -> _Moved:
    """Read an object as its model and write it as the other one. Raises what is wrong with it."""
    source, target = todo.source, todo.target
    instance = hydrate(source.model, seen.key, seen.document)
    stored_under = _own_pk(todo, seen.key, instance)
    if target.model is not source.model:
        document = encode(instance, for_index=False, nulls=True)
        instance = decode(target.model, document, seen.key)
        given = schema_of(target.model).fields.get("pk")
        if given is None:
            instance.__dict__["pk"] = stored_under
        elif given.computed is None and not is_given(instance._data.get("pk")):
            instance._data.converted["pk"] = stored_under
    key = target.key_of(instance, stored_under if target.model is source.model else _pk(instance, stored_under))
    document = encode(instance, for_index=target.indexed, nulls=target.keeps_nulls)
    payload = target.payload(document)
    # What stands beside the members for the index is not read back.
    document.pop(COMPANIONS, None)
    return _Moved(seen, key, document, payload)


def _pk(instance: Any, otherwise: str) -> str:
    found = primary_key(instance)
    return otherwise if found is None else found


def _own_pk(todo: Task, key: str, instance: Any) -> str:
    """The primary key of what stands under a key: quoted or not, whoever wrote it.

    Raises `UnreadableDocument` for what belongs to another model.
    """
    source = todo.source
    if not isinstance(source, JsonStrings):
        return source.pk(key)
    before, after = source.options.key_ends
    quoting, plain = KeyPattern(before, after), KeyPattern(before, after, quotes=False)
    own = primary_key(instance)
    if own is not None and key in (quoting.key(own), plain.key(own)):
        return own
    if quoting.owns(key) and quoting.key(quoting.pk(key)) == key:
        # An object that has a primary key of its own stands where it stands.
        return quoting.pk(key)
    if own is not None and schema_of(source.model).fields.get("pk") is not None:
        raise UnreadableDocument(f"its primary key is {own!r}, which would stand under {plain.key(own)}")
    return plain.pk(key)


def _shown(key: str) -> str:
    return key.replace("\0", " ")

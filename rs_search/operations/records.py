"""Objects written, read, changed and removed by their keys.

What depends on what is stored is read, worked out here, and written where what was read still stands (`SEEN`), again
and again until it does: no update is lost, on any layer, and the index's companions always fit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from schematics.models import Model

from ..errors import Conflict, InvalidObject, NotFound
from ..hydration import hydrator
from ..instances import (
    Prepared,
    Values,
    bumped,
    changed,
    check_names,
    hydrate,
    note_some_written,
    note_written,
    own_key,
    prepare,
    take_over,
    with_changes,
)
from ..options import options_of
from ..reading import Row
from ..server.capabilities import ServerState, discover, rediscovering
from ..storage import storage_of
from ..storage.base import ABSENT, ALWAYS, BATCH, SEEN, Record, Seen
from .requests import Operation, Pause

#: Seconds between two attempts to write over what others write as well: up to so many, at random.
LONGEST_PAUSE = 0.05
OnError = Callable[[int, Any, Exception], None]
OnProgress = Callable[[int], None]


# --- reading ----------------------------------------------------------------------------------------------------------


def get(state: ServerState, model: type[Model], pk: str) -> Operation[Row | None]:
    """The key of a primary key and what stands there, or None. 1 round trip."""
    return (yield from rediscovering(state, lambda: _get(state, model, pk)))


def _get(state: ServerState, model: type[Model], pk: str) -> Operation[Row | None]:
    capabilities = state.known or (yield from discover(state))
    storage = storage_of(model)
    key = storage.key(pk)
    stored = yield from storage.found_one(key, capabilities)
    if stored is not None:
        return key, stored
    others = yield from storage.locate([pk])
    rows = (yield from storage.found(others, capabilities)) if others else []
    return rows[0] if rows else None


def get_many(state: ServerState, model: type[Model], pks: list[str]) -> Operation[list[Any]]:
    """The instances of primary keys in their order, None for what is missing. 1 round trip a thousand."""
    return (yield from rediscovering(state, lambda: _get_many(state, model, pks)))


def _get_many(state: ServerState, model: type[Model], pks: list[str]) -> Operation[list[Any]]:
    capabilities = yield from discover(state)
    storage = storage_of(model)
    found: dict[str, Row] = {}
    wanted = yield from storage.keys_for(list(dict.fromkeys(pks)))
    for start in range(0, len(wanted), BATCH):
        rows = yield from storage.found(wanted[start : start + BATCH], capabilities)
        found.update((storage.pk(row[0]), row) for row in reversed(rows))
    build = hydrator(model)
    return [build(*found[pk]) if pk in found else None for pk in pks]


# --- writing one ------------------------------------------------------------------------------------------------------


def put(state: ServerState, instance: Any, expire: int | None, when: str = ALWAYS) -> Operation[bool]:
    """Keep an instance, whole; tells whether its condition held. 1 round trip, 2 with a version."""
    if options_of(type(instance)).version_field is not None:
        return (yield from _put_version(state, instance, expire, when))
    prepared = prepare(instance)
    record = prepared.record(expire, when=when, undo=lambda: prepared.before.put_back(instance))
    written = yield from rediscovering(state, lambda: _write(state, type(instance), record))
    if written:
        note_written(instance, prepared)
    else:
        prepared.before.put_back(instance)
    return written


def _write(state: ServerState, model: type[Model], record: Record) -> Operation[bool]:
    capabilities = state.known or (yield from discover(state))
    return (yield from storage_of(model).write(record, capabilities))


def _put_version(state: ServerState, instance: Any, expire: int | None, when: str) -> Operation[bool]:
    """Keep an instance if what is stored is the version that it was read as."""
    capabilities = yield from discover(state)
    storage = storage_of(type(instance))
    before = Values.of(instance)
    version = bumped(instance)
    try:
        prepared = prepare(instance)
        if version is None:
            written = yield from storage.write(prepared.record(expire, when=ABSENT), capabilities)
            if not written and when == ABSENT:
                before.put_back(instance)
                return False
        else:
            seen = yield from _seen_version(state, instance, prepared.key, version)
            if when == ABSENT:
                before.put_back(instance)
                return False
            record = prepared.record(expire, when=SEEN, seen=seen.digest)
            written = yield from storage.write(record, capabilities)
        if not written:
            raise Conflict(f"{prepared.key} was written by others meanwhile; refresh() and change it again")
    except BaseException:
        # Also where the task was cancelled: written or not, the next one is not taken for a stale copy's without cause.
        before.put_back(instance)
        raise
    note_written(instance, prepared)
    return True


def _seen_version(state: ServerState, instance: Any, key: str, version: int) -> Operation[Seen]:
    capabilities = yield from discover(state)
    model = type(instance)
    found = yield from storage_of(model).look([key], capabilities)
    if not found:
        raise Conflict(f"{key} was removed since this object, version {version}, was read")
    name = options_of(model).version_field
    stored = hydrate(model, key, found[0].document)._data.get(name)
    if stored != version:
        raise Conflict(f"{key} is stored as version {stored}, and this object is version {version}; refresh() it")
    return found[0]


def put_members(state: ServerState, instance: Any, names: Iterable[str] | None, expire: int | None) -> Operation[bool]:
    """Write only these fields (None: those that changed) of an instance into what is stored. 2 round trips.

    Raises `NotFound` if nothing is stored.
    """
    model = type(instance)
    wanted = changed(instance) if names is None else tuple(names)
    check_names(model, wanted)
    if not wanted:
        return True
    values = {name: instance._data.get(name) for name in wanted}
    version = options_of(model).version_field
    key = own_key(instance)

    def change(stored: Any) -> Prepared:
        if version is not None and stored._data.get(version) != instance._data.get(version):
            raise Conflict(f"{key} is stored as version {stored._data.get(version)}, this object is another; refresh()")
        return with_changes(stored, key, values)

    prepared, stored = yield from _changed(state, model, key, change, expire)
    if version is not None:
        instance._data.converted[version] = stored._data.get(version)
    note_some_written(instance, prepared, [*wanted, *([version] if version else [])])
    return True


def update(state: ServerState, instance: Any, values: dict[str, Any], expire: int | None = None) -> Operation[None]:
    """Change fields of what is stored, expressions worked out there; the instance takes over the result.

    Raises `NotFound`. 2 round trips, and 2 more each time that another write comes between.
    """
    model, key = type(instance), own_key(instance)
    check_names(model, values)
    _, stored = yield from _changed(state, model, key, lambda found: with_changes(found, key, values), expire)
    take_over(instance, stored)


def _changed(
    state: ServerState, model: type[Model], key: str, change: Callable[[Any], Prepared], expire: int | None
) -> Operation[tuple[Prepared, Any]]:
    """Write what ``change`` makes of the stored object, until nobody comes between."""
    capabilities = yield from discover(state)
    storage = storage_of(model)
    while True:
        found = yield from storage.look([key], capabilities)
        if not found:
            raise NotFound(f"no {model.__name__} under {key}")
        stored = hydrate(model, key, found[0].document)
        versioned = options_of(model).version_field is not None
        prepared = _with_version(stored, change) if versioned else change(stored)
        if (yield from storage.write(prepared.record(expire, when=SEEN, seen=found[0].digest), capabilities)):
            note_written(stored, prepared)
            return prepared, stored
        yield Pause(random.uniform(0, LONGEST_PAUSE))


def _with_version(stored: Any, change: Callable[[Any], Prepared]) -> Prepared:
    change(stored)
    bumped(stored)
    return change_nothing(stored)


def change_nothing(stored: Any) -> Prepared:
    """A stored object as it is to be written."""
    return with_changes(stored, own_key(stored), {})


def get_or_put(state: ServerState, instance: Any, expire: int | None) -> Operation[tuple[Any, bool]]:
    """What is stored under an instance's key, else the instance, which is then stored; and whether it was."""
    model, key = type(instance), own_key(instance)
    while True:
        written = yield from put(state, instance, expire, ABSENT)
        if written:
            return instance, True
        capabilities = yield from discover(state)
        document = yield from storage_of(model).read_one(key, capabilities)
        if document is not None:
            return hydrate(model, key, document), False


def update_or_put(
    state: ServerState, instance: Any, values: dict[str, Any], expire: int | None
) -> Operation[tuple[Any, bool]]:
    """Change what is stored under an instance's key, or store the instance; and whether it was new."""
    while True:
        try:
            yield from update(state, instance, values, expire)
            return instance, False
        except NotFound:
            if (yield from put(state, instance, expire, ABSENT)):
                return instance, True


# --- writing many -----------------------------------------------------------------------------------------------------


def put_many(
    state: ServerState,
    instances: Iterable[Any],
    expire: int | None,
    batch: int,
    on_error: OnError | None,
    on_progress: OnProgress | None,
) -> Operation[int]:
    """Keep instances, read lazily, a batch a round trip; gives how many.

    A bad one raises `InvalidObject` with its position; what came before its batch is kept. ``on_error`` is told of it
    instead, and the rest goes on.
    """
    source, position, kept = iter(instances), 0, 0
    while True:
        chunk = list(islice(source, batch))
        if not chunk:
            return kept
        ready = list(_prepared(chunk, position, on_error))
        position += len(chunk)
        kept += yield from _write_batch(state, ready, expire)
        if on_progress is not None:
            on_progress(kept)


def _prepared(chunk: list[Any], position: int, on_error: OnError | None) -> Iterator[tuple[Any, Prepared]]:
    for place, instance in enumerate(chunk, position):
        try:
            yield instance, prepare(instance)
        except InvalidObject as error:
            if on_error is None:
                raise type(error)(f"object {place} (counted from 0): {error}", error.errors) from error
            on_error(place, instance, error)


def _write_batch(state: ServerState, ready: list[tuple[Any, Prepared]], expire: int | None) -> Operation[int]:
    if not ready:
        return 0
    model = type(ready[0][0])
    if options_of(model).version_field is not None:
        for instance, _ in ready:
            yield from _put_version(state, instance, expire, ALWAYS)
        return len(ready)
    records = [prepared.record(expire, undo=partial(prepared.before.put_back, one)) for one, prepared in ready]
    yield from rediscovering(state, lambda: _write_records(state, model, records))
    for instance, prepared in ready:
        note_written(instance, prepared)
    return len(ready)


def _write_records(state: ServerState, model: type[Model], records: list[Record]) -> Operation[None]:
    capabilities = yield from discover(state)
    yield from storage_of(model).write_many(records, capabilities)


# --- removing, and time to live ---------------------------------------------------------------------------------------


def remove(state: ServerState, model: type[Model], keys: list[str]) -> Operation[int]:
    """Remove objects by key; gives how many there were. 1 round trip a thousand keys."""
    capabilities = yield from discover(state)
    return (yield from storage_of(model).delete(keys, capabilities))


def remove_many(state: ServerState, model: type[Model], keys: list[str], pks: list[str]) -> Operation[int]:
    """Remove objects by key and by primary key; gives how many there were. 1 round trip a thousand keys."""
    capabilities = yield from discover(state)
    storage = storage_of(model)
    wanted = dict.fromkeys([*keys, *(yield from storage.keys_for(pks))])
    return (yield from storage.delete(list(wanted), capabilities))


def remove_all(state: ServerState, model: type[Model]) -> Operation[int]:
    """Remove every object of a model; gives how many there were. O(keys of the database)."""
    capabilities = yield from discover(state)
    return (yield from storage_of(model).delete_all(capabilities))


def time_to_live(state: ServerState, instance: Any) -> Operation[float | None]:
    """Seconds that an object has to live, None for ever. Raises `NotFound`. 1 round trip."""
    capabilities = yield from discover(state)
    model, key = type(instance), own_key(instance)
    left = yield from storage_of(model).time_to_live(key, capabilities)
    if left is None:
        raise NotFound(f"no {model.__name__} under {key}")
    return None if left < 0 else left / 1000


def persist(state: ServerState, instance: Any) -> Operation[None]:
    """Let an object live for ever. Raises `NotFound`. 1 round trip."""
    capabilities = yield from discover(state)
    model, key = type(instance), own_key(instance)
    if not (yield from storage_of(model).expire(key, None, capabilities)):
        raise NotFound(f"no {model.__name__} under {key}")

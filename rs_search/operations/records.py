"""Objects written, read, changed and removed by their keys.

What depends on what is stored is read, worked out here, and written where what was read still stands (`SEEN`), again
and again until it does: no update is lost, on any layer, and the index's companions always fit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from typing import Any

from schematics.models import Model

from ..errors import InvalidObject, NotFound, shown_key
from ..hydration import Loaded, hydrator, loaded
from ..instances import (
    Prepared,
    Values,
    changed,
    hydrate,
    knows,
    note_some_written,
    note_written,
    own_key,
    own_pk,
    prepare,
    take_over,
)
from ..options import options_of
from ..primary_key import names_of_key
from ..reading import Row
from ..rewriting import bumped, change, check_names, check_values, rewritten
from ..server.capabilities import ServerState, discover, rediscovering
from ..storage import storage_of
from ..storage.base import ABSENT, ALWAYS, SEEN, Record, Storage, batched
from ..turns import in_turns
from . import versions
from .requests import ALONE, Operation, Pause, taking_turns

#: Seconds between two attempts to write over what others write as well: up to so many, at random.
LONGEST_PAUSE = 0.05


# --- reading ----------------------------------------------------------------------------------------------------------


def get(state: ServerState, model: type[Model], pk: str) -> Operation[Row | None]:
    """The key of a primary key and what stands there, or None. 1 round trip."""
    storage = storage_of(model)
    return (yield from rediscovering(state, lambda: _get(state, storage, pk)))


def _get(state: ServerState, storage: Storage, pk: str) -> Operation[Row | None]:
    key = storage.key(pk)
    capabilities = yield from discover(state)
    stored = yield from storage.found_one(key, capabilities)
    return (key, stored) if stored is not None else (yield from _elsewhere(state, storage, pk))


def _elsewhere(state: ServerState, storage: Storage, pk: str) -> Operation[Row | None]:
    """What stands under another key that an object with this primary key may have."""
    others = yield from storage.locate([pk])
    capabilities = yield from discover(state)
    rows = (yield from storage.found(others, capabilities)) if others else []
    return rows[0] if rows else None


def refresh(state: ServerState, instance: Any) -> Operation[None]:
    """Replace the values of an instance by what is stored; raises `NotFound`. 1 round trip."""
    model, pk = type(instance), own_pk(instance)
    found = yield from get(state, model, pk)
    if found is None:
        raise NotFound(f"no {model.__name__} under {shown_key(storage_of(model).key(pk))}")
    take_over(instance, hydrator(model)(*found))


def get_many(state: ServerState, model: type[Model], pks: list[str]) -> Operation[list[Any]]:
    """The instances of primary keys in their order, None for what is missing. 1 round trip a thousand."""
    return (yield from rediscovering(state, lambda: _get_many(state, model, pks)))


def _get_many(state: ServerState, model: type[Model], pks: list[str]) -> Operation[list[Any]]:
    capabilities = yield from discover(state)
    storage = storage_of(model)
    found: dict[str, Row] = {}
    wanted = yield from storage.keys_for(list(dict.fromkeys(pks)))
    for batch in batched(wanted):
        rows = yield from storage.found(batch, capabilities)
        found.update((storage.pk(row[0]), row) for row in reversed(rows))
    build = hydrator(model)

    def built(part: list[str]) -> list[Any]:
        return [build(*found[pk]) if pk in found else None for pk in part]

    return (yield from taking_turns(in_turns(pks, built)))


# --- writing one ------------------------------------------------------------------------------------------------------


def put(state: ServerState, instance: Any, expire: int | None, when: str = ALWAYS) -> Operation[bool]:
    """Keep an instance, whole; tells whether its condition held. 1 round trip, 2 with a version."""
    if options_of(type(instance)).version_field is not None:
        (outcome,) = yield from versions.put(state, type(instance), [instance], expire, when)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    return (yield from put_prepared(state, instance, prepare(instance), expire, when))


def put_prepared(
    state: ServerState, instance: Any, prepared: Prepared, expire: int | None, when: str = ALWAYS
) -> Operation[bool]:
    """Keep an instance that is ready, and has no version."""
    record = prepared.record(expire, when=when, undo=lambda: prepared.before.put_back(instance))
    written = yield from rediscovering(state, lambda: _write(state, type(instance), record))
    if written:
        note_written(instance, prepared)
    else:
        prepared.before.put_back(instance)
    return written


def _write(state: ServerState, model: type[Model], record: Record) -> Operation[bool]:
    capabilities = yield from discover(state)
    return (yield from storage_of(model).write(record, capabilities))


def put_members(state: ServerState, instance: Any, names: Iterable[str] | None, expire: int | None) -> Operation[bool]:
    """Write only these fields (None: those that changed) of an instance into what is stored. 2 round trips.

    Raises `NotFound` if nothing is stored, whether or not there is anything to write.
    """
    model = type(instance)
    wanted = _changed_fields(instance) if names is None else tuple(names)
    check_names(model, wanted)
    values = {name: _known_value(instance, name) for name in wanted}
    version = options_of(model).version_field
    key = own_key(instance)

    def change_it(stored: Any) -> Collection[str]:
        if version is not None and stored._data.get(version) != instance._data.get(version):
            raise versions.conflict(key, stored._data.get(version), instance._data.get(version))
        change(stored, key, values)
        return wanted

    prepared, stored = yield from _changed(state, model, key, change_it, expire)
    if version is not None:
        instance._data.converted[version] = stored._data.get(version)
    note_some_written(instance, prepared, [*wanted, *([version] if version else [])])
    return True


def _changed_fields(instance: Any) -> tuple[str, ...]:
    """What changed of an instance. Of one that was never read, what makes its key is no change."""
    names = changed(instance)
    makes_key = () if loaded(instance) is not None else names_of_key(type(instance))
    return tuple(name for name in names if name not in makes_key)


def _known_value(instance: Any, name: str) -> Any:
    if not knows(instance, name):
        raise InvalidObject(
            f"this {type(instance).__name__} was loaded without {name}, which would be erased; refresh() it, or give "
            "it a value"
        )
    return instance._data.get(name)


def update(state: ServerState, instance: Any, values: dict[str, Any], expire: int | None = None) -> Operation[None]:
    """Change fields of what is stored, expressions worked out there; the instance takes over the result.

    Raises `NotFound`. 2 round trips, and 2 more each time that another write comes between.
    """
    model, key = type(instance), own_key(instance)
    check_values(model, values)

    def change_it(stored: Any) -> Collection[str]:
        change(stored, key, values)
        return values

    _, stored = yield from _changed(state, model, key, change_it, expire)
    take_over(instance, stored)


def _changed(
    state: ServerState,
    model: type[Model],
    key: str,
    change_it: Callable[[Any], Collection[str]],
    expire: int | None,
) -> Operation[tuple[Prepared, Any]]:
    """Write what ``change_it`` makes of the stored object, until nobody comes between; it gives the changed fields."""
    yield ALONE
    capabilities = yield from discover(state)
    storage = storage_of(model)
    while True:
        found = yield from storage.look([key], capabilities)
        if not found:
            raise NotFound(f"no {model.__name__} under {shown_key(key)}")
        stored = hydrate(model, key, found[0].document)
        names = change_it(stored)
        if not names and expire is None:
            return Prepared(key, None, Loaded(found[0].document), Values.of(stored)), stored
        bumped(stored)
        prepared = rewritten(stored, found[0], names)
        if (yield from storage.write(prepared.record(expire, when=SEEN, seen=found[0].digest), capabilities)):
            note_written(stored, prepared)
            return prepared, stored
        yield Pause(random.uniform(0, LONGEST_PAUSE))


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
            yield from update(state, instance, values)
            return instance, False
        except NotFound:
            if (yield from put(state, instance, expire, ABSENT)):
                return instance, True


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
        raise NotFound(f"no {model.__name__} under {shown_key(key)}")
    return None if left < 0 else left / 1000


def persist(state: ServerState, instance: Any) -> Operation[None]:
    """Let an object live for ever. Raises `NotFound`. 1 round trip."""
    capabilities = yield from discover(state)
    model, key = type(instance), own_key(instance)
    if not (yield from storage_of(model).expire(key, None, capabilities)):
        raise NotFound(f"no {model.__name__} under {shown_key(key)}")

"""Objects of models with a ``__version_field__``: each is written only over the version that it was read as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from schematics.models import Model

from ..arguments import refuse_others
from ..errors import Conflict, InvalidObject, shown_key
from ..instances import Prepared, Values, hydrate, note_written, prepare
from ..options import options_of
from ..rewriting import bumped
from ..server.capabilities import Capabilities, ServerState, discover
from ..storage import storage_of
from ..storage.base import ABSENT, ALWAYS, PRESENT, SEEN, Record, Seen
from ..turns import WRITTEN, Work
from .requests import ALONE, CHANGE, Batch, Operation, taking_turns

#: Whether an object was kept, or why it was refused.
Outcome: TypeAlias = bool | Exception


def conflict(key: str, stored: int | None, own: int | None) -> Conflict:
    """The error of an object that is not the version that is stored."""
    return Conflict(f"{shown_key(key)} is stored as version {stored}, and this object is version {own}; refresh() it")


def version_of(instance: Any) -> int | None:
    """The version that an instance was read as; None of one that was not, and of models without versions."""
    name = options_of(type(instance)).version_field
    return None if name is None else instance._data.get(name)


@dataclass
class _Attempt:
    """An instance that is to be written: as it was, the version that it was read as, and what became of it."""

    instance: Any
    before: Values
    version: int | None
    prepared: Prepared
    digest: str | None = None
    outcome: Outcome | None = None

    def end(self) -> None:
        """Leave the instance as it was written, or as it was before."""
        if self.outcome is True:
            note_written(self.instance, self.prepared)
        else:
            self.before.put_back(self.instance)


def put(
    state: ServerState,
    model: type[Model],
    instances: list[Any],
    expire: int | None,
    when: str = ALWAYS,
    all_or_none: bool = False,
) -> Operation[list[Outcome]]:
    """Keep instances; gives what became of each, `InvalidObject` and `Conflict` among it. 2 round trips for all.

    ``all_or_none``: nothing is written where one is refused before that.
    """
    yield ALONE
    capabilities = yield from discover(state)
    outcomes: dict[int, Outcome] = {}
    attempts: dict[int, _Attempt] = {}
    try:
        yield from taking_turns(_made_ready(model, instances, attempts, outcomes))
        yield from _look(model, list(attempts.values()), when, capabilities)
        refused = bool(outcomes) or any(isinstance(one.outcome, Conflict) for one in attempts.values())
        if not (all_or_none and refused):
            yield from _write(model, list(attempts.values()), expire, when, capabilities)
    finally:
        for one in attempts.values():
            one.end()
    outcomes.update({place: bool(one.outcome) if not isinstance(one.outcome, Exception) else one.outcome
                     for place, one in attempts.items()})  # fmt: skip
    return [outcomes[place] for place in range(len(instances))]


def _made_ready(
    model: type[Model], instances: list[Any], attempts: dict[int, _Attempt], outcomes: dict[int, Outcome]
) -> Work[None]:
    for place, instance in enumerate(instances):
        if place and place % WRITTEN == 0:
            yield
        try:
            attempts[place] = _attempt(model, instance)
        except InvalidObject as error:
            outcomes[place] = error


def _attempt(model: type[Model], instance: Any) -> _Attempt:
    refuse_others(model, instance, exactly=True)
    before = Values.of(instance)
    version = bumped(instance)
    try:
        return _Attempt(instance, before, version, prepare(instance))
    except Exception:
        before.put_back(instance)
        raise


def _look(model: type[Model], attempts: list[_Attempt], when: str, capabilities: Capabilities) -> Operation[None]:
    """Find out which instances are stale; `ABSENT` asks for none that is stored, so that none can be."""
    asked = [one for one in attempts if when != ABSENT and (one.version is not None or when == PRESENT)]
    seen = yield from look(model, [one.prepared.key for one in asked], capabilities)
    for one in asked:
        found = seen.get(one.prepared.key)
        if found is None:
            one.outcome = False if when == PRESENT else _removed(one.prepared.key, one.version)
        elif found.version != one.version:
            one.outcome = conflict(one.prepared.key, found.version, one.version)
        else:
            one.digest = found.seen.digest


def _write(
    model: type[Model], attempts: list[_Attempt], expire: int | None, when: str, capabilities: Capabilities
) -> Operation[None]:
    storage = storage_of(model)
    waiting = [one for one in attempts if one.outcome is None]
    if not waiting:
        return
    records = [
        one.prepared.record(expire, when=ABSENT if one.digest is None else SEEN, seen=one.digest) for one in waiting
    ]
    before = storage.preamble(capabilities)
    commands = (*before, *(storage.guarded(record, capabilities) for record in records))
    replies = (yield Batch(commands, role=CHANGE))[len(before) :]
    for one, reply in zip(waiting, replies, strict=True):
        one.outcome = bool(reply) or (False if when == ABSENT else _written_meanwhile(one.prepared.key))


# --- what is stored -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stored:
    """What is stored under a key, and its version."""

    seen: Seen
    version: int | None


def look(model: type[Model], keys: list[str], capabilities: Capabilities) -> Operation[dict[str, Stored]]:
    """What is stored, by key, with the versions; 1 round trip."""
    if not keys:
        return {}
    name = options_of(model).version_field
    found = yield from storage_of(model).look(list(dict.fromkeys(keys)), capabilities)
    return {one.key: Stored(one, hydrate(model, one.key, one.document)._data.get(name)) for one in found}


def remove(
    state: ServerState, model: type[Model], key: str, version: int, first: Callable[[], Operation[None]]
) -> Operation[bool]:
    """Remove an object that is stored as this version; tells whether there was one. ``first`` is done before.

    Raises `Conflict`. 2 round trips.
    """
    yield ALONE
    capabilities = yield from discover(state)
    stored = (yield from look(model, [key], capabilities)).get(key)
    if stored is None:
        return False
    if stored.version != version:
        raise conflict(key, stored.version, version)
    yield from first()
    record = Record(key, None, when=SEEN, seen=stored.seen.digest)
    (removed,) = yield Batch((storage_of(model).guarded(record, capabilities),), role=CHANGE)
    if not removed:
        raise _written_meanwhile(key)
    return True


def _removed(key: str, version: int | None) -> Conflict:
    return Conflict(f"{shown_key(key)} was removed since this object, version {version}, was read")


def _written_meanwhile(key: str) -> Conflict:
    return Conflict(f"{shown_key(key)} was written by others meanwhile; refresh() and change it again")

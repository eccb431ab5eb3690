"""What references need: objects loaded by their keys, for one field or for many rows at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from schematics.models import Model

from ..planner.plan import Select
from ..planner.predicate import predicate
from ..query.prefetch import Prefetch
from ..query.tree import Bound, refers
from ..reading import Row
from ..server.capabilities import ServerState
from ..storage import storage_of
from . import records, search
from .requests import Deliver, Elsewhere, Operation, Stream, next_batch


def load_many(state: ServerState, model: type[Model], pks: list[str]) -> Operation[dict[str, Any]]:
    """The objects with these primary keys, by primary key, of those that are there. 1 round trip a thousand."""
    found = yield from records.get_many(state, model, pks)
    return {pk: instance for pk, instance in zip(pks, found, strict=True) if instance is not None}


def get_if(state: ServerState, model: type[Model], pk: str, where: Bound) -> Operation[Row | None]:
    """The key of a primary key and what stands there, if it meets conditions; 1 round trip, more across references."""
    found = yield from records.get(state, model, pk)
    if found is None:
        return None
    if refers(where):
        where = (yield from search.resolved_select(Select(model, where))).where
    key, stored = found
    return found if predicate(where)(storage_of(model).parsed(stored, key)) else None


# --- many at once ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """A place where a primary key stands, to be filled with the object."""

    holder: Any
    place: Any

    @property
    def value(self) -> Any:
        """What stands there."""
        return self.holder[self.place] if isinstance(self.holder, list) else self.holder._data.get(self.place)

    def fill(self, found: Any) -> None:
        """Put an object there."""
        if isinstance(self.holder, list):
            self.holder[self.place] = found
        else:
            self.holder._data.converted[self.place] = found


def prefetch(instances: Iterable[Any], wanted: tuple[Prefetch, ...]) -> Operation[None]:
    """Load what the references of instances refer to, and what those refer to in turn.

    What is gone stays as it is, to be told when it is read. Cost: for each step of references 1 round trip a thousand
    objects of a model.
    """
    level = [(list(instances), wanted)]
    while level:
        slots = [(one, list(_slots(objects, one.names))) for objects, each in level for one in each]
        absent: dict[Any, list[Slot]] = defaultdict(list)
        for one, places in slots:
            absent[one.model] += [slot for slot in places if isinstance(slot.value, str)]
        for model, places in absent.items():
            yield from _fill(model, places)
        level = [
            ([slot.value for slot in places if isinstance(slot.value, Model)], one.deeper)
            for one, places in slots
            if one.deeper
        ]


def prefetched(stream: Stream, wanted: tuple[Prefetch, ...]) -> Stream:
    """A stream of instances, with what their references refer to."""
    try:
        while (batch := (yield from next_batch(stream))) is not None:
            yield from prefetch(batch, wanted)
            yield Deliver(batch)
    finally:
        stream.close()


def _fill(model: Any, slots: list[Slot]) -> Operation[None]:
    pks = list(dict.fromkeys(slot.value for slot in slots))
    if not pks:
        return
    found = yield Elsewhere(model, lambda state: load_many(state, model, pks))
    for slot in slots:
        if slot.value in found:
            slot.fill(found[slot.value])


def _slots(value: Any, names: tuple[str, ...]) -> Iterator[Slot]:
    """The places at the end of a path in native values."""
    if isinstance(value, list):
        for element in value:
            yield from _slots(element, names)
    elif isinstance(value, Model) and names[0] in value._schema.fields:
        below = value._data.get(names[0])
        if names[1:]:
            yield from _slots(below, names[1:])
        elif isinstance(below, list):
            yield from (Slot(below, place) for place in range(len(below)))
        elif below is not None:
            yield Slot(value, names[0])

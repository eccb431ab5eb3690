"""Many objects written, a batch a round trip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from schematics.models import Model

from ..arguments import refuse_others
from ..errors import Conflict, InvalidObject
from ..instances import Prepared, note_written, prepare
from ..options import options_of
from ..server.capabilities import ServerState, discover, rediscovering
from ..storage import storage_of
from ..storage.base import ALWAYS, Record
from ..turns import WRITTEN, Work
from . import versions
from .requests import Begin, Finish, OnProgress, Operation, taking_turns

#: Is told of a bad object: its position, it itself, and what is wrong.
OnError = Callable[[int, Any, Exception], None]
#: An instance, what it was made, and what is written of that.
_Ready = tuple[Any, Prepared, Record]
#: Objects of the first batch at the most: the server has nothing to do until it is made ready. Each one after it has
#: as many times those of the last.
FIRST_BATCH, GROWTH = 50, 2
#: Batches that the server has at once. Between the replies to one and the next it would have nothing to do.
MOST_FLYING = 3


class _Batch(NamedTuple):
    """Objects that are being written, their keys, and what tells when they are."""

    ready: list[_Ready]
    keys: frozenset[str]
    begun: Any


@dataclass(frozen=True)
class Many:
    """How many objects are written: of which model, how many at a time, and who is told what."""

    model: type[Model]
    expire: int | None
    batch: int
    on_error: OnError | None
    on_progress: OnProgress

    def told(self, kept: int) -> None:
        """Tell how many are kept so far."""
        if self.on_progress is not None:
            self.on_progress(kept)

    def tell(self, place: int, instance: Any, error: InvalidObject | Conflict) -> None:
        """Tell of a bad object, or raise the error with its position."""
        if self.on_error is not None:
            self.on_error(place, instance, error)
            return
        told = f"object {place} (counted from 0): {error}"
        raise Conflict(told) if isinstance(error, Conflict) else type(error)(told, error.errors)


def put_many(state: ServerState, instances: Iterable[Any], many: Many) -> Operation[int]:
    """Keep instances, read lazily, a batch a round trip (2 with a version); gives how many.

    A bad one raises `InvalidObject`, a stale one `Conflict`, with its position; what came before its batch is kept.
    ``on_error`` is told of it instead, and the rest goes on.
    """
    put = _put_many if options_of(many.model).version_field is None else _put_versions
    return (yield from put(state, iter(instances), many))


def _put_versions(state: ServerState, source: Iterator[Any], many: Many) -> Operation[int]:
    position, kept = 0, 0
    while chunk := list(islice(source, many.batch)):
        kept += yield from _write_versions(state, chunk, position, many)
        position += len(chunk)
        many.told(kept)
    return kept


def _put_many(state: ServerState, source: Iterator[Any], many: Many) -> Operation[int]:
    """The server has some batches to keep while the next one is made ready."""
    position, size, flight = 0, min(many.batch, FIRST_BATCH), _Flight(many)
    try:
        # The iterator is the user's own, and may fail as well.
        while chunk := list(islice(source, size)):
            ready = yield from taking_turns(_prepared(chunk, position, many))
            keys = frozenset(record.key for _, _, record in ready)
            while flight.is_full(keys):
                yield from flight.land()
            flight.add(_Batch(ready, keys, (yield Begin(_write_batch(state, ready, many)))))
            position, size = position + len(chunk), min(many.batch, GROWTH * size)
    except Exception:
        # Those before a bad one are kept.
        yield from flight.land_all()
        raise
    yield from flight.land_all()
    return flight.kept


class _Flight:
    """The batches that are being written."""

    def __init__(self, many: Many) -> None:
        self._many = many
        self._batches: deque[_Batch] = deque()
        self.kept = 0

    def is_full(self, keys: frozenset[str]) -> bool:
        """Whether one has to land before objects with these keys begin.

        Each batch has a connection of its own, and the server takes them in any order: of two objects with one key
        the later one stays.
        """
        return len(self._batches) >= MOST_FLYING or not all(keys.isdisjoint(one.keys) for one in self._batches)

    def add(self, batch: _Batch) -> None:
        """One more that is being written."""
        self._batches.append(batch)

    def land(self) -> Operation[None]:
        """Wait until the first of them is kept."""
        batch = self._batches.popleft()
        yield Finish(batch.begun)
        for instance, prepared, _ in batch.ready:
            note_written(instance, prepared)
        self.kept += len(batch.ready)
        self._many.told(self.kept)

    def land_all(self) -> Operation[None]:
        """Wait for all of them, and then raise what the first raised that is not kept."""
        failed: Exception | None = None
        while self._batches:
            try:
                yield from self.land()
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed


def _prepared(chunk: list[Any], position: int, many: Many) -> Work[list[_Ready]]:
    ready: list[_Ready] = []
    for place, instance in enumerate(chunk, position):
        if place > position and (place - position) % WRITTEN == 0:
            yield
        try:
            refuse_others(many.model, instance, exactly=True)
            prepared = prepare(instance)
        except InvalidObject as error:
            many.tell(place, instance, error)
        else:
            # Now, while the server is at work on those before them.
            record = prepared.record(many.expire, undo=partial(prepared.before.put_back, instance))
            ready.append((instance, prepared, record))
    return ready


def _write_batch(state: ServerState, ready: list[_Ready], many: Many) -> Operation[None]:
    if ready:
        records = [record for _, _, record in ready]
        yield from rediscovering(state, lambda: _write_records(state, many.model, records))


def _write_records(state: ServerState, model: type[Model], records: list[Record]) -> Operation[None]:
    capabilities = yield from discover(state)
    yield from storage_of(model).write_many(records, capabilities)


def _write_versions(state: ServerState, chunk: list[Any], position: int, many: Many) -> Operation[int]:
    outcomes = yield from versions.put(state, many.model, chunk, many.expire, ALWAYS, all_or_none=many.on_error is None)
    for place, (instance, outcome) in enumerate(zip(chunk, outcomes, strict=True), position):
        if isinstance(outcome, (InvalidObject, Conflict)):
            many.tell(place, instance, outcome)
    return sum(outcome is True for outcome in outcomes)

"""Objects changed and removed by a question: each as it is then, in one step, if it still meets the conditions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from ..errors import InvalidObject, shown_key
from ..instances import Prepared, hydrate
from ..planner.plan import Select
from ..planner.predicate import predicate
from ..rewriting import bumped, change, check_values, rewritten
from ..server.capabilities import ServerState, discover
from ..storage import storage_of
from ..storage.base import BATCH, SEEN, Record, Seen
from ..turns import WRITTEN, in_turns
from .requests import ALONE, CHANGE, Batch, OnError, OnProgress, Operation, taking_turns
from .search import keys_asked

#: Changes a stored object, in place, and gives the names of the fields; by its key.
Change = Callable[[str, Any], Collection[str]]


def update_selected(
    state: ServerState,
    select: Select,
    values: dict[str, Any],
    on_progress: OnProgress = None,
    on_error: OnError = None,
) -> Operation[int]:
    """Change fields of every object that a question finds; gives how many were changed.

    Each is changed as it is then, in one step, if it still meets the conditions. One that cannot be changed so raises
    `InvalidObject` with its key, and those that were changed in batches before stay so; ``on_error`` is told instead,
    and the rest goes on.
    """
    check_values(select.model, values)

    def change_it(key: str, stored: Any) -> Collection[str]:
        change(stored, key, values)
        return values

    return (yield from _for_selected(state, select, change_it, on_progress, on_error=on_error))


def remove_selected(
    state: ServerState, select: Select, on_progress: OnProgress = None, keys: list[str] | None = None
) -> Operation[int]:
    """Remove every object that a question finds (of ``keys`` only), if it still meets the conditions; how many."""
    return (yield from _for_selected(state, select, None, on_progress, keys))


def change_selected(state: ServerState, select: Select, keys: list[str], change_it: Change) -> Operation[int]:
    """Change the objects under these keys that meet the conditions, each in one step; gives how many there were."""
    return (yield from _for_selected(state, select, change_it, None, keys))


def _for_selected(
    state: ServerState,
    select: Select,
    change_it: Change | None,
    on_progress: OnProgress,
    keys: list[str] | None = None,
    on_error: OnError = None,
) -> Operation[int]:
    """Write what ``change_it`` makes of each object found, or remove it, where what was seen still stands."""
    yield ALONE
    if keys is None:
        waiting, plan, capabilities = yield from keys_asked(state, select)
        where = plan.where
    else:
        capabilities, where, waiting = (yield from discover(state)), select.where, keys
    storage, meets = storage_of(select.model), predicate(where)
    done = 0

    def recorded(part: list[Seen]) -> list[Record]:
        return list(_records(select.model, [one for one in part if meets(one.document)], change_it, on_error))

    while waiting:
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        seen = yield from storage.look(batch, capabilities)
        records = yield from taking_turns(in_turns(seen, recorded, turn=WRITTEN))
        before = storage.preamble(capabilities)
        batch_of = (*before, *(storage.guarded(record, capabilities) for record in records))
        replies = (yield Batch(batch_of, role=CHANGE))[len(before) :]
        done += sum(map(bool, replies))
        # What others wrote meanwhile is looked at once more.
        waiting += [record.key for record, reply in zip(records, replies, strict=True) if not reply]
        if on_progress is not None:
            on_progress(done)
    return done


def _records(model: Any, seen: list[Seen], change_it: Change | None, on_error: OnError) -> Iterator[Record]:
    for one in seen:
        if change_it is None:
            yield Record(one.key, None, when=SEEN, seen=one.digest)
            continue
        try:
            ready = _changed(model, one, change_it)
        except InvalidObject as error:
            if on_error is None:
                raise
            on_error(shown_key(one.key), hydrate(model, one.key, one.document), error)
        else:
            yield ready.record(None, when=SEEN, seen=one.digest)


def _changed(model: Any, seen: Seen, change_it: Change) -> Prepared:
    stored = hydrate(model, seen.key, seen.document)
    names = change_it(seen.key, stored)
    bumped(stored)
    return rewritten(stored, seen, names)

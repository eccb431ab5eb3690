"""Objects changed and removed by a question: each as it is then, in one step, if it still meets the conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..instances import bumped, check_names, hydrate, with_changes
from ..options import options_of
from ..planner.plan import Select
from ..planner.predicate import predicate
from ..server.capabilities import ServerState, discover
from ..storage import storage_of
from ..storage.base import BATCH, SEEN, Record, Seen
from ..turns import WRITTEN, in_turns
from .requests import CHANGE, Batch, Operation, taking_turns
from .search import keys_asked

OnProgress = Callable[[int], None]


def update_selected(
    state: ServerState, select: Select, values: dict[str, Any], on_progress: OnProgress | None
) -> Operation[int]:
    """Change fields of every object that a question finds; gives how many were changed.

    Each is changed as it is then, in one step, if it still meets the conditions.
    """
    check_names(select.model, values)

    def change(key: str, stored: Any) -> Any:
        if options_of(select.model).version_field is not None:
            bumped(stored)
        return with_changes(stored, key, values).payload

    return (yield from _for_selected(state, select, change, on_progress))


def remove_selected(
    state: ServerState, select: Select, on_progress: OnProgress | None = None, keys: list[str] | None = None
) -> Operation[int]:
    """Remove every object that a question finds (of ``keys`` only), if it still meets the conditions; how many."""
    return (yield from _for_selected(state, select, None, on_progress, keys))


def change_selected(
    state: ServerState, select: Select, keys: list[str], change: Callable[[Any], None]
) -> Operation[int]:
    """Change the objects under these keys that meet the conditions, each in one step; gives how many there were."""

    def changed_payload(key: str, stored: Any) -> Any:
        change(stored)
        if options_of(select.model).version_field is not None:
            bumped(stored)
        return with_changes(stored, key, {}).payload

    return (yield from _for_selected(state, select, changed_payload, None, keys))


def _for_selected(
    state: ServerState,
    select: Select,
    change: Callable[[str, Any], Any] | None,
    on_progress: OnProgress | None,
    keys: list[str] | None = None,
) -> Operation[int]:
    """Write what ``change`` makes of each object found, or remove it, where what was seen still stands."""
    if keys is None:
        waiting, plan, capabilities = yield from keys_asked(state, select)
        where = plan.where
    else:
        capabilities, where, waiting = (yield from discover(state)), select.where, keys
    storage, meets = storage_of(select.model), predicate(where)
    done = 0

    def recorded(part: list[Seen]) -> list[Record]:
        return [
            Record(one.key, None if change is None else change(one.key, hydrate(select.model, one.key, one.document)),
                   None, SEEN, one.digest)
            for one in part if meets(one.document)
        ]  # fmt: skip

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

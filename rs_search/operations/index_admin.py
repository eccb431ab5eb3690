"""Indexes made, built anew and removed, as those who run a server ask for it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import MissingIndex, ServerError
from ..index_schema import IndexSchema
from ..server.capabilities import ServerState, discover
from ..server.index_info import IndexInfo, index_info
from ..server.replies import text
from .index import FIRST_PAUSE, LONGEST_PAUSE, build, fitted, forget, lock_of
from .requests import Operation, Pause, command

#: Told how many documents are done, and of how many.
OnProgress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Rebuilt:
    """What `Index.rebuild` did, or would do: the index that serves then, its documents, and those dropped for it."""

    name: str
    documents: int
    seconds: float
    dropped: tuple[str, ...]


def create(
    state: ServerState, schema: IndexSchema, wait: float | None, on_progress: OnProgress | None
) -> Operation[bool]:
    """Make the index if there is none, and wait until it is whole; tells whether it was made now."""
    yield from refuse_without_search(state, schema)
    until = math.inf if wait is None else time.monotonic() + wait
    serving = yield from info_of(schema.name)
    name = f"{schema.name}:1" if serving is None else serving.name
    made = serving is None and (yield from build(schema, name))
    info = yield from _awaited(name, until, on_progress)
    if serving is None and not info.filling:
        yield from _fit(state, schema, info, until)
    forget(state, schema)
    return made


def rebuild(
    state: ServerState, schema: IndexSchema, dry_run: bool, on_progress: OnProgress | None
) -> Operation[Rebuilt]:
    """Build the index anew beside the one that serves, which goes when the new one is whole."""
    yield from refuse_without_search(state, schema)
    began = time.monotonic()
    serving = yield from info_of(schema.name)
    own = [each for each in (yield from indexes_of(schema)) if number_of(schema, each) is not None]
    begun = yield from _begun(schema, own, serving)
    name = begun or f"{schema.name}:{max((number_of(schema, each) or 0 for each in own), default=0) + 1}"
    old = [each for each in own if each != name]
    if dry_run:
        return Rebuilt(name, serving.documents if serving else 0, 0.0, tuple(old))
    if begun is None:
        yield from build(schema, name)
    info = yield from _awaited(name, math.inf, on_progress)
    if serving is None or serving.differences(schema):
        # Documents that another version wrote may lack what this one's index reads, and nobody has looked at them.
        yield from _fit(state, schema, info, math.inf)
    if schema.name in old:
        # Made by hand: an alias cannot have its name.
        yield from _drop([schema.name])
    # From here on, in one step, every query is answered by the new one.
    yield command("FT.ALIASUPDATE", schema.name, name)
    yield command("FT.ALIASUPDATE", schema.alias, name)
    yield from _drop([each for each in old if each != schema.name])
    forget(state, schema)
    return Rebuilt(name, info.documents, round(time.monotonic() - began, 3), tuple(old))


def _begun(schema: IndexSchema, own: list[str], serving: IndexInfo | None) -> Operation[str | None]:
    """The index that a rebuild which was stopped has left, if there is one: the server goes on filling it."""
    served = number_of(schema, serving.name) if serving is not None else None
    numbered = {number_of(schema, name) or 0: name for name in own}
    for number in sorted(numbered, reverse=True):
        if number > (served or 0):
            info = yield from info_of(numbered[number])
            if info is not None and not info.failures and not info.differences(schema):
                return info.name
    return None


def _fit(state: ServerState, schema: IndexSchema, info: IndexInfo, until: float) -> Operation[None]:
    """Have an index that is whole serve, as soon as its documents have been looked at, by whomsoever."""
    while (yield from fitted(state, schema, info)).filling:
        # Another process looks at them.
        if time.monotonic() >= until or (yield from info_of(schema.name)) is not None:
            return


def prune(state: ServerState, schema: IndexSchema, dry_run: bool) -> Operation[tuple[str, ...]]:
    """Drop the indexes of other versions, and those that do not serve; none that is being built."""
    yield from refuse_without_search(state, schema)
    serving = yield from info_of(schema.name)
    names = []
    for name in (yield from indexes_of(schema)):
        info = yield from info_of(name)
        if info is None or info.filling or (serving is not None and name == serving.name):
            continue
        # One that is whole may have its documents looked at before it serves.
        if not (yield command("EXISTS", lock_of(re.sub(r":\d+$", "", name)))):
            names.append(name)
    if not dry_run:
        yield from _drop(names)
        state.indexes.pop(schema.name, None)
    return tuple(names)


def drop(state: ServerState, schema: IndexSchema) -> Operation[bool]:
    """Drop all indexes of this version; tells whether there was one. Documents stay."""
    yield from refuse_without_search(state, schema)
    names = [each for each in (yield from indexes_of(schema)) if number_of(schema, each) is not None]
    yield from _drop(names)
    forget(state, schema)
    return bool(names)


def indexes_of(schema: IndexSchema) -> Operation[list[str]]:
    """The names of the indexes of all versions of a model, whole or not."""
    own = re.compile(re.escape(schema.alias) + r":[0-9a-f]{12}(:\d+)?")
    return [name for name in sorted(map(text, (yield command("FT._LIST")))) if own.fullmatch(name)]


def number_of(schema: IndexSchema, name: str) -> int | None:
    """Which of the indexes built for this version has a name; 0 for one with the alias's own, None for others."""
    found = re.fullmatch(re.escape(schema.name) + r"(?::(\d+))?", name)
    return int(found[1] or 0) if found else None


def info_of(name: str) -> Operation[IndexInfo | None]:
    """What the server tells of an index, None if there is none."""
    try:
        return index_info((yield command("FT.INFO", name)))
    except MissingIndex:
        return None


def refuse_without_search(state: ServerState, schema: IndexSchema) -> Operation[None]:
    """Raise `ServerError` where there can be no index."""
    capabilities = yield from discover(state)
    if capabilities.why_no_search is not None:
        raise ServerError(f"{schema.model.__name__} can have no index: {capabilities.why_no_search}")


def _awaited(name: str, until: float, on_progress: OnProgress | None) -> Operation[IndexInfo]:
    info = index_info((yield command("FT.INFO", name)))
    pause = FIRST_PAUSE
    while True:
        if on_progress is not None:
            on_progress(info.documents, round(info.documents / info.done) if info.filling and info.done else None)
        if not info.filling or time.monotonic() >= until:
            return info
        yield Pause(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        info = index_info((yield command("FT.INFO", name)))


def _drop(names: list[str]) -> Operation[None]:
    for name in names:
        try:
            yield command("FT.DROPINDEX", name)
        except MissingIndex:
            # Another process was faster.
            continue

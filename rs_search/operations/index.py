"""The index's life, as queries see it: made on first use, awaited, looked at, and not asked where it would be wrong.

Queries ask an alias, `IndexSchema.name`, which an index gets when it has read all documents that were there before
it: nobody asks one that is still being built, whoever builds it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from schematics.models import Model

from ..errors import MissingIndex, NotAllowed, ServerError, ServerUnavailable
from ..index_schema import IndexSchema
from ..options import options_of
from ..server.capabilities import IndexHealth, ServerState, discover
from ..server.index_arguments import create_arguments
from ..server.index_info import IndexInfo, index_info
from ..storage import storage_of
from ..storage.base import batched
from ..storage.json_document import STRINGS, existing
from .inside import keys_outside
from .requests import Begin, Command, Finish, Operation, Pause, command
from .stored import Found, as_it_is, look_at, write_again

if TYPE_CHECKING:
    from . import convert

logger = logging.getLogger("rs_search")
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.2
#: Seconds between two looks at FT.INFO, which costs as much as a small query; and at an index that is being built.
LOOK_EVERY, FILLING_LOOK = 1.0, 0.1
#: Milliseconds after which a process that looks at documents, and says nothing of it, is taken for dead.
FITTING = 30_000


def ensure_index(state: ServerState, schema: IndexSchema) -> Operation[str | None]:
    """Make the index if there is none, and wait a while for it; gives None, or why it cannot answer.

    It cannot while it reads the documents that were there before it, where it is not what the model declares, or where
    it refused documents, which would be left out. (No layer of ours writes such; other programs may.)
    Raises `MissingIndex` where there is none and the model's ``__auto_index__`` is False.
    Cost: nothing within a second of the last look; else 2 round trips (the first time more), or one a poll while the
    server reads documents, and O(keys of the database) once after the server refused something.
    """
    before = state.indexes.get(schema.name)
    if before is not None and time.monotonic() - before.checked < _look_after(before):
        return before.why_not
    try:
        health = yield from _looked_at(state, schema, before)
    except NotAllowed as error:
        health = IndexHealth(time.monotonic(), why_not=f"the index cannot be made or looked after: {error}")
    state.indexes[schema.name] = health
    _tell(state, schema, before, health)
    return health.why_not


def serves(state: ServerState, schema: IndexSchema) -> bool:
    """Whether `ensure_index` would say None without asking."""
    seen = state.indexes.get(schema.name)
    return seen is not None and seen.why_not is None and time.monotonic() - seen.checked < LOOK_EVERY


def _looked_at(state: ServerState, schema: IndexSchema, before: IndexHealth | None) -> Operation[IndexHealth]:
    left = yield from _strings_left(state, schema)
    since = before.filling_since if before is not None else None
    since = time.monotonic() if since is None else since
    info = yield from _found_or_built(state, schema, since + options_of(schema.model).index_wait)
    why_not = _not_ready(schema, info) or left
    seen = (info.name, info.failures)
    if why_not is None and info.failures and (before is None or before.why_not is not None or before.seen != seen):
        why_not = told_refused(info, (yield from refused_keys(schema, info.name)))
    return IndexHealth(time.monotonic(), seen, why_not, since if info.filling else None)


def _look_after(known: IndexHealth) -> float:
    return LOOK_EVERY if known.filling_since is None else FILLING_LOOK


def _tell(state: ServerState, schema: IndexSchema, before: IndexHealth | None, now: IndexHealth) -> None:
    """Log where queries begin to read whole collections, and where they do no more."""
    if now.why_not is None:
        if before is not None and before.why_not is not None:
            logger.info("queries of %s ask the index %s", schema.model.__name__, schema.name)
        state.served.add(schema.name)
        return
    # A progress is no news.
    is_filling = now.filling_since is not None
    if before is None or before.why_not is None or (before.filling_since is not None) != is_filling:
        logger.warning("queries of %s read the whole collection: %s", schema.model.__name__, now.why_not)


def why_no_index(model: type[Model]) -> str | None:
    """Why a model can have no index on any server; None if it can."""
    storage, end = storage_of(model), options_of(model).key_ends[1]
    if not storage.indexed:
        return storage.why_no_index
    return f"keys that end in {end!r} cannot be told from other models' in an index" if end else None


def lost(state: ServerState, schema: IndexSchema) -> None:
    """Note that an index which was there is gone."""
    if schema.name in state.served:
        logger.warning("the index %s is gone", schema.name)
    forget(state, schema)


def forget(state: ServerState, schema: IndexSchema) -> None:
    """Have the next query look at the index anew."""
    state.indexes.pop(schema.name, None)
    state.served.discard(schema.name)


def _not_ready(schema: IndexSchema, info: IndexInfo) -> str | None:
    if info.filling:
        return f"its index is being built, and has read {info.done:.0%} of the documents"
    differences = info.differences(schema)
    if not differences:
        return None
    shown = "; ".join(differences[:3]) + (" …" if len(differences) > 3 else "")
    return f"the index {info.name} is not what the model declares: {shown}; {schema.model.__name__}.index.rebuild()"


# --- found, or built --------------------------------------------------------------------------------------------------


def _found_or_built(state: ServerState, schema: IndexSchema, until: float) -> Operation[IndexInfo]:
    """What the server tells of the index that serves; of one that is being built, at the time ``until``."""
    try:
        return (yield from filled(schema.name, until))
    except MissingIndex:
        lost(state, schema)
        return (yield from _built(state, schema, until))


def _built(state: ServerState, schema: IndexSchema, until: float) -> Operation[IndexInfo]:
    """What the server tells of the first index of this version of the model, made now or being made by another."""
    model, name = schema.model, f"{schema.name}:1"
    if options_of(model).auto_index:
        yield from build(schema, name)
    try:
        info = yield from filled(name, until)
    except MissingIndex:
        if options_of(model).auto_index:
            raise
        raise MissingIndex(
            f"{model.__name__} has no index, and its __auto_index__ is False: "
            f"run `rs-search index create {model.__module__}:{model.__qualname__}`"
        ) from None
    return info if info.filling else (yield from fitted(state, schema, info))


def fitted(state: ServerState, schema: IndexSchema, info: IndexInfo) -> Operation[IndexInfo]:
    """Have an index that has read everything serve, when the documents' companions are those that it reads.

    Documents of another version of the model may lack some, and would be left out of answers. One process looks at
    them, O(collection); to others the index is being built for that time.
    """
    # To its end, whatever becomes of the task: it would leave the lock, and everybody would scan until that ends.
    return (yield Finish((yield Begin(_fitted(state, schema, info)))))  # type: ignore[no-any-return]


def _fitted(state: ServerState, schema: IndexSchema, info: IndexInfo) -> Operation[IndexInfo]:
    lock = lock_of(schema.name)
    if not (yield command("SET", lock, "1", "NX", "PX", str(FITTING))):
        yield Pause(FILLING_LOOK)
        return replace(info, filling=True)
    try:
        yield from _fit(state, schema, info, lock)
    except ServerError:
        yield command("DEL", lock)
        raise
    yield command("DEL", lock)
    return info


def lock_of(name: str) -> str:
    """The key that says that a process looks at the documents of the version with a name."""
    return f"{name}:fitting"


def _fit(state: ServerState, schema: IndexSchema, info: IndexInfo, lock: str) -> Operation[None]:
    if info.documents:
        yield from _write_stale(state, schema, lock)
    yield from serve_first(schema, info.name)


def _write_stale(state: ServerState, schema: IndexSchema, lock: str) -> Operation[None]:
    capabilities = yield from discover(state)
    keys = yield from storage_of(schema.model).keys()
    for batch in batched(keys):
        found = Found()
        yield from look_at(schema, batch, found)
        # What cannot be read is told when it is: the index refuses it, or its member is no number or date.
        yield from write_again(schema, found.stale, capabilities, as_it_is)
        yield command("PEXPIRE", lock, FITTING)


def build(schema: IndexSchema, name: str) -> Operation[bool]:
    """Have the server make an index, which it fills by and by; tells whether there was none of the name."""
    try:
        yield Command(create_arguments(schema, name))
    except ServerUnavailable:
        raise
    except ServerError as error:
        # Another process was faster: the name carries the schema's fingerprint, so it is the same index.
        if "already exists" not in str(error).lower():
            raise
        return False
    logger.info("the index %s is being built", name)
    return True


def filled(name: str, until: float) -> Operation[IndexInfo]:
    """What the server tells of an index once it has read all documents, or at the time ``until``."""
    info = index_info((yield command("FT.INFO", name)))
    pause = FIRST_PAUSE
    while info.filling and time.monotonic() < until:
        # Until then the index answers with what it has: 0, 15k, 33k … of 60,000 documents.
        yield Pause(min(pause, max(0.0, until - time.monotonic())))
        pause = min(2 * pause, LONGEST_PAUSE)
        info = index_info((yield command("FT.INFO", name)))
    return info


def serve_first(schema: IndexSchema, name: str) -> Operation[None]:
    """Have an index that is whole answer queries, unless another one does by now."""
    try:
        yield command("FT.ALIASADD", schema.name, name)
    except ServerUnavailable:
        raise
    except ServerError as error:
        if "already exists" not in str(error).lower():
            raise
    yield command("FT.ALIASUPDATE", schema.alias, name)


# --- what is not in it ------------------------------------------------------------------------------------------------


def refused_keys(schema: IndexSchema, name: str) -> Operation[list[str]]:
    """Keys of documents that are not in an index. The server counts refusals, and forgets none that was mended."""
    keys = yield from storage_of(schema.model).keys()
    # Those removed since the keys were listed are nobody's loss.
    return (yield from existing((yield from keys_outside(name, keys))))


def told_refused(info: IndexInfo, refused: list[str]) -> str | None:
    """Refused documents in words; None if there are none."""
    if not refused:
        return None
    return (
        f"the index refused {len(refused)} of the documents, {', '.join(refused[:3])}"
        f"{' …' if len(refused) > 3 else ''} (its last error: {info.last_error or 'unknown'})"
    )


def _strings_left(state: ServerState, schema: IndexSchema) -> Operation[str | None]:
    """Convert objects that were kept as strings while the server had no RedisJSON; tells what could not be."""
    prefix = options_of(schema.model).key_ends[0]
    if not (yield command("SISMEMBER", STRINGS, prefix)):
        return None
    done = yield from _converted(state, schema)
    if not done.errors:
        yield command("SREM", STRINGS, prefix)
        # Written since the keys were listed, by one who does not know of RedisJSON yet and had noted it before.
        done = yield from _converted(state, schema)
    if done.errors:
        yield command("SADD", STRINGS, prefix)
        key, error = done.errors[0]
        return f"{len(done.errors)} objects are strings that cannot be converted, such as {key}: {error}"
    return None


def _converted(state: ServerState, schema: IndexSchema) -> Operation[convert.Converted]:
    # Here, because hardly any process finds strings left.
    from . import convert

    done = yield from convert.convert(state, convert.task(schema.model, None, "json", convert.BATCH, False, None))
    if done.converted:
        logger.warning(
            "%d objects of %s, kept as strings without RedisJSON, are documents now",
            done.converted, schema.model.__name__,
        )  # fmt: skip
    return done

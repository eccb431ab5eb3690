"""Whether an index is as it should be: what the server tells of it, and its documents compared one by one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..codec import Document, encode
from ..companions import UnkeepableAt
from ..errors import MissingIndex, RedisMixinException
from ..index_schema import NULLS, IndexSchema
from ..reading import decode, parse
from ..server.capabilities import Capabilities, ServerState, discover
from ..server.index_info import IndexInfo
from ..server.replies import search_page
from ..server.settings import SEARCH, look
from ..storage import storage_of
from ..storage.json_document import JSON_TYPE, STRINGS, existing
from . import convert
from .index import forget, refused_keys
from .index_admin import OnProgress, indexes_of, info_of, refuse_without_search
from .inside import keys_inside, keys_outside
from .requests import Batch, Operation, command
from .stored import Found, Made, Refused, as_it_is, as_the_model_writes, look_at, texts_of, write_again

#: Refused documents whose reasons are looked for; of the others, the keys are told.
MOST_REASONS = 100


@dataclass(frozen=True)
class Limit:
    """A setting of the server that may cut answers, and what it would cut; nothing where that is empty."""

    name: str
    value: str | None
    cuts: str


@dataclass(frozen=True)
class IndexStatus:
    """What is known of the index of a model.

    ``why_not`` says why queries are not answered from it, None if they are; ``exists``, whether there is one that
    serves this version of the model, and ``alias_serves``, whether the alias for other programs leads to it;
    ``documents`` are stored, of which ``indexed`` are in it, ``waiting`` have not been read by it yet, and ``refused``
    never will be as they are; ``percent`` of them it has read; ``memory`` in bytes, and of which ``parts``; ``fields``,
    how many documents have a value in each field of the model (the server tells no bytes of a field); ``limits`` of the
    server; ``differences`` from what the model declares; ``others``, indexes that do not serve it, which `Index.prune`
    drops when they are built.
    """

    name: str
    alias: str
    exists: bool = False
    alias_serves: bool = False
    why_not: str | None = None
    documents: int = 0
    indexed: int = 0
    waiting: int = 0
    refused: tuple[Refused, ...] = ()
    percent: float = 0.0
    memory: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    differences: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verified:
    """What `Index.verify` found: how many objects were checked, and the keys of those that are not as they should be.

    ``missing`` from the index; ``stale``, with other companions than their members make; ``extra``, in the index and
    not stored; ``strings``, kept without RedisJSON and not seen by the index; ``unreadable``, with the reason;
    ``repaired``, how many of them are as they should be now.
    """

    checked: int = 0
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    unreadable: tuple[Refused, ...] = ()
    repaired: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was found, or all of it was repaired."""
        faults = sum(map(len, (self.missing, self.stale, self.extra, self.strings, self.unreadable)))
        return faults == self.repaired


# --- status -----------------------------------------------------------------------------------------------------------


def status(state: ServerState, schema: IndexSchema) -> Operation[IndexStatus]:
    """What is known of the index; some 10 round trips, and O(keys of the database) where it does not hold all."""
    capabilities = yield from discover(state)
    told = IndexStatus(schema.name, schema.alias)
    if capabilities.why_no_search is not None:
        stored = len((yield from storage_of(schema.model).keys()))
        return replace(told, why_not=capabilities.why_no_search, documents=stored, waiting=stored)
    serving = yield from info_of(schema.name)
    # One that is being built for the first time does not serve yet.
    info = serving or (yield from info_of(f"{schema.name}:1"))
    by_alias = (yield from info_of(schema.alias)) if serving is not None else None
    names = yield from indexes_of(schema)
    told = replace(
        told,
        limits=(yield from _limits()),
        exists=serving is not None,
        alias_serves=serving is not None and by_alias is not None and by_alias.name == serving.name,
        why_not="there is no index yet" if info is None else None if serving else "the index does not serve yet",
        others=tuple(name for name in names if info is None or name != info.name),
    )
    return (yield from _counted(told, schema, info))


def _counted(told: IndexStatus, schema: IndexSchema, info: IndexInfo | None) -> Operation[IndexStatus]:
    """With the documents, those in the index, those that are to be, and those that it refused."""
    strings = yield from _strings(schema)
    if info is None:
        stored = len((yield from storage_of(schema.model).scan("TYPE", JSON_TYPE))) + strings
        return replace(told, documents=stored, waiting=stored)
    refused = (yield from _refused(schema, info)) if info.failures and not info.filling else ()
    stored = info.documents + len(refused) + strings
    if info.filling:
        # What it refuses is known when it has read all.
        stored = max(stored, len((yield from storage_of(schema.model).scan("TYPE", JSON_TYPE))) + strings)
    differences = info.differences(schema)
    reasons = (
        (info.filling, f"it is being built, and has read {info.done:.0%} of the documents"),
        (differences, "it is not what the model declares"),
        (refused, f"it refused {len(refused)} documents"),
        (strings, f"{strings} objects, kept without RedisJSON, are strings, which the next query converts"),
    )
    return replace(
        told,
        why_not=next((reason for applies, reason in reasons if applies), told.why_not),
        documents=stored,
        indexed=info.documents,
        waiting=stored - info.documents - len(refused),
        refused=refused,
        percent=100 * info.done,
        memory=info.memory,
        parts=info.parts,
        fields={} if differences else (yield from _field_sizes(schema, info)),
        differences=differences,
    )


def _strings(schema: IndexSchema) -> Operation[int]:
    """How many objects were kept as strings while the server had no RedisJSON."""
    storage = storage_of(schema.model)
    if not (yield command("SISMEMBER", STRINGS, storage.options.key_ends[0])):
        return 0
    return len((yield from storage.scan("TYPE", "string")))


def _limits() -> Operation[tuple[Limit, ...]]:
    found = yield from look(SEARCH)
    return tuple(Limit(one.setting.name, one.actual, one.setting.without if one.fits is False else "") for one in found)


def _field_sizes(schema: IndexSchema, info: IndexInfo) -> Operation[dict[str, int]]:
    """How many documents have a value in each field: those that have none are counted, which are few or cheap."""
    aliases = {str(leaf.path): leaf.presence or leaf.geo or leaf.text for leaf in schema.leaves.values()}
    if not aliases:
        return {}
    replies = yield Batch(tuple(
        command("FT.SEARCH", info.name, f"(ismissing(@{alias})|@{NULLS}:{{{alias}}})", "NOCONTENT", "LIMIT", "0", "0",
                "TIMEOUT", "0", "DIALECT", "2") for alias in aliases.values()
    ))  # fmt: skip
    missing = (search_page(reply, content=False).total for reply in replies)
    return {name: max(0, info.documents - number) for name, number in zip(aliases, missing, strict=True)}


def _refused(schema: IndexSchema, info: IndexInfo) -> Operation[tuple[Refused, ...]]:
    keys = sorted((yield from refused_keys(schema, info.name)))
    rows = dict(zip(keys, (yield from texts_of(keys[:MOST_REASONS])), strict=False))
    return tuple(Refused(key, _reason(schema, info, key, rows.get(key))) for key in keys)


def _reason(schema: IndexSchema, info: IndexInfo, key: str, text: Any) -> str:
    """Why a document is not in the index: what its model says of it, else what the server said last."""
    if text is not None:
        try:
            odd = _odd_members(schema, parse(text, key), key)
        except (RedisMixinException, UnkeepableAt) as error:
            return str(error)
        if odd:
            return odd
    known = info.errors.get(key) or (info.last_error if text is None else "")
    return known or "unknown; set() it, or Index.verify(repair=True)"


def _odd_members(schema: IndexSchema, document: Document, key: str) -> str:
    """The members that the model would write otherwise."""
    written = encode(decode(schema.model, document, key), for_index=False)
    names = [name for name in written if written[name] != document.get(name)]
    return "; ".join(f"{name} stands there as {document.get(name)!r}, and not as {written[name]!r}" for name in names)


# --- every object -----------------------------------------------------------------------------------------------------


def verify(
    state: ServerState, schema: IndexSchema, repair: bool, batch: int, on_progress: OnProgress | None
) -> Operation[Verified]:
    """Compare every stored object with the index, a batch a round trip; and mend what can be mended."""
    yield from refuse_without_search(state, schema)
    keys = sorted((yield from storage_of(schema.model).keys()))
    found = Found()
    for start in range(0, len(keys), batch):
        yield from look_at(schema, keys[start : start + batch], found)
        if on_progress is not None:
            on_progress(min(start + batch, len(keys)), len(keys))
    # After the objects: each that was there then is in the index by now.
    missing, extra = yield from _compared(schema, keys, found)
    told = Verified(found.checked, tuple(missing), tuple(found.stale), tuple(extra), tuple(found.strings),
                    tuple(found.unreadable))  # fmt: skip
    return (yield from _repaired(state, schema, told, batch)) if repair and not told.whole else told


def _compared(schema: IndexSchema, keys: list[str], found: Found) -> Operation[tuple[list[str], list[str]]]:
    """The keys of stored documents that are not in the index, and those in it of documents that are not stored."""
    outside = set((yield from _outside(schema, keys)))
    missing = yield from existing([key for key in found.present if key in outside])
    info = yield from info_of(schema.name)
    if info is None or info.documents <= len(keys) - len(outside):
        return missing, []
    surplus = sorted((yield from keys_inside(info.name)).difference(keys))
    gone = set(surplus).difference((yield from existing(surplus)))
    # What was removed, or has expired, since the index was asked is not in it any more.
    extra = gone.intersection((yield from keys_inside(info.name))) if gone else ()
    return missing, sorted(extra)


def _outside(schema: IndexSchema, keys: list[str]) -> Operation[list[str]]:
    """Those of the keys that are not in the index that serves; all where none does."""
    try:
        return (yield from keys_outside(schema.name, keys))
    except MissingIndex:
        return keys


# --- repair -----------------------------------------------------------------------------------------------------------


def _repaired(state: ServerState, schema: IndexSchema, told: Verified, batch: int) -> Operation[Verified]:
    """Write again what is not as it should be, where nobody else does; tells how much of it is mended."""
    capabilities = yield from discover(state)
    stale = yield from _written(schema, list(told.stale), capabilities, batch, as_it_is)
    # A member that no companion can mend keeps a document out.
    wrong = [*told.missing, *(yield from _outside(schema, stale)), *(one.key for one in told.unreadable)]
    written = {*stale, *(yield from _written(schema, wrong, capabilities, batch, as_the_model_writes))}
    mended = len(written) - len((yield from _outside(schema, list(written))))
    if told.strings:
        todo = convert.task(schema.model, None, "json", batch, False, None)
        mended += (yield from convert.convert(state, todo)).converted
    forget(state, schema)
    return replace(told, repaired=mended)


def _written(
    schema: IndexSchema, keys: list[str], capabilities: Capabilities, batch: int, made: Made
) -> Operation[list[str]]:
    written: list[str] = []
    for start in range(0, len(keys), batch):
        written += yield from write_again(schema, keys[start : start + batch], capabilities, made)
    return written

"""Whether an index is as it should be: what the server tells of it, and its documents compared one by one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..codec import Document, encode
from ..companions import UnkeepableAt
from ..errors import RedisMixinException
from ..index_schema import IndexSchema
from ..reading import decode, parse
from ..server.capabilities import ServerState, discover
from ..server.index_info import IndexInfo
from ..server.replies import search_page
from ..server.settings import SEARCH, look
from ..storage import storage_of
from ..storage.json_document import existing
from . import convert
from .index import keys_inside, refused_keys
from .index_admin import OnProgress, indexes_of, info_of, refuse_without_search
from .requests import Batch, Operation, Pause, command
from .stored import Found, Refused, look_at, texts_of, write_again

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
    ``documents`` stored (None while it is being built), ``indexed``, ``waiting`` to be; ``percent`` done; ``memory`` in
    bytes, and of which ``parts``; ``fields``, how many documents have a value in each: the server tells no bytes of a
    field; ``differences`` from what the model declares; ``others``, indexes that do not serve it, which `Index.prune`
    drops.
    """

    name: str
    alias: str
    exists: bool = False
    alias_serves: bool = False
    why_not: str | None = None
    documents: int | None = None
    indexed: int = 0
    waiting: bool = False
    percent: float = 0.0
    refused: tuple[Refused, ...] = ()
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
    """What is known of the index; some 10 round trips, and O(keys of the database) where documents were refused."""
    capabilities = yield from discover(state)
    told = IndexStatus(schema.name, schema.alias)
    if capabilities.why_no_search is not None:
        return replace(told, why_not=capabilities.why_no_search)
    told = replace(told, limits=(yield from _limits()))
    info = yield from info_of(schema.name)
    names = yield from indexes_of(schema)
    if info is None:
        # One that is being built for the first time does not serve yet.
        info = yield from info_of(f"{schema.name}:1")
        why_not = "there is no index yet" if info is None else "the index does not serve yet"
        told = replace(told, why_not=why_not)
        if info is None:
            return replace(told, others=tuple(names))
        names = [name for name in names if info is None or name != info.name]
    else:
        by_alias = yield from info_of(schema.alias)
        told = replace(told, exists=True, alias_serves=by_alias is not None and by_alias.name == info.name)
    return (yield from _described(told, schema, info, [name for name in names if name != info.name]))


def _described(told: IndexStatus, schema: IndexSchema, info: IndexInfo, others: list[str]) -> Operation[IndexStatus]:
    refused = (yield from _refused(schema, info)) if info.failures and not info.filling else ()
    differences = info.differences(schema)
    reasons = (
        (info.filling, f"it is being built, and has read {info.done:.0%} of the documents"),
        (differences, "it is not what the model declares"),
        (refused, f"it refused {len(refused)} documents"),
    )
    why_not = next((reason for applies, reason in reasons if applies), told.why_not)
    return replace(
        told,
        why_not=why_not,
        documents=None if info.filling else info.documents + len(refused),
        indexed=info.documents,
        waiting=info.filling,
        percent=100 * info.done,
        refused=refused,
        memory=info.memory,
        parts=info.parts,
        fields=(yield from _field_sizes(schema, info.name)),
        differences=differences,
        others=tuple(others),
    )


def _limits() -> Operation[tuple[Limit, ...]]:
    found = yield from look(SEARCH)
    return tuple(Limit(one.setting.name, one.actual, one.setting.without if one.fits is False else "") for one in found)


def _field_sizes(schema: IndexSchema, name: str) -> Operation[dict[str, int]]:
    aliases = [field.alias for field in schema.fields if field.missing]
    if not aliases:
        return {}
    try:
        replies = yield Batch(tuple(
            command("FT.SEARCH", name, f"-ismissing(@{alias})", "NOCONTENT", "LIMIT", "0", "0", "TIMEOUT", "0",
                    "DIALECT", "2") for alias in aliases
        ))  # fmt: skip
    except RedisMixinException:
        # An index that is not what the model declares has not all of its fields.
        return {}
    return {alias: search_page(reply, content=False).total for alias, reply in zip(aliases, replies, strict=True)}


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
    return (
        info.last_error if key == info.last_key or text is None else "unknown; set() it, or Index.verify(repair=True)"
    )


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
    inside = yield from _inside(schema)
    missing = yield from existing([key for key in found.present if key not in inside])
    yield Pause(0)
    surplus = sorted(inside.difference(keys))
    there = set((yield from existing(surplus)))
    if len(surplus) > len(there):
        # What was removed, or has expired, since the index was asked is not in it any more.
        inside = yield from _inside(schema)
    return missing, [key for key in surplus if key not in there and key in inside]


def _inside(schema: IndexSchema) -> Operation[set[str]]:
    info = yield from info_of(schema.name)
    return (yield from keys_inside(info.name)) if info is not None else set()


# --- repair -----------------------------------------------------------------------------------------------------------


def _repaired(state: ServerState, schema: IndexSchema, told: Verified, batch: int) -> Operation[Verified]:
    """Write again what is not as it should be, where nobody else does; tells how much of it is mended."""
    capabilities = yield from discover(state)
    wrong = [*told.missing, *told.stale, *(one.key for one in told.unreadable)]
    written: list[str] = []
    for start in range(0, len(wrong), batch):
        written += yield from write_again(schema, wrong[start : start + batch], capabilities)
    mended = len((yield from _inside(schema)).intersection(written))
    if told.strings:
        todo = convert.task(schema.model, None, "json", batch, False, None)
        mended += (yield from convert.convert(state, todo)).converted
    state.indexes.pop(schema.name, None)
    return replace(told, repaired=mended)

"""The index of a model: which paths of its documents stand in which fields of a RediSearch schema."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from schematics.models import Model

from . import kinds
from .memo import once_per_class
from .options import SearchOptions, field_options, options_of
from .paths import EACH, Path, declared_paths, descend
from .schema import COMPANIONS

#: RediSearch takes 1,024 fields in an index, 128 of them TEXT (a TEXT of ours has two: as stored, and folded).
MOST_FIELDS = 1000
MOST_TEXTS = 62
#: Aliases of the fields that every index has.
NULLS = "_nulls"
DOUBTS = "_doubts"
#: Companions of their own, beside those named by an alias.
EXACT = "_exact"
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")
#: Members that no JSON path of RediSearch reaches, however they are spelled: FT.CREATE refuses a control character,
#: and reads past a blank at the beginning without a word.
_UNREACHABLE = re.compile(r"^ |[\x00-\x1f]")
_COMPANION_KINDS = (kinds.DECIMAL, kinds.DATE, kinds.INSTANT, kinds.DURATION)


@dataclass(frozen=True)
class IndexField:
    """One attribute of FT.CREATE's schema: a JSON path, its alias, and what it is indexed as."""

    json_path: str
    alias: str
    kind: str
    sortable: bool = False
    missing: bool = True


@dataclass(frozen=True, eq=False)
class Leaf:
    """An indexed path: the aliases under which its values stand in the index, by what they are indexed as.

    ``companion`` tells that the index reads TAG, NUMERIC and GEO beside the document's own member; ``fold`` is the
    alias of the text that stands in where the server's tokens are not the words, ``case`` that of the case-folded
    text where the server's own folding is not Unicode's.
    """

    path: Path
    alias: str
    tag: str | None = None
    numeric: str | None = None
    text: str | None = None
    fold: str | None = None
    case: str | None = None
    geo: str | None = None
    companion: bool = False
    sortable: bool = False

    @property
    def presence(self) -> str | None:
        """An alias whose ``ismissing()`` tells that the path has no value, together with `NULLS`."""
        # A text in many languages may be there without any text.
        return self.tag or self.numeric or (None if self.path.field.kind is kinds.MULTILINGUAL else self.text)


@dataclass(frozen=True, eq=False)
class IndexSchema:
    """All that FT.CREATE needs to know of a model.

    ``name`` is what queries ask: an alias that is given to an index when it is whole. Indexes themselves are called
    ``name:1``, ``name:2`` …: one more for each time that it was built anew. ``alias`` is the same for all versions of
    the model, for other programs: the version that was built last.
    """

    model: type[Model]
    name: str
    alias: str
    prefix: str
    fields: tuple[IndexField, ...]
    leaves: dict[tuple[str, ...], Leaf]

    @cached_property
    def companion_names(self) -> frozenset[str]:
        """Under which names this version of the model puts values beside a document."""
        names = ((leaf.alias if leaf.companion else None, leaf.fold, leaf.case) for leaf in self.leaves.values())
        return frozenset(filter(None, chain((EXACT,), *names)))

    @cached_property
    def noted_names(self) -> dict[str, frozenset[str]]:
        """The aliases that this version of the model may note in each of the lists beside a document."""
        leaves = self.leaves.values()
        return {
            NULLS: frozenset(leaf.alias for leaf in leaves if not leaf.companion),
            DOUBTS: frozenset(leaf.alias for leaf in leaves if leaf.numeric),
        }


@once_per_class
def index_schema_of(model: type[Model]) -> IndexSchema:
    """The index of a model class, worked out once.

    The name carries a fingerprint of the prefix and the fields, so that two versions of a model have two indexes.
    """
    prefix, key_ends = options_of(model).prefix, options_of(model).key_ends
    leaves = {leaf.path.names: leaf for leaf in _leaves(model)}
    fields = tuple(field for leaf in leaves.values() for field in _index_fields(leaf)) + _common_fields()
    fingerprint = hashlib.blake2b(repr((key_ends[0].removesuffix(":"), fields)).encode(), digest_size=6).hexdigest()
    return IndexSchema(model, f"rs:{prefix}:{fingerprint}", f"rs:{prefix}", key_ends[0], fields, leaves)


def _common_fields() -> tuple[IndexField, ...]:
    return tuple(IndexField(f"$.{COMPANIONS}.{alias}", alias, "TAG", missing=False) for alias in (NULLS, DOUBTS))


def _leaves(model: type[Model]) -> Iterator[Leaf]:
    taken: set[str] = {NULLS, DOUBTS, EXACT}
    skipped: set[tuple[str, ...]] = set()
    texts = fields = 0
    for path in declared_paths(model):
        options = field_options(model, path.names, path.field)
        if options.skip or path.names[:-1] in skipped:
            skipped.add(path.names)
        elif fields < MOST_FIELDS:
            leaf = _leaf(descend(path), options, taken, texts < MOST_TEXTS)
            if leaf is not None:
                texts += leaf.text is not None
                fields += len(_index_fields(leaf))
                yield leaf


def _leaf(path: Path, options: SearchOptions, taken: set[str], texts_left: bool) -> Leaf | None:
    if any(_UNREACHABLE.search(step) for step in path.steps if step is not EACH):
        return None
    kind, default = path.field.kind, path.field.row.index
    tag, numeric, text, geo = (
        options.wants(name, name in default) and kinds.INDEX_FIELDS[name](kind)
        for name in ("TAG", "NUMERIC", "TEXT", "GEO")
    )
    text = text and texts_left
    if not (tag or numeric or text or geo):
        return None
    alias = _alias(str(path), taken)
    sortable = options.sortable and not path.multiple and (tag or numeric)
    return Leaf(
        path,
        alias,
        tag=alias if tag else None,
        numeric=alias if numeric else None,
        text=_alias(alias + "__text", taken) if text else None,
        fold=_alias(alias + "__fold", taken) if text else None,
        case=_alias(alias + "__case", taken) if tag and sortable and kind in (kinds.TEXT, kinds.REFERENCE) else None,
        geo=alias if geo else None,
        companion=kind in _COMPANION_KINDS or geo or (kind is kinds.BOOLEAN and path.multiple),
        sortable=sortable,
    )


def _alias(wanted: str, taken: set[str]) -> str:
    # A query names fields by their alias: letters, digits and underscores need no escape there.
    alias = _UNSAFE.sub(lambda match: f"u{ord(match[0]):x}", wanted)
    while alias in taken:
        alias += "_"
    taken.add(alias)
    return alias


def companion_path(leaf: Leaf, alias: str) -> str:
    """Where the values beside the document stand for the index.

    A list of texts is named as a whole, without ``[*]``: the server then takes a tenth less for a document.
    """
    return f"$.{COMPANIONS}.{alias}" + ("[*]" if leaf.path.multiple and alias != leaf.fold else "")


def _index_fields(leaf: Leaf) -> list[IndexField]:
    own = companion_path(leaf, leaf.alias) if leaf.companion else leaf.path.json_path()
    fields = [
        IndexField(own, alias, kind, leaf.sortable and kind != "GEO")
        for alias, kind in ((leaf.tag, "TAG"), (leaf.numeric, "NUMERIC"), (leaf.geo, "GEO"))
        if alias
    ]
    if leaf.case:
        fields.append(IndexField(companion_path(leaf, leaf.case), leaf.case, "TAG", sortable=True, missing=False))
    if leaf.text and leaf.fold:
        every = ".*" if leaf.path.field.kind is kinds.MULTILINGUAL else ""
        fields.append(IndexField(leaf.path.json_path() + every, leaf.text, "TEXT"))
        fields.append(IndexField(companion_path(leaf, leaf.fold), leaf.fold, "TEXT", missing=False))
    return fields

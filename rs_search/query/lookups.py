"""The lookups: one row each, with the kinds they apply to and the condition they make."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .. import kinds
from ..kinds import Kind
from ..paths import Path
from . import lists, parts, points
from .comparisons import Builder, between, exact, in_range, is_in, is_null, negated
from .strings import CONTAINS, ENDS, EQUALS, STARTS, fuzzy, like, phrase, regex, search
from .tree import Bounds

_SCALARS = (
    kinds.TEXT,
    kinds.IDENTIFIER,
    kinds.REFERENCE,
    kinds.BOOLEAN,
    kinds.INTEGER,
    kinds.FLOAT,
    kinds.DECIMAL,
    kinds.DATE,
    kinds.INSTANT,
    kinds.DURATION,
    kinds.POINT,
    kinds.MULTILINGUAL,
    kinds.ANY,
)
_ORDERED = tuple(kind for kind in _SCALARS if kind.ordered)
_EVERY = (*_SCALARS, kinds.OBJECT, kinds.DICT)
EQUALITY, ORDER, PARTS, WORDS, DATES, LISTS, PLACES = "equality", "order", "parts", "words", "dates", "lists", "places"
_TEXTS = (kinds.TEXT, kinds.IDENTIFIER, kinds.REFERENCE, kinds.MULTILINGUAL)


@dataclass(frozen=True)
class Lookup:
    """A lookup: its name and older names (``aliases``), the kinds that have it, and what makes its condition.

    ``of_lists`` are the kinds of elements for which a list has it; a list has what its elements have as well.
    ``group`` names it together with its like, for README's tables.
    """

    name: str
    group: str
    kinds: tuple[Kind, ...]
    build: Builder
    meaning: str
    aliases: tuple[str, ...] = ()
    of_lists: tuple[Kind, ...] = ()

    def applies_to(self, path: Path) -> bool:
        """Whether what is at the path has the lookup."""
        kind = path.field.kind
        return kind in self.kinds or (kind in self.of_lists and lists.ends_in_list(path))


def _part(part: parts.Part) -> Lookup:
    build = parts.part_builder(part, exact)
    of_lists, group = (_EVERY, LISTS) if part.of_list else ((), DATES)
    return Lookup(part.name, group, part.kinds, build, part.meaning, of_lists=of_lists)


#: Every lookup, but for ``match``, which binds conditions itself. README's table is made of these rows.
LOOKUPS: tuple[Lookup, ...] = (
    Lookup("exact", EQUALITY, _SCALARS, exact, "equal; None finds what is missing", ("eq",)),
    Lookup("ne", EQUALITY, _SCALARS, negated(exact), "the complement of exact", ("not",)),
    Lookup("in", EQUALITY, _SCALARS, is_in, "equal to one of a list; of an empty one to nothing"),
    Lookup("nin", EQUALITY, _SCALARS, negated(is_in), "the complement of in", ("exclude", "not_in")),
    Lookup("isnull", EQUALITY, _EVERY, is_null, "True: there is no value; False: there is one"),
    Lookup("gt", ORDER, _ORDERED, between(">", lambda end: Bounds(low=end, include_low=False)), "greater"),
    Lookup("gte", ORDER, _ORDERED, between(">=", lambda end: Bounds(low=end)), "greater or equal"),
    Lookup("lt", ORDER, _ORDERED, between("<", lambda end: Bounds(high=end, include_high=False)), "less"),
    Lookup("lte", ORDER, _ORDERED, between("<=", lambda end: Bounds(high=end)), "less or equal"),
    Lookup("range", ORDER, _ORDERED, in_range, "from a to b, both ends in"),
    Lookup("contains", PARTS, _TEXTS, lists.contains, "the part; on a list: the element, or all of several",
           of_lists=_SCALARS),
    Lookup("startswith", PARTS, _TEXTS, like(STARTS), "begins so"),
    Lookup("endswith", PARTS, _TEXTS, like(ENDS), "ends so"),
    Lookup("iexact", PARTS, _TEXTS, like(EQUALS, True), "equal in any case, of every script"),
    Lookup("icontains", PARTS, _TEXTS, like(CONTAINS, True), "the part, in any case"),
    Lookup("istartswith", PARTS, _TEXTS, like(STARTS, True), "begins so, in any case"),
    Lookup("iendswith", PARTS, _TEXTS, like(ENDS, True), "ends so, in any case"),
    Lookup("regex", PARTS, _TEXTS, regex(), "a regular expression finds something in it (`re.search`)"),
    Lookup("iregex", PARTS, _TEXTS, regex(re.IGNORECASE), "the same, in any case"),
    Lookup("search", WORDS, _TEXTS, search, "all words; `\"a phrase\"`, `-without`, `prefix*`, `a | b` any of them"),
    Lookup("phrase", WORDS, _TEXTS, phrase, "these words, one after the other, as they are"),
    Lookup("fuzzy", WORDS, _TEXTS, fuzzy, "all words, each with a letter wrong; `(words, 2)`: two"),
    Lookup("overlap", LISTS, (), lists.overlap, "one of several elements", of_lists=_SCALARS),
    *map(_part, parts.PARTS),
    Lookup("near", PLACES, (kinds.POINT,), points.near, "within `(latitude, longitude, radius, unit)`"),
    Lookup("within", PLACES, (kinds.POINT,), points.within,
           "in a box of two corners (south-west, north-east), or a polygon of more"),
)  # fmt: skip
BY_NAME: dict[str, Lookup] = {name: lookup for lookup in LOOKUPS for name in (lookup.name, *lookup.aliases)}
#: What a part can be compared by: ``best_before__year__gte``.
COMPARISONS = ("exact", "ne", "gt", "gte", "lt", "lte", "range", "in", "nin")
MATCH = "match"
MATCH_MEANING = "on a list of models: one element meets all of `{…}` or `Q(…)`"
NAMES = (*BY_NAME, MATCH)
#: The lookups that are no parts of values.
WHOLE_LOOKUPS = frozenset(lookup.name for lookup in LOOKUPS if lookup.name not in parts.BY_NAME)


def find(rest: str) -> Lookup | None:
    """The lookup that a suffix names: one of the table, or a part and a comparison.

    >>> find("gte").name, find("year__gte").name, find("nothing")
    ('gte', 'year__gte', None)
    """
    if rest in BY_NAME:
        return BY_NAME[rest]
    name, _, suffix = rest.partition("__")
    compare = BY_NAME.get(suffix)
    if name not in parts.BY_NAME or compare is None or compare.name not in COMPARISONS:
        return None
    part, whole = parts.BY_NAME[name], BY_NAME[name]
    return replace(whole, name=f"{name}__{compare.name}", build=parts.part_builder(part, compare.build))


def lookups_of(kind: Kind, of_list: bool = False) -> tuple[Lookup, ...]:
    """The lookups that a kind has, or a list of it, in the table's order."""
    return tuple(lookup for lookup in LOOKUPS if kind in lookup.kinds or (of_list and kind in lookup.of_lists))

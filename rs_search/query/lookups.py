"""The lookups: one row each, with the kinds they apply to and the condition they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from schematics.exceptions import BaseError

from .. import kinds
from ..errors import InvalidValue
from ..kinds import Kind
from ..paths import Path
from ..planner import text as full_text
from .tree import AnyOf, Bound, Bounds, Condition, Negation

_SCALARS = (
    kinds.TEXT,
    kinds.IDENTIFIER,
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
_TEXTS = (kinds.TEXT, kinds.IDENTIFIER, kinds.MULTILINGUAL)
#: Signs that search boxes give a meaning of their own; until they have it here, they are refused, not dropped.
_UNSUPPORTED = re.compile(r'"|(?:^|\s)-\w|\w\*')

Builder = Callable[[Path, Any, str], Bound]


@dataclass(frozen=True)
class Lookup:
    """A lookup: its name and older names, the kinds that have it, and what makes its condition of a value."""

    name: str
    aliases: tuple[str, ...]
    kinds: tuple[Kind, ...]
    build: Builder
    meaning: str


def coerce(path: Path, value: Any, shown: str) -> Any:
    """The comparable of a query's value, read by the field's own type. Raises `InvalidValue`."""
    field = path.field
    try:
        native = field.kind.decode(field.type, value)
        comparable = field.kind.comparable(field.type, native)
        is_number = comparable == comparable
        hash(comparable)
    except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        reason = "; ".join(map(str, error)) if isinstance(error, BaseError) and error.args else str(error)
        raise InvalidValue(f"{shown}: {value!r} cannot be read as {type(field.type).__name__}: {reason}") from None
    if not is_number:
        raise InvalidValue(f"{shown}: NaN is equal to nothing and has no order")
    return comparable


def _shown(path: Path, lookup: str, value: Any) -> str:
    return f"{path} {lookup} {value!r}"


def _missing(path: Path) -> Condition:
    return Condition(path, "missing", None, f"{path} is missing")


def _exact(path: Path, value: Any, shown: str) -> Bound:
    if value is None:
        return _missing(path)
    return Condition(path, "in", (coerce(path, value, shown),), _shown(path, "=", value))


def _in(path: Path, value: Any, shown: str) -> Bound:
    values = _collection(value, shown)
    comparables = tuple(dict.fromkeys(coerce(path, element, shown) for element in values if element is not None))
    found: list[Bound] = []
    if comparables:
        found.append(Condition(path, "in", comparables, _shown(path, "in", [v for v in values if v is not None])))
    if len(comparables) < len(values) and None in values:
        found.append(_missing(path))
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def _collection(value: Any, shown: str) -> list[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidValue(f"{shown} takes a list of values, not {value!r}")
    return list(value)


def _not(build: Builder) -> Builder:
    def negated(path: Path, value: Any, shown: str) -> Bound:
        return Negation(build(path, value, shown))

    return negated


def _between(sign: str, make: Callable[[Any], Bounds]) -> Builder:
    def build(path: Path, value: Any, shown: str) -> Bound:
        if value is None:
            raise InvalidValue(f"{shown}: None has no order; use {path}__isnull to find what is missing")
        return Condition(path, "between", make(coerce(path, value, shown)), _shown(path, sign, value))

    return build


def _range(path: Path, value: Any, shown: str) -> Bound:
    ends = _collection(value, shown)
    if len(ends) != 2 or None in ends:
        raise InvalidValue(f"{shown} takes the two ends of a range, both of which belong to it, not {value!r}")
    low, high = (coerce(path, end, shown) for end in ends)
    return Condition(path, "between", Bounds(low, high), f"{ends[0]!r} <= {path} <= {ends[1]!r}")


def _isnull(path: Path, value: Any, shown: str) -> Bound:
    if not isinstance(value, bool):
        raise InvalidValue(f"{shown} takes True or False, not {value!r}")
    return _missing(path) if value else Negation(_missing(path))


def _search(path: Path, value: Any, shown: str) -> Bound:
    if not isinstance(value, str):
        raise InvalidValue(f"{shown} takes words, not {value!r}")
    unsupported = _UNSUPPORTED.search(value)
    if unsupported:
        raise InvalidValue(f"{shown}: {unsupported[0].strip()!r} is not understood yet: search takes words and |")
    return Condition(path, "search", full_text.parse(value), _shown(path, "search", value))


#: Every lookup. README's table is made of these rows.
LOOKUPS: tuple[Lookup, ...] = (
    Lookup("exact", ("eq",), _SCALARS, _exact, "equal; None finds what is missing"),
    Lookup("ne", ("not",), _SCALARS, _not(_exact), "the complement of exact"),
    Lookup("gt", (), _ORDERED, _between(">", lambda end: Bounds(low=end, include_low=False)), "greater"),
    Lookup("gte", (), _ORDERED, _between(">=", lambda end: Bounds(low=end)), "greater or equal"),
    Lookup("lt", (), _ORDERED, _between("<", lambda end: Bounds(high=end, include_high=False)), "less"),
    Lookup("lte", (), _ORDERED, _between("<=", lambda end: Bounds(high=end)), "less or equal"),
    Lookup("range", (), _ORDERED, _range, "from a to b, both ends in"),
    Lookup("in", (), _SCALARS, _in, "equal to one of a list; of an empty one to nothing"),
    Lookup("nin", ("exclude", "not_in"), _SCALARS, _not(_in), "the complement of in"),
    Lookup("isnull", (), _EVERY, _isnull, "True: there is no value; False: there is one"),
    Lookup("search", (), _TEXTS, _search, "full text: all words; `a | b` any of them"),
)
BY_NAME: dict[str, Lookup] = {name: lookup for lookup in LOOKUPS for name in (lookup.name, *lookup.aliases)}


def lookups_of(kind: Kind) -> tuple[Lookup, ...]:
    """The lookups that a kind has, in the table's order."""
    return tuple(lookup for lookup in LOOKUPS if kind in lookup.kinds)

"""Equality, order and presence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import InvalidValue
from ..paths import Path
from .tree import AnyOf, Bound, Bounds, Condition, Negation
from .values import brief, coerce, collection, in_order, shown

Builder = Callable[[Path, Any, str], Bound]


def missing(path: Path) -> Condition:
    """There is no value at the path."""
    return Condition(path, "missing", None, lambda: f"{path} is missing")


def exact(path: Path, value: Any, asked: str) -> Bound:
    """``exact``: equal; None finds what is missing."""
    if value is None:
        return missing(path)
    return Condition(path, "in", (coerce(path, value, asked),), shown(path, "=", value))


def is_in(path: Path, value: Any, asked: str) -> Bound:
    """``in``: equal to one of the values."""
    values = collection(value, asked)
    present = [element for element in values if element is not None]
    comparables = tuple(dict.fromkeys(coerce(path, element, asked) for element in present))
    found: list[Bound] = []
    if comparables:
        found.append(Condition(path, "in", comparables, shown(path, "in", present)))
    if len(present) < len(values):
        found.append(missing(path))
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def negated(build: Builder) -> Builder:
    """The complement of a lookup."""
    return lambda path, value, asked: Negation(build(path, value, asked))


def between(sign: str, make: Callable[[Any], Bounds]) -> Builder:
    """A lookup with one bound."""

    def build(path: Path, value: Any, asked: str) -> Bound:
        if value is None:
            raise InvalidValue(f"{asked}: None has no order; use {path}__isnull to find what is missing")
        return Condition(path, "between", make(coerce(path, value, asked)), shown(path, sign, value))

    return build


def in_range(path: Path, value: Any, asked: str) -> Bound:
    """``range``: from one end to the other, both of which belong to it."""
    ends = in_order(value, asked)
    if len(ends) != 2 or None in ends:
        raise InvalidValue(f"{asked} takes the two ends of a range, both of which belong to it, not {brief(value)}")
    low, high = coerce(path, ends[0], asked), coerce(path, ends[1], asked)
    return Condition(path, "between", Bounds(low, high), lambda: f"{brief(ends[0])} <= {path} <= {brief(ends[1])}")


def is_null(path: Path, value: Any, asked: str) -> Bound:
    """``isnull``: True for no value, False for one."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{asked} takes True or False, not {brief(value)}")
    return missing(path) if value else Negation(missing(path))

"""The same conditions in a plainer form: negations at the leaves, no needless nesting, bounds merged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..paths import EACH
from ..query.tree import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    Bound,
    Condition,
    Negation,
    Parity,
    fold,
    is_everything,
    is_nothing,
)
from .intervals import intersection
from .months import months_in


def normalise(bound: Bound, negated: bool = False, root: int = 0) -> Bound:
    """Negation normal form, flattened; `EVERYTHING` and `NOTHING` only at the top. O(size of the tree).

    ``root`` is the number of steps to the object that the conditions are about, 0 for whole documents.

    >>> normalise(Negation(AllOf((NOTHING,)))) == EVERYTHING
    True
    """
    if isinstance(bound, Condition):
        return _leaf(bound, negated)
    signed: _Signed = (bound, negated)
    return fold(signed, _below, lambda signed, children: _combine(signed, children, root))


def means_everything(bound: Bound) -> bool:
    """Whether every document meets the conditions, whatever it holds."""
    return is_everything(normalise(bound))


_Signed = tuple[Bound, bool]


def _below(signed: _Signed) -> list[_Signed]:
    bound, negated = signed
    if isinstance(bound, Condition):
        return []
    if isinstance(bound, Negation):
        return [(bound.child, not negated)]
    # The complement of an odd number is an even one of the same.
    inherited = negated and not isinstance(bound, Parity)
    return [(child, inherited) for child in bound.children]


def _combine(signed: _Signed, children: list[Bound], root: int) -> Bound:
    bound, negated = signed
    if isinstance(bound, Condition):
        return _leaf(bound, negated)
    if isinstance(bound, Negation):
        return children[0]
    if isinstance(bound, Parity):
        return _parity(children, bound.odd is not negated, root)
    return _all(children, root) if isinstance(bound, AllOf) is not negated else _any(children)


def _leaf(condition: Condition, negated: bool) -> Bound:
    if _holds_never(condition):
        return EVERYTHING if negated else NOTHING
    return Negation(condition) if negated else condition


def _holds_never(condition: Condition) -> bool:
    if condition.operator == "match":
        return is_nothing(normalise(condition.value, root=len(condition.path.steps)))
    return bool(condition.operator == "between" and condition.value.empty)


def _all(children: Iterable[Bound], root: int) -> Bound:
    flat: list[Bound] = []
    for child in children:
        flat += child.children if isinstance(child, AllOf) else [child]
    merged = months_in(_merge_bounds(flat, root), root)
    if any(map(is_nothing, merged)):
        return NOTHING
    return merged[0] if len(merged) == 1 else AllOf(tuple(merged)) if merged else EVERYTHING


def _any(children: Iterable[Bound]) -> Bound:
    flat: list[Bound] = []
    for child in children:
        flat += child.children if isinstance(child, AnyOf) else [child]
    if any(map(is_everything, flat)):
        return EVERYTHING
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat)) if flat else NOTHING


def _parity(children: Iterable[Bound], odd: bool, root: int) -> Bound:
    kept: list[Bound] = []
    for child in children:
        if is_everything(child):
            odd = not odd
        elif isinstance(child, Parity):
            kept += child.children
            odd = odd is child.odd
        elif not is_nothing(child):
            kept.append(child)
    if not kept:
        return NOTHING if odd else EVERYTHING
    if len(kept) == 1:
        return kept[0] if odd else normalise(kept[0], True)
    if len(kept) == 2 and all(isinstance(child, (Condition, Negation)) for child in kept):
        # Small enough to be written out, for the index to answer.
        first, second = kept if odd else (normalise(kept[0], True), kept[1])
        return _any((_all((first, normalise(second, True)), root), _all((normalise(first, True), second), root)))
    return Parity(tuple(kept), odd)


def _merge_bounds(children: list[Bound], root: int) -> list[Bound]:
    """Bounds on one path as one: RediSearch takes 18 times as long for two one-sided ranges.

    Not through lists, where different elements may meet the two.
    """
    merged: list[Bound] = []
    places: dict[tuple[str, ...], int] = {}
    for child in children:
        mergeable = isinstance(child, Condition) and child.operator == "between" and EACH not in child.path.steps[root:]
        names = child.path.names if isinstance(child, Condition) and mergeable else None
        if names in places and names is not None:
            merged[places[names]] = _both(merged[places[names]], child)
            continue
        if names is not None:
            places[names] = len(merged)
        merged.append(child)
    return [_leaf(child, False) if isinstance(child, Condition) else child for child in merged]


def _both(first: Any, second: Any) -> Condition:
    bounds = intersection(first.value, second.value)
    return Condition(first.path, "between", bounds, lambda: f"{first.shown} and {second.shown}")

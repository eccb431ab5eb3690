"""Conditions across references: first the keys of what is referred to, then conditions on those keys.

So the planner sees conditions on the model's own documents only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..planner.normal import normalise
from ..planner.plan import Select
from ..query.tree import (
    NOTHING,
    REFERS,
    Across,
    AllOf,
    AnyOf,
    Bound,
    Condition,
    Negation,
    fold,
    inner,
    refers,
    through_references,
    within,
)
from .requests import Operation

#: Gives the primary keys of a model's objects that meet conditions.
Find = Callable[[Any, Bound], Operation[list[str]]]


def resolved(select: Select, find: Find) -> Operation[Select]:
    """The question with its conditions across references replaced by conditions on keys; one ``find`` for each.

    Conditions on one reference are asked for together where that is the same. Cost: what ``find`` takes.
    """
    if not refers(select.where):
        return select
    where = _joined(normalise(select.where))
    found: dict[int, Bound] = {}
    for condition in through_references(where):
        pks = yield from find(condition.value.model, condition.value.where)
        found[id(condition)] = _among(condition, pks)
    return select._replace(where=_replaced(where, found))


def _among(condition: Condition, pks: list[str]) -> Bound:
    return Condition(condition.path, "in", tuple(sorted(pks)), condition.said) if pks else NOTHING


def _replaced(where: Bound, found: dict[int, Bound]) -> Bound:
    def combine(node: Bound, children: list[Bound]) -> Bound:
        if isinstance(node, Condition):
            return replace(node, value=children[0]) if children else found.get(id(node), node)
        return Negation(children[0]) if isinstance(node, Negation) else replace(node, children=tuple(children))

    return fold(where, within, combine)


# --- one question for several conditions ----------------------------------------------------------------------------


def _joined(where: Bound) -> Bound:
    """Conditions side by side on one reference as one: an object that meets both, or either, is asked for once."""

    def combine(node: Bound, children: list[Bound]) -> Bound:
        if isinstance(node, Condition):
            return node
        if isinstance(node, Negation):
            return Negation(children[0])
        if isinstance(node, (AllOf, AnyOf)):
            kept = _side_by_side(children, type(node))
            return kept[0] if len(kept) == 1 else type(node)(tuple(kept))
        return replace(node, children=tuple(children))

    return fold(where, inner, combine)


def _side_by_side(children: list[Bound], join: type[AllOf] | type[AnyOf]) -> list[Bound]:
    kept: list[Bound] = []
    places: dict[tuple[bool, tuple[str, ...]], int] = {}
    for child in children:
        negated = isinstance(child, Negation)
        condition = child.child if isinstance(child, Negation) else child
        if not isinstance(condition, Condition) or not _joins(condition, join, negated):
            kept.append(child)
            continue
        place = places.setdefault((negated, condition.path.names), len(kept))
        if place == len(kept):
            kept.append(child)
        else:
            kept[place] = _both(kept[place], condition, join)
    return kept


def _joins(condition: Condition, join: type[AllOf] | type[AnyOf], negated: bool) -> bool:
    # Of a list, one object may meet the one and another object the other: only "some of either" is one question.
    either = (join is AnyOf) is not negated
    return condition.operator == REFERS and (either or not condition.path.multiple)


def _both(first: Bound, second: Condition, join: type[AllOf] | type[AnyOf]) -> Bound:
    negated = isinstance(first, Negation)
    condition = first.child if isinstance(first, Negation) else first
    assert isinstance(condition, Condition)
    either = (join is AnyOf) is not negated
    where = (AnyOf if either else AllOf)((condition.value.where, second.value.where))
    shown = f"({condition.shown} {'or' if either else 'and'} {second.shown})"
    together = Condition(condition.path, REFERS, Across(condition.value.model, where), shown)
    return Negation(together) if negated else together

"""Conditions: `Q`, as a user writes them, and the tree of bound conditions that the planner reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ..paths import Path


@dataclass(frozen=True, init=False)
class Q:
    """Lookups joined by ``&``, ``|`` and ``~``; immutable.

    >>> Q(flavour="x", amount_kg__gte=3) | ~Q(city="Rio")
    Q(flavour='x', amount_kg__gte=3) | ~Q(city='Rio')
    """

    children: tuple[Q | tuple[str, Any], ...]
    connector: str
    negated: bool

    def __init__(self, *children: Q, **lookups: Any) -> None:
        for child in children:
            if not isinstance(child, Q):
                raise TypeError(f"Q takes Q objects and keyword lookups, not {child!r}")
        self._fill((*children, *lookups.items()), "&", False)

    def _fill(self, children: tuple[Q | tuple[str, Any], ...], connector: str, negated: bool) -> Q:
        object.__setattr__(self, "children", children)
        object.__setattr__(self, "connector", connector)
        object.__setattr__(self, "negated", negated)
        return self

    def __and__(self, other: Q) -> Q:
        return self._join(other, "&")

    def __or__(self, other: Q) -> Q:
        return self._join(other, "|")

    def __invert__(self) -> Q:
        return Q.__new__(Q)._fill(self.children, self.connector, not self.negated)

    def _join(self, other: Q, connector: str) -> Q:
        if not isinstance(other, Q):
            return NotImplemented
        if not self.children and not self.negated:
            # As in Django: `query = Q()` may begin a loop of `query |= Q(…)`.
            return other
        if not other.children and not other.negated:
            return self
        # Kept flat: a loop of `query |= Q(…)` makes one level, not one a turn.
        return Q.__new__(Q)._fill((*self._parts(connector), *other._parts(connector)), connector, False)

    def _parts(self, connector: str) -> tuple[Q | tuple[str, Any], ...]:
        mergeable = not self.negated and self.children and (self.connector == connector or len(self.children) == 1)
        return self.children if mergeable else (self,)

    def __repr__(self) -> str:
        parts = [repr(child) if isinstance(child, Q) else f"{child[0]}={child[1]!r}" for child in self.children]
        names = [child[0] for child in self.children if isinstance(child, tuple)]
        if self.connector == "&" and len(set(names)) == len(self.children):
            text = f"Q({', '.join(parts)})"
        else:
            text = f" {self.connector} ".join(map(_as_operand, self.children))
            text = f"({text})" if self.negated and len(parts) > 1 else text
        return f"~{text}" if self.negated else text


def _as_operand(child: Q | tuple[str, Any]) -> str:
    if isinstance(child, tuple):
        return f"Q({child[0]}={child[1]!r})"
    nested = not child.negated and len(child.children) > 1 and any(isinstance(part, Q) for part in child.children)
    return f"({child!r})" if nested or (child.connector == "|" and not child.negated) else repr(child)


@dataclass(frozen=True)
class Bounds:
    """An interval of comparables; None is no bound on that side."""

    low: Any = None
    high: Any = None
    include_low: bool = True
    include_high: bool = True

    def __contains__(self, comparable: Any) -> bool:
        if self.low is not None and not (comparable > self.low or (self.include_low and comparable == self.low)):
            return False
        return self.high is None or comparable < self.high or (self.include_high and comparable == self.high)


@dataclass(frozen=True, eq=False)
class Condition:
    """One bound condition: some value at ``path`` meets ``operator`` with ``value``, a comparable.

    ``shown`` is how it reads in an explanation.
    """

    path: Path
    operator: str
    value: Any
    shown: str


@dataclass(frozen=True, eq=False)
class AllOf:
    """Every child holds; with no children: everything does."""

    children: tuple[Bound, ...]


@dataclass(frozen=True, eq=False)
class AnyOf:
    """Some child holds; with no children: nothing does."""

    children: tuple[Bound, ...]


@dataclass(frozen=True, eq=False)
class Negation:
    """The child does not hold: the true complement, objects without the field included."""

    child: Bound


Bound: TypeAlias = Condition | AllOf | AnyOf | Negation
EVERYTHING = AllOf(())
NOTHING = AnyOf(())


def describe(bound: Bound) -> str:
    """The conditions in words, for explanations."""
    if isinstance(bound, Condition):
        return bound.shown
    if isinstance(bound, Negation):
        return f"not ({describe(bound.child)})"
    joiner, empty = (" and ", "everything") if isinstance(bound, AllOf) else (" or ", "nothing")
    parts = [
        f"({describe(c)})" if isinstance(c, (AllOf, AnyOf)) and c.children else describe(c) for c in bound.children
    ]
    return joiner.join(parts) or empty

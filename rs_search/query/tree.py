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
        return Q.__new__(Q)._fill((self, other), connector, False)

    def __repr__(self) -> str:
        lookups = ", ".join(f"{child[0]}={child[1]!r}" for child in self.children if isinstance(child, tuple))
        inner = [repr(child) for child in self.children if isinstance(child, Q)]
        if inner and not lookups and len(inner) > 1:
            text = f" {self.connector} ".join(f"({part})" if " " in part and "|" in part else part for part in inner)
            return f"~({text})" if self.negated else text
        text = f"Q({', '.join([*inner, lookups] if lookups else inner)})"
        return f"~{text}" if self.negated else text


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

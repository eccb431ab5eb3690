"""The tree of bound conditions that the planner reads; `rs_search.query.written` is what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from ..paths import Path
from .conditions import DEEPEST_SHOWN

Said: TypeAlias = str | Callable[[], str]
N = TypeVar("N")
R = TypeVar("R")
#: The operator of conditions on objects that are referred to; none is left when a question is planned.
REFERS = "refers"


def fold(root: N, children: Callable[[N], Iterable[N]], combine: Callable[[N, list[R]], R]) -> R:
    """Work a tree out from its leaves up, without recursion: conditions may nest to any depth. O(nodes).

    >>> fold(((), ((),)), iter, lambda node, depths: 1 + max(depths, default=0))
    3
    """
    results: list[R] = []
    stack = [(root, iter(children(root)), results)]
    while True:
        node, rest, done = stack[-1]
        for child in rest:
            below = children(child)
            if below:
                stack.append((child, iter(below), []))
                break
            # Leaves are most of a tree.
            done.append(combine(child, []))
        else:
            stack.pop()
            result = combine(node, done)
            if not stack:
                return result
            stack[-1][2].append(result)


@dataclass(frozen=True, slots=True)
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

    @property
    def empty(self) -> bool:
        """Whether nothing can lie between."""
        if self.low is None or self.high is None or self.low < self.high:
            return False
        return bool(self.low > self.high) or not (self.include_low and self.include_high)


@dataclass(frozen=True, eq=False, slots=True)
class Condition:
    """One bound condition: some value at ``path`` meets ``operator`` with ``value``, a comparable.

    ``said`` is how it reads in an explanation, or what says so when it is asked: most queries are never explained.
    """

    path: Path
    operator: str
    value: Any
    said: Said

    @property
    def shown(self) -> str:
        """How it reads in an explanation."""
        return self.said if isinstance(self.said, str) else self.said()


@dataclass(frozen=True, eq=False, slots=True)
class Across:
    """The value of the operator `REFERS`: some object of ``model`` that is referred to meets ``where``."""

    model: Any
    where: Bound


@dataclass(frozen=True, eq=False, slots=True)
class AllOf:
    """Every child holds; with no children: everything does."""

    children: tuple[Bound, ...]


@dataclass(frozen=True, eq=False, slots=True)
class AnyOf:
    """Some child holds; with no children: nothing does."""

    children: tuple[Bound, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Parity:
    """An odd number of the children hold; with ``odd`` False, an even one."""

    children: tuple[Bound, ...]
    odd: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class Negation:
    """The child does not hold: the true complement, objects without the field included."""

    child: Bound


Bound: TypeAlias = Condition | AllOf | AnyOf | Parity | Negation
EVERYTHING = AllOf(())
NOTHING = AnyOf(())


def inner(bound: Bound) -> tuple[Bound, ...]:
    """What a node joins; nothing for a condition."""
    if isinstance(bound, Condition):
        return ()
    return (bound.child,) if isinstance(bound, Negation) else bound.children


def is_everything(bound: Bound) -> bool:
    """Whether it is `EVERYTHING`, of normalised conditions."""
    return isinstance(bound, AllOf) and not bound.children


def is_nothing(bound: Bound) -> bool:
    """Whether it is `NOTHING`, of normalised conditions."""
    return isinstance(bound, AnyOf) and not bound.children


def refers(bound: Bound) -> bool:
    """Whether there are conditions across references."""
    if isinstance(bound, Condition) and bound.operator not in (REFERS, "match"):
        # Most questions: not worth a walk through a tree.
        return False
    return bool(through_references(bound))


def through_references(bound: Bound) -> list[Condition]:
    """The conditions across references, those among a `match`'s included."""

    def combine(node: Bound, found: list[list[Condition]]) -> list[Condition]:
        own = [node] if isinstance(node, Condition) and node.operator == REFERS else []
        return own + [condition for conditions in found for condition in conditions]

    return fold(bound, within, combine)


def within(node: Bound) -> tuple[Bound, ...]:
    """What a node joins; of a ``match``, what its elements must meet."""
    return (node.value,) if isinstance(node, Condition) and node.operator == "match" else inner(node)


def paths_of(bound: Bound) -> list[Path]:
    """The paths that conditions are about, one for each condition."""

    def combine(node: Bound, found: list[list[Path]]) -> list[Path]:
        own = [node.path] if isinstance(node, Condition) else []
        return own + [path for paths in found for path in paths]

    return fold(bound, within, combine)


_JOINERS = {AllOf: (" and ", "everything"), AnyOf: (" or ", "nothing"), Parity: (" xor ", "nothing")}


def describe(bound: Bound, depth: int = 0) -> str:
    """The conditions in words, for explanations."""
    if depth > DEEPEST_SHOWN:
        return "..."
    if isinstance(bound, Condition):
        return bound.shown
    if isinstance(bound, Negation):
        return f"not ({describe(bound.child, depth + 1)})"
    joiner, empty = _JOINERS[type(bound)]
    text = joiner.join(_bracketed(child, depth + 1) for child in bound.children) or empty
    return f"not ({text})" if isinstance(bound, Parity) and not bound.odd else text


def _bracketed(child: Bound, depth: int) -> str:
    text = describe(child, depth)
    return f"({text})" if isinstance(child, (AllOf, AnyOf, Parity)) and len(child.children) > 1 else text

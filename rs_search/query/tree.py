"""Conditions: `Q`, as a user writes them, and the tree of bound conditions that the planner reads."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, TypeVar

from ..paths import Path
from .written import written

Said: TypeAlias = str | Callable[[], str]
N = TypeVar("N")
R = TypeVar("R")
#: Deeper than this, conditions print as an ellipsis: no reader follows, and Python reads no more brackets than 200.
DEEPEST_SHOWN = 90
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


@dataclass(frozen=True, init=False)
class Q:
    """Lookups joined by ``&``, ``|``, ``^`` (an odd number of them holds) and ``~``; immutable.

    >>> Q(flavour="x", amount_kg__gte=3) | ~Q(city="Rio")
    Q(flavour='x', amount_kg__gte=3) | ~Q(city='Rio')
    """

    children: tuple[Q | tuple[str, Any], ...]
    connector: str
    negated: bool

    def __init__(self, /, *children: Q, **lookups: Any) -> None:
        for child in children:
            if not isinstance(child, Q):
                raise TypeError(f"Q takes Q objects and keyword lookups, not {child!r}")
        self._fill((*children, *((name, _kept(value)) for name, value in lookups.items())), "&", False)

    def _fill(self, children: tuple[Q | tuple[str, Any], ...], connector: str, negated: bool) -> Q:
        object.__setattr__(self, "children", children)
        object.__setattr__(self, "connector", connector)
        object.__setattr__(self, "negated", negated)
        return self

    def __and__(self, other: Q) -> Q:
        return self._join(other, "&")

    def __or__(self, other: Q) -> Q:
        return self._join(other, "|")

    def __xor__(self, other: Q) -> Q:
        return self._join(other, "^")

    def __invert__(self) -> Q:
        return Q.__new__(Q)._fill(self.children, self.connector, not self.negated)

    def __bool__(self) -> NoReturn:
        # `Q(…) and Q(…)` is the second of them in Python: a condition would be lost without a word.
        raise TypeError(
            f"{self!r} is neither true nor false by itself: join conditions by & | ^ ~, not by and, or, not"
        )

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
        return _written(self, 0)


def _kept(value: Any) -> Any:
    """A value that stays as it is: what can be gone through only once is read now, and what may change is copied."""
    if isinstance(value, Iterator):
        return list(value)
    if isinstance(value, dict):
        return {name: _kept(inner) for name, inner in value.items()}
    return value.copy() if isinstance(value, (list, set)) else value


def keywords(lookups: Iterable[tuple[str, Any]]) -> list[str]:
    """Lookups as the arguments of a call.

    >>> keywords([("amount_kg__gte", 3), ("prices__per litre", 2)])
    ['amount_kg__gte=3', "**{'prices__per litre': 2}"]
    """
    named, odd = [], []
    for name, value in lookups:
        if name.isidentifier() and not keyword.iskeyword(name):
            named.append(f"{name}={written(value)}")
        else:
            odd.append(f"{name!r}: {written(value)}")
    return [*named, *([f"**{{{', '.join(odd)}}}"] if odd else [])]


def arguments(query: Q) -> str:
    """A query as the arguments of ``filter``.

    >>> arguments(Q(Q(id="x") | Q(id="y"), amount_kg__gte=3))
    "Q(id='x') | Q(id='y'), amount_kg__gte=3"
    """
    if query.negated or query.connector != "&":
        return repr(query)
    lookups = [child for child in query.children if isinstance(child, tuple)]
    if len({name for name, _ in lookups}) < len(lookups):
        return repr(query)
    return ", ".join([*(repr(child) for child in query.children if isinstance(child, Q)), *keywords(lookups)])


def _written(query: Q, depth: int) -> str:
    if depth > DEEPEST_SHOWN:
        return "..."
    names = [child[0] for child in query.children if isinstance(child, tuple)]
    if query.connector == "&" and len(set(names)) == len(query.children):
        text = f"Q({', '.join(keywords(child for child in query.children if isinstance(child, tuple)))})"
    else:
        text = f" {query.connector} ".join(_as_operand(child, depth + 1) for child in query.children)
        text = f"({text})" if query.negated and len(query.children) > 1 else text
        text = f"Q({text})" if len(query.children) == 1 else text
    return f"~{text}" if query.negated else text


def _as_operand(child: Q | tuple[str, Any], depth: int) -> str:
    if isinstance(child, tuple):
        return f"Q({', '.join(keywords([child]))})"
    joined = len(child.children) > 1 and any(isinstance(part, Q) for part in child.children)
    bracketed = not child.negated and (joined or (child.connector != "&" and len(child.children) > 1))
    return f"({_written(child, depth)})" if bracketed else _written(child, depth)


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

    @property
    def empty(self) -> bool:
        """Whether nothing can lie between."""
        if self.low is None or self.high is None or self.low < self.high:
            return False
        return bool(self.low > self.high) or not (self.include_low and self.include_high)


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
class Across:
    """The value of the operator `REFERS`: some object of ``model`` that is referred to meets ``where``."""

    model: Any
    where: Bound


@dataclass(frozen=True, eq=False)
class AllOf:
    """Every child holds; with no children: everything does."""

    children: tuple[Bound, ...]


@dataclass(frozen=True, eq=False)
class AnyOf:
    """Some child holds; with no children: nothing does."""

    children: tuple[Bound, ...]


@dataclass(frozen=True, eq=False)
class Parity:
    """An odd number of the children hold; with ``odd`` False, an even one."""

    children: tuple[Bound, ...]
    odd: bool = True


@dataclass(frozen=True, eq=False)
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

"""Conditions as a user writes them: `Q`. Every program that uses the library imports this, so it imports little."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from .written import written

#: Deeper than this, conditions print as an ellipsis: no reader follows, and Python reads no more brackets than 200.
DEEPEST_SHOWN = 90


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
        for name, value in lookups.items():
            if type(value) not in _FIXED:
                lookups[name] = _kept(value)
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


#: What stays as it is.
_FIXED = frozenset((str, int, float, bool, tuple, type(None)))


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

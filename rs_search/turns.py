"""Work on many rows in turns: between two of them, other tasks of an event loop have theirs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")
#: Yields where others may have their turn, and returns its result.
Work: TypeAlias = Generator[None, None, T]
#: Rows read in one turn, those written (validation takes as long as reading fifty), and those sorted.
READ, WRITTEN, SORTED = 1000, 50, 10_000


def in_turns(items: list[A], work: Callable[[list[A]], list[B]], turn: int = READ) -> Work[list[B]]:
    """What ``work`` makes of items, of so many in a turn.

    >>> finished(in_turns([1, 2, 3], lambda part: [sum(part)], turn=2))
    [3, 3]
    """
    found: list[B] = []
    for start in range(0, len(items), turn):
        if start:
            yield
        found += work(items[start : start + turn])
    return found


def sorted_in_turns(items: list[A], key: Callable[[A], Any] | None = None, descending: bool = False) -> Work[list[A]]:
    """As ``sorted``, ties as they come. O(n log n); twice as long where more than `SORTED` are sorted.

    >>> finished(sorted_in_turns([3, 1, 2], key=int))
    [1, 2, 3]
    """
    if len(items) <= SORTED:
        return sorted(items, key=key, reverse=descending)  # type: ignore[type-var,arg-type]
    keys: list[Any] = items if key is None else (yield from in_turns(items, lambda part: list(map(key, part))))
    # Between two values of a sample lie about so many as can be sorted at once, and ties never on both sides of one.
    bounds = sorted(keys[:: max(1, SORTED // 16)])[8::8]
    parts: list[list[int]] = [[] for _ in range(len(bounds) + 1)]
    for start in range(0, len(keys), READ):
        for place, value in enumerate(keys[start : start + READ], start):
            parts[bisect_right(bounds, value)].append(place)
        yield
    found: list[A] = []
    for part in reversed(parts) if descending else parts:
        part.sort(key=keys.__getitem__, reverse=descending)
        found += [items[place] for place in part]
        yield
    return found


def freed(items: list[Any]) -> Work[None]:
    """Let go of a list that nobody needs any more, but for its first part: all at once takes as long as many pages."""
    while len(items) > READ:
        del items[-READ:]
        yield


def finished(work: Work[T]) -> T:
    """Work done to its end in one turn.

    >>> finished(in_turns([], list))
    []
    """
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: T = stop.value
            return result

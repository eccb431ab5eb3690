"""One computation a class, kept as long as the class lives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


def once_per_class(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Remember what ``function`` gives for a class. Two threads may both compute it; they compute the same."""
    known: WeakKeyDictionary[type, T] = WeakKeyDictionary()

    @functools.wraps(function)
    def remembered(cls: Any) -> T:
        try:
            return known[cls]
        except KeyError:
            return known.setdefault(cls, function(cls))

    return remembered

"""One computation a class, kept as long as the class lives."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_MEMORY = "_rs_search_memory"
_lock = threading.Lock()


def once_per_class(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Remember what ``function`` gives for a class. Two threads may both compute it; both get the same one.

    It is kept on the class itself: what is computed mostly names the class, and kept anywhere else it would keep alive
    a class that was made at run time.
    """

    @functools.wraps(function)
    def remembered(cls: Any) -> T:
        try:
            # By ``__dict__``: a subclass must not find what is remembered of its base.
            found: T = cls.__dict__[_MEMORY][function]
        except KeyError:
            found = _memory_of(cls).setdefault(function, function(cls))
        return found

    return remembered


def _memory_of(cls: Any) -> dict[Callable[[Any], Any], Any]:
    known: dict[Callable[[Any], Any], Any] | None = cls.__dict__.get(_MEMORY)
    if known is None:
        with _lock:
            if _MEMORY not in cls.__dict__:
                setattr(cls, _MEMORY, {})
            known = cls.__dict__[_MEMORY]
    return known

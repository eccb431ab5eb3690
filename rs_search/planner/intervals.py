"""Intervals of comparables."""

from __future__ import annotations

from typing import Any

from ..query.tree import Bounds


def intersection(first: Bounds, second: Bounds) -> Bounds:
    """What lies in both intervals."""
    low, include_low = _tighter(first.low, first.include_low, second.low, second.include_low, 1)
    high, include_high = _tighter(first.high, first.include_high, second.high, second.include_high, -1)
    return Bounds(low, high, include_low, include_high)


def _tighter(first: Any, include_first: bool, second: Any, include_second: bool, sign: int) -> tuple[Any, bool]:
    if first is None or second is None:
        return (second, include_second) if first is None else (first, include_first)
    if first == second:
        return first, include_first and include_second
    return (first, include_first) if (first > second) == (sign > 0) else (second, include_second)

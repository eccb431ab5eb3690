"""Slices of result sets: which rows, and what is refused."""

from __future__ import annotations

from operator import index

from ..errors import InvalidSlice


def ends(wanted: slice, of: object) -> tuple[int, int | None]:
    """Where a slice begins and ends, None for the last row. Raises `InvalidSlice`; `TypeError` for what is no integer.

    >>> ends(slice(None, 3), "rows")
    (0, 3)
    """
    if wanted.step not in (None, 1):
        raise InvalidSlice(f"{of!r}: a slice takes every row; use list(…)[::{wanted.step}]")
    start, stop = index(wanted.start or 0), None if wanted.stop is None else index(wanted.stop)
    if start < 0 or (stop is not None and stop < 0):
        raise InvalidSlice(f"{of!r}: a slice counts from the start; use reverse(), or list(…)[{start}:]")
    return start, stop


def within(first: int, last: int | None, start: int, stop: int | None) -> tuple[int, int | None]:
    """The ends of a slice of a slice.

    >>> within(10, 20, 2, None), within(10, None, 2, 5), within(10, 20, 30, 40)
    ((12, 20), (12, 15), (20, 20))
    """
    end = last if stop is None else first + stop if last is None else min(last, first + stop)
    return first + start if end is None else min(first + start, end), end

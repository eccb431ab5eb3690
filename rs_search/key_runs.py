"""Many keys in order, each once, in little memory.

SCAN gives keys as they come, some of them twice; rows are wanted in the order of their keys. So the keys are sorted in
*runs*, packed, and merged as they are read (external sorting, Knuth, The Art of Computer Programming 3, 5.4): of a
million, 3 to 20 MB are held in place of 110.
"""

from __future__ import annotations

import heapq
import marshal
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

#: Keys of a run, and those that are packed together: of each run so many are unpacked at a time.
RUN, PACKED = 20_000, 500


class KeyRuns:
    """Keys that are added in any order; ``rank`` gives what they are ordered by, None for themselves.

    >>> runs = KeyRuns()
    >>> runs.add(["b", "c"])
    >>> runs.add(["a", "b"])
    >>> list(runs.batches(2))
    [['a', 'b'], ['c']]
    """

    def __init__(self, rank: Callable[[str], Any] | None = None, down: bool = False) -> None:
        self._rank, self._down = rank, down
        self._packed: list[list[bytes]] = []
        self._last: list[str] = []

    def add(self, keys: list[str]) -> None:
        """Take in some more. O(log) each."""
        self._last += keys
        if len(self._last) >= RUN:
            run = self._sorted()
            # Not json: a key of another program may have no UTF-8 form. Sorted keys have much in common.
            self._packed.append(
                [zlib.compress(marshal.dumps(run[start : start + PACKED]), 1) for start in range(0, len(run), PACKED)]
            )
            self._last = []

    def batches(self, size: int) -> Iterator[list[str]]:
        """All of them in order, so many at a time."""
        merged = self._merged() if self._packed else iter(self._sorted())
        while batch := list(islice(merged, size)):
            yield batch

    def _sorted(self) -> list[str]:
        return sorted(dict.fromkeys(self._last), key=self._rank, reverse=self._down)

    def _merged(self) -> Iterator[str]:
        runs = [_unpacked(run) for run in self._packed]
        before = None
        for key in heapq.merge(*runs, self._sorted(), key=self._rank, reverse=self._down):
            if key != before:
                yield key
            before = key


def _unpacked(run: list[bytes]) -> Iterator[str]:
    for packed in run:
        yield from marshal.loads(zlib.decompress(packed))

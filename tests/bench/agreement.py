"""Nothing is timed before all contestants gave the same answers."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from .rounds import Contestant
from .rows import Row
from .workload import Parameters

QUESTIONS = 3


class Disagreement(Exception):
    """Two contestants answered a question differently; it says which and how."""


def check(row: Row, contestants: Sequence[Contestant], draw: Parameters) -> None:
    """Raise `Disagreement` unless all give the same rows, in the same order where the row has one."""
    for number in range(1 if row.slow else QUESTIONS):
        asked = row.ask(draw)
        answers = {one.name: one.answer(row, asked) for one in contestants if not number or one.patience(row) is None}
        first, expected = next(iter(answers.items()))
        for name, given in answers.items():
            if given != expected:
                raise Disagreement(
                    f"{row.title}: of {asked!r} {first} made {_short(expected)}, and {name} {_short(given)}"
                )


class Seen:
    """An answer as lists, texts and numbers, so that it can be compared, and sent by another process.

    ``plain`` makes the benchmark's document of one of the contestant's.
    """

    def __init__(self, row: Row, plain: Callable[[Any], dict[str, Any]]) -> None:
        self._row = row
        self._plain = plain
        self._count = self._sum = 0

    def whole(self, found: Any) -> Any:
        """An answer that came at once."""
        if found is None or isinstance(found, int):
            return found
        if not isinstance(found, list):
            return self._frozen(found)
        seen = [self._frozen(one) for one in found]
        return seen if self._row.ordered else sorted(seen)

    def add(self, one: Any) -> None:
        """One document of an answer that has too many to keep."""
        self._count += 1
        self._sum += zlib.crc32(repr(self._frozen(one)).encode())

    def total(self) -> list[int]:
        """What stands for those that were added, in whatever order."""
        return [self._count, self._sum]

    def _frozen(self, one: Any) -> Any:
        return _frozen(self._plain(one))


def _frozen(value: Any) -> Any:
    """A document as a list of its members, in the order of their names."""
    if isinstance(value, dict):
        return [_frozen(value[name]) for name in sorted(value)]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.timezone.utc).isoformat()
    return list(value) if isinstance(value, (list, tuple)) else value


def _short(answer: Any) -> str:
    text = repr(answer)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(answer)} rows)"

"""Orders, in Python: by the keys given, missing last both ways, then by key; and the first of each combination."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..companions import comparable_of
from ..kinds import canonical
from ..paths import EACH, Document, Path
from ..query.bind import OrderKey
from ..turns import Work, in_turns, sorted_in_turns

#: A row's key, what it is ordered by (None where it is missing), and what the caller keeps of it.
Ranked = tuple[str, tuple[Any, ...], Any]


def ranker(order: tuple[OrderKey, ...]) -> Callable[[Document], tuple[Any, ...]]:
    """A function that gives what a document is ordered by."""
    readers = [(key.path.reader(), key.path.field) for key in order]

    def rank(document: Document) -> tuple[Any, ...]:
        found = ((field, [value for value in read(document) if value is not None]) for read, field in readers)
        return tuple(comparable_of(field, values[0]) if values else None for field, values in found)

    return rank


def ordered(
    rows: list[Ranked], order: tuple[OrderKey, ...], keys_down: bool = False, rank: Callable[[str], str] = str
) -> Work[list[Ranked]]:
    """Rows in their order, ties by the ``rank`` of their keys; O(n log n)."""
    found = yield from sorted_in_turns(rows, lambda row: rank(row[0]), keys_down)
    for place in reversed(range(len(order))):
        found = yield from _ordered_by(found, place, order[place].descending)
    return found


def _ordered_by(rows: list[Ranked], place: int, descending: bool) -> Work[list[Ranked]]:
    """Rows by one of the things that they are ordered by, ties as they come, the missing last."""
    present = yield from in_turns(rows, lambda part: [row for row in part if row[1][place] is not None])
    missing = yield from in_turns(rows, lambda part: [row for row in part if row[1][place] is None])
    return (yield from sorted_in_turns(present, lambda row: row[1][place], descending)) + missing


class Seen:
    """Tells which rows are the first with their combination of values at some paths."""

    def __init__(self, paths: tuple[Path, ...] | None) -> None:
        self._paths = paths or ()
        self._seen: set[Any] = set()

    def is_first(self, document: Document) -> bool:
        """Whether no row before had these values; always True without paths."""
        if not self._paths:
            return True
        values = tuple(_same(path, _at(document, path.steps)) for path in self._paths)
        if values in self._seen:
            return False
        self._seen.add(values)
        return True


def _at(value: Any, steps: tuple[str | None, ...]) -> Any:
    """What stands at the end of a path; of a list, a list of what stands in its elements, None where nothing does."""
    if not steps or value is None:
        return value
    step, *rest = steps
    if step is EACH:
        return [_at(element, tuple(rest)) for element in value] if isinstance(value, list) else None
    return _at(value.get(step), tuple(rest)) if isinstance(value, dict) else None


def _same(path: Path, value: Any) -> Any:
    """A stand-in for a value that is equal where the values are."""
    if isinstance(value, list):
        return tuple(_same(path, element) for element in value)
    kind = path.field.kind
    return comparable_of(path.field, value) if value is not None and kind.ordered else canonical(value)

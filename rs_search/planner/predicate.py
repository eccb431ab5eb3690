"""What every condition means: a function of the document. The index only makes it fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..companions import comparable_of, texts_of
from ..paths import Document
from ..query.bind import OrderKey
from ..query.tree import AllOf, Bound, Condition, Negation

Predicate = Callable[[Document], bool]


def predicate(bound: Bound) -> Predicate:
    """A function that tells whether a document meets the conditions.

    Calling it raises schematics' errors for a document whose members cannot be read as the model's types.
    """
    if isinstance(bound, Condition):
        return _OPERATORS[bound.operator](bound)
    if isinstance(bound, Negation):
        child = predicate(bound.child)
        return lambda document: not child(document)
    children = [predicate(child) for child in bound.children]
    if isinstance(bound, AllOf):
        return lambda document: all(child(document) for child in children)
    return lambda document: any(child(document) for child in children)


def _some(condition: Condition, test: Callable[[Any], bool]) -> Predicate:
    read, field = condition.path.reader(), condition.path.field

    def check(document: Document) -> bool:
        return any(value is not None and test(comparable_of(field, value)) for value in read(document))

    return check


def _in(condition: Condition) -> Predicate:
    wanted = frozenset(condition.value)
    return _some(condition, lambda comparable: comparable in wanted)


def _between(condition: Condition) -> Predicate:
    return _some(condition, lambda comparable: comparable in condition.value)


def _missing(condition: Condition) -> Predicate:
    read = condition.path.reader()
    return lambda document: all(value is None for value in read(document))


def _search(condition: Condition) -> Predicate:
    read = condition.path.reader()
    return lambda document: any(condition.value.matches(text) for value in read(document) for text in texts_of(value))


_OPERATORS: dict[str, Callable[[Condition], Predicate]] = {
    "in": _in,
    "between": _between,
    "missing": _missing,
    "search": _search,
}
OPERATORS = frozenset(_OPERATORS)


def sort_rows(rows: list[tuple[str, Document]], order: tuple[OrderKey, ...]) -> list[tuple[str, Document]]:
    """Rows of key and document in their order: by the keys given, missing last both ways, then by key. O(n log n)."""
    rows = sorted(rows, key=lambda row: row[0])
    for key in reversed(order):
        rows = _sorted_by(rows, key)
    return rows


def _sorted_by(rows: list[tuple[str, Document]], key: OrderKey) -> list[tuple[str, Document]]:
    read, field = key.path.reader(), key.path.field
    present, missing = [], []
    for row in rows:
        values = [value for value in read(row[1]) if value is not None]
        if values:
            present.append((comparable_of(field, values[0]), row))
        else:
            missing.append(row)
    present.sort(key=lambda pair: pair[0], reverse=key.descending)
    return [row for _, row in present] + missing

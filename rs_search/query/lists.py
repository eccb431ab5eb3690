"""Lookups on lists as wholes: what they contain, how long they are, and elements that meet several conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schematics.models import Model

from ..errors import InvalidValue
from ..kinds import ANY, POINT
from ..paths import EACH, Path
from .comparisons import is_in
from .strings import CONTAINS, like
from .tree import AllOf, Bound, Condition
from .values import coerce, shown

_contains_text = like(CONTAINS)


def ends_in_list(path: Path) -> bool:
    """Whether the path's own field is a list, not only one above it."""
    return path.steps[-1] is EACH


def list_itself(path: Path) -> Path:
    """The path to the list whose elements a path ends in."""
    steps = path.steps
    while steps[-1] is EACH:
        steps = steps[:-1]
    return Path(path.names, steps, path.field)


def contains(path: Path, value: Any, asked: str) -> Bound:
    """``contains``: on a list, the element or all of several; on a text, the part."""
    if not ends_in_list(path):
        return _contains_text(path, value, asked)
    elements = _elements(path, value, asked)
    if not elements:
        # All of none would be every object: no value may erase a condition.
        raise InvalidValue(f"{asked} takes an element or several, not an empty list")
    if None in elements:
        raise InvalidValue(f"{asked}: None is no element; use {path}__isnull to find lists without any")
    wanted = tuple(dict.fromkeys(coerce(path, element, asked) for element in elements))
    if EACH in list_itself(path).steps and len(wanted) > 1:
        # Of many lists, one must have them all.
        return Condition(path, "all in", wanted, shown(path, "contains", elements))
    return AllOf(tuple(Condition(path, "in", (one,), shown(path, "contains", one)) for one in wanted))


def overlap(path: Path, value: Any, asked: str) -> Bound:
    """``overlap``: at least one of several elements."""
    elements = _elements(path, value, asked)
    if None in elements:
        raise InvalidValue(f"{asked}: None is no element; use {path}__isnull to find lists without any")
    return is_in(path, elements, asked)


def _elements(path: Path, value: Any, asked: str) -> list[Any]:
    if path.field.kind in (POINT, ANY):
        # One element may be a list itself.
        try:
            coerce(path, value, asked)
        except InvalidValue:
            pass
        else:
            return [value]
    one = isinstance(value, (str, bytes, Mapping, Model)) or not isinstance(value, Iterable)
    return [value] if one else list(value)

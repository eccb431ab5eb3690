"""Lookups on parts of strings, regular expressions, and words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue
from ..paths import Path
from ..planner import text as full_text
from .comparisons import Builder, missing
from .tree import NOTHING, Bound, Condition, Said
from .values import brief, in_order, shown, text_of

EQUALS, CONTAINS, STARTS, ENDS = "equals", "contains", "startswith", "endswith"
_TESTS = {EQUALS: str.__eq__, CONTAINS: str.__contains__, STARTS: str.startswith, ENDS: str.endswith}


@dataclass(frozen=True)
class Like:
    """A part that a text has: ``where`` it stands; ``folded`` tells that case does not matter (Unicode folding)."""

    where: str
    text: str
    folded: bool = False

    def matches(self, text: str) -> bool:
        """Whether the text has the part.

        >>> Like("startswith", "STRASSE", True).matches("Straße 1")
        True
        """
        if self.folded:
            return bool(_TESTS[self.where](text.casefold(), self.text.casefold()))
        return bool(_TESTS[self.where](text, self.text))


def like(where: str, folded: bool = False) -> Builder:
    """A lookup on a part of the text."""

    def build(path: Path, value: Any, asked: str) -> Bound:
        if value is None and where == EQUALS:
            return missing(path)
        part = Like(where, text_of(path, value, asked), folded)
        name = {EQUALS: "equals"}.get(where, where) + (" (any case)" if folded else "")
        return Condition(path, "like", part, shown(path, name, value))

    return build


def regex(flags: int = 0) -> Builder:
    """A lookup by regular expression, found anywhere in the text (``re.search``)."""

    def build(path: Path, value: Any, asked: str) -> Bound:
        if not isinstance(value, (str, re.Pattern)):
            raise InvalidValue(f"{asked} takes a regular expression, not {brief(value)}")
        try:
            pattern = re.compile(value, flags) if isinstance(value, str) else re.compile(
                value.pattern, value.flags | flags
            )  # fmt: skip
            pattern.search("")
        except (re.error, TypeError, RecursionError, OverflowError) as error:
            raise InvalidValue(f"{asked}: {brief(value)} is no regular expression for text: {error}") from None
        return Condition(path, "regex", pattern, shown(path, "matches", pattern.pattern))

    return build


def search(path: Path, value: Any, asked: str) -> Bound:
    """``search``: words, "phrases", -without, prefix*, a | b."""
    if not isinstance(value, str):
        raise InvalidValue(f"{asked} takes words, not {brief(value)}")
    try:
        return _words(path, full_text.parse(value), shown(path, "search", value))
    except ValueError as error:
        raise InvalidValue(f"{asked}: {error}") from None


def phrase(path: Path, value: Any, asked: str) -> Bound:
    """``phrase``: these words, one after the other."""
    if not isinstance(value, str):
        raise InvalidValue(f"{asked} takes words, not {brief(value)}")
    return _words(path, full_text.phrase(value), shown(path, "phrase", value))


def fuzzy(path: Path, value: Any, asked: str) -> Bound:
    """``fuzzy``: all words, each with up to so many letters wrong: ``"vanila"``, or ``("vanila", 2)``."""
    words, distance = (value, 1) if isinstance(value, str) else _pair(value, asked)
    if not isinstance(words, str) or isinstance(distance, bool) or distance not in (1, 2, 3):
        raise InvalidValue(f"{asked} takes words, or words and a distance of 1 to 3, not {brief(value)}")
    return _words(path, full_text.fuzzy(words, distance), shown(path, "fuzzy", value))


def _pair(value: Any, asked: str) -> tuple[Any, Any]:
    parts = in_order(value, asked)
    return (parts[0], parts[1]) if len(parts) == 2 else (None, None)


def _words(path: Path, query: full_text.TextQuery, said: Said) -> Bound:
    # A search without a word finds nothing.
    return Condition(path, "search", query, said) if query.groups or query.without else NOTHING

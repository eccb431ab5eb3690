"""Conditions on strings as a FILTER of FT.AGGREGATE, over the sortable values that the index holds.

RediSearch's own prefixes and infixes stop at MAXPREFIXEXPANSIONS terms without a word; a FILTER sees every document.
It takes no PARAMS, so values stand in it as quoted literals, and what its lexer cannot read in one (a backslash,
control characters) is left out and checked in Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..index_schema import IndexSchema, Leaf
from ..kinds import EXACT_INTEGERS, TEXT
from ..query.strings import CONTAINS, ENDS, EQUALS, STARTS, Like
from ..query.tree import AllOf, AnyOf, Bound, Bounds, Condition, Negation, Parity
from .ft import has_utf8_form, leaf_of, never_doubtful
from .text import Prefix, TextQuery

#: The server's parser overflows between 50 and 100 brackets deep; each level here has two.
DEEPEST = 12
MOST_VALUES = 100
#: The server works ``a || b || c`` out by going down once for each: 100,000 side by side crashed it.
MOST_SIDE_BY_SIDE = 100
#: ``contains()`` compares the part at every place of the text: a million signs in a million held the server for good.
LONGEST_PART = 256
_UNREADABLE = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Expressed:
    """An expression that holds of all documents that meet a condition; ``exact``: and of no others."""

    text: str
    exact: bool = True


def express(bound: Bound, schema: IndexSchema, depth: int = 0) -> Expressed | None:
    """Normalised conditions as an expression, or None where the sortable values cannot tell."""
    if depth > DEEPEST or isinstance(bound, Parity):
        return None
    if isinstance(bound, (AllOf, AnyOf)):
        return _express_joined(bound, schema, depth)
    condition = bound.child if isinstance(bound, Negation) else bound
    assert isinstance(condition, Condition), "conditions must be normalised first"
    leaf = leaf_of(condition, schema)
    if leaf is None or not leaf.sortable or condition.operator not in _OPERATORS:
        return None
    found = _OPERATORS[condition.operator](leaf, condition.value)
    if found is None or not isinstance(bound, Negation):
        return found
    # The complement of a superset would lose rows.
    return Expressed(f"!({found.text})") if found.exact else None


def _express_joined(bound: AllOf | AnyOf, schema: IndexSchema, depth: int) -> Expressed | None:
    parts = [express(child, schema, depth + 1) for child in bound.children]
    found = [part for part in parts if part is not None]
    if not found or (isinstance(bound, AnyOf) and len(found) < len(parts)):
        return None
    exact = len(found) == len(parts) and all(part.exact for part in found)
    return Expressed(
        f"({joined([part.text for part in found], ' && ' if isinstance(bound, AllOf) else ' || ')})", exact
    )


def joined(texts: list[str], joiner: str) -> str:
    """Expressions side by side; of many, groups in brackets, and groups of groups.

    >>> joined(["a", "b"], " && ")
    'a && b'
    """
    while len(texts) > MOST_SIDE_BY_SIDE:
        starts = range(0, len(texts), MOST_SIDE_BY_SIDE)
        texts = [f"({joiner.join(texts[start : start + MOST_SIDE_BY_SIDE])})" for start in starts]
    return joiner.join(texts)


# --- operators ------------------------------------------------------------------------------------------------------


def _like(leaf: Leaf, like: Like) -> Expressed | None:
    if leaf.tag is None or not has_utf8_form(like.text):
        return None
    wanted = Like(like.where, like.text.casefold() if like.folded else like.text)
    readable = _short(_readable(wanted))
    exact = readable == wanted
    if not readable.text and not exact:
        return None
    text = _folded_text(leaf, readable) if like.folded else _text(f"@{leaf.tag}", readable, leaf.tag)
    return Expressed(f"({text})", exact)


def _readable(like: Like) -> Like:
    """The longest part of the part that a literal can hold."""
    pieces = _UNREADABLE.split(like.text)
    if len(pieces) == 1:
        return like
    where = {EQUALS: STARTS}.get(like.where, like.where)
    if where == STARTS:
        return Like(STARTS, pieces[0])
    return Like(where, pieces[-1] if where == ENDS else max(pieces, key=len))


def _short(like: Like) -> Like:
    """As much of the part as the server should look for."""
    if len(like.text) <= LONGEST_PART:
        return like
    where = STARTS if like.where == EQUALS else like.where
    return Like(where, like.text[-LONGEST_PART:] if where == ENDS else like.text[:LONGEST_PART])


def _folded_text(leaf: Leaf, like: Like) -> str:
    """The server folds ASCII only; where that is not Unicode's folding, the folded text stands beside the document."""
    lowered = _text(f"lower(@{leaf.tag})", like, str(leaf.tag))
    if leaf.case is None:
        return lowered
    return f"({_text(f'@{leaf.case}', like, leaf.case)}) || (!exists(@{leaf.case}) && {lowered})"


def _text(value: str, like: Like, alias: str) -> str:
    return f"exists(@{alias}) && {_TESTS[like.where](value, like.text)}"


def _ends(value: str, text: str) -> str:
    size = len(text.encode())
    return f"substr({value},{-size},{size})=={_literal(text)}" if size else f"contains({value},{_literal(text)})>0"


_TESTS: dict[str, Callable[[str, str], str]] = {
    EQUALS: lambda value, text: f"{value}=={_literal(text)}",
    STARTS: lambda value, text: f"startswith({value},{_literal(text)})",
    CONTAINS: lambda value, text: f"contains({value},{_literal(text)})>0",
    ENDS: _ends,
}


def _literal(text: str) -> str:
    assert not _UNREADABLE.search(text), "no literal can hold it"
    return '"' + text.replace('"', '\\"') + '"'


def _between(leaf: Leaf, bounds: Bounds) -> Expressed | None:
    literal = _text_end if leaf.tag and leaf.path.field.kind.number is None else _number_end
    if literal is _number_end and (leaf.numeric is None or not never_doubtful(leaf.path.field.kind, bounds)):
        return None
    ends = [(">", bounds.low, bounds.include_low), ("<", bounds.high, bounds.include_high)]
    texts = [(sign + "=" * include, literal(end)) for sign, end, include in ends if end is not None]
    if any(text is None for _, text in texts):
        return None
    alias = leaf.tag or leaf.numeric
    return Expressed("(" + " && ".join([f"exists(@{alias})", *(f"@{alias}{sign}{text}" for sign, text in texts)]) + ")")


def _text_end(end: Any) -> str | None:
    # UTF-8 keeps the order of code points.
    return _literal(end) if _in_literal(end) else None


def _in_literal(text: str) -> bool:
    return _UNREADABLE.search(text) is None and has_utf8_form(text)


def _number_end(end: Any) -> str | None:
    return repr(int(end)) if abs(end) < EXACT_INTEGERS else None


def _in(leaf: Leaf, values: tuple[Any, ...]) -> Expressed | None:
    if leaf.tag is None or leaf.path.field.kind is not TEXT or len(values) > MOST_VALUES:
        return None
    texts = [_text_end(value) for value in values]
    if any(text is None for text in texts):
        return None
    return Expressed(f"(exists(@{leaf.tag}) && ({' || '.join(f'@{leaf.tag}=={text}' for text in texts)}))")


def _missing(leaf: Leaf, value: Any) -> Expressed | None:
    alias = leaf.tag or leaf.numeric
    return None if alias is None else Expressed(f"(!exists(@{alias}))")


def _search(leaf: Leaf, query: TextQuery) -> Expressed | None:
    """What a word that begins so is in; the server's own prefixes are cut off."""
    starts = [group[0].start for group in query.groups if len(group) == 1 and isinstance(group[0], Prefix)]
    if leaf.case is None or not starts:
        return None
    parts = [f"contains(lower(@{leaf.tag}),{_literal(start)})>0" for start in starts if _in_literal(start)]
    # Words of the folded text may not stand in it as they are: a backslash is no part of them.
    return (
        Expressed(f"(exists(@{leaf.case}) || (exists(@{leaf.tag}) && {' && '.join(parts)}))", False) if parts else None
    )


_OPERATORS: dict[str, Callable[[Leaf, Any], Expressed | None]] = {
    "like": _like,
    "between": _between,
    "in": _in,
    "missing": _missing,
    "search": _search,
}

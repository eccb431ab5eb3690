"""Conditions to FT.SEARCH query text and parameters.

Query text is made of templates and aliases of the schema only; values travel as PARAMS (DIALECT 2), each with its
own name, so that no value can change what a query means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..index_schema import DOUBTS, NULLS, IndexSchema, Leaf
from ..kinds import DECIMAL, EXACT_INTEGERS, FLOAT, Kind
from ..query.tree import AllOf, AnyOf, Bound, Bounds, Condition, Negation
from .text import TextQuery, index_terms

#: RediSearch's parser overflows some dozens of brackets deep; normalised trees come near only by intent.
DEEPEST = 20
#: Kinds whose numbers stand in the document as JSON floats, which RedisJSON may read one unit off.
_JSON_FLOATS = (FLOAT, DECIMAL)
#: Below a negation RediSearch 2.10.5 expands no word to its stem, and in a conjunction leaves out documents that have
#: the word in any other TEXT field (its skip over the word's postings minds no field): both lose rows.
_NEVER_NEGATED = ("search",)


@dataclass
class Parameters:
    """The values of a query, named as they come."""

    values: dict[str, str] = field(default_factory=dict)

    def add(self, value: str) -> str:
        """The parameter's name with its ``$``."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


@dataclass(frozen=True)
class Pushed:
    """Query text that finds all documents that meet a condition.

    ``exact``: and no others, but for documents with a doubt about one of the aliases ``doubts``, for which it may
    find too many or too few; ``widened`` finds those as well.
    """

    text: str
    widened: str
    exact: bool = True
    doubts: frozenset[str] = frozenset()


def push(bound: Bound, schema: IndexSchema, parameters: Parameters, depth: int = 0) -> Pushed | None:
    """Normalised conditions as query text, or None where the index cannot help."""
    if isinstance(bound, (AllOf, AnyOf)):
        if depth >= DEEPEST:
            return None
        push_children = _push_all if isinstance(bound, AllOf) else _push_any
        return push_children(bound.children, schema, parameters, depth)
    condition = bound.child if isinstance(bound, Negation) else bound
    if isinstance(bound, Negation) and isinstance(condition, Condition) and condition.operator in _NEVER_NEGATED:
        return None
    assert isinstance(condition, Condition), "conditions must be normalised first"
    leaf = schema.leaves.get(condition.path.names)
    if leaf is None or leaf.path.steps != condition.path.steps:
        return None
    pushed = _OPERATORS[condition.operator](leaf, condition.value, parameters)
    return _negated(pushed) if pushed is not None and isinstance(bound, Negation) else pushed


def _push_all(children: tuple[Bound, ...], schema: IndexSchema, parameters: Parameters, depth: int) -> Pushed | None:
    """What can be pushed of all children: enough for a superset."""
    pushed = [push(child, schema, parameters, depth + 1) for child in children]
    found = [part for part in pushed if part is not None]
    return _joined(found, " ", len(found) == len(pushed)) if found else None


def _push_any(children: tuple[Bound, ...], schema: IndexSchema, parameters: Parameters, depth: int) -> Pushed | None:
    """All children or nothing: a child left out would lose rows."""
    pushed = [push(child, schema, parameters, depth + 1) for child in children]
    found = [part for part in pushed if part is not None]
    return _joined(found, " | ", True) if len(found) == len(pushed) else None


def _joined(parts: list[Pushed], joiner: str, complete: bool) -> Pushed:
    return Pushed(
        f"({joiner.join(part.text for part in parts)})",
        f"({joiner.join(part.widened for part in parts)})",
        complete and all(part.exact for part in parts),
        frozenset().union(*(part.doubts for part in parts)),
    )


def _negated(pushed: Pushed) -> Pushed | None:
    """The complement; that of a superset would lose rows."""
    if not pushed.exact:
        return None
    text = f"(-{pushed.text})"
    return _with_doubts(text, pushed.doubts)


def _with_doubts(text: str, doubts: frozenset[str], exact: bool = True) -> Pushed:
    doubtful = "|".join(sorted(doubts))
    return Pushed(text, f"({text} | @{DOUBTS}:{{{doubtful}}})" if doubts else text, exact, doubts)


# --- operators ----------------------------------------------------------------------------------------------------


def _missing(leaf: Leaf, value: Any, parameters: Parameters) -> Pushed | None:
    if leaf.presence is None:
        return None
    missing = f"ismissing(@{leaf.presence})"
    text = missing if leaf.companion else f"({missing} | @{NULLS}:{{{leaf.alias}}})"
    return Pushed(text, text)


def _in(leaf: Leaf, values: tuple[Any, ...], parameters: Parameters) -> Pushed | None:
    if leaf.tag:
        return _in_tags(leaf, values, parameters)
    if leaf.numeric:
        parts = [_interval(leaf, Bounds(value, value), parameters) for value in values]
        return parts[0] if len(parts) == 1 else _joined(parts, " | ", True)
    return None


def _in_tags(leaf: Leaf, values: tuple[Any, ...], parameters: Parameters) -> Pushed | None:
    to_tag = leaf.path.field.kind.tag
    assert to_tag is not None
    # What has no UTF-8 form is stored nowhere, and could not be sent.
    tags = [tag for tag in map(to_tag, values) if _has_utf8_form(tag)]
    if not tags:
        return None
    # The server ends a tag at a NUL; set() refuses such tags, so a value with one is found nowhere, or cut and checked.
    cut = any("\0" in tag for tag in tags)
    # Backslashes are unescaped even inside a parameter.
    names = [parameters.add(tag.split("\0")[0].replace("\\", "\\\\")) for tag in tags]
    text = f"@{leaf.tag}:{{{'|'.join(names)}}}"
    return Pushed(text, text, exact=not cut)


def _has_utf8_form(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def _between(leaf: Leaf, bounds: Bounds, parameters: Parameters) -> Pushed | None:
    return _interval(leaf, bounds, parameters) if leaf.numeric else None


def _interval(leaf: Leaf, bounds: Bounds, parameters: Parameters) -> Pushed:
    kind = leaf.path.field.kind
    low, low_exact = _end(kind, bounds.low, "-inf")
    high, high_exact = _end(kind, bounds.high, "inf")
    exact = low_exact and high_exact
    # An end that the double only stands for is taken in, and what it brings too much is checked.
    open_low = "" if bounds.include_low or not low_exact else "("
    open_high = "" if bounds.include_high or not high_exact else "("
    text = f"@{leaf.numeric}:[{open_low}{parameters.add(low)} {open_high}{parameters.add(high)}]"
    doubts = frozenset() if _never_doubtful(kind, bounds) else frozenset([leaf.alias])
    return _with_doubts(text, doubts, exact)


def _end(kind: Kind, comparable: Any, open_end: str) -> tuple[str, bool]:
    if comparable is None:
        return open_end, True
    assert kind.number is not None
    number, exact = kind.number(comparable)
    # A float is its own double; it is only documents that RedisJSON may read another float from.
    return _plain_text(number), exact or isinstance(comparable, float)


def _plain_text(number: int | float) -> str:
    # Not the repr of a subclass, such as an IntEnum's member or a NumPy number.
    return repr(float(number)) if isinstance(number, float) else repr(int(number))


def _never_doubtful(kind: Kind, bounds: Bounds) -> bool:
    """Whether rounding moves no document's value over the ends: integers round to none below 2**53."""
    if kind in _JSON_FLOATS:
        return False
    ends = [end for end in (bounds.low, bounds.high) if end is not None]
    return all(abs(end) < EXACT_INTEGERS for end in ends)


def _search(leaf: Leaf, query: TextQuery, parameters: Parameters) -> Pushed | None:
    if not leaf.text or not query.groups or not query.pushable:
        return None
    groups = ["|".join(map(parameters.add, index_terms(group))) for group in query.groups]
    body = groups[0] if len(groups) == 1 else " ".join(f"({group})" for group in groups)
    text = f"@{leaf.text}|{leaf.fold}:({body})"
    # Of a list, one element must have all words; the index takes them from any.
    one_text = not leaf.path.multiple and not leaf.path.field.element and leaf.path.field.kind.name == "text"
    return Pushed(text, text, exact=one_text or len(groups) == 1)


_OPERATORS: dict[str, Callable[[Leaf, Any, Parameters], Pushed | None]] = {
    "in": _in,
    "between": _between,
    "missing": _missing,
    "search": _search,
}
OPERATORS = frozenset(_OPERATORS)

"""Conditions to FT.SEARCH query text and parameters.

Query text is made of templates and aliases of the schema only; values travel as PARAMS (DIALECT 2), each with its
own name, so that no value can change what a query means.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..index_schema import DOUBTS, NULLS, IndexSchema, Leaf
from ..kinds import DECIMAL, EXACT_INTEGERS, FLOAT, Kind
from ..query.points import Box, Circle, Polygon, indexed_longitude
from ..query.strings import ENDS, EQUALS, STARTS, Like
from ..query.tree import AllOf, AnyOf, Bound, Bounds, Condition, Negation, Parity, is_everything, is_nothing
from .areas import complete_on_server, enclosing
from .normal import normalise
from .text import Every, Fuzzy, Phrase, Prefix, Term, TextQuery, index_terms, is_indexable, separated

#: RediSearch's parser overflows some dozens of brackets deep; normalised trees come near only by intent.
DEEPEST = 20
#: Of so many words side by side the parser overflows as well (between 200 and 500): others are left to the check.
MOST_WORDS = 50
#: Kinds whose numbers stand in the document as JSON floats, which RedisJSON may read one unit off.
_JSON_FLOATS = (FLOAT, DECIMAL)
#: Below a negation RediSearch 2.10.5 expands no word to its stem, and in a conjunction leaves out documents that have
#: the word in any other TEXT field (its skip over the word's postings minds no field): both lose rows.
_NEVER_NEGATED = ("search",)
#: What of an element does not hold of the list: that some element lacks a value is not that all do.
_OF_ONE_ELEMENT = ("missing", "match")


@dataclass
class Parameters:
    """The values of a query, named as they come."""

    values: dict[str, str] = field(default_factory=dict)

    def add(self, value: str) -> str:
        """The parameter's name with its ``$``."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values, in their order."""
        return tuple(self.values.items())


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
    if isinstance(bound, (AllOf, AnyOf, Parity)):
        return None if depth >= DEEPEST else _JOINERS[type(bound)](bound, schema, parameters, depth)
    condition = bound.child if isinstance(bound, Negation) else bound
    assert isinstance(condition, Condition), "conditions must be normalised first"
    if isinstance(bound, Negation) and condition.operator in _NEVER_NEGATED:
        return None
    pushed = _push_condition(condition, schema, parameters, depth)
    return _negated(pushed) if pushed is not None and isinstance(bound, Negation) else pushed


def _push_condition(condition: Condition, schema: IndexSchema, parameters: Parameters, depth: int) -> Pushed | None:
    if condition.operator == "match":
        return _push_match(condition, schema, parameters, depth)
    leaf = leaf_of(condition, schema)
    if leaf is None or condition.operator not in _OPERATORS:
        return None
    return _OPERATORS[condition.operator](leaf, condition.value, parameters)


def leaf_of(condition: Condition, schema: IndexSchema) -> Leaf | None:
    """The indexed path that a condition is about."""
    leaf = schema.leaves.get(condition.path.names)
    return leaf if leaf is not None and leaf.path.steps == condition.path.steps else None


def _push_match(condition: Condition, schema: IndexSchema, parameters: Parameters, depth: int) -> Pushed | None:
    """One element must meet all of it; the index knows only that each part is met by some element."""
    wanted = normalise(condition.value, root=len(condition.path.steps))
    positive = _of_some_element(wanted)
    if positive is None or is_everything(positive) or is_nothing(positive):
        return None
    pushed = push(positive, schema, parameters, depth + 1)
    return None if pushed is None else Pushed(pushed.text, pushed.widened, False, pushed.doubts)


def _of_some_element(bound: Bound) -> Bound | None:
    """What holds of the list when the conditions hold of one element; None where nothing does."""
    if isinstance(bound, Condition):
        return None if bound.operator in _OF_ONE_ELEMENT else bound
    if isinstance(bound, (Negation, Parity)):
        return None
    children = [_of_some_element(child) for child in bound.children]
    kept = tuple(child for child in children if child is not None)
    if isinstance(bound, AllOf):
        return AllOf(kept) if kept else None
    return AnyOf(kept) if len(kept) == len(children) else None


def _push_all(bound: AllOf, schema: IndexSchema, parameters: Parameters, depth: int) -> Pushed | None:
    """What can be pushed of all children: enough for a superset."""
    negated = [child for child in bound.children if isinstance(child, Negation)]
    others = [child for child in bound.children if not isinstance(child, Negation)]
    pushed = [push(child, schema, parameters, depth + 1) for child in others]
    pushed += _push_none_of(negated, schema, parameters, depth)
    found = [part for part in pushed if part is not None]
    return _joined(found, " ", len(found) == len(pushed)) if found else None


def _push_none_of(
    negations: list[Negation], schema: IndexSchema, parameters: Parameters, depth: int
) -> list[Pushed | None]:
    """Negations of one conjunction as the negation of a union.

    RediSearch 2.10.5 loses rows now and then where several stand side by side below a union, as in
    ``@a:{…} ((-@b:{…} -@a:{…}) | …)``: 1 of 1,200 such queries, and none of 15,000 written like this.
    """
    if len(negations) < 2:
        return [push(child, schema, parameters, depth + 1) for child in negations]
    pushed = [push(child, schema, Parameters(), depth + 1) for child in negations]
    joinable = [child for child, one in zip(negations, pushed, strict=True) if one is not None]
    if not joinable:
        return list(pushed)
    inside = [push(child.child, schema, parameters, depth + 1) for child in joinable]
    joined = _joined([one for one in inside if one is not None], " | ", True)
    return [_negated(joined), *(None for one in pushed if one is None)]


def _push_any(bound: AnyOf | Parity, schema: IndexSchema, parameters: Parameters, depth: int) -> Pushed | None:
    """All children or nothing: a child left out would lose rows."""
    pushed = [push(child, schema, parameters, depth + 1) for child in bound.children]
    found = [part for part in pushed if part is not None]
    return _joined(found, " | ", True) if len(found) == len(pushed) else None


def _push_parity(bound: Parity, schema: IndexSchema, parameters: Parameters, depth: int) -> Pushed | None:
    """Where an odd number holds, some does; of an even number that tells nothing."""
    pushed = _push_any(bound, schema, parameters, depth) if bound.odd else None
    return None if pushed is None else Pushed(pushed.text, pushed.widened, False, pushed.doubts)


_JOINERS: dict[type, Callable[[Any, IndexSchema, Parameters, int], Pushed | None]] = {
    AllOf: _push_all,
    AnyOf: _push_any,
    Parity: _push_parity,
}


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
    if leaf.geo:
        return _at_points(leaf, values, parameters)
    if leaf.numeric:
        parts = [_interval(leaf, bounds, parameters) for bounds in _runs(values)]
        return parts[0] if len(parts) == 1 else _joined(parts, " | ", True)
    return None


def _all_in(leaf: Leaf, values: tuple[Any, ...], parameters: Parameters) -> Pushed | None:
    """The index knows that the elements are there, not that one list has them all."""
    parts = [_in(leaf, (value,), parameters) for value in values]
    found = [part for part in parts if part is not None]
    return _joined(found, " ", False) if found else None


def _runs(values: tuple[Any, ...]) -> list[Bounds]:
    """Values as intervals: whole numbers that follow each other are one, and cost the server as much as one."""
    if not all(type(value) is int for value in values):
        return [Bounds(value, value) for value in values]
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return [Bounds(low, high) for low, high in runs]


def _in_tags(leaf: Leaf, values: tuple[Any, ...], parameters: Parameters) -> Pushed | None:
    to_tag = leaf.path.field.kind.tag
    assert to_tag is not None
    # What has no UTF-8 form is stored nowhere, and could not be sent.
    tags = [tag for tag in map(to_tag, values) if has_utf8_form(tag)]
    if not tags:
        return None
    # The server ends a tag at a NUL; set() refuses such tags, so a value with one is found nowhere, or cut and checked.
    cut = any("\0" in tag for tag in tags)
    # Backslashes are unescaped even inside a parameter.
    names = [parameters.add(tag.split("\0")[0].replace("\\", "\\\\")) for tag in tags]
    text = f"@{leaf.tag}:{{{'|'.join(names)}}}"
    return Pushed(text, text, exact=not cut)


def has_utf8_form(text: str) -> bool:
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
    doubts = frozenset() if never_doubtful(kind, bounds) else frozenset([leaf.alias])
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


def never_doubtful(kind: Kind, bounds: Bounds) -> bool:
    """Whether rounding moves no document's value over the ends: integers round to none below 2**53."""
    if kind in _JSON_FLOATS:
        return False
    ends = [end for end in (bounds.low, bounds.high) if end is not None]
    return all(abs(end) < EXACT_INTEGERS for end in ends)


def _search(leaf: Leaf, query: TextQuery, parameters: Parameters) -> Pushed | None:
    if not leaf.text:
        return None
    groups = [_group(group, parameters) for group in query.groups]
    known = [group for group in groups if group is not None]
    if not known:
        return None
    # Of a list, one element must have all words; the index takes them from any.
    one_text = not leaf.path.multiple and leaf.path.field.kind.name == "text"
    simple = len(groups) == 1 and all(isinstance(term, str) for term in query.groups[0])
    exact = len(known) == len(groups) and not query.without and (one_text or simple)
    text = _in_texts(leaf, known)
    return Pushed(text, text, exact and all(_is_exact(term) for group in query.groups for term in group))


def _in_texts(leaf: Leaf, groups: list[str]) -> str:
    body = groups[0] if len(groups) == 1 else " ".join(f"({group})" for group in groups)
    return f"@{leaf.text}|{leaf.fold}:({body})"


def _group(group: tuple[Term, ...], parameters: Parameters) -> str | None:
    """Terms of which one must be there; None where one of them has no query text: leaving it out would lose rows."""
    if not all(map(_is_pushable, group)):
        return None
    return "|".join(_TERMS[type(term)](term, parameters) for term in group)


def _is_pushable(term: Term) -> bool:
    # The server cuts prefixes and fuzzy words off at MAXPREFIXEXPANSIONS terms, silently.
    if isinstance(term, (Prefix, Fuzzy)):
        return False
    parts = term.words if isinstance(term, Phrase) else term.terms if isinstance(term, Every) else (term,)
    return all(isinstance(part, str) and is_indexable(part) for part in parts)


def _is_exact(term: Term) -> bool:
    return not isinstance(term, Phrase)


def _word_text(word: str, parameters: Parameters) -> str:
    return "|".join(map(parameters.add, index_terms(word)))


def _every_text(every: Every, parameters: Parameters) -> str:
    return f"({' '.join(f'({_word_text(str(word), parameters)})' for word in every.terms)})"


def _phrase_text(phrase: Phrase, parameters: Parameters) -> str:
    # Where they stand is checked: the server knows no places of words in text that it has two fields for.
    return f"({_all_words(phrase.words, parameters)})"


_TERMS: dict[type, Callable[[Any, Parameters], str]] = {str: _word_text, Every: _every_text, Phrase: _phrase_text}


def _like(leaf: Leaf, like: Like, parameters: Parameters) -> Pushed | None:
    """The whole words inside the part are words of the text."""
    found = [word for word in _whole_words(like) if is_indexable(word)]
    if not leaf.text or not found:
        return None
    text = _in_texts(leaf, [_all_words(found, parameters)])
    return Pushed(text, text, exact=False)


def _all_words(words: Iterable[str], parameters: Parameters) -> str:
    """Words that must be there; of many the longest, which are the rarest."""
    found = list(dict.fromkeys(words))
    return " ".join(
        map(parameters.add, heapq.nlargest(MOST_WORDS, found, key=len) if len(found) > MOST_WORDS else found)
    )


def _whole_words(like: Like) -> list[str]:
    pieces = separated(like.text)
    begins = 0 if like.where in (EQUALS, STARTS) else 1
    ends = len(pieces) if like.where in (EQUALS, ENDS) else len(pieces) - 1
    return [piece for piece in pieces[begins:ends] if piece]


def _at_points(leaf: Leaf, points: tuple[Any, ...], parameters: Parameters) -> Pushed | None:
    """Points are where the circle around them is."""
    circles = [_area(leaf, Circle(point, 0.0), parameters) for point in points]
    found = [circle for circle in circles if circle is not None]
    return _joined(found, " | ", False) if found and len(found) == len(circles) else None


def _area(leaf: Leaf, area: Circle | Box | Polygon, parameters: Parameters) -> Pushed | None:
    circle = enclosing(area)
    if not leaf.geo or circle is None or not complete_on_server(circle):
        return None
    latitude, longitude = circle.centre[0], indexed_longitude(circle.centre[1])
    # The server keeps points to 52 bits, less than a metre off.
    numbers = [repr(longitude), repr(latitude), repr(circle.radius * (1 + 1e-9) + 1)]
    text = f"@{leaf.geo}:[{' '.join(map(parameters.add, numbers))} m]"
    return Pushed(text, text, exact=False)


_OPERATORS: dict[str, Callable[[Leaf, Any, Parameters], Pushed | None]] = {
    "in": _in,
    "all in": _all_in,
    "between": _between,
    "missing": _missing,
    "like": _like,
    "search": _search,
    "area": _area,
}

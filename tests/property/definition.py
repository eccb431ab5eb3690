"""What a query means, read aloud: design.md's "meaning of lookups" in plain Python over instances.

Nothing here asks the library: only a `Q`'s ``children``, ``connector`` and ``negated`` are read. Where design.md is
silent (what separates words, which stop words there are) README speaks.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

from schematics.models import Model
from schematics.types import BaseType, DictType, ListType, ModelType, MultilingualStringType, StringType
from snowballstemmer.english_stemmer import EnglishStemmer

from rs_search import Q

UTC = dt.timezone.utc


def meets(instance: Any, query: Q) -> bool:
    """Whether an instance meets a query."""
    held = [meets(instance, one) if isinstance(one, Q) else _lookup(instance, *one) for one in query.children]
    joined = all(held) if query.connector == "&" else any(held) if query.connector == "|" else sum(held) % 2 == 1
    return joined is not query.negated


def in_order(instances: Iterable[Any], names: Iterable[str], upside_down: bool = False) -> list[Any]:
    """By the fields, ``-`` for descending, missing last both ways, ties by primary key, ``upside_down`` from above."""
    rows = sorted(instances, key=lambda one: one.pk, reverse=upside_down)
    for name in reversed(list(names)):
        found = {one.pk: values_at(one, name.removeprefix("-")) for one in rows}
        present = [one for one in rows if found[one.pk]]
        present.sort(key=lambda one: plainly(found[one.pk][0]), reverse=name.startswith("-"))
        rows = present + [one for one in rows if not found[one.pk]]
    return rows


def first_of_each(instances: Iterable[Any], names: tuple[str, ...]) -> list[Any]:
    """The first row of each combination of values."""
    seen: list[Any] = []
    rows = []
    for one in instances:
        values = [comparable(row_value(one, name.split("__"))) for name in names]
        if values not in seen:
            seen.append(values)
            rows.append(one)
    return rows


def row_value(value: Any, names: list[str]) -> Any:
    """What ``values()`` has of an instance; a list where the path goes through one."""
    if not names or value is None:
        return value
    if isinstance(value, list):
        return [row_value(element, names) for element in value]
    return row_value(value.get(names[0]), names[1:])


# --- paths ------------------------------------------------------------------------------------------------------------


class At:
    """Where a path ends: the type found there, the values, and the lists they are in, if the path ends in lists."""

    def __init__(self, instance: Any) -> None:
        self.type: Any = type(instance)
        self.values: list[Any] = [instance]
        self.lists: list[Any] | None = None
        #: How many lists each of `lists` has in it, one in the other.
        self.deep = 0

    def step(self, name: str) -> bool:
        inner = self._inner(name)
        if inner is None:
            return False
        self.type, self.lists, self.deep = inner, None, 0
        self.values = _there(value.get(name) for value in self.values)
        while isinstance(self.type, ListType):
            self.deep += self.lists is not None
            self.lists = self.values if self.lists is None else self.lists
            self.type, self.values = self.type.field, _there(element for value in self.values for element in value)
        return True

    def _inner(self, name: str) -> BaseType | None:
        model = self.type.model_class if isinstance(self.type, ModelType) else self.type
        if isinstance(model, type):
            found: BaseType | None = model._schema.fields.get(name)
            return found
        if name in LOOKUPS or name in PARTS:
            return None
        if isinstance(self.type, DictType):
            return self.type.field
        return StringType() if isinstance(self.type, MultilingualStringType) else None


def _there(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def at(instance: Any, name: str) -> tuple[At, list[str]]:
    """Where a name leads in an instance, and what of it is no field."""
    place, parts = At(instance), name.split("__")
    while parts and place.step(parts[0]):
        parts.pop(0)
    return place, parts


def values_at(instance: Any, name: str) -> list[Any]:
    """All values at a path; None is none."""
    return at(instance, name)[0].values


# --- values -----------------------------------------------------------------------------------------------------------


def plainly(value: Any) -> Any:
    """A value as Python compares it by the definition: naive datetimes count as UTC, an identifier is its text."""
    if isinstance(value, dt.datetime):
        return _instant(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def _instant(value: dt.datetime) -> Fraction:
    # Not astimezone(): the instant may lie outside the years 1 to 9999.
    since = value.replace(tzinfo=None) - dt.datetime(1970, 1, 1) - (value.utcoffset() or dt.timedelta(0))
    return Fraction(since // dt.timedelta(microseconds=1), 1_000_000)


def comparable(value: Any) -> Any:
    """Like `plainly`, of values with values in them; True is not 1."""
    if isinstance(value, Model):
        return {name: comparable(member) for name, member in value._data.items() if member is not None}
    if isinstance(value, dict):
        return {name: comparable(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [comparable(element) for element in value]
    return ("boolean", value) if isinstance(value, bool) else plainly(value)


def read(type_: Any, value: Any) -> Any:
    """A value of a query, read by the field's own type."""
    return comparable(type_.convert(value) if type(type_) is not BaseType else value)


# --- lookups ----------------------------------------------------------------------------------------------------------

Test = Callable[[At, Any], bool]


def _lookup(instance: Any, name: str, value: Any) -> bool:
    place, rest = at(instance, name)
    if rest and rest[0] in PARTS:
        return _part(place, rest[0], rest[1] if len(rest) > 1 else "exact", value)
    return LOOKUPS[rest[0] if rest else "exact"](place, value)


def exact(place: At, value: Any) -> bool:
    if value is None:
        return not place.values
    wanted = read(place.type, value)
    return any(comparable(found) == wanted for found in place.values)


def is_in(place: At, values: Any) -> bool:
    return any(exact(place, value) for value in values)


def contains(place: At, value: Any) -> bool:
    if place.lists is None:
        return _texts(str.__contains__)(place, value)
    point = type(place.type).__name__ == "GeoPointType" and not isinstance(value[0], (list, tuple))
    wanted = [
        read(place.type, one) for one in ([value] if point or not isinstance(value, (list, tuple, set)) else value)
    ]
    # Of several lists, one has them all.
    return any(all(one in comparable(_flat(whole, place.deep)) for one in wanted) for whole in place.lists)


def _flat(whole: Any, deep: int) -> list[Any]:
    for _ in range(deep):
        whole = [element for inner in whole if inner is not None for element in inner]
    return _there(whole)


def overlap(place: At, value: Any) -> bool:
    point = type(place.type).__name__ == "GeoPointType" and value and not isinstance(value[0], (list, tuple))
    return is_in(place, [value] if point else value)


def _not(test: Test) -> Test:
    return lambda place, value: not test(place, value)


def _compare(sign: Callable[[Any, Any], bool]) -> Test:
    return lambda place, value: any(sign(comparable(found), read(place.type, value)) for found in place.values)


def _range(place: At, ends: Any) -> bool:
    low, high = (read(place.type, end) for end in ends)
    return any(low <= comparable(found) <= high for found in place.values)


def texts(place: At) -> list[str]:
    """The texts at a path: of a text in many languages, each."""
    return [
        text for value in place.values for text in (_there(value.values()) if isinstance(value, dict) else [str(value)])
    ]


def _texts(test: Callable[[str, str], bool]) -> Test:
    return lambda place, part: any(test(text, str(part)) for text in texts(place))


def _folded(test: Callable[[str, str], bool]) -> Test:
    return _texts(lambda text, part: test(text.casefold(), part.casefold()))


def iexact(place: At, value: Any) -> bool:
    return not place.values if value is None else _folded(str.__eq__)(place, value)


def _regex(flags: int) -> Test:
    return lambda place, value: any(re.search(value, text, flags) is not None for text in texts(place))


# --- parts of dates, lengths of lists ---------------------------------------------------------------------------------

PARTS = ("year", "month", "day", "hour", "date", "len")


def _part(place: At, part: str, compare: str, value: Any) -> bool:
    if value is None:
        return LOOKUPS[compare](place, None)
    found: list[Any] = (
        [len(one) for one in place.lists or ()] if part == "len" else [part_of(one, part) for one in place.values]
    )
    proxy = At.__new__(At)
    proxy.type, proxy.values, proxy.lists = BaseType(), found, None
    # Days as triples: a zone may carry a moment out of the years that Python has.
    return LOOKUPS[compare](proxy, _as_triples(value) if part == "date" else value)


def _as_triples(value: Any) -> Any:
    if isinstance(value, dt.date):
        return (value.year, value.month, value.day)
    return value if value is None else [_as_triples(one) for one in value]


def part_of(value: Any, part: str) -> Any:
    """A part of a date, or of a moment in UTC."""
    year, month, day, hour = _civil(value)
    return {"year": year, "month": month, "day": day, "hour": hour, "date": (year, month, day)}[part]


def _civil(value: Any) -> tuple[int, int, int, int]:
    if not isinstance(value, dt.datetime):
        return value.year, value.month, value.day, 0
    naive, offset = value.replace(tzinfo=None), value.utcoffset() or dt.timedelta(0)
    try:
        moment = naive - offset
    except OverflowError:
        hour = (dt.timedelta(hours=naive.hour, minutes=naive.minute) - offset) // dt.timedelta(hours=1) % 24
        return (10000, 1, 1, hour) if naive.year == 9999 else (0, 12, 31, hour)
    return moment.year, moment.month, moment.day, moment.hour


# --- places -----------------------------------------------------------------------------------------------------------


def metres(first: Any, second: Any) -> float:
    """By unit vectors' chord: the same as the haversine, another way."""
    vectors = []
    for latitude, longitude in (first, second):
        p, q = math.radians(latitude), math.radians(longitude)
        vectors.append((math.cos(p) * math.cos(q), math.cos(p) * math.sin(q), math.sin(p)))
    return 2 * 6_372_797.560856 * math.asin(min(1.0, math.dist(*vectors) / 2))


def _near(place: At, value: Any) -> bool:
    latitude, longitude, radius, unit = value
    most = radius * {"m": 1, "km": 1000, "mi": 1609.34, "ft": 0.3048}[unit]
    return any(metres((latitude, longitude), found) <= most for found in place.values)


def _within(place: At, corners: Any) -> bool:
    return any((_in_box if len(corners) == 2 else _in_polygon)(tuple(found), corners) for found in place.values)


def _in_box(point: Any, corners: Any) -> bool:
    """Going east from the one meridian to the other; 180 and -180 are one."""
    (south, west), (north, east) = [[Fraction(number) for number in corner] for corner in corners]
    width, from_west = east - west + 360 * (east < west), Fraction(point[1]) - west
    return south <= point[0] <= north and any(0 <= from_west + turn <= width for turn in (0, 360, -360))


def _in_polygon(point: Any, corners: Any) -> bool:
    return any(_winds(Fraction(point[0]), Fraction(point[1]) + turn, corners) for turn in (0, 360, -360))


def _winds(y: Fraction, x: Fraction, corners: Any) -> bool:
    """Exact; by the even-odd rule, with the edges."""
    exactly = [(Fraction(latitude), Fraction(longitude)) for latitude, longitude in corners]
    inside = False
    for (y1, x1), (y2, x2) in zip(exactly, exactly[1:] + exactly[:1], strict=True):
        on_line = (x2 - x1) * (y - y1) == (x - x1) * (y2 - y1)
        if on_line and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return True
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside


def _match(place: At, value: Any) -> bool:
    query = value if isinstance(value, Q) else Q(**value)
    return any(meets(element, query) for element in place.values)


# --- words ------------------------------------------------------------------------------------------------------------

_stem = EnglishStemmer().stemWord
STOP_WORDS = frozenset(
    [
        *("a", "is", "the", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "it", "no"),
        *("not", "of", "on", "or", "such", "that", "their", "then", "there", "these", "they", "this", "to", "was"),
        *("will", "with"),
    ]
)


class Refused(ValueError):
    """A search that means nothing: ``a | -b``."""


def words(text: str) -> list[str]:
    """What stands between blanks, control characters and punctuation (``_`` is part of a word), case folded."""

    def separates(sign: str) -> bool:
        if sign < "\x80":
            return not (sign.isalnum() or sign == "_")
        category = unicodedata.category(sign)
        return category == "Cc" or category[0] == "Z" or (category[0] == "P" and category != "Pc")

    return "".join(" " if separates(sign) else sign for sign in text.casefold()).split()


def _readings(text: str) -> list[list[str]]:
    """The words of a document's text; what stands around a backslash is found joined as well."""
    return [words(text), words(text.replace("\\", ""))] if "\\" in text else [words(text)]


Finder = Callable[[list[list[str]]], bool]


def word(asked: str) -> Finder:
    """The word, its stem, or one of the same stem (words of fewer than four bytes have none)."""
    return lambda readings: any(
        found in (asked, _stem(asked)) or (len(found.encode()) >= 4 and _stem(found) == _stem(asked))
        for reading in readings
        for found in reading
    )


def beginning(start: str) -> Finder:
    return lambda readings: any(found.startswith(start) for reading in readings for found in reading)


def one_after_the_other(asked: list[str]) -> Finder:
    size = len(asked)
    return lambda readings: any(r[n : n + size] == asked for r in readings for n in range(len(r) - size + 1))


def _all(finders: list[Finder]) -> Finder:
    return lambda readings: all(find(readings) for find in finders)


def _chunks(text: str) -> Iterator[tuple[str, bool, str]]:
    """Bars, "phrases" and what stands between blanks; a minus before one, after a blank or bar, leaves it out."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        if text[place] == "|":
            place += 1
            yield "|", False, ""
            continue
        after = text[place + 1 : place + 2]
        begins = place == 0 or text[place - 1].isspace() or text[place - 1] == "|"
        minus = text[place] == "-" and begins and bool(after) and not after.isspace() and after not in "-|"
        start = place + minus
        if text[start] == '"':
            end = text.find('"', start + 1)
            if end < 0:
                # A quote that is never closed is nothing, and neither is the minus before it.
                place = start + 1
                continue
            yield '"', minus, text[start + 1 : end]
            place = end + 1
            continue
        end = start
        while end < len(text) and not text[end].isspace() and text[end] not in '"|':
            end += 1
        yield "word", minus, text[start:end]
        place = end


Term = tuple[str, Finder]


def parse(text: str) -> tuple[list[list[Term]], list[Term]]:
    """Groups of alternatives, and what is left out; each term with its text where it is a plain word.

    Stop words count in phrases, and where there is nothing else.
    """
    groups, without = _read(text)
    kept = [group for group in ([term for term in group if term[0] not in STOP_WORDS] for group in groups) if group]
    left_out = [term for term in without if term[0] not in STOP_WORDS]
    return kept or groups, left_out if groups or left_out else without


def _read(text: str) -> tuple[list[list[Term]], list[Term]]:
    groups: list[list[Term]] = []
    without: list[Term] = []
    chunks = list(_chunks(text))
    joins = after_minus = False
    for place, (kind, minus, chunk) in enumerate(chunks):
        if kind == "|":
            if after_minus:
                raise Refused(text)
            joins = bool(groups)
            continue
        terms = _terms(kind, chunk)
        if not terms:
            continue
        after_minus = minus
        whole = terms[0] if len(terms) == 1 else ("", _all([find for _, find in terms]))
        if minus:
            if joins:
                raise Refused(text)
            without.append(whole)
        elif joins:
            groups[-1].append(whole)
        elif place + 1 < len(chunks) and chunks[place + 1][0] == "|":
            groups.append([whole])
        else:
            groups += [[term] for term in terms]
        joins = False
    return groups, without


def _terms(kind: str, chunk: str) -> list[tuple[str, Finder]]:
    found = words(chunk)
    if kind == '"':
        return [("", one_after_the_other(found))] if found else []
    terms = [(one, word(one)) for one in found]
    if found and chunk.endswith("*"):
        terms[-1] = ("", beginning(found[-1]))
    return terms


def _search(place: At, value: Any) -> bool:
    groups, without = parse(value)
    return bool(groups or without) and any(
        all(any(find(readings) for _, find in group) for group in groups)
        and not any(find(readings) for _, find in without)
        for readings in map(_readings, texts(place))
    )


def _phrase(place: At, value: Any) -> bool:
    asked = words(value)
    return bool(asked) and any(one_after_the_other(asked)(_readings(text)) for text in texts(place))


def edits(first: str, second: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(second) + 1))
    for i, sign in enumerate(first):
        last, row = row, [i + 1]
        for j, other in enumerate(second):
            row.append(min(last[j] + (sign != other), last[j + 1] + 1, row[j] + 1))
    return row[-1]


def _fuzzy(place: At, value: Any) -> bool:
    asked, most = (words(value), 1) if isinstance(value, str) else (words(value[0]), value[1])
    return bool(asked) and any(
        all(any(edits(found, one) <= most for reading in _readings(text) for found in reading) for one in asked)
        for text in texts(place)
    )


LOOKUPS: dict[str, Test] = {
    **dict.fromkeys(["exact", "eq"], exact),
    **dict.fromkeys(["ne", "not"], _not(exact)),
    "in": is_in,
    **dict.fromkeys(["nin", "exclude", "not_in"], _not(is_in)),
    "isnull": lambda place, wanted: (not place.values) is wanted,
    "gt": _compare(lambda a, b: a > b),
    "gte": _compare(lambda a, b: a >= b),
    "lt": _compare(lambda a, b: a < b),
    "lte": _compare(lambda a, b: a <= b),
    "range": _range,
    "contains": contains,
    "startswith": _texts(str.startswith),
    "endswith": _texts(str.endswith),
    "iexact": iexact,
    "icontains": _folded(str.__contains__),
    "istartswith": _folded(str.startswith),
    "iendswith": _folded(str.endswith),
    "regex": _regex(0),
    "iregex": _regex(re.IGNORECASE),
    "search": _search,
    "phrase": _phrase,
    "fuzzy": _fuzzy,
    "overlap": overlap,
    "near": _near,
    "within": _within,
    "match": _match,
}

"""Queries and model classes drawn at random; values often from what the objects hold, so that hits are common."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fixtures.strategies import CASES, KEYS, LOCALES, NASTY, WORDS, point, value_of
from fixtures.strategies import text as any_text
from property.definition import Refused, metres, parse, part_of, values_at, words
from schematics.types import (
    BaseType,
    BooleanType,
    DateTimeType,
    DateType,
    DictType,
    GeoPointType,
    ListType,
    ModelType,
    MultilingualStringType,
    StringType,
    UnionType,
    UUIDType,
)

from rs_search import Q

COMPARISONS = ("gt", "gte", "lt", "lte")
LIKE = ("contains", "startswith", "endswith", "iexact", "icontains", "istartswith", "iendswith")


@dataclass
class Spot:
    """A path of a model: its name, the type found there, whether it ends in a list, and whether it has one value."""

    name: str
    type: Any
    of_list: bool
    single: bool
    held: list[Any] = field(default_factory=list)


def spots(model: Any, above: str = "", single: bool = True) -> Iterator[Spot]:
    """All paths of a model but its ``pk``'s."""
    for name, type_ in model._schema.fields.items():
        if name != "pk":
            yield from _spots_at(above + name, type_, single)


def _spots_at(name: str, type_: Any, single: bool) -> Iterator[Spot]:
    of_list = False
    while isinstance(type_, ListType):
        type_, of_list = type_.field, True
    yield Spot(name, type_, of_list, single and not of_list)
    if isinstance(type_, ModelType):
        yield from spots(type_.model_class, f"{name}__", single and not of_list)
    elif isinstance(type_, DictType):
        # A key that is a lookup's name is out of reach.
        for key in KEYS:
            if key != "year":
                yield from _spots_at(f"{name}__{key}", type_.field, single and not of_list)
    elif isinstance(type_, MultilingualStringType):
        yield from (Spot(f"{name}__{key}", StringType(), False, single and not of_list) for key in LOCALES)


def is_text(type_: Any) -> bool:
    return isinstance(type_, (StringType, UUIDType, MultilingualStringType))


def is_date(type_: Any) -> bool:
    return isinstance(type_, (DateType, DateTimeType))


def has_order(type_: Any) -> bool:
    unordered = (BooleanType, GeoPointType, MultilingualStringType, ModelType, DictType, UnionType)
    return not isinstance(type_, unordered) and type(type_) is not BaseType


def orderable(found: list[Spot]) -> list[str]:
    return [spot.name for spot in found if spot.single and (has_order(spot.type) or isinstance(spot.type, BooleanType))]


class Asker:
    """Draws queries of a model."""

    def __init__(self, rng: Random, model: Any, instances: list[Any]) -> None:
        self.rng = rng
        self.spots = list(spots(model))
        for spot in self.spots:
            spot.held = [value for one in instances for value in values_at(one, spot.name)]

    def query(self, depth: int = 3) -> Q:
        rng = self.rng
        if depth == 0 or rng.random() < 0.45:
            # Texts have the most lookups, and the most ways to go wrong.
            of_text = [spot for spot in self.spots if is_text(spot.type)]
            return self.condition(rng.choice(of_text if of_text and rng.random() < 0.4 else self.spots))
        sign = rng.choice("&&||^~,")
        if sign == "~":
            return ~self.query(depth - 1)
        one, two = self.query(depth - 1), self.query(depth - 1)
        return Q(one, two) if sign == "," else one & two if sign == "&" else one | two if sign == "|" else one ^ two

    def condition(self, spot: Spot) -> Q:
        if isinstance(spot.type, ModelType):
            return self._of_objects(spot)
        if isinstance(spot.type, DictType):
            return Q(**{f"{spot.name}__isnull": self.rng.random() < 0.5})
        groups = [self._equality, self._equality]
        if has_order(spot.type):
            groups += [self._order, self._order]
        if is_text(spot.type):
            groups += [self._parts] * 4 + [self._words] * 4
        if is_date(spot.type):
            groups += [self._dates] * 4
        if isinstance(spot.type, GeoPointType):
            groups += [self._places] * 4
        if spot.of_list:
            groups += [self._lists] * 2
        return self.rng.choice(groups)(spot)

    def value(self, spot: Spot) -> Any:
        if spot.held and self.rng.random() < 0.75:
            return self.rng.choice(spot.held)
        return value_of(self.rng, spot.type)

    def given(self, spot: Spot) -> Any:
        """A value as a user may write it: at times as text."""
        value = self.value(spot)
        plain = isinstance(value, (int, dt.date)) and not isinstance(value, (bool, dt.datetime))
        return str(value) if plain and type(spot.type) is not BaseType and self.rng.random() < 0.1 else value

    # --- equality and order -------------------------------------------------------------------------------------------

    def _equality(self, spot: Spot) -> Q:
        rng = self.rng
        choice = rng.randrange(8)
        if choice == 0:
            return Q(**{f"{spot.name}__isnull": rng.random() < 0.5})
        if choice == 1:
            return Q(**{spot.name + rng.choice(["", "__ne", "__exact"]): None})
        if choice < 4:
            wanted = [self.given(spot) if rng.random() < 0.85 else None for _ in range(rng.randint(0, 3))]
            return Q(**{f"{spot.name}__{rng.choice(['in', 'in', 'nin', 'exclude', 'not_in'])}": wanted})
        suffix = rng.choice(["", "__exact", "__eq", "__ne", "__not"])
        return Q(**{spot.name + suffix: self.given(spot)})

    def _order(self, spot: Spot) -> Q:
        if self.rng.random() < 0.25:
            return Q(**{f"{spot.name}__range": (self.given(spot), self.given(spot))})
        if self.rng.random() < 0.2:
            low, high = self.rng.sample(COMPARISONS, 2)
            return Q(**{f"{spot.name}__{low}": self.given(spot), f"{spot.name}__{high}": self.given(spot)})
        return Q(**{f"{spot.name}__{self.rng.choice(COMPARISONS)}": self.given(spot)})

    # --- strings ------------------------------------------------------------------------------------------------------

    def _whole(self, spot: Spot) -> str:
        value = self.value(spot)
        if isinstance(value, dict):
            value = self.rng.choice([*value.values(), "ice"]) or ""
        return str(value)

    def _piece(self, spot: Spot) -> str:
        rng, whole = self.rng, self._whole(spot)
        start = rng.randint(0, len(whole))
        piece = rng.choice([whole, whole[start : start + rng.randint(0, 6)], whole[:start], whole[start:]])
        if rng.random() < 0.1:
            piece = rng.choice([*CASES, *NASTY])
        recased = [piece.swapcase(), piece.upper(), piece.lower(), piece.casefold(), piece.title()]
        return rng.choice(recased) if not piece.isascii() or rng.random() < 0.6 else piece

    def _parts(self, spot: Spot) -> Q:
        rng = self.rng
        if rng.random() < 0.2:
            escaped = re.escape(self._piece(spot)[:5])
            patterns = ["^[a-zA-Z]", r"\d", "a.b?", r"\w+\s", escaped, f"^{escaped}", f"{escaped}$", f"({escaped}|ice)"]
            return Q(**{f"{spot.name}__{rng.choice(['regex', 'iregex'])}": rng.choice(patterns)})
        names = [name for name in LIKE if not (name == "contains" and spot.of_list)]
        return Q(**{f"{spot.name}__{rng.choice(names)}": self._piece(spot)})

    def _word(self, spot: Spot) -> str:
        found = words(self._whole(spot))
        word = self.rng.choice([*found, *found, *WORDS])
        return self.rng.choice([word, word, word.upper(), word + "s"])

    def _words(self, spot: Spot) -> Q:
        rng = self.rng
        choice = rng.randrange(10)
        if choice == 0:
            return Q(**{f"{spot.name}__phrase": rng.choice([self._whole(spot), self._piece(spot), self._spoken(spot)])})
        if choice < 3:
            wrong = " ".join(self._misspelt(self._word(spot)) for _ in range(rng.randint(1, 2)))
            return Q(**{f"{spot.name}__fuzzy": rng.choice([wrong, wrong, (wrong, 2), (wrong, 3)])})
        asked = self._searched(spot) if choice < 9 else any_text(rng)
        try:
            parse(asked)
        except Refused:
            asked = "ice"
        return Q(**{f"{spot.name}__search": asked})

    def _spoken(self, spot: Spot) -> str:
        found = words(self._whole(spot))
        if len(found) > 1 and self.rng.random() < 0.5:
            # Words that stand together in a text, as they do or otherwise.
            return " ".join(self.rng.sample(found, 2))
        return " ".join(self._word(spot) for _ in range(self.rng.randint(1, 3)))

    def _misspelt(self, word: str) -> str:
        at = self.rng.randint(0, len(word))
        return self.rng.choice(
            [word, word[:at] + word[at + 1 :], f"{word[:at]}x{word[at:]}", f"{word[:at]}x{word[at + 1 :]}"]
        )

    def _searched(self, spot: Spot) -> str:
        rng = self.rng
        parts = []
        for _ in range(rng.randint(1, 3)):
            word = self._word(spot)
            parts.append(
                rng.choice(
                    [
                        word,
                        word,
                        word[: rng.randint(1, 4)] + "*",
                        f'"{self._spoken(spot)}"',
                        f'"{self._whole(spot)}"'.replace("\n", " "),
                        f"-{word}",
                        f'-"{self._spoken(spot)}"',
                        f"-{word[:2]}*",
                        f"{word} | {self._word(spot)}",
                        f"{word[:2]}* | {self._word(spot)}",
                        f'"{self._spoken(spot)}" | {word}',
                        f"{word}-{self._word(spot)} | the",
                    ]
                )
            )
        return " ".join(parts)

    # --- dates, places, lists, objects --------------------------------------------------------------------------------

    def _dates(self, spot: Spot) -> Q:
        rng = self.rng
        hours = ["hour"] if isinstance(spot.type, DateTimeType) else []
        part, compare = (
            rng.choice(["year", "month", "day", "date", *hours]),
            rng.choice(["", "", "ne", "in", "range", *COMPARISONS]),
        )
        wanted: Any = self._date_part(spot, part)
        if compare in ("in", "range"):
            wanted = [wanted, self._date_part(spot, part)]
        lookups = {f"{spot.name}__{part}" + (f"__{compare}" if compare else ""): wanted}
        if part in ("month", "day") and rng.random() < 0.5:
            lookups[f"{spot.name}__year{rng.choice(['', '__gte', '__lt', '__lte'])}"] = self._date_part(spot, "year")
        if rng.random() < 0.2:
            lookups[f"{spot.name}__{rng.choice(COMPARISONS)}"] = self.value(spot)
        return Q(**lookups)

    def _date_part(self, spot: Spot, part: str) -> Any:
        found = part_of(self.value(spot), part)
        if part == "date":
            return dt.date(*found) if 1 <= found[0] <= 9999 else dt.date(9999, 12, 31)
        return found

    def _places(self, spot: Spot) -> Q:
        rng, centre = self.rng, tuple(self.value(spot))
        choice = rng.randrange(4)
        if choice < 2:
            to = metres(centre, self.value(spot))
            radius = rng.choice([to * 1.0001 + 0.01, max(0.0, to * 0.9999 - 0.01), 10 ** rng.uniform(0, 7.4)])
            unit, metre = rng.choice([("m", 1), ("km", 1000), ("mi", 1609.34), ("ft", 0.3048)])
            return Q(**{f"{spot.name}__near": (*centre, radius / metre, unit)})
        if choice == 2:
            other = rng.choice([point(rng), tuple(self.value(spot))])
            south, north = sorted([centre[0], other[0]])
            return Q(**{f"{spot.name}__within": ((south, centre[1]), (north, other[1]))})
        corners = [tuple(self.value(spot)) if rng.random() < 0.3 else point(rng) for _ in range(rng.randint(3, 6))]
        if rng.random() < 0.4:
            size = rng.choice([1, 5, 20])
            corners = [
                (max(-90, min(90, round(centre[0] + a * size))), round(centre[1] + b * size))
                for a, b in ((-1, -1), (-1, 2), (1, 1), (2, -1))
            ]
        turn = rng.choice([0, 0, 360, -360])
        if turn:
            # Whole degrees: others would be rounded.
            corners = [(y, round(x) + turn) for y, x in corners if abs(round(x) + turn) <= 540] or corners
        return Q(**{f"{spot.name}__within": corners})

    def _lists(self, spot: Spot) -> Q:
        rng, wanted = self.rng, [self.given(spot) for _ in range(self.rng.randint(1, 2))]
        choice = rng.randrange(4)
        if type(spot.type) is BaseType:
            return self._length(spot)
        if choice == 0:
            return Q(**{f"{spot.name}__overlap": wanted})
        if choice == 1:
            return Q(**{f"{spot.name}__contains": wanted[0] if rng.random() < 0.5 else wanted})
        return self._length(spot)

    def _length(self, spot: Spot) -> Q:
        compare = self.rng.choice(["", "__ne", *(f"__{name}" for name in COMPARISONS)])
        return Q(**{f"{spot.name}__len{compare}": self.rng.randint(0, 3)})

    def _of_objects(self, spot: Spot) -> Q:
        rng = self.rng
        if rng.random() < 0.2:
            return Q(**{f"{spot.name}__isnull": rng.random() < 0.5})
        if spot.of_list and rng.random() < 0.2:
            return self._length(spot)
        asked = Asker(rng, spot.type.model_class, spot.held).query(2)
        names = [child[0] if isinstance(child, tuple) else "" for child in asked.children]
        if asked.connector == "&" and not asked.negated and "" not in names and rng.random() < 0.5:
            return Q(**{f"{spot.name}__match": dict(asked.children)})
        return Q(**{f"{spot.name}__match": asked})


# --- models -----------------------------------------------------------------------------------------------------------

_TYPES = (
    "StringType",
    "StringType",
    "StringType",
    "EmailType",
    "IntType",
    "FloatType",
    "DecimalType",
    "BooleanType",
    "DateType",
    "DateTimeType",
    "TimestampType",
    "TimedeltaType",
    "UUIDType",
    "GeoPointType",
    "BaseType",
    *("URLType", "IPAddressType", "IPv4Type", "IPv6Type", "MD5Type", "SHA1Type", "UTCDateTimeType"),
)
_INDEXABLE = {
    "StringType": ("tag=False", "text=False", "sortable=False", "skip=True"),
    "EmailType": ("sortable=False", "skip=True"),
    "BooleanType": ("sortable=False", "skip=True"),
    "GeoPointType": ("skip=True",),
    "BaseType": (),
}


class ModelSource:
    """The source of a random model class, ``Drawn``."""

    def __init__(self, rng: Random, layer: str = "SearchRedisMixin") -> None:
        self.rng = rng
        self.classes: list[str] = []
        self.index: list[str] = []
        fields = self._fields(rng.randint(2, 6), 2, "")
        index = f"    __index__ = {{{', '.join(self.index)}}}\n" if self.index else ""
        own = f"class Drawn(models.Model, {layer}):\n{index}    pk = types.StringType()\n{fields}"
        self.text = "\n\n".join([*self.classes, own])

    def _fields(self, count: int, deep: int, above: str) -> str:
        return "".join(f"    f{place} = {self._type(deep, f'{above}f{place}')}\n" for place in range(count))

    def _object(self, deep: int, path: str) -> str:
        name = f"Inner{len(self.classes) + self.rng.randrange(10**6)}"
        fields = self._fields(self.rng.randint(1, 3), deep - 1, f"{path}__")
        self.classes.append(f"class {name}(models.Model):\n{fields}")
        return f"types.ModelType({name})"

    def _element(self, deep: int, path: str) -> str:
        """What a dictionary, or a list in a list, holds."""
        name = self.rng.choice(["IntType", "StringType", "DateType", "list", "object" if deep else "StringType"])
        if name == "object":
            return self._object(deep, path)
        return "types.ListType(types.StringType())" if name == "list" else f"types.{name}()"

    def _type(self, deep: int, path: str) -> str:
        rng = self.rng
        shape = rng.choice(
            ["one"] * 7
            + ["list"] * 3
            + ["dict", "languages", "nested", "union"]
            + ["object", "objects", "objects"] * bool(deep)
        )
        if shape in ("object", "objects"):
            made = self._object(deep, path)
            return f"types.ListType({made})" if shape == "objects" else made
        if shape == "languages":
            return 'types.MultilingualStringType(default_locale="en")'
        if shape == "dict":
            return f"types.DictType({self._element(deep, path)})"
        if shape == "nested":
            return f"types.ListType({rng.choice(['types.DictType', 'types.ListType'])}({self._element(deep, path)}))"
        if shape == "union":
            return "types.UnionType((types.IntType, types.StringType))"
        name = rng.choice(_TYPES)
        given = ', default="given"' if name == "StringType" and shape == "one" and rng.random() < 0.1 else ""
        options = _INDEXABLE.get(name, ("sortable=False", "skip=True"))
        # What has no effect is refused: a list is never sortable.
        options = tuple(one for one in options if (shape == "one" and "objects" not in path) or one == "skip=True")
        if options and "__" not in path and rng.random() < 0.3:
            self.index.append(f'"{path}": search_options({rng.choice(options)})')
        made = f"types.{name}({given[2:]})"
        return f"types.ListType({made})" if shape == "list" else made


def class_of(source: str) -> Any:
    """The class that a source makes."""
    from schematics import models, types

    space: dict[str, Any] = {"models": models, "types": types}
    exec(f"from rs_search import *\n\n{source}", space)
    return space["Drawn"]

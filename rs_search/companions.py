"""What stands beside a document for the index, worked out from the document alone.

The reserved member of a document holds, where there is need:

- under an index alias, what the index reads in place of the primitive: a date as days, a decimal as a double, …;
- under the alias of a folded text, the words of texts that the server would split otherwise;
- under the alias of a text's case, the text case-folded, where the server, which folds ASCII only, would do otherwise;
- `NULLS`: the aliases of paths that end in nulls only (RediSearch's ``ismissing`` does not see a null);
- `DOUBTS`: the aliases of numbers that the index's double does not stand for exactly;
- `EXACT`: floats that RedisJSON would read one unit off, as ``[steps, text]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schematics.exceptions import BaseError
from schematics.models import Model

from . import kinds
from .index_schema import DOUBTS, EXACT, NULLS, IndexSchema, Leaf, index_schema_of
from .json_numbers import are_plain, float_text, is_plain
from .kinds import EXACT_INTEGERS, Unkeepable
from .memo import once_per_class
from .planner.text import indexed_words, is_read_alike
from .query.points import indexed_longitude
from .schema import Field

#: GEO refuses latitudes beyond Web Mercator's, and with them the whole document; such points go unindexed.
MOST_LATITUDE = 85.05
_ASCII_UPPER = re.compile("[A-Z]+")
Document = dict[str, Any]
Read = Callable[[Document], list[Any]]
Is = Callable[[Any], bool]
Fill = Callable[[Leaf, list[Any], Document], None]


class UnkeepableAt(ValueError):
    """`Unkeepable`, with the path it stands at."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


def companions(
    document: Document, schema: IndexSchema, known: Mapping[str, Any] | None = None, plain: bool = False
) -> Document:
    """The reserved member of a document; empty where nothing needs one.

    ``known``: what stands there in place of primitives, all of it exact, where it has been worked out already;
    ``plain``: all floats are known to be read alike by all (`json_numbers.are_plain`).
    Raises `UnkeepableAt` for what would drop the document from the index. O(size of the document).
    """
    beside: Document = {}
    for leaf, read, is_easy, fillers in _work(schema.model):
        if leaf.companion and known is not None:
            if leaf.alias in known:
                beside[leaf.alias] = known[leaf.alias]
            continue
        values = read(document)
        if not values or (is_easy is not None and all(map(is_easy, values))):
            continue
        present = [value for value in values if value is not None]
        if not present and not leaf.companion:
            beside.setdefault(NULLS, []).append(leaf.alias)
        try:
            for fill in fillers:
                fill(leaf, present, beside)
        except (BaseError, TypeError, ArithmeticError, AttributeError) as error:
            # A subclass in a PolyModelType may have made another type of the field.
            raise UnkeepableAt(str(leaf.path), f"the index cannot read it: {error}") from None
    if not plain and not are_plain(document):
        exact = list(_inexact_floats(document, []))
        if exact:
            beside[EXACT] = exact
    return beside


@once_per_class
def _work(model: type[Model]) -> list[tuple[Leaf, Read, Is | None, list[Fill]]]:
    """For each leaf of a model what gives its values, which of these need nothing, and what works on the others."""
    return [
        (
            leaf,
            leaf.path.reader(),
            None if leaf.companion else _EASY.get(leaf.path.field.kind),
            [fill for alias, fill in _FILLERS.items() if getattr(leaf, alias) is not None],
        )
        for leaf in index_schema_of(model).leaves.values()
    ]


def _is_easy_text(value: Any) -> bool:
    return type(value) is str and is_read_alike(value)


def _is_easy_integer(value: Any) -> bool:
    return type(value) is int and -EXACT_INTEGERS < value < EXACT_INTEGERS


def _is_easy_float(value: Any) -> bool:
    return type(value) is float and is_plain(value)


def _is_boolean(value: Any) -> bool:
    return type(value) is bool


#: Primitives of which the index sees what is meant, found at a glance.
_EASY: dict[kinds.Kind, Is] = {
    kinds.TEXT: _is_easy_text,
    kinds.IDENTIFIER: _is_easy_text,
    kinds.REFERENCE: _is_easy_text,
    kinds.INTEGER: _is_easy_integer,
    kinds.FLOAT: _is_easy_float,
    kinds.BOOLEAN: _is_boolean,
}


def _fill_tag(leaf: Leaf, present: list[Any], beside: Document) -> None:
    if leaf.companion:
        _put(leaf, leaf.alias, [kinds.BOOLEAN.tag(value) for value in present if kinds.BOOLEAN.tag], beside)
        return
    for value in present:
        if isinstance(value, str) and "\0" in value:
            # RediSearch ends a tag there: 'a\0b' would be found as 'a'.
            raise UnkeepableAt(str(leaf.path), "an indexed string must not contain NUL; index it as text only, or skip")


def _fill_numeric(leaf: Leaf, present: list[Any], beside: Document) -> None:
    to_number = leaf.path.field.kind.number
    assert to_number is not None
    numbers = [to_number(comparable_of(leaf.path.field, value)) for value in present]
    if leaf.companion:
        _put(leaf, leaf.alias, [number for number, _ in numbers], beside)
    if not all(exact for _, exact in numbers):
        beside.setdefault(DOUBTS, []).append(leaf.alias)


def _fill_geo(leaf: Leaf, present: list[Any], beside: Document) -> None:
    texts = [geo_text(comparable_of(leaf.path.field, value)) for value in present]
    _put(leaf, leaf.alias, [text for text in texts if text is not None], beside)


def geo_text(point: tuple[float, float]) -> str | None:
    """A latitude and a longitude as a GEO field reads them; None where it would refuse them.

    >>> geo_text((48.2, 16.37)), geo_text((89, 0))
    ('16.37,48.2', None)
    """
    latitude, longitude = point
    return f"{indexed_longitude(longitude)},{latitude}" if abs(latitude) <= MOST_LATITUDE else None


def _fill_fold(leaf: Leaf, present: list[Any], beside: Document) -> None:
    texts = [text for value in present for text in texts_of(leaf.path.field, value)]
    folded = [words for text in texts if (words := indexed_words(text)) is not None]
    if folded:
        beside[str(leaf.fold)] = folded


def _fill_case(leaf: Leaf, present: list[Any], beside: Document) -> None:
    for text in texts_of(leaf.path.field, present[0]) if present else ():
        if is_read_alike(text):
            continue
        lowered = _ASCII_UPPER.sub(lambda found: found[0].lower(), text)
        folded = text.casefold()
        # Should a server fold more than ASCII, its text is the folded one yet.
        # A backslash joins words (`document_words`), which a search for a prefix looks for there.
        if folded != lowered or text.lower() != lowered or "\\" in text:
            beside[str(leaf.case)] = folded


#: What works on the values of a leaf that has the alias of the name.
_FILLERS: dict[str, Fill] = {
    "tag": _fill_tag,
    "numeric": _fill_numeric,
    "geo": _fill_geo,
    "fold": _fill_fold,
    "case": _fill_case,
}


def merged(there: Any, made: Document, schema: IndexSchema) -> Document:
    """Companions that were `made`, with those that are there for what this version of the model does not index.

    Another version may read them.
    """
    if not isinstance(there, dict):
        return made
    own = schema.companion_names | schema.noted_names.keys()
    found = {name: value for name, value in there.items() if name not in own} | made
    for name, noted in schema.noted_names.items():
        others = [alias for alias in _texts(there.get(name)) if alias not in noted]
        if others:
            found[name] = [*made.get(name, []), *others]
    return found


def is_as_made(there: Any, made: Document) -> bool:
    """Whether companions are those that were `made`, as far as the server keeps them."""
    if not made or not isinstance(there, dict):
        return not made and not there
    return there.keys() == made.keys() and all(_is_kept(name, there[name], value) for name, value in made.items())


def _is_kept(name: str, there: Any, made: Any) -> bool:
    if name in (NULLS, DOUBTS):
        return sorted(_texts(there)) == sorted(made)
    if isinstance(made, float):
        # RedisJSON may have read it one unit off; then it is a doubt.
        return _is_near(there, made)
    if isinstance(made, list) and isinstance(there, list) and name != EXACT:
        return len(there) == len(made) and all(_is_kept(name, *pair) for pair in zip(there, made, strict=True))
    return bool(there == made)


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _put(leaf: Leaf, alias: str, values: list[Any], beside: Document) -> None:
    if values:
        beside[alias] = values if leaf.path.multiple else values[0]


def texts_of(field: Field, primitive: Any) -> list[str]:
    """The texts in a primitive that is not None: one, or those of a text in many languages."""
    if field.kind is kinds.MULTILINGUAL:
        return [text for text in primitive.values() if isinstance(text, str)] if isinstance(primitive, dict) else []
    return [comparable_of(field, primitive)]


def comparable_of(field: Field, primitive: Any) -> Any:
    """What lookups compare, of a primitive that is not None. Raises schematics' errors where it cannot be read."""
    kind = field.kind
    if type(primitive) in kind.plain:
        return primitive
    return kind.comparable(field.type, kind.decode(field.type, primitive))


def _inexact_floats(value: Any, steps: list[str | int]) -> Iterator[list[Any]]:
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, float):
            if float_text(inner) is None:
                yield [[*steps, step], repr(inner)]
        elif isinstance(inner, (dict, list)):
            yield from _inexact_floats(inner, [*steps, step])


def restore_exact(document: Document, exact: Any) -> None:
    """Put back, in place, the floats that the server read one unit off; what no layer of ours wrote is passed over."""
    for entry in exact if isinstance(exact, list) else ():
        try:
            steps, text = entry
            *above, last = steps
            number = float(text)
        except (TypeError, ValueError):
            continue
        holder: Any = document
        for step in above:
            holder = holder[step] if _has(holder, step) else None
        if _has(holder, last) and _is_near(holder[last], number):
            holder[last] = number


def _has(holder: Any, step: Any) -> bool:
    if isinstance(holder, dict):
        return isinstance(step, str) and step in holder
    return isinstance(holder, list) and isinstance(step, int) and step < len(holder)


def _is_near(stored: Any, number: float) -> bool:
    # Another program may have written the member since: then its number stands.
    return isinstance(stored, (int, float)) and abs(stored - number) <= abs(number) * 1e-15


__all__ = [
    "Unkeepable",
    "UnkeepableAt",
    "companions",
    "comparable_of",
    "is_as_made",
    "merged",
    "restore_exact",
    "texts_of",
]

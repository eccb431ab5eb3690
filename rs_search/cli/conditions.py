"""``--where amount_kg__gte=30`` as a condition: the value is text, read by what the lookup takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from schematics.models import Model

from .. import kinds
from ..paths import Path
from ..query.bind import resolve
from ..query.conditions import Q
from ..query.lists import ends_in_list
from ..query.lookups import MATCH

Read = Callable[[str], Any]
_NOTHING = object()


def _parsed(text: str, *types: type) -> Any:
    """The JSON of a text, if it is of one of these types; else `_NOTHING`."""
    try:
        value = json.loads(text)
    except ValueError:
        return _NOTHING
    return value if not types or isinstance(value, types) else _NOTHING


def several(text: str) -> list[Any]:
    """A JSON list, else what stands between the commas.

    >>> several('["a,b", null]'), several("a, b"), several("")
    (['a,b', None], ['a', 'b'], [])
    """
    value = _parsed(text, list)
    if value is not _NOTHING:
        return list(value)
    return [part.strip() for part in text.split(",")] if text else []


def place(text: str) -> list[Any]:
    """Latitude, longitude, radius and unit.

    >>> place("48.2,16.37,10,km")
    [48.2, 16.37, 10, 'km']
    """
    return [part if (number := _parsed(str(part), int, float)) is _NOTHING else number for part in several(text)]


def as_json(text: str) -> Any:
    """Any JSON, else the text."""
    value = _parsed(text)
    return text if value is _NOTHING else value


def json_list(text: str) -> Any:
    """A JSON list, else the text."""
    value = _parsed(text, list)
    return text if value is _NOTHING else value


def truth(text: str) -> Any:
    """true or false, else the text, which the lookup refuses."""
    return {"true": True, "false": False}.get(text.lower(), text)


#: What lookups take that do not take one value.
READERS: dict[str, Read] = {
    "in": several,
    "nin": several,
    "range": several,
    "overlap": several,
    "near": place,
    "within": as_json,
    MATCH: as_json,
    "isnull": truth,
    "fuzzy": json_list,
}
#: Kinds whose one value is no text.
_OF_JSON = (kinds.POINT, kinds.ANY)


def value_for(model: type[Model], name: str, text: str) -> Any:
    """The value that a lookup is given. Raises a `QueryError` for a name that means nothing."""
    if name.endswith(f"__{MATCH}"):
        return as_json(text)
    path, lookup = resolve(model, name)
    return _reader(path, lookup.name.rpartition("__")[2])(text)


def _reader(path: Path, lookup: str) -> Read:
    if lookup in READERS:
        return READERS[lookup]
    if path.field.kind in _OF_JSON:
        return as_json
    return json_list if lookup == "contains" and ends_in_list(path) else str


def query_of(model: type[Model], assignments: tuple[str, ...]) -> Q:
    """All of ``NAME=VALUE`` as one condition; a name may come again. Raises what is wrong with them."""
    found = []
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"not LOOKUP=VALUE: {assignment!r}")
        found.append(Q(**{name: value_for(model, name, text)}))
    return Q(*found)

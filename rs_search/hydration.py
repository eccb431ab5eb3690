"""What rows are made into: instances, instances with some fields only, and values.

A row is a key and what is *stored* there: its text, as it stands in the reply, or its document where that is at hand.
The functions that make instances and values of rows are compiled once a class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schematics.models import Model

from .primary_key import names_of_key
from .query.shapes import PARTIAL, Shape
from .reading import Document, Stored, decode, decode_fields
from .schema import schema_of
from .storage import storage_of

#: What makes something of a key and what is stored there. Raises `UnreadableDocument`.
Make = Callable[[str, Any], Any]
#: Where an instance keeps what it was loaded from.
LOADED = "_rs_search_loaded"


@dataclass(frozen=True)
class Loaded:
    """The document that an instance was read from or written as; ``only``: the fields that it got a value for."""

    document: Document
    only: frozenset[str] | None = None


def row_maker(model: type[Model], shape: Shape) -> Make:
    """The function that makes the rows of a result set."""
    if shape.of_values:
        values, row = values_reader(model, shape.fields), shape.row
        return lambda key, stored: row(values(key, stored))
    if shape.kind == PARTIAL:
        return hydrator(model, frozenset([*shape.fields, *names_of_key(model)]))
    return hydrator(model)


def hydrator(model: type[Model], only: frozenset[str] | None = None) -> Make:
    """The function that makes instances, with values for some fields ``only`` if they are named."""

    def build(key: str, stored: Stored) -> Any:
        document = _document(model, key, stored)
        instance = decode(model, document, key, only)
        instance.__dict__[LOADED] = Loaded(document, only)
        if "pk" not in schema_of(model).fields:
            instance.__dict__["pk"] = storage_of(model).pk(key)
        return instance

    return build


def values_reader(model: type[Model], names: tuple[str, ...]) -> Make:
    """The function that gives the native values of some fields, by name."""
    return lambda key, stored: decode_fields(model, _document(model, key, stored), key, names)


def _document(model: type[Model], key: str, stored: Stored) -> Document:
    return stored if isinstance(stored, dict) else storage_of(model).parsed(stored, key)

"""What rows are made into: instances, instances with some fields only, and values.

A row is a key and what is *stored* there: its text, as it stands in the reply, or its document where that is at hand.
What makes instances and values of texts is compiled once a class; whatever that cannot read goes the slow way, which
reads every value by its own type and tells what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schematics.models import Model

from .memo import once_per_class
from .options import options_of
from .primary_key import names_of_key
from .query.shapes import INSTANCE, PARTIAL, Shape
from .reading import Document, Stored, decode, decode_fields, parse
from .schema import schema_of
from .storage import storage_of

#: What makes something of a key and what is stored there. Raises `UnreadableDocument`.
Make = Callable[[str, Any], Any]
#: Where an instance keeps what it was loaded from: a `Loaded`, or the text itself where that was read whole.
LOADED = "_rs_search_loaded"
#: Functions that are kept for a model: of instances with some fields only, and of values, there may be many.
MOST_FUNCTIONS = 100


@dataclass(frozen=True)
class Loaded:
    """What an instance was read from or written as; ``only``: the fields that it got a value for."""

    stored: Stored
    only: frozenset[str] | None = None

    @property
    def document(self) -> Document:
        """The document. O(size) where it was read as a text."""
        return self.stored if isinstance(self.stored, dict) else parse(self.stored, "")


def loaded(instance: Any) -> Loaded | None:
    """What an instance was read from or written as; None if neither."""
    found = instance.__dict__.get(LOADED)
    return found if found is None or isinstance(found, Loaded) else Loaded(found)


def row_maker(model: type[Model], shape: Shape) -> Make:
    """The function that makes the rows of a result set."""
    if shape.kind == INSTANCE:
        return hydrator(model)
    if shape.kind == PARTIAL:
        return hydrator(model, partial_fields(model, shape))
    return _kept(model, (shape.kind, *(path.names for path in shape.paths)), lambda: _value_row_maker(model, shape))


def partial_fields(model: type[Model], shape: Shape) -> frozenset[str]:
    """The fields of instances with some fields only: what makes the key, and the version, are always among them."""
    version = options_of(model).version_field
    return frozenset([*shape.fields, *names_of_key(model), *([version] if version else [])])


def hydrator(model: type[Model], only: frozenset[str] | None = None) -> Make:
    """The function that makes instances, with values for some fields ``only`` if they are named."""
    return _functions(model).get(only) or _kept(model, only, lambda: _whole_maker(model, only))


@once_per_class
def _functions(model: type[Model]) -> dict[Any, Make]:
    return {}


def _kept(model: type[Model], name: Any, make: Callable[[], Make]) -> Make:
    functions = _functions(model)
    found = functions.get(name)
    if found is None:
        if len(functions) >= MOST_FUNCTIONS:
            functions.clear()
        found = functions[name] = make()
    return found


def _whole_maker(model: type[Model], only: frozenset[str] | None) -> Make:
    pk = None if "pk" in schema_of(model).fields else storage_of(model).pk_reader()

    def slow(key: str, stored: Stored) -> Any:
        document = _document(model, key, stored)
        instance = decode(model, document, key, only)
        instance.__dict__[LOADED] = Loaded(document, only)
        if pk is not None:
            instance.__dict__["pk"] = pk.read(key)
        return instance

    if not storage_of(model).json:
        return slow
    # Here and below, because a program that only writes does without msgspec.
    from .readers import instance_maker

    noted = None if only is None else lambda stored: Loaded(stored, only)
    return instance_maker(model, only, slow, (LOADED, noted), pk)


def _value_row_maker(model: type[Model], shape: Shape) -> Make:
    names = shape.fields

    def slow(key: str, stored: Stored) -> Any:
        return shape.row(decode_fields(model, _document(model, key, stored), key, names))

    if not storage_of(model).json:
        return slow
    from .readers import values_maker

    return values_maker(model, shape.kind, shape.paths, slow)


def _document(model: type[Model], key: str, stored: Stored) -> Document:
    return stored if isinstance(stored, dict) else storage_of(model).parsed(stored, key)

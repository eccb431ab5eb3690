"""Stored objects changed in some of their fields; nothing here asks a server.

What is written is what was read, with the members of these fields in place of the old ones: members that the model
does not know, which a newer version of it may have written, stay, and so does what stands beside them for its index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson
from schematics.models import Model

from .changes import evaluated, fields_of
from .codec import Document, encode
from .companions import UnkeepableAt, companions, merged
from .errors import InvalidObject, QueryError, UnknownField, UnstorableValue, shown_key
from .hydration import Loaded
from .index_schema import index_schema_of
from .instances import Prepared, Values, noted, own_key, payload_of, validate
from .options import options_of, own_method
from .primary_key import names_of_key
from .quick import quick_writer
from .schema import COMPANIONS, Field, schema_of
from .storage import storage_of
from .storage.base import Seen

#: What a model may have of its own that makes the key of any of its fields.
_OF_KEYS = ("__primary_key__", "__set_key__")
_IN_TEXT = COMPANIONS.encode()


def check_names(model: type[Model], names: Iterable[str]) -> None:
    """Raise `QueryError` for what cannot be written by itself: unknown, computed, key-making and version fields."""
    fields = schema_of(model).fields
    for name in names:
        if name not in fields:
            raise UnknownField(f"{model.__name__} has no field {name}; it has {', '.join(fields)}")
        if fields[name].computed is not None:
            raise QueryError(f"{model.__name__}.{name} is computed, and cannot be set")
        if name == "pk" or (name in names_of_key(model) and "pk" not in fields):
            raise QueryError(f"{model.__name__}.{name} makes the key, and cannot be changed; set() another object")
        if name == options_of(model).version_field:
            raise QueryError(f"{model.__name__}.{name} counts the writes, and cannot be set")


def check_values(model: type[Model], values: Mapping[str, Any]) -> None:
    """Raise `QueryError` for what cannot be changed, and for fields that an expression cannot be worked out of."""
    check_names(model, values)
    fields = schema_of(model).fields
    for value in values.values():
        for name in fields_of(value):
            if name not in fields:
                raise UnknownField(f"{model.__name__} has no field {name}, of which {value!r} is to be worked out")
            if fields[name].computed is not None:
                raise QueryError(f"{model.__name__}.{name} is computed; F({name!r}) takes what is stored")


def change(stored: Any, key: str, values: Mapping[str, Any]) -> None:
    """Give a stored object other values, expressions worked out of its own.

    Raises `InvalidObject`, with the key; `QueryError` for what makes the key.
    """
    try:
        found = {name: evaluated(value, stored._data.get) for name, value in values.items()}
        for name, value in found.items():
            set_value(stored, name, value)
        validate(stored)
    except InvalidObject as error:
        raise type(error)(f"{shown_key(key)}: {error}", error.errors) from error
    if any(own_method(type(stored), name) is not None for name in _OF_KEYS) and own_key(stored) != key:
        told = f"{shown_key(key)}: {', '.join(values)} makes the key"
        raise QueryError(f"{told}, and cannot be changed; set() another object")


def rewritten(stored: Any, seen: Seen, names: Collection[str]) -> Prepared:
    """A stored object as it is to be written where these fields of it were changed. Raises `UnstorableValue`."""
    model = type(stored)
    storage, schema = storage_of(model), schema_of(model)
    before, written = Values.of(stored), _as_written(stored, seen.key)
    whole = encode(stored, for_index=False, nulls=storage.keeps_nulls) if written is None else written[0]
    touched = [field for field in schema.fields.values() if _changes(model, field, names)]
    members = {field.member for field in schema.fields.values()}
    document = dict(seen.document)
    for field in touched:
        _put(document, field, whole, members)
    changed = frozenset(field.member for field in touched)
    if written is not None and written[0] == document and _IN_TEXT not in seen.text:
        # As the model writes it by itself.
        _, payload, kept = written
        return Prepared(seen.key, payload, kept, before, changed)
    if storage.indexed:
        beside = _beside(model, document, seen.text)
        if beside:
            document[COMPANIONS] = beside
    payload = payload_of(model, document)
    return Prepared(seen.key, payload, noted(model, document, payload), before, changed)


def _as_written(stored: Any, key: str) -> tuple[Document, Any, Any] | None:
    """The document of an object, what it is kept as, and what is noted of that; None where it is not known quickly."""
    write = quick_writer(type(stored))
    quick = None if write is None else write(stored, key)
    if quick is None:
        return None
    payload, kept = quick[3], quick[4]
    document = dict(kept.document) if isinstance(kept, Loaded) else orjson.loads(kept)
    document.pop(COMPANIONS, None)
    return document, payload, kept


def _changes(model: type[Model], field: Field, names: Collection[str]) -> bool:
    # What is computed may depend on any other field.
    return field.name in names or field.computed is not None or field.name == options_of(model).version_field


def _put(document: Document, field: Field, whole: Document, members: Collection[str]) -> None:
    if field.member in whole:
        document[field.member] = whole[field.member]
        return
    for name in (field.member, *field.type.get_input_keys()):
        # Under another name it would be read again, but what another field is stored under is that field's.
        if name == field.member or name not in members:
            document.pop(name, None)


def _beside(model: type[Model], document: Document, text: bytes) -> Document:
    """What stands beside the document for the index, and what a newer version of the model had there for its own."""
    schema = index_schema_of(model)
    try:
        beside = companions(document, schema)
    except UnkeepableAt as error:
        told = f"{model.__name__}.{error.path} cannot be kept: {error.reason}"
        raise UnstorableValue(told, {error.path: error.reason}) from None
    before = orjson.loads(text).get(COMPANIONS) if _IN_TEXT in text else None
    return merged(before, beside, schema)


def set_value(instance: Any, name: str, value: Any) -> None:
    """Set a field as its descriptor does, whatever stands in the way of ``setattr``."""
    field = schema_of(type(instance)).fields[name]
    instance._data.converted[name] = field.type.pre_setattr(value)


def bumped(instance: Any) -> int | None:
    """Count the version of an instance up, if its model has one, and give what it was; None without a version."""
    name = options_of(type(instance)).version_field
    if name is None:
        return None
    before: int | None = instance._data.get(name)
    instance._data.converted[name] = (before or 0) + 1
    return before

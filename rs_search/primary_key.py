"""Which object is which: ``pk``, else ``id``, else ``__unique_together__``, else a new UUID."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from schematics.exceptions import BaseError
from schematics.models import Model

from .errors import InvalidObject, InvalidValue
from .kinds import Unkeepable
from .options import options_of
from .schema import Field, schema_of
from .storage.json_document import key_of, quoted

_MAKES_KEY = ("pk", "id")


def primary_key(instance: Model) -> str | None:
    """The primary key of an instance as text; None if nothing on it makes one. Raises `InvalidObject`."""
    model = type(instance)
    fields = schema_of(model).fields
    values = {
        name: instance._data.get(name) if field.computed is None else field.computed.__get__(instance, model)
        for name, field in fields.items()
        if field.computed is None or name in _MAKES_KEY
    }
    if "pk" not in fields:
        # A model without the field: the key of an object that was loaded or written.
        values["pk"] = instance.__dict__.get("pk")
    try:
        return primary_key_of_values(model, values)
    except InvalidValue as error:
        raise InvalidObject(str(error)) from None


def primary_key_of_values(model: type[Model], values: Mapping[str, Any]) -> str | None:
    """The primary key that values of fields make; None if they make none. Raises `InvalidValue`."""
    for name in _MAKES_KEY:
        if name in values and values[name] is not None and values[name] != "":
            return _text(model, name, values[name])
    names = options_of(model).unique_together
    if not names or any(values.get(name) is None for name in names):
        return None
    # Joined by a dot as in redis-schematics; a dot within a part is quoted, or ("a.b", "c") would be ("a", "b.c").
    return ".".join(quoted(_text(model, name, values[name]), also=".") for name in names)


def new_primary_key(model: type[Model]) -> str:
    """A random UUID. Raises `InvalidObject` where ``__unique_together__`` should have made the key."""
    names = options_of(model).unique_together
    if names:
        raise InvalidObject(f"{model.__name__} needs {', '.join(names)} to make its primary key; one of them is None")
    return str(uuid.uuid4())


def key_for(model: type[Model], pk: str) -> str:
    """The Redis key of a primary key."""
    return key_of(options_of(model).prefix, pk)


def text_of_pk(model: type[Model], value: Any) -> str:
    """A primary key as text, read by the type of the ``pk`` field, or the ``id`` that stands for it."""
    fields = schema_of(model).fields
    name = "pk" if "pk" in fields else "id" if "id" in fields else "pk"
    return _text(model, name, value)


def _text(model: type[Model], name: str, value: Any) -> str:
    field = schema_of(model).fields.get(name)
    if field is None or field.computed is not None:
        return str(value)
    try:
        primitive = field.kind.encode(field.type, _native(field, value))
    except (BaseError, Unkeepable, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise InvalidValue(
            f"{model.__name__}.{name}: {value!r} cannot be read as {type(field.type).__name__}: {error}"
        ) from None
    return primitive if isinstance(primitive, str) else orjson.dumps(primitive).decode()


def _native(field: Field, value: Any) -> Any:
    return field.kind.decode(field.type, value)

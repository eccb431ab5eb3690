"""Which object is which: ``pk``, else ``id``, else ``__unique_together__``, else a new UUID."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from schematics.exceptions import BaseError
from schematics.models import Model
from schematics.types import StringType

from .codec import values_of
from .errors import InvalidObject, InvalidValue
from .kinds import Unkeepable
from .memo import once_per_class
from .options import of_instance, options_of, own_method
from .schema import Field, schema_of
from .storage import storage_of
from .storage.keys import quoted

_MAKES_KEY = ("pk", "id")
_UNREADABLE = (BaseError, Unkeepable, TypeError, ValueError, ArithmeticError, AttributeError)
#: Integers of so many digits are written without an exponent.
_PLAIN_DIGITS = 28


def primary_key(instance: Model) -> str | None:
    """The primary key of an instance as text; None if nothing on it makes one. Raises `InvalidObject`."""
    declared = own_method(type(instance), "__primary_key__")
    return default_primary_key(instance) if declared is None else _declared(declared, instance)


def default_primary_key(instance: Model) -> str | None:
    """The same, whatever ``__primary_key__`` the model has of its own."""
    model = type(instance)
    fields = schema_of(model).fields
    stands = values_of(instance)
    values = {name: stands.get(name) for name in names_of_key(model) if fields[name].computed is None}
    if "pk" not in fields:
        # A model without the field: the key of an object that was loaded or written.
        values["pk"] = instance.__dict__.get("pk")
    for name in _MAKES_KEY:
        if name in fields and fields[name].computed is not None and not is_given(values.get("pk")):
            values[name] = _computed(instance, fields[name])
    try:
        return default_of_values(model, values)
    except InvalidValue as error:
        raise InvalidObject(str(error)) from None


def primary_key_of_values(model: type[Model], values: Mapping[str, Any]) -> str | None:
    """The primary key that values of fields make; None if they make none. Raises `InvalidValue`."""
    declared = own_method(model, "__primary_key__")
    if declared is not None and not is_given(values.get("pk")):
        return _declared_of_values(model, declared, values)
    return default_of_values(model, values)


def default_of_values(model: type[Model], values: Mapping[str, Any]) -> str | None:
    """The same, whatever ``__primary_key__`` the model has of its own."""
    for name in _MAKES_KEY:
        if is_given(values.get(name)):
            return text_of(model, name, values[name])
    names = options_of(model).unique_together
    if not names or any(values.get(name) is None for name in names):
        return None
    texts = [text_of(model, name, values[name]) for name in names]
    if not storage_of(model).quotes:
        return ".".join(texts)
    # Joined by a dot as in redis-schematics; a dot within a part is quoted, or ("a.b", "c") would be ("a", "b.c").
    return ".".join(quoted(text, also=".") for text in texts)


def is_given(value: Any) -> bool:
    """Whether a value of ``pk`` or ``id`` makes a primary key.

    >>> is_given(0), is_given(""), is_given(None)
    (True, False, False)
    """
    return value is not None and value != ""


def equalities(lookups: Mapping[str, Any]) -> dict[str, Any]:
    """What the lookups demand fields of the model to be equal to."""
    given = {name.removesuffix("__exact").removesuffix("__eq"): value for name, value in lookups.items()}
    return {name: value for name, value in given.items() if "__" not in name}


@once_per_class
def names_of_key(model: type[Model]) -> tuple[str, ...]:
    """The fields that an object's primary key may come from."""
    fields = schema_of(model).fields
    return tuple(name for name in (*_MAKES_KEY, *options_of(model).unique_together) if name in fields)


def new_primary_key(model: type[Model]) -> str:
    """A random UUID.

    Raises `InvalidObject` where ``__unique_together__`` should have made the key, or the type of ``pk`` (of ``id`` in a
    model without ``pk``) cannot hold a UUID.
    """
    names = options_of(model).unique_together
    if names:
        raise InvalidObject(f"{model.__name__} needs {', '.join(names)} to make its primary key; one of them is None")
    made_up, name = str(uuid.uuid4()), _holder(model)
    try:
        text_of(model, name, made_up)
    except InvalidValue:
        type_name = type(schema_of(model).fields[name].type).__name__
        raise InvalidObject(
            f"{model.__name__}.{name} is required: without it a UUID is made up, and {type_name} cannot hold one"
        ) from None
    return made_up


def key_for(model: type[Model], pk: str) -> str:
    """The Redis key of a primary key."""
    return storage_of(model).key(pk)


def named_by(model: type[Model], lookup: tuple[str, Any]) -> str | None:
    """The field that a lookup demands to be equal to a text, if that text is the primary key as it is."""
    name, value = lookup
    return name if is_plain(value) and name in _naming(model) else None


def is_plain(value: Any) -> bool:
    """Whether a value is a text that makes a primary key as it is, where the field takes any text."""
    return type(value) is str and value != "" and value.isascii()


@once_per_class
def _naming(model: type[Model]) -> frozenset[str]:
    """The fields whose text, asked for alone, is the primary key."""
    own = own_method(model, "__primary_key__") is not None
    return frozenset(name for name in _MAKES_KEY if is_text(model, name) and not (own and name == "id"))


def text_of_pk(model: type[Model], value: Any) -> str:
    """A primary key as text, read by the type of the ``pk`` field, or the ``id`` that stands for it."""
    return text_of(model, _holder(model), value)


@once_per_class
def _holder(model: type[Model]) -> str:
    fields = schema_of(model).fields
    return next((name for name in _MAKES_KEY if name in fields), "pk")


def _declared(declared: Any, instance: Any) -> str | None:
    """What a ``__primary_key__`` of the model's own gives for an object."""
    try:
        value = of_instance(declared, instance)
    except Exception as error:
        name = type(instance).__name__
        raise InvalidObject(f"{name}.__primary_key__ cannot be computed: {type(error).__name__}: {error}") from error
    return str(value) if is_given(value) else None


def _declared_of_values(model: type[Model], declared: Any, values: Mapping[str, Any]) -> str | None:
    try:
        return _declared(declared, model(dict(values)))
    except (InvalidObject, BaseError):
        # Too few values to tell, or none that the fields can read: whoever asked will say so.
        return None


def _computed(instance: Model, field: Field) -> Any:
    assert field.computed is not None
    try:
        return field.computed.__get__(instance, type(instance))
    except Exception as error:
        name = type(instance).__name__
        raise InvalidObject(
            f"{name}.{field.name}, which makes the primary key, cannot be computed: {type(error).__name__}: {error}"
        ) from error


@once_per_class
def _texts(model: type[Model]) -> frozenset[str]:
    """The fields whose primary keys are text as it is."""
    return frozenset(name for name, field in schema_of(model).fields.items() if _is_text(field))


def _is_text(field: Field) -> bool:
    return type(field.type) is StringType and field.computed is None


def is_text(model: type[Model], name: str) -> bool:
    """Whether text is a primary key of that field as it is."""
    return name in _texts(model)


def is_text_of_pk(model: type[Model]) -> bool:
    """Whether text is a primary key of the model as it is."""
    return _holder(model) in _texts(model)


def text_of(model: type[Model], name: str, value: Any) -> str:
    """A primary key as text, read by the type of a field. Raises `InvalidValue`."""
    if type(value) is str and name in _texts(model) and value.isascii():
        return value
    field = schema_of(model).fields.get(name)
    if field is None or field.computed is not None:
        return str(value)
    try:
        native = field.kind.decode(field.type, value)
        # What redis-schematics' keys hold is no primitive: `2024-02-29 12:00:00`, `True`.
        primitive = _encode(field, native) if storage_of(model).quotes else str(native)
    except _UNREADABLE as error:
        raise InvalidValue(
            f"{model.__name__}.{name}: {value!r} cannot be read as {type(field.type).__name__}: {error}"
        ) from None
    return primitive if isinstance(primitive, str) else orjson.dumps(primitive).decode()


def _encode(field: Field, native: Any) -> Any:
    """The primitive that all values which lookups take as equal have in common."""
    if isinstance(native, dt.datetime):
        return _encode_instant(field, native)
    if isinstance(native, float):
        native += 0.0  # -0.0 becomes 0.0
    elif isinstance(native, decimal.Decimal) and native.is_finite():
        native = _shortest(native)
    return field.kind.encode(field.type, native)


def _encode_instant(field: Field, native: dt.datetime) -> Any:
    utc = native.replace(tzinfo=None) - (native.utcoffset() or dt.timedelta(0))
    try:
        return field.kind.encode(field.type, utc)
    except _UNREADABLE:
        # A type that has no naive datetimes.
        return field.kind.encode(field.type, utc.replace(tzinfo=dt.timezone.utc))


def _shortest(number: decimal.Decimal) -> decimal.Decimal:
    """The number without zeros at its end; a whole one as its digits."""
    if not number:
        return decimal.Decimal(0)
    if number == number.to_integral_value() and number.adjusted() < _PLAIN_DIGITS:
        return decimal.Decimal(int(number))
    # As many digits as it has: the thread's own context may round.
    exact = decimal.Context(len(number.as_tuple().digits), Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)
    return number.normalize(exact)

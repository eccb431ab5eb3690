"""Models of which it is known beforehand what schematics' validation does with them.

Validation converts every value by its field's type, runs the type's validators, and puts what comes out on the
instance. Where all types are schematics' own, nothing on them or on the model is anybody's own, and a value is of
exactly the class that the type makes, the very same object comes out: there is nothing to convert, and what may be
wrong with it is a matter of some comparisons. `rs_search.writers` writes these into a function for each model; all
else is for schematics itself. Types are looked at once a class: what is changed on them later is not seen.
"""

from __future__ import annotations

import datetime as dt
import decimal
import inspect
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from schematics.models import FieldDescriptor, Model, ModelMeta
from schematics.types import (
    BaseType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DictType,
    EmailType,
    FloatType,
    GeoPointType,
    IntType,
    IPAddressType,
    IPv4Type,
    IPv6Type,
    ListType,
    MACAddressType,
    MD5Type,
    ModelType,
    MultilingualStringType,
    SHA1Type,
    StringType,
    TimedeltaType,
    TimestampType,
    UnionType,
    URLType,
    UTCDateTimeType,
    UUIDType,
)
from schematics.types.serializable import Serializable

from .attributes import own_attribute
from .errors import SchemaError
from .primary_key import is_text_of_pk
from .reference_fields import METHODS
from .references import ReferenceType
from .schema import Field, schema_of
from .source import Condition


@dataclass(frozen=True)
class Scalar:
    """A type that leaves values of exactly one class as they are, unless one of the conditions holds."""

    native: type
    conditions: Callable[[Any], Iterator[Condition]]


def _choices(type_: BaseType) -> Iterator[Condition]:
    if type_.choices is not None:
        yield "{v} not in {0}", type_.choices


def _text(type_: StringType) -> Iterator[Condition]:
    if type_.max_length is not None:
        yield "len({v}) > {0}", type_.max_length
    if type_.min_length is not None:
        yield "len({v}) < {0}", type_.min_length
    if type_.regex is not None:
        yield "{0}({v}) is None", type_.regex.match
    yield from _choices(type_)


def _address(type_: IPAddressType) -> Iterator[Condition]:
    yield "not {0}({v})", type_.valid_ip
    yield from _text(type_)


def _url(type_: URLType) -> Iterator[Condition]:
    yield "not {0}({v})", type_.valid_url
    yield from _text(type_)


def _email(type_: EmailType) -> Iterator[Condition]:
    yield "{0}({v}) is None", EmailType.EMAIL_REGEX.match
    yield from _text(type_)


def _mac(type_: MACAddressType) -> Iterator[Condition]:
    yield "{0}({v}) is None", type_.REGEX.match
    yield from _text(type_)


def _hash(type_: StringType) -> Iterator[Condition]:
    yield "len({v}) != {0}", type_.LENGTH
    # int() raises where it is no number, which is as good as a condition that holds.
    yield "int({v}, {0}) is None", 16
    yield from _text(type_)


def _number(type_: Any) -> Iterator[Condition]:
    if type_.min_value is not None:
        yield "{v} < {0}", type_.min_value
    if type_.max_value is not None:
        yield "{v} > {0}", type_.max_value
    yield from _choices(type_)


def _moment(type_: DateTimeType) -> Iterator[Condition]:
    if not type_.drop_tzinfo and type_.tzd in ("require", "utc"):
        yield ("{v}.tzinfo is None",)
    if type_.drop_tzinfo or type_.tzd == "reject":
        yield ("{v}.tzinfo is not None",)
    elif type_.convert_tz:
        # Python gives an instant that is there already back as it is.
        yield "{v}.tzinfo not in {0}", (None, DateTimeType.UTC)
    yield from _choices(type_)


def _reference(type_: ReferenceType) -> Iterator[Condition]:
    # A model may be made anew under its name, as in a notebook.
    yield "{0}.model is not {1}", type_, type_.model
    yield from _choices(type_)


#: The types whose conditions are spelled out; `WHOLE` are checked by calling them.
SCALARS: dict[type[BaseType], Scalar] = {
    StringType: Scalar(str, _text),
    EmailType: Scalar(str, _email),
    URLType: Scalar(str, _url),
    IPAddressType: Scalar(str, _address),
    IPv4Type: Scalar(str, _address),
    IPv6Type: Scalar(str, _address),
    MACAddressType: Scalar(str, _mac),
    MD5Type: Scalar(str, _hash),
    SHA1Type: Scalar(str, _hash),
    UUIDType: Scalar(uuid.UUID, _choices),
    IntType: Scalar(int, _number),
    FloatType: Scalar(float, _number),
    DecimalType: Scalar(decimal.Decimal, _number),
    BooleanType: Scalar(bool, _choices),
    DateType: Scalar(dt.date, _choices),
    DateTimeType: Scalar(dt.datetime, _moment),
    UTCDateTimeType: Scalar(dt.datetime, _moment),
    TimestampType: Scalar(dt.datetime, _moment),
    TimedeltaType: Scalar(dt.timedelta, _choices),
    ReferenceType: Scalar(str, _reference),
}
WHOLE = (GeoPointType, MultilingualStringType, UnionType, BaseType)
_KNOWN_TYPES = (*SCALARS, *WHOLE, ListType, DictType, ModelType)
#: What schematics looks up on a model while it validates one, and makes another one of the same values.
_LOOKED_UP = ("_convert", "__iter__", "__getitem__", "__getattribute__", "__getattr__", "__len__", "__bool__")
_CHOICES_OF_COMPOUNDS = (type(None),)
_CHOICES = (type(None), list, tuple, set, frozenset, dict, range)
_MADE_BY = ("__new__", "__init__", "__setattr__")


def is_known(model: type[Model]) -> bool:
    """Whether validating an instance of a model is known beforehand, once the computed fields have been asked."""
    return own_attribute(model, "validate") is own_attribute(Model, "validate") and _is_known(model, ())


def has_computed(model: type[Model]) -> bool:
    """Whether a model has computed fields: they are the user's own."""
    return any(field.computed is not None for field in schema_of(model).fields.values())


def _is_known(model: type[Model], above: tuple[type[Model], ...]) -> bool:
    return (
        type(model) is ModelMeta
        and model not in above
        and not model._schema.validators
        and all(_is_schematics(model, name) for name in _LOOKED_UP)
        and all(_is_plain(model, name) for name in model._schema.fields)
        and all(_is_known_field(field, (*above, model)) for field in schema_of(model).fields.values())
    )


def _is_schematics(model: type[Model], name: str) -> bool:
    found = getattr(model, name, None)
    return found is getattr(Model, name, None) or (found is not None and found is METHODS.get(name))


def _is_plain(model: type[Model], name: str) -> bool:
    """Whether a field is read by a descriptor of schematics or ours: a subclass may have a property in its place."""
    found = next((base.__dict__[name] for base in model.__mro__ if name in base.__dict__), None)
    if isinstance(found, Serializable):
        return True
    return isinstance(found, FieldDescriptor) and type(found).__module__.startswith(("schematics.", "rs_search."))


def _is_known_field(field: Field, above: tuple[type[Model], ...]) -> bool:
    # In an object within, what is computed is asked while that is made anew.
    return (field.computed is None or len(above) == 1) and _is_known_type(field.type, above)


def _is_known_type(type_: BaseType, above: tuple[type[Model], ...]) -> bool:
    if type(type_) not in _KNOWN_TYPES or _has_own(type_):
        return False
    if isinstance(type_, UnionType):
        return all(_is_known_type(member, above) for member in type_._types.values())
    if isinstance(type_, ReferenceType):
        return _refers_by_text(type_)
    if isinstance(type_, ModelType):
        model = type_.model_class
        return _is_known(model, above) and all(_is_schematics(model, name) for name in _MADE_BY)
    return not isinstance(type_, (ListType, DictType)) or _is_known_type(type_.field, above)


def _refers_by_text(type_: ReferenceType) -> bool:
    try:
        return is_text_of_pk(type_.model)
    except SchemaError:
        # The model that it refers to is not there yet.
        return False


def _has_own(type_: BaseType) -> bool:
    """Whether something on a type is the user's own, or cannot be asked twice."""
    compound = isinstance(type_, (ListType, DictType, ModelType))
    return (
        len(type_.validators) != len(type_._validators) + isinstance(type_, ListType)
        or any(inspect.isfunction(getattr(type(type_), name, None)) for name in vars(type_))
        or not isinstance(type_.choices, _CHOICES_OF_COMPOUNDS if compound else _CHOICES)
        or getattr(type_, "verify_exists", False)
        or getattr(type_, "coerce_key", str) is not str
    )

"""How a stored value becomes native: what msgspec decodes it as, and what is made of that.

Only where the two give what schematics gives, or an error: the slow way is gone then, which knows the rest. What a type
has of its own (`convert`, `to_native`) is called.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import orjson
from schematics.models import Model
from schematics.types import (
    BaseType,
    BooleanType,
    CompoundType,
    DateTimeType,
    DateType,
    DecimalType,
    GeoPointType,
    MultilingualStringType,
    StringType,
    TimedeltaType,
    TimestampType,
    UTCDateTimeType,
    UUIDType,
)
from schematics.types.base import NumberType

from . import kinds
from .reading import decode_value
from .schema import Field
from .source import Source

Convert = Callable[[Any], Any]
#: Writes lines that make a native value of a decoded one, not None, whose variable is given; gives an expression of it.
Write = Callable[[Source, str], str]
#: Beyond, orjson makes floats of integers, and so do servers; msgspec does not.
_INTEGER = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_POINT = Annotated[list[_INTEGER | float], msgspec.Meta(min_length=2, max_length=2)]


@dataclass(frozen=True)
class Step:
    """What a value is decoded as, and what makes the native value of that, if it is not yet.

    ``raw`` tells that it is left as its text, null as well. ``floats``: there may be floats in it, which some servers
    read one unit off. ``model``: what is decoded is all that an object of this class needs, whenever it is made.
    """

    stored: Any
    write: Write | None = None
    raw: bool = False
    floats: bool = False
    model: type[Model] | None = None


def by_call(stored: Any, convert: Convert, raw: bool = False, floats: bool = False) -> Step:
    """A step that calls a function."""
    return Step(stored, lambda source, value: source.call(convert, value), raw, floats)


#: The step for an object in a document; None where there is none.
OfObject = Callable[[type[Model]], Step | None]


def step_of(field: Field, of_object: OfObject) -> Step:
    """How a field's values are read."""
    return _special(field, of_object) or by_call(msgspec.Raw, _in_full(field), raw=True, floats=True)


def _in_full(field: Field) -> Convert:
    return lambda text: decode_value(field, _loaded(text), field.name)


def _loaded(text: msgspec.Raw) -> Any:
    return orjson.loads(memoryview(text))


def _special(field: Field, of_object: OfObject) -> Step | None:
    if field.kind is kinds.OBJECT:
        return of_object(field.models[0]) if not hasattr(field.type, "find_model") else None
    if field.element is not None and field.kind in (kinds.LIST, kinds.DICT):
        return _of_many(field, step_of(field.element, of_object))
    return None if isinstance(field.type, CompoundType) else _scalar(field)


def _of_many(field: Field, element: Step) -> Step | None:
    stored = None if element.raw else element.stored | None
    if stored is None:
        return None
    if field.kind is kinds.LIST:
        expression = "[None if one is None else {0}(one) for one in {1}]"
        return _of_each(element, list.__class_getitem__(stored), expression)
    if field.type.coerce_key is not str:
        return None
    expression = "{{key: None if one is None else {0}(one) for key, one in {1}.items()}}"
    return _of_each(element, dict.__class_getitem__((str, stored)), expression)


def _of_each(element: Step, stored: Any, expression: str) -> Step:
    if element.write is None:
        return Step(stored, floats=element.floats)
    inner = Source()
    inner.line(f"return {element.write(inner, 'value')}")
    each = inner.function("the elements of a field, read", "value")
    return Step(stored, lambda source, value: expression.format(source.constant(each), value), floats=element.floats)


# --- scalars --------------------------------------------------------------------------------------------------------


def _scalar(field: Field) -> Step | None:
    type_ = field.type
    if type(type_).convert is BaseType.convert and not {"convert", "to_native"} & vars(type_).keys():
        make = _BY_METHOD.get(type(type_).to_native)
        found = None if make is None else make(type_)
        if found is not None:
            return found
    if field.kind in (kinds.TEXT, kinds.IDENTIFIER, kinds.REFERENCE):
        return by_call(str, type_.convert)
    return None


def _number(type_: Any) -> Step | None:
    if type_.native_type is float:
        return Step(float, floats=True)
    return Step(_INTEGER) if type_.native_type is int else None


def _date(type_: Any) -> Step | None:
    return Step(dt.date) if type_.formats == ["%Y-%m-%d"] else None


def _moment(type_: Any) -> Step | None:
    if type_.formats or type_.parser:
        return None
    if type(type_) is TimestampType:
        return by_call(float, _timestamps(type_), floats=True)
    return _of_moments(type_) if type(type_) in (DateTimeType, UTCDateTimeType) else None


def _duration(type_: Any) -> Step:
    unit = type_.precision
    return by_call(float, lambda number: dt.timedelta(**{unit: number}), floats=True)


_BY_METHOD: dict[Any, Callable[[Any], Step | None]] = {
    StringType.to_native: lambda type_: Step(str),
    NumberType.to_native: _number,
    BooleanType.to_native: lambda type_: Step(bool),
    # Of JSON's numbers schematics makes decimals of its own: only text is read here.
    DecimalType.to_native: lambda type_: by_call(str, decimal.Decimal),
    DateType.to_native: _date,
    DateTimeType.to_native: _moment,
    TimedeltaType.to_native: _duration,
    UUIDType.to_native: lambda type_: Step(uuid.UUID),
    GeoPointType.to_native: lambda type_: Step(_POINT, floats=True),
    MultilingualStringType.to_native: lambda type_: Step(dict[str, str | None]),
    BaseType.to_native: lambda type_: by_call(
        msgspec.Raw, lambda text: orjson.loads(memoryview(text)), raw=True, floats=True
    ),
}

# --- moments --------------------------------------------------------------------------------------------------------

_NAIVE = dt.datetime(1970, 1, 1)
#: Zones that are remembered, ten times each; schematics takes some thousands of offsets.
MOST_ZONES = 2000
#: What stands between the digits of ``2024-02-29T23:59:59.999999``: newer Pythons read other forms as well.
_SIGNS = "--T::."


def _reads_hour_24() -> bool:
    try:
        dt.datetime.fromisoformat("2000-01-01T24:00:00.000000")
    except ValueError:
        return False
    return True


#: Python 3.14 makes the next day of it, schematics an error.
_TOO_LENIENT = _reads_hour_24()


def _of_moments(type_: BaseType) -> Step:
    """A step that reads the texts of a type of datetimes as it does, in a twentieth of the time.

    The standard library reads the digits, in the form that this package writes. What 1970 is in each time zone, to
    which they are added, is learned from the type itself, by the last digit and what follows it.
    """
    zones: dict[str, dt.datetime] = {}

    def convert(text: str) -> Any:
        native = type_.convert(text)
        if len(zones) < MOST_ZONES and len(text) >= 26 and text[4:20:3] == _SIGNS and not _TOO_LENIENT:
            # At the ends of time there may be no such 1970; another text will do.
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                zones[text[25:]] = native - (dt.datetime.fromisoformat(text[:26]) - _NAIVE)
        return native

    def write(source: Source, value: str) -> str:
        zone, moment = source.call(zones.get, f"{value}[25:]"), source.name("m")
        with source.block(f"if {zone} is None or {value}[4:20:3] != {_SIGNS!r}"):
            source.line(f"{moment} = {source.constant(convert)}({value})")
        with source.block("else"):
            read, naive = source.constant(dt.datetime.fromisoformat), source.constant(_NAIVE)
            source.line(f"{moment} = {zone} + ({read}({value}[:26]) - {naive})")
        return moment

    return Step(str, write)


def _timestamps(type_: BaseType) -> Convert:
    epoch = type_.convert(0.0)
    return lambda seconds: epoch + dt.timedelta(0, seconds)

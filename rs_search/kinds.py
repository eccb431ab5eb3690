"""What a value means, whatever schematics type declares it: how it is stored, compared and indexed.

A *kind* is one row of meaning. Values have three forms:

- *native*: what schematics puts on the instance (``datetime``, ``Decimal``, …);
- *primitive*: what stands in the JSON document;
- *comparable*: what lookups and orders compare (naive datetimes as UTC microseconds, decimals as ``Decimal``, …).
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schematics.common import PRIMITIVE
from schematics.models import Model
from schematics.transforms import get_export_context, get_import_context, to_primitive_converter
from schematics.types import BaseType, DateType, UnionType

from .instants import EPOCH, is_read_back, is_standard
from .json_numbers import float_text

MICROSECOND = dt.timedelta(microseconds=1)
#: Integers below this are exact as doubles, and so is every comparison with one.
EXACT_INTEGERS = 2**53
#: Decimals of so many digits keep their order and differences as doubles (IEEE 754, section 5.12.2).
EXACT_DIGITS = 15
LARGEST_DOUBLE = 1.7976931348623157e308


class Unkeepable(ValueError):
    """A value that cannot come back equal; the caller knows the field and says so."""


@dataclass(frozen=True, eq=False)
class Kind:
    """One row of meaning.

    ``encode(type, native)`` gives the primitive or raises `Unkeepable`; ``decode(type, primitive)`` gives the native
    value back; ``comparable(type, native)`` what is compared. ``plain`` lists the Python types whose primitives
    already are the comparable. ``number(comparable)`` gives the index's number, and whether it keeps that value
    apart from, and in order with, all others of which it says so; None for kinds that no NUMERIC field can hold.
    ``tag(comparable)`` gives the text of a TAG.
    """

    name: str
    encode: Callable[[BaseType, Any], Any]
    decode: Callable[[BaseType, Any], Any]
    comparable: Callable[[BaseType, Any], Any]
    plain: tuple[type, ...] = ()
    ordered: bool = False
    number: Callable[[Any], tuple[int | float, bool]] | None = None
    tag: Callable[[Any], str] | None = None


# --- reading and writing through schematics -------------------------------------------------------------------------


def to_native(type_: BaseType, value: Any) -> Any:
    """What ``Model(raw)`` would make of ``value``: raises schematics' errors."""
    return type_.convert(value, _import_context())


def _import_context() -> Any:
    return get_import_context(oo=True, partial=True, init_values=True, apply_defaults=True)


def _to_primitive(type_: BaseType, native: Any) -> Any:
    if isinstance(type_, UnionType) and type(type_).to_primitive is UnionType.to_primitive:
        # schematics would look for the member's type with the context of the export, which a ModelType cannot read by.
        return _to_primitive(*type_._resolve(native, _import_context()))
    return type_.export(native, PRIMITIVE, get_export_context(to_primitive_converter, app_data={}))


def _encode_text(type_: BaseType, native: Any) -> str:
    primitive = type_.to_primitive(native)
    if not isinstance(primitive, str):
        raise Unkeepable(f"its primitive is of type {type(primitive).__name__}, where text is stored")
    try:
        primitive.encode()
    except UnicodeEncodeError as error:
        raise Unkeepable(f"a lone surrogate at position {error.start} has no UTF-8 form") from None
    text: str = str.__str__(primitive)
    return text


def _encode_boolean(type_: BaseType, native: Any) -> bool:
    primitive = type_.to_primitive(native)
    if not isinstance(primitive, bool):
        raise Unkeepable(f"its primitive is of type {type(primitive).__name__}, where true or false is stored")
    return primitive


def _encode_integer(type_: BaseType, native: Any) -> int:
    primitive = type_.to_primitive(native)
    if isinstance(primitive, bool) or not isinstance(primitive, int):
        raise Unkeepable(f"its primitive is of type {type(primitive).__name__}, where an integer is stored")
    return keepable_integer(int(primitive))


def keepable_integer(number: int) -> int:
    """``number``, if RedisJSON keeps it: beyond 64 bits it silently makes a float of it."""
    if not -(2**63) <= number < 2**64:
        raise Unkeepable("it needs more than 64 bits, and RedisJSON would round it to a float")
    return number


def keepable_float(number: float) -> float:
    """``number``, if JSON has a form for it."""
    if not math.isfinite(number):
        raise Unkeepable(f"JSON has no form for {number}")
    return number


def _encode_float(type_: BaseType, native: Any) -> float:
    primitive = type_.to_primitive(native)
    if isinstance(primitive, bool) or not isinstance(primitive, (int, float)):
        raise Unkeepable(f"its primitive is of type {type(primitive).__name__}, where a number is stored")
    return keepable_float(float(primitive))


def _encode_decimal(type_: BaseType, native: Any) -> Any:
    if native.is_nan():
        raise Unkeepable("NaN is not equal to itself")
    return _comes_back(type_, native, type_.to_primitive(native))


def _comes_back(type_: BaseType, native: Any, primitive: Any) -> Any:
    """``primitive``, if reading it gives ``native`` again."""
    try:
        back = to_native(type_, primitive)
        same = back == native and type(primitive) in (str, int, float)
    except Exception as error:
        raise Unkeepable(f"it is stored as {primitive!r}, which cannot be read back: {error}") from None
    if not same:
        raise Unkeepable(f"it is stored as {primitive!r}, which reads back as {back!r}")
    return primitive


def _encode_date(type_: BaseType, native: Any) -> Any:
    if is_standard_date(type_):
        # strftime does not pad years below 1000 on Linux, and schematics then cannot read its own text.
        return dt.date.isoformat(native)
    return _comes_back(type_, native, type_.to_primitive(native))


def _encode_instant(type_: BaseType, native: dt.datetime) -> Any:
    if is_standard(type_):
        primitive: Any = _standard_text(type_, native)
        if is_read_back(type_, native):
            return primitive
    else:
        primitive = type_.to_primitive(native)
        if isinstance(primitive, float):
            keepable_float(primitive)
    return _comes_back(type_, native, primitive)


def is_standard_date(type_: BaseType) -> bool:
    """Whether a type writes days as ISO 8601, and reads nothing else."""
    writes = getattr(type(type_), "to_primitive", None) is DateType.to_primitive
    return writes and (type_.serialized_format, type_.formats) == (DateType.SERIALIZED_FORMAT, ["%Y-%m-%d"])


def _standard_text(type_: BaseType, native: dt.datetime) -> str:
    offset = native.utcoffset()
    if offset is not None and offset % dt.timedelta(minutes=1):
        # Local mean times have seconds in their offset, which schematics cannot read: the same instant in UTC.
        try:
            native = native.astimezone(dt.timezone.utc)
        except OverflowError:
            raise Unkeepable("its offset has seconds, and the instant in UTC is out of range") from None
    text = native.replace(tzinfo=None).isoformat(timespec="microseconds")
    if type_.serialized_format.endswith("Z"):
        return text + "Z"
    return text + native.strftime("%z") if native.tzinfo else text


def _encode_duration(type_: BaseType, native: dt.timedelta) -> Any:
    primitive = type_.to_primitive(native)
    unit = dt.timedelta(**{type_.precision: 1})
    if isinstance(primitive, int) and primitive * unit != native:
        # schematics' primitive drops what is below its unit; a fraction is read back exactly.
        return _comes_back(type_, native, native / unit)
    return _comes_back(type_, native, primitive)


def _encode_point(type_: BaseType, native: Any) -> Any:
    values = list(native.values()) if isinstance(native, dict) else list(native)
    for number in values:
        keepable_float(number) if isinstance(number, float) else keepable_integer(number)
    return dict(native) if isinstance(native, dict) else values


def _encode_multilingual(type_: BaseType, native: Any) -> dict[str, str | None]:
    # The primitive is the text of one locale; the whole is stored, because schematics loads nothing else.
    for locale, text in native.items():
        if not isinstance(locale, str) or not (text is None or isinstance(text, str)):
            raise Unkeepable(f"locale {locale!r} holds {type(text).__name__}, where text is stored")
    return {keepable_json(locale): keepable_json(text) for locale, text in native.items()}


def _encode_any(type_: BaseType, native: Any) -> Any:
    try:
        primitive = keepable_json(_to_primitive(type_, native))
        same = to_native(type_, primitive) == native
    except Unkeepable:
        raise
    except Exception as error:
        raise Unkeepable(f"it cannot be written and read back: {error}") from None
    if not same:
        raise Unkeepable(f"it is stored as {primitive!r}, which does not read back equal")
    return primitive


def keepable_json(value: Any) -> Any:
    """``value`` made of JSON's own types only, each of which the server keeps; else raises `Unkeepable`.

    >>> keepable_json({"a": (1, None)})
    {'a': [1, None]}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _encode_text(BaseType(), value)
    if isinstance(value, int):
        return keepable_integer(int(value))
    if isinstance(value, float):
        return keepable_float(float(value))
    if isinstance(value, (list, tuple)):
        return [keepable_json(element) for element in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {keepable_json(key): keepable_json(member) for key, member in value.items()}
    raise Unkeepable(f"JSON has no form for {type(value).__name__}")


# --- comparables ----------------------------------------------------------------------------------------------------


def _same(type_: BaseType, native: Any) -> Any:
    return native


def _text(type_: BaseType, native: Any) -> str:
    primitive: str = str.__str__(type_.to_primitive(native))
    return primitive


def _primitive(type_: BaseType, native: Any) -> Any:
    return type_.to_primitive(native)


def _day(type_: BaseType, native: dt.date) -> int:
    return native.toordinal()


def _instant(type_: BaseType, native: dt.datetime) -> int:
    return instant_microseconds(native)


def _duration(type_: BaseType, native: dt.timedelta) -> int:
    return native // MICROSECOND


def _canonical(type_: BaseType, native: Any) -> Any:
    return canonical(native)


def instant_microseconds(native: dt.datetime) -> int:
    """Microseconds since 1970 in UTC; a naive datetime counts as UTC."""
    offset = native.utcoffset() or dt.timedelta(0)
    return (native.replace(tzinfo=None) - EPOCH - offset) // MICROSECOND


def _point(type_: BaseType, native: Any) -> tuple[float, float]:
    latitude, longitude = native.values() if isinstance(native, dict) else native
    return latitude, longitude


def canonical(native: Any) -> Any:
    """A hashable stand-in for equality in which ``True`` is not ``1``."""
    if isinstance(native, bool):
        return ("boolean", native)
    if isinstance(native, (list, tuple)):
        return ("list", tuple(canonical(element) for element in native))
    if isinstance(native, dict):
        return ("dict", frozenset((key, canonical(value)) for key, value in native.items()))
    if isinstance(native, Model):
        # Of a UnionType. Missing and None are the same.
        members = {name: native._data.get(name) for name in native._schema.fields}
        return ("object", type(native), canonical(members))
    return ("datetime", instant_microseconds(native)) if isinstance(native, dt.datetime) else native


# --- numbers and tags in the index ----------------------------------------------------------------------------------


def _integer_number(comparable: int) -> tuple[int | float, bool]:
    if abs(comparable) < EXACT_INTEGERS:
        return comparable, True
    number = _double(comparable)
    return number, number == comparable and math.isfinite(number)


def _double(comparable: Any) -> float:
    try:
        return max(-LARGEST_DOUBLE, min(LARGEST_DOUBLE, float(comparable)))
    except OverflowError:
        return LARGEST_DOUBLE if comparable > 0 else -LARGEST_DOUBLE


def _float_number(comparable: float) -> tuple[int | float, bool]:
    return comparable, math.isinf(comparable) or float_text(comparable) is not None


def _decimal_number(comparable: decimal.Decimal) -> tuple[int | float, bool]:
    number = _double(comparable)
    digits, exponent = comparable.as_tuple().digits, comparable.adjusted()
    short = comparable.is_finite() and len(digits) <= EXACT_DIGITS and abs(exponent) < 300
    return number, short and float_text(number) is not None


def _boolean_tag(comparable: bool) -> str:
    return "true" if comparable else "false"


def _decode(type_: BaseType, primitive: Any) -> Any:
    # Without a context: only compound types look at it, and making one costs more than most conversions.
    return type_.convert(primitive)


def _text_tag(comparable: str) -> str:
    return comparable


def _encode_reference(type_: BaseType, native: Any) -> str:
    if type_.to_primitive(native) is None:
        raise Unkeepable(f"it refers to a {type(native).__name__} that has no primary key yet: set() that first")
    return _encode_text(type_, native)


def _reference(type_: BaseType, native: Any) -> str:
    primitive = type_.to_primitive(native)
    if primitive is None:
        raise ValueError(f"the {type(native).__name__} has no primary key yet")
    return str(primitive)


TEXT = Kind("text", _encode_text, _decode, _text, (str,), True, tag=_text_tag)
IDENTIFIER = Kind("identifier", _primitive, _decode, _primitive, (str,), True, tag=_text_tag)
#: The primary key of another object; `rs_search.references`.
REFERENCE = Kind("reference", _encode_reference, _decode, _reference, (str,), True, tag=_text_tag)
BOOLEAN = Kind("boolean", _encode_boolean, _decode, _same, (bool,), False, tag=_boolean_tag)
INTEGER = Kind("integer", _encode_integer, _decode, _same, (int,), True, _integer_number)
FLOAT = Kind("float", _encode_float, _decode, _same, (float, int), True, _float_number)
DECIMAL = Kind("decimal", _encode_decimal, _decode, _same, (), True, _decimal_number)
DATE = Kind("date", _encode_date, _decode, _day, (), True, _integer_number)
INSTANT = Kind("instant", _encode_instant, _decode, _instant, (), True, _integer_number)
DURATION = Kind("duration", _encode_duration, _decode, _duration, (), True, _integer_number)
POINT = Kind("point", _encode_point, _decode, _point)
MULTILINGUAL = Kind("multilingual", _encode_multilingual, _decode, _canonical)
ANY = Kind("any", _encode_any, to_native, _canonical)
#: What each kind of index field can hold. A TEXT needs words, a GEO one point.
INDEX_FIELDS: dict[str, Callable[[Kind], bool]] = {
    "TAG": lambda kind: kind.tag is not None,
    "NUMERIC": lambda kind: kind.number is not None,
    "TEXT": lambda kind: kind in (TEXT, MULTILINGUAL),
    "GEO": lambda kind: kind is POINT,
}
#: Compound kinds are encoded in `rs_search.codec` and decoded in `rs_search.reading`, member by member; only ``isnull``
#: compares them.
OBJECT = Kind("object", _encode_any, to_native, _canonical)
LIST = Kind("list", _encode_any, to_native, _canonical)
DICT = Kind("dict", _encode_any, to_native, _canonical)

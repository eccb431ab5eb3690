"""Values of queries: read by the field's own type, or refused with what would be right."""

from __future__ import annotations

import datetime as dt
import reprlib
from collections.abc import Iterable, Mapping, Set
from typing import Any

from schematics.exceptions import BaseError
from schematics.models import Model
from schematics.types import BooleanType, FloatType, IntType, LongType, StringType

from ..errors import InvalidValue
from ..kinds import INSTANT, TEXT
from ..paths import EACH, Path
from .tree import Said

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 200
_brief.maxlist = _brief.maxtuple = _brief.maxset = _brief.maxdict = 12
_TEXT_TYPE = StringType()
#: What these types take as it is, and compare as it is.
_AS_THEY_ARE = {StringType: str, IntType: int, LongType: int, FloatType: float, BooleanType: bool}


def brief(value: Any) -> str:
    """A value's repr, without its middle where that is long: an ``in`` may hold 100,000 values."""
    return _brief.repr(value)


def shown(path: Path, lookup: str, value: Any) -> Said:
    """A condition as it reads in an explanation."""
    return lambda: f"{path} {lookup} {brief(value)}"


def coerce(path: Path, value: Any, asked: str) -> Any:
    """The comparable of a query's value, read by the field's own type. Raises `InvalidValue`."""
    field = path.field
    if type(value) is _AS_THEY_ARE.get(type(field.type)) and value == value:
        return value
    try:
        native = field.kind.decode(field.type, value)
        comparable = field.kind.comparable(field.type, native)
        is_number = comparable == comparable
        hash(comparable)
    except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise _unreadable(path, value, asked, error) from None
    if not is_number:
        raise InvalidValue(f"{asked}: NaN is equal to nothing and has no order")
    return comparable


def text_of(path: Path, value: Any, asked: str) -> str:
    """A part of a text: read by the field's type where that takes any text. Raises `InvalidValue`."""
    try:
        type_ = path.field.type if path.field.kind is TEXT and type(path.field.type) is StringType else _TEXT_TYPE
        if value is None:
            raise TypeError("it is no text")
        return str(type_.convert(value))
    except (BaseError, TypeError, ValueError) as error:
        raise _unreadable(path, value, asked, error) from None


def _unreadable(path: Path, value: Any, asked: str, error: Exception) -> InvalidValue:
    reason = "; ".join(map(str, error)) if isinstance(error, BaseError) and error.args else str(error)
    name = type(path.field.type).__name__
    return InvalidValue(f"{asked}: {brief(value)} cannot be read as {name}: {reason.rstrip('.')}{_hint(path, value)}")


def _hint(path: Path, value: Any) -> str:
    """What may have been meant."""
    if path.steps and path.steps[-1] is EACH and isinstance(value, (list, tuple, set, frozenset)):
        return f"; {path}__contains asks for lists that have them all, {path}__overlap for those that have one of them"
    if path.field.kind is INSTANT and isinstance(value, dt.date):
        return f"; {path}__date compares days"
    return ""


def collection(value: Any, asked: str) -> list[Any]:
    """The values of a list, set or other iterable. Raises `InvalidValue` for text, objects and what holds no values."""
    if isinstance(value, (str, bytes, Model)) or not isinstance(value, Iterable):
        raise InvalidValue(f"{asked} takes a list of values, not {brief(value)}")
    return list(value)


def in_order(value: Any, asked: str) -> list[Any]:
    """As `collection`, where the order of the values tells them apart, which a set does not keep."""
    if type(value) in (list, tuple):
        return list(value)
    if isinstance(value, (Set, Mapping)):
        raise InvalidValue(f"{asked} takes values in an order, not the set {brief(value)}")
    return collection(value, asked)

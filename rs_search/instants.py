"""The texts of instants: which types of schematics write ISO 8601, and read it as the same instant again."""

from __future__ import annotations

import datetime as dt

from schematics.types import BaseType, DateTimeType

EPOCH = dt.datetime(1970, 1, 1)
_FORMATS = (DateTimeType.SERIALIZED_FORMAT, "%Y-%m-%dT%H:%M:%S.%fZ")
#: Zones in which all instants have one offset.
_FIXED = (dt.timezone, DateTimeType.utc_timezone, DateTimeType.offset_timezone)
_MINUTE = dt.timedelta(minutes=1)


def is_standard(type_: BaseType) -> bool:
    """Whether a type writes instants as ISO 8601 with microseconds."""
    method = getattr(type(type_), "to_primitive", None)
    return method is DateTimeType.to_primitive and type_.serialized_format in _FORMATS


def reads_naive(type_: BaseType) -> bool:
    """Whether it is known that a type reads its text of a naive instant as the same instant."""
    if not _reads_texts(type_):
        return False
    if type_.serialized_format.endswith("Z"):
        # Read as an instant in UTC, whose zone is then taken away.
        return type_.tzd != "reject" and bool(type_.drop_tzinfo)
    return type_.tzd in ("allow", "reject") or (type_.tzd == "utc" and bool(type_.drop_tzinfo))


def reads_aware(type_: BaseType) -> bool:
    """Whether it is known that a type reads its text of an instant with an offset of whole minutes as the same."""
    is_left_alone = not (type_.drop_tzinfo or type_.convert_tz or type_.tzd == "reject")
    return _reads_texts(type_) and is_left_alone and not type_.serialized_format.endswith("Z")


def _reads_texts(type_: BaseType) -> bool:
    return is_standard(type_) and not type_.formats and type_.parser is None


def is_read_back(type_: BaseType, native: dt.datetime) -> bool:
    """Whether it is known that a type reads its standard text of an instant as the same instant."""
    if type(native) is not dt.datetime:
        return False
    if native.tzinfo is None:
        return reads_naive(type_)
    # Others have instants that are equal to none, not even to themselves in another zone.
    if type(native.tzinfo) not in _FIXED or (native.utcoffset() or dt.timedelta(0)) % _MINUTE:
        return False
    return reads_aware(type_)

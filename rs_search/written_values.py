"""Lines of `rs_search.writers` for one value: its primitive, and what stands beside the document in its place.

Each gives just what `rs_search.kinds` gives, for values of exactly the class that the type makes.
"""

from __future__ import annotations

import datetime as dt

import orjson
from schematics.types import DateTimeType

from . import kinds
from .companions import geo_text
from .index_schema import Leaf
from .instants import EPOCH, is_standard, reads_aware, reads_naive
from .json_numbers import MOST_HUNDREDTHS, are_plain, is_plain
from .kinds import EXACT_INTEGERS, is_standard_date
from .schema import Field
from .source import Source

#: Kinds whose primitive is the value.
THEMSELVES = (kinds.TEXT, kinds.REFERENCE, kinds.INTEGER, kinds.FLOAT, kinds.BOOLEAN)
#: Kinds in whose primitives there may be floats somewhere.
_WITH_FLOATS = (kinds.INSTANT, kinds.DURATION, kinds.POINT, kinds.ANY)


def primitive(source: Source, field: Field, value: str, exact: bool) -> str:
    """Lines for the primitive of a value; gives its variable. ``exact``: for RedisJSON, which reads floats its way."""
    kind, type_ = field.kind, field.type
    if kind is kinds.FLOAT:
        _check_float(source, value, exact)
    if kind in THEMSELVES:
        return value
    if kind is kinds.DATE and is_standard_date(type_):
        return _assigned(source, f"{value}.isoformat()")
    if kind is kinds.INSTANT and is_standard(type_):
        return _instant(source, type_, value)
    if kind is kinds.DECIMAL:
        source.refuse(value, ("{v}.is_nan()",))
        return _assigned(source, f"str({value})")
    made = source.call(kind.encode, source.constant(type_), value)
    if exact and kind in _WITH_FLOATS:
        source.line(f"if not {source.constant(are_plain)}({made}): hard = True")
    return made


def beside(source: Source, leaf: Leaf, field: Field, value: str) -> str | None:
    """Lines for what the index reads beside the document of a value; gives its expression, None if it reads nothing."""
    kind = field.kind
    if not leaf.companion:
        if leaf.numeric and kind is kinds.INTEGER:
            _unless_exact(source, value, "hard")
        return None
    if kind is kinds.BOOLEAN:
        return f"'true' if {value} else 'false'"
    if kind is kinds.DATE:
        return f"{value}.toordinal()"
    if kind is kinds.INSTANT:
        return _microseconds(source, value)
    comparable = source.call(kind.comparable, source.constant(field.type), value)
    if leaf.geo:
        return source.call(geo_text, comparable)
    assert kind.number is not None
    number, is_exact = source.name("n"), source.name("e")
    source.line(f"{number}, {is_exact} = {source.constant(kind.number)}({comparable})")
    source.line(f"if not {is_exact}: loose = True")
    return number


def _assigned(source: Source, expression: str) -> str:
    result = source.name("p")
    source.line(f"{result} = {expression}")
    return result


def _check_float(source: Source, value: str, exact: bool) -> None:
    if not exact:
        # What is not finite less itself is not a number, which is true.
        source.line(f"if {value} - {value}: raise Unsure")
        return
    # Whole hundredths, as prices are, have short texts. round() raises for what is not finite.
    most = source.constant(MOST_HUNDREDTHS / 100)
    with source.block(f"if round({value} * 100.0) / 100.0 != {value} or not -{most} < {value} < {most}"):
        source.line(f"if not {source.constant(is_plain)}({value}): hard = True")


def _unless_exact(source: Source, number: str, flag: str) -> None:
    most = source.constant(EXACT_INTEGERS)
    source.line(f"if not -{most} < {number} < {most}: {flag} = True")


# --- instants ---------------------------------------------------------------------------------------------------------


def _instant(source: Source, type_: DateTimeType, value: str) -> str:
    result, dumps = source.name("p"), source.constant(orjson.dumps)
    otherwise = f"{source.constant(kinds.INSTANT.encode)}({source.constant(type_)}, {value})"
    with source.block(f"if {value}.tzinfo is None"):
        if reads_naive(type_):
            # orjson's way is three times as fast as isoformat, and leaves zeros out.
            source.line(f"{result} = {dumps}({value})[1:-1].decode()")
            source.line(f"if not {value}.microsecond: {result} += '.000000'")
            if type_.serialized_format.endswith("Z"):
                source.line(f"{result} += 'Z'")
        else:
            source.line(f"{result} = {otherwise}")
    if reads_aware(type_):
        with source.block(f"elif {value}.tzinfo is {source.constant(dt.timezone.utc)}"):
            # Without orjson's own offset.
            source.line(f"{result} = {dumps}({value})[1:-7].decode()")
            source.line(f"{result} += '+0000' if {value}.microsecond else '.000000+0000'")
    source.line(f"else: {result} = {otherwise}")
    return result


def _microseconds(source: Source, value: str) -> str:
    result, naive = source.name("n"), source.constant(EPOCH)
    source.line(f"if {value}.tzinfo is None: {result} = {value} - {naive}")
    for epoch in (EPOCH.replace(tzinfo=dt.timezone.utc), DateTimeType.EPOCH):
        zone = source.constant(epoch.tzinfo)
        source.line(f"elif {value}.tzinfo is {zone}: {result} = {value} - {source.constant(epoch)}")
    source.line(f"else: {result} = {value}.replace(tzinfo=None) - {naive} - {value}.utcoffset()")
    source.line(f"{result} = ({result}.days * 86400 + {result}.seconds) * 1000000 + {result}.microseconds")
    _unless_exact(source, result, "loose")
    return result

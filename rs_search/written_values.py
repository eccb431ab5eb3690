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
from .json_numbers import MOST_HUNDREDTHS, are_plain, is_plain
from .kinds import EXACT_INTEGERS, instant_microseconds, is_standard_date, is_standard_instant
from .schema import Field
from .source import Source

#: Kinds whose primitive is the value.
THEMSELVES = (kinds.TEXT, kinds.REFERENCE, kinds.INTEGER, kinds.FLOAT, kinds.BOOLEAN)
#: Kinds in whose primitives there may be floats somewhere.
_WITH_FLOATS = (kinds.INSTANT, kinds.DURATION, kinds.POINT, kinds.ANY)
_UTC = (dt.timezone.utc, DateTimeType.UTC)
_DAY_1970 = dt.date(1970, 1, 1).toordinal()


def primitive(source: Source, field: Field, value: str, exact: bool) -> str:
    """Lines for the primitive of a value; gives its variable. ``exact``: for RedisJSON, which reads floats its way."""
    kind, type_ = field.kind, field.type
    if kind is kinds.FLOAT:
        _check_float(source, value, exact)
    if kind in THEMSELVES:
        return value
    if kind is kinds.DATE and is_standard_date(type_):
        return _assigned(source, f"{value}.isoformat()")
    if kind is kinds.INSTANT and _reads_back(type_):
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


def _reads_back(type_: DateTimeType) -> bool:
    """Whether schematics is known to read its own text of an instant, naive or in UTC, as the same instant."""
    if not is_standard_instant(type_) or type_.formats or type_.parser is not None or type_.tzd == "require":
        return False
    # A naive one is written as UTC, and read back without its zone again.
    return not type_.serialized_format.endswith("Z") or (type_.drop_tzinfo and type_.tzd != "reject")


def _instant(source: Source, type_: DateTimeType, value: str) -> str:
    result, text = source.name("p"), source.constant(_naive_text)
    if type_.serialized_format.endswith("Z"):
        source.refuse(value, ("{v}.tzinfo is not None",))
        source.line(f"{result} = {text}({value}) + 'Z'")
        return result
    utc = source.constant(_UTC)
    source.line(f"if {value}.tzinfo is None: {result} = {text}({value})")
    source.line(f"elif {value}.tzinfo in {utc}: {result} = {text}({value}.replace(tzinfo=None)) + '+0000'")
    source.line(f"else: {result} = {source.constant(kinds.INSTANT.encode)}({source.constant(type_)}, {value})")
    return result


def _naive_text(instant: dt.datetime) -> str:
    # orjson's way is six times as fast as isoformat, and leaves zeros out.
    text = orjson.dumps(instant)[1:-1].decode()
    return text if instant.microsecond else text + ".000000"


def _microseconds(source: Source, value: str) -> str:
    result = source.name("n")
    with source.block(f"if {value}.tzinfo is None"):
        source.line(
            f"{result} = ({value}.toordinal() - {_DAY_1970}) * 86400000000"
            f" + (({value}.hour * 60 + {value}.minute) * 60 + {value}.second) * 1000000 + {value}.microsecond"
        )
    source.line(f"else: {result} = {source.constant(instant_microseconds)}({value})")
    _unless_exact(source, result, "loose")
    return result

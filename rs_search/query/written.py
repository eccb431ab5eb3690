"""Values as the Python that makes them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from enum import Enum
from typing import Any

from schematics.models import Model


def written(value: Any) -> str:
    """A value's repr, but for what has one that is no Python, as instances of models, enumerations and infinity have.

    >>> from schematics.types import StringType
    >>> class Maker(Model):
    ...     pk = StringType()
    ...     city = StringType()
    >>> written([Maker({"pk": "acme"}), None])
    "[Maker({'pk': 'acme'}), None]"
    """
    kind = next((base for base in (Model, Enum) if isinstance(value, base)), type(value))
    return _WRITERS.get(kind, repr)(value)


def _instance(value: Any) -> str:
    members = {name: member for name, member in value._data.items() if member is not None}
    return f"{type(value).__name__}({written(members)})"


def _moment(value: dt.datetime) -> str:
    # Zones of schematics print as no Python that can be read.
    offset = value.utcoffset() if type(value.tzinfo).__module__.startswith("schematics.") else None
    return repr(value if offset is None else value.replace(tzinfo=dt.timezone(offset)))


def _listed(values: Any) -> str:
    return ", ".join(map(written, values))


_WRITERS: dict[type[Any], Callable[[Any], str]] = {
    Model: _instance,
    Enum: lambda value: f"{type(value).__name__}.{value.name}",
    float: lambda value: repr(value) if math.isfinite(value) else f"float('{value}')",
    dt.datetime: _moment,
    list: lambda value: f"[{_listed(value)}]",
    tuple: lambda value: f"({_listed(value)}{',' if len(value) == 1 else ''})",
    dict: lambda value: "{" + ", ".join(f"{name!r}: {written(member)}" for name, member in value.items()) + "}",
}

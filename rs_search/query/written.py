"""Values as the Python that makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schematics.models import Model


def written(value: Any) -> str:
    """A value's repr, but for instances of models, whose own is no Python.

    >>> from schematics.types import StringType
    >>> class Maker(Model):
    ...     pk = StringType()
    ...     city = StringType()
    >>> written([Maker({"pk": "acme"}), None])
    "[Maker({'pk': 'acme'}), None]"
    """
    write = _WRITERS.get(Model if isinstance(value, Model) else type(value), repr)
    return write(value)


def _instance(value: Any) -> str:
    members = {name: member for name, member in value._data.items() if member is not None}
    return f"{type(value).__name__}({written(members)})"


def _listed(values: Any) -> str:
    return ", ".join(map(written, values))


_WRITERS: dict[type[Any], Callable[[Any], str]] = {
    Model: _instance,
    list: lambda value: f"[{_listed(value)}]",
    tuple: lambda value: f"({_listed(value)}{',' if len(value) == 1 else ''})",
    dict: lambda value: "{" + ", ".join(f"{name!r}: {written(member)}" for name, member in value.items()) + "}",
}

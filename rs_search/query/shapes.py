"""What a row of a result set is: an instance, an instance with some fields only, a dictionary, a tuple or a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schematics.models import Model

from ..paths import Path
from ..schema import schema_of
from .prefetch import Prefetch

INSTANCE, PARTIAL, DICTIONARY, TUPLE, FLAT = "instance", "partial", "dictionary", "tuple", "flat"


@dataclass(frozen=True, eq=False)
class Shape:
    """The kind of rows, the paths whose values they have, and the references of instances that are loaded as well."""

    kind: str = INSTANCE
    paths: tuple[Path, ...] = ()
    prefetch: tuple[Prefetch, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The model's own fields in which the paths begin."""
        return tuple(dict.fromkeys(path.names[0] for path in self.paths))

    @property
    def of_values(self) -> bool:
        """Whether rows are values, not instances."""
        return self.kind in (DICTIONARY, TUPLE, FLAT)

    def row(self, values: dict[str, Any]) -> Any:
        """A row of values, from the native values of `fields`."""
        found = [reach(values[path.names[0]], path.names[1:]) for path in self.paths]
        if self.kind == DICTIONARY:
            return dict(zip(map(str, self.paths), found, strict=True))
        return found[0] if self.kind == FLAT else tuple(found)


def reach(value: Any, names: tuple[str, ...]) -> Any:
    """What stands at the end of a path in a native value; of a list, a list of what stands in its elements.

    >>> reach([{"eur": 1}, {"usd": 2}, None], ("eur",))
    [1, None, None]
    """
    if not names or value is None:
        return value
    if isinstance(value, list):
        return [reach(element, names) for element in value]
    if isinstance(value, Model):
        return reach(_member(value, names[0]), names[1:])
    return reach(value.get(names[0]), names[1:]) if isinstance(value, dict) else None


def _member(instance: Any, name: str) -> Any:
    # A PolyModelType's classes may differ in what fields they have.
    field = schema_of(type(instance)).fields.get(name)
    if field is None:
        return None
    return instance._data.get(name) if field.computed is None else field.computed.__get__(instance, type(instance))

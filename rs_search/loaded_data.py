"""The values of an instance that was read, in place of schematics' `ModelDict`.

A `ModelDict` is seven objects, and takes longer to make than the whole document to parse; most instances of a page are
only read. So msgspec decodes a document into a struct, which answers reads by itself, and makes the `ModelDict` when
something is asked or done that needs it: from then on that is what holds the values.
"""

from __future__ import annotations

import threading
from collections.abc import MutableMapping
from typing import Any, ClassVar

import msgspec
from schematics.models import Model

from .reading import CopyableDict

_making = threading.RLock()


class LoadedData(msgspec.Struct, eq=False):
    """All that a `ModelDict` does. Its subclasses, one a model, have a member ``f0``, ``f1``, … for each field."""

    #: The fields in their order.
    _names: ClassVar[tuple[str, ...]] = ()
    #: Which member holds which field; `nothing` those that are computed.
    _members: ClassVar[dict[str, str]] = {}
    #: Which member holds an object of which class, as its values until somebody asks for the object.
    _objects: ClassVar[dict[str, tuple[str, type[Model]]]] = {}
    nothing: ClassVar[None] = None
    #: msgspec decodes every member from some name; of this one it takes null only.
    made: None = msgspec.field(default=None, name="_ix made")

    def whole(self) -> Any:
        """The `ModelDict`, made now if need be."""
        if self.made is None:
            # Two that are made at once would each take the writes of one thread; so it is with objects.
            with _making:
                if self.made is None:
                    values = {name: self[name] for name in self._names}
                    self.made = CopyableDict(converted=values)  # type: ignore[assignment]
        return self.made

    # --- reads, which are many ------------------------------------------------------------------------------------

    def get(self, name: Any, default: Any = None) -> Any:
        """The value of a field."""
        if self.made is not None:
            return self.made.get(name, default)
        member = self._members.get(name)
        if member is not None:
            return getattr(self, member)
        return self._object(name) if name in self._objects else default

    def __getitem__(self, name: Any) -> Any:
        if self.made is not None:
            return self.made[name]
        return self._object(name) if name in self._objects else getattr(self, self._members[name])

    def __contains__(self, name: Any) -> bool:
        return name in self._members or name in self._objects if self.made is None else name in self.made

    def __len__(self) -> int:
        return len(self._names) if self.made is None else len(self.made)

    def _object(self, name: str) -> Any:
        member, model = self._objects[name]
        found = getattr(self, member)
        if isinstance(found, LoadedData):
            with _making:
                found = getattr(self, member)
                if isinstance(found, LoadedData):
                    found = instance_with(model, found)
                    setattr(self, member, found)
        return found

    # --- all else -------------------------------------------------------------------------------------------------

    @property
    def unsafe(self) -> Any:
        """Raw values."""
        return self.whole().unsafe

    @unsafe.setter
    def unsafe(self, values: Any) -> None:
        self.whole().unsafe = values

    @property
    def converted(self) -> Any:
        """Values as they were read or set."""
        return self.whole().converted

    @converted.setter
    def converted(self, values: Any) -> None:
        self.whole().converted = values

    @property
    def valid(self) -> Any:
        """Values that were validated."""
        return self.whole().valid

    @valid.setter
    def valid(self, values: Any) -> None:
        self.whole().valid = values

    @property
    def maps(self) -> Any:
        """The three of them, the first that has a value wins."""
        return self.whole().maps

    @property
    def parents(self) -> Any:
        """All but the first."""
        return self.whole().parents

    def __eq__(self, other: object) -> Any:
        return self.whole() == (other.whole() if isinstance(other, LoadedData) else other)

    def __ne__(self, other: object) -> bool:
        # A struct has one of its own.
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __ior__(self, other: Any) -> Any:
        made = self.whole()
        made |= other
        return self

    def __copy__(self) -> Any:
        return self.whole().copy()


def instance_with(model: type[Model], data: Any) -> Any:
    """An instance with these values, made without asking its class."""
    made = object.__new__(model)
    made._data = data
    return made


def _of_whole(name: str) -> Any:
    def method(self: LoadedData, *arguments: Any, **options: Any) -> Any:
        return getattr(self.whole(), name)(*arguments, **options)

    method.__name__ = name
    return method


# Not by ``__getattr__``: a class that has one reads every attribute more slowly.
for _name in (
    *("keys", "items", "values", "pop", "popitem", "clear", "update", "setdefault", "copy", "new_child"),
    *("__setitem__", "__delitem__", "__iter__", "__bool__", "__or__", "__ror__", "__repr__", "__reduce__"),
):
    setattr(LoadedData, _name, _of_whole(_name))
MutableMapping.register(LoadedData)

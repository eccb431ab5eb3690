"""References on classes: reading one gives the object, and loads it on first use."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from typing import Any

from schematics.models import FieldDescriptor, Model
from schematics.types import ListType
from schematics.undefined import Undefined

from .errors import InvalidObject, NotFound, shown_key
from .references import NONE, ReferenceType, bare


class ReferenceField(FieldDescriptor):  # type: ignore[misc]
    """A reference: the object, loaded on first use and then kept in place of its primary key."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or value is None or isinstance(value, Model):
            return value
        found = _load(_type_of(instance, self.name), [value]).get(value)
        if found is None:
            return gone(instance, self.name, value)
        instance._data.converted[self.name] = found
        return found


class ReferenceListField(FieldDescriptor):  # type: ignore[misc]
    """A list of references."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        return References(instance, self.name, value) if isinstance(value, list) and instance is not None else value

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, list(value.raw) if isinstance(value, References) else value)


class _UndecidedField(FieldDescriptor):  # type: ignore[misc]
    """A field of a class that was not yet whole when its list of references was met; decided on first use."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        return super().__get__(instance, cls) if instance is None else self._decided(instance).__get__(instance, cls)

    def __set__(self, instance: Any, value: Any) -> None:
        self._decided(instance).__set__(instance, value)

    def _decided(self, instance: Any) -> Any:
        model = type(instance)
        field = descriptor_for(model._schema.fields[self.name])(self.name)
        for base in model.__mro__:
            # Another thread may have been faster.
            if base.__dict__.get(self.name) is self:
                setattr(base, self.name, field)
        return field


def descriptor_for(type_: Any) -> Callable[[str], Any]:
    """The descriptor of a field of a schematics type."""
    if isinstance(type_, ReferenceType):
        return ReferenceField
    if isinstance(type_, ListType) and isinstance(type_.field, ReferenceType):
        return ReferenceListField
    return FieldDescriptor  # type: ignore[no-any-return]


class References(MutableSequence[Any]):
    """A list of references, read as objects: all that are not there yet are loaded together on first use.

    1 round trip a thousand. `keys` are the primary keys, without loading; ``raw`` is the list that stands in the
    instance: primary keys, and objects in place of those that were loaded or given. A reference to something gone
    raises `NotFound`, or stands as None where the type says so.
    """

    def __init__(self, instance: Any, name: str, raw: list[Any]) -> None:
        self._instance, self._name, self.raw = instance, name, raw

    @property
    def keys(self) -> list[Any]:
        """The primary keys, without loading anything."""
        return bare(self.raw)  # type: ignore[no-any-return]

    def _objects(self) -> list[Any]:
        wanted = [value for value in self.raw if value is not None and not isinstance(value, Model)]
        if not wanted:
            return self.raw
        found = _load(_type_of(self._instance, self._name), list(dict.fromkeys(wanted)))
        for place, value in enumerate(self.raw):
            if isinstance(value, str) and value in found:
                self.raw[place] = found[value]
        return [gone(self._instance, self._name, value) if isinstance(value, str) else value for value in self.raw]

    def __getitem__(self, place: Any) -> Any:
        return self._objects()[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        self.raw[place] = value

    def __delitem__(self, place: Any) -> None:
        del self.raw[place]

    def __len__(self) -> int:
        return len(self.raw)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._objects())

    def __contains__(self, value: object) -> bool:
        return bare(value) in self.keys

    def insert(self, index: int, value: Any) -> None:
        """Put an object or a primary key before a place."""
        self.raw.insert(index, value)

    def remove(self, value: Any) -> None:
        """Take the first reference to an object, or with a primary key, away."""
        del self.raw[self.keys.index(bare(value))]

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        return [*self, *other]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, References):
            return self.keys == other.keys
        return list(self) == list(other) if isinstance(other, (list, tuple)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"References({self.raw!r})"


def gone(instance: Any, name: str, pk: str) -> Any:
    """What is read where the object is gone: None, or `NotFound` with both keys."""
    from .primary_key import key_for

    type_ = _type_of(instance, name)
    if type_.missing == NONE:
        return None
    raise NotFound(f"{_told(instance)}: {name} refers to {shown_key(key_for(type_.model, pk))}, which is gone")


def _told(instance: Any) -> str:
    from .all_operations import Objects

    name = type(instance).__name__
    try:
        return Objects(type(instance)).key(instance) if hasattr(instance, "__storage__") else name
    except InvalidObject:
        return f"a new {name}"


def _type_of(instance: Any, name: str) -> ReferenceType:
    type_ = type(instance)._schema.fields[name]
    found: ReferenceType = type_ if isinstance(type_, ReferenceType) else type_.field
    return found


def _load(type_: ReferenceType, pks: list[str]) -> dict[str, Any]:
    from .all_operations import load

    return load(type_.model, pks)


class Related:
    """The way back, on the model that is referred to: the objects that refer to an instance, lazily."""

    def __init__(self, owner: type[Any], type_: ReferenceType) -> None:
        # Weak: the other model must not keep alive a class that was made at run time.
        self.owner, self.type = weakref.ref(owner), weakref.ref(type_)

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        from .all_operations import Objects
        from .query.conditions import Q

        owner, type_ = self.owner(), self.type()
        if instance is None:
            return self
        if owner is None or type_ is None:
            raise AttributeError("the model that refers is gone")
        return Objects(owner).filter(Q(**{_name_of(owner, type_): instance}))

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError("what refers to an object cannot be set here; set the references")


def _name_of(owner: type[Any], type_: ReferenceType) -> str:
    fields: dict[str, Any] = owner._schema.fields
    return next(name for name, field in fields.items() if field is type_ or getattr(field, "field", None) is type_)


# --- classes with references ------------------------------------------------------------------------------------------


def put_on(owner: type[Any], name: str | None) -> None:
    """Let a class read a reference as its object; of a list's element, whose name is not known yet, decide later.

    Items (``ice["maker"]``), comparison and export read what stands in the instance, and load nothing: schematics'
    validation goes through them, and must not ask a server.
    """
    for known in [name] if name is not None else list(owner.__dict__):
        if type(owner.__dict__.get(known)) is FieldDescriptor:
            setattr(owner, known, ReferenceField(known) if name is not None else _UndecidedField(known))
    for method, replacement in METHODS.items():
        if getattr(owner, method) is getattr(Model, method):
            setattr(owner, method, replacement)


def _is_reference(instance: Any, name: str) -> bool:
    return descriptor_for(type(instance)._schema.fields.get(name)) is not FieldDescriptor


def _item(self: Any, name: str) -> Any:
    """What stands in the instance, without loading: a primary key, or an object that was loaded or given."""
    if not _is_reference(self, name):
        return Model.__getitem__(self, name)
    value = self._data.get(name, Undefined)
    return FieldDescriptor.__get__(type(self).__dict__[name], self, type(self)) if value is Undefined else value


def _contains(self: Any, name: str) -> bool:
    if not _is_reference(self, name):
        return bool(Model.__contains__(self, name))
    return self._data.get(name, Undefined) is not Undefined


def _equal(self: Any, other: Any) -> Any:
    if self is other:
        return True
    if type(self) is not type(other):
        return NotImplemented
    return all(_compared(self, name) == _compared(other, name) for name in self)


def _compared(instance: Any, name: str) -> Any:
    return bare(instance._data.get(name)) if _is_reference(instance, name) else instance.get(name)


#: What stands on models with references in place of schematics' own.
METHODS: dict[str, Any] = {"__getitem__": _item, "__contains__": _contains, "__eq__": _equal}

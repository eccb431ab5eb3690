"""Instances before they are written and after they are read; nothing here asks a server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from schematics.exceptions import DataError
from schematics.models import Model

from .attributes import own_attribute
from .changes import evaluated
from .codec import Document, classes_within, encode, refuse_changed_classes
from .errors import InvalidObject, QueryError, UnknownField, UnstorableValue
from .hydration import LOADED, Loaded, hydrator, loaded
from .kinds import Unkeepable
from .options import options_of, own_method
from .primary_key import is_given, names_of_key, new_primary_key, primary_key
from .quick import Quick, quick_writer
from .reading import decode
from .schema import schema_of
from .storage import storage_of
from .storage.base import Record

#: What a model may have of its own that makes the key of any of its fields.
_OF_KEYS = ("__primary_key__", "__set_key__")


class Prepared(NamedTuple):
    """An instance that is ready to be written; a tuple, because each write makes one, and that costs less.

    ``before``: what the instance was before it was made ready.
    """

    key: str
    document: Document
    payload: Any
    before: Values

    def record(self, expire: int | None, **condition: Any) -> Record:
        """What the storage writes."""
        return Record(self.key, self.payload, expire, **condition)


def prepare(instance: Any) -> Prepared:
    """Give an instance a primary key if it has none, validate it, and make its document.

    Raises `InvalidObject` or `UnstorableValue`; the instance is as it was then.
    """
    refuse_partial(instance)
    write = quick_writer(type(instance))
    quick = None if write is None else write(instance)
    return prepare_slowly(instance) if quick is None else _taken(instance, quick)


def _taken(instance: Any, quick: Quick) -> Prepared:
    values, pk, key, document, payload = quick
    before = Values.seen(instance)
    data = instance._data
    data.converted, data.valid = {}, values
    if "pk" not in values:
        instance.__dict__["pk"] = pk
    return Prepared(key, document, payload, before)


def prepare_slowly(instance: Any) -> Prepared:
    """The same, by schematics' own validation: whatever the model is."""
    before = Values.of(instance)
    try:
        _assign_pk(instance)
        validate(instance)
        return _made(instance, own_key(instance), before)
    except Exception:
        before.put_back(instance)
        raise


def _made(instance: Any, key: str, before: Values) -> Prepared:
    storage = storage_of(type(instance))
    document = encode(instance, for_index=storage.indexed, nulls=storage.keeps_nulls)
    try:
        return Prepared(key, document, storage.payload(document), before)
    except Unkeepable as error:
        raise UnstorableValue(f"{type(instance).__name__} cannot be kept: {error}") from None


def own_pk(instance: Any) -> str:
    """The primary key of an instance. Raises `InvalidObject` if it has none yet."""
    pk = primary_key(instance)
    if pk is None:
        field = schema_of(type(instance)).fields.get("pk")
        name = type(instance).__name__
        if field is not None and field.computed is not None:
            raise InvalidObject(f"{name}.pk is computed, and gives no primary key for this object")
        raise InvalidObject(f"this {name} has no primary key yet: it was never set()")
    return pk


def own_key(instance: Any) -> str:
    """The key of an instance in its storage."""
    return storage_of(type(instance)).key_of(instance, own_pk(instance))


def hydrate(model: type[Model], key: str, document: Document, only: frozenset[str] | None = None) -> Any:
    """The instance of a document. Raises `UnreadableDocument`."""
    return hydrator(model, only)(key, document)


def note_written(instance: Any, document: Document) -> None:
    """Remember what an instance was written as."""
    instance.__dict__[LOADED] = Loaded(document)


def note_some_written(instance: Any, document: Document, names: Iterable[str]) -> None:
    """Remember what some fields of an instance were written as; of the others, what they were read as."""
    known, fields = loaded(instance), schema_of(type(instance)).fields
    assert known is not None, "it was read or written before"
    members = {fields[name].member for name in names}
    kept = {member: value for member, value in known.document.items() if member not in members}
    written = {member: value for member, value in document.items() if member in members}
    instance.__dict__[LOADED] = Loaded({**kept, **written}, known.only)


def take_over(instance: Any, stored: Any) -> None:
    """Give an instance the values of another one."""
    instance._data = stored._data
    instance.__dict__[LOADED] = stored.__dict__[LOADED]


def refuse_partial(instance: Any) -> None:
    """Raise `InvalidObject` for an instance that does not know all of its fields."""
    known = loaded(instance)
    if known is not None and known.only is not None:
        names = ", ".join(sorted(known.only))
        raise InvalidObject(
            f"this {type(instance).__name__} was loaded with {names} only, and set() would erase the rest; refresh() it"
        )


def changed(instance: Any) -> frozenset[str]:
    """The names of the fields whose values would be stored otherwise than they were read or written.

    Of an instance that was neither: those that have a value. O(size).
    """
    model, known = type(instance), loaded(instance)
    now = encode(instance, for_index=False)
    if known is None:
        before: Document = {}
    else:
        before = encode(decode(model, known.document, ""), for_index=False)
    fields = schema_of(model).fields.values()
    stored = (field for field in fields if field.computed is None and (not known or _knows(known, field.name)))
    return frozenset(field.name for field in stored if now.get(field.member) != before.get(field.member))


def _knows(known: Loaded, name: str) -> bool:
    return known.only is None or name in known.only


# --- changes to what is stored ----------------------------------------------------------------------------------------


def check_names(model: type[Model], names: Iterable[str]) -> None:
    """Raise `QueryError` for what cannot be written by itself: unknown, computed and key-making fields."""
    fields = schema_of(model).fields
    for name in names:
        if name not in fields:
            raise UnknownField(f"{model.__name__} has no field {name}; it has {', '.join(fields)}")
        if fields[name].computed is not None:
            raise QueryError(f"{model.__name__}.{name} is computed, and cannot be set")
        if name == "pk" or (name in names_of_key(model) and "pk" not in fields):
            raise QueryError(f"{model.__name__}.{name} makes the key, and cannot be changed; set() another object")


def with_changes(stored: Any, key: str, values: dict[str, Any]) -> Prepared:
    """A stored object with other values, expressions worked out of its own; changes ``stored``.

    Raises `InvalidObject`, `UnstorableValue`.
    """
    before = Values.of(stored)
    found = {name: evaluated(value, lambda field: _value_of(stored, field)) for name, value in values.items()}
    for name, value in found.items():
        setattr_native(stored, name, value)
    validate(stored)
    if any(own_method(type(stored), name) is not None for name in _OF_KEYS) and own_key(stored) != key:
        raise QueryError(f"{key}: {', '.join(values)} makes the key, and cannot be changed; set() another object")
    return _made(stored, key, before)


def _value_of(stored: Any, name: str) -> Any:
    if name not in schema_of(type(stored)).fields:
        raise UnknownField(f"{type(stored).__name__} has no field {name}, of which F({name!r}) is to be worked out")
    if schema_of(type(stored)).fields[name].computed is not None:
        raise QueryError(f"{type(stored).__name__}.{name} is computed; F({name!r}) takes what is stored")
    return stored._data.get(name)


def setattr_native(instance: Any, name: str, value: Any) -> None:
    """Set a field as its descriptor does, whatever stands in the way of ``setattr``."""
    field = schema_of(type(instance)).fields[name]
    instance._data.converted[name] = field.type.pre_setattr(value)


def bumped(instance: Any) -> int | None:
    """Count the version of an instance up, and give what it was; None without a version."""
    name = options_of(type(instance)).version_field
    assert name is not None
    before: int | None = instance._data.get(name)
    instance._data.converted[name] = (before or 0) + 1
    return before


# --- helpers --------------------------------------------------------------------------------------------------------


class Values(NamedTuple):
    """The values of an instance before they are touched: schematics forgets those that it refuses."""

    unsafe: dict[str, Any]
    converted: dict[str, Any]
    valid: dict[str, Any]
    pk: Any
    loaded: Loaded | None

    @classmethod
    def of(cls, instance: Any) -> Values:
        """The values of an instance."""
        data, others = instance._data, instance.__dict__
        return cls(dict(data.unsafe), data.converted.copy(), data.valid.copy(), others.get("pk"), others.get(LOADED))

    @classmethod
    def seen(cls, instance: Any) -> Values:
        """The values of an instance that is about to get others in their place, and does not change these."""
        (unsafe, converted, valid), others = instance._data.maps, instance.__dict__
        return cls(unsafe, converted, valid, others.get("pk"), others.get(LOADED))

    def put_back(self, instance: Any) -> None:
        """Give the instance its values back."""
        instance._data.unsafe, instance._data.converted = self.unsafe, self.converted
        instance._data.valid = dict(self.valid)
        if "pk" in instance.__dict__:
            # Of a model without the field.
            instance.__dict__["pk"] = self.pk
        if self.loaded is None:
            instance.__dict__.pop(LOADED, None)
        else:
            instance.__dict__[LOADED] = self.loaded


def _assign_pk(instance: Any) -> None:
    """Give the instance a primary key if its ``pk`` has none, and is not computed."""
    model = type(instance)
    field = schema_of(model).fields.get("pk")
    own = own_method(model, "__primary_key__") is not None
    if not own and field is not None and field.computed is None and is_given(instance._data.get("pk")):
        return
    # A computed one as well: schematics' validation reads it, and would let its errors out raw.
    pk = primary_key(instance)
    if field is None:
        instance.__dict__["pk"] = pk or new_primary_key(model)
    elif field.computed is None:
        instance._data.converted["pk"] = pk or new_primary_key(model)


def validate(instance: Any) -> None:
    """Run schematics' validation. Raises `InvalidObject`."""
    model = type(instance)
    run = own_attribute(model, "validate") or Model.validate
    before = classes_within(instance)
    try:
        run(instance)
    except DataError as error:
        errors = error.to_primitive()
        told = "; ".join(_flat(errors, ""))
        raise InvalidObject(f"{model.__name__} is not valid: {told}", errors) from error
    refuse_changed_classes(instance, before)


def _flat(errors: Any, path: str) -> list[str]:
    if isinstance(errors, dict):
        return [
            line for name, inner in errors.items() for line in _flat(inner, f"{path}.{name}" if path else str(name))
        ]
    told = "; ".join(map(str, errors)) if isinstance(errors, list) else str(errors)
    return [f"{path}: {told}"]

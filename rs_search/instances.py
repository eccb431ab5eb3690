"""Instances before they are written and after they are read; nothing here asks a server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schematics.exceptions import DataError
from schematics.models import Model

from .codec import Document, classes_within, decode, encode, refuse_changed_classes
from .errors import InvalidObject, UnstorableValue
from .kinds import Unkeepable
from .options import own_method
from .primary_key import is_given, new_primary_key, primary_key
from .schema import own_attribute, schema_of
from .storage import storage_of
from .storage.base import Record

#: Where an instance keeps what it was loaded from.
_LOADED = "_rs_search_loaded"


@dataclass(frozen=True)
class Loaded:
    """The document that an instance was read from or written as; ``only``: the fields that it got a value for."""

    document: Document
    only: frozenset[str] | None = None


@dataclass(frozen=True)
class Prepared:
    """An instance that is ready to be written; ``members``: those that change, None for all."""

    key: str
    document: Document
    payload: Any
    members: frozenset[str] | None = None

    def record(self, expire: int | None, **condition: Any) -> Record:
        """What the storage writes."""
        return Record(self.key, self.payload, expire, members=self.members, **condition)


def prepare(instance: Any) -> Prepared:
    """Give an instance a primary key if it has none, validate it, and make its document.

    Raises `InvalidObject` or `UnstorableValue`; the instance is as it was then.
    """
    refuse_partial(instance)
    before = Values.of(instance)
    try:
        _assign_pk(instance)
        validate(instance)
        key = own_key(instance)
        return _made(instance, key)
    except Exception:
        before.put_back(instance)
        raise


def _made(instance: Any, key: str) -> Prepared:
    storage = storage_of(type(instance))
    document = encode(instance, for_index=storage.indexed, nulls=storage.keeps_nulls)
    return Prepared(key, document, payload_of(type(instance), document))


def payload_of(model: type[Model], document: Document) -> Any:
    """What the layer makes of a document. Raises `UnstorableValue`."""
    try:
        return storage_of(model).payload(document)
    except Unkeepable as error:
        raise UnstorableValue(f"{model.__name__} cannot be kept: {error}") from None


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
    instance = decode(model, document, key, only)
    instance.__dict__[_LOADED] = Loaded(document, only)
    if "pk" not in schema_of(model).fields:
        instance.__dict__["pk"] = storage_of(model).pk(key)
    return instance


def note_written(instance: Any, document: Document) -> None:
    """Remember what an instance was written as."""
    instance.__dict__[_LOADED] = Loaded(document)


def note_some_written(instance: Any, document: Document, names: Iterable[str]) -> None:
    """Remember what some fields of an instance were written as; of the others, what they were read as."""
    known, fields = instance.__dict__[_LOADED], schema_of(type(instance)).fields
    members = {fields[name].member for name in names}
    kept = {member: value for member, value in known.document.items() if member not in members}
    written = {member: value for member, value in document.items() if member in members}
    instance.__dict__[_LOADED] = Loaded({**kept, **written}, known.only)


def loaded(instance: Any) -> Loaded | None:
    """What an instance was read from or written as; None if neither."""
    found: Loaded | None = instance.__dict__.get(_LOADED)
    return found


def take_over(instance: Any, stored: Any) -> None:
    """Give an instance the values of another one."""
    instance._data = stored._data
    instance.__dict__[_LOADED] = stored.__dict__[_LOADED]


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
    stored = (field for field in fields if field.computed is None and knows(instance, field.name))
    return frozenset(field.name for field in stored if now.get(field.member) != before.get(field.member))


def knows(instance: Any, name: str) -> bool:
    """Whether an instance has a value for a field: it was loaded with it, or was given one since."""
    known = loaded(instance)
    return known is None or known.only is None or name in known.only or name in instance._data


# --- helpers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Values:
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
        return cls(dict(data.unsafe), dict(data.converted), dict(data.valid), others.get("pk"), others.get(_LOADED))

    def put_back(self, instance: Any) -> None:
        """Give the instance its values back."""
        instance._data.unsafe, instance._data.converted = self.unsafe, self.converted
        instance._data.valid = self.valid
        if "pk" in instance.__dict__:
            # Of a model without the field.
            instance.__dict__["pk"] = self.pk
        if self.loaded is None:
            instance.__dict__.pop(_LOADED, None)
        else:
            instance.__dict__[_LOADED] = self.loaded


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

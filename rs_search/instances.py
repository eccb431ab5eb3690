"""Instances before they are written and after they are read; nothing here asks a server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from schematics.exceptions import DataError
from schematics.models import Model

from .attributes import own_attribute
from .codec import Document, classes_within, encode, refuse_changed_classes
from .errors import InvalidObject, UnstorableValue
from .hydration import LOADED, Loaded, hydrator, loaded
from .kinds import Unkeepable
from .options import own_method
from .primary_key import is_given, new_primary_key, primary_key
from .quick import quick_validator, quick_writer
from .reading import decode
from .schema import schema_of
from .storage import storage_of
from .storage.base import Record

#: Makes a named tuple as its own constructor does, in half the time.
_new: Any = tuple.__new__


class Prepared(NamedTuple):
    """An instance that is ready to be written; a tuple, because each write makes one, and that costs less.

    ``noted`` is what the instance remembers when it is written, ``before`` what it was before it was made ready;
    ``members`` are those that change, None for all.
    """

    key: str
    payload: Any
    noted: Any
    before: Values
    members: frozenset[str] | None = None

    @property
    def document(self) -> Document:
        """The document. O(size) where it is kept as a text: to keep it as well costs more than to read it again."""
        return self.noted.document if isinstance(self.noted, Loaded) else orjson.loads(self.noted)

    def record(self, expire: int | None, **condition: Any) -> Record:
        """What the storage writes."""
        return Record(self.key, self.payload, expire, members=self.members, **condition)


def prepare(instance: Any) -> Prepared:
    """Give an instance a primary key if it has none, validate it, and make its document.

    Raises `InvalidObject` or `UnstorableValue`; the instance is as it was then.
    """
    refuse_partial(instance)
    return _prepared_quickly(instance, None) or _prepared_slowly(instance)


def _prepared_quickly(instance: Any, key: str | None) -> Prepared | None:
    """The same, under a key if there is one already; None where it is not known what schematics makes of a value."""
    write = quick_writer(type(instance))
    quick = None if write is None else write(instance, key)
    if quick is None:
        return None
    values, pk, key, payload, noted = quick
    data, others = instance._data, instance.__dict__
    # What was there is put aside as it is: nothing that is done to the instance from now on changes it.
    before = _new(Values, (*data.maps, others.get("pk"), others.get(LOADED)))
    data.converted, data.valid = {}, values
    if pk is not None and "pk" not in values:
        others["pk"] = pk
    made: Prepared = _new(Prepared, (key, payload, noted, before, None))
    return made


def _prepared_slowly(instance: Any) -> Prepared:
    """What `prepare` does, by schematics' own validation, whatever the model is."""
    before = Values.of(instance)
    try:
        _assign_pk(instance)
        validate(instance)
        return _made(instance, own_key(instance), before)
    except Exception:
        before.put_back(instance)
        raise


def _made(instance: Any, key: str, before: Values) -> Prepared:
    model = type(instance)
    storage = storage_of(model)
    document = encode(instance, for_index=storage.indexed, nulls=storage.keeps_nulls)
    payload = payload_of(model, document)
    return Prepared(key, payload, noted(model, document, payload), before)


def payload_of(model: type[Model], document: Document) -> Any:
    """What the layer makes of a document. Raises `UnstorableValue`."""
    try:
        return storage_of(model).payload(document)
    except Unkeepable as error:
        raise UnstorableValue(f"{model.__name__} cannot be kept: {error}") from None


def noted(model: type[Model], document: Document, payload: Any) -> Any:
    """What an instance remembers of what it was written as."""
    return payload if storage_of(model).json else Loaded(document)


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


def note_written(instance: Any, prepared: Prepared) -> None:
    """Remember what an instance was written as."""
    instance.__dict__[LOADED] = prepared.noted


def note_some_written(instance: Any, prepared: Prepared, names: Iterable[str]) -> None:
    """Remember what some fields of an instance were written as; of the others, what they were read as."""
    known, fields = loaded(instance), schema_of(type(instance)).fields
    if known is None:
        return
    members = {fields[name].member for name in names}
    kept = {member: value for member, value in known.document.items() if member not in members}
    written = {member: value for member, value in prepared.document.items() if member in members}
    instance.__dict__[LOADED] = Loaded({**kept, **written}, known.only)


def take_over(instance: Any, stored: Any) -> None:
    """Give an instance the values of another one."""
    instance._data = stored._data
    instance.__dict__[LOADED] = stored.__dict__[LOADED]


def refuse_partial(instance: Any) -> None:
    """Raise `InvalidObject` for an instance that does not know all of its fields."""
    known = instance.__dict__.get(LOADED)
    if isinstance(known, Loaded) and known.only is not None:
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
        before = encode(decode(model, known.document, "", known.only), for_index=False)
    fields = schema_of(model).fields.values()
    stored = (field for field in fields if field.computed is None and knows(instance, field.name))
    return frozenset(field.name for field in stored if now.get(field.member) != before.get(field.member))


def knows(instance: Any, name: str) -> bool:
    """Whether an instance has a value for a field: it was loaded with it, or was given one since."""
    known = loaded(instance)
    return known is None or known.only is None or name in known.only or name in instance._data


# --- helpers --------------------------------------------------------------------------------------------------------


class Values(NamedTuple):
    """The values of an instance before they are touched: schematics forgets those that it refuses."""

    unsafe: dict[str, Any]
    converted: dict[str, Any]
    valid: dict[str, Any]
    pk: Any
    loaded: Any

    @classmethod
    def of(cls, instance: Any) -> Values:
        """The values of an instance."""
        data, others = instance._data, instance.__dict__
        return cls(dict(data.unsafe), data.converted.copy(), data.valid.copy(), others.get("pk"), others.get(LOADED))

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
    quick = quick_validator(model)
    values = None if quick is None else quick(instance)
    if values is not None:
        instance._data.converted, instance._data.valid = {}, values
        return
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

"""Objects made ready to be written by one function a class, where it is known what schematics would make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from schematics.models import Model
from schematics.types.serializable import Serializable
from schematics.undefined import Undefined

from .codec import Document, values_of
from .companions import companions
from .hydration import Loaded
from .index_schema import index_schema_of
from .known import has_computed, is_known
from .memo import once_per_class
from .options import options_of, own_method
from .primary_key import default_of_values, is_given, is_plain, is_text, new_primary_key, text_of
from .schema import COMPANIONS, Field, schema_of
from .source import TooDeep, Unsure
from .storage import storage_of
from .storage.base import Storage
from .storage.field_keys import FieldKeys
from .storage.json_document import JsonDocuments
from .storage.string import JsonStrings
from .storage.type_hash import TypeHash
from .writers import CONTEXT, writer

#: The values that an instance is to get, its primary key, its key, what the storage keeps of its document, and what the
#: instance remembers of that.
Quick = tuple[dict[str, Any], Any, str, Any, Any]
Write = Callable[..., "Quick | None"]
#: Layers that look at nothing but the document; one of the user's may look at the instance.
_LAYERS = (JsonDocuments, JsonStrings, TypeHash, FieldKeys)
_BACKSLASH, _DELETE = 0x5C, 0x7F


@once_per_class
def quick_writer(model: type[Model]) -> Write | None:
    """The function that makes an instance ready, touching nothing; it gives None where it is not sure of a value.

    It is given the key of an instance that has one, which then gets no primary key. None for a model of which it is
    not known what schematics makes of it.
    """
    storage = storage_of(model)
    own = own_method(model, "__primary_key__") is not None or options_of(model).own_set_key
    if type(storage) not in _LAYERS or own or not is_known(model) or has_computed(model):
        return None
    schema = index_schema_of(model) if storage.indexed else None
    try:
        made_of = writer(model, schema, storage.keeps_nulls)
    except TooDeep:
        return None
    pk_of, key_of, payload_of = _pk_reader(model), _key_maker(model, storage), _payload_maker(model, storage)
    return _written(made_of, pk_of, key_of, payload_of, storage.json)


def _written(made_of: Any, pk_of: Any, key_of: Any, payload_of: Any, is_text: bool) -> Write:
    def write(instance: Any, key: str | None = None) -> Quick | None:
        try:
            if instance._data.maps[0]:
                # Raw values.
                return None
            given = values_of(instance)
            pk = pk_of(instance, given, key is None)
            values, document, beside, more = made_of(given, pk)
            if key is None:
                key = key_of(pk)
            payload = payload_of(document, beside, more)
            return values, pk, key, payload, payload if is_text else Loaded(document)
        except Exception:
            # Whatever it is: schematics and the codec find it as well, and say what it is.
            return None

    return write


def _pk_reader(model: type[Model]) -> Callable[[Any, Any, bool], Any]:
    """What gives the primary key of an instance, or makes one: the value of ``pk``, without that field its text.

    An instance that needs none is left with what it has.
    """
    has_field, id_is_text = "pk" in schema_of(model).fields, is_text(model, "id")

    def read(instance: Any, values: Any, is_needed: bool) -> Any:
        pk = values["pk"] if has_field else instance.__dict__.get("pk")
        if is_given(pk):
            return pk if has_field else str(pk)
        if not is_needed:
            return pk
        if id_is_text and is_plain(values.get("id")):
            # As `default_of_values` says as well, in ten times as long.
            return values["id"]
        return default_of_values(model, {**values, "pk": None}) or new_primary_key(model)

    return read


def _key_maker(model: type[Model], storage: Storage) -> Callable[[Any], str]:
    if "pk" not in schema_of(model).fields or is_text(model, "pk"):
        return storage.key
    return lambda pk: storage.key(text_of(model, "pk", pk))


def _payload_maker(model: type[Model], storage: Storage) -> Callable[[Document, Document | None, bool], Any]:
    """What a document is kept as, with what stands beside it; raises anything for what cannot be kept."""
    if not storage.indexed:

        def of_text(document: Document, beside: Document | None, more: bool) -> Any:
            # Text without UTF-8, and integers of more than 64 bits, are refused by this.
            orjson.dumps(document)
            return storage.payload(document)

        return of_text
    schema = index_schema_of(model)

    def of_json(document: Document, beside: Document | None, more: bool) -> Any:
        if beside is not None and not more:
            if beside:
                document[COMPANIONS] = beside
            payload = orjson.dumps(document)
            # Plain ASCII has the words that the server sees in it, and its case; what JSON escapes has a backslash.
            if payload.isascii() and _BACKSLASH not in payload and _DELETE not in payload:
                return payload
            document.pop(COMPANIONS, None)
        found = companions(document, schema, beside, plain=not more)
        if found:
            document[COMPANIONS] = found
        return storage.payload(document) if more else orjson.dumps(document)

    return of_json


# --- validation by itself ---------------------------------------------------------------------------------------------


@once_per_class
def quick_validator(model: type[Model]) -> Callable[[Any], dict[str, Any] | None] | None:
    """The function that gives the values which validation gives an instance, touching nothing; else None.

    For models that have more of their own than `quick_writer` can do with: computed fields, keys, layers.
    """
    if not is_known(model):
        return None
    fields = schema_of(model).fields
    computed = [(field, field.computed) for field in fields.values() if field.computed is not None]
    has_pk = "pk" in fields and fields["pk"].computed is None
    try:
        made_of = writer(model, None, False)
    except TooDeep:
        return None

    def validated(instance: Any) -> dict[str, Any] | None:
        try:
            if instance._data.maps[0]:
                return None
            given = values_of(instance)
            asked = _asked(instance, dict(given), computed) if computed else {}
            values, *_ = made_of(given, given["pk"] if has_pk else None)
        except Exception:
            return None
        found = {**values, **asked}
        return {name: found[name] for name in fields if name in found} if asked else found

    return validated


def _asked(instance: Any, given: dict[str, Any], computed: list[tuple[Field, Serializable]]) -> dict[str, Any]:
    """The values of computed fields that validation asks for: of those that have had one. Raises where it is unsure."""
    found = {}
    for field, serializable in computed:
        has_value = given.get(field.name, Undefined) is not Undefined
        if serializable.fset is None and has_value:
            found[field.name] = serializable.__get__(instance, type(instance))
        elif has_value or field.type.required or any(name in given for name in _other_names(field)):
            raise Unsure
    now = values_of(instance)
    if now.keys() != given.keys() or any(now[name] is not value for name, value in given.items()):
        # A property has set other fields.
        raise Unsure
    return {field.name: _validated(field, found[field.name]) for field, _ in computed if field.name in found}


def _other_names(field: Field) -> list[str]:
    """Where schematics looks for a value that is not there under its own name."""
    return [name for name in field.type.get_input_keys() if name != field.name]


def _validated(field: Field, value: Any) -> Any:
    if value is None and field.type.required:
        raise Unsure
    return value if value is None else field.type.validate(value, CONTEXT)

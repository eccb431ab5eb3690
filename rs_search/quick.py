"""Objects made ready to be written by one function a class, where it is known what schematics would make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from schematics.models import Model

from .codec import Document
from .companions import companions
from .index_schema import index_schema_of
from .known import is_known
from .memo import once_per_class
from .options import options_of, own_method
from .primary_key import default_of_values, is_given, is_text, new_primary_key, text_of
from .schema import COMPANIONS, schema_of
from .source import TooDeep
from .storage import storage_of
from .storage.base import Storage
from .storage.field_keys import FieldKeys
from .storage.json_document import JsonDocuments
from .storage.string import JsonStrings
from .storage.type_hash import TypeHash
from .writers import writer

#: The values that an instance is to get, its primary key, its key, its document, and what the storage keeps of that.
Quick = tuple[dict[str, Any], str, str, Document, Any]
#: Layers that look at nothing but the document; one of the user's may look at the instance.
_LAYERS = (JsonDocuments, JsonStrings, TypeHash, FieldKeys)
_BACKSLASH, _DELETE = 0x5C, 0x7F


@once_per_class
def quick_writer(model: type[Model]) -> Callable[[Any], Quick | None] | None:
    """The function that makes an instance ready, touching nothing; it gives None where it is not sure of a value.

    None for a model of which it is not known what schematics makes of it.
    """
    storage = storage_of(model)
    own = own_method(model, "__primary_key__") is not None or options_of(model).own_set_key
    if type(storage) not in _LAYERS or own or not is_known(model):
        return None
    schema = index_schema_of(model) if storage.indexed else None
    try:
        values_of = writer(model, schema, storage.keeps_nulls)
    except TooDeep:
        return None
    return _written(values_of, _pk_reader(model), _key_maker(model, storage), _payload_maker(model, storage))


def _written(values_of: Any, pk_of: Any, key_of: Any, payload_of: Any) -> Callable[[Any], Quick | None]:
    def write(instance: Any) -> Quick | None:
        try:
            unsafe, converted, valid = instance._data.maps
            if unsafe:
                return None
            source = (valid | converted if converted else valid) if valid else converted
            pk = pk_of(instance, source)
            values, document, beside, more = values_of(source, pk)
            return values, pk, key_of(pk), document, payload_of(document, beside, more)
        except Exception:
            # Whatever it is: schematics and the codec find it as well, and say what it is.
            return None

    return write


def _pk_reader(model: type[Model]) -> Callable[[Any, Any], Any]:
    """What gives the primary key of an instance, or makes one: the value of ``pk``, without that field its text."""
    has_field = "pk" in schema_of(model).fields

    def read(instance: Any, values: Any) -> Any:
        pk = values["pk"] if has_field else instance.__dict__.get("pk")
        if is_given(pk):
            return pk if has_field else str(pk)
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
        found = companions(document, schema, beside)
        if found:
            document[COMPANIONS] = found
        return storage.payload(document) if more else orjson.dumps(document)

    return of_json

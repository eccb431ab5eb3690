"""Documents to instances; `rs_search.codec` is the way there.

Every value is read by the field's own type, as schematics' import reads it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from typing import Any

import orjson
from schematics.exceptions import BaseError
from schematics.models import Model, ModelDict
from schematics.undefined import Undefined

from . import kinds
from .companions import UnkeepableAt, restore_exact
from .errors import UnreadableDocument, shown_key
from .index_schema import EXACT
from .schema import COMPANIONS, Field, schema_of

Document = dict[str, Any]
#: What stands under a key: a text, as the reply has it, or the document where a layer keeps members apart.
Stored = bytes | str | Document
#: A key, and what stands under it.
Row = tuple[str, Stored]


class CopyableDict(ModelDict):  # type: ignore[misc]
    """A `ModelDict` that can be pickled and copied deeply; schematics' own refuses."""

    def __reduce__(self) -> tuple[Any, ...]:
        return CopyableDict, (dict(self.unsafe), dict(self.converted), dict(self.valid))


def parse(text: bytes | str, key: str, load: Callable[[Any], Any] = orjson.loads) -> Document:
    """The document stored under ``key``, with its exact numbers put back. Raises `UnreadableDocument`."""
    try:
        document = load(text)
    except Exception as error:
        # ``load`` may be the user's own.
        raise UnreadableDocument(f"{shown_key(key)} holds no document: {error}") from None
    if not isinstance(document, dict):
        kind = type(document).__name__
        raise UnreadableDocument(f"{shown_key(key)} holds JSON of type {kind}, where a document is an object")
    beside = document.pop(COMPANIONS, None)
    if isinstance(beside, dict) and EXACT in beside:
        restore_exact(document, beside[EXACT])
    return document


def decode(model: type[Model], document: Document, key: str, only: Collection[str] | None = None) -> Model:
    """An instance as ``model(document)`` would make it, unknown members apart. Raises `UnreadableDocument`.

    ``only`` names the fields that it gets a value for; None is all of them.
    """
    try:
        return _decode_model(model, document, "", only)
    except UnkeepableAt as error:
        raise _unreadable(model, key, error) from None


def decode_fields(model: type[Model], document: Document, key: str, names: Iterable[str]) -> dict[str, Any]:
    """The native values of some fields, by name. Raises `UnreadableDocument`."""
    fields = schema_of(model).fields
    try:
        return {name: _decode_member(model, fields[name], document, name) for name in names}
    except UnkeepableAt as error:
        raise _unreadable(model, key, error) from None


def _unreadable(model: type[Model], key: str, error: UnkeepableAt) -> UnreadableDocument:
    told = f"{shown_key(key)} is no readable {model.__name__}: {error.path}: {error.reason}"
    return UnreadableDocument(told)


def _decode_model(model: type[Model], document: Document, above: str, only: Collection[str] | None = None) -> Model:
    fields = [field for name, field in schema_of(model).fields.items() if only is None or name in only]
    if model._convert is Model._convert:
        own = {field.name: _decode_own(model, field, document, f"{above}{field.name}") for field in fields}
        instance = _made(model, own)
    else:
        instance = _made(model, {})
        instance._data.converted = _converted(instance, fields, document, above)
    for name, field in schema_of(model).fields.items():
        if field.computed is not None and field.computed.fset is not None and field.member in document:
            value = decode_value(field, document[field.member], f"{above}{name}")
            field.computed.__set__(instance, value)
    return instance


def _made(model: type[Model], data: Document) -> Model:
    if model.__init__ is Model.__init__:
        instance: Model = object.__new__(model)
        instance._data = CopyableDict(converted=data)
    else:
        # A constructor of the model's own runs, as it does in redis-schematics.
        instance = model({}) if _wants_data(model) else model()
        instance._data.converted.update(data)
    return instance


def _converted(instance: Model, fields: list[Field], document: Document, above: str) -> Document:
    """What a model whose import is its own makes of a document."""
    raw = {}
    for field in fields:
        member = next((member for member in _names_of(type(instance), field) if member in document), None)
        if member is not None and field.computed is None:
            raw[field.name] = _copied(document[member])
    try:
        data: Document = instance._convert(raw, partial=True, strict=True, new=True, init_values=True,
                                           apply_defaults=True)  # fmt: skip
    except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UnkeepableAt(above.removesuffix("__") or "its values", f"they cannot be read: {error}") from None
    return {field.name: data[field.name] for field in fields if field.name in data}


def _wants_data(model: type[Model]) -> bool:
    required = [
        parameter
        for parameter in list(inspect.signature(model.__init__).parameters.values())[1:]
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    return bool(required)


def _decode_own(model: type[Model], field: Field, document: Document, path: str) -> Any:
    """What schematics keeps of a field: of computed ones nothing, or, where they can be set, what was given."""
    if field.computed is None:
        return _decode_member(model, field, document, path)
    return None if field.computed.fset is None else _copied(document.get(field.member, Undefined))


def _decode_member(model: type[Model], field: Field, document: Document, path: str) -> Any:
    for name in _names_of(model, field):
        if name in document:
            return decode_value(field, document[name], path)
    return default_of(field)


def _names_of(model: type[Model], field: Field) -> list[str]:
    return [field.member, *old_names(model, field)]


def old_names(model: type[Model], field: Field) -> list[str]:
    """The names that a field's value has in documents which do not have the member."""
    members = schema_of(model).members
    # What another field is stored under is that field's.
    return [name for name in field.type.get_input_keys() if name not in members]


def default_of(field: Field) -> Any:
    """What is read where a document has nothing."""
    default = field.type.default
    if default is Undefined or default is None:
        return None
    return kinds.to_native(field.type, default)


def decode_value(field: Field, value: Any, path: str) -> Any:
    """The native value of a stored one. Raises `UnkeepableAt`."""
    if value is None:
        return None
    if field.kind is kinds.LIST and field.element is not None and isinstance(value, list):
        return [decode_value(field.element, element, f"{path}[{place}]") for place, element in enumerate(value)]
    if field.kind is kinds.OBJECT and isinstance(value, dict):
        return _decode_model(class_for(field, value, path), value, f"{path}__")
    try:
        if field.kind is kinds.DICT and field.element is not None and isinstance(value, dict):
            coerce, element = field.type.coerce_key, field.element
            return {coerce(key): decode_value(element, inner, f"{path}[{key!r}]") for key, inner in value.items()}
        # Some types take lists and dictionaries as they are: what is done to those must not change the document.
        return field.kind.decode(field.type, _copied(value))
    except UnkeepableAt:
        raise
    except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UnkeepableAt(path, f"{value!r} cannot be read: {error}") from None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def class_for(field: Field, document: Document, path: str) -> type[Model]:
    """The class of an object that is stored in a field. Raises `UnkeepableAt` where its type cannot tell."""
    find = getattr(field.type, "find_model", None)
    if find is None:
        only: type[Model] = field.models[0]
        return only
    try:
        found: type[Model] = find(document)
    except Exception as error:
        raise UnkeepableAt(
            path, f"{type(field.type).__name__} does not know the class of what was stored: {error}"
        ) from None
    return found

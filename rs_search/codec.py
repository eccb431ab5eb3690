"""Instances to documents and back.

A document is the schematics primitive of the whole object, whatever roles and export levels hide from readers,
without None (kept as null where the field has a default, which an absent member would load as), with the companions
of `rs_search.companions` beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from typing import Any

import orjson
from schematics.common import DEFAULT
from schematics.exceptions import BaseError
from schematics.models import Model, ModelDict
from schematics.transforms import get_export_context
from schematics.undefined import Undefined

from . import kinds
from .companions import UnkeepableAt, companions, restore_exact
from .errors import UnreadableDocument, UnstorableValue, shown_key
from .index_schema import EXACT, index_schema_of
from .json_numbers import float_text
from .kinds import Unkeepable
from .schema import COMPANIONS, Field, schema_of

Document = dict[str, Any]
#: What fields of schematics ask for their export level.
_EXPORT = get_export_context()
#: RedisJSON refuses 128 levels.
DEEPEST = 127


def encode(instance: Model, for_index: bool = True, nulls: bool = False) -> Document:
    """The document of an instance whose values are native; O(size).

    ``for_index``: with its companions; ``nulls``: None is kept as null in every member, as in schematics' primitive.
    Raises `UnstorableValue`, naming the field, for what could not come back equal.
    """
    model = type(instance)
    try:
        document = _encode_model(instance, "", nulls)
        if for_index:
            beside = companions(document, index_schema_of(model))
            if beside:
                document[COMPANIONS] = beside
    except UnkeepableAt as error:
        raise UnstorableValue(
            f"{model.__name__}.{error.path} cannot be kept: {error.reason}", {error.path: error.reason}
        ) from None
    return document


def primitive_of(field: Field, value: Any) -> Any:
    """A field's native value as documents have it. Raises `UnkeepableAt`."""
    return _encode_value(field, value, field.name)


def dump(document: Document) -> bytes:
    """A document as JSON text that RedisJSON reads exactly. Raises `Unkeepable`."""
    try:
        return orjson.dumps(_with_exact_floats(document, 1))
    except orjson.JSONEncodeError as error:
        raise Unkeepable(str(error)) from None


def _encode_model(instance: Model, above: str, nulls: bool = False) -> Document:
    document: Document = {}
    for name, field in schema_of(type(instance)).fields.items():
        value = _value(instance, field)
        if value is not None:
            document[field.member] = _encode_value(field, value, f"{above}{name}", nulls)
        elif field.has_default or (nulls and _shows_none(field)):
            document[field.member] = None
    return document


def _shows_none(field: Field) -> bool:
    """Whether schematics' primitive has null for the field, too: not with ``serialize_when_none=False``."""
    return bool(field.type.get_export_level(_EXPORT) >= DEFAULT)


def _value(instance: Model, field: Field) -> Any:
    if field.computed is None:
        value = instance._data.get(field.name)
    else:
        try:
            value = field.computed.__get__(instance, type(instance))
        except Exception:
            # As schematics' own export does: a property that fails on this object has no value.
            value = None
    return None if value is Undefined else value


def _encode_value(field: Field, value: Any, path: str, nulls: bool = False) -> Any:
    if value is None:
        return None
    if field.kind is kinds.LIST and field.element is not None:
        return [_encode_value(field.element, one, f"{path}[{place}]", nulls) for place, one in enumerate(value)]
    if field.kind is kinds.DICT and field.element is not None:
        return {
            _key(key, path): _encode_value(field.element, one, f"{path}[{key!r}]", nulls) for key, one in value.items()
        }
    if field.kind is kinds.OBJECT:
        return _encode_object(field, value, path, nulls)
    try:
        return field.kind.encode(field.type, value)
    except Unkeepable as error:
        raise UnkeepableAt(path, str(error)) from None
    except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UnkeepableAt(path, f"{value!r} has no primitive: {error}") from None


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise UnkeepableAt(path, f"the key {key!r} is no text, and JSON has no other keys")
    try:
        result: str = kinds.keepable_json(key)
    except Unkeepable as error:
        raise UnkeepableAt(path, f"the key {key!r}: {error}") from None
    return result


def _encode_object(field: Field, value: Any, path: str, nulls: bool) -> Document:
    document = _encode_model(value, f"{path}__", nulls)
    back = _class_for(field, document, path)
    if back is not type(value):
        raise UnkeepableAt(
            path, f"it is a {type(value).__name__} and would be read back as a {back.__name__}; "
            "a PolyModelType with a claim_function, or _claim_polymorphic on the models, can tell them apart",
        )  # fmt: skip
    return document


def _class_for(field: Field, document: Document, path: str) -> type[Model]:
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


def classes_within(instance: Model) -> dict[str, type[Model]]:
    """The classes of the objects in an instance, by path."""
    fields = schema_of(type(instance)).fields.values()
    found: dict[str, type[Model]] = {}
    for field in fields:
        if field.computed is None and (field.element is not None or field.kind is kinds.OBJECT):
            _note_classes(instance._data.get(field.name), field.name, found)
    return found


def _note_classes(value: Any, path: str, found: dict[str, type[Model]]) -> None:
    if isinstance(value, Model):
        found[path] = type(value)
        found.update({f"{path}__{inner}": cls for inner, cls in classes_within(value).items()})
    elif isinstance(value, (list, dict)):
        for place, inner in value.items() if isinstance(value, dict) else enumerate(value):
            _note_classes(inner, f"{path}[{place!r}]", found)


def refuse_changed_classes(instance: Model, before: dict[str, type[Model]]) -> None:
    """Raise `UnstorableValue` where validation made another class of an object.

    schematics does so, without a word, to the value of a PolyModelType that no claim tells from its siblings.
    """
    for path, cls in classes_within(instance).items():
        if before.get(path, cls) is not cls:
            reason = (
                f"it was a {before[path].__name__} and schematics reads it as a {cls.__name__}; "
                "a claim_function, or _claim_polymorphic on the models, tells them apart"
            )
            raise UnstorableValue(f"{type(instance).__name__}.{path} cannot be kept: {reason}", {path: reason})


def _with_exact_floats(value: Any, depth: int) -> Any:
    if depth > DEEPEST and isinstance(value, (dict, list)):
        raise Unkeepable(f"it is nested more than {DEEPEST} levels deep")
    if isinstance(value, dict):
        return {key: _with_exact_floats(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_exact_floats(inner, depth + 1) for inner in value]
    if isinstance(value, float):
        text = float_text(value)
        return value if text is None or "e" not in text else orjson.Fragment(text)
    return value


# --- reading --------------------------------------------------------------------------------------------------------


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


def _unreadable(model: type[Model], key: str, error: UnkeepableAt) -> UnreadableDocument:
    told = f"{shown_key(key)} is no readable {model.__name__}: {error.path}: {error.reason}"
    return UnreadableDocument(told)


def decode_fields(model: type[Model], document: Document, key: str, names: Iterable[str]) -> dict[str, Any]:
    """The native values of some fields, by name. Raises `UnreadableDocument`."""
    fields = schema_of(model).fields
    members = {field.member for field in fields.values()}
    try:
        return {name: _decode_member(fields[name], members, document, name) for name in names}
    except UnkeepableAt as error:
        raise _unreadable(model, key, error) from None


def _decode_model(model: type[Model], document: Document, above: str, only: Collection[str] | None = None) -> Model:
    data: Document = {}
    members = {field.member for field in schema_of(model).fields.values()}
    for name, field in schema_of(model).fields.items():
        if field.computed is None and (only is None or name in only):
            data[name] = _decode_member(field, members, document, f"{above}{name}")
    if model.__init__ is Model.__init__:
        instance: Model = object.__new__(model)
        instance._data = ModelDict(converted=data)
    else:
        # A constructor of the model's own runs, as it does in redis-schematics.
        instance = model({}) if _wants_data(model) else model()
        instance._data.converted.update(data)
    for name, field in schema_of(model).fields.items():
        if field.computed is not None and field.computed.fset is not None and field.member in document:
            value = _decode_value(field, document[field.member], f"{above}{name}")
            field.computed.__set__(instance, value)
    return instance


def _wants_data(model: type[Model]) -> bool:
    required = [
        parameter
        for parameter in list(inspect.signature(model.__init__).parameters.values())[1:]
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    return bool(required)


def _decode_member(field: Field, members: set[str], document: Document, path: str) -> Any:
    if field.member in document:
        return _decode_value(field, document[field.member], path)
    for name in field.type.get_input_keys():
        # What another field is stored under is that field's.
        if name in document and name not in members:
            return _decode_value(field, document[name], path)
    default = field.type.default
    if default is Undefined or default is None:
        return None
    return kinds.to_native(field.type, default)


def _decode_value(field: Field, value: Any, path: str) -> Any:
    if value is None:
        return None
    if field.kind is kinds.LIST and field.element is not None and isinstance(value, list):
        return [_decode_value(field.element, element, f"{path}[{place}]") for place, element in enumerate(value)]
    if field.kind is kinds.DICT and field.element is not None and isinstance(value, dict):
        coerce = field.type.coerce_key
        return {coerce(key): _decode_value(field.element, inner, f"{path}[{key!r}]") for key, inner in value.items()}
    if field.kind is kinds.OBJECT and isinstance(value, dict):
        return _decode_model(_class_for(field, value, path), value, f"{path}__")
    try:
        return field.kind.decode(field.type, value)
    except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UnkeepableAt(path, f"{value!r} cannot be read: {error}") from None

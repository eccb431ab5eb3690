"""Instances to documents; `rs_search.reading` is the way back.

A document is the schematics primitive of the whole object, whatever roles and export levels hide from readers,
without None (kept as null where the field has a default, which an absent member would load as), with the companions
of `rs_search.companions` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from schematics.common import DEFAULT
from schematics.exceptions import BaseError
from schematics.models import Model
from schematics.transforms import get_export_context
from schematics.undefined import Undefined

from . import kinds
from .companions import UnkeepableAt, companions
from .errors import UnstorableValue
from .index_schema import index_schema_of
from .json_numbers import are_plain, float_text
from .kinds import Unkeepable
from .memo import once_per_class
from .reading import class_for
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
        return orjson.dumps(document if are_plain(document) else _with_exact_floats(document, 1))
    except orjson.JSONEncodeError as error:
        raise Unkeepable(str(error)) from None


def values_of(instance: Model) -> Mapping[str, Any]:
    """The values of an instance by name, read at once: schematics looks each of them up in three places."""
    unsafe, converted, valid = instance._data.maps
    if unsafe:
        return {**valid, **converted, **unsafe}
    if not valid:
        return converted  # type: ignore[no-any-return]
    return valid | converted if converted else valid  # type: ignore[no-any-return]


def _encode_model(instance: Model, above: str, nulls: bool = False) -> Document:
    document: Document = {}
    values = values_of(instance)
    for name, field in schema_of(type(instance)).fields.items():
        if field.computed is None:
            value = values.get(name)
        else:
            value = _computed(instance, field)
            # It may have set other fields.
            values = values_of(instance)
        if value is Undefined:
            value = None
        if value is not None:
            document[field.member] = _encode_value(field, value, f"{above}{name}", nulls)
        elif field.has_default or (nulls and shows_none(field)):
            document[field.member] = None
    return document


def shows_none(field: Field) -> bool:
    """Whether schematics' primitive has null for the field, too: not with ``serialize_when_none=False``."""
    return bool(field.type.get_export_level(_EXPORT) >= DEFAULT)


def _computed(instance: Model, field: Field) -> Any:
    assert field.computed is not None
    try:
        return field.computed.__get__(instance, type(instance))
    except Exception:
        # As schematics' own export does: a property that fails on this object has no value.
        return None


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
    back = class_for(field, document, path)
    if back is not type(value):
        raise UnkeepableAt(
            path, f"it is a {type(value).__name__} and would be read back as a {back.__name__}; "
            "a PolyModelType with a claim_function, or _claim_polymorphic on the models, can tell them apart",
        )  # fmt: skip
    return document


def classes_within(instance: Model) -> dict[str, type[Model]]:
    """The classes of the objects in an instance, by path."""
    found: dict[str, type[Model]] = {}
    fields = _with_objects(type(instance))
    values = values_of(instance) if fields else {}
    for name in fields:
        _note_classes(values.get(name), name, found)
    return found


@once_per_class
def _with_objects(model: type[Model]) -> tuple[str, ...]:
    """The fields that may hold objects by themselves, in lists or in dictionaries."""
    return tuple(name for name, field in schema_of(model).fields.items() if field.computed is None and _holds(field))


def _holds(field: Field) -> bool:
    if field.element is None:
        return field.kind is kinds.OBJECT
    return field.element.kind is kinds.ANY or _holds(field.element)


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
    """JSON with another text for the floats that need one; what has none of them is given as it is."""
    if depth > DEEPEST:
        raise Unkeepable(f"it is nested more than {DEEPEST} levels deep")
    changed = {}
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, float):
            text = float_text(inner)
            if text is not None and "e" in text:
                changed[step] = orjson.Fragment(text)
        elif isinstance(inner, (dict, list)):
            found = _with_exact_floats(inner, depth + 1)
            if found is not inner:
                changed[step] = found
    if not changed:
        return value
    if isinstance(value, dict):
        return {**value, **changed}
    return [changed.get(place, inner) for place, inner in enumerate(value)]

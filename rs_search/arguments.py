"""What callers give, looked at before anything is asked or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schematics.exceptions import DataError
from schematics.models import Model

from .errors import InvalidObject, QueryError, TransactionError, UnknownField
from .options import MOST_SECONDS, is_lifetime, own_method
from .primary_key import names_of_key
from .references import is_kept, same_place
from .schema import schema_of


def seconds_to_live(model: type[Any], expire: Any) -> int | None:
    """Seconds to live, None for as the model says. Raises `QueryError` for what is no life."""
    if expire is None or is_lifetime(expire):
        return expire  # type: ignore[no-any-return]
    raise QueryError(
        f"{model.__name__}: expire={expire!r}: seconds to live are a whole number from 1 to {MOST_SECONDS:,}; "
        "persist() lets an object live for ever, delete() ends it"
    )


def batch_size(model: type[Any], batch: Any) -> int:
    """How many objects are written at a time. Raises `QueryError`."""
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise QueryError(f"{model.__name__}: batch={batch!r}: a batch has one object or more")
    return batch


def many(model: type[Any], given: Any) -> Iterable[Any]:
    """Objects, to be read lazily. Raises `QueryError` for one of them, and for what is no iterable."""
    if isinstance(given, (str, bytes, Model)) or not isinstance(given, Iterable):
        raise QueryError(f"{model.__name__}.set_many() takes objects, as a list or an iterator, not {given!r}")
    return given


def refuse_others(model: type[Any], instance: Any, exactly: bool = False) -> None:
    """Raise `InvalidObject` for what is not kept where the model's objects are; ``exactly``: for subclasses, too."""
    if type(instance) is model:
        return
    if not isinstance(instance, Model):
        raise InvalidObject(f"{model.__name__} keeps its own objects, not {instance!r}")
    if exactly or not (isinstance(instance, model) and same_place(type(instance), model)):
        name = type(instance).__name__
        raise InvalidObject(f"{model.__name__} keeps its own objects; a {name} is kept by {name} itself")


def watched(given: Any) -> list[Any]:
    """The objects that a transaction is to watch. Raises `TransactionError`."""
    if isinstance(given, (str, bytes, Model)) or not isinstance(given, Iterable):
        raise TransactionError(f"transaction(watch=[…]) takes objects that are kept in Redis, in a list, not {given!r}")
    found = list(given)
    for one in found:
        if not isinstance(one, Model) or not is_kept(type(one)):
            raise TransactionError(f"transaction(watch=[…]) takes objects that are kept in Redis, not {one!r}")
    return found


def new_object(model: type[Any], values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """A new object whose key ``values`` make. Raises `QueryError`, `UnknownField`, `InvalidObject`."""
    fields, makes_key = schema_of(model).fields, {"pk", *names_of_key(model)}
    for name in (*values, *defaults):
        if name not in fields:
            raise UnknownField(f"{model.__name__} has no field {name}; it has {', '.join(fields)}")
    beside = [name for name in values if name not in makes_key]
    if beside and own_method(model, "__primary_key__") is None:
        raise QueryError(
            f"{model.__name__}: {', '.join(beside)} makes no key, and would be passed over where there is an object "
            "already; give it in the dictionary of defaults"
        )
    try:
        return model({**defaults, **values})
    except DataError as error:
        errors = error.to_primitive()
        raise InvalidObject(f"{model.__name__} cannot be made of {errors}", errors) from error

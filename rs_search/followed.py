"""References whose ``on_delete`` has consequences, and where they stand in documents."""

from __future__ import annotations

from collections.abc import Iterator

from schematics.models import Model

from . import kinds
from .errors import SchemaError
from .memo import once_per_class
from .paths import Path, declared_paths, descend
from .references import NOTHING
from .schema import Field, schema_of


@once_per_class
def followed_paths(model: type[Model]) -> tuple[Path, ...]:
    """The references of a model whose ``on_delete`` says something; of a model that cannot be kept, none."""
    try:
        paths = [descend(path) for path in declared_paths(model)]
    except SchemaError:
        return ()
    return tuple(path for path in paths if _has_consequences(path.field))


def refuse_unfollowed(model: type[Model]) -> None:
    """Raise `SchemaError` for an ``on_delete`` that nothing would follow: no path of a query finds such a reference."""
    followed = {id(path.field.type) for path in followed_paths(model)}
    for name, field in _fields_within(model, set()):
        if _has_consequences(field) and id(field.type) not in followed:
            raise SchemaError(
                f"{model.__name__}: {name} has on_delete={field.type.on_delete!r}, which cannot be followed inside a "
                "dictionary, a PolyModelType or a model that holds itself; only 'nothing' can stand there"
            )


def _has_consequences(field: Field) -> bool:
    return field.kind is kinds.REFERENCE and bool(field.type.on_delete != NOTHING)


def _fields_within(model: type[Model], seen: set[type[Model]]) -> Iterator[tuple[str, Field]]:
    """The fields of a model and of all that are in it, down to the elements of lists and dictionaries."""
    if model in seen:
        return
    seen.add(model)
    for name, field in schema_of(model).fields.items():
        innermost = field
        while innermost.element is not None:
            innermost = innermost.element
        yield name, innermost
        for inner in innermost.models:
            yield from _fields_within(inner, seen)

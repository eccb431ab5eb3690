"""What a model class says of its storage: the dunder attributes of redis-schematics, and search options."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schematics.models import Model

from .errors import SchemaError
from .kinds import INDEX_FIELDS, LIST
from .memo import once_per_class
from .paths import Path, declared_paths, descend
from .schema import Field, own_attribute


@dataclass(frozen=True)
class SearchOptions:
    """Which index fields a model's field gets; None takes the type's default."""

    tag: bool | None = None
    text: bool | None = None
    numeric: bool | None = None
    geo: bool | None = None
    sortable: bool = True
    skip: bool = False

    def wants(self, index_kind: str, default: bool) -> bool:
        """Whether the field gets an index field of that kind: ``TAG``, ``TEXT``, ``NUMERIC`` or ``GEO``."""
        asked = getattr(self, index_kind.lower())
        return not self.skip and bool(default if asked is None else asked)


def search_options(
    *,
    tag: bool | None = None,
    text: bool | None = None,
    numeric: bool | None = None,
    geo: bool | None = None,
    sortable: bool = True,
    skip: bool = False,
) -> SearchOptions:
    """How a field is indexed, for ``__index__`` or for a type's ``metadata={"search_options": …}``.

    ``tag``, ``text``, ``numeric``, ``geo`` switch one kind of index field on or off, ``sortable=False`` saves its
    memory where nothing is sorted by it, ``skip=True`` leaves the field out. What the index does not hold is
    answered all the same, by checking the documents.

    >>> search_options(text=False)
    SearchOptions(tag=None, text=False, numeric=None, geo=None, sortable=True, skip=False)
    """
    return SearchOptions(tag, text, numeric, geo, sortable, skip)


DEFAULT_OPTIONS = SearchOptions()


@dataclass(frozen=True)
class ModelOptions:
    """The class attributes of a model, read once a class.

    ``expire`` is in seconds; ``unique_together`` names the fields whose values make the key when there is no ``pk``
    or ``id``; ``index`` maps field paths to `SearchOptions`.
    """

    prefix: str
    expire: int | None
    unique_together: tuple[str, ...]
    strict: bool
    index: Mapping[str, SearchOptions]


@once_per_class
def options_of(model: type[Model]) -> ModelOptions:
    """Read the options of a model class. Raises `SchemaError` where one cannot be meant."""
    unique = own_attribute(model, "__unique_together__") or own_attribute(model, "__unique_args__") or ()
    names = (unique,) if isinstance(unique, str) else tuple(unique)
    for name in names:
        if name not in model._schema.fields:
            raise SchemaError(f"{model.__name__}.__unique_together__ names {name!r}, which is no field of the model")
    return ModelOptions(
        prefix=_prefix(model),
        expire=_expire(model),
        unique_together=names,
        strict=bool(own_attribute(model, "__strict_performance__")),
        index=_index(model),
    )


def _prefix(model: type[Model]) -> str:
    declared: Any = own_attribute(model, "__prefix__")
    if isinstance(declared, property) and declared.fget is not None:
        # redis-schematics has it as a property of the instance.
        declared = declared.fget(model())
    prefix = model.__name__ if declared is None else declared
    if not isinstance(prefix, str) or not prefix:
        raise SchemaError(f"{model.__name__}.__prefix__ must be a non-empty string, not {prefix!r}")
    return prefix


def _expire(model: type[Model]) -> int | None:
    expire: Any = own_attribute(model, "__expire__")
    if expire is None:
        return None
    if isinstance(expire, bool) or not isinstance(expire, int) or expire <= 0:
        raise SchemaError(f"{model.__name__}.__expire__ must be a positive number of seconds, not {expire!r}")
    return expire


def _index(model: type[Model]) -> Mapping[str, SearchOptions]:
    index: Mapping[str, Any] = own_attribute(model, "__index__") or {}
    paths = {str(path): path for path in declared_paths(model)}
    for name, options in index.items():
        _refuse_others(options, f"{model.__name__}.__index__[{name!r}]")
        if name not in paths:
            (nearest,) = difflib.get_close_matches(name, paths, 1, 0.0) or ("none",)
            raise SchemaError(
                f"{model.__name__}.__index__ names {name!r}, which is no field to be indexed; nearest is {nearest}"
            )
    for name, path in paths.items():
        declared = index.get(name) or _metadata(path.field)
        if declared is not None:
            _refuse_others(declared, f"{model.__name__}.{name}: its metadata")
            _refuse_impossible(model, path, declared)
    return dict(index)


def _refuse_others(options: Any, shown: str) -> None:
    if not isinstance(options, SearchOptions):
        raise SchemaError(f"{shown} must come from search_options(), not {options!r}")


def _refuse_impossible(model: type[Model], path: Path, options: SearchOptions) -> None:
    field = descend(path).field
    possible = [name for name, can_hold in INDEX_FIELDS.items() if can_hold(field.kind)]
    for name in INDEX_FIELDS:
        if options.wants(name, False) and name not in possible:
            raise SchemaError(
                f"{model.__name__}.{path}: {type(field.type).__name__} can have no {name} index field; "
                f"it can have {' and '.join(possible) or 'none'}"
            )


def _metadata(field: Field) -> Any:
    """What the type's metadata says; of a list also that of its elements."""
    declared = field.type.metadata.get("search_options")
    if declared is None and field.kind is LIST and field.element is not None:
        return _metadata(field.element)
    return declared


def field_options(model: type[Model], names: tuple[str, ...], field: Field) -> SearchOptions:
    """The options of one field: the model's ``__index__`` first, then the type's ``metadata``."""
    declared: SearchOptions | None = options_of(model).index.get("__".join(names)) or _metadata(field)
    return declared or DEFAULT_OPTIONS

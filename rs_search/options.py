"""What a model class says of its storage: the dunder attributes of redis-schematics, and search options."""

from __future__ import annotations

import contextlib
import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schematics.models import Model
from schematics.types import BaseType, IntType

from .attributes import layer_of, own_attribute
from .errors import SchemaError
from .followed import refuse_unfollowed
from .kinds import INDEX_FIELDS, LIST
from .memo import once_per_class
from .paths import Path, declared_paths, descend
from .references import kept_models
from .schema import Field


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


#: No object lives longer, who does not live for ever: a field of a hash cannot (2^46 milliseconds since 1970).
MOST_SECONDS = 10_000_000_000
#: Seconds that queries wait for an index that is being built, before they read the collection instead.
INDEX_WAIT = 1.0
DEFAULT_OPTIONS = SearchOptions()


@dataclass(frozen=True)
class ModelOptions:
    """The class attributes of a model, read once a class.

    ``expire`` is in seconds, and so is ``field_expire``, by the names of fields; ``unique_together`` names the fields
    whose values make the key when there is no ``pk`` or ``id``; ``index`` maps field paths to `SearchOptions`;
    ``auto_index`` tells whether a query may make the index that it needs, ``index_wait`` how many seconds it waits for
    one that is being built.
    """

    model: type[Model]
    prefix: str
    key_ends: tuple[str, str]
    expire: int | None
    field_expire: Mapping[str, int]
    unique_together: tuple[str, ...]
    strict: bool
    version_field: str | None
    auto_index: bool
    index_wait: float
    index: Mapping[str, SearchOptions]

    def set_key(self, instance: Any) -> str:
        """The hash of `HashRedisMixin` that holds an object; with None, an object of which nothing is known."""
        declared: Any = own_method(self.model, "__set_key__")
        if declared is None:
            return self.default_set_key
        return str(of_instance(declared, self.model() if instance is None else instance))

    @property
    def default_set_key(self) -> str:
        """The hash of a model that names no other: its ``__key_pattern__`` without a primary key."""
        declared: Any = own_method(self.model, "__key_pattern__")
        return self.prefix if declared is None else str(of_instance(declared, self.model()))

    @property
    def own_set_key(self) -> bool:
        """Whether the model has a ``__set_key__`` of its own."""
        return own_method(self.model, "__set_key__") is not None

    def other_prefixes(self) -> tuple[str, ...]:
        """Beginnings of the keys of other models, of those whose prefix begins with this one."""
        own = self.key_ends[0]
        return tuple(sorted({other for other in _key_beginnings() if other != own and other.startswith(own)}))


def _key_beginnings() -> set[str]:
    found = set()
    for model in kept_models():
        # What another model declares wrongly is told when that one is used.
        with contextlib.suppress(Exception):
            found.add(options_of(model).key_ends[0])
    return found


@once_per_class
def options_of(model: type[Model]) -> ModelOptions:
    """Read the options of a model class. Raises `SchemaError` where one cannot be meant."""
    refuse_unfollowed(model)
    unique = own_attribute(model, "__unique_together__") or own_attribute(model, "__unique_args__") or ()
    names = (unique,) if isinstance(unique, str) else tuple(unique)
    for name in names:
        if name not in model._schema.fields:
            raise SchemaError(f"{model.__name__}.__unique_together__ names {name!r}, which is no field of the model")
    prefix = prefix_of(model)
    return ModelOptions(
        model=model,
        prefix=prefix,
        key_ends=_key_ends(model, prefix),
        expire=_expire(model),
        field_expire=_field_expire(model),
        unique_together=names,
        strict=bool(own_attribute(model, "__strict_performance__")),
        version_field=_version_field(model),
        auto_index=own_attribute(model, "__auto_index__") is not False,
        index_wait=_index_wait(model),
        index=_index(model),
    )


def prefix_of(model: type[Model]) -> str:
    """What keys of a model begin with: its ``__prefix__``, else its name. Raises `SchemaError`."""
    declared: Any = own_method(model, "__prefix__")
    if isinstance(declared, property) and declared.fget is not None:
        # redis-schematics has it as a property of the instance.
        declared = declared.fget(model())
    prefix = model.__name__ if declared is None else declared
    if not isinstance(prefix, str) or not prefix:
        raise SchemaError(f"{model.__name__}.__prefix__ must be a non-empty string, not {prefix!r}")
    return prefix


def _key_ends(model: type[Model], prefix: str) -> tuple[str, str]:
    """What stands before and after the primary key in keys, by the model's own ``__key_pattern__`` if it has one."""
    declared: Any = own_method(model, "__key_pattern__")
    if declared is None:
        return f"{prefix}:", ""
    made = of_instance(declared, model(), _PLACE)
    if not isinstance(made, str) or made.count(_PLACE) != 1:
        raise SchemaError(
            f"{model.__name__}.__key_pattern__ must give one key for each primary key, which stands in it as it "
            f"is; of {_PLACE!r} it made {made!r}"
        )
    before, after = made.split(_PLACE)
    return before, after


#: Stands for a primary key, to see what a model's own ``__key_pattern__`` makes of one.
_PLACE = "pk-of-the-object"


def _version_field(model: type[Model]) -> str | None:
    name: Any = own_attribute(model, "__version_field__")
    if name is not None and not isinstance(model._schema.fields.get(name), IntType):
        raise SchemaError(f"{model.__name__}.__version_field__ must name an IntType field of the model, not {name!r}")
    return name  # type: ignore[no-any-return]


def own_method(model: type[Any], name: str) -> Any:
    """A method, property or function that a model has in place of the mixins' own; None if it has none."""
    for base in model.__mro__:
        if name in base.__dict__:
            declared = base.__dict__[name]
            if base.__module__.startswith("rs_search."):
                return None
            return declared.__get__(None, model) if isinstance(declared, classmethod) else declared
    return None


def of_instance(declared: Any, instance: Any, *arguments: Any) -> Any:
    """What a property, method or plain value that a class declares gives for an instance."""
    if isinstance(declared, property):
        declared = declared.fget
    if inspect.ismethod(declared) or isinstance(declared, staticmethod):
        return declared(*arguments)
    return declared(instance, *arguments) if callable(declared) else declared


def _expire(model: type[Model]) -> int | None:
    expire: Any = own_attribute(model, "__expire__")
    if expire is None:
        return None
    if not is_lifetime(expire):
        raise SchemaError(
            f"{model.__name__}.__expire__ must be a positive number of seconds, up to {MOST_SECONDS:,}, not {expire!r}"
        )
    return expire  # type: ignore[no-any-return]


def _field_expire(model: type[Model]) -> Mapping[str, int]:
    lives: Any = own_attribute(model, "__field_expire__") or {}
    name = f"{model.__name__}.__field_expire__"
    if not isinstance(lives, Mapping):
        raise SchemaError(f"{name} must map names of fields to seconds, not {lives!r}")
    if lives and not getattr(layer_of(model), "partial", False):
        raise SchemaError(f"{name}: only a DistributedRedisMixin keeps fields apart, to let one of them expire")
    never = ("pk", "id", own_attribute(model, "__version_field__"))
    for field, seconds in lives.items():
        declared = model._schema.fields.get(field)
        if not isinstance(declared, BaseType) or declared.required or field in never:
            raise SchemaError(f"{name} names {field!r}, which is no field that may be missing")
        if not is_lifetime(seconds):
            raise SchemaError(f"{name}: {field} must live a positive number of seconds, not {seconds!r}")
    return dict(lives)


def is_lifetime(seconds: Any) -> bool:
    """Whether something can be seconds to live."""
    return isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= MOST_SECONDS


def _index_wait(model: type[Model]) -> float:
    declared: Any = own_attribute(model, "__index_wait__")
    if declared is None:
        return INDEX_WAIT
    if isinstance(declared, bool) or not isinstance(declared, (int, float)) or not declared >= 0:
        raise SchemaError(f"{model.__name__}.__index_wait__ must be a number of seconds, 0 or more, not {declared!r}")
    return float(declared)


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

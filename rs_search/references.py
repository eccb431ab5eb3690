"""References: a field that keeps the primary key of an object of another model, and is read as the object.

The classes that are referred to are found late, by name, so that models may name each other. What is remembered of
classes here is weak: models that are made at run time die.
"""

from __future__ import annotations

import weakref
from typing import Any

from schematics.exceptions import BaseError, ConversionError, ValidationError
from schematics.models import Model
from schematics.types import BaseType

from .errors import InvalidObject, InvalidValue, SchemaError

RESTRICT, CASCADE, CLEAR, NOTHING = "restrict", "cascade", "clear", "nothing"
RAISE, NONE = "raise", "none"
_CHOICES = {"on_delete": (RESTRICT, CASCADE, CLEAR, NOTHING), "missing": (RAISE, NONE)}


class ReferenceType(BaseType):  # type: ignore[misc]
    """A reference to an object of a model that is kept in Redis: ``ReferenceType("Maker")``, ``ReferenceType(Maker)``.

    Kept as the primary key, as text. Given an object or a primary key; read as the object, which is loaded on first
    use (1 round trip; of ``ListType(ReferenceType(…))``, 1 for a thousand). ``related_name`` puts the way back on the
    other model: a result set. ``on_delete`` says what removing the other object does here: ``nothing``, the default,
    because all else costs every removal a query for each field that refers; ``restrict`` refuses it, ``cascade``
    removes this one as well, ``clear`` takes the reference away. ``missing`` says what is read where the other object
    is gone: ``raise`` (`NotFound`) or ``none``. Raises `SchemaError` for what cannot be meant.

    >>> ReferenceType("Maker", on_delete="cascade").on_delete
    'cascade'
    """

    primitive_type = str
    native_type = Model

    def __init__(
        self,
        model: type[Any] | str,
        related_name: str | None = None,
        on_delete: str = NOTHING,
        missing: str = RAISE,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        _refuse_unknown(on_delete=on_delete, missing=missing)
        if not isinstance(model, str) and not is_kept(model):
            raise SchemaError(f"ReferenceType takes a model that is kept in Redis, or its name, not {model!r}")
        if related_name is not None and not related_name.isidentifier():
            raise SchemaError(f"ReferenceType(related_name={related_name!r}): it must be a name")
        if on_delete == CLEAR and self.required:
            raise SchemaError("ReferenceType(required=True, on_delete='clear'): what is required cannot be cleared")
        self._model = model
        self.related_name, self.on_delete, self.missing = related_name, on_delete, missing
        self.declared_in: Any = None
        self._found: Any = lambda: None

    @property
    def model(self) -> type[Any]:
        """The model that is referred to. Raises `SchemaError` where none has its name, or several have."""
        found: type[Any] | None = self._find()
        if found is None:
            where = "" if self.declared_in is None else f"{self.declared_in.__name__}: "
            raise SchemaError(f"{where}ReferenceType({self._model!r}): there is no model of this name yet")
        return found

    def _find(self) -> Any:
        if not isinstance(self._model, str):
            return self._model
        if self.declared_in is not None and self._model == self.declared_in.__name__:
            return self.declared_in
        found = self._found() or named(self._model, self.declared_in)
        if found is not None and "<locals>" in found.__qualname__:
            # The next call of the function that makes these classes makes others of the same names.
            self._found = weakref.ref(found)
        return found

    @property
    def model_name(self) -> str:
        """The name of the model that is referred to, whether there is one or not yet."""
        return self._model.rpartition(".")[2] if isinstance(self._model, str) else str(self._model.__name__)

    def _setup(self, field_name: str | None, owner_model: type[Any]) -> None:
        # schematics' last step of making a class; of a list's element, without the name.
        from .reference_fields import put_on

        super()._setup(field_name, owner_model)
        if self.declared_in is None:
            self.declared_in = owner_model
        put_on(owner_model, field_name)
        _await(owner_model, self)

    def convert(self, value: Any, context: Any = None) -> Any:
        """The object as it is, or the primary key as text. Raises schematics' errors for anything else."""
        from .primary_key import text_of_pk

        model = self.model
        if not isinstance(value, Model):
            try:
                return text_of_pk(model, value)
            except InvalidValue as error:
                raise ConversionError(str(error)) from None
        if not isinstance(value, model):
            raise ConversionError(f"It must be a {model.__name__} or a primary key, not a {type(value).__name__}.")
        if not same_place(type(value), model):
            raise ConversionError(f"A {type(value).__name__} is not kept where a {model.__name__} is looked for.")
        return value

    def to_primitive(self, value: Any, context: Any = None) -> Any:
        """The primary key; None of an object that has none yet."""
        return pk_of(value)

    def validate_reference(self, value: Any, context: Any = None) -> None:
        """Refuse an object without a primary key, and an empty one."""
        try:
            pk = pk_of(value)
        except InvalidObject as error:
            raise ValidationError(str(error)) from None
        if pk is None:
            raise ValidationError(f"This {type(value).__name__} has no primary key yet: set() it first.")
        if pk == "":
            raise ValidationError("No primary key is empty; None refers to nothing.")


def _refuse_unknown(**given: str) -> None:
    for name, value in given.items():
        if value not in _CHOICES[name]:
            raise SchemaError(f"ReferenceType({name}={value!r}): it is one of {', '.join(_CHOICES[name])}")


def pk_of(value: Any) -> str | None:
    """The primary key in a raw value: of an object its own, else the value itself."""
    from .primary_key import primary_key

    return primary_key(value) if isinstance(value, Model) else value


def bare(value: Any) -> Any:
    """What a raw value is compared by: primary keys, and objects that have none as they are."""
    if isinstance(value, list):
        return [bare(element) for element in value]
    try:
        pk = pk_of(value)
    except (InvalidObject, BaseError):
        return value
    return value if pk is None else pk


def is_kept(model: Any) -> bool:
    """Whether objects of a class are kept in Redis."""
    return isinstance(model, type) and issubclass(model, Model) and _has_storage(model)


def _has_storage(model: type[Any]) -> bool:
    # Not hasattr, which would import it.
    return any("__storage__" in base.__dict__ for base in model.__mro__)


def same_place(own: type[Any], wanted: type[Any]) -> bool:
    """Whether objects of two models are kept under the same keys, in the same way."""
    from .storage import storage_of

    first, second = storage_of(own), storage_of(wanted)
    return own is wanted or (first.pattern == second.pattern and type(first) is type(second))


# --- models by name -------------------------------------------------------------------------------------------------

_KEPT: weakref.WeakSet[Any] = weakref.WeakSet()
_NAMED: dict[str, list[weakref.ref[Any]]] = {}
#: References and the classes they are in, by the name of the model they refer to.
_WAITING: dict[str, list[tuple[weakref.ref[Any], weakref.ref[Any]]]] = {}


def announce(model: type[Any]) -> None:
    """Make a model known by its name, and give it the ways back that others asked for before it was there."""
    _KEPT.add(model)
    known = _NAMED.get(model.__name__, [])
    _NAMED[model.__name__] = [*(one for one in known if one() is not None), weakref.ref(model)]
    for owner_ref, type_ref in _WAITING.get(model.__name__, ()):
        owner, type_ = owner_ref(), type_ref()
        if owner is not None and type_ is not None and type_._find() is model:
            _connect(owner, type_, model)


def kept_models() -> list[type[Model]]:
    """All models that have keys of their own, for others to keep off them."""
    return list(_KEPT)


def named(name: str, near: Any) -> Any:
    """The model of a name (``Maker``, ``shop.models.Maker``), None if there is none.

    The last one made in the same scope as ``near``, else in its module, else the only one. Raises `SchemaError` where
    several modules have one.
    """
    module, _, short = name.rpartition(".")
    models = [model for one in _NAMED.get(short, ()) if (model := one()) is not None]
    if module:
        models = [model for model in models if model.__module__ == module]
    for same in (_same_scope, _same_module):
        close = [model for model in models if near is not None and same(model, near)]
        if close:
            return close[-1]
    if len({(model.__module__, model.__qualname__) for model in models}) > 1:
        places = ", ".join(sorted({f"{model.__module__}.{model.__qualname__}" for model in models}))
        raise SchemaError(f"ReferenceType({name!r}) may mean {places}; give the class, or its name with its module")
    return models[-1] if models else None


def _same_module(model: type[Any], near: type[Any]) -> bool:
    return model.__module__ == near.__module__


def _same_scope(model: type[Any], near: type[Any]) -> bool:
    scopes = (one.__qualname__.rpartition(".")[0] for one in (model, near))
    return _same_module(model, near) and len(set(scopes)) == 1


# --- the way back ---------------------------------------------------------------------------------------------------


def _await(owner: type[Any], type_: ReferenceType) -> None:
    """Find the model that is referred to, now or when it is made, and put the way back on it."""
    if isinstance(type_._model, str):
        waiting = _WAITING.get(type_.model_name, [])
        alive = [one for one in waiting if one[0]() is not None and one[1]() is not None]
        _WAITING[type_.model_name] = [*alive, (weakref.ref(owner), weakref.ref(type_))]
    target = type_._find()
    if target is not None:
        _connect(owner, type_, target)


def _connect(owner: type[Any], type_: ReferenceType, target: type[Any]) -> None:
    from .reference_fields import Related

    inherited = type_.declared_in is not owner and is_kept(type_.declared_in)
    if type_.related_name is None or not is_kept(owner) or inherited:
        # Inherited: the way back leads to the class that declares the field.
        return
    name = type_.related_name
    there = next((base.__dict__[name] for base in target.__mro__ if name in base.__dict__), None)
    if isinstance(there, Related):
        other = there.owner()
        if other is owner and there.type() is type_:
            return
        # A class that is made anew, as in a notebook, takes the place of its former self.
        if other is not None and (other is owner or not _named_alike(other, owner)):
            raise SchemaError(
                f"{owner.__name__}: related_name={name!r} is taken on {target.__name__} by a reference of "
                f"{other.__name__}"
            )
    elif there is not None:
        raise SchemaError(f"{owner.__name__}: related_name={name!r} is taken: {target.__name__} has a {name} already")
    setattr(target, name, Related(owner, type_))


def _named_alike(first: type[Any], second: type[Any]) -> bool:
    return (first.__module__, first.__qualname__) == (second.__module__, second.__qualname__)


__all__ = ["ReferenceType"]

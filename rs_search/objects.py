"""The operations on a model's objects, apart from the model's own names.

``objects(IceCream).filter(…)`` is ``IceCream.filter(…)``, and works as well when a field of the model is called
``filter``. The mixins' methods call these.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from schematics.exceptions import DataError
from schematics.models import Model

from .codec import classes_within, decode, decode_fields, encode, refuse_changed_classes
from .errors import InvalidObject, MultipleFound, NotFound, QueryError
from .operations import records, search
from .operations.candidates import Row
from .operations.requests import Operation
from .options import options_of
from .planner.explain import Explanation, Ran
from .planner.normal import means_everything
from .planner.plan import Select
from .planner.predicate import predicate
from .primary_key import (
    is_given,
    key_for,
    names_of_key,
    new_primary_key,
    primary_key,
    primary_key_of_values,
    text_of_pk,
)
from .query.bind import bind
from .query.queryset import ResultSet
from .query.shapes import PARTIAL, Shape
from .query.tree import Q
from .schema import own_attribute, schema_of
from .server.connections import Server, server_of
from .server.drive import run, stream
from .server.replies import plain
from .storage.json_document import pk_of

#: Where an instance that was loaded by ``only()`` keeps the names of its fields.
_ONLY = "_rs_search_only"
M = TypeVar("M")
T = TypeVar("T")
_PK_NAMES = ("pk", "pk__exact", "pk__eq")


class Objects(Generic[M]):
    """All that can be done with the objects of a model class."""

    def __init__(self, model: type[M]) -> None:
        self.model = model

    # --- one object -----------------------------------------------------------------------------------------------

    def set(self, instance: M) -> None:
        """Validate an instance and keep it, whole, under its key; gives it a ``pk`` if it has none.

        Raises `InvalidObject` if it does not validate, `UnstorableValue` for a value that could not come back equal;
        nothing is written then, and the instance is as it was. Cost: 1 round trip.
        """
        self._refuse_partial(instance)
        before = _Values.of(instance)
        try:
            self._assign_pk(instance)
            self._validate(instance)
            pk = primary_key(instance)
            if pk is None:
                raise InvalidObject(f"{self.model.__name__}.pk is computed, and gives no primary key for this object")
            key, payload = key_for(self.model, pk), encode(instance)
        except Exception:
            before.put_back(instance)
            raise
        expire = options_of(self.model).expire
        self._run(lambda server: records.put(server.state, key, payload, expire))

    def match(self, **lookups: Any) -> M:
        """The one object that meets all of the lookups; a key lookup if they give what makes the primary key.

        Raises `NotFound`, `MultipleFound`, a `QueryError`. Cost: 1 round trip by key, else that of `filter`.
        """
        pk = self._pk_among(lookups)
        if pk is None:
            return self.match_for_values(**lookups)
        by_pk = is_given(_equalities(lookups).get("pk"))
        checked = lookups
        if by_pk and "pk" not in schema_of(self.model).fields:
            checked = {name: value for name, value in lookups.items() if name not in _PK_NAMES}
        meets = predicate(bind(self.model, Q(**checked)))
        key, found = key_for(self.model, pk), self._get(pk)
        if found is not None and meets(found):
            return self._hydrate(key, found)
        if by_pk:
            raise NotFound(f"no {self.model.__name__} under {key} meets {_shown(lookups)}")
        # An object with a pk of its own, or whose id changed since, is kept under another key.
        return self.match_for_values(**lookups)

    def match_for_pk(self, pk: Any) -> M:
        """The object with a primary key; raises `NotFound`. Cost: 1 round trip."""
        text = text_of_pk(self.model, pk)
        document = self._get(text)
        if document is None:
            raise NotFound(f"no {self.model.__name__} under {key_for(self.model, text)}")
        return self._hydrate(key_for(self.model, text), document)

    def match_for_values(self, **lookups: Any) -> M:
        """The one object that meets all of the lookups; raises `NotFound`, `MultipleFound`, a `QueryError`."""
        found = list(self.filter(**lookups)[:2])
        if not found:
            raise NotFound(f"no {self.model.__name__} meets {_shown(lookups)}")
        if len(found) > 1:
            raise MultipleFound(f"more than one {self.model.__name__} meets {_shown(lookups)}")
        return found[0]

    def refresh(self, instance: M) -> None:
        """Replace the values of an instance by what is stored; raises `NotFound` if it is gone."""
        pk = self._own_pk(instance)
        stored: Any = self.match_for_pk(pk)
        target: Any = instance
        target._data = stored._data
        target.__dict__.pop(_ONLY, None)

    def delete(self, instance: M) -> bool:
        """Remove an object; tells whether it was there."""
        key = key_for(self.model, self._own_pk(instance))
        return self._run(lambda server: records.remove([key])) > 0

    def key(self, instance: M) -> str:
        """The Redis key of an instance; raises `InvalidObject` if it has no primary key yet."""
        return key_for(self.model, self._own_pk(instance))

    def primary_key(self, instance: M) -> str | None:
        """The primary key of an instance as text; None if it has none yet."""
        return primary_key(instance)

    # --- many objects ---------------------------------------------------------------------------------------------

    def all(self) -> ResultSet[M]:
        """All objects, lazily."""
        return ResultSet(self, Select(self.model), ((f"{self.model.__name__}.all()", None),))

    def filter(self, *conditions: Q, **lookups: Any) -> ResultSet[M]:
        """The objects that meet all of the conditions, lazily; raises a `QueryError` for what cannot be meant."""
        return self._everything().filter(*conditions, **lookups)

    def exclude(self, *conditions: Q, **lookups: Any) -> ResultSet[M]:
        """The objects that `filter` would not give, lazily."""
        return self._everything().exclude(*conditions, **lookups)

    def order_by(self, *names: str) -> ResultSet[M]:
        """All objects in an order, lazily."""
        return self._everything().order_by(*names)

    def count(self, *conditions: Q, **lookups: Any) -> int:
        """How many objects meet all of the conditions."""
        return self.filter(*conditions, **lookups).count()

    def delete_all(self) -> int:
        """Remove every object of the model; gives how many there were. O(keys of the database)."""
        return self._run(lambda server: records.remove_all(options_of(self.model).prefix))

    def delete_filter(self, *conditions: Q, **lookups: Any) -> int:
        """Remove the objects that meet all of the conditions; gives how many there were.

        Raises `QueryError` without a condition: `delete_all` removes everything.
        """
        where = bind(self.model, Q(*conditions, **lookups))
        if means_everything(where):
            raise QueryError(f"{self.model.__name__}.delete_filter() without a condition; delete_all() removes all")
        select = Select(self.model, where)
        return self._run(lambda server: records.remove_selected(server.state, select))

    # --- what result sets ask -------------------------------------------------------------------------------------

    def rows_of(self, select: Select, shape: Shape) -> tuple[list[Any], Ran]:
        """The rows that a question finds, in order, and what that took."""
        began = time.perf_counter()
        answer = self._run(lambda server: search.select_rows(server.state, select))
        rows = self._shaped(answer.value, shape)
        return rows, Ran(answer.examined, len(rows), (time.perf_counter() - began) * 1000)

    def batches_of(self, select: Select, shape: Shape) -> Iterator[list[Any]]:
        """The rows that a question finds, in order, a batch at a time."""
        server = server_of(self.model)
        for rows in stream(search.iterate_rows(server.state, select), server):
            yield self._shaped(rows, shape)

    def count_of(self, select: Select) -> int:
        """How many a question finds."""
        return self._run(lambda server: search.count_rows(server.state, select)).value

    def explanation_of(self, select: Select) -> Explanation:
        """The plan of a question."""
        explanation = self._run(lambda server: search.explain_select(server.state, select))
        profile = self._profile(select)
        return replace(explanation, run_profile=profile)

    def _profile(self, select: Select) -> Callable[[], Any]:
        return lambda: plain(self._run(lambda server: search.profile_select(server.state, select)))

    def by_pks(self, select: Select, shape: Shape, pks: Iterable[Any] | None) -> dict[str, Any]:
        """The rows that a question finds by primary key, of those among ``pks``."""
        if pks is None:
            answer = self._run(lambda server: search.select_rows(server.state, select)).value
        else:
            keys = [key_for(self.model, text_of_pk(self.model, pk)) for pk in pks]
            answer = self._run(lambda server: search.select_among(server.state, select, keys))
        prefix = options_of(self.model).prefix
        return {pk_of(prefix, key): row for (key, _), row in zip(answer, self._shaped(answer, shape), strict=True)}

    def _shaped(self, rows: list[Row], shape: Shape) -> list[Any]:
        if shape.of_values:
            fields = shape.fields
            return [shape.row(decode_fields(self.model, document, key, fields)) for key, document in rows]
        if shape.kind == PARTIAL:
            names = frozenset([*shape.fields, *names_of_key(self.model)])
            return [self._hydrate(key, document, names) for key, document in rows]
        return [self._hydrate(key, document) for key, document in rows]

    # --- helpers --------------------------------------------------------------------------------------------------

    def _everything(self) -> ResultSet[M]:
        return ResultSet(self, Select(self.model), ((self.model.__name__, None),))

    def _run(self, operation: Callable[[Server], Operation[T]]) -> T:
        server = server_of(self.model)
        return run(operation(server), server)

    def _get(self, pk: str) -> Any:
        key = key_for(self.model, pk)
        return self._run(lambda server: records.get(server.state, key))

    def _hydrate(self, key: str, document: Any, only: frozenset[str] | None = None) -> M:
        instance: Any = decode(self.model, document, key, only)
        if only is not None:
            instance.__dict__[_ONLY] = only
        if "pk" not in schema_of(self.model).fields:
            instance.__dict__["pk"] = pk_of(options_of(self.model).prefix, key)
        return instance  # type: ignore[no-any-return]

    def _own_pk(self, instance: M) -> str:
        pk = primary_key(instance)
        if pk is None:
            raise InvalidObject(f"this {self.model.__name__} has no primary key yet: it was never set()")
        return pk

    def _refuse_partial(self, instance: Any) -> None:
        if _ONLY in instance.__dict__:
            names = ", ".join(sorted(instance.__dict__[_ONLY]))
            raise InvalidObject(
                f"this {self.model.__name__} was loaded with {names} only, and set() would erase the rest; refresh() it"
            )

    def _assign_pk(self, instance: Any) -> None:
        """Give the instance a primary key if its ``pk`` has none, and is not computed."""
        field = schema_of(self.model).fields.get("pk")
        if field is not None and field.computed is None and is_given(instance._data.get("pk")):
            return
        # A computed one as well: schematics' validation reads it, and would let its errors out raw.
        pk = primary_key(instance)
        if field is None:
            instance.__dict__["pk"] = pk or new_primary_key(self.model)
        elif field.computed is None:
            instance._data.converted["pk"] = pk or new_primary_key(self.model)

    def _validate(self, instance: Any) -> None:
        validate = own_attribute(self.model, "validate") or Model.validate
        before = classes_within(instance)
        try:
            validate(instance)
        except DataError as error:
            errors = error.to_primitive()
            told = "; ".join(_flat(errors, ""))
            raise InvalidObject(f"{self.model.__name__} is not valid: {told}", errors) from error
        refuse_changed_classes(instance, before)

    def _pk_among(self, lookups: dict[str, Any]) -> str | None:
        """The primary key, if the lookups demand by equality what makes it."""
        given = _equalities(lookups)
        if "pk" not in schema_of(self.model).fields and is_given(given.get("pk")):
            return text_of_pk(self.model, given["pk"])
        return primary_key_of_values(self.model, given)


def _equalities(lookups: dict[str, Any]) -> dict[str, Any]:
    """What the lookups demand fields of the model to be equal to."""
    given = {name.removesuffix("__exact").removesuffix("__eq"): value for name, value in lookups.items()}
    return {name: value for name, value in given.items() if "__" not in name}


@dataclass(frozen=True)
class _Values:
    """The values of an instance before `Objects.set` touched them: schematics forgets those that it refuses."""

    unsafe: dict[str, Any]
    converted: dict[str, Any]
    valid: dict[str, Any]
    pk: Any

    @classmethod
    def of(cls, instance: Any) -> _Values:
        data = instance._data
        return cls(dict(data.unsafe), dict(data.converted), dict(data.valid), instance.__dict__.get("pk"))

    def put_back(self, instance: Any) -> None:
        instance._data.unsafe, instance._data.converted = self.unsafe, self.converted
        instance._data.valid = self.valid
        if "pk" in instance.__dict__:
            # Of a model without the field.
            instance.__dict__["pk"] = self.pk


def _shown(lookups: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in lookups.items()) or "no condition"


def _flat(errors: Any, path: str) -> list[str]:
    if isinstance(errors, dict):
        return [
            line for name, inner in errors.items() for line in _flat(inner, f"{path}.{name}" if path else str(name))
        ]
    told = "; ".join(map(str, errors)) if isinstance(errors, list) else str(errors)
    return [f"{path}: {told}"]


def objects(model: type[M]) -> Objects[M]:
    """The operations on a model's objects, for models whose fields are named like them.

    >>> objects(int).model
    <class 'int'>
    """
    return Objects(model)

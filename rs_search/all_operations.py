"""The operations on a model's objects, apart from the model's own names.

``objects(IceCream).filter(…)`` is ``IceCream.filter(…)``, and works as well when a field of the model is called
``filter``. The mixins' methods call these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from schematics.models import Model

from .answering import Answering
from .arguments import batch_size, many, new_object, refuse_others, seconds_to_live
from .changes import Expression
from .errors import MultipleFound, NotFound, QueryError, shown_key
from .hydration import hydrator
from .instances import changed as changed_fields
from .instances import own_key, own_pk
from .memo import once_per_class
from .operations import bulk, direct, records, relations, removal
from .operations.requests import ALONE, Direct, Operation, step_by_step, taking_turns, then
from .options import options_of
from .planner.normal import means_everything
from .planner.plan import Select
from .primary_key import (
    equalities,
    is_given,
    key_for,
    named_by,
    names_of_key,
    primary_key,
    primary_key_of_values,
    text_of_pk,
)
from .progress import shown
from .query.bind import bind, bind_reference
from .query.conditions import Q
from .query.prefetch import bind_prefetch
from .query.queryset import ResultSet
from .query.values import collection
from .references import bare
from .rewriting import check_values
from .schema import schema_of
from .server.calls import LOADING, Calls
from .server.capabilities import ServerState
from .server.connections import client_of, known_of
from .storage import storage_of
from .storage.base import ABSENT, ALWAYS, PRESENT
from .turns import in_turns
from .twins import awaited, sync

if TYPE_CHECKING:
    from .index import Index
    from .operations.convert import Converted

M = TypeVar("M")
T = TypeVar("T")
_PK_NAMES = ("pk", "pk__exact", "pk__eq")
#: What a result set begins with.
_FIRST_STEPS = frozenset(("all", "filter", "exclude", "order_by"))


class Objects(Answering[M]):
    """All that can be done with the objects of a model class."""

    @property
    def index(self) -> Index:
        """The model's index, to see and to mend it. Raises `QueryError` where the layer has none."""
        from .index import Index

        return Index(self.model)

    # --- one object -----------------------------------------------------------------------------------------------

    def _set(
        self,
        state: ServerState,
        instance: M,
        *,
        only: Iterable[str] | None = None,
        changed: bool = False,
        if_absent: bool = False,
        if_present: bool = False,
        expire: int | None = None,
    ) -> Operation[bool] | Direct:
        """Validate an instance and keep it under its key; gives it a ``pk`` if it has none. Tells whether it was kept.

        Whole, or ``only`` the fields named, or those that ``changed`` since it was read, which leaves alone what others
        wrote to the rest. ``if_absent`` and ``if_present``: only where there is none, or one, in one step. ``expire``:
        seconds to live in place of ``__expire__``.

        Raises `InvalidObject` if it does not validate, `UnstorableValue` for a value that could not come back equal,
        `Conflict` for a stale version of a model with ``__version_field__``, `NotFound` for fields of an object that is
        gone; nothing is written then, and the instance is as it was. Cost: 1 round trip; 2 for some of the fields.
        """
        refuse_others(self.model, instance)
        simple = only is None and expire is None and not (changed or if_absent or if_present)
        if simple and (asked := direct.put(state, instance)) is not None:
            return asked
        life = self._life(expire)
        if only is not None or changed:
            if if_absent or if_present or (only is not None and changed):
                raise QueryError(f"{self.model.__name__}.set() takes one of only, changed, if_absent, if_present")
            names = None if only is None else collection(only, f"{self.model.__name__}.set(only=…)")
            return records.put_members(state, instance, names, expire)
        if if_absent and if_present:
            raise QueryError(f"{self.model.__name__}.set() takes one of if_absent, if_present")
        return records.put(state, instance, life, ABSENT if if_absent else PRESENT if if_present else ALWAYS)

    set, aset = sync(_set), awaited(_set)

    def changed(self, instance: M) -> frozenset[str]:
        """The names of the fields that would be stored otherwise than they were read; all of a new object's values."""
        return changed_fields(instance)

    def _update(self, state: ServerState, instance: M, /, **values: Any) -> Operation[M]:
        """Change fields of what is stored, as ``amount_kg=F("amount_kg") + 1``, and take over the result.

        No update is lost, whoever else writes. Raises `NotFound`, `InvalidObject`, a `QueryError`. Cost: 2 round trips,
        and 2 more each time that another write comes between.
        """
        refuse_others(self.model, instance)
        (yield from records.update(state, instance, values))
        return instance

    update, aupdate = sync(_update), awaited(_update)

    def _get_or_set(
        self, state: ServerState, defaults: dict[str, Any] | None = None, /, **values: Any
    ) -> Operation[tuple[M, bool]]:
        """The object with the key that the values make, else a new one of values and defaults; and whether it is new.

        Of many that do so at once, one is new. Raises `QueryError` where the values do not make a key.
        """
        instance = self._of_key(values, defaults or {})
        return (yield from records.get_or_put(state, instance, self._life(None)))

    get_or_set, aget_or_set = sync(_get_or_set), awaited(_get_or_set)

    def _update_or_set(
        self, state: ServerState, defaults: dict[str, Any] | None = None, /, **values: Any
    ) -> Operation[tuple[M, bool]]:
        """Change the object with the key that the values make to ``defaults``, else store a new one; and if it is new.

        Expressions (`F`) in ``defaults`` are for what is stored; a new object takes plain values only.
        """
        change = dict(defaults or {})
        check_values(self.model, change)
        plain = {name: value for name, value in change.items() if not isinstance(value, Expression)}
        instance = self._of_key(values, plain)
        return (yield from records.update_or_put(state, instance, change, self._life(None)))

    update_or_set, aupdate_or_set = sync(_update_or_set), awaited(_update_or_set)

    def _of_key(self, values: dict[str, Any], defaults: dict[str, Any]) -> Any:
        if self._pk_among(values) is None:
            names = ", ".join(names_of_key(self.model)) or "pk"
            raise QueryError(
                f"{self.model.__name__}: only an object whose key is given ({names}) can be made once; "
                "filter() and set() others, at the risk of two"
            )
        return new_object(self.model, values, defaults)

    def _ttl(self, state: ServerState, instance: M) -> Operation[float | None]:
        """Seconds that the object has to live, None for ever; raises `NotFound`. Cost: 1 round trip."""
        refuse_others(self.model, instance)
        return (yield from records.time_to_live(state, instance))

    ttl, attl = sync(_ttl), awaited(_ttl)

    def _persist(self, state: ServerState, instance: M) -> Operation[None]:
        """Let the object live for ever; raises `NotFound`. Cost: 1 round trip."""
        refuse_others(self.model, instance)
        (yield from records.persist(state, instance))

    persist, apersist = sync(_persist), awaited(_persist)

    def _match(self, state: ServerState, /, **lookups: Any) -> Operation[M] | Direct:
        """The one object that meets all of the lookups; a key lookup if they give what makes the primary key.

        Raises `NotFound`, `MultipleFound`, a `QueryError`. Cost: 1 round trip by key, else that of `filter`.
        """

        def again() -> Operation[M]:
            return self._matched(state, lookups)

        named = named_by(self.model, *lookups.items()) if len(lookups) == 1 else None
        if named is None:
            return again()
        # Most questions: neither bound nor checked as conditions are, which takes as long as all else.
        pk = lookups[named]
        missing = partial(_kept_elsewhere, self, state, pk, lookups)
        return direct.get(state, self.model, pk, again, missing, named) or again()

    match, amatch = sync(_match), awaited(_match)

    def _matched(self, state: ServerState, lookups: dict[str, Any]) -> Operation[M]:
        pk = self._pk_among(lookups)
        if pk is None:
            return (yield from step_by_step(self._match_for_values(state, **lookups)))
        by_pk = is_given(equalities(lookups).get("pk"))
        checked = lookups
        if by_pk and "pk" not in schema_of(self.model).fields:
            checked = {name: value for name, value in lookups.items() if name not in _PK_NAMES}
        where = bind(self.model, Q(**checked))
        found = yield from relations.get_if(state, self.model, pk, where)
        if found is not None:
            return hydrator(self.model)(*found)  # type: ignore[no-any-return]
        return (yield from _kept_elsewhere(self, state, pk, lookups))

    def _match_for_pk(self, state: ServerState, pk: Any) -> Operation[M] | Direct:
        """The object with a primary key; raises `NotFound`. Cost: 1 round trip."""

        def again() -> Operation[M]:
            return self._matched_for_pk(state, pk)

        def missing() -> None:
            raise NotFound(self._none_under(pk))

        return direct.get(state, self.model, pk, again, missing) or again()

    match_for_pk, amatch_for_pk = sync(_match_for_pk), awaited(_match_for_pk)

    def _matched_for_pk(self, state: ServerState, pk: Any) -> Operation[M]:
        text = text_of_pk(self.model, pk)
        found = yield from records.get(state, self.model, text)
        if found is None:
            raise NotFound(self._none_under(text))
        return hydrator(self.model)(*found)  # type: ignore[no-any-return]

    def _match_for_values(self, state: ServerState, /, **lookups: Any) -> Operation[M] | Direct:
        """The one object that meets all of the lookups; raises `NotFound`, `MultipleFound`, a `QueryError`."""

        def one_of(found: list[M]) -> M:
            if not found:
                raise NotFound(f"no {self.model.__name__} meets {_shown(lookups)}")
            if len(found) > 1:
                raise MultipleFound(f"more than one {self.model.__name__} meets {_shown(lookups)}")
            return found[0]

        return then(self.filter(**lookups)[:2]._fetch(state), one_of)

    match_for_values, amatch_for_values = sync(_match_for_values), awaited(_match_for_values)

    def _refresh(self, state: ServerState, instance: M) -> Operation[None]:
        """Replace the values of an instance by what is stored; raises `NotFound` if it is gone."""
        refuse_others(self.model, instance)
        (yield from records.refresh(state, instance))

    refresh, arefresh = sync(_refresh), awaited(_refresh)

    def _delete(self, state: ServerState, instance: M) -> Operation[bool]:
        """Remove an object; tells whether it was there.

        Raises `Conflict` where the model has a ``__version_field__`` and another version is stored than was read, and
        `Restricted`.
        """
        refuse_others(self.model, instance)
        return (yield from removal.remove_one(state, self.model, instance))

    delete, adelete = sync(_delete), awaited(_delete)

    def key(self, instance: M) -> str:
        """The Redis key of an instance; raises `InvalidObject` if it has no primary key yet."""
        return storage_of(self.model).pattern.key(own_pk(instance))

    def primary_key(self, instance: M) -> str | None:
        """The primary key of an instance as text; None if it has none yet."""
        return primary_key(instance)

    def reference_key(self, instance: M, name: str) -> Any:
        """The primary key that a reference refers to, or those of a list of references; nothing is loaded.

        ``ice["maker"]`` loads nothing either: it is the primary key, or the object where that was loaded or given.
        Raises a `QueryError` for what is no reference.
        """
        path, rest = bind_reference(self.model, name, "reference_key")
        if rest or path.names != (name,):
            raise QueryError(f"{self.model.__name__}: reference_key({name!r}) takes a reference of the model's own")
        return bare(instance._data.get(name))  # type: ignore[attr-defined]

    def _prefetch(self, state: ServerState, instances: Iterable[M], *names: str) -> Operation[None]:
        """Load what these references of instances refer to, as `ResultSet.prefetch` does with the rows.

        An instance whose reference is not loaded asks the server when it is read, which cannot be awaited. What is gone
        is told when it is read. Raises a `QueryError` for what is no reference. Cost: 1 round trip for each step of
        references, of a thousand objects of a model.
        """
        (yield from relations.prefetch(instances, bind_prefetch(self.model, names)))

    prefetch, aprefetch = sync(_prefetch), awaited(_prefetch)

    # --- many by key ----------------------------------------------------------------------------------------------

    def _set_many(
        self,
        state: ServerState,
        instances: Iterable[M],
        *,
        batch: int = 250,
        expire: int | None = None,
        on_error: Callable[[int, M, Exception], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> Operation[int]:
        """Keep instances, read from the iterable a batch at a time, three ahead; gives how many. 1 round trip a batch.

        The first batch is of fifty at the most, and each after it of twice as many up to ``batch``, so that the server
        soon has something to do; up to three are on their way at once. A bad one raises `InvalidObject`, a stale one of
        a model with a ``__version_field__`` `Conflict` (which takes 2 round trips a batch), with its position, and
        batches before its own are kept; with ``on_error`` it is told (position, instance, error) instead, and the rest
        goes on. Where the server fails, batches beside the one that it tells of may be kept. ``on_progress`` gets the
        number kept so far.
        """
        life, size = self._life(expire), batch_size(self.model, batch)
        task = bulk.Many(self.model, life, size, on_error, on_progress)
        return (yield from bulk.put_many(state, many(self.model, instances), task))

    set_many, aset_many = sync(_set_many), awaited(_set_many)

    def _get_many(self, state: ServerState, pks: Iterable[Any]) -> Operation[list[M | None]]:
        """The objects with these primary keys, in their order, None for what is missing. 1 round trip a thousand."""
        texts = yield from self._pk_texts(pks, "get_many")
        return (yield from records.get_many(state, self.model, texts))

    get_many, aget_many = sync(_get_many), awaited(_get_many)

    def _delete_many(self, state: ServerState, pks: Iterable[Any]) -> Operation[int]:
        """Remove the objects with these primary keys, or these instances, of any version; gives how many there were."""
        given = collection(pks, f"{self.model.__name__}.delete_many()")
        instances = [one for one in given if isinstance(one, Model)]
        for one in instances:
            refuse_others(self.model, one)
        keys = yield from taking_turns(in_turns(instances, lambda part: list(map(own_key, part))))
        texts = yield from self._pk_texts([pk for pk in given if not isinstance(pk, Model)], "delete_many")
        return (yield from removal.remove_many(state, self.model, keys, texts))

    delete_many, adelete_many = sync(_delete_many), awaited(_delete_many)

    # --- many objects ---------------------------------------------------------------------------------------------

    def all(self) -> ResultSet[M]:
        """All objects, lazily."""
        return ResultSet(self, Select(self.model), ((f"{_called(self.model)}.all()", None),))

    def filter(self, *conditions: Q, **lookups: Any) -> ResultSet[M]:
        """The objects that meet all of the conditions, lazily; raises a `QueryError` for what cannot be meant."""
        query = Q(*conditions, **lookups)
        steps = ((_called(self.model), None), (".filter", query))
        return ResultSet(self, Select(self.model, bind(self.model, query)), steps)

    def exclude(self, *conditions: Q, **lookups: Any) -> ResultSet[M]:
        """The objects that `filter` would not give, lazily."""
        return self._everything().exclude(*conditions, **lookups)

    def order_by(self, *names: str) -> ResultSet[M]:
        """All objects in an order, lazily."""
        return self._everything().order_by(*names)

    def _count(self, state: ServerState, /, *conditions: Q, **lookups: Any) -> Operation[int] | Direct:
        """How many objects meet all of the conditions."""
        return self.filter(*conditions, **lookups)._count(state)

    count, acount = sync(_count), awaited(_count)

    def _delete_all(self, state: ServerState) -> Operation[int]:
        """Remove every object of the model; gives how many there were. O(keys of the database)."""
        return (yield from removal.remove_all(state, self.model))

    delete_all, adelete_all = sync(_delete_all), awaited(_delete_all)

    def _delete_filter(self, state: ServerState, /, *conditions: Q, **lookups: Any) -> Operation[int]:
        """Remove the objects that meet all of the conditions; gives how many there were.

        Raises `QueryError` without a condition, as `delete_all` removes everything; only on the two layers of
        redis-schematics it does so itself.
        """
        where = bind(self.model, Q(*conditions, **lookups))
        if means_everything(where) and not storage_of(self.model).unconditional:
            raise QueryError(f"{self.model.__name__}.delete_filter() without a condition; delete_all() removes all")
        select = Select(self.model, where)
        return (yield from removal.remove_selected(state, select))

    delete_filter, adelete_filter = sync(_delete_filter), awaited(_delete_filter)

    def _convert_stored(
        self,
        state: ServerState,
        *,
        source: type[Any] | None = None,
        to: str = "json",
        batch: int = 500,
        dry_run: bool = False,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> Operation[Converted]:
        """Turn strings that redis-schematics, `SimpleRedisMixin`, or `SearchRedisMixin` without RedisJSON wrote into
        indexed JSON documents, where they are; ``to="string"`` turns them back into what redis-schematics reads.

        With ``source``, another model, its objects are moved here from its layer. What cannot be read as the model, or
        has its place taken, is left as it is and told in ``errors``; no concurrent write is lost, and what is left to
        live stays (moved: in whole seconds). Stopped half-way, each object is whole, in the old place, the new one or
        (moved) both; run again, it goes on. ``on_progress`` gets how many are done, and the total; without it a bar is
        shown where rich is installed and stderr is a terminal. ``dry_run`` counts only.

        Raises `QueryError` for what cannot be meant, `ServerError` without RedisJSON. Cost: O(keys of the database),
        and 2 round trips a batch; moving takes 5.
        """
        from .operations import convert

        yield ALONE
        if source is not None and known_of(client_of(source)) is not known_of(client_of(self.model)):
            raise QueryError(f"{source.__name__} and {self.model.__name__} are kept by two servers")
        with shown(f"{self.model.__name__}.convert_stored", on_progress) as tell:
            todo = convert.task(self.model, source, to, batch, dry_run, tell)
            return (yield from convert.convert(state, todo))

    convert_stored, aconvert_stored = sync(_convert_stored), awaited(_convert_stored)

    # --- helpers --------------------------------------------------------------------------------------------------

    def _everything(self) -> ResultSet[M]:
        return ResultSet(self, Select(self.model), ((_called(self.model), None),))

    def _none_under(self, pk: str) -> str:
        return f"no {self.model.__name__} under {shown_key(key_for(self.model, pk))}"

    def _life(self, expire: int | None) -> int | None:
        return options_of(self.model).expire if expire is None else seconds_to_live(self.model, expire)

    def _pk_among(self, lookups: dict[str, Any]) -> str | None:
        """The primary key, if the lookups demand by equality what makes it."""
        given = equalities(lookups)
        if "pk" not in schema_of(self.model).fields and is_given(given.get("pk")):
            return text_of_pk(self.model, given["pk"])
        return primary_key_of_values(self.model, given)


def _kept_elsewhere(of: Objects[M], state: ServerState, pk: str, lookups: dict[str, Any]) -> Operation[M]:
    """The one object that meets lookups and is not kept under ``pk``, which they make. Raises as `Objects.match`."""
    if is_given(equalities(lookups).get("pk")):
        raise NotFound(f"{of._none_under(pk)} meets {_shown(lookups)}")
    # An object with a pk of its own, or whose id changed since, is kept under another key.
    return (yield from step_by_step(of._match_for_values(state, **lookups)))


@once_per_class
def _called(model: type[Any]) -> str:
    """What has the methods in Python: the model, unless a field has the name of one."""
    taken = any(name in _FIRST_STEPS for name in schema_of(model).fields)
    return f"objects({model.__name__})" if taken else model.__name__


def _shown(lookups: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in lookups.items()) or "no condition"


def load(model: type[Any], pks: list[str]) -> dict[str, Any]:
    """The objects with these primary keys, by primary key, of those that are there. 1 round trip a thousand.

    Raises `ServerError` where the model has an async client only: reading an attribute cannot be awaited.
    """
    return Calls(model).call_operation(LOADING, lambda state: relations.load_many(state, model, pks))


def objects(model: type[M]) -> Objects[M]:
    """The operations on a model's objects, for models whose fields are named like them.

    >>> objects(int).model
    <class 'int'>
    """
    return Objects(model)

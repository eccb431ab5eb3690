"""Result sets: lazy, immutable questions that behave as the lists redis-schematics gave."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from dataclasses import replace
from operator import index as whole
from typing import Any, Generic, TypeVar, cast, overload

from ..errors import InvalidSlice, MultipleFound, NotFound, QueryError
from ..operations.requests import Direct, OnError, OnProgress, Operation, Stream, step_by_step, then
from ..planner.explain import Explanation, Ran
from ..planner.plan import Select
from ..schema import schema_of
from ..twins import Arguments, Make, Options, awaited, sync
from .answers import Answers
from .bind import bind, bind_order, bind_paths
from .conditions import Q, arguments
from .prefetch import bind_prefetch
from .shapes import DICTIONARY, FLAT, PARTIAL, TUPLE, Shape
from .slices import ends, within
from .tree import EVERYTHING, NOTHING, AllOf, AnyOf, Bound, Negation

R = TypeVar("R")
T = TypeVar("T")
_INSTANCES = Shape()


class ResultSet(Generic[R]):
    """Objects of a model that meet conditions, in an order: by the keys given, then by key.

    Nothing is asked before the rows are needed; they are read once and kept. ``len``, indexes, slices, truth,
    iteration and ``==`` with a list work as on a list. A slice of a set that has not been read asks for those rows
    only. ``await`` gives its rows as a list, ``async for`` one after the other. It prints as the Python that makes it.
    """

    def __init__(
        self, answers: Answers, select: Select, steps: tuple[tuple[str, Q | None], ...], shape: Shape = _INSTANCES
    ) -> None:
        self._answers = answers
        self._select = select
        self._steps = steps
        self._shape = shape
        self._rows: list[R] | None = None
        self._ran: Ran | None = None

    def __json__(self) -> list[R]:
        """What `patches.patch_json` writes: the rows."""
        return list(self)

    # --- other questions ------------------------------------------------------------------------------------------

    def filter(self, /, *conditions: Q, **lookups: Any) -> ResultSet[R]:
        """Those that meet all of the conditions as well. Raises a `QueryError` for what cannot be meant."""
        return self._narrowed("filter", Q(*conditions, **lookups), lambda bound: bound)

    def exclude(self, /, *conditions: Q, **lookups: Any) -> ResultSet[R]:
        """Those that do not meet all of the conditions: the true complement of `filter`."""
        return self._narrowed("exclude", Q(*conditions, **lookups), Negation)

    def order_by(self, *names: str) -> ResultSet[R]:
        """Ordered by fields, ``-`` for descending; missing last both ways, ties by key. Replaces an earlier order."""
        order = bind_order(self._select.model, names)
        return self._step("order_by", names, order=order, keys_down=False)

    def reverse(self) -> ResultSet[R]:
        """Each key of the order, and the key, the other way round; what is missing stays last."""
        order = tuple(replace(key, descending=not key.descending) for key in self._select.order)
        return self._step("reverse", (), order=order, keys_down=not self._select.keys_down)

    def distinct(self, *names: str) -> ResultSet[R]:
        """The first row of each combination of values of these fields; without names, of the rows of `values`."""
        return self._step("distinct", names, distinct=bind_paths(self._select.model, names, "distinct"))

    def none(self) -> ResultSet[R]:
        """No rows at all; the server is not asked."""
        return self._step("none", (), where=NOTHING)

    def values(self, *names: str) -> ResultSet[dict[str, Any]]:
        """Dictionaries of these fields' values in place of instances; without names, of all fields."""
        return self._shaped("values", names, DICTIONARY, self._own_fields())

    def values_list(self, *names: str, flat: bool = False) -> ResultSet[Any]:
        """Tuples of these fields' values in place of instances; ``flat``: the values of one field by themselves."""
        if flat and len(names) != 1:
            raise QueryError(f"{self!r}: values_list(flat=True) takes one field, not {len(names)}")
        return self._shaped("values_list", names, FLAT if flat else TUPLE, self._own_fields())

    def only(self, *names: str) -> ResultSet[R]:
        """Instances that have a value for these fields and the primary key only; they cannot be `set()`.

        Reading another field raises schematics' `UndefinedValueError`; `refresh()` loads the rest.
        """
        if not names:
            raise QueryError(f"{self!r}: only() takes names of fields")
        return cast("ResultSet[R]", self._shaped("only", names, PARTIAL, ()))

    def prefetch(self, *names: str) -> ResultSet[R]:
        """Load what these references refer to together with the rows: ``prefetch("maker", "shops", "maker__owner")``.

        1 round trip for each step of references, of a thousand objects of a model. Adds to an earlier `prefetch`.
        Raises a `QueryError` for what is no reference, or where rows are no instances.
        """
        if self._shape.of_values:
            raise QueryError(f"{self!r}: prefetch() is for instances, and these rows are values")
        known = (*self._shape.prefetch, *bind_prefetch(self._select.model, names))
        return self._with((f".prefetch({', '.join(map(repr, names))})", None), replace(self._shape, prefetch=known))

    def __or__(self, other: ResultSet[R]) -> ResultSet[R]:
        """The rows of either, in the order of the first that has one."""
        return self._united(other, "|", AnyOf)

    def __and__(self, other: ResultSet[R]) -> ResultSet[R]:
        """The rows of both, in the order of the first that has one."""
        return self._united(other, "&", AllOf)

    def _own_fields(self) -> tuple[str, ...]:
        return tuple(schema_of(self._select.model).fields)

    def _shaped(self, method: str, names: tuple[str, ...], kind: str, default: tuple[str, ...]) -> ResultSet[Any]:
        prefetch = self._shape.prefetch if kind == PARTIAL else ()
        shape = Shape(kind, bind_paths(self._select.model, names or default, method), prefetch)
        words = [*map(repr, names), *(["flat=True"] if kind == FLAT else [])]
        return self._with((f".{method}({', '.join(words)})", None), shape=shape)

    def _narrowed(self, method: str, query: Q, wrap: Callable[[Bound], Bound]) -> ResultSet[R]:
        self._refuse_cut(method)
        bound, before = wrap(bind(self._select.model, query)), self._select.where
        where = bound if before is EVERYTHING else AllOf((before, bound))
        return self._with((f".{method}", query), where=where)

    def _step(self, method: str, names: tuple[str, ...], **changes: Any) -> ResultSet[R]:
        self._refuse_cut(method)
        return self._with((f".{method}({', '.join(map(repr, names))})", None), **changes)

    def _refuse_cut(self, method: str) -> None:
        if self._select.sliced:
            raise InvalidSlice(f"{self!r} is a slice already; call {method}() before slicing")

    def _refuse_part(self, method: str) -> None:
        """What changes all that meets the conditions is not for a set that leaves rows of it out."""
        self._refuse_cut(method)
        if self._asked().distinct:
            raise InvalidSlice(f"{self!r} leaves rows out, which {method}() would not; call it without distinct()")

    def _united(self, other: ResultSet[R], sign: str, join: type[AnyOf] | type[AllOf]) -> ResultSet[R]:
        if not isinstance(other, ResultSet):
            return NotImplemented
        first, second = self._select, other._select
        if first.model is not second.model:
            raise QueryError(f"{self!r} and {other!r} are of two models; join the lists of their rows")
        if any(select.sliced or select.distinct is not None for select in (first, second)):
            raise InvalidSlice(f"{self!r} {sign} {other!r}: join them before slices and distinct()")
        ordered = first if first.order or first.keys_down else second
        select = first._replace(where=join((first.where, second.where)), order=ordered.order,
                                keys_down=ordered.keys_down)  # fmt: skip
        return ResultSet(self._answers, select, ((f"({self!r} {sign} {other!r})", None),), self._shape)

    def _with(self, step: tuple[str, Q | None], shape: Shape | None = None, **changes: Any) -> ResultSet[Any]:
        select = self._select._replace(**changes) if changes else self._select
        return ResultSet(self._answers, select, (*self._steps, step), shape or self._shape)

    # --- answers --------------------------------------------------------------------------------------------------

    def _fetched(self, state: Any, told: int | None = None) -> Operation[list[R]]:
        if self._rows is None:
            self._rows, self._ran = yield from self._answers.rows(state, self._asked(), self._shape, told)
        return self._rows

    def _fetch(self, state: Any) -> Operation[list[R]] | Direct:
        """The rows, read once and kept."""

        def again(told: int | None = None) -> Operation[list[R]]:
            return self._fetched(state, told)

        def keep(rows: list[R], ran: Ran) -> list[R]:
            self._rows, self._ran = rows, ran
            return rows

        if self._rows is not None:
            return again()
        return self._answers.direct_rows(state, self._asked(), self._shape, keep, again) or again()

    _read, _aread = sync(_fetch), awaited(_fetch)

    def _counted(self, state: Any) -> Operation[int]:
        return len(self._rows) if self._rows is not None else (yield from self._answers.total(state, self._asked()))

    def _count(self, state: Any) -> Operation[int] | Direct:
        """How many there are; asks the server, which counts by itself where nothing is left to check."""

        def again() -> Operation[int]:
            return self._counted(state)

        if self._rows is not None:
            return again()
        return self._answers.direct_total(state, self._asked(), again) or again()

    count, acount = sync(_count), awaited(_count)

    def _exists(self, state: Any) -> Operation[bool] | Direct:
        """Whether there is any; reads no further than the first that is found."""
        return then(self._sliced(0, 1)._count(state), bool)

    exists, aexists = sync(_exists), awaited(_exists)

    def _first(self, state: Any) -> Operation[R | None] | Direct:
        """The first row, or None."""
        return then(self._sliced(0, 1)._fetch(state), lambda rows: rows[0] if rows else None)

    first, afirst = sync(_first), awaited(_first)

    def _last(self, state: Any) -> Operation[R | None] | Direct:
        """The last row, or None. Without an order 1 round trip, else 2."""
        if self._rows is not None or self._select.sliced or self._select.distinct is not None:
            return then(self._fetch(state), lambda rows: rows[-1] if rows else None)
        return self._last_in_order(state) if self._select.order else self.reverse()._first(state)

    def _last_in_order(self, state: Any) -> Operation[R | None]:
        # Not the reverse's first: what is missing is last both ways.
        total = yield from self._counted(state)
        return (yield from step_by_step(self._sliced(total - 1, total)._first(state))) if total else None

    last, alast = sync(_last), awaited(_last)

    def _get(self, state: Any, /, *conditions: Q, **lookups: Any) -> Operation[R] | Direct:
        """The one row there is, with the conditions; raises `NotFound` or `MultipleFound`."""
        found = self.filter(*conditions, **lookups) if conditions or lookups else self

        def one_of(rows: list[R]) -> R:
            if len(rows) == 1:
                return rows[0]
            if not rows:
                raise NotFound(f"{found!r} has no row")
            raise MultipleFound(f"{found!r} has more than one row; first() gives one of them")

        return then(found._sliced(0, 2)._fetch(state), one_of)

    get, aget = sync(_get), awaited(_get)

    def _in_bulk(self, state: Any, pks: Iterable[Any] | None = None) -> Operation[dict[str, R]]:
        """Rows by primary key (text); of those among ``pks`` only, which costs 1 round trip a thousand."""
        self._refuse_cut("in_bulk")
        return (yield from self._answers.by_pks(state, self._asked(), self._shape, pks))

    in_bulk, ain_bulk = sync(_in_bulk), awaited(_in_bulk)

    def iterator(self) -> Iterator[R]:
        """The rows one after the other; memory holds a thousand of them, and keys (packed, of a whole collection).

        An object that meets the conditions throughout is among them, whatever others write meanwhile.
        """
        for batch in self._answers.iterate("iterator", self._batches):
            yield from batch

    async def aiterator(self) -> AsyncGenerator[R, None]:
        """`iterator`, for ``async for``: the next thousand are read while the caller works on these."""
        batches = self._answers.aiterate(self._batches)
        try:
            async for batch in batches:
                for row in batch:
                    yield row
        finally:
            await batches.aclose()

    def _batches(self, state: Any) -> Stream:
        return self._answers.batches(state, self._asked(), self._shape)

    def _update(
        self, state: Any, on_progress: OnProgress = None, on_error: OnError = None, /, **values: Any
    ) -> Operation[int]:
        """Change fields of every one, expressions (`F`) worked out of its own values; gives how many were changed.

        Each is changed in one step, if it still meets the conditions: no update is lost. ``on_progress`` gets the
        number so far. One that would not be valid raises `InvalidObject` with its key, and what was changed before
        stays so; ``on_error`` is told (key, object as it is stored, error) instead, and the rest goes on. Raises a
        `QueryError` of a slice, of `distinct` fields or of what cannot be set.
        """
        self._refuse_part("update")
        return (yield from self._answers.change(state, self._asked(), values, on_progress, on_error))

    update, aupdate = sync(_update), awaited(_update)

    def _delete(self, state: Any, on_progress: OnProgress = None, /) -> Operation[int]:
        """Remove every one, if it still meets the conditions; gives how many there were."""
        self._refuse_part("delete")
        return (yield from self._answers.remove(state, self._asked(), on_progress))

    delete, adelete = sync(_delete), awaited(_delete)

    def _explain(self, state: Any, run: bool = False) -> Operation[Explanation]:
        """The plan: what the index is asked, what is checked in Python, and why; with ``run``, the rows are read first.

        Prints as a tree; ``explain().profile()`` runs the server's FT.PROFILE.
        """
        if run:
            yield from self._fetched(state)
        explanation = yield from self._answers.explanation(state, self._asked())
        return replace(explanation, ran=self._ran, run_profile=self._profile, await_profile=self._aprofile)

    explain, aexplain = sync(_explain), awaited(_explain)

    def _profiled(self, state: Any) -> Operation[Any]:
        return (yield from self._answers.profile(state, self._asked()))

    _profile, _aprofile = sync(_profiled), awaited(_profiled)

    def call_operation(self, name: str, make: Make[T], arguments: Arguments, options: Options) -> T:
        """Run an operation on the model's server and wait."""
        return self._answers.call_operation(name, make, arguments, options)

    def await_operation(self, make: Make[T], arguments: Arguments, options: Options) -> Coroutine[Any, Any, T]:
        """Run an operation on the model's server, in the running event loop."""
        return self._answers.await_operation(make, arguments, options)

    def _asked(self) -> Select:
        # distinct() without names is about the rows of values(), whichever of the two is called first.
        if self._select.distinct == () and self._shape.of_values:
            return self._select._replace(distinct=self._shape.paths)
        return self._select

    def _kept(self) -> list[R]:
        return self._read() if self._rows is None else self._rows

    def __len__(self) -> int:
        return len(self._kept())

    def __iter__(self) -> Iterator[R]:
        return iter(self._kept())

    def __aiter__(self) -> AsyncIterator[R]:
        return self.aiterator()

    def __await__(self) -> Generator[Any, None, list[R]]:
        return self._aread().__await__()

    def __contains__(self, instance: object) -> bool:
        return instance in self._kept()

    def __reversed__(self) -> Iterator[R]:
        return reversed(self._kept())

    def __bool__(self) -> bool:
        return self.exists()

    @overload
    def __getitem__(self, index: int) -> R: ...

    @overload
    def __getitem__(self, index: slice) -> ResultSet[R]: ...

    def __getitem__(self, index: int | slice) -> R | ResultSet[R]:
        if isinstance(index, slice):
            return self._sliced(*ends(index, self))
        index = whole(index)
        if self._rows is not None or index < 0:
            return self._read()[index]
        rows = self._sliced(index, index + 1)._read()
        if not rows:
            raise IndexError(f"{self!r} has no row {index}")
        return rows[0]

    def _sliced(self, start: int, stop: int | None) -> ResultSet[R]:
        of = self._select
        begin, end = within(of.start, of.stop, start, stop)
        # Not by _replace, which takes twice as long.
        select = Select(of.model, of.where, of.order, begin, end, of.keys_down, of.distinct, of.members)
        step = (f"[{start or ''}:{'' if stop is None else stop}]", None)
        part: ResultSet[R] = ResultSet(self._answers, select, (*self._steps, step), self._shape)
        if self._rows is not None:
            part._rows = self._rows[start:stop]
        return part

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (ResultSet, list, tuple)):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "".join(step if query is None else f"{step}({arguments(query)})" for step, query in self._steps)

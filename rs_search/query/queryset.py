"""Result sets: lazy, immutable questions that behave as the lists redis-schematics gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar, overload

from ..errors import QueryError
from ..planner.plan import Select
from .bind import bind, bind_order
from .tree import AllOf, Bound, Negation, Q

M = TypeVar("M")


class Answers(Protocol[M]):
    """What a result set asks for its rows; `rs_search.objects.Objects` is one."""

    def rows_of(self, select: Select) -> list[M]:
        """The instances that a question finds."""

    def count_of(self, select: Select) -> int:
        """How many it finds."""

    def explanation_of(self, select: Select) -> str:
        """Its plan in words."""


class ResultSet(Generic[M]):
    """Objects of a model that meet conditions, in an order: by the keys given, then by key.

    Nothing is asked before the rows are needed; they are read once and kept. ``len``, indexes, slices, truth,
    iteration and ``==`` with a list work as on a list. A slice of a set that has not been read asks for those rows
    only.
    """

    def __init__(self, answers: Answers[M], select: Select, steps: tuple[tuple[str, Q | None], ...]) -> None:
        self._answers = answers
        self._select = select
        self._steps = steps
        self._rows: list[M] | None = None

    # --- other questions ------------------------------------------------------------------------------------------

    def filter(self, *conditions: Q, **lookups: Any) -> ResultSet[M]:
        """Those that meet all of the conditions as well. Raises a `QueryError` for what cannot be meant."""
        return self._narrowed("filter", Q(*conditions, **lookups), lambda bound: bound)

    def exclude(self, *conditions: Q, **lookups: Any) -> ResultSet[M]:
        """Those that do not meet all of the conditions: the true complement of `filter`."""
        return self._narrowed("exclude", Q(*conditions, **lookups), Negation)

    def order_by(self, *names: str) -> ResultSet[M]:
        """Ordered by fields, ``-`` for descending; missing last both ways, ties by key. Replaces an earlier order."""
        self._refuse_sliced("order_by")
        order = bind_order(self._select.model, names)
        return self._with((f".order_by({', '.join(map(repr, names))})", None), order=order)

    def _narrowed(self, method: str, query: Q, wrap: Callable[[Bound], Bound]) -> ResultSet[M]:
        self._refuse_sliced(method)
        bound = wrap(bind(self._select.model, query))
        return self._with((f".{method}", query), where=AllOf((self._select.where, bound)))

    def _refuse_sliced(self, method: str) -> None:
        if self._select.sliced:
            raise QueryError(f"{self!r} is a slice already; call {method}() before slicing")

    def _with(self, step: tuple[str, Q | None], **changes: Any) -> ResultSet[M]:
        select = self._select
        parts = {"model": select.model, "where": select.where, "order": select.order,
                 "start": select.start, "stop": select.stop, **changes}  # fmt: skip
        return ResultSet(self._answers, Select(**parts), (*self._steps, step))

    # --- answers --------------------------------------------------------------------------------------------------

    def count(self) -> int:
        """How many there are; asks the server, which counts by itself where nothing is left to check."""
        return self._answers.count_of(self._select) if self._rows is None else len(self._rows)

    def explain(self) -> str:
        """The plan: what the index is asked, what is checked in Python, and why."""
        return self._answers.explanation_of(self._select)

    def _read(self) -> list[M]:
        if self._rows is None:
            self._rows = self._answers.rows_of(self._select)
        return self._rows

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Iterator[M]:
        return iter(self._read())

    def __contains__(self, instance: object) -> bool:
        return instance in self._read()

    def __reversed__(self) -> Iterator[M]:
        return reversed(self._read())

    def __bool__(self) -> bool:
        return bool(self._read()) if self._rows is not None else self._sliced(0, 1).count() > 0

    @overload
    def __getitem__(self, index: int) -> M: ...

    @overload
    def __getitem__(self, index: slice) -> ResultSet[M]: ...

    def __getitem__(self, index: int | slice) -> M | ResultSet[M]:
        if isinstance(index, slice):
            return self._slice(index)
        if self._rows is not None or index < 0:
            return self._read()[index]
        rows = self._sliced(index, index + 1)._read()
        if not rows:
            raise IndexError(f"{self!r} has no row {index}")
        return rows[0]

    def _slice(self, wanted: slice) -> ResultSet[M]:
        if wanted.step not in (None, 1):
            raise QueryError(f"{self!r}: a slice takes every row; use list(…)[::{wanted.step}]")
        start, stop = wanted.start or 0, wanted.stop
        if start < 0 or (stop is not None and stop < 0):
            raise QueryError(f"{self!r}: a slice counts from the start; order the other way, or use list(…)")
        return self._sliced(start, stop)

    def _sliced(self, start: int, stop: int | None) -> ResultSet[M]:
        first, last = self._select.start, self._select.stop
        end = last if stop is None else first + stop if last is None else min(last, first + stop)
        begin = first + start if end is None else min(first + start, end)
        part = self._with((f"[{start or ''}:{'' if stop is None else stop}]", None), start=begin, stop=end)
        if self._rows is not None:
            part._rows = self._rows[start:stop]
        return part

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (ResultSet, list, tuple)):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "".join(step if query is None else f"{step}({_arguments(query)})" for step, query in self._steps)


def _arguments(query: Q) -> str:
    """A query as the arguments of ``filter``."""
    lookups = [f"{child[0]}={child[1]!r}" for child in query.children if isinstance(child, tuple)]
    return ", ".join([*(repr(child) for child in query.children if isinstance(child, Q)), *lookups])

"""What result sets ask of the objects of a model: their rows and how many, and what is changed of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import starmap
from typing import Any, TypeVar

from .hydration import partial_fields, row_maker
from .operations import direct, relations, removal, search, selected
from .operations.candidates import Tally
from .operations.requests import Direct, OnError, OnProgress, Operation, Stream, taking_turns, through
from .planner.explain import Explanation, Ran
from .planner.plan import Select
from .primary_key import text_of_pk
from .query.answers import Again, Keep
from .query.shapes import INSTANCE, Shape
from .query.values import collection
from .reading import Row
from .schema import schema_of
from .server.calls import Calls
from .server.capabilities import ServerState
from .server.replies import plain
from .storage import storage_of
from .turns import freed, in_turns

M = TypeVar("M")


class Answering(Calls[M]):
    """The `rs_search.query.answers.Answers` of a model's objects."""

    def rows(
        self, state: ServerState, select: Select, shape: Shape, told: int | None = None
    ) -> Operation[tuple[list[Any], Ran]]:
        """The rows that a question finds, in order, and what that took; ``told``: how many, if more than a page."""
        began, tally = time.perf_counter(), Tally()
        found = yield from search.select_rows(state, self._wanted(select, shape), tally, told)
        rows = yield from taking_turns(in_turns(found, lambda part: self._shaped(part, shape)))
        yield from taking_turns(freed(found))
        if shape.prefetch:
            yield from relations.prefetch(rows, shape.prefetch)
        return rows, Ran(tally.examined, len(rows), (time.perf_counter() - began) * 1000)

    def direct_rows(self, state: ServerState, select: Select, shape: Shape, keep: Keep, again: Again) -> Direct | None:
        """The same by one command, where that is all it takes."""
        if shape.prefetch:
            return None
        began, make = time.perf_counter(), row_maker(self.model, shape)

        def finish(found: list[Row]) -> list[Any]:
            rows = list(starmap(make, found))
            return keep(rows, Ran(len(found), len(rows), (time.perf_counter() - began) * 1000))

        return direct.rows(state, select, finish, again)

    #: How many a question finds by one command, where that is all it takes.
    direct_total = staticmethod(direct.count)

    def batches(self, state: ServerState, select: Select, shape: Shape) -> Stream:
        """The rows that a question finds, in order, a batch at a time."""
        found = search.iterate_rows(state, self._wanted(select, shape))
        shaped = through(found, lambda rows: (self._shaped(rows, shape), False))
        return relations.prefetched(shaped, shape.prefetch) if shape.prefetch else shaped

    def total(self, state: ServerState, select: Select) -> Operation[int]:
        """How many a question finds."""
        return search.count_rows(state, select)

    def change(
        self,
        state: ServerState,
        select: Select,
        values: dict[str, Any],
        on_progress: OnProgress,
        on_error: OnError,
    ) -> Operation[int]:
        """Change what a question finds; gives how many."""
        return (yield from selected.update_selected(state, select, values, on_progress, on_error))

    def remove(self, state: ServerState, select: Select, on_progress: Callable[[int], None] | None) -> Operation[int]:
        """Remove what a question finds; gives how many."""
        return (yield from removal.remove_selected(state, select, on_progress))

    def explanation(self, state: ServerState, select: Select) -> Operation[Explanation]:
        """The plan of a question."""
        return (yield from search.explain_select(state, select))

    def profile(self, state: ServerState, select: Select) -> Operation[Any]:
        """The server's FT.PROFILE of a question."""
        return plain((yield from search.profile_select(state, select)))

    def by_pks(
        self, state: ServerState, select: Select, shape: Shape, pks: Iterable[Any] | None
    ) -> Operation[dict[str, Any]]:
        """The rows that a question finds by primary key, of those among ``pks``."""
        pk_of = storage_of(self.model).pk
        texts = None if pks is None else (yield from self._pk_texts(pks, "in_bulk"))
        select = self._wanted(select, shape)
        if texts is None or select.distinct:
            found = yield from search.select_rows(state, select, Tally())
            if texts is not None:
                wanted = frozenset(texts)
                found = [row for row in found if pk_of(row[0]) in wanted]
        else:
            found = yield from search.select_among(state, select, texts)
        rows = yield from taking_turns(in_turns(found, lambda part: self._shaped(part, shape)))
        yield from relations.prefetch(rows, shape.prefetch)
        found_pks = yield from taking_turns(in_turns(found, lambda part: [pk_of(key) for key, _ in part]))
        yield from taking_turns(freed(found))
        return dict(zip(found_pks, rows, strict=True))

    def _shaped(self, rows: list[Row], shape: Shape) -> list[Any]:
        return list(starmap(row_maker(self.model, shape), rows))

    def _wanted(self, select: Select, shape: Shape) -> Select:
        """The question with the members that its rows need, for layers that read them by themselves."""
        if shape.kind == INSTANCE:
            return select
        fields = schema_of(self.model).fields
        names = shape.fields if shape.of_values else partial_fields(self.model, shape)
        return select._replace(members=frozenset(fields[name].member for name in names))

    def _pk_texts(self, pks: Iterable[Any], method: str) -> Operation[list[str]]:
        given = collection(pks, f"{self.model.__name__}.{method}()")
        work = in_turns(given, lambda part: [text_of_pk(self.model, pk) for pk in part])
        return (yield from taking_turns(work))

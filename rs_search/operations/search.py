"""Answering questions: plan, fetch candidates, check what is left, order and cut."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..errors import MissingIndex, ServerUnavailable
from ..index_schema import index_schema_of
from ..options import options_of
from ..planner import templates
from ..planner.explain import Explanation, refuse_scan
from ..planner.plan import INDEX, NONE, SCAN, Plan, Select, make_plan
from ..query.tree import Bound
from ..reading import Row
from ..server.capabilities import OUTDATED, Capabilities, ServerState, discover
from ..server.replies import aggregate_page, reduced
from ..storage import storage_of
from ..storage.base import batched
from ..storage.json_document import existing
from ..turns import in_turns
from .across import resolved
from .candidates import (
    Tally,
    complete,
    count_command,
    indexed_keys,
    keys_of,
    one_page,
    other_rows,
    read_rows,
    rows_of,
    total_of,
)
from .index import ensure_index, lost, serves, why_no_index
from .ordering import MOST_RETRIES, SPARE_ROWS, first_of_each, keys_in_order, ordered_rows, sorted_command, sorted_rows
from .requests import (
    Batch,
    Command,
    Deliver,
    Elsewhere,
    Operation,
    Stream,
    command,
    consume,
    next_batch,
    taking_turns,
    through,
)

T = TypeVar("T")
P = ParamSpec("P")


def select_rows(state: ServerState, select: Select, tally: Tally, total: int | None = None) -> Operation[list[Row]]:
    """The rows of a question, in order; the ``tally`` gets how many documents were read.

    ``total`` is how many candidates there are, if it is known to be more than a page.

    Cost: 1 round trip where the index tells exactly (1 more for each thousand rows beyond the first), plus the check
    of its candidates; a scan reads the collection, a thousand documents a round trip.
    """
    return asked(state, select, _rows, tally, total)


def count_rows(state: ServerState, select: Select) -> Operation[int]:
    """How many rows a question has; 1 round trip where the index tells exactly, else it reads them batch by batch.

    Of a model with ``__expire__`` it reads the keys, and asks which of them are there still: 1 more for each thousand.
    """
    return asked(state, _without_members(select), _count, Tally())


def _without_members(select: Select) -> Select:
    """The question whether there are rows: nothing is needed of them, for layers that read members by themselves."""
    return select._replace(members=frozenset()) if storage_of(select.model).partial else select


def iterate_rows(state: ServerState, select: Select) -> Stream:
    """The rows of a question in order, a batch at a time; memory holds a batch, and the keys.

    An object that meets the conditions throughout is among them, whatever others write meanwhile.
    """
    stream, batch = yield from asked(state, select, _begun)
    if batch is not None:
        yield Deliver(batch)
        yield from stream


def _begun(plan: Plan, capabilities: Capabilities) -> Operation[tuple[Stream, list[Row] | None]]:
    """A stream of rows, and its first batch: what is asked of the index comes before that."""
    stream = _stream(plan, capabilities)
    return stream, (yield from next_batch(stream))


def _stream(plan: Plan, capabilities: Capabilities) -> Stream:
    if plan.access == NONE:
        return
    doubtful = yield from _has_doubts(plan)
    stream = _in_other_order if plan.select.order or plan.select.distinct is not None else _in_key_order
    yield from stream(plan, capabilities, doubtful)


def select_among(state: ServerState, select: Select, pks: list[str]) -> Operation[list[Row]]:
    """The rows of a question among some primary keys, in their order; 1 round trip a thousand keys."""
    capabilities = yield from discover(state)
    keys = yield from storage_of(select.model).keys_for(pks)
    found: list[Row] = []
    plan = make_plan((yield from resolved_select(select)), None)

    def take(rows: list[Row]) -> bool:
        found.extend(rows)
        return False

    yield from consume(read_rows(plan, batched(list(dict.fromkeys(keys))), capabilities, Tally()), take)
    return found


def explain_select(state: ServerState, select: Select) -> Operation[Explanation]:
    """The plan of a question, without answering it; of conditions across references, those of their own questions."""
    capabilities = yield from discover(state)
    first: list[Explanation] = []

    def explained(model: Any, where: Bound) -> Operation[list[str]]:
        first.append((yield Elsewhere(model, lambda other: explain_select(other, Select(model, where)))))
        return [f"the primary keys of {model.__name__} found first"]

    why_not = _why_no_search(select, capabilities)
    if why_not is None:
        # As it was seen last; nothing is made, and nobody waits.
        known = state.indexes.get(index_schema_of(select.model).name)
        why_not = None if known is None else known.why_not
    plan = make_plan((yield from resolved(select, explained)), why_not)
    return Explanation(plan, capabilities.description, first=tuple(first))


def resolved_select(select: Select) -> Operation[Select]:
    """The question with its conditions across references answered: 1 round trip each where an index tells exactly."""
    return (yield from resolved(select, _primary_keys))


def _primary_keys(model: Any, where: Bound) -> Operation[list[str]]:
    keys = yield Elsewhere(model, lambda state: matching_keys(state, Select(model, where)))
    pk = storage_of(model).pk
    return (yield from taking_turns(in_turns(keys, lambda part: list(map(pk, part)))))


def matching_keys(state: ServerState, select: Select) -> Operation[list[str]]:
    """The keys of a question's rows, in any order; 1 round trip where the index tells exactly, else `select_rows`'s."""
    return asked(state, _without_members(select), _matching, Tally())


def _matching(plan: Plan, capabilities: Capabilities, tally: Tally) -> Operation[list[str]]:
    if plan.access == NONE:
        return []
    doubtful = yield from _has_doubts(plan)
    if plan.access != SCAN and plan.check is None and not doubtful:
        keys = yield from _keys_there(plan)
        if keys is not None:
            return keys
    found: list[str] = []

    def take(rows: list[Row]) -> bool:
        found.extend(key for key, _ in rows)
        return False

    yield from consume(rows_of(plan, capabilities, tally, doubtful, sort=False), take)
    return found


def _keys_there(plan: Plan) -> Operation[list[str] | None]:
    """The keys that the index finds, of objects that are there; None where it cannot list them.

    It finds objects whose time has run out until the server removes them: 30 of a hundred where many come and go.
    """
    keys = yield from indexed_keys(plan, plan.query)
    return (yield from existing(keys)) if keys and _ends(plan) else keys


def _ends(plan: Plan) -> bool:
    return options_of(plan.select.model).expire is not None


def _why_no_search(select: Select, capabilities: Capabilities) -> str | None:
    return why_no_index(select.model) or capabilities.why_no_search


def profile_select(state: ServerState, select: Select) -> Operation[Any]:
    """The server's FT.PROFILE of a question's query."""
    plan = yield from _planned(select, (yield from discover(state)))
    yield from _with_index(state, plan)
    kind, words = ("AGGREGATE", sorted_command(plan, SPARE_ROWS)) if plan.sorted_there or plan.filter else (
        "SEARCH", command("FT.SEARCH", plan.schema.name, plan.candidates, "VERBATIM", "NOCONTENT", "LIMIT", "0", "0",
                          *plan.arguments(plan.candidates))
    )  # fmt: skip
    return (yield command("FT.PROFILE", plan.schema.name, kind, "QUERY", *words.arguments[2:]))


def _planned(select: Select, capabilities: Capabilities) -> Operation[Plan]:
    plan = make_plan((yield from resolved_select(select)), _why_no_search(select, capabilities))
    refuse_scan(plan)
    if plan.select is select:
        templates.keep(plan)
    return plan


def _with_index(state: ServerState, plan: Plan) -> Operation[Plan]:
    """The plan, once its index is ready; by a scan where the index refused documents."""
    if plan.access in (NONE, SCAN):
        return plan
    refused = yield from ensure_index(state, plan.schema)
    if refused is None:
        return plan
    plan = make_plan(plan.select, refused)
    refuse_scan(plan)
    return plan


def asked(
    state: ServerState, select: Select, ask: Callable[Concatenate[Plan, Capabilities, P], Operation[T]],
    *with_it: P.args, **also: P.kwargs,
) -> Operation[T]:  # fmt: skip
    """Plan a question, and ask by the plan, once its index is ready.

    Again where the server could do less than it was known for, or the index, or the connection to it, was lost
    meanwhile. All in one: of what takes some microseconds, each step on the way counts.
    """
    for attempt in range(MOST_RETRIES):
        capabilities = state.known or (yield from discover(state))
        known = templates.recall(select) if capabilities.why_no_search is None else None
        plan = known if known is not None else (yield from _planned(select, capabilities))
        if plan.access == INDEX and not serves(state, plan.schema):
            plan = yield from _with_index(state, plan)
        reconnects = state.reconnects
        try:
            value = yield from ask(plan, capabilities, *with_it, **also)
        except (MissingIndex, *OUTDATED) as error:
            if isinstance(error, MissingIndex):
                # FLUSHALL and FT.DROPINDEX take it away; it is made again.
                lost(state, plan.schema)
            else:
                state.note_less(error)
            if attempt == MOST_RETRIES - 1:
                raise
        else:
            if plan.access != INDEX or state.reconnects == reconnects:
                return value
    raise ServerUnavailable(f"the connection was lost {MOST_RETRIES} times while {plan.schema.name} was asked")


def keys_asked(state: ServerState, select: Select) -> Operation[tuple[list[str], Plan, Capabilities]]:
    """The keys of a question's candidates, to be checked yet when they are read; with its plan."""

    def listed(plan: Plan, capabilities: Capabilities) -> Operation[tuple[list[str], Plan, Capabilities]]:
        return (yield from keys_of(plan)), plan, capabilities

    return asked(state, select, listed)


# --- rows -----------------------------------------------------------------------------------------------------------


def _rows(plan: Plan, capabilities: Capabilities, tally: Tally, total: int | None) -> Operation[list[Row]]:
    select = plan.select
    if plan.access == NONE:
        return []
    doubtful = yield from _has_doubts(plan)
    if plan.sorted_there and not doubtful and select.stop is not None:
        rows = yield from sorted_rows(plan, capabilities)
        if rows is not None:
            tally.examined += len(rows)
            return rows
    if select.order:
        return (yield from ordered_rows(plan, rows_of(plan, capabilities, tally, doubtful, sort=False)))
    if select.distinct is not None:
        return (yield from _rows_by_key(plan, rows_of(plan, capabilities, tally, doubtful), True))
    if total is None:
        rows, total = yield from one_page(plan, capabilities, tally, doubtful)
        if rows is not None:
            return rows[select.start : select.stop]
    # In the order of their keys, no more of them read than the slice needs; where all are read, put in order then.
    sort = select.stop is not None
    return (yield from _rows_by_key(plan, other_rows(plan, capabilities, tally, doubtful, total, sort), sort))


def _rows_by_key(plan: Plan, stream: Stream, in_order: bool) -> Operation[list[Row]]:
    select, found = plan.select, list[Row]()
    seen = first_of_each(plan)

    def take(rows: list[Row]) -> bool:
        found.extend(rows if seen is None else seen(rows))
        return select.stop is not None and len(found) >= select.stop

    yield from consume(stream, take)
    if not in_order:
        work = storage_of(select.model).in_order(found, select.keys_down, of=itemgetter(0))
        found = yield from taking_turns(work)
    return found[select.start : select.stop]


# --- counts ---------------------------------------------------------------------------------------------------------


def _count(plan: Plan, capabilities: Capabilities, tally: Tally) -> Operation[int]:
    select = plan.select
    if plan.access == NONE:
        return 0
    if plan.access != SCAN and plan.check is None and select.distinct is None:
        total = yield from _count_there(plan)
        if total and _ends(plan):
            keys = yield from _keys_there(plan)
            total = None if keys is None else len(keys)
        if total is not None:
            return len(range(total)[select.start : select.stop])
    found, seen = 0, first_of_each(plan)

    def take(rows: list[Row]) -> bool:
        nonlocal found
        found += len(rows if seen is None else seen(rows))
        return select.stop is not None and found >= select.stop

    # By key where only the first of them are wanted, each with what stands in the others'.
    doubtful = plan.access != SCAN and plan.check is None
    yield from consume(rows_of(plan, capabilities, tally, doubtful, sort=seen is not None), take)
    return len(range(found)[select.start : select.stop])


def _count_there(plan: Plan) -> Operation[int | None]:
    """The server's count; None where it has a doubt."""
    if plan.doubts:
        counted, doubtful = yield Batch((count_command(plan, plan.query), _doubts_command(plan)))
        if total_of(doubtful):
            return None
    else:
        counted = yield count_command(plan, plan.query)
    if plan.filter is None:
        return total_of(counted)
    complete(aggregate_page(counted))
    return int(reduced(counted, "n") or 0)


def _doubts_command(plan: Plan) -> Command:
    return count_command(plan._replace(filter=None), plan.doubts_query)


def _has_doubts(plan: Plan) -> Operation[bool]:
    if plan.access == SCAN or plan.check is not None or not plan.doubts:
        return False
    return total_of((yield _doubts_command(plan))) > 0


# --- a batch at a time ----------------------------------------------------------------------------------------------


def _in_key_order(plan: Plan, capabilities: Capabilities, doubtful: bool) -> Stream:
    yield from _cut(rows_of(plan, capabilities, Tally(), doubtful), plan.select.start, plan.select.stop)


def _in_other_order(plan: Plan, capabilities: Capabilities, doubtful: bool) -> Stream:
    """First what the rows are ordered by, and their keys; then the rows, by key."""
    rows = rows_of(plan, capabilities, Tally(), doubtful, sort=False)
    batches = batched((yield from keys_in_order(plan, rows)))
    stream = read_rows(plan, batches, capabilities, Tally())
    yield from _cut(stream, plan.select.start, plan.select.stop, first_of_each(plan))


def _cut(stream: Stream, start: int, stop: int | None, seen: Callable[[list[Row]], list[Row]] | None = None) -> Stream:
    """The rows of a stream from ``start`` to ``stop``."""
    place = 0

    def change(rows: list[Row]) -> tuple[list[Row], bool]:
        nonlocal place
        kept = rows if seen is None else seen(rows)
        first, last = max(0, start - place), None if stop is None else max(0, stop - place)
        place += len(kept)
        return kept[first:last], stop is not None and place >= stop

    return through(stream, change)

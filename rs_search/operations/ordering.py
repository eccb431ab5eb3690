"""Rows in an order: as the index has them where it knows it, else put in order here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..planner import horizons
from ..planner.order import Ranked, Seen, ordered, ranker
from ..planner.plan import Plan, make_plan, sort_arguments, sort_key
from ..query.tree import AllOf, Bound, Condition
from ..reading import Row
from ..server.capabilities import Capabilities, sorted_limit
from ..server.replies import Page, aggregate_page, search_page
from ..storage import storage_of
from ..turns import freed, in_turns
from .candidates import aggregate, complete, documents_of, search
from .requests import Command, Operation, Stream, consume, next_batch, taking_turns

#: Times a page is read again because a document of it was gone when it was loaded, or its index.
MOST_RETRIES = 3
#: Rows beyond a slice's end that are kept before the worst are dropped.
SPARE_ROWS = 1000


# --- put in order here ------------------------------------------------------------------------------------------------


def ordered_rows(plan: Plan, stream: Stream) -> Operation[list[Row]]:
    """All rows of a stream in the plan's order; of a slice, no more are kept than may be in it."""
    select, rank = plan.select, _ranks(plan)
    most = None if select.stop is None or select.distinct is not None else 2 * select.stop + SPARE_ROWS
    found: list[Ranked] = []
    try:
        while (batch := (yield from next_batch(stream))) is not None:
            found.extend((row[0], rank(row), row[1]) for row in batch)
            if most is not None and len(found) > most:
                found = yield from _in_order(plan, found)
                del found[select.stop :]
    finally:
        stream.close()
    found, first = (yield from _in_order(plan, found)), first_of_each(plan)
    rows = yield from taking_turns(in_turns(found, _bare))
    yield from taking_turns(freed(found))
    return (rows if first is None else (yield from taking_turns(in_turns(rows, first))))[select.start : select.stop]


def keys_in_order(plan: Plan, stream: Stream) -> Operation[list[str]]:
    """The keys of a stream's rows in the plan's order; memory holds what they are ordered by."""
    rank = _ranks(plan)
    found: list[Ranked] = []

    def take(rows: list[Row]) -> bool:
        found.extend((row[0], rank(row), None) for row in rows)
        return False

    yield from consume(stream, take)
    found = yield from _in_order(plan, found)
    keys = [key for key, _, _ in found]
    yield from taking_turns(freed(found))
    return keys


def first_of_each(plan: Plan) -> Callable[[list[Row]], list[Row]] | None:
    """Of rows, those that are the first with their combination of values; None where all of them are wanted."""
    paths = plan.select.distinct
    if not paths:
        return None
    document, seen = documents_of(plan.select.model, paths), Seen(paths)
    return lambda rows: [row for row in rows if seen.is_first(document(row))]


def _ranks(plan: Plan) -> Callable[[Row], tuple[Any, ...]]:
    """What a row is ordered by."""
    order = plan.select.order
    document, rank = documents_of(plan.select.model, [key.path for key in order]), ranker(order)
    return lambda row: rank(document(row))


def _in_order(plan: Plan, found: list[Ranked]) -> Operation[list[Ranked]]:
    select = plan.select
    work = ordered(found, select.order, select.keys_down, storage_of(select.model).rank)
    return (yield from taking_turns(work))


def _bare(rows: list[Ranked]) -> list[Row]:
    return [(key, stored) for key, _, stored in rows]


# --- as the index has them --------------------------------------------------------------------------------------------


def sorted_rows(plan: Plan, capabilities: Capabilities) -> Operation[list[Row] | None]:
    """The slice as the index orders and cuts it; None where it cannot reach so far.

    The index puts all that a question finds in order, however few are wanted. Asked again, it is first asked for what
    lies up to where the slice ended last time: if that fills the slice, nothing beyond can be in it.
    """
    start, stop = plan.select.start, plan.select.stop
    assert stop is not None
    if stop <= start:
        return []
    near = horizons.within(plan) if plan.select.order else None
    rows = None if near is None else (yield from _slice(near, capabilities))
    if rows is None or len(rows) < stop - start:
        rows = yield from _slice(plan, capabilities)
    if plan.select.order and rows is not None and len(rows) == stop - start:
        horizons.note(plan, rows, _ranks(plan))
    return rows


def _slice(plan: Plan, capabilities: Capabilities) -> Operation[list[Row] | None]:
    rows = (yield from _searched(plan, capabilities)) if len(plan.select.order) == 1 else None
    return (yield from _aggregated(plan, capabilities)) if rows is None else rows


def _searched(plan: Plan, capabilities: Capabilities) -> Operation[list[Row] | None]:
    """The rows as FT.SEARCH orders them, ten times as fast; None where it does not tell which rows they are.

    It leaves ties as they come: those inside the slice are put in order here, those at its end are asked for.
    """
    start, stop = plan.select.start, plan.select.stop
    assert stop is not None
    # With one row on either side, which tell whether the slice cuts through a tie.
    before = min(start, 1)
    if plan.filter is not None or stop + 1 > capabilities.most_rows:
        return None
    page = complete(search_page((yield _search_command(plan, start - before, stop + 1))))
    if not page.whole or is_cut(page, start - before, stop + 1):
        return None
    rank = _ranks(plan)
    found = [(key, rank((key, text)), text) for key, text in page.rows]
    wanted, after = found[before : before + stop - start], found[before + stop - start :]
    if before and wanted and found[0][1] == wanted[0][1]:
        return None
    if not after or after[0][1] != wanted[-1][1]:
        return _bare((yield from _in_order(plan, wanted)))
    apart = [row for row in wanted if row[1] != after[0][1]]
    tied = yield from _tied(plan, after[0][1][0], len(wanted) - len(apart), capabilities)
    rows = _bare((yield from _in_order(plan, apart))) + tied
    # Where others wrote between the two questions, one is asked that tells both.
    return rows if len({key for key, _ in rows}) == len(wanted) else None


def _tied(plan: Plan, value: Any, count: int, capabilities: Capabilities) -> Operation[list[Row]]:
    """The first rows by key of those that share a value of the order."""
    path = plan.select.order[0].path
    same: Bound = Condition(path, "missing", None, "") if value is None else Condition(path, "in", (value,), "")
    select = plan.select._replace(where=AllOf((plan.where, same)), order=(), start=0, stop=count)
    among = make_plan(select, None)
    return (yield from _aggregated(among, capabilities)) or [] if among.sorted_there else []


def _aggregated(plan: Plan, capabilities: Capabilities) -> Operation[list[Row] | None]:
    """The rows as FT.AGGREGATE orders and cuts them, by any number of keys."""
    stop = plan.select.stop
    assert stop is not None
    if stop > capabilities.most_sorted_rows:
        return None
    words = sorted_command(plan, stop)
    for _ in range(MOST_RETRIES):
        page = complete(aggregate_page((yield words)))
        # A document that was removed between the index and the load is there without its text.
        if page.whole:
            cut = is_cut(page, plan.select.start, stop) and (yield from _may_be_cut(plan, page))
            return None if cut else page.rows
    return None


def is_cut(page: Page, start: int, stop: int) -> bool:
    """Whether rows are missing that the page tells of: the server's limit on results is lower than it was."""
    return len(page.rows) < min(stop, page.total) - start


def _may_be_cut(plan: Plan, page: Page) -> Operation[bool]:
    """The same of FT.AGGREGATE, where `is_cut` says so: its total counts what FILTER left out as well."""
    start, stop = plan.select.start, plan.select.stop or 0
    if plan.filter is None:
        return True
    # Of a lower limit than the rows asked for the server would say so.
    return start + len(page.rows) >= stop - start and (yield from sorted_limit()) < stop


def _search_command(plan: Plan, start: int, stop: int) -> Command:
    return search(plan, plan.candidates, "SORTBY", *sort_key(plan), "RETURN", "1", "$",
                  "LIMIT", str(start), str(stop - start))  # fmt: skip


def sorted_command(plan: Plan, stop: int) -> Command:
    """FT.AGGREGATE of a plan's rows from its start to ``stop``."""
    start = plan.select.start
    return aggregate(plan, plan.candidates, "LOAD", "1", "@__key", *sort_arguments(plan), "LIMIT", str(start),
                     str(max(0, stop - start)), "LOAD", "1", "$")  # fmt: skip

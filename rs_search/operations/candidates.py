"""Candidates of a plan, read and checked: complete while others write, and in bounded memory.

Pages by offset and cursors miss objects that others update meanwhile (542 and 405 of 50,000); one reply and SCAN miss
none. So a first page is all there is, or else the keys alone are asked for in one reply, and the documents read by
key, a batch at a time, and checked as they are then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from operator import itemgetter
from typing import Any

from schematics.exceptions import BaseError

from ..errors import IncompleteResult, UnreadableDocument
from ..paths import Path
from ..planner.plan import NONE, SCAN, Plan
from ..planner.predicate import predicate
from ..query.tree import Bound, is_everything, paths_of
from ..reading import Row
from ..server.capabilities import Capabilities
from ..server.replies import Page, cursor_page, search_page
from ..storage import storage_of
from ..storage.base import BATCH, Storage
from .requests import Begin, Command, Deliver, Finish, Operation, Stream, command, next_batch

#: Rows asked for at first: RediSearch sets memory aside for as many as a query may return.
FIRST_ROWS = 1000
#: More keys than that come by SCAN.
MOST_KEYS = 1_000_000
_KEY = itemgetter(0)


class Tally:
    """How many documents were read."""

    def __init__(self) -> None:
        self.examined = 0


def rows_of(plan: Plan, capabilities: Capabilities, tally: Tally, doubtful: bool = False, sort: bool = True) -> Stream:
    """All rows of a plan, order and slice apart, a batch at a time: in the order of their keys, or as they come.

    ``doubtful`` tells that the index cannot answer by itself. Cost: 1 round trip for up to a thousand candidates, else
    1 for the keys (a scan: O(keys of the database)) and 1 for a thousand documents.
    """
    check = plan.where if doubtful else plan.check
    if plan.access != SCAN:
        page = yield from _first_page(plan, plan.widened if check is not None else plan.query, capabilities)
        if page is not None:
            yield from _deliver(plan, page, check, tally)
            return
    keys = yield from _keys(plan, plan.query if check is None else plan.widened)
    if sort:
        keys.sort(key=storage_of(plan.select.model).rank, reverse=plan.select.keys_down)
    # By now others may have written: what is read is checked whole.
    yield from read_rows(plan, keys, capabilities, tally)


def read_rows(plan: Plan, keys: list[str], capabilities: Capabilities, tally: Tally) -> Stream:
    """The rows of a plan among keys, in the keys' order; 1 round trip a thousand keys.

    Unless a slice may end before them, the next thousand are read while the caller works on these.
    """
    storage, meets = storage_of(plan.select.model), row_filter(plan.select.model, plan.where)
    members = _members(plan) if storage.partial else None
    stream = _found(storage, keys, capabilities, members, plan.select.stop is None)
    try:
        while (rows := (yield from next_batch(stream))) is not None:
            tally.examined += len(rows)
            kept = meets(rows)
            if members is not None and kept:
                # Now the whole of them, checked once more: others may have written.
                kept = meets((yield from storage.found([key for key, _ in kept], capabilities)))
            yield Deliver(kept)
    finally:
        stream.close()


def _found(
    storage: Storage, keys: list[str], capabilities: Capabilities, members: Collection[str] | None, ahead: bool
) -> Stream:
    """What stands under keys, a thousand at a time; ``ahead``: each begun before the caller has those before it."""
    begun: Any = None
    try:
        for start in range(0, len(keys), BATCH):
            if begun is None:
                rows = yield from storage.found(keys[start : start + BATCH], capabilities, members)
            else:
                rows = yield Finish(begun)
            following = keys[start + BATCH : start + 2 * BATCH] if ahead else []
            begun = (yield Begin(storage.found(following, capabilities, members))) if following else None
            yield Deliver(rows)
    finally:
        if begun is not None:
            begun.cancel()


def _members(plan: Plan) -> frozenset[str] | None:
    """The members of documents that the conditions are about; None where that is none."""
    return members_of(paths_of(plan.where)) or None


def members_of(paths: Iterable[Path]) -> frozenset[str]:
    """The members of documents in which paths begin."""
    return frozenset(str(path.steps[0]) for path in paths)


def _deliver(plan: Plan, page: Page, check: Bound | None, tally: Tally) -> Stream:
    # A document that expired between the index and the load is there without its text.
    rows = [(key, text) for key, text in page.rows if text is not None]
    tally.examined += len(rows)
    # Keys that an index holds have no end of their own, so that they have the order of primary keys.
    rows.sort(key=_KEY, reverse=plan.select.keys_down)
    yield Deliver(rows if check is None else row_filter(plan.select.model, check)(rows))


def row_filter(model: Any, where: Bound) -> Callable[[list[Row]], list[Row]]:
    """Those of rows that meet conditions; a member that cannot be read is told with its key."""
    if is_everything(where):
        return lambda rows: rows
    read, meets = storage_of(model).reader(members_of(paths_of(where))), predicate(where)

    def kept(rows: list[Row]) -> list[Row]:
        found = []
        for row in rows:
            key, stored = row
            try:
                if meets(read(stored, key)):
                    found.append(row)
            except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
                raise UnreadableDocument(f"{key} is no readable {model.__name__}: {error}") from None
        return found

    return kept


# --- what the index gives -------------------------------------------------------------------------------------------


def _first_page(plan: Plan, text: str, capabilities: Capabilities) -> Operation[Page | None]:
    """All that a query text finds, if it is not too much for one page."""
    if plan.filter is None:
        most = min(FIRST_ROWS, capabilities.most_rows)
        reply = yield command("FT.SEARCH", plan.schema.name, text, "VERBATIM", "RETURN", "1", "$", "LIMIT", "0",
                              str(most), "TIMEOUT", "0", *plan.arguments(text))  # fmt: skip
        page = complete(search_page(reply))
        return page if len(page.rows) >= page.total else None
    reply = yield aggregate(plan, text, "LOAD", "2", "@__key", "$", "WITHCURSOR", "COUNT", str(FIRST_ROWS))
    page, cursor = cursor_page(reply)
    if cursor:
        yield command("FT.CURSOR", "DEL", plan.schema.name, cursor)
    return None if cursor else complete(page)


def keys_of(plan: Plan) -> Operation[list[str]]:
    """The keys of a plan's rows, order and slice apart; to be checked yet when they are read."""
    if plan.access == NONE:
        return []
    return (yield from _keys(plan, plan.widened))


def _keys(plan: Plan, text: str) -> Operation[list[str]]:
    """The keys of all candidates, in one reply of the index or by SCAN."""
    found = None if plan.access == SCAN else (yield from indexed_keys(plan, text))
    return (yield from storage_of(plan.select.model).keys()) if found is None else found


def indexed_keys(plan: Plan, text: str) -> Operation[list[str] | None]:
    """The keys that the index finds, in one reply; None where they are too many for one."""
    # WITHCURSOR, because MAXSEARCHRESULTS and MAXAGGREGATERESULTS do not cut it.
    reply = yield aggregate(plan, text, "LOAD", "1", "@__key", "WITHCURSOR", "COUNT", str(MOST_KEYS))
    page, cursor = cursor_page(reply)
    if not cursor:
        return [key for key, _ in complete(page).rows]
    yield command("FT.CURSOR", "DEL", plan.schema.name, cursor)
    return None


def aggregate(plan: Plan, text: str, *steps: str) -> Command:
    """FT.AGGREGATE of a query text, the plan's FILTER first."""
    filters = ("FILTER", plan.filter) if plan.filter else ()
    return command("FT.AGGREGATE", plan.schema.name, text, "VERBATIM", *filters, *steps, "TIMEOUT", "0",
                   *plan.arguments(text))  # fmt: skip


def complete(page: Page) -> Page:
    """The page; raises `IncompleteResult` where the server says that it is not whole."""
    if page.warnings:
        raise IncompleteResult(f"the server left rows out: {'; '.join(page.warnings)}")
    return page

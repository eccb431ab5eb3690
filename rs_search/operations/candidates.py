"""Candidates of a plan, read and checked: complete while others write, and in bounded memory.

Pages by offset and cursors miss objects that others update meanwhile (542 and 405 of 50,000); one reply and SCAN miss
none. So a first page is all there is, or else the keys alone are asked for in one reply, and the documents read by
key, a batch at a time, and checked as they are then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from operator import itemgetter
from typing import Any

from schematics.exceptions import BaseError

from ..errors import IncompleteResult, UnreadableDocument, shown_key
from ..members import members_reader
from ..paths import Path
from ..planner.plan import NONE, SCAN, Plan
from ..planner.predicate import predicate
from ..query.tree import Bound, is_everything, paths_of
from ..reading import Document, Row
from ..server.capabilities import Capabilities
from ..server.replies import LISTED, Page, aggregate_page, reduced, search_page, told_total
from ..server.replies import text as as_text
from ..storage import storage_of
from ..storage.base import Storage, batched
from ..turns import in_turns
from .requests import Begin, Command, Deliver, Finish, Operation, Stream, command, next_batch, taking_turns

#: Rows asked for at first: RediSearch sets memory aside for as many as a query may return.
FIRST_ROWS = 1000
#: Where the database holds no more keys than so many times those that are wanted, SCAN finds them sooner.
MOST_OTHERS = 4
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
    rows, total = yield from one_page(plan, capabilities, tally, doubtful)
    if rows is not None:
        yield Deliver(rows)
    else:
        yield from other_rows(plan, capabilities, tally, doubtful, total, sort)


def one_page(
    plan: Plan, capabilities: Capabilities, tally: Tally, doubtful: bool
) -> Operation[tuple[list[Row] | None, int | None]]:
    """All rows of a plan, in the order of their keys, if one page has them, else None; and how many candidates it told.

    1 round trip; of a scan none, and nothing is known.
    """
    if plan.access == SCAN:
        return None, None
    check = plan.where if doubtful else plan.check
    page = yield from _first_page(plan, plan.query if check is None else plan.widened, capabilities)
    if page is None or len(page.rows) < page.total:
        return None, None if page is None else page.total
    # A document that expired between the index and the load is there without its text.
    rows = page.rows if page.texts_there else [row for row in page.rows if row[1] is not None]
    tally.examined += len(rows)
    # Keys that an index holds have no end of their own, so that they have the order of primary keys.
    rows.sort(key=_KEY, reverse=plan.select.keys_down)
    return rows if check is None else row_filter(plan.select.model, check)(rows), page.total


def other_rows(
    plan: Plan, capabilities: Capabilities, tally: Tally, doubtful: bool, total: int | None, sort: bool
) -> Stream:
    """The rows of a plan that has more than one page: `rows_of` without its first round trip, which told ``total``."""
    storage, down = storage_of(plan.select.model), plan.select.keys_down
    keys = yield from _listed(plan, plan.query if plan.check is None and not doubtful else plan.widened, total)
    if keys is None and sort:
        batches = yield from storage.keys_in_order(down)
    else:
        keys = (yield from storage.keys()) if keys is None else keys
        batches = batched((yield from taking_turns(storage.in_order(keys, down))) if sort else keys)
    # By now others may have written: what is read is checked whole.
    yield from read_rows(plan, batches, capabilities, tally)


def read_rows(plan: Plan, batches: Iterator[list[str]], capabilities: Capabilities, tally: Tally) -> Stream:
    """The rows of a plan among keys, a batch of them at a time, in their order; 1 round trip each.

    Unless a slice may end before them, the next batch is read while the caller works on these.
    """
    storage, meets = storage_of(plan.select.model), row_filter(plan.select.model, plan.where)
    first, then = _members(plan) if storage.partial else (None, None)
    stream = _found(storage, batches, capabilities, first, plan.select.stop is None)
    try:
        while (rows := (yield from next_batch(stream))) is not None:
            tally.examined += len(rows)
            kept = meets(rows)
            if first != then and kept:
                # Now the rest of them, checked once more: others may have written.
                kept = meets((yield from storage.found([key for key, _ in kept], capabilities, then)))
            yield Deliver(kept)
    finally:
        stream.close()


def _found(
    storage: Storage, batches: Iterator[list[str]], capabilities: Capabilities, members: Collection[str] | None,
    ahead: bool,
) -> Stream:  # fmt: skip
    """What stands under keys, batch by batch; ``ahead``: each begun before the caller has those before it."""
    begun: Any = None
    keys = next(batches, None)
    try:
        while keys is not None:
            if begun is None:
                rows = yield from storage.found(keys, capabilities, members)
                keys = next(batches, None)
            else:
                rows = yield Finish(begun)
            begun = None
            if ahead and keys is not None:
                begun = yield Begin(storage.found(keys, capabilities, members))
                # The keys after those while the server is at work: they may have to be merged.
                keys = next(batches, None)
            yield Deliver(rows)
        if begun is not None:
            rows = yield Finish(begun)
            begun = None
            yield Deliver(rows)
    finally:
        if begun is not None:
            begun.cancel()


def _members(plan: Plan) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """The members of documents that tell which are wanted, and those that are wanted of them; None is all."""
    asked = _firsts(paths_of(plan.where))
    select = plan.select
    wanted = None
    if select.members is not None:
        wanted = asked | select.members | _firsts(key.path for key in select.order) | _firsts(select.distinct or ())
    return (asked or wanted), wanted


def _firsts(paths: Iterable[Path]) -> frozenset[str]:
    return frozenset(str(path.steps[0]) for path in paths)


def row_filter(model: Any, where: Bound) -> Callable[[list[Row]], list[Row]]:
    """Those of rows that meet conditions; a member that cannot be read is told with its key."""
    if is_everything(where):
        return lambda rows: rows
    storage, meets = storage_of(model), predicate(where)
    read = members_reader(paths_of(where)) if storage.json else None

    def kept_slowly(row: Row) -> bool:
        key, stored = row
        try:
            return meets(storage.parsed(stored, key))
        except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise UnreadableDocument(f"{shown_key(key)} is no readable {model.__name__}: {error}") from None

    def kept(rows: list[Row]) -> list[Row]:
        found = []
        for row in rows:
            try:
                if meets(read(row[1])):  # type: ignore[misc]
                    found.append(row)
            except Exception:
                # The whole of it, to tell what is wrong.
                if kept_slowly(row):
                    found.append(row)
        return found

    return kept if read is not None else lambda rows: list(filter(kept_slowly, rows))


def documents_of(model: Any, paths: Iterable[Path]) -> Callable[[Row], Document]:
    """A function that gives what paths need of a row's document. It raises `UnreadableDocument`."""
    storage = storage_of(model)
    read = members_reader(paths) if storage.json else None

    def document(row: Row) -> Document:
        try:
            return read(row[1])  # type: ignore[misc]
        except ValueError:
            return storage.parsed(row[1], row[0])

    return document if read is not None else lambda row: storage.parsed(row[1], row[0])


# --- what the index gives -------------------------------------------------------------------------------------------


def _first_page(plan: Plan, text: str, capabilities: Capabilities) -> Operation[Page | None]:
    """The first rows that a query text finds, and how many there are in all; None where more than one page does."""
    if plan.filter is None:
        return complete(search_page((yield first_page_command(plan, text, capabilities))))
    # No cursor: a task that is cancelled before it removes it leaves it, and the server has room for 128 an index.
    most = min(FIRST_ROWS + 1, capabilities.most_sorted_rows)
    page = complete(aggregate_page((yield aggregate(plan, text, "LIMIT", "0", str(most), "LOAD", "2", "@__key", "$"))))
    # What it says of a total is not of the rows that FILTER left.
    return page._replace(total=len(page.rows)) if len(page.rows) < most else None


def first_page_command(plan: Plan, text: str, capabilities: Capabilities) -> Command:
    """FT.SEARCH of the first rows that a query text finds, with their documents."""
    most = min(FIRST_ROWS, capabilities.most_rows)
    return search(plan, text, "RETURN", "1", "$", "LIMIT", "0", str(most))


def keys_of(plan: Plan) -> Operation[list[str]]:
    """The keys of a plan's rows, order and slice apart; to be checked yet when they are read."""
    if plan.access == NONE:
        return []
    found = yield from _listed(plan, plan.widened)
    return (yield from storage_of(plan.select.model).keys()) if found is None else found


def _listed(plan: Plan, text: str, total: int | None = None) -> Operation[list[str] | None]:
    """The keys of all candidates, in one reply of the index where that is the way to them; else None: SCAN finds them.

    ``total`` is as the index told it, if it did.
    """
    if plan.access == SCAN or (yield from _most_keys_are_wanted(plan, text, total)):
        return None
    return (yield from indexed_keys(plan, text))


def _most_keys_are_wanted(plan: Plan, text: str, total: int | None) -> Operation[bool]:
    """Whether SCAN finds the keys sooner: it takes 1 µs a key of the database, and the index 8 for one of its own."""
    if total is None or plan.filter is not None or text != "*":
        return False
    return int((yield command("DBSIZE"))) <= MOST_OTHERS * total


def indexed_keys(plan: Plan, query: str) -> Operation[list[str] | None]:
    """The keys that the index finds, in one reply; None where it cannot tell them all apart."""
    reply = yield aggregate(plan, query, *LISTED)
    complete(aggregate_page(reply))
    return (yield from listed_keys(reply))


def listed_keys(reply: Any) -> Operation[list[str] | None]:
    """The keys of a reply to `LISTED`; None where the server, which tells them apart by a hash, took two for one."""
    keys = reduced(reply, "keys") or []
    if len(keys) != int(reduced(reply, "n") or 0):
        return None
    return (yield from taking_turns(in_turns(keys, lambda part: list(map(as_text, part)))))


def search(plan: Plan, text: str, *steps: str) -> Command:
    """FT.SEARCH of a query text."""
    return Command(("FT.SEARCH", plan.schema.name, text, "VERBATIM", *steps, "TIMEOUT", "0", *plan.arguments(text)))


def aggregate(plan: Plan, text: str, *steps: str) -> Command:
    """FT.AGGREGATE of a query text, the plan's FILTER first."""
    filters = ("FILTER", plan.filter) if plan.filter else ()
    return command("FT.AGGREGATE", plan.schema.name, text, "VERBATIM", *filters, *steps, "TIMEOUT", "0",
                   *plan.arguments(text))  # fmt: skip


def count_command(plan: Plan, text: str) -> Command:
    """The command that tells how many documents a query text finds."""
    if plan.filter is not None:
        return aggregate(plan, text, "GROUPBY", "0", "REDUCE", "COUNT", "0", "AS", "n")
    return search(plan, text, "NOCONTENT", "LIMIT", "0", "0")


def total_of(reply: Any) -> int:
    """How many rows there are, by FT.SEARCH's reply without content. Raises `IncompleteResult`."""
    total, warnings = told_total(reply)
    if warnings:
        raise _incomplete(warnings)
    return total


def complete(page: Page) -> Page:
    """The page; raises `IncompleteResult` where the server says that it is not whole."""
    if page.warnings:
        raise _incomplete(page.warnings)
    return page


def _incomplete(warnings: tuple[str, ...]) -> IncompleteResult:
    return IncompleteResult(f"the server left rows out: {'; '.join(warnings)}")

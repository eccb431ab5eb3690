"""Candidates of a plan, read and checked: complete while others write, and in bounded memory.

Pages by offset and cursors miss objects that others update meanwhile (542 and 405 of 50,000); one reply and SCAN miss
none. So a first page is all there is, or else the keys alone are asked for in one reply, and the documents read by
key, a batch at a time, and checked as they are then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from schematics.exceptions import BaseError

from ..codec import Document, parse
from ..errors import IncompleteResult, UnreadableDocument, shown_key
from ..paths import Path
from ..planner.plan import NONE, SCAN, Plan
from ..planner.predicate import predicate
from ..query.tree import Bound, is_everything, paths_of
from ..server.capabilities import Capabilities
from ..server.replies import Page, cursor_page, search_page
from ..storage import storage_of
from ..storage.base import BATCH
from .requests import Command, Deliver, Operation, Stream, command

Row = tuple[str, Document]
Keep = Callable[[str, Document], bool]
#: Rows asked for at first: RediSearch sets memory aside for as many as a query may return.
FIRST_ROWS = 1000
#: More keys than that come by SCAN.
MOST_KEYS = 1_000_000


class Tally:
    """How many documents were read."""

    def __init__(self) -> None:
        self.examined = 0


def rows_by_key(plan: Plan, capabilities: Capabilities, tally: Tally, doubtful: bool = False) -> Stream:
    """All rows of a plan in the order of their keys, a batch at a time, order and slice apart.

    ``doubtful`` tells that the index cannot answer by itself. Cost: 1 round trip for up to a thousand candidates, else
    1 for the keys (a scan: O(keys of the database)) and 1 for a thousand documents.
    """
    check = plan.where if doubtful else plan.check
    if plan.access != SCAN:
        page = yield from _first_page(plan, plan.widened if check is not None else plan.query, capabilities)
        if page is not None:
            yield from _deliver(plan, _parsed(page), checker(plan, check), tally)
            return
    keys = yield from _keys(plan, plan.query if check is None else plan.widened)
    # By now others may have written: what is read is checked whole.
    in_order = sorted(keys, key=storage_of(plan.select.model).rank, reverse=plan.select.keys_down)
    yield from read_rows(plan, in_order, capabilities, tally)


def read_rows(plan: Plan, keys: list[str], capabilities: Capabilities, tally: Tally) -> Stream:
    """The rows of a plan among keys, in the keys' order; 1 round trip a thousand keys."""
    keep = checker(plan, plan.where)
    storage = storage_of(plan.select.model)
    first, then = _members(plan) if storage.partial else (None, None)
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        rows = yield from storage.read(batch, capabilities, first)
        tally.examined += len(rows)
        kept = [row for row in rows if keep(*row)]
        if first != then and kept:
            # Now the rest of them, checked once more: others may have written.
            rows = yield from storage.read([key for key, _ in kept], capabilities, then)
            kept = [row for row in rows if keep(*row)]
        yield Deliver(kept)


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


def _deliver(plan: Plan, rows: list[Row], keep: Keep, tally: Tally) -> Stream:
    tally.examined += len(rows)
    # Keys that an index holds have no end of their own, so that they have the order of primary keys.
    rows.sort(key=lambda row: row[0], reverse=plan.select.keys_down)
    yield Deliver([row for row in rows if keep(*row)])


def checker(plan: Plan, where: Bound | None) -> Keep:
    """A check of rows, in which a member that cannot be read is told with its key."""
    if where is None or is_everything(where):
        return lambda key, document: True
    meets, name = predicate(where), plan.select.model.__name__

    def check(key: str, document: Document) -> bool:
        try:
            return meets(document)
        except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise UnreadableDocument(f"{shown_key(key)} is no readable {name}: {error}") from None

    return check


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


def _parsed(page: Page) -> list[Row]:
    # A document that expired between the index and the load is there without its text.
    return [(key, parse(values["$"], key)) for key, values in page.rows if values.get("$") is not None]


def complete(page: Page) -> Page:
    """The page; raises `IncompleteResult` where the server says that it is not whole."""
    if page.warnings:
        raise IncompleteResult(f"the server left rows out: {'; '.join(page.warnings)}")
    return page

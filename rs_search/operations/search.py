"""Answering questions: plan, fetch candidates, check what is left, order and cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schematics.exceptions import BaseError

from ..codec import Document, parse
from ..errors import IncompleteResult, MissingIndex, UnreadableDocument
from ..planner.plan import INDEX, NONE, SCAN, Plan, Select, explain, make_plan, refuse_scan, sort_arguments
from ..planner.predicate import predicate, sort_rows
from ..query.tree import Bound
from ..server.capabilities import Capabilities, ServerState, discover
from ..server.replies import Page, aggregate_page, search_page
from ..storage import json_document
from .index import ensure_index
from .requests import Batch, Command, Operation, command

Row = tuple[str, Document]
#: Rows asked for at first: RediSearch sets memory aside for as many as a query may return.
FIRST_ROWS = 1000
#: Times a page is read again because a document of it was gone when it was loaded.
MOST_RETRIES = 3


def select_rows(state: ServerState, select: Select) -> Operation[list[Row]]:
    """The rows of a question, in order.

    Cost: 1 round trip where the index tells exactly (2 beyond a thousand rows), plus the check of its candidates; a
    scan reads the collection, a thousand documents a round trip.
    """
    rows: list[Row] = yield from _answer(state, select, _index_rows, _scan_rows, [])
    return rows


def count_rows(state: ServerState, select: Select) -> Operation[int]:
    """How many rows a question has; 1 round trip where the index tells exactly, else as `select_rows`."""
    total: int = yield from _answer(state, select, _index_count, _scan_count, 0)
    return total


def explain_select(state: ServerState, select: Select) -> Operation[str]:
    """The plan of a question in words, without answering it."""
    capabilities = yield from discover(state)
    return explain(make_plan(select, capabilities.why_no_search), capabilities.description)


Answer = Callable[[Plan, Capabilities], Operation[Any]]


def _answer(state: ServerState, select: Select, by_index: Answer, by_scan: Answer, nothing: Any) -> Operation[Any]:
    capabilities = yield from discover(state)
    plan = make_plan(select, capabilities.why_no_search)
    refuse_scan(plan)
    if plan.access == NONE:
        return nothing
    if plan.access == SCAN:
        return (yield from by_scan(plan, capabilities))
    yield from ensure_index(state, plan.schema)
    try:
        return (yield from by_index(plan, capabilities))
    except MissingIndex:
        # FLUSHALL and FT.DROPINDEX take it away; it is made again, once.
        state.ready_indexes.discard(plan.schema.name)
        yield from ensure_index(state, plan.schema)
        return (yield from by_index(plan, capabilities))


# --- by scan --------------------------------------------------------------------------------------------------------


def _scan_rows(plan: Plan, capabilities: Capabilities) -> Operation[list[Row]]:
    rows = yield from json_document.scan(plan.schema.prefix, capabilities, checker(plan.select.model, plan.where))
    return _ordered_slice(rows, plan)


def _scan_count(plan: Plan, capabilities: Capabilities) -> Operation[int]:
    rows = yield from json_document.scan(plan.schema.prefix, capabilities, checker(plan.select.model, plan.where))
    return len(_slice(rows, plan))


def checker(model: Any, where: Bound) -> Callable[[str, Document], bool]:
    """A check of rows, in which a member that cannot be read is told with its key."""
    meets = predicate(where)

    def check(key: str, document: Document) -> bool:
        try:
            return meets(document)
        except (BaseError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise UnreadableDocument(f"{key} is no readable {model.__name__}: {error}") from None

    return check


def _ordered_slice(rows: list[Row], plan: Plan) -> list[Row]:
    return _slice(sort_rows(rows, plan.select.order), plan)


def _slice(rows: list[Row], plan: Plan) -> list[Row]:
    return rows[plan.select.start : plan.select.stop] if plan.select.sliced else rows


# --- by index -------------------------------------------------------------------------------------------------------


def _index_rows(plan: Plan, capabilities: Capabilities) -> Operation[list[Row]]:
    if plan.check is None and not (yield from _has_doubts(plan)):
        if plan.server_order and (plan.select.sliced or plan.select.order):
            rows = yield from _sorted_rows(plan, capabilities)
            if rows is not None:
                return rows
        candidates = yield from _candidates(plan, plan.query, capabilities)
    else:
        candidates = yield from _candidates(plan, plan.widened, capabilities)
        keep = checker(plan.select.model, plan.check or plan.where)
        candidates = [row for row in candidates if keep(*row)]
    return _ordered_slice(candidates, plan)


def _index_count(plan: Plan, capabilities: Capabilities) -> Operation[int]:
    if plan.check is not None:
        return len((yield from _index_rows(plan, capabilities)))
    commands = [_count_command(plan, plan.query)]
    if plan.doubts:
        commands.append(_count_command(plan, plan.doubts_query))
    replies = yield Batch(tuple(commands))
    total, *doubts = [_complete(search_page(reply, content=False)).total for reply in replies]
    if any(doubts):
        return len((yield from _index_rows(plan, capabilities)))
    stop = total if plan.select.stop is None else min(plan.select.stop, total)
    return max(0, stop - plan.select.start)


def _has_doubts(plan: Plan) -> Operation[bool]:
    if not plan.doubts:
        return False
    reply = yield _count_command(plan, plan.doubts_query)
    return _complete(search_page(reply, content=False)).total > 0


def _count_command(plan: Plan, text: str) -> Command:
    return command("FT.SEARCH", plan.schema.name, text, "VERBATIM", "NOCONTENT", "LIMIT", "0", "0", "TIMEOUT", "0",
                   *plan.arguments(text))  # fmt: skip


def _candidates(plan: Plan, text: str, capabilities: Capabilities) -> Operation[list[Row]]:
    """All documents that a query text finds; by scan where they are more than the server gives at once."""
    page = yield from _search(plan, text, min(FIRST_ROWS, capabilities.most_rows))
    if len(page.rows) < page.total <= capabilities.most_rows:
        # One reply, not pages by offset: those miss rows while others are written.
        page = yield from _search(plan, text, capabilities.most_rows)
    if len(page.rows) < page.total:
        rows = yield from json_document.scan(plan.schema.prefix, capabilities, checker(plan.select.model, plan.where))
        return list(rows)
    # A document that expired between the index and the load is there without its text.
    return [(key, parse(values["$"], key)) for key, values in page.rows if values.get("$") is not None]


def _search(plan: Plan, text: str, most: int) -> Operation[Page]:
    reply = yield command("FT.SEARCH", plan.schema.name, text, "VERBATIM", "RETURN", "1", "$", "LIMIT", "0", str(most),
                          "TIMEOUT", "0", *plan.arguments(text))  # fmt: skip
    return _complete(search_page(reply))


def _sorted_rows(plan: Plan, capabilities: Capabilities) -> Operation[list[Row] | None]:
    """The rows as FT.AGGREGATE orders and cuts them; None where it cannot reach so far."""
    stop = capabilities.most_sorted_rows if plan.select.stop is None else plan.select.stop
    if stop > capabilities.most_sorted_rows or stop <= plan.select.start:
        return [] if stop <= plan.select.start else None
    words = command(
        "FT.AGGREGATE", plan.schema.name, plan.query, "VERBATIM", "LOAD", "1", "@__key", *sort_arguments(plan),
        "LIMIT", str(plan.select.start), str(stop - plan.select.start), "LOAD", "1", "$", "TIMEOUT", "0",
        *plan.arguments(plan.query),
    )  # fmt: skip
    for _ in range(MOST_RETRIES):
        page = _complete(aggregate_page((yield words)))
        if all(values.get("$") is not None for _, values in page.rows):
            limited = plan.select.stop is None and plan.select.start + len(page.rows) >= stop
            return None if limited else [(key, parse(values["$"], key)) for key, values in page.rows]
    return None


def _complete(page: Page) -> Page:
    if page.warnings:
        raise IncompleteResult(f"the server left rows out: {'; '.join(page.warnings)}")
    return page


__all__ = ["INDEX", "Row", "checker", "count_rows", "explain_select", "select_rows"]

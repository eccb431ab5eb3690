"""Operations that are one command, without a generator between a call and its command.

Each does what the operation of its name does where nothing is to be found out first: the server is known, the plan is
kept, the index serves. It declines by None before anything is asked; where the reply tells that there is more to do, it
gives the operation that does it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from schematics.models import Model

from ..hydration import hydrator
from ..instances import note_written, prepare
from ..memo import once_per_class
from ..options import options_of
from ..planner import templates
from ..planner.plan import Plan, Select
from ..primary_key import is_plain, is_text_of_pk
from ..reading import Row
from ..server.capabilities import Capabilities, ServerState
from ..server.replies import Page, aggregate_page, search_page, told_total
from ..storage import storage_of
from ..storage.json_document import JsonDocuments, text_of
from .candidates import FIRST_ROWS, first_page_command, search
from .index import serves
from .ordering import is_cut, sorted_command
from .records import put_prepared
from .requests import ASK, WRITE, Direct, Operation

#: What makes the result of rows.
Finish = Callable[[list[Row]], Any]
#: The operation itself, which is told how many candidates there are if that is known.
Again = Callable[..., Operation[Any]]
#: Makes a named tuple as its own constructor does, in half the time.
_new: Any = tuple.__new__
_KEY = itemgetter(0)


# --- one object -------------------------------------------------------------------------------------------------------


def get(
    state: ServerState, model: type[Model], pk: Any, again: Again, missing: Callable[[], Any], named: str | None = None
) -> Direct | None:
    """The object with a primary key that is its own text, and is the value of the field ``named`` if one is.

    ``missing`` gives what is to be done where there is none, or raises.
    """
    by_pk, capabilities = _by_pk(model), state.known
    if by_pk is None or capabilities is None or not capabilities.json or not is_plain(pk):
        return None
    key_of, build = by_pk
    key = key_of(pk)

    def answer(reply: Any) -> Any:
        if reply is not None:
            made = build(key, text_of(reply))
            if named is None or made._data.get(named) == pk:
                return made
        return missing()

    return _new(Direct, (("JSON.GET", key), answer, again, ASK))  # type: ignore[no-any-return]


@once_per_class
def _by_pk(model: type[Model]) -> tuple[Callable[[str], str], Callable[[str, Any], Any]] | None:
    """What makes the key of a primary key, and the object of what stands there; None where there is more to it."""
    storage = storage_of(model)
    plain = type(storage) is JsonDocuments and is_text_of_pk(model)
    return (storage.pattern.key, hydrator(model)) if plain else None


def put(state: ServerState, instance: Any, expire: int | None) -> Direct | None:
    """Keep an instance, whole and whatever was there. Raises as `prepare`."""
    capabilities = state.known
    if expire is not None or capabilities is None or not capabilities.json or not _is_put_at_once(type(instance)):
        return None
    prepared = prepare(instance)

    def again() -> Operation[bool]:
        return put_prepared(state, instance, prepared, expire)

    def answer(reply: Any) -> bool:
        note_written(instance, prepared)
        return True

    return _new(Direct, (("JSON.SET", prepared.key, "$", prepared.payload), answer, again, WRITE))  # type: ignore[no-any-return]


@once_per_class
def _is_put_at_once(model: type[Model]) -> bool:
    return type(storage_of(model)) is JsonDocuments and options_of(model).version_field is None


# --- questions --------------------------------------------------------------------------------------------------------


def rows(state: ServerState, select: Select, finish: Finish, again: Again) -> Direct | None:
    """The rows of a question: all of them where one page has them, or a slice of them by key."""
    capabilities = state.known
    plan = _plan(state, capabilities, select)
    if plan is None or capabilities is None or select.order:
        return None
    if not select.sliced:
        return _page(state, plan, capabilities, finish, again)
    start, stop = select.start, select.stop
    if stop is None or not plan.server_order or stop > capabilities.most_sorted_rows:
        return None
    # Of more than a page, other tasks have their turn between the rows.
    return _slice(state, plan, stop, finish, again) if 0 < stop - start <= FIRST_ROWS else None


def _page(state: ServerState, plan: Plan, capabilities: Capabilities, finish: Finish, again: Again) -> Direct:
    reconnects, down = state.reconnects, plan.select.keys_down

    def answer(reply: Any) -> Any:
        page = search_page(reply)
        if page.warnings or not page.whole or state.reconnects != reconnects:
            return again()
        found = page.rows
        if len(found) < page.total:
            return again(page.total)
        found.sort(key=_KEY, reverse=down)
        return finish(found)

    return _new(Direct, (first_page_command(plan, plan.query, capabilities).arguments, answer, again, ASK))  # type: ignore[no-any-return]


def _slice(state: ServerState, plan: Plan, stop: int, finish: Finish, again: Again) -> Direct:
    reconnects, start = state.reconnects, plan.select.start

    def answer(reply: Any) -> Any:
        page: Page = aggregate_page(reply)
        if page.warnings or not page.whole or is_cut(page, start, stop) or state.reconnects != reconnects:
            return again()
        return finish(page.rows)

    return _new(Direct, (sorted_command(plan, stop).arguments, answer, again, ASK))  # type: ignore[no-any-return]


def count(state: ServerState, select: Select, again: Again) -> Direct | None:
    """How many rows a question has, where nothing that the index finds may be gone."""
    plan = _plan(state, state.known, select)
    if plan is None or options_of(select.model).expire is not None:
        return None
    reconnects = state.reconnects

    def answer(reply: Any) -> Any:
        total, warnings = told_total(reply)
        if warnings or state.reconnects != reconnects:
            return again()
        return len(range(total)[select.start : select.stop]) if select.sliced else total

    command = search(plan, plan.query, "NOCONTENT", "LIMIT", "0", "0")
    return _new(Direct, (command.arguments, answer, again, ASK))  # type: ignore[no-any-return]


def _plan(state: ServerState, capabilities: Capabilities | None, select: Select) -> Plan | None:
    """The kept plan of a question, if its index serves and answers it without a doubt."""
    if capabilities is None or capabilities.why_no_search is not None:
        return None
    plan = templates.recall(select)
    return plan if plan is not None and not plan.doubts and serves(state, plan.schema) else None

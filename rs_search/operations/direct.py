"""Operations that are one command, without a generator between a call and its command.

Each does what the operation of its name does where nothing is to be found out first: the server is known, the plan is
kept, the index serves. It declines by None before anything is asked; where the reply tells that there is more to do, it
gives the operation that does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from schematics.models import Model

from ..hydration import hydrator
from ..instances import note_written, prepare
from ..memo import once_per_class
from ..options import options_of
from ..planner import templates
from ..planner.plan import Select
from ..primary_key import is_plain, is_text_of_pk
from ..query.answers import Again
from ..reading import Row
from ..server.capabilities import Capabilities, ServerState
from ..server.replies import Page, aggregate_page, search_page, told_total
from ..storage import storage_of
from ..storage.json_document import JsonDocuments, text_of
from .candidates import FIRST_ROWS, count_command, first_page_command
from .index import serves
from .ordering import is_cut, sorted_command
from .records import put_prepared
from .requests import ASK, WRITE, Direct, Operation

#: What makes the result of rows.
Finish = Callable[[list[Row]], Any]
_Kept = tuple[templates.Template, list[str]]
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
            made = build(key, reply if type(reply) is bytes else text_of(reply))
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


def put(state: ServerState, instance: Any) -> Direct | None:
    """Keep an instance, whole, whatever was there, and for as long as its model says. Raises as `prepare`."""
    capabilities = state.known
    if capabilities is None or not capabilities.json or not _is_put_at_once(type(instance)):
        return None
    prepared = prepare(instance)

    def again() -> Operation[bool]:
        return put_prepared(state, instance, prepared, None)

    def answer(reply: Any) -> bool:
        note_written(instance, prepared)
        return True

    return _new(Direct, (("JSON.SET", prepared.key, "$", prepared.payload), answer, again, WRITE))  # type: ignore[no-any-return]


@once_per_class
def _is_put_at_once(model: type[Model]) -> bool:
    options = options_of(model)
    return type(storage_of(model)) is JsonDocuments and options.version_field is None and options.expire is None


# --- questions --------------------------------------------------------------------------------------------------------


def rows(state: ServerState, select: Select, finish: Finish, again: Again) -> Direct | None:
    """The rows of a question: all of them where one page has them, or a slice of them by key."""
    capabilities = state.known
    found = _kept(state, capabilities, select)
    if found is None or capabilities is None or select.order:
        return None
    if not select.sliced:
        return _page(state, select, found, capabilities, finish, again)
    start, stop = select.start, select.stop
    if stop is None or not found[0].plan.server_order or stop > capabilities.most_sorted_rows:
        return None
    # Of more than a page, other tasks have their turn between the rows.
    return _slice(state, select, found, finish, again) if 0 < stop - start <= FIRST_ROWS else None


def _page(
    state: ServerState, select: Select, found: _Kept, capabilities: Capabilities, finish: Finish, again: Again
) -> Direct:
    template, values = found
    reconnects, plan = state.reconnects, template.plan

    def make() -> Sequence[Any]:
        return first_page_command(plan, plan.query, capabilities).arguments

    def answer(reply: Any) -> Any:
        page = search_page(reply)
        if page.warnings or not page.whole or state.reconnects != reconnects:
            return again()
        rows = page.rows
        if len(rows) < page.total:
            return again(page.total)
        rows.sort(key=_KEY, reverse=select.keys_down)
        return finish(rows)

    words = template.command(capabilities.most_rows, make, values)
    return _new(Direct, (words, answer, again, ASK))  # type: ignore[no-any-return]


def _slice(state: ServerState, select: Select, found: _Kept, finish: Finish, again: Again) -> Direct:
    template, values = found
    reconnects, start, stop = state.reconnects, select.start, select.stop or 0

    def make() -> Sequence[Any]:
        return sorted_command(template.plan._replace(select=select), stop).arguments

    def answer(reply: Any) -> Any:
        page: Page = aggregate_page(reply)
        if page.warnings or not page.whole or is_cut(page, start, stop) or state.reconnects != reconnects:
            return again()
        return finish(page.rows)

    words = template.command((start, stop, select.keys_down), make, values)
    return _new(Direct, (words, answer, again, ASK))  # type: ignore[no-any-return]


def count(state: ServerState, select: Select, again: Again) -> Direct | None:
    """How many rows a question has, where nothing that the index finds may be gone."""
    found = _kept(state, state.known, select)
    if found is None or options_of(select.model).expire is not None:
        return None
    template, values = found
    reconnects = state.reconnects

    def make() -> Sequence[Any]:
        return count_command(template.plan, template.plan.query).arguments

    def answer(reply: Any) -> Any:
        total, warnings = told_total(reply)
        if warnings or state.reconnects != reconnects:
            return again()
        return len(range(total)[select.start : select.stop]) if select.sliced else total

    return _new(Direct, (template.command("count", make, values), answer, again, ASK))  # type: ignore[no-any-return]


def _kept(state: ServerState, capabilities: Capabilities | None, select: Select) -> _Kept | None:
    """The kept plan of a question and its values, if its index serves and answers it without a doubt."""
    if capabilities is None or capabilities.why_no_search is not None:
        return None
    found = templates.look(select)
    plan = None if found is None else found[0].plan
    return found if plan is not None and not plan.doubts and serves(state, plan.schema) else None

"""One question asked of several servers and of the definition; a difference is made small and told as Python."""

from __future__ import annotations

import datetime as dt
import decimal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import redis
from fixtures.strategies import Thing, documents
from property.definition import comparable, first_of_each, in_order, meets, row_value
from property.drawing import Asker, ModelSource, class_of, orderable

import rs_search
from rs_search import Q, RedisMixinException

Clients = dict[str, redis.Redis]
MOST_SECONDS_TO_SHRINK = 20.0


@dataclass(frozen=True)
class Case:
    """A model, its documents, and a question: ``ask`` names one of `ASKED`."""

    model: Any
    source: str | None
    documents: tuple[dict[str, Any], ...]
    query: Q
    other: Q
    order: tuple[str, ...] = ()
    start: int = 0
    stop: int | None = None
    ask: str = "rows"

    def rows(self) -> Any:
        return self.model.filter(self.query).order_by(*self.order)

    @property
    def names(self) -> tuple[str, ...]:
        """Fields for `values` and `distinct`."""
        return tuple(name.removeprefix("-") for name in self.order) or tuple(self.model._schema.fields)[1:2]


class Difference(AssertionError):
    """A question with two answers."""

    def __init__(self, case: Case, told: str) -> None:
        super().__init__(f"{told}\n\n{as_python(case)}")
        self.case = case


def _pks(rows: Any) -> list[Any]:
    return [one.pk for one in rows if one is not None]


#: What is asked of a result set, and what the definition's rows, in order, say to that.
ASKED: dict[str, tuple[Callable[[Case], Any], Callable[[Case, list[Any]], Any]]] = {
    "rows": (lambda c: _pks(c.rows()), lambda c, rows: _pks(rows)),
    "count": (lambda c: c.rows().count(), lambda c, rows: len(rows)),
    "same": (lambda c: [comparable(one) for one in c.rows()], lambda c, rows: [comparable(one) for one in rows]),
    "slice": (lambda c: _pks(c.rows()[c.start : c.stop]), lambda c, rows: _pks(rows[c.start : c.stop])),
    "count of slice": (lambda c: c.rows()[c.start : c.stop].count(), lambda c, rows: len(rows[c.start : c.stop])),
    "slice of slice": (
        lambda c: _pks(c.rows()[1:9][c.start : c.stop]),
        lambda c, rows: _pks(rows[1:9][c.start : c.stop]),
    ),
    # Each of them is looked for where the one before it ended.
    "pages": (
        lambda c: [_pks(c.rows()[start:stop]) for start, stop in _pages(c)],
        lambda c, rows: [_pks(rows[start:stop]) for start, stop in _pages(c)],
    ),
    "printed": (lambda c: _pks(_again(c.rows()[c.start : c.stop], c)), lambda c, rows: _pks(rows[c.start : c.stop])),
    "exists": (lambda c: c.rows().exists(), lambda c, rows: bool(rows)),
    "first": (lambda c: _pks([c.rows().first()]), lambda c, rows: _pks(rows[:1])),
    "last": (lambda c: _pks([c.rows().last()]), lambda c, rows: _pks(rows[-1:])),
    "reverse": (lambda c: _pks(c.rows().reverse()), lambda c, rows: _pks(in_order(rows, _turned(c.order), True))),
    "iterator": (lambda c: _pks(c.rows()[c.start : c.stop].iterator()), lambda c, rows: _pks(rows[c.start : c.stop])),
    "exclude": (lambda c: _pks(c.model.exclude(c.query).order_by(*c.order)), lambda c, rows: _pks(_others(c, rows))),
    "union": (lambda c: _pks(c.rows() | c.model.filter(c.other)), lambda c, rows: _pks(_joined(c, c.query | c.other))),
    "both": (lambda c: _pks(c.rows() & c.model.filter(c.other)), lambda c, rows: _pks(_joined(c, Q(c.query, c.other)))),
    "in_bulk": (
        lambda c: sorted(c.rows().in_bulk(["0", "1é", "no"])),
        lambda c, rows: [pk for pk in ("0", "1é") if pk in _pks(rows)],
    ),
    "values": (
        lambda c: [comparable(row) for row in c.rows().values(*c.names)],
        lambda c, rows: [comparable({n: row_value(one, n.split("__")) for n in c.names}) for one in rows],
    ),
    "values_list": (
        lambda c: [comparable(row) for row in c.rows()[c.start : c.stop].values_list(c.names[0], flat=True)],
        lambda c, rows: [comparable(row_value(one, c.names[0].split("__"))) for one in rows[c.start : c.stop]],
    ),
    "distinct": (
        lambda c: _pks(c.rows().distinct(*c.names)[c.start : c.stop]),
        lambda c, rows: _pks(first_of_each(rows, c.names)[c.start : c.stop]),
    ),
    "count of distinct": (
        lambda c: c.rows().distinct(*c.names).count(),
        lambda c, rows: len(first_of_each(rows, c.names)),
    ),
    "iterator of distinct": (
        lambda c: _pks(c.rows().distinct(*c.names).iterator()),
        lambda c, rows: _pks(first_of_each(rows, c.names)),
    ),
    "only": (lambda c: _pks(c.rows().only("pk")[c.start : c.stop]), lambda c, rows: _pks(rows[c.start : c.stop])),
    "index": (
        lambda c: c.rows()[c.start].pk if c.rows()[c.start :].exists() else None,
        lambda c, rows: rows[c.start].pk if len(rows) > c.start else None,
    ),
}


def _pages(case: Case) -> list[tuple[int, int | None]]:
    return [(0, 2), (2, 4), (case.start, case.stop), (0, 1), (0, 5), (case.start, case.stop)]


def _again(asked: Any, case: Case) -> Any:
    """A result set made once more of the Python that it prints as."""
    names = {"Q": Q, "UUID": uuid.UUID, "Decimal": decimal.Decimal, "datetime": dt, case.model.__name__: case.model}
    return eval(repr(asked), names)


def _turned(order: tuple[str, ...]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]


def _instances(case: Case) -> list[Any]:
    return [case.model(one) for one in case.documents]


def _others(case: Case, rows: list[Any]) -> list[Any]:
    found = _pks(rows)
    return in_order([one for one in _instances(case) if one.pk not in found], case.order)


def _joined(case: Case, query: Q) -> list[Any]:
    return in_order([one for one in _instances(case) if meets(one, query)], case.order)


def store(case: Case, clients: Clients) -> list[Any]:
    """Keep the documents, and no others of the model, on every server; gives them as instances."""
    for client in clients.values():
        rs_search.connect(client)
        case.model.delete_all()
        for one in _instances(case):
            one.set()
    return _instances(case)


def rows_of(case: Case, instances: list[Any]) -> list[Any]:
    """What the definition gives."""
    return in_order([one for one in instances if meets(one, case.query)], case.order)


def compare(case: Case, rows: list[Any], clients: Clients) -> str | None:
    """What differs from the definition's rows, in words; None where nothing does."""
    ask, expect = ASKED[case.ask]
    expected = expect(case, rows)
    for server, client in clients.items():
        rs_search.connect(client)
        try:
            got = ask(case)
        except Exception as error:
            return f"{server}: {case.ask}: raised {type(error).__name__}: {error}; the definition gives {expected!r}"
        if got != expected:
            return f"{server}: {case.ask}: got {got!r}; the definition gives {expected!r}"
    return None


# --- drawing ----------------------------------------------------------------------------------------------------------


def batch(
    rng: Random,
    clients: Clients,
    queries: int,
    objects: int = 30,
    fixed: bool | None = None,
    layer: str = "SearchRedisMixin",
) -> Iterator[None]:
    """Questions of one model and its documents; yields after each. Raises `Difference`.

    ``fixed`` asks of `Thing`, else of a model class drawn as well, on a layer; None leaves that to chance.
    """
    source = None if (rng.random() < 0.4 if fixed is None else fixed) else ModelSource(rng, layer).text
    model = Thing if source is None else class_of(source)
    empty = Case(model, source, tuple(documents(rng, model, objects)), Q(), Q())
    instances = store(empty, clients)
    asker = Asker(rng, model, instances)
    sortable = orderable(asker.spots)
    for _ in range(queries):
        case = _drawn(rng, empty, asker, sortable)
        rows = rows_of(case, instances)
        for ask in ("rows", "count", rng.choice(list(ASKED)[2:])):
            told = compare(replace(case, ask=ask), rows, clients)
            if told is not None:
                raise Difference(*shrunk(replace(case, ask=ask), told, clients))
        yield


def _drawn(rng: Random, case: Case, asker: Asker, sortable: list[str]) -> Case:
    count = rng.choice([0, 0, 1, 1, 2, 3]) if sortable else 0
    order = tuple(rng.choice(["", "-"]) + rng.choice(sortable) for _ in range(count))
    stop = rng.choice([None, rng.randint(0, 12)])
    return replace(case, query=asker.query(), other=asker.query(1), order=order, start=rng.randint(0, 4), stop=stop)


# --- making a difference small ----------------------------------------------------------------------------------------


def shrunk(case: Case, told: str, clients: Clients) -> tuple[Case, str]:
    """A smaller case that differs as well: documents, members, lookups and values left out while it does."""
    end = time.monotonic() + MOST_SECONDS_TO_SHRINK
    found = True
    while found and time.monotonic() < end:
        found = False
        for smaller in _smaller_cases(case):
            if time.monotonic() > end:
                break
            again = _differs(smaller, clients)
            if again is not None and _manner(again) == _manner(told):
                case, told, found = smaller, again, True
                break
    return case, told


def _manner(told: str) -> tuple[str, bool]:
    return told.split(":")[0], ": raised " in told


def _differs(case: Case, clients: Clients) -> str | None:
    try:
        return compare(case, rows_of(case, store(case, clients)), clients)
    except Exception:
        # It cannot be stored or asked: no smaller case of this difference.
        return None


def _smaller_cases(case: Case) -> Iterator[Case]:
    if case.ask not in ("rows", "count"):
        yield from (replace(case, ask=ask) for ask in ("rows", "count"))
    size = len(case.documents)
    step = size
    while step >= 1:
        for start in range(0, size, step):
            if step < size:
                yield replace(case, documents=case.documents[:start] + case.documents[start + step :])
        step //= 2
    yield from (replace(case, order=case.order[:n] + case.order[n + 1 :]) for n in range(len(case.order)))
    yield from (replace(case, query=query) for query in smaller_queries(case.query))
    if case.other.children:
        yield from (replace(case, other=query) for query in (Q(), *smaller_queries(case.other)))
    if case.start or case.stop is not None:
        yield replace(case, start=0, stop=None)
    for place, one in enumerate(case.documents):
        for changed in _smaller_dict({name: value for name, value in one.items() if name != "pk"}):
            rest = (*case.documents[:place], {"pk": one["pk"], **changed}, *case.documents[place + 1 :])
            yield replace(case, documents=rest)


def smaller_queries(query: Q) -> Iterator[Q]:
    """Queries with less in them."""
    if query.negated:
        yield ~query
    children = [child if isinstance(child, Q) else Q(**{child[0]: child[1]}) for child in query.children]
    if len(children) == 1 and isinstance(query.children[0], tuple):
        name, value = query.children[0]
        for less in smaller_queries(value) if isinstance(value, Q) else _smaller(value):
            yield ~Q(**{name: less}) if query.negated else Q(**{name: less})
        return
    yield from children
    for place, child in enumerate(children):
        for less in ([], *([one] for one in smaller_queries(child))):
            changed = [*children[:place], *less, *children[place + 1 :]]
            if changed:
                yield _joined_again(changed, query)


def _joined_again(children: list[Q], query: Q) -> Q:
    joined = children[0]
    for child in children[1:]:
        joined = (
            Q(joined, child) if query.connector == "&" else joined | child if query.connector == "|" else joined ^ child
        )
    return ~joined if query.negated else joined


def _smaller(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        yield from (value[: len(value) // 2], value[len(value) // 2 :]) if len(value) > 2 else ()
        yield from (value[:n] + value[n + 1 :] for n in range(min(len(value), 12)))
    elif isinstance(value, list) and value and not isinstance(value[0], tuple):
        yield from (value[:n] + value[n + 1 :] for n in range(len(value)))
        yield from ([*value[:n], less, *value[n + 1 :]] for n, one in enumerate(value) for less in _smaller(one))
    elif isinstance(value, dict):
        yield from _smaller_dict(value)
    elif isinstance(value, dt.datetime) and (value.microsecond or value.minute):
        yield value.replace(microsecond=0, minute=0)


def _smaller_dict(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from ({name: v for name, v in value.items() if name != out} for out in value)
    yield from ({**value, name: less} for name, one in value.items() for less in _smaller(one))


# --- telling ----------------------------------------------------------------------------------------------------------


def as_python(case: Case) -> str:
    """A program that shows the case."""
    name = case.model.__name__
    head = f"from fixtures.strategies import {name}  # PYTHONPATH=tests" if case.source is None else case.source
    order = f".order_by({', '.join(map(repr, case.order))})" if case.order else ""
    end = (
        f"[{case.start or ''}:{'' if case.stop is None else case.stop}]" if case.start or case.stop is not None else ""
    )
    other = f"\nother = {name}.filter({case.other!r})" if case.ask in ("union", "both") else ""
    try:
        plan = f"\n# {case.rows().explain()!s}".replace("\n", "\n# ")[3:]
    except RedisMixinException as error:
        plan = f"# {error}"
    lines = [
        "import datetime, decimal, uuid",
        "from decimal import Decimal\nfrom uuid import UUID\nfrom schematics import models, types",
        "from rs_search import *\n",
        head,
        "",
        *(f"{name}({one!r}).set()" for one in case.documents),
        f"found = {name}.filter({case.query!r}){order}{other}",
        f"print([one.pk for one in found{end}], found.count())  # {case.ask}",
        plan,
    ]
    return "\n".join(lines)

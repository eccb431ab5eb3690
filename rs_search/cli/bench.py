"""``rs-search bench``: a short measurement with objects of its own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import click
from schematics.models import Model
from schematics.types import IntType, StringType

from ..all_operations import Objects, objects
from ..errors import SchemaError, ServerError
from ..model import SearchRedisMixin
from ..operations.requests import Operation, command
from ..options import options_of
from ..server.calls import Calls
from ..storage.json_document import STRINGS
from .base import Command
from .output import print_rows, progress, to_json

#: Beginnings of keys that are nobody's but this command's.
PREFIX = "rs-search-bench-"
FLAVOURS = ("vanilla", "chocolate", "lemon", "kiwi", "hazelnut")
ONE_BY_ONE = 200
QUERIES = 50
#: So many are measured.
STEPS = 7


@dataclass(frozen=True)
class Measured:
    """So many operations took so long."""

    name: str
    operations: int
    seconds: float

    @property
    def row(self) -> dict[str, Any]:
        """As it is printed."""
        return {
            "operation": self.name,
            "operations": self.operations,
            "per_second": round(self.operations / self.seconds),
            "milliseconds": round(self.seconds / self.operations * 1000, 3),
        }


@click.command(cls=Command, example="rs-search bench --objects 10000 --url redis://localhost:6379/0")
@click.option(
    "--objects", "number", type=click.IntRange(1), metavar="N", default=2000, show_default=True, help="So many objects."
)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON an operation.")
def bench(number: int, as_json: bool) -> None:
    """Measure what the server does a second.

    With objects of its own under a prefix of their own; they and their index are removed at the end, and nothing else
    is read or written.
    """
    with _temporary_model() as model, progress("measuring") as tell:
        found = []
        for one in _measured(model, number):
            found.append(one.row)
            tell(len(found), STEPS)
    if as_json:
        for row in found:
            click.echo(to_json(row))
    else:
        print_rows(tuple(found[0]), (tuple(row.values()) for row in found))


@contextmanager
def _temporary_model() -> Iterator[Objects[Any]]:
    class Bench(Model, SearchRedisMixin):  # type: ignore[misc]
        # What classes of the package declare is taken for the mixins' own, and a prefix of theirs for none.
        __module__ = "rs_search_bench"
        __prefix__ = f"{PREFIX}{uuid.uuid4().hex}"
        pk = StringType()
        flavour = StringType()
        amount = IntType()

    own: Objects[Any] = objects(Bench)
    beginning = options_of(Bench).key_ends[0]
    if not beginning.startswith(PREFIX):
        # What follows removes everything under it.
        raise SchemaError(f"the keys to measure with begin with {beginning!r}, which may be another's")
    try:
        yield own
    finally:
        own.delete_all()
        Calls(Bench).call_operation("bench", lambda state: _forget(beginning))
        # There is none where the server has no RediSearch.
        with suppress(ServerError):
            own.index.drop()


def _forget(beginning: str) -> Operation[None]:
    """Remove the note that there are strings, which a server without RedisJSON gets."""
    yield command("SREM", STRINGS, beginning)


def _measured(model: Objects[Any], number: int) -> Iterator[Measured]:
    made = [_made(model, place) for place in range(number)]
    few = made[:ONE_BY_ONE]
    yield _timed("set", few, model.set)
    yield _at_once("set_many", number, lambda: model.set_many(made))
    yield _timed("get", few, lambda one: model.match_for_pk(one.pk))
    yield _at_once("get_many", number, lambda: model.get_many(one.pk for one in made))
    # The first query waits for the index; that is not what is measured.
    model.count(amount__gte=0)
    asked = range(QUERIES)
    yield _timed("filter, 10 rows", asked, lambda place: list(model.filter(amount__gte=place)[:10]))
    yield _timed("filter, ordered", asked, lambda place: list(model.filter(amount__gte=place).order_by("-amount")[:10]))
    yield _timed("count", asked, lambda place: model.count(flavour=FLAVOURS[place % len(FLAVOURS)]))


def _made(model: Objects[Any], place: int) -> Any:
    return model.model({"pk": str(place), "flavour": FLAVOURS[place % len(FLAVOURS)], "amount": place})


def _timed(name: str, over: Any, work: Callable[[Any], Any]) -> Measured:
    return _at_once(name, len(over), lambda: [work(one) for one in over])


def _at_once(name: str, operations: int, work: Callable[[], Any]) -> Measured:
    began = time.perf_counter()
    work()
    return Measured(name, operations, time.perf_counter() - began)

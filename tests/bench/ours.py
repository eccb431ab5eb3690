"""The library, asked as its README asks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import redis
from schematics.models import Model
from schematics.types import BooleanType, DateTimeType, FloatType, IntType, ListType, ModelType, StringType

from rs_search import ResultSet, SearchRedisMixin, search_options

from .rows import OURS
from .workload import MEMBERS, Document, Order, Page, Range, Words, document

PREFIX = "Ours:"
_TAG = search_options(text=False, sortable=False)


class Maker(Model):  # type: ignore[misc]
    """Who made it."""

    name = StringType()
    city = StringType()


class Ice(Model, SearchRedisMixin):  # type: ignore[misc]
    """The benchmark's document: an index of 5 TAG, 3 NUMERIC and 1 TEXT, beside what the library adds itself."""

    __prefix__ = PREFIX.removesuffix(":")
    __index__ = {
        "id": _TAG,
        "flavour": _TAG,
        "tags": _TAG,
        "in_stock": _TAG,
        "maker__city": _TAG,
        "maker__name": search_options(skip=True),
        "description": search_options(tag=False, sortable=False),
    }
    id = StringType(required=True)
    flavour = StringType()
    description = StringType()
    amount_kg = IntType()
    price = FloatType()
    tags = ListType(StringType())
    best_before = DateTimeType()
    in_stock = BooleanType()
    maker = ModelType(Maker)


def kept(number: int) -> Document:
    """One of the benchmark's documents as the library keeps it, made without it, because a million are wanted."""
    made = document(number)
    before: dt.datetime = made["best_before"]
    seconds = int(before.timestamp())
    return {
        **made,
        "best_before": before.strftime("%Y-%m-%dT%H:%M:%S.%f%z"),
        "_ix": {"best_before": seconds * 1_000_000},
    }


def plain(answer: Any) -> Document:
    """The benchmark's document of an instance or of a row of ``values()``."""
    values = answer if isinstance(answer, dict) else {name: getattr(answer, name) for name in MEMBERS}
    return {**values, "maker": {"name": values["maker"].name, "city": values["maker"].city}}


def model_on(client: Any) -> Any:
    """The model with a client of its own."""
    return type("Ice", (Ice,), {"__redis_client__": client, "__module__": __name__})


def made(model: Any, number: int) -> Ice:
    """An instance that nobody has saved yet."""
    ice: Ice = model(document(number))
    return ice


def in_order(model: Any, order: Order) -> ResultSet[Ice]:
    """All of them, in an order."""
    field, descending = order
    found: ResultSet[Ice] = model.order_by(f"-{field}" if descending else field)
    return found


class Ours:
    """Each row of the benchmark, asked of the library."""

    name = OURS
    plain = staticmethod(plain)

    def __init__(self, client: redis.Redis) -> None:
        self.model = model_on(client)

    def save_prepared(self, number: int) -> Ice:
        """What there is before it is saved."""
        return made(self.model, number)

    def save_many_prepared(self, numbers: list[int]) -> list[Ice]:
        """What there is before these are saved."""
        return [made(self.model, number) for number in numbers]

    def get(self, pk: str) -> Ice:
        ice: Ice = self.model.match_for_pk(pk)
        return ice

    def match(self, pk: str) -> Ice:
        ice: Ice = self.model.match(id=pk)
        return ice

    def save(self, ice: Ice) -> None:
        ice.set()

    def save_many(self, many: list[Ice]) -> None:
        self.model.set_many(many)

    def text(self, words: Words) -> list[Ice]:
        return list(self.model.filter(description__search=" ".join(words))[:10])

    def count(self, asked: Range) -> int:
        total: int = self._range(asked).count()
        return total

    def tag(self, flavour: str) -> list[Ice]:
        return list(self.model.filter(flavour=flavour))

    def range(self, asked: Range) -> list[Ice]:
        return list(self._range(asked))

    def values(self, asked: Range) -> list[Document]:
        return list(self._range(asked).values())

    def read(self, asked: Range) -> int:
        return sum(getattr(ice, name) is not None for ice in self.range(asked) for name in MEMBERS)

    def top(self, order: Order) -> list[Ice]:
        return list(in_order(self.model, order)[:10])

    def page(self, page: Page) -> list[Ice]:
        order, first = page
        return list(in_order(self.model, order)[first : first + 10])

    def everything(self, _: None) -> Iterator[Ice]:
        rows: Iterator[Ice] = self.model.all().iterator()
        return rows

    def fallback(self, asked: Range) -> list[Ice]:
        return list(self._range(asked))

    def _range(self, asked: Range) -> ResultSet[Ice]:
        found: ResultSet[Ice] = self.model.filter(amount_kg__range=asked)
        return found

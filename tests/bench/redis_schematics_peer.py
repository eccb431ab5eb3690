"""redis-schematics 0.3.1, as its README shows it; imported in its own environment only."""

from __future__ import annotations

from typing import Any

from .rows import REDIS_SCHEMATICS
from .workload import MEMBERS, Document, Range, document

#: Its filter reads every key of the database that begins so: it has one to itself.
DATABASE = 2
LOADED_AT_ONCE = 1000


def worker(url: str) -> RedisSchematics:
    """The peer, connected."""
    return RedisSchematics(url)


def _model(url: str) -> Any:
    # It is there in the peer's environment only.
    import redis
    from redis_schematics import SimpleRedisMixin
    from schematics import models, types

    class Maker(models.Model):  # type: ignore[misc]
        name = types.StringType()
        city = types.StringType()

    class Ice(models.Model, SimpleRedisMixin):  # type: ignore[misc]
        __redis_client__ = redis.Redis.from_url(url, db=DATABASE, socket_timeout=600)
        pk = types.StringType()
        id = types.StringType()
        flavour = types.StringType()
        description = types.StringType()
        amount_kg = types.IntType()
        price = types.FloatType()
        tags = types.ListType(types.StringType)
        best_before = types.DateTimeType()
        in_stock = types.BooleanType()
        maker = types.ModelType(Maker)

    return Ice


class RedisSchematics:
    """Those rows of the benchmark for which there are goals, asked of redis-schematics."""

    name = REDIS_SCHEMATICS
    #: A filter reads the collection: some ten seconds each.
    slow = {"tag": (2, 1), "range": (2, 1)}

    def __init__(self, url: str) -> None:
        self.model = _model(url)

    def load(self, numbers: range) -> None:
        """Put the benchmark's documents there as redis-schematics keeps them."""
        client = self.model.__redis_client__
        for start in range(numbers.start, numbers.stop, LOADED_AT_ONCE):
            pipeline = client.pipeline(transaction=False)
            for number in range(start, min(start + LOADED_AT_ONCE, numbers.stop)):
                made = self.model({**document(number), "pk": document(number)["id"]})
                pipeline.set(made.key, self.model.__serializer__(made.to_primitive()))
            pipeline.execute()

    def plain(self, answer: Any) -> Document:
        """The benchmark's document of an instance."""
        values = {name: getattr(answer, name) for name in MEMBERS}
        return {**values, "maker": {"name": answer.maker.name, "city": answer.maker.city}}

    def save_prepared(self, number: int) -> Any:
        """What there is before it is saved."""
        return self.model(document(number))

    def get(self, pk: str) -> Any:
        return self.model.match_for_pk(pk)

    def save(self, ice: Any) -> None:
        ice.set()

    def tag(self, flavour: str) -> list[Any]:
        found: list[Any] = self.model.filter(flavour=flavour)
        return found

    def range(self, asked: Range) -> list[Any]:
        found: list[Any] = self.model.filter(amount_kg__gte=asked[0], amount_kg__lte=asked[1])
        return found

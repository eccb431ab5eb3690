"""redis-om 1.2.0, as its documentation shows it; imported in its own environment only."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from .rows import REDIS_OM
from .workload import MEMBERS, Document, Range, document

LOADED_AT_ONCE = 1000


def worker(url: str) -> RedisOm:
    """The peer, connected; its embedded models look for ``REDIS_OM_URL``."""
    return RedisOm(url)


def _model(url: str) -> Any:
    # It is there in the peer's environment only, and the annotations must be classes when the model is made.
    from redis_om import EmbeddedJsonModel, Field, JsonModel, get_redis_connection

    meta = {"database": get_redis_connection(url=url), "global_key_prefix": "redis-om", "model_key_prefix": "Ice"}
    maker = _declared("Maker", EmbeddedJsonModel, {"name": (str, ...), "city": (str, Field(index=True))}, {})
    fields = {
        "id": (str, Field(primary_key=True)),
        "flavour": (str, Field(index=True)),
        "description": (str, Field(index=True, full_text_search=True)),
        "amount_kg": (int, Field(index=True, sortable=True)),
        "price": (float, Field(index=True, sortable=True)),
        "tags": (list[str], Field(index=True)),
        "best_before": (dt.datetime, Field(index=True, sortable=True)),
        "in_stock": (bool, Field(index=True)),
        "maker": (maker, ...),
    }
    return _declared("Ice", JsonModel, fields, {"Meta": type("Meta", (), meta)}, index=True)


def _declared(name: str, base: Any, fields: dict[str, Any], inner: dict[str, Any], **options: Any) -> Any:
    values = {field: value for field, (_, value) in fields.items() if value is not ...}
    annotations = {field: kind for field, (kind, _) in fields.items()}
    body = {"__module__": __name__, "__annotations__": annotations, **values, **inner}
    return type(base)(name, (base,), body, **options)


class RedisOm:
    """Those rows of the benchmark for which there are goals, asked of redis-om."""

    name = REDIS_OM

    def __init__(self, url: str) -> None:
        self.model = _model(url)

    def load(self, numbers: range) -> None:
        """Put the benchmark's documents there as redis-om keeps them; compared with one that it kept itself."""
        from redis_om import Migrator

        Migrator().run()
        self._check_kept(numbers.start)
        client = self.model.db()
        for start in range(numbers.start, numbers.stop, LOADED_AT_ONCE):
            pipeline = client.pipeline(transaction=False)
            for number in range(start, min(start + LOADED_AT_ONCE, numbers.stop)):
                kept = _kept(number)
                pipeline.execute_command("JSON.SET", self.model.make_key(kept["id"]), "$", json.dumps(kept))
            pipeline.execute()

    def _check_kept(self, number: int) -> None:
        made = self.save_prepared(number)
        made.save()
        kept = self.model.db().json().get(self.model.make_key(made.id))
        if {**kept, "pk": ""} != _kept(number):
            raise AssertionError(f"redis-om keeps {kept!r}, and the benchmark would put {_kept(number)!r} there")

    def plain(self, answer: Any) -> Document:
        """The benchmark's document of an instance."""
        values = {name: getattr(answer, name) for name in MEMBERS}
        return {**values, "maker": {"name": answer.maker.name, "city": answer.maker.city}}

    def save_prepared(self, number: int) -> Any:
        """What there is before it is saved."""
        return self.model(**document(number))

    def get(self, pk: str) -> Any:
        return self.model.get(pk)

    def save(self, ice: Any) -> None:
        ice.save()

    def count(self, asked: Range) -> int:
        total: int = self._range(asked).count()
        return total

    def tag(self, flavour: str) -> list[Any]:
        found: list[Any] = self.model.find(self.model.flavour == flavour).all()
        return found

    def range(self, asked: Range) -> list[Any]:
        found: list[Any] = self._range(asked).all()
        return found

    def _range(self, asked: Range) -> Any:
        return self.model.find((self.model.amount_kg >= asked[0]) & (self.model.amount_kg <= asked[1]))


def _kept(number: int) -> Document:
    made = document(number)
    return {"pk": "", **made, "best_before": made["best_before"].timestamp()}

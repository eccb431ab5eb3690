"""README's table of what differs from redis-schematics 0.3.1, line by line, on both libraries."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import redis_schematics
from schematics.models import Model
from schematics.transforms import blacklist
from schematics.types import DateType, IntType, ListType, MultilingualStringType, StringType, TimedeltaType

import rs_search
from rs_search import InvalidObject, InvalidValue, SchemaError, UnknownField, UnknownLookup

SERVERS = [("redis", 3), ("plain", 2)]
README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
DIFFERENCES: dict[str, Callable[[Any], None]] = {}


class Both:
    """A model on both libraries, made alike."""

    def __init__(self, client: redis.Redis, layer: str) -> None:
        self.client, self.layer = client, layer

    def model(self, _name: str = "Ice", _layer: str = "", **members: Any) -> tuple[Any, Any]:
        namespace = {"pk": StringType(), "n": IntType(), "flavour": StringType(), "__expire__": 1000, **members}
        layer = _layer or self.layer
        bases = (getattr(redis_schematics, layer), getattr(rs_search, layer))
        namespace["__redis_client__"] = self.client
        theirs, mine = (type(_name, (Model, base), dict(namespace)) for base in bases)
        return theirs, mine

    def texts(self) -> list[Any]:
        """All that is stored, read as JSON."""
        keys = list(self.client.scan_iter())
        found = [self.client.hvals(key) if self.client.type(key) == b"hash" else [self.client.get(key)] for key in keys]
        return [json.loads(text) for texts in found for text in texts]


def line(name: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """What shows the line of the table that begins so."""

    def keep(check: Callable[[Any], None]) -> Callable[[Any], None]:
        DIFFERENCES[name] = check
        return check

    return keep


def ttl_of(both: Both, pk: str) -> int:
    client = both.client
    return int(client.ttl("Ice") if both.layer == "HashRedisMixin" else client.ttl(f"Ice:{pk}"))


@line("objects without a primary key")
def _(both: Both) -> None:
    theirs, mine = both.model()
    for model in (theirs, mine):
        for number in range(3):
            model({"n": number}).set()
    assert len(theirs.all()) == 1 + 3
    assert mine.filter(pk__regex="^[0-9a-f]{8}-").count() == 3


@line("an `id` of 0")
def _(both: Both) -> None:
    theirs, mine = both.model(id=IntType())
    theirs({"id": 0}).set()
    assert [one["pk"].startswith("<function uuid4") for one in both.texts()] == [True]
    both.client.flushall()
    mine({"id": 0}).set()
    assert mine.match(id=0).key == "Ice:0"


@line("reading all")
def _(both: Both) -> None:
    theirs, mine = both.model("User")
    _, profile = both.model("Profile", __prefix__="User:Profile")
    profile({"pk": "1"}).set()
    both.client.config_resetstat()
    assert len(theirs.all()) == (1 if both.layer == "SimpleRedisMixin" else 0)
    asked = "cmdstat_keys" if both.layer == "SimpleRedisMixin" else "cmdstat_hgetall"
    assert asked in both.client.info("commandstats")
    both.client.config_resetstat()
    assert mine.all() == []
    stats = both.client.info("commandstats")
    assert not {"cmdstat_keys", "cmdstat_hgetall"} & stats.keys()


@line("comparing with None")
def _(both: Both) -> None:
    theirs, mine = both.model()
    mine({"pk": "1"}).set()
    with pytest.raises(TypeError):
        theirs.filter(n__gt=3)
    assert mine.filter(n__gt=3) == []


@line("unknown field or lookup")
def _(both: Both) -> None:
    theirs, mine = both.model()
    mine({"pk": "1", "n": 3}).set()
    assert theirs.filter(m=3) == theirs.filter(n__between=3) == []
    with pytest.raises(UnknownField):
        mine.filter(m=3)
    with pytest.raises(UnknownLookup):
        mine.filter(n__between=3)


@line('`amount_kg="42"`')
def _(both: Both) -> None:
    theirs, mine = both.model()
    mine({"pk": "1", "n": 42}).set()
    assert (len(theirs.filter(n="42")), len(mine.filter(n="42"))) == (0, 1)


@line("a value that the field cannot hold")
def _(both: Both) -> None:
    theirs, mine = both.model()
    mine({"pk": "1", "n": 42}).set()
    assert theirs.filter(n="many") == theirs.filter(n=1.5) == []
    for value in ("many", 1.5):
        with pytest.raises(InvalidValue):
            mine.filter(n=value)


@line('`tags=["cold"]`')
def _(both: Both) -> None:
    theirs, mine = both.model(tags=ListType(StringType()))
    for pk, tags in (("1", ["cold"]), ("2", ["cold", "sweet"])):
        mine({"pk": pk, "tags": tags}).set()
    assert [one.pk for one in theirs.filter(tags=["cold"])] == ["1"]
    assert theirs.filter(tags="cold") == []
    with pytest.raises(InvalidValue):
        mine.filter(tags=["cold"])
    assert mine.filter(tags="cold").count() == 2
    assert [one.pk for one in mine.filter(tags__contains=["cold", "sweet"])] == ["2"]


@line("`match(id=…)` of an object that has another `pk`")
def _(both: Both) -> None:
    theirs, mine = both.model(id=StringType())
    theirs({"pk": "1", "id": "x"}).set()
    with pytest.raises(redis_schematics.NotFound):
        theirs.match(id="x")
    assert mine.match(id="x").pk == "1"


@line("`match(pk=…, flavour=…)`")
def _(both: Both) -> None:
    theirs, mine = both.model()
    mine({"pk": "1", "flavour": "x"}).set()
    assert theirs.match(pk="1", flavour="y").flavour == "x"
    assert mine.match(pk="1", flavour="x").flavour == "x"
    with pytest.raises(rs_search.NotFound):
        mine.match(pk="1", flavour="y")


@line("`delete_all(flavour=…)`")
def _(both: Both) -> None:
    theirs, mine = both.model()
    mine({"pk": "1"}).set()
    with pytest.raises(TypeError):
        mine.delete_all(flavour="y")
    assert mine.delete_filter(flavour="y") == 0
    assert theirs.delete_all(flavour="y") == 1


@line("`delete_all()` of a hash")
def _(both: Both) -> None:
    theirs, mine = both.model(_layer="HashRedisMixin")
    for model, count in ((theirs, 1), (mine, 3)):
        for pk in "abc":
            mine({"pk": pk}).set()
        assert model.delete_all() == count
        assert both.client.dbsize() == 0


@line("objects in hashes of their own (`__set_key__`)")
def _(both: Both) -> None:
    def own(self: Any) -> str:
        return str(self.__key_pattern__(self.flavour or "none"))

    theirs, mine = both.model(_layer="HashRedisMixin", __set_key__=property(own))
    theirs({"pk": "1", "flavour": "x"}).set()
    theirs({"pk": "2"}).set()
    assert [one.pk for one in theirs.all()] == ["2"]
    with pytest.raises(redis_schematics.NotFound):
        theirs.match_for_pk("1")
    assert [one.pk for one in mine.all()] == ["1", "2"]
    assert mine.match_for_pk("1").flavour == "x"


@line("`HashRedisMixin` without `__expire__`")
def _(both: Both) -> None:
    theirs, mine = both.model(_layer="HashRedisMixin", __expire__=None)
    with pytest.raises(redis.DataError):
        theirs({"pk": "1"}).set()
    assert theirs.match_for_pk("1").pk == "1"
    mine({"pk": "2"}).set()
    assert mine.match_for_pk("2").ttl() is None


@line("`__expire__` of a hash")
def _(both: Both) -> None:
    theirs, mine = both.model(_layer="HashRedisMixin")
    theirs({"pk": "1"}).set()
    both.client.expire("Ice", 10)
    theirs({"pk": "2"}).set()
    assert 990 < both.client.ttl("Ice") <= 1000
    both.client.flushall()
    mine({"pk": "1"}).set(expire=10)
    mine({"pk": "2"}).set()
    assert mine.match_for_pk("1").ttl() <= 10
    assert mine.match_for_pk("2").ttl() > 990
    assert both.client.ttl("Ice") == -1


@line("`set()` of an object that has some time to live, without `__expire__`")
def _(both: Both) -> None:
    theirs, mine = both.model(_layer="SimpleRedisMixin", __expire__=None)
    for model, left in ((theirs, {-1}), (mine, {99, 100})):
        mine({"pk": "1"}).set(expire=100)
        model({"pk": "1"}).set()
        assert both.client.ttl("Ice:1") in left


@line("`set()`")
def _(both: Both) -> None:
    theirs, mine = both.model(flavour=StringType(required=True))
    theirs({"pk": "1"}).set()
    assert mine.match_for_pk("1").flavour is None
    with pytest.raises(InvalidObject):
        mine({"pk": "2"}).set()


@line("`set()`, `delete()`")
def _(both: Both) -> None:
    theirs, mine = both.model()
    assert [theirs({"pk": "1"}).set(), theirs({"pk": "1"}).delete()] == [None, None]
    one = mine({"pk": "1"})
    assert [one.set(), one.delete(), one.delete()] == [True, True, False]


@line("microseconds of a `TimedeltaType`, all locales, fields hidden by roles")
def _(both: Both) -> None:
    class Options:
        roles = {"default": blacklist("secret")}

    fields = {"took": TimedeltaType(), "text": MultilingualStringType(default_locale="en"), "secret": StringType()}
    theirs, mine = both.model(**fields, Options=Options)
    values = {"took": dt.timedelta(microseconds=1500001), "text": {"en": "ice", "de": "Eis"}, "secret": "x"}
    theirs({"pk": "1", **values}).set()
    (stored,) = both.texts()
    assert (stored["took"], stored["text"], "secret" in stored) == (1, "ice", False)
    both.client.flushall()
    mine({"pk": "1", **values}).set()
    found = mine.match_for_pk("1")
    assert (found.took, found.text, found.secret) == tuple(values.values())


@line("a `pk` that is no text")
def _(both: Both) -> None:
    theirs, mine = both.model(pk=IntType())
    theirs({"pk": 5}).set()
    assert [one["pk"] for one in both.texts()] == ["5"]
    mine({"pk": 5}).set()
    assert [one["pk"] for one in both.texts()] == [5]
    theirs, mine = both.model("Day", pk=DateType())
    with pytest.raises(AttributeError):
        theirs({"pk": dt.date(2024, 2, 29)}).set()
    mine({"pk": dt.date(2024, 2, 29)}).set()
    assert mine.all()[0].pk == dt.date(2024, 2, 29)


@line("`filter`, `all`")
def _(both: Both) -> None:
    theirs, mine = both.model()
    for pk in "cab":
        mine({"pk": pk}).set()
    assert isinstance(theirs.all(), list)
    assert isinstance(theirs.filter(pk="a"), list)
    assert type(mine.all()).__name__ == type(mine.filter(pk="a")).__name__ == "ResultSet"
    assert [one.pk for one in mine.all()] == ["a", "b", "c"]


@line("an empty `__prefix__`")
def _(both: Both) -> None:
    theirs, mine = both.model(_layer="SimpleRedisMixin", __prefix__="")
    theirs({"pk": "1"}).set()
    assert both.client.exists("1")
    with pytest.raises(SchemaError):
        mine({"pk": "1"}).set()


@pytest.mark.parametrize("layer", ["SimpleRedisMixin", "HashRedisMixin"])
def test_what_the_table_says_is_so(client: redis.Redis, layer: str) -> None:
    for name, check in DIFFERENCES.items():
        client.flushall()
        try:
            check(Both(client, layer))
        except Exception as error:
            raise AssertionError(f"the line {name!r}: {error!r}") from error


def test_every_line_of_the_table_is_shown() -> None:
    table = README.split("What differs from 0.3.1:")[1].split("\n\n")[1]
    lines = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
    assert lines == list(DIFFERENCES)
    assert not re.search(r"TODO|\?\?", table)

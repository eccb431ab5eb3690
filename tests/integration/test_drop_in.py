"""A drop-in for redis-schematics 0.3.1: its data, keys, interface and scenarios, beside the package itself."""

from __future__ import annotations

import ast
import datetime as dt
import decimal
import json
import pickle
import re
import subprocess
import sys
import textwrap
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import redis
import redis_schematics
import redis_schematics.exceptions
from fixtures.models import FULL, Everything
from schematics.models import Model
from schematics.types import BooleanType, DateTimeType, DateType, FloatType, IntType, ListType, StringType, UUIDType

import rs_search
import rs_search.exceptions
from rs_search import (
    BaseRedisMixin,
    HashRedisMixin,
    InvalidObject,
    MultipleFound,
    NotFound,
    RedisMixinException,
    SimpleRedisMixin,
    StrictPerformanceException,
    UnknownField,
    objects,
)

LAYERS = ["SimpleRedisMixin", "HashRedisMixin"]
each_layer = pytest.mark.parametrize("layer", LAYERS)

#: What redis-schematics loses or cannot read back itself: a microsecond, all languages but one, the zeros of a year.
ITS_LOSSES = {"timedelta": dt.timedelta(seconds=90), "date": dt.date(1999, 2, 3)}
KEPT = {name: value for name, value in {**FULL, **ITS_LOSSES}.items() if name != "multilingual"}
VALUES = [
    {},
    KEPT,
    {"string": "é\u2028😀\n\"'\\", "either": 5, "float": 1e300, "integer": 0, "boolean": False},
    {"strings": [], "cities": [], "mapping": {}, "anything": None, "with_default": None},
    {"decimal": decimal.Decimal("0.10"), "float": -0.5, "uuid": uuid.UUID(int=1), "integers": [2**62]},
    {"pet": {"tricks": ["sit"]}, "city": {}, "strings": [None, ""], "point": [0.0, -1.5]},
]


def pair(client: redis.Redis, layer: str, base: type = Model, **members: Any) -> tuple[Any, Any]:
    """The same model on both libraries."""
    name = members.pop("called", "Shop")
    namespace = {"__redis_client__": client, **members}
    theirs = type(name, (base, getattr(redis_schematics, layer)), dict(namespace))
    mine = type(name, (base, getattr(rs_search, layer)), dict(namespace))
    return theirs, mine


def fields_of_everything() -> dict[str, Any]:
    inherited = {name: field for name, field in Everything._schema.fields.items() if name != "shouted"}
    return {**inherited, "__expire__": 1000}


def stored(client: redis.Redis) -> dict[bytes, Any]:
    """All that is in the server."""
    return {key: client.hgetall(key) if client.type(key) == b"hash" else client.get(key) for key in client.scan_iter()}


# --- the same data --------------------------------------------------------------------------------------------------


@each_layer
@pytest.mark.parametrize("values", VALUES)
def test_both_write_the_same_keys_and_the_same_text(client: redis.Redis, layer: str, values: dict[str, Any]) -> None:
    theirs, mine = pair(client, layer, **fields_of_everything())
    theirs({"pk": "1", **values}).set()
    by_them = stored(client)
    client.flushall()
    mine({"pk": "1", **values}).set()
    assert stored(client) == by_them


@each_layer
@pytest.mark.parametrize("values", VALUES)
def test_what_one_writes_the_other_reads(client: redis.Redis, layer: str, values: dict[str, Any]) -> None:
    theirs, mine = pair(client, layer, **fields_of_everything())
    theirs({"pk": "theirs", **values}).set()
    mine({"pk": "mine", **values}).set()
    for pk in ("theirs", "mine"):
        assert mine.match_for_pk(pk) == mine({"pk": pk, **values})
        assert theirs.match_for_pk(pk).to_primitive() == theirs({"pk": pk, **values}).to_primitive()
    assert [one.pk for one in mine.all()] == ["mine", "theirs"]
    assert sorted(one.pk for one in theirs.all()) == ["mine", "theirs"]


@each_layer
def test_a_field_that_is_not_shown_when_none_is_not_stored_as_null(client: redis.Redis, layer: str) -> None:
    theirs, mine = pair(
        client, layer, pk=StringType(), hidden=StringType(serialize_when_none=False), shown=StringType(), __expire__=9
    )
    theirs({"pk": "1"}).set()
    by_them = stored(client)
    client.flushall()
    mine({"pk": "1"}).set()
    assert stored(client) == by_them
    assert mine.match_for_pk("1").hidden is None


PKS = [
    (StringType, "a:b%c é"),
    (IntType, 5),
    (FloatType, 1.0),
    (BooleanType, True),
    (DateType, dt.date(2024, 2, 29)),
    (DateTimeType, dt.datetime(2024, 2, 29, 12, 0)),
    (UUIDType, uuid.UUID(int=7)),
]


@each_layer
@pytest.mark.parametrize(("type_", "value"), PKS)
def test_the_key_of_an_id_is_the_same_for_every_type(client: redis.Redis, layer: str, type_: Any, value: Any) -> None:
    theirs, mine = pair(client, layer, pk=StringType(), id=type_(), __expire__=100)
    theirs({"id": value}).set()
    by_them = stored(client)
    assert mine.match(id=value).id == value
    assert mine.match_for_pk(str(value)).id == value
    client.flushall()
    one = mine({"id": value})
    one.set()
    assert stored(client) == by_them
    assert theirs.match_for_pk(str(value)).id == value
    assert one.key == theirs({"id": value}).key


#: It writes the key back to the pk as text, which dates cannot be exported from.
ITS_PKS = [(type_, value) for type_, value in PKS if not isinstance(value, dt.date)]


@each_layer
@pytest.mark.parametrize(("type_", "value"), ITS_PKS)
def test_a_pk_of_every_type_has_the_same_key(client: redis.Redis, layer: str, type_: Any, value: Any) -> None:
    theirs, mine = pair(client, layer, pk=type_(), n=IntType(), __expire__=100)
    theirs({"pk": value, "n": 1}).set()
    assert mine.match_for_pk(value).n == 1
    assert mine.match(pk=value).n == 1
    theirs.delete_all()
    mine({"pk": value, "n": 2}).set()
    assert theirs.match_for_pk(value).n == 2


@each_layer
def test_what_is_unique_together_makes_the_same_key(client: redis.Redis, layer: str) -> None:
    members = {
        "pk": StringType(),
        "a": StringType(),
        "b": StringType(),
        "__unique_args__": ("a", "b"),
        "__expire__": 100,
    }
    theirs, mine = pair(client, layer, **members)
    theirs({"a": "x.y", "b": "z:1"}).set()
    by_them = stored(client)
    assert mine.match(a="x.y", b="z:1").pk == "x.y.z:1"
    client.flushall()
    mine({"a": "x.y", "b": "z:1"}).set()
    assert stored(client) == by_them


def test_a_string_lives_as_long_whoever_wrote_it(client: redis.Redis) -> None:
    theirs, mine = pair(client, "SimpleRedisMixin", pk=StringType(), __expire__=120)
    theirs({"pk": "theirs"}).set()
    mine({"pk": "mine"}).set()
    assert client.ttl("Shop:theirs") == client.ttl("Shop:mine") == 120


def test_an_object_may_outlive_the_hash_that_redis_schematics_lets_expire(client: redis.Redis) -> None:
    theirs, mine = pair(client, "HashRedisMixin", pk=StringType(), __expire__=100)
    for pk in "abc":
        theirs({"pk": pk}).set()
    mine.match_for_pk("a").persist()
    mine({"pk": "d"}).set(expire=1000)
    assert mine.match_for_pk("a").ttl() is None
    assert 99 < mine.match_for_pk("b").ttl() <= 100
    assert 999 < mine.match_for_pk("d").ttl() <= 1000
    assert client.ttl("Shop") == -1


def test_an_object_of_a_hash_lives_as_long_whoever_wrote_it(client: redis.Redis) -> None:
    theirs, mine = pair(client, "HashRedisMixin", pk=StringType(), __expire__=120)
    theirs({"pk": "theirs"}).set()
    assert 119 < mine.match_for_pk("theirs").ttl() <= 120
    client.flushall()
    mine({"pk": "mine"}).set()
    assert 119 < mine.match_for_pk("mine").ttl() <= 120


# --- the same hooks -------------------------------------------------------------------------------------------------


@each_layer
def test_the_users_own_serializer_is_used(client: redis.Redis, layer: str) -> None:
    members = {
        "pk": StringType(),
        "tags": ListType(StringType()),
        "__serializer__": staticmethod(pickle.dumps),
        "__deserializer__": staticmethod(pickle.loads),
        "__expire__": 100,
    }
    theirs, mine = pair(client, layer, **members)
    theirs({"pk": "theirs", "tags": ["a\n", "b"]}).set()
    by_them = stored(client)
    assert mine.match_for_pk("theirs").tags == ["a\n", "b"]
    assert mine.filter(tags__contains="b").count() == 1
    mine.match_for_pk("theirs").update(tags=rs_search.F("tags").append("c"))
    assert theirs.match_for_pk("theirs").tags == ["a\n", "b", "c"]
    client.flushall()
    mine({"pk": "theirs", "tags": ["a\n", "b"]}).set()
    assert stored(client) == by_them


@each_layer
def test_a_primary_key_of_the_users_own_makes_the_key(client: redis.Redis, layer: str) -> None:
    def own(self: Any) -> Any:
        return self.pk or f"{self.country}-{self.number}"

    members = {
        "pk": StringType(),
        "country": StringType(),
        "number": IntType(),
        "__primary_key__": property(own),
        "__expire__": 100,
    }
    theirs, mine = pair(client, layer, **members)
    theirs({"country": "at", "number": 5}).set()
    by_them = stored(client)
    assert mine.match(country="at", number=5).pk == "at-5"
    assert mine.match(country="at").number == 5
    assert mine.match_for_pk("at-5").number == 5
    with pytest.raises(NotFound):
        mine.match(country="at", number=6)
    client.flushall()
    one = mine({"country": "at", "number": 5})
    assert one.set()
    assert (one.pk, one.__primary_key__) == ("at-5", "at-5")
    assert stored(client) == by_them
    assert mine.get_or_set(country="at", number=5)[1] is False
    one.delete()
    assert mine.all() == []


@each_layer
def test_prefix_and_key_pattern_of_the_users_own_make_the_keys(client: redis.Redis, layer: str) -> None:
    def pattern(self: Any, *parts: str) -> str:
        return "/".join(["app", self.__prefix__, *parts])

    members = {
        "pk": StringType(),
        "n": IntType(),
        "__prefix__": property(lambda self: "shops"),
        "__key_pattern__": pattern,
        "__expire__": 9,
    }
    theirs, mine = pair(client, layer, **members)
    theirs({"pk": "1", "n": 1}).set()
    by_them = stored(client)
    assert mine.match_for_pk("1").n == 1
    assert mine.filter(n=1).count() == 1
    client.flushall()
    mine({"pk": "1", "n": 1}).set()
    assert stored(client) == by_them
    assert mine({"pk": "1"}).__prefix__ == "shops"
    assert mine({"pk": "1"}).__key_pattern__("a", "b") == "app/shops/a/b"
    assert mine({"pk": "1"}).key == "app/shops/1"


def test_hooks_of_the_users_own_may_call_those_of_the_mixin(client: redis.Redis) -> None:
    class Shop(Model, HashRedisMixin):
        pk = StringType()
        city = StringType()

        @property
        def __prefix__(self) -> str:
            return "our" + super().__prefix__

        def __key_pattern__(self, *parts: str) -> str:
            return "x:" + super().__key_pattern__(*parts)

        @property
        def __set_key__(self) -> str:
            return super().__set_key__ + (":" + self.city if self.city else "")

        @property
        def __primary_key__(self) -> str | None:
            return super().__primary_key__

    shop = Shop({"pk": "1", "city": "Wien"})
    shop.set()
    assert (shop.__prefix__, shop.__set_key__, shop.key) == ("ourShop", "x:ourShop:Wien", "x:ourShop:1")
    assert stored(client)[b"x:ourShop:Wien"].keys() == {b"x:ourShop:1"}
    assert Shop.match_for_pk("1") == shop
    assert Shop.all() == [shop]


def test_a_hash_of_the_users_own_holds_the_object(client: redis.Redis) -> None:
    def set_key(self: Any) -> str:
        return str(self.__key_pattern__(self.city))

    members = {
        "pk": StringType(),
        "city": StringType(default="none"),
        "__set_key__": property(set_key),
        "__expire__": 9,
    }
    theirs, mine = pair(client, "HashRedisMixin", **members)
    theirs({"pk": "1", "city": "Wien"}).set()
    by_them = stored(client)
    assert mine.match_for_pk("1").city == "Wien"
    assert mine.all()[0].city == "Wien"
    client.flushall()
    mine({"pk": "1", "city": "Wien"}).set()
    assert stored(client) == by_them


def test_the_exceptions_are_also_where_they_were() -> None:
    names = [name for name, value in vars(redis_schematics.exceptions).items() if isinstance(value, type)]
    for name in names:
        mine, theirs = getattr(rs_search.exceptions, name), getattr(redis_schematics.exceptions, name)
        assert mine is getattr(rs_search, name)
        assert [base.__name__ for base in theirs.__mro__ if base is not theirs and issubclass(base, KeyError)] == [
            base.__name__ for base in mine.__mro__ if base is not mine and issubclass(base, KeyError)
        ]


def test_the_names_of_the_mixins_are_all_there() -> None:
    for layer in LAYERS:
        theirs, mine = getattr(redis_schematics, layer), getattr(rs_search, layer)
        wanted = {name for name in dir(theirs) if name not in dir(object) and name not in ("_all_keys", "__weakref__")}
        assert wanted - set(dir(mine)) == set()
        assert hasattr(rs_search, layer.replace("Mixin", "Model"))
    assert hasattr(rs_search, "BaseRedisMixin")


IN_JSON = """
import json, sys
from rs_search.patches import patch_json

class Own:
    def __json__(self):
        return {"own": [1]}

before = json.JSONEncoder.default
patch_json()
once = json.JSONEncoder.default
patch_json()
assert json.JSONEncoder.default is once is not before
assert json.dumps([Own(), Own()]) == '[{"own": [1]}, {"own": [1]}]'
assert json.dumps(Own(), indent=None, cls=json.JSONEncoder) == '{"own": [1]}'

class Encoder(json.JSONEncoder):
    def default(self, value):
        return "other" if value is ... else super().default(value)

assert json.dumps([..., Own()], cls=Encoder) == '["other", {"own": [1]}]'
try:
    json.dumps(object())
except TypeError as error:
    assert "not JSON serializable" in str(error)
else:
    raise AssertionError
"""


def test_patch_json_writes_what_has_a_json_of_its_own_and_patches_once() -> None:
    # In a process of its own: the patch is for a whole process.
    subprocess.run([sys.executable, "-W", "ignore", "-c", IN_JSON], check=True)


# --- its own scenarios ----------------------------------------------------------------------------------------------


QUICKSTART_CHECKS = """
assert IceCreamModel.match_for_pk('vanilla').flavour == 'Sweet Vanilla'
assert len(IceCreamModel.all()) == 2
vanilla.delete()
assert [one.id for one in IceCreamModel.all()] == ['chocolate']
import json
from rs_search.patches import patch_json
patch_json()
assert json.loads(json.dumps(IceCreamModel.all())) == [chocolate.to_primitive()]
"""


@each_layer
def test_its_quickstart_runs_with_the_import_changed(client: redis.Redis, layer: str) -> None:
    description = (
        metadata.metadata("redis-schematics").get_payload() or metadata.metadata("redis-schematics")["Description"]
    )
    # One of its lines is indented by three only.
    description = description.replace("\n   chocolate =", "\n    chocolate =")
    quickstart = description[description.index("Quickstart\n---") : description.index("**Deleting and expiring**")]
    blocks = [
        textwrap.dedent(block) for block in re.findall(r"code-block:: python\n\n(.*?)(?=\n\S|\Z)", quickstart, re.S)
    ]
    assert len(blocks) == 4
    code = "\n".join(blocks)
    # `amount` is no field of the model: a silent typo there.
    code = code.replace("amount__gte", "amount_kg__gte")
    # And both ice creams are good today, which raises MultipleFound there as well.
    code = code.replace("gte=datetime.now()", "gte=datetime.now() + timedelta(hours=60)")
    code = code.replace("redis_schematics", "rs_search").replace("SimpleRedisMixin", layer)
    ast.parse(code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json.JSONEncoder, "default", json.JSONEncoder.default)
        exec(compile(code + QUICKSTART_CHECKS, "quickstart", "exec"), {"__name__": "quickstart"})


def models_of_its_suite() -> list[Any]:
    members = {
        "__expire__": 120,
        "pk": StringType(),
        "id": IntType(required=True),
        "name": StringType(),
        "created": DateTimeType(),
        "good_number": IntType(),
    }

    def set_key(self: Any) -> str:
        return str(self.__key_pattern__(self.hash_id))

    return [
        type("TestSimpleModel", (Model, SimpleRedisMixin), dict(members)),
        type("TestHashModel", (Model, HashRedisMixin), dict(members)),
        type(
            "TestHashModel",
            (Model, HashRedisMixin),
            {**members, "hash_id": StringType(default="SubKey"), "__set_key__": property(set_key)},
        ),
    ]


RAW = [
    lambda client: client.get("TestSimpleModel:123"),
    lambda client: client.hget("TestHashModel", "TestHashModel:123"),
    lambda client: client.hget("TestHashModel:SubKey", "TestHashModel:123"),
]


class TestItsSuite:
    """The scenarios of redis-schematics' own tests."""

    @pytest.fixture(params=[0, 1, 2], ids=["strings", "hash", "hash with dynamic key"])
    def kind(self, request: pytest.FixtureRequest) -> int:
        return int(request.param)

    @pytest.fixture
    def model(self, kind: int) -> Any:
        return models_of_its_suite()[kind]

    @pytest.fixture
    def schema(self, client: redis.Redis, model: Any) -> Any:
        schema = model({"id": 123, "name": "Bar", "created": dt.datetime.now(), "good_number": 42})
        schema.set()
        return schema

    def raw(self, client: redis.Redis, kind: int) -> Any:
        return RAW[kind](client)

    def test_set(self, client: redis.Redis, kind: int, schema: Any) -> None:
        assert json.loads(self.raw(client, kind)) == schema.to_primitive()

    def test_match(self, schema: Any, model: Any) -> None:
        for lookups in (
            {"id": 123}, {"pk": "123"}, {"good_number": 42}, {"good_number__lt": 43}, {"good_number__gt": 41},
        ):  # fmt: skip
            assert model.match(**lookups).to_primitive() == schema.to_primitive()

    def test_match_on_non_existing(self, schema: Any, model: Any) -> None:
        for lookups in ({"id": 321}, {"pk": "321"}, {"good_number__gt": 42}, {"good_number__lt": 42}):
            with pytest.raises(NotFound):
                model.match(**lookups)

    def test_match_for_pk_and_for_values(self, schema: Any, model: Any) -> None:
        assert model.match_for_pk("123").to_primitive() == schema.to_primitive()
        assert model.match_for_values(name="Bar").to_primitive() == schema.to_primitive()

    def test_all_and_filter(self, schema: Any, model: Any) -> None:
        assert model.all()[0].to_primitive() == schema.to_primitive()
        assert model.filter(good_number__lt=43)[0].to_primitive() == schema.to_primitive()
        assert model.filter(good_number__lt=42) == []

    def test_delete(self, client: redis.Redis, kind: int, schema: Any, model: Any) -> None:
        schema.delete()
        assert self.raw(client, kind) is None
        assert model.all() == []
        assert model.delete_all() == 0
        assert model.delete_filter() == 0

    def test_delete_all(self, client: redis.Redis, kind: int, schema: Any, model: Any) -> None:
        assert model.delete_all() == 1
        assert self.raw(client, kind) is None

    def test_delete_filter(self, client: redis.Redis, kind: int, schema: Any, model: Any) -> None:
        assert model.delete_filter(name="Bla") == 0
        assert self.raw(client, kind)
        assert model.delete_filter(name="Bar") == 1
        assert self.raw(client, kind) is None

    def test_delete_filter_without_a_condition(self, client: redis.Redis, schema: Any, model: Any) -> None:
        assert model.delete_filter() == 1
        assert stored(client) == {}

    def test_refresh(self, schema: Any, model: Any) -> None:
        other = model.match_for_pk("123")
        other.name = "Baz"
        other.set()
        schema.refresh()
        assert schema.name == "Baz"
        other.delete()
        with pytest.raises(NotFound):
            schema.refresh()

    def test_json_serialization(self, schema: Any, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from rs_search.patches import patch_json

        monkeypatch.setattr(json.JSONEncoder, "default", json.JSONEncoder.default)
        patch_json()
        data = model.all()
        assert json.dumps(data) == json.dumps([one.to_primitive() for one in data])


# --- its faults -----------------------------------------------------------------------------------------------------


class Fields(Model):
    pk = StringType()
    name = StringType()
    amount_kg = IntType()


@each_layer
class TestItsFaults:
    """What is not kept: each with what redis-schematics does."""

    @pytest.fixture
    def both(self, client: redis.Redis, layer: str) -> tuple[Any, Any]:
        return pair(client, layer, base=Fields, __expire__=1000)

    def test_objects_without_a_primary_key_get_one_each(self, both: tuple[Any, Any]) -> None:
        theirs, mine = both
        for number in range(3):
            theirs({"amount_kg": number}).set()
        assert len(theirs.all()) == 1
        theirs.delete_all()
        for number in range(3):
            mine({"amount_kg": number}).set()
        assert sorted(one.amount_kg for one in mine.all()) == [0, 1, 2]

    def test_keys_is_never_sent(self, both: tuple[Any, Any], client: redis.Redis) -> None:
        _, mine = both
        client.config_resetstat()
        mine({"pk": "1"}).set()
        assert mine.all().count() == mine.filter(pk="1").count() == mine.delete_all() == 1
        assert "cmdstat_keys" not in client.info("commandstats")

    def test_a_comparison_with_what_is_missing_is_no_type_error(self, both: tuple[Any, Any]) -> None:
        theirs, mine = both
        mine({"pk": "1"}).set()
        with pytest.raises(TypeError):
            theirs.filter(amount_kg__gt=3)
        assert mine.filter(amount_kg__gt=3) == []

    def test_a_typo_is_told(self, both: tuple[Any, Any]) -> None:
        theirs, mine = both
        mine({"pk": "1"}).set()
        assert theirs.filter(amount=3) == []
        with pytest.raises(UnknownField, match="amount_kg"):
            mine.filter(amount=3)

    def test_a_number_may_be_given_as_text(self, both: tuple[Any, Any]) -> None:
        theirs, mine = both
        mine({"pk": "1", "amount_kg": 42}).set()
        assert theirs.filter(amount_kg="42") == []
        assert mine.filter(amount_kg="42").count() == 1

    def test_a_pattern_in_a_prefix_is_taken_as_it_is(self, client: redis.Redis, layer: str) -> None:
        theirs, mine = pair(client, layer, base=Fields, __prefix__="Sh*p[1]", __expire__=1000)
        mine({"pk": "1"}).set()
        theirs({"pk": "2"}).set()
        assert [one.pk for one in mine.all()] == ["1", "2"]

    def test_objects_of_a_model_with_a_longer_prefix_are_not_taken(self, client: redis.Redis, layer: str) -> None:
        theirs, mine = pair(client, layer, base=Fields, called="User")
        _, other = pair(client, layer, base=Fields, called="Profile", __prefix__="User:Profile")
        other({"pk": "1"}).set()
        # Each type has a hash of its own; a string's key begins as those of the other model do.
        assert len(theirs.all()) == (0 if layer == "HashRedisMixin" else 1)
        assert mine.all() == []
        assert mine.delete_all() == 0
        assert other.all().count() == 1

    def test_what_is_not_valid_is_refused(self, client: redis.Redis, layer: str) -> None:
        theirs, mine = pair(client, layer, pk=StringType(), name=StringType(required=True), __expire__=9)
        theirs({"pk": "1"}).set()
        assert mine.match_for_pk("1").name is None
        with pytest.raises(InvalidObject, match="name"):
            mine({"pk": "2"}).set()

    def test_the_errors_say_what_was_asked(self, both: tuple[Any, Any]) -> None:
        _, mine = both
        mine({"pk": "1", "name": "a"}).set()
        mine({"pk": "2", "name": "a"}).set()
        with pytest.raises(MultipleFound, match="name='a'"):
            mine.match(name="a")
        with pytest.raises(NotFound, match="Shop:3"):
            mine.match_for_pk("3")


def test_a_hash_without_expire_does_not_fail_after_writing(client: redis.Redis) -> None:
    theirs, mine = pair(client, "HashRedisMixin", base=Fields)
    with pytest.raises(redis.DataError):
        theirs({"pk": "1"}).set()
    assert theirs.match_for_pk("1").pk == "1"
    mine({"pk": "2"}).set()
    assert mine.match_for_pk("2").ttl() is None


def test_strict_performance_forbids_what_reads_everything(client: redis.Redis) -> None:
    for layer in LAYERS:
        _, mine = pair(client, layer, base=Fields, __strict_performance__=True)
        mine({"pk": "1"}).set()
        assert mine.match(pk="1").pk == "1"
        with pytest.raises(StrictPerformanceException):
            mine.filter(name="a").count()
        with pytest.raises(StrictPerformanceException):
            list(mine.all())


def test_everything_raised_is_of_one_tree() -> None:
    assert issubclass(NotFound, RedisMixinException)
    assert issubclass(NotFound, KeyError)
    assert issubclass(MultipleFound, KeyError)
    assert issubclass(SimpleRedisMixin, BaseRedisMixin)
    assert objects(Fields).model is Fields


def test_the_peer_is_the_release_that_is_named() -> None:
    assert metadata.version("redis-schematics") == "0.3.1"
    assert Path(redis_schematics.__file__).name == "__init__.py"

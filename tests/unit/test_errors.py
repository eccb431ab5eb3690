"""Errors: one tree, readable messages, no passwords; and a failed write leaves everything as it was."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest
import redis
from schematics.exceptions import ValidationError
from schematics.models import Model
from schematics.types import IntType, ListType, ModelType, PolyModelType, StringType
from schematics.types.serializable import serializable

import rs_search
from rs_search import Q, SearchRedisMixin, connect, errors, objects
from rs_search.errors import (
    InvalidObject,
    MultipleFound,
    NotFound,
    QueryError,
    RedisMixinException,
    ServerError,
    ServerUnavailable,
    UnstorableValue,
)
from rs_search.server.connections import address_of, masked

ALL = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_is_below_the_root_and_public(error: type[Exception]) -> None:
    assert issubclass(error, RedisMixinException)
    assert getattr(rs_search, error.__name__) is error


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_the_tree_draws_every_error_with_its_foreign_base(error: type[Exception]) -> None:
    drawn = re.findall(rf"^[ │├└─]*{error.__name__}\b(?: \((\w+)\))?", errors.__doc__ or "", re.MULTILINE)
    foreign = [base.__name__ for base in error.__bases__ if not issubclass(base, RedisMixinException)]
    assert drawn == ([""] if error is RedisMixinException else foreign or [""])


def test_the_tree_lists_every_error_of_the_module() -> None:
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert classes == set(errors.__all__)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_an_error_reads_as_its_message_and_survives_a_process_pool(error: type[Exception]) -> None:
    raised = error("no 'quotes' around")
    assert str(raised) == "no 'quotes' around"
    for again in (pickle.loads(pickle.dumps(raised)), copy.copy(raised)):
        assert (type(again), str(again)) == (error, str(raised))
    assert str(RedisMixinException()) == ""


@pytest.mark.parametrize("error", [NotFound, MultipleFound])
def test_what_redis_schematics_raised_as_a_key_error_still_is_one(error: type[Exception]) -> None:
    with pytest.raises(KeyError):
        raise error("x")


def test_errors_of_an_object_say_which_field_and_survive_a_process_pool() -> None:
    raised = UnstorableValue("x", {"a__b": "too big"})
    assert isinstance(raised, InvalidObject)
    assert pickle.loads(pickle.dumps(raised)).errors == {"a__b": "too big"}


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://ann:secret@host:6379/0", "redis://ann:***@host:6379/0"),
        ("redis://:secret@host", "redis://:***@host"),
        ("rediss://ann:s%40cret@host/1?ssl_cert_reqs=none", "rediss://ann:***@host/1?ssl_cert_reqs=none"),
        ("redis://ann:sec@ret@host", "redis://ann:***@host"),
        ("unix://:secret@/run/redis.sock?db=1", "unix://:***@/run/redis.sock?db=1"),
        ("redis://ann@host", "redis://ann@host"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_password_is_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "redis://:se/secret@host:6379/0",
        "redis://:se#secret@host:6379/0",
        "redis://:se?secret@host:6379/0",
        "redis://host:6379/0?password=secret",
        "redis://:[secret@host:6379",
    ],
)
def test_a_password_is_masked_wherever_it_stands(url: str) -> None:
    assert "secret" not in masked(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:secret@host",
        "redis://ann:secret@host:port",
        "localhost:6379",
        "redis://ann:secret@host/0?socket_timeout=x",
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ServerError) as caught:
        connect(url)
    assert "secret" not in str(caught.value)
    assert "no address of a Redis server" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("redis://:pa[ss@host:6379"),
        pytest.param("redis://:se/secret@host:6379"),
    ],
)
def test_an_address_with_an_unquoted_password_is_told_without_it(url: str) -> None:
    with pytest.raises(ServerError) as caught:
        connect(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (redis.Redis(), "redis://localhost:6379/0"),
        (redis.Redis(host="h", port=1, db=2), "redis://h:1/2"),
        (redis.Redis(host="h", username="ann", password="secret"), "redis://***@h:6379/0"),
        (redis.Redis(unix_socket_path="/run/s", db=3, password="secret"), "unix:///run/s?db=3"),
        (redis.Redis.from_url("redis://ann:secret@h:5/6"), "redis://***@h:5/6"),
    ],
)
def test_a_client_is_told_by_its_address_without_its_password(given: redis.Redis, address: str) -> None:
    assert address_of(given) == address


# --- messages, before anything is sent --------------------------------------------------------------------------------


NOWHERE = redis.Redis(host="127.0.0.1", port=1, retry=None)


class Inner(Model):
    size = IntType(required=True)


class Strict(Model, SearchRedisMixin):
    __redis_client__ = NOWHERE
    pk = StringType()
    name = StringType(required=True, max_length=3)
    number = IntType(max_value=5)
    inner = ModelType(Inner)
    many = ListType(ModelType(Inner))

    def validate_number(self, data: Any, value: Any, context: Any) -> None:
        if value == 4:
            raise ValidationError("unlucky")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, ["name: This field is required."]),
        ({"name": "toolong"}, ["name: String value is too long."]),
        ({"name": "x", "number": 9}, ["number: Int value should be less than or equal to 5."]),
        ({"name": "x", "number": 4}, ["number: unlucky"]),
        ({"name": "x", "inner": {}}, ["inner.size: This field is required."]),
        ({"name": "x", "many": [{"size": 1}, {}]}, ["many.1.size: This field is required."]),
        ({"number": 9}, ["name: This field is required.", "number: Int value should be less than or equal to 5."]),
    ],
)
def test_an_object_that_is_not_valid_is_refused_field_by_field(values: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(InvalidObject) as caught:
        Strict(values).set()
    assert str(caught.value).startswith("Strict is not valid: ")
    assert all(part in str(caught.value) for part in told)
    assert set(caught.value.errors) == {part.partition(":")[0].partition(".")[0] for part in told}


def test_an_object_that_is_refused_keeps_its_primary_key_as_it_was() -> None:
    for pk in (None, "", "mine"):
        thing = Strict({"name": "x", "number": 9, "pk": pk})
        with pytest.raises(InvalidObject):
            thing.set()
        assert thing.pk == pk


def test_an_object_that_is_refused_keeps_its_values_as_they_were() -> None:
    thing = Strict({"name": "x", "number": 3})
    thing.name, thing.number = "toolong", 9
    with pytest.raises(InvalidObject):
        thing.set()
    assert (thing.name, thing.number) == ("toolong", 9)


class Small(Model):
    size = IntType()


class Large(Small):
    weight = IntType()


class Boxed(Model, SearchRedisMixin):
    __redis_client__ = NOWHERE
    pk = StringType()
    item = PolyModelType([Small, Large])


def test_an_object_refused_because_validation_changed_a_class_keeps_its_values_as_they_were() -> None:
    boxed = Boxed({"item": Large({"weight": 5})})
    with pytest.raises(UnstorableValue, match="was a Large and schematics reads it as a Small"):
        boxed.set()
    assert boxed.item == Large({"weight": 5})
    assert boxed.pk is None


def test_an_object_with_a_value_that_cannot_be_kept_keeps_its_values_as_they_were() -> None:
    class Refusing(Model, SearchRedisMixin):
        __redis_client__ = NOWHERE
        name = StringType()
        size = IntType()

    thing = Refusing({"name": "a\0b"})
    thing.size = "5"
    with pytest.raises(UnstorableValue, match="NUL"):
        thing.set()
    assert (thing.size, thing.__primary_key__) == ("5", None)


def test_a_computed_pk_that_fails_is_told_as_missing() -> None:
    class Computed(Model, SearchRedisMixin):
        __redis_client__ = NOWHERE
        name = StringType()

        @serializable(type=StringType())
        def pk(self) -> str:
            return "<" + self.name

    for ask in (lambda one: one.set(), lambda one: one.key):
        with pytest.raises(InvalidObject, match=r"Computed\.pk.* cannot be computed: TypeError"):
            ask(Computed())


def test_a_computed_pk_that_gives_nothing_is_told() -> None:
    class Computed(Model, SearchRedisMixin):
        __redis_client__ = NOWHERE

        @serializable(type=StringType())
        def pk(self) -> str | None:
            return None

    with pytest.raises(InvalidObject, match=r"Computed\.pk is computed, and gives no primary key"):
        Computed().set()


def test_a_computed_id_that_fails_does_no_harm_where_a_pk_is_given() -> None:
    class Computed(Model, SearchRedisMixin):
        pk = StringType()

        @serializable(type=StringType())
        def id(self) -> str:
            raise RuntimeError("no id")

    assert Computed({"pk": "x"}).key == "Computed:x"
    with pytest.raises(InvalidObject, match=r"Computed\.id.* RuntimeError: no id"):
        Computed().key  # noqa: B018


def test_a_server_that_is_away_is_told_with_its_address() -> None:
    with pytest.raises(ServerUnavailable, match=r"redis://127.0.0.1:1/0 cannot be reached"):
        Strict({"name": "x"}).set()
    with pytest.raises(ConnectionError):
        Strict.filter(name="x").count()


@pytest.mark.parametrize(
    "conditions",
    [(), pytest.param((Q(),)),
     pytest.param((Q() & Q(Q()),))],
    ids=repr,
)  # fmt: skip
def test_deleting_what_meets_no_condition_is_refused(conditions: tuple[Q, ...]) -> None:
    with pytest.raises(QueryError, match=r"delete_all\(\) removes all"):
        objects(Strict).delete_filter(*conditions)


@pytest.mark.parametrize("given", [5, "redis://localhost", object(), lambda: 5])
def test_a_client_that_is_none_is_told_with_the_model(given: Any) -> None:
    model: Any = type("Lost", (Model, SearchRedisMixin), {"pk": StringType(), "__redis_client__": given})
    with pytest.raises(ServerError, match=r"Lost\.__redis_client__ gave .*, which is no redis-py client"):
        model.count()


def test_a_pk_that_cannot_be_made_up_is_told_as_missing() -> None:
    model: Any = type("Numbered", (Model, SearchRedisMixin), {"pk": IntType(), "__redis_client__": NOWHERE})
    with pytest.raises(InvalidObject, match=r"Numbered\.pk is required: .* IntType cannot hold one"):
        model().set()
    identified: Any = type("Identified", (Model, SearchRedisMixin), {"id": IntType(), "__redis_client__": NOWHERE})
    with pytest.raises(InvalidObject, match=r"Identified\.id is required"):
        identified().set()

"""A careless user: what cannot be meant is told by an error that names it, and nothing is written or lost."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from fixtures.layers import Fields, versioned
from schematics.models import Model
from schematics.types import IntType, StringType

from rs_search import (
    Conflict,
    F,
    InvalidObject,
    NotFound,
    QueryError,
    RedisMixinException,
    UnknownField,
    objects,
)

SERVERS = [("redis", 3), ("plain", 2)]


@pytest.fixture
def one(ice: Any) -> Any:
    """The only object."""
    kept = ice({"pk": "1", "flavour": "kept", "n": 1, "tags": ["a"]})
    kept.set()
    return kept


def other_model(layer: type) -> Any:
    return type("Shop", (Fields, layer), {})


#: What is asked of the only object and its model, and what the error says.
REFUSED: dict[str, tuple[Callable[[Any, Any], Any], type[Exception], str]] = {
    "only= of a name that is none": (lambda one, ice: one.set(only=["nn"]), UnknownField, "no field nn; it has pk"),
    "only= of one text": (lambda one, ice: one.set(only="n"), QueryError, "takes a list of values, not 'n'"),
    "only= and if_present=": (lambda one, ice: one.set(only=["n"], if_present=True), QueryError, "one of only"),
    "F of a field that is not there": (lambda one, ice: one.update(n=F("zz") + 1), UnknownField, r"zz.*F\('zz'\) \+ 1"),
    "F of it where nothing is found": (lambda one, ice: ice.filter(n=9).update(n=F("zz")), UnknownField, "no field zz"),
    "F of nothing": (lambda one, ice: one.update(n=F("day") + 1), InvalidObject, "Ice:1: .*no value to reckon with"),
    "F of a text": (lambda one, ice: one.update(n=F("flavour") + 1), InvalidObject, "Ice:1: .*concatenate"),
    "F divided by 0": (lambda one, ice: one.update(n=F("n") / 0), InvalidObject, "division by zero"),
    "append to a number": (lambda one, ice: one.update(n=F("n").append(1)), InvalidObject, "1 is no list"),
    "append what is no text": (lambda one, ice: one.update(tags=F("tags").append({})), InvalidObject, "tags.1"),
    "F in a query": (lambda one, ice: ice.filter(n=F("n")), QueryError, "cannot be read as IntType"),
    "a value that is not valid": (lambda one, ice: one.update(n="x"), InvalidObject, "'x' is not int"),
    "a change of the key": (lambda one, ice: one.update(pk="2"), QueryError, "pk makes the key"),
    "an update of a slice": (lambda one, ice: ice.all()[:1].update(n=2), QueryError, "update.. before slicing"),
    "a batch of none": (lambda one, ice: ice.set_many([one], batch=0), QueryError, "batch=0"),
    "a batch of a text": (lambda one, ice: ice.set_many([one], batch="5"), QueryError, "batch='5'"),
    "many of one object": (lambda one, ice: ice.set_many(one), QueryError, "takes objects, as a list"),
    "many of None": (lambda one, ice: ice.set_many(None), QueryError, "takes objects, as a list"),
    "many of dictionaries": (lambda one, ice: ice.set_many([one, {"pk": "2"}]), InvalidObject, "object 1 .*own"),
    "pks of one text": (lambda one, ice: ice.delete_many("1"), QueryError, "takes a list of values, not '1'"),
    "a pk of None": (lambda one, ice: ice.get_many([None]), QueryError, "None cannot be read"),
    "get_or_set of no key": (lambda one, ice: ice.get_or_set({"n": 1}), QueryError, "whose key is given"),
    "get_or_set of a typo": (lambda one, ice: ice.get_or_set({"zz": 1}, pk="g"), UnknownField, "no field zz"),
    "get_or_set of a lookup": (lambda one, ice: ice.get_or_set(pk="g", n__gt=1), UnknownField, "no field n__gt"),
    "get_or_set of no number": (lambda one, ice: ice.get_or_set({"n": "x"}, pk="g"), InvalidObject, "'x' is not int"),
    "update_or_set of a typo": (lambda one, ice: ice.update_or_set({"zz": 1}, pk="1"), UnknownField, "no field zz"),
    "update_or_set of more": (lambda one, ice: ice.update_or_set(pk="1", n=7), QueryError, "n makes no key"),
    "an update of what is gone": (lambda one, ice: ice({"pk": "2"}).update(n=1), NotFound, "no Ice under Ice:2$"),
    "a part of what is gone": (lambda one, ice: ice({"pk": "2", "n": 1}).set(only=["n"]), NotFound, "under Ice:2$"),
    "changes of what was never set": (lambda one, ice: ice({"pk": "2", "n": 1}).set(changed=True), NotFound, "Ice:2$"),
    "an object that was never set": (lambda one, ice: ice().update(n=1), InvalidObject, "never set"),
}  # fmt: skip


def test_what_cannot_be_meant_is_told_and_nothing_is_written(one: Any, ice: Any) -> None:
    for name, (ask, error, said) in REFUSED.items():
        with pytest.raises(RedisMixinException) as raised:
            ask(one, ice)
        assert isinstance(raised.value, error), name
        assert re.search(said, str(raised.value)), (name, str(raised.value))
        assert ice.all() == [ice({"pk": "1", "flavour": "kept", "n": 1, "tags": ["a"]})], name
        assert ice.match_for_pk("1").ttl() is None


def test_what_is_no_time_to_live_is_refused(one: Any, ice: Any) -> None:
    new = ice({"pk": "2"})
    calls: list[Callable[[Any], Any]] = [
        lambda expire: one.set(expire=expire),
        lambda expire: one.set(only=["n"], expire=expire),
        lambda expire: new.set(if_absent=True, expire=expire),
        lambda expire: ice.set_many([new], expire=expire),
    ]
    for expire in (0, -1, 1.5, True, "10", dt.timedelta(seconds=5), 10**20):
        for call in calls:
            with pytest.raises(QueryError, match="seconds to live are a whole number"):
                call(expire)
    assert [kept.ttl() for kept in ice.all()] == [None]


def test_the_longest_life_is_taken(ice: Any) -> None:
    one = ice({"pk": "1"})
    one.set(expire=10_000_000_000)
    assert 9_999_999_000 < one.ttl() <= 10_000_000_000
    one.update(n=5)
    assert ice.match_for_pk("1").n == 5


def test_objects_of_another_model_are_refused(one: Any, ice: Any, layer: type) -> None:
    shop = other_model(layer)({"pk": "1"})
    shop.set()
    told: list[Any] = []
    with pytest.raises(InvalidObject, match=r"object 1 \(counted from 0\): Ice keeps its own objects; a Shop"):
        ice.set_many([one, shop])
    given = [ice({"pk": "2"}), shop, None, 5, ice({"pk": "3"})]
    assert ice.set_many(given, on_error=lambda place, wrong, error: told.append((place, wrong))) == 2
    assert told == [(1, shop), (2, None), (3, 5)]
    for call in (
        lambda: ice.delete_many([one, shop]),
        lambda: objects(ice).set(shop),
        lambda: objects(ice).delete(shop),
        lambda: objects(ice).update(shop, n=5),
        lambda: objects(ice).refresh(shop),
        lambda: objects(ice).ttl(shop),
        lambda: objects(ice).persist(shop),
    ):
        with pytest.raises(InvalidObject, match="Ice keeps its own objects"):
            call()
    assert (ice.count(), shop.n, type(shop).all()) == (3, 0, [shop])


def test_a_class_that_is_kept_in_the_same_place_is_kept_whole_or_refused(ice: Any) -> None:
    more = type("Special", (ice,), {"__prefix__": "Ice", "extra": StringType()})
    special = more({"pk": "2", "extra": "x"})
    objects(ice).set(special)
    assert [one.pk for one in ice.all()] == ["2"]
    assert more.match_for_pk("2").extra == "x"
    with pytest.raises(InvalidObject, match="a Special is kept by Special itself"):
        ice.set_many([special])
    assert ice.delete_many([special]) == 1


def test_an_iterator_that_fails_leaves_the_batches_before(ice: Any) -> None:
    def instances() -> Iterator[Any]:
        for number in range(5):
            yield ice({"pk": str(number), "n": 1 // (3 - number)})

    with pytest.raises(ZeroDivisionError):
        ice.set_many(instances(), batch=2)
    assert [one.pk for one in ice.all()] == ["0", "1"]


def test_deleting_twice_tells_that_it_was_gone(one: Any, ice: Any) -> None:
    assert (one.delete(), one.delete()) == (True, False)
    assert ice.delete_many(["1", "1"]) == 0
    with pytest.raises(NotFound, match=r"under Ice:1$"):
        one.set(changed=True)
    with pytest.raises(NotFound, match=r"under Ice:1$"):
        one.set(only=[])


# --- some of the fields ---------------------------------------------------------------------------------------------


def test_a_field_that_was_not_loaded_is_not_erased(one: Any, ice: Any) -> None:
    part = ice.all().only("n")[0]
    with pytest.raises(InvalidObject, match="loaded without flavour"):
        part.set(only=["n", "flavour"])
    assert ice.match_for_pk("1") == one
    part.n, part.flavour = 2, "new"
    assert part.changed == {"n", "flavour"}
    part.set(changed=True)
    found = ice.match_for_pk("1")
    assert (found.n, found.flavour, found.tags) == (2, "new", ["a"])
    assert part.set(only=["flavour"])


def test_members_that_only_another_version_of_the_model_knows_stay(ice: Any, layer: type) -> None:
    newer = type("Ice", (Fields, layer), {"extra": StringType(), "weight": IntType()})
    made = newer({"pk": "1", "n": 1, "extra": "kept", "weight": 5})
    for write in (
        lambda: ice({"pk": "1", "n": 2}).set(only=["n"]),
        lambda: ice({"pk": "1"}).update(n=F("n") + 1),
        lambda: ice.filter(n=1).update(n=F("n") + 1),
        lambda: ice.update_or_set({"n": 2}, pk="1"),
    ):
        made.set()
        write()
        found = newer.match_for_pk("1")
        assert (found.n, found.extra, found.weight) == (2, "kept", 5)
        assert newer.filter(extra="kept", weight=5, n=2).count() == 1


def test_a_life_is_given_though_no_field_changed(one: Any) -> None:
    assert one.set(changed=True, expire=100)
    assert 99 < one.ttl() <= 100
    assert one.set(only=["n"], expire=200)
    assert 199 < one.ttl() <= 200
    assert one.set(changed=True)
    assert one.changed == frozenset()


def test_what_update_or_set_makes_has_the_models_life(client: redis.Redis, layer: type) -> None:
    ice = type("Ice", (Fields, layer), {"__expire__": 100})
    for call in (ice.get_or_set, ice.update_or_set):
        made, new = call({"n": 1}, pk=call.__name__)
        assert new
        assert 99 < made.ttl() <= 100


def test_an_update_by_query_tells_which_object_is_bad_and_goes_on_if_asked(ice: Any) -> None:
    ice.set_many(ice({"pk": str(number), "n": number or None}) for number in range(5))
    with pytest.raises(InvalidObject, match=r"^Ice:0: F\('n'\) \* 2: there is no value"):
        ice.all().update(n=F("n") * 2)
    told: list[Any] = []
    done: list[int] = []
    changed = ice.all().update(done.append, lambda key, stored, error: told.append((key, stored.n)), n=F("n") * 2)
    assert (changed, done, told) == (4, [4], [("Ice:0", None)])
    assert [one.n for one in ice.all()] == [None, 2, 4, 6, 8]


# --- versions -------------------------------------------------------------------------------------------------------


def test_conditions_hold_for_objects_with_a_version_too(client: redis.Redis, layer: type) -> None:
    ice = versioned(layer)
    one = ice({"pk": "1"})
    assert not one.set(if_present=True)
    assert (ice.count(), one.version) == (0, None)
    assert one.set(if_absent=True)
    assert not ice({"pk": "1"}).set(if_absent=True)
    with pytest.raises(Conflict):
        ice({"pk": "1"}).set(if_present=True)
    assert one.set(if_present=True)
    assert one.version == 2
    assert one.delete()
    assert not one.set(if_present=True)
    assert one.set(if_absent=True)
    assert ice.match_for_pk("1").version == one.version


def test_the_version_is_not_for_setting(client: redis.Redis, layer: type) -> None:
    ice = versioned(layer)
    one = ice({"pk": "1"})
    one.set()
    for call in (
        lambda: one.update(version=9),
        lambda: one.set(only=["version"]),
        lambda: ice.all().update(version=9),
        lambda: ice.update_or_set({"version": 9}, pk="1"),
    ):
        with pytest.raises(QueryError, match="counts the writes"):
            call()
    assert ice.match_for_pk("1").version == 1
    part = ice.all().only("n")[0]
    part.n = 5
    assert part.set(only=["n"])
    assert (part.version, ice.match_for_pk("1").n) == (2, 5)


def test_stale_objects_among_many_are_told_with_their_position(client: redis.Redis, layer: type) -> None:
    ice = versioned(layer)
    ice.set_many([ice({"pk": pk}) for pk in "abcd"])
    read = list(ice.all())
    ice.match_for_pk("c").update(n=9)
    ice.delete_many(["d"])
    with pytest.raises(Conflict, match=r"object 2 \(counted from 0\): Versioned:c is stored as version 2"):
        ice.set_many(read)
    assert [one.version for one in ice.all()] == [1, 1, 2]
    told: list[Any] = []
    more = [*read, ice({"pk": "e", "n": 2**70}), ice({"pk": "f"})]
    assert ice.set_many(more, batch=4, on_error=lambda place, one, error: told.append((place, type(error)))) == 3
    assert [place for place, _ in told] == [2, 3, 4]
    assert {one.pk: one.version for one in ice.all()} == {"a": 2, "b": 2, "c": 2, "f": 1}
    assert [one.version for one in more] == [2, 2, 1, 1, None, 1]


def test_a_model_without_its_version_field_is_refused(client: redis.Redis, layer: type) -> None:
    for name in ("nothing", "flavour"):
        wrong = type("Wrong", (Fields, layer), {"__version_field__": name})
        with pytest.raises(RedisMixinException, match=f"__version_field__ must name an IntType field.*{name}"):
            wrong({"pk": "1"}).set()


class Rules(Model):
    pk = StringType()
    name = StringType(required=True)
    amount = IntType(min_value=0)


def test_a_change_that_breaks_a_rule_of_another_field_is_refused(client: redis.Redis, layer: type) -> None:
    ruled = type("Ruled", (Rules, layer), {})
    ruled({"pk": "1", "name": "x", "amount": 1}).set()
    part = ruled({"pk": "1", "amount": 2})
    assert part.set(only=["amount"])
    for call in (
        lambda: part.update(amount=F("amount") - 3),
        lambda: part.update(name=None),
        lambda: ruled.all().update(amount=-1),
    ):
        with pytest.raises(InvalidObject, match="Ruled:1: Ruled is not valid"):
            call()
    assert ruled.match_for_pk("1").to_primitive() == {"pk": "1", "name": "x", "amount": 2}

"""Every operation, called and awaited: one body for both, on every layer and server."""

from __future__ import annotations

import contextvars
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from fixtures.drivers import Driver
from schematics.models import Model
from schematics.types import IntType, ListType, StringType

from rs_search import (
    Conflict,
    DistributedRedisMixin,
    F,
    HashRedisMixin,
    InvalidObject,
    MultipleFound,
    NotFound,
    QueryError,
    ReferenceType,
    Restricted,
    SearchRedisMixin,
    SimpleRedisMixin,
    TransactionError,
    key_runs,
    objects,
    transaction,
)
from rs_search.storage import base


def model_on(layer: type[Any]) -> Any:
    class Ice(Model, layer):  # type: ignore[misc,valid-type]
        pk = StringType()
        flavour = StringType()
        amount = IntType()
        tags = ListType(StringType())

    return Ice


def versioned_on(layer: type[Any]) -> Any:
    class Versioned(Model, layer):  # type: ignore[misc,valid-type]
        __version_field__ = "version"
        pk = StringType()
        amount = IntType()
        version = IntType()

    return Versioned


LAYERS = [SearchRedisMixin, SimpleRedisMixin, HashRedisMixin, DistributedRedisMixin]


@pytest.fixture(params=LAYERS, ids=lambda layer: layer.__name__)
def layer(request: pytest.FixtureRequest, client: redis.Redis) -> Any:
    return request.param


@pytest.fixture
def ice(layer: Any, drive: Driver) -> Any:
    model = model_on(layer)
    rows = [("a", "vanilla", 3), ("b", "mint", 1), ("c", "vanilla", None), ("d:e", "lime", 2)]
    for pk, flavour, amount in rows:
        assert drive(model({"pk": pk, "flavour": flavour, "amount": amount}), "set") is True
    return model


def pks(rows: Any) -> list[str]:
    return [one.pk for one in rows]


def test_objects_are_read_by_key_and_by_values(ice: Any, drive: Driver) -> None:
    assert drive(ice, "match", pk="a").amount == 3
    assert drive(ice, "match", flavour="mint").pk == "b"
    assert drive(ice, "match_for_pk", "d:e").flavour == "lime"
    assert drive(ice, "match_for_values", amount=3).pk == "a"
    assert [one and one.pk for one in drive(ice, "get_many", ["c", "zz", "a"])] == ["c", None, "a"]
    with pytest.raises(NotFound):
        drive(ice, "match", pk="zz")
    with pytest.raises(MultipleFound):
        drive(ice, "match_for_values", flavour="vanilla")


def test_result_sets_give_the_same_rows_counts_and_orders(ice: Any, drive: Driver) -> None:
    assert pks(drive.rows(ice.filter(flavour="vanilla"))) == ["a", "c"]
    assert pks(drive.rows(ice.order_by("-amount", "flavour"))) == ["a", "d:e", "b", "c"]
    assert pks(drive.each(ice.all())) == ["a", "b", "c", "d:e"]
    assert pks(drive.each(ice.order_by("amount"), 2)) == ["b", "d:e"]
    assert drive(ice.exclude(flavour="vanilla"), "count") == 2
    assert drive(ice, "count", amount__gte=2) == 2
    assert drive(ice.filter(amount=9), "exists") is False
    assert drive(ice.order_by("amount"), "first").pk == "b"
    assert drive(ice.order_by("amount"), "last").pk == "c"
    assert drive(ice.filter(flavour="mint"), "get").pk == "b"
    assert sorted(drive(ice.filter(flavour="vanilla"), "in_bulk", ["a", "b"])) == ["a"]
    assert drive.rows(ice.filter(pk="a").values_list("flavour", flat=True)) == ["vanilla"]
    kept = ice.filter(flavour="vanilla")
    assert drive.rows(kept) == drive.rows(kept)
    assert len(kept) == 2


def test_some_fields_are_written_and_what_others_wrote_stays(ice: Any, drive: Driver) -> None:
    one, other = drive(ice, "match", pk="a"), drive(ice, "match", pk="a")
    one.flavour, other.amount = "lemon", 50
    assert one.changed == {"flavour"}
    drive(one, "set", changed=True)
    drive(other, "set", only=["amount"])
    drive(one, "refresh")
    assert (one.flavour, one.amount) == ("lemon", 50)
    assert drive(one, "update", amount=F("amount") + 1, tags=F("tags").append("cold")).amount == 51
    assert drive(ice, "match", pk="a").tags == ["cold"]


def test_no_update_is_lost(ice: Any, drive: Driver) -> None:
    one = drive(ice, "match", pk="b")
    drive.together(lambda: one, "update", 20, amount=F("amount") + 1)
    assert drive(ice, "match", pk="b").amount == 21


def test_conditions_are_met_in_one_step(ice: Any, drive: Driver) -> None:
    assert drive(ice({"pk": "a"}), "set", if_absent=True) is False
    assert drive(ice({"pk": "new"}), "set", if_absent=True) is True
    assert drive(ice({"pk": "none"}), "set", if_present=True) is False
    found, is_new = drive(ice, "get_or_set", {"amount": 7}, pk="g")
    assert (found.amount, is_new) == (7, True)
    found, is_new = drive(ice, "get_or_set", {"amount": 8}, pk="g")
    assert (found.amount, is_new) == (7, False)
    found, is_new = drive(ice, "update_or_set", {"amount": F("amount") + 1}, pk="g")
    assert (found.amount, is_new) == (8, False)
    with pytest.raises(QueryError, match="whose key is given"):
        drive(ice, "get_or_set", flavour="x")


def test_a_write_from_a_stale_copy_is_a_conflict(layer: Any, drive: Driver) -> None:
    versioned = versioned_on(layer)
    one = versioned({"pk": "v", "amount": 1})
    drive(one, "set")
    other = drive(versioned, "match", pk="v")
    other.amount = 2
    drive(other, "set")
    one.amount = 3
    with pytest.raises(Conflict):
        drive(one, "set")
    assert (drive(versioned, "match", pk="v").amount, one.version) == (2, 1)


def test_time_to_live_is_kept_until_it_is_changed(ice: Any, drive: Driver, client: redis.Redis) -> None:
    if "HashRedisMixin" in str(ice.__mro__) and not client.execute_command("COMMAND INFO", "HEXPIRE")[0]:
        pytest.skip("this server lets no field of a hash expire")
    one = ice({"pk": "t"})
    drive(one, "set", expire=100)
    assert 90 < drive(one, "ttl") <= 100
    drive(one, "set")
    assert drive(one, "ttl") > 90
    drive(one, "persist")
    assert drive(one, "ttl") is None
    with pytest.raises(NotFound):
        drive(ice({"pk": "gone"}), "ttl")


def test_many_are_written_changed_and_removed(ice: Any, drive: Driver) -> None:
    told: list[Any] = []
    many = (ice({"pk": f"m{place}", "amount": place}) for place in range(30))
    assert drive(ice, "set_many", many, batch=7, on_progress=told.append) == 30
    assert told == [7, 14, 21, 28, 30]
    bad = [ice({"pk": "ok"}), ice({"pk": "bad", "amount": 2**80}), ice({"pk": "too"})]
    with pytest.raises(InvalidObject, match="object 1"):
        drive(ice, "set_many", bad)
    assert drive(ice, "set_many", bad, on_error=lambda place, one, error: told.append(place)) == 2
    assert told[-1] == 1
    assert drive(ice.filter(pk__startswith="m", amount__lt=10), "update", amount=F("amount") + 100) == 10
    assert drive(ice, "count", amount__gte=100) == 10
    assert drive(ice.filter(amount__gte=100), "delete") == 10
    assert drive(ice, "delete_many", ["m20", "m21", "zz"]) == 2
    assert drive(ice, "delete_filter", pk__startswith="m") == 18
    assert drive(drive(ice, "match", pk="a"), "delete") is True
    assert drive(ice, "delete_all") == 5


def test_a_deletion_without_a_condition_is_redis_schematics_own(ice: Any, drive: Driver, layer: Any) -> None:
    if layer in (SimpleRedisMixin, HashRedisMixin):
        assert drive(ice, "delete_filter") == 4
    else:
        with pytest.raises(QueryError):
            drive(ice, "delete_filter")


def test_writes_of_a_transaction_are_all_done_or_none(ice: Any, drive: Driver) -> None:
    new, old = ice({"pk": "new"}), drive(ice, "match", pk="a")
    drive.within(transaction(), (new, "set"), (old, "delete"), (ice, "get_many", ["new"]))
    assert pks(drive.rows(ice.filter(pk__in=["a", "new"]))) == ["new"]
    with pytest.raises(InvalidObject):
        drive.within(transaction(), (ice({"pk": "n2"}), "set"), (ice({"pk": "n3", "amount": 2**80}), "set"))
    assert drive(ice, "get_many", ["n2"]) == [None]
    with pytest.raises(TransactionError):
        drive.within(transaction(), (new, "set", *()), (ice.filter(pk="b"), "delete"))
    watched = drive(ice, "match", pk="b")
    drive.within(transaction(watch=[watched]), (ice({"pk": "b", "amount": 9}), "set"))
    assert drive(ice, "match", pk="b").amount == 9


def test_a_function_runs_again_while_others_change_what_is_watched(ice: Any, drive: Driver) -> None:
    watched, others = drive(ice, "match", pk="b"), [ice({"pk": "b", "amount": amount}) for amount in (7, 8)]

    def change() -> Any:
        if others:
            # In a context of its own: another program's write, in no transaction.
            contextvars.Context().run(others.pop().set)
        return drive.calling(ice({"pk": "new", "amount": 9 - len(others)}), "set")

    with pytest.raises(Conflict):
        drive(transaction(watch=[watched]), "run", change)
    assert drive(ice, "get_many", ["new"]) == [None]
    assert drive(transaction(watch=[watched], retries=2), "run", change) is True
    assert (others, drive(ice, "match", pk="new").amount) == ([], 9)


def test_plans_and_profiles_are_had_both_ways(ice: Any, drive: Driver) -> None:
    explanation = drive(ice.filter(amount=3), "explain")
    assert explanation.access in ("index", "scan")
    profile = drive(explanation, "profile")
    assert (profile is None) is (explanation.access == "scan")


def test_the_operations_are_there_apart_from_the_models_names(ice: Any, drive: Driver) -> None:
    assert drive(objects(ice), "count") == 4
    assert drive(objects(ice), "match", pk="a").pk == "a"


def test_what_others_wrote_is_not_taken_for_a_change_of_ones_own(ice: Any, drive: Driver) -> None:
    one, other = drive(ice, "match", pk="a"), drive(ice, "match", pk="a")
    other.amount = 50
    drive(other, "set", changed=True)
    for flavour in ("lemon", "lime"):
        one.flavour = flavour
        assert one.changed == {"flavour"}
        drive(one, "set", changed=True)
        assert one.changed == frozenset()
    assert drive(ice, "match", pk="a").amount == 50


# --- references -------------------------------------------------------------------------------------------------------


@pytest.fixture
def made(layer: Any, drive: Driver) -> Any:
    """Makers and what they make: of mint nobody does."""

    class Maker(Model, layer):  # type: ignore[misc,valid-type]
        pk = StringType()
        country = StringType()

    class Made(Model, layer):  # type: ignore[misc,valid-type]
        pk = StringType()
        maker = ReferenceType(Maker, related_name="made", on_delete="cascade")
        sellers = ListType(ReferenceType(Maker, on_delete="restrict"))

    drive(Maker, "set_many", [Maker({"pk": pk, "country": country}) for pk, country in ("gI", "hI", "kD")])
    for pk, maker, sellers in [("a", "g", ["k"]), ("b", "h", []), ("c", "g", ["h", "k"]), ("d", None, [])]:
        drive(Made({"pk": pk, "maker": maker, "sellers": sellers}), "set")
    return SimpleNamespace(Maker=Maker, Made=Made)


def test_conditions_lead_across_references(made: Any, drive: Driver) -> None:
    assert pks(drive.rows(made.Made.filter(maker__country="I"))) == ["a", "b", "c"]
    assert drive(made.Made.exclude(sellers__country="D"), "count") == 2
    assert drive(made.Made, "match", maker__country="I", sellers__country="I").pk == "c"
    assert drive(made.Made, "match", pk="b", maker__country="I").pk == "b"
    with pytest.raises(NotFound):
        drive(made.Made, "match", pk="d", maker__country="I")
    assert "Maker" in str(drive(made.Made.filter(maker__country="I"), "explain"))


def test_references_are_loaded_with_the_rows(made: Any, drive: Driver) -> None:
    for rows in (
        drive.rows(made.Made.all().prefetch("maker", "sellers")),
        drive.each(made.Made.all().prefetch("maker", "sellers")),
        list(drive(made.Made.all().prefetch("maker", "sellers"), "in_bulk").values()),
    ):
        assert [one["maker"] and one["maker"].country for one in rows] == ["I", "I", "I", None]
        assert [[seller.pk for seller in one.sellers.raw] for one in rows] == [["k"], [], ["h", "k"], []]
    alone = drive(made.Made, "match", pk="c")
    assert (alone["maker"], alone.sellers.keys) == ("g", ["h", "k"])
    drive(made.Made, "prefetch", [alone], "maker", "sellers")
    assert (alone["maker"].country, [seller.country for seller in alone.sellers.raw]) == ("I", ["I", "D"])
    assert drive(alone["maker"].made, "count") == 2


def test_removal_does_what_references_say(made: Any, drive: Driver) -> None:
    with pytest.raises(Restricted, match="Made:a"):
        drive(made.Maker, "delete_many", ["k"])
    assert drive(made.Maker, "count") == 3
    # What refers to k goes with g.
    assert drive(made.Maker, "delete_many", ["g", "k", "zz"]) == 2
    assert pks(drive.rows(made.Made.all())) == ["b", "d"]
    assert drive(made.Maker, "delete_filter", country="I") == 1
    assert pks(drive.rows(made.Made.all())) == ["d"]


def test_a_removal_with_consequences_takes_no_part_in_a_transaction(made: Any, drive: Driver) -> None:
    maker = drive(made.Maker, "match", pk="h")
    with pytest.raises(Restricted):
        drive.within(transaction(), (made.Made({"pk": "new"}), "set"), (maker, "delete"))
    drive(made.Made, "delete_many", ["c"])
    with pytest.raises(TransactionError):
        drive.within(transaction(), (made.Made({"pk": "new"}), "set"), (maker, "delete"))
    assert (drive(made.Made, "count"), drive(made.Maker, "count")) == (3, 3)
    drive(made.Made, "delete_many", ["b"])
    drive.within(transaction(), (made.Made({"pk": "new"}), "set"), (maker, "delete"))
    assert (drive(made.Made, "count"), drive(made.Maker, "count")) == (3, 2)


def test_all_objects_are_iterated_in_order_when_their_keys_are_packed(
    ice: Any, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_runs, "RUN", 40)
    monkeypatch.setattr(base, "BATCH", 30)
    drive(ice, "delete_all")
    many = [ice({"pk": f"{number * 7 % 100:02}"}) for number in range(100)]
    drive(ice, "set_many", many)
    for asked in (ice.all(), ice.filter(pk__regex="")):
        rows = drive.each(asked.iterator() if drive.loop is None else asked)
        assert [one.pk for one in rows] == [f"{number:02}" for number in range(100)]

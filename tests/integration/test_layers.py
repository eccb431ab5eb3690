"""Each behaviour on every layer, and on a fifth that is made as README says."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import pickle
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from fixtures import history_layer
from fixtures.history_layer import HistoryRedisMixin
from fixtures.layers import Fields
from fixtures.models import FULL, Everything
from schematics.types import IntType

from rs_search import (
    Conflict,
    DistributedRedisMixin,
    F,
    HashRedisMixin,
    InvalidObject,
    NotFound,
    Q,
    QueryError,
    SchemaError,
    SearchRedisMixin,
    SimpleRedisMixin,
    WrongKeyType,
)

#: Two of the five kinds: there are five layers, and what differs between servers is tested elsewhere on all.
SERVERS = [("redis", 3), ("plain", 2)]


def pk_of(number: int) -> str:
    return f"{number:02}" + (":x%" if number % 3 else "")


@pytest.fixture
def full(ice: Any) -> Any:
    """The model with fifty objects."""
    ice.set_many(
        ice({"pk": pk_of(number), "flavour": f"f{number % 4}", "n": number, "tags": ["a"] * (number % 3),
             "day": dt.date(2000 + number, 1, 1) if number % 5 else None})
        for number in range(50)
    )  # fmt: skip
    return ice


def numbers(rows: Any) -> list[int]:
    return [row.n for row in rows]


# --- written and read -----------------------------------------------------------------------------------------------


def test_what_is_set_is_found_by_its_key_and_comes_back_equal(ice: Any) -> None:
    for pk in ("1", "a:b", "50%", "é 😀", "%3A"):
        one = ice({"pk": pk, "tags": ["x", None], "day": dt.date(2024, 2, 29), "other": None})
        assert one.set()
        assert ice.match_for_pk(pk) == ice.match(pk=pk) == one
    assert ice.all().count() == 5
    with pytest.raises(NotFound):
        ice.match_for_pk("2")


def test_every_type_of_schematics_comes_back_equal(client: redis.Redis, layer: type) -> None:
    whole = type("Whole", (Everything, layer), {"__storage__": layer.__storage__})  # type: ignore[attr-defined]
    one = whole({"pk": "1", **FULL})
    one.set()
    assert whole.match_for_pk("1") == one
    whole({"pk": "2"}).set()
    assert whole.match_for_pk("2") == whole({"pk": "2"})


def test_the_layers_give_the_same_rows_in_the_same_order(full: Any) -> None:
    assert numbers(full.filter(n__lt=10, flavour="f1")) == [1, 5, 9]
    assert full.filter(n__lt=10).count() == 10
    assert numbers(full.order_by("-flavour", "n")[:3]) == [3, 7, 11]
    assert numbers(full.all()[:5]) == [0, 1, 2, 3, 4]
    assert numbers(full.all().reverse()[:2]) == [49, 48]
    assert numbers(full.filter(Q(tags__len=2) & ~Q(flavour="f1"), n__lt=12)) == [2, 8, 11]
    assert numbers(full.filter(day__isnull=True, n__gt=30)) == [35, 40, 45]
    assert full.filter(day__year__gte=2040).count() == 8
    assert numbers(full.exclude(n__lt=48)) == [48, 49]
    assert list(full.filter(n__lt=2).values_list("pk", "n")) == [("00", 0), ("01:x%", 1)]
    assert numbers(full.all().iterator()) == list(range(50))
    assert full.match(pk="01:x%", n=1).n == 1
    with pytest.raises(NotFound):
        full.match(pk="01:x%", n=2)


def test_get_many_keeps_the_order_and_delete_many_counts(full: Any) -> None:
    assert [one and one.n for one in full.get_many(["03", "no", "01:x%", "03"])] == [3, None, 1, 3]
    assert full.get_many([]) == []
    assert full.delete_many(["03", "no", full.match_for_pk("06"), "03"]) == 2
    assert full.count() == 48
    assert full.delete_many([]) == 0


def test_refresh_takes_over_what_is_stored(full: Any) -> None:
    mine, other = full.match_for_pk("03"), full.match_for_pk("03")
    other.n = 99
    other.set()
    mine.refresh()
    assert mine.n == 99
    assert mine.changed == frozenset()
    assert mine.delete()
    assert not mine.delete()
    with pytest.raises(NotFound):
        other.refresh()


def test_delete_all_removes_everything_of_the_model_and_nothing_else(full: Any, layer: type, client: Any) -> None:
    other = type("Other", (Fields, layer), {"__prefix__": "Ic"})
    other({"pk": "1"}).set()
    assert full.delete_all() == 50
    assert full.delete_all() == 0
    assert other.count() == 1
    assert other.delete_all() == 1
    # That there were strings, which an index would not see, stays noted.
    assert [key for key in client.scan_iter() if key != b"rs:strings"] == []


# --- some of the fields, and conditions -----------------------------------------------------------------------------


def test_changed_and_only_leave_alone_what_others_wrote(full: Any) -> None:
    mine, other = full.match_for_pk("03"), full.match_for_pk("03")
    mine.flavour, other.n = "changed", 100
    assert mine.changed == {"flavour"}
    assert mine.set(changed=True)
    assert other.set(only=["n"])
    mine.refresh()
    assert (mine.flavour, mine.n) == ("changed", 100)
    assert full.filter(flavour="changed", n=100).count() == 1
    with pytest.raises(NotFound):
        full({"pk": "no", "n": 1}).set(only=["n"])
    with pytest.raises(QueryError):
        mine.set(only=["pk"])


def test_if_absent_and_if_present_hold_or_write_nothing(ice: Any) -> None:
    one = ice({"pk": "1", "n": 1})
    assert not one.set(if_present=True)
    assert ice.count() == 0
    assert one.set(if_absent=True)
    assert not ice({"pk": "1", "n": 2}).set(if_absent=True)
    assert ice.match_for_pk("1").n == 1
    assert ice({"pk": "1", "n": 3}).set(if_present=True)
    assert ice.match_for_pk("1").n == 3


def test_expressions_are_worked_out_of_what_is_stored(full: Any) -> None:
    stale, other = full.match_for_pk("03"), full.match_for_pk("03")
    other.update(n=50)
    stale.update(n=F("n") * 2 + 1, tags=F("tags").append("b", "c"), other=None)
    assert (stale.n, stale.tags[-2:], stale.other) == (101, ["b", "c"], None)
    stale.update(tags=F("tags").remove("b"))
    assert full.match_for_pk("03") == stale
    assert "b" not in stale.tags
    with pytest.raises(InvalidObject):
        stale.update(n="many")
    assert full.match_for_pk("03").n == 101
    with pytest.raises(NotFound):
        full({"pk": "no"}).update(n=1)


def test_a_query_updates_and_deletes_what_it_finds(full: Any) -> None:
    assert full.filter(n__lt=10).update(n=F("n") + 1000) == 10
    assert full.filter(n__gte=1000).count() == 10
    assert full.filter(n__gte=1000).delete() == 10
    assert full.delete_filter(flavour="f1") == 10
    assert full.filter(n__gte=5000).update(n=1) == full.filter(n__gte=5000).delete() == 0
    assert full.count() == 30


def test_get_or_set_and_update_or_set_make_one_or_take_it(ice: Any) -> None:
    one, new = ice.get_or_set({"n": 7}, pk="g")
    assert (one.n, new) == (7, True)
    one, new = ice.get_or_set({"n": 8}, pk="g")
    assert (one.n, new) == (7, False)
    one, new = ice.update_or_set({"n": F("n") + 5}, pk="g")
    assert (one.n, new) == (12, False)
    one, new = ice.update_or_set({"n": 3}, pk="h")
    assert (one.n, new) == (3, True)
    with pytest.raises(QueryError, match="pk"):
        ice.get_or_set({"n": 1}, flavour="x")


def test_a_stale_version_is_a_conflict(client: redis.Redis, layer: type) -> None:
    ice = type("Ice", (Fields, layer), {"__version_field__": "version", "version": IntType()})
    one = ice({"pk": "v"})
    one.set()
    newer = ice.match_for_pk("v")
    newer.n = 5
    newer.set()
    assert (one.version, newer.version) == (1, 2)
    one.n = 6
    with pytest.raises(Conflict):
        one.set()
    with pytest.raises(Conflict):
        one.set(only=["n"])
    assert (one.version, one.n) == (1, 6)
    with pytest.raises(Conflict):
        ice({"pk": "v"}).set()
    one.refresh()
    one.update(n=F("n") + 1)
    assert (one.n, one.version) == (6, 3)
    one.n = 9
    one.set(only=["n"])
    assert ice.filter(n=9).update(n=10) == 1
    assert (ice.match_for_pk("v").n, ice.match_for_pk("v").version) == (10, 5)
    with pytest.raises(Conflict):
        one.delete()
    one.refresh()
    assert one.delete()
    with pytest.raises(Conflict):
        one.set()
    assert not one.delete()


# --- time to live ---------------------------------------------------------------------------------------------------


def test_an_object_lives_as_long_as_it_is_told(ice: Any) -> None:
    ice({"pk": "1"}).set(expire=100)
    ice({"pk": "2"}).set()
    one = ice.match_for_pk("1")
    assert 99 < one.ttl() <= 100
    assert ice.match_for_pk("2").ttl() is None
    one.flavour = "x"
    one.set()
    one.update(n=F("n") + 1)
    one.set(only=["flavour"])
    assert 95 < one.ttl() <= 100
    one.set(expire=500)
    assert 499 < one.ttl() <= 500
    one.persist()
    assert one.ttl() is None
    one.delete()
    for call in (one.ttl, one.persist):
        with pytest.raises(NotFound):
            call()


def test_an_object_is_gone_when_its_time_is_over(client: redis.Redis, layer: type) -> None:
    ice = type("Ice", (Fields, layer), {"__expire__": 1})
    ice.set_many(ice({"pk": str(number)}) for number in range(3))
    ice({"pk": "long"}).set(expire=100)
    assert ice.count() == 4
    time.sleep(1.2)
    assert [one.pk for one in ice.all()] == ["long"]
    assert ice.filter(n=0).count() == 1


# --- many -----------------------------------------------------------------------------------------------------------


def test_set_many_reads_a_generator_no_more_than_some_batches_ahead(ice: Any) -> None:
    made, told = [], []

    def instances() -> Iterator[Any]:
        for number in range(95):
            made.append(number)
            yield ice({"pk": str(number), "n": number})

    def on_progress(kept: int) -> None:
        told.append((kept, len(made), ice.count()))

    assert ice.set_many(instances(), batch=10, on_progress=on_progress) == 95
    assert [kept for kept, _, _ in told] == [*range(10, 91, 10), 95]
    # The server has three batches, while the next one is made ready.
    assert [read for _, read, _ in told] == [*(min(kept + 30, 95) for kept in range(10, 91, 10)), 95]
    assert all(kept <= there <= kept + 20 for kept, _, there in told)


def test_of_objects_with_one_key_set_many_keeps_the_last(ice: Any) -> None:
    many = [ice({"pk": str(number % 7), "n": number}) for number in range(200)]
    assert ice.set_many(many, batch=5) == 200
    assert sorted(one.n for one in ice.all()) == list(range(193, 200))


def test_set_many_waits_for_all_that_is_being_written_before_it_fails(ice: Any) -> None:
    def instances() -> Iterator[Any]:
        yield from (ice({"pk": str(number), "n": number}) for number in range(10, 70))
        raise LookupError("no more")

    before = threading.active_count()
    with pytest.raises(LookupError):
        ice.set_many(instances(), batch=10)
    assert threading.active_count() == before
    assert numbers(ice.all()) == list(range(10, 70))


def test_set_many_tells_the_position_of_a_bad_object(ice: Any) -> None:
    def instances() -> Iterator[Any]:
        for number in range(6):
            yield ice({"pk": str(number), "n": 2**70 if number == 4 else number})

    with pytest.raises(InvalidObject, match="object 4"):
        ice.set_many(instances(), batch=2)
    assert numbers(ice.all()) == [0, 1, 2, 3]
    bad: list[tuple[int, Any]] = []
    assert ice.set_many(instances(), on_error=lambda place, one, error: bad.append((place, one.pk))) == 5
    assert bad == [(4, "4")]
    assert numbers(ice.all()) == [0, 1, 2, 3, 5]


def test_set_many_gives_each_its_time_to_live(ice: Any) -> None:
    assert ice.set_many((ice({"pk": str(number)}) for number in range(3)), expire=100) == 3
    assert all(99 < one.ttl() <= 100 for one in ice.all())


# --- one layer alone ------------------------------------------------------------------------------------------------


def monitored(client: redis.Redis, work: Callable[[], Any]) -> list[str]:
    """The commands that the server gets while something is done."""
    with client.monitor() as monitor:
        work()
        client.echo("that was all")
        commands: list[str] = []
        for entry in monitor.listen():
            if "that was all" in entry["command"]:
                return commands
            commands.append(entry["command"])
    raise AssertionError


def test_set_many_tells_of_a_batch_that_fails_when_those_beside_it_have_landed(indexed: redis.Redis) -> None:
    ice = type("Ice", (Fields, SearchRedisMixin), {})
    indexed.rpush("Ice:25", "no object of ours")
    before = threading.active_count()
    with pytest.raises(WrongKeyType):
        ice.set_many((ice({"pk": str(number), "n": number}) for number in range(10, 99)), batch=10)
    assert threading.active_count() == before
    indexed.delete("Ice:25")
    # The second of them failed, and by then the server had the third one too.
    assert set(range(10, 40)) - {25} <= set(numbers(ice.all()))


def test_a_filter_of_distributed_fields_reads_only_those_that_it_needs(client: redis.Redis) -> None:
    ice = type("Ice", (Fields, DistributedRedisMixin), {})
    ice.set_many(ice({"pk": str(number), "n": number, "flavour": "x" * 1000}) for number in range(20))
    ice.filter(n=3).count()
    commands = monitored(client, lambda: list(ice.filter(n=3)))
    read = [name for command in commands if command.startswith("MGET") for name in command.split()[1:]]
    whole = {name for name in read if not name.endswith(":n")} - {f"Ice:{number}" for number in range(20)}
    assert whole == {f"Ice:3:{name}" for name in ("pk", "flavour", "tags", "day", "other")}
    assert {name for name in read if name.endswith(":n")} == {f"Ice:{number}:n" for number in range(20)}


def test_distributed_fields_expire_on_their_own(client: redis.Redis) -> None:
    ice = type("Ice", (Fields, DistributedRedisMixin), {})
    one = ice({"pk": "1", "flavour": "fresh", "n": 5})
    one.set()
    client.pexpire("Ice:1:flavour", 30)
    assert ice.filter(flavour="fresh").count() == 1
    time.sleep(0.06)
    one.refresh()
    assert (one.flavour, one.n) == (None, 5)
    assert ice.filter(flavour__isnull=True).count() == 1
    one.flavour = "again"
    one.set()
    assert ice.match_for_pk("1").flavour == "again"


def lives(client: redis.Redis) -> dict[str, int]:
    """Seconds that are left to each key, rounded up; -1 for ever."""
    return {key.decode(): left if (left := client.pttl(key)) < 0 else -(-left // 1000) for key in client.scan_iter()}


def test_distributed_fields_live_as_long_as_they_are_declared_to(client: redis.Redis) -> None:
    ice = type("Ice", (Fields, DistributedRedisMixin), {"__field_expire__": {"flavour": 50, "tags": 200}})
    one = ice({"pk": "1", "flavour": "fresh", "tags": ["a"]})
    one.set()
    assert lives(client) == {"Ice:1": -1, "Ice:1:pk": -1, "Ice:1:n": -1, "Ice:1:other": -1, "Ice:1:flavour": 50,
                             "Ice:1:tags": 200}  # fmt: skip
    one.set(expire=100)
    assert lives(client) == {"Ice:1": 100, "Ice:1:pk": 100, "Ice:1:n": 100, "Ice:1:other": 100, "Ice:1:flavour": 50,
                             "Ice:1:tags": 100}  # fmt: skip
    client.expire("Ice:1:flavour", 20)
    one.update(n=F("n") + 1, day="2024-02-29")
    assert {name: left for name, left in lives(client).items() if left != 100} == {"Ice:1:flavour": 20}
    assert lives(client)["Ice:1:day"] == 100
    one.set(only=["n"], expire=10)
    assert set(lives(client).values()) == {10}
    one.set(only=["flavour"])
    one.persist()
    assert {name: left for name, left in lives(client).items() if left > 0} == {"Ice:1:flavour": 10, "Ice:1:tags": 10}
    client.pexpire("Ice:1:flavour", 1)
    time.sleep(0.01)
    assert ice.match_for_pk("1").flavour is None
    assert ice.match_for_pk("1").tags == ["a"]
    one.delete()
    assert lives(client) == {}


def test_a_life_of_a_field_is_declared_where_it_can_be_had(client: redis.Redis) -> None:
    for layer, wrong in (
        (SimpleRedisMixin, {"flavour": 5}),
        (DistributedRedisMixin, {"nothing": 5}),
        (DistributedRedisMixin, {"pk": 5}),
        (DistributedRedisMixin, {"flavour": 0}),
        (DistributedRedisMixin, ["flavour"]),
    ):
        with pytest.raises(SchemaError, match="__field_expire__"):
            type("Ice", (Fields, layer), {"__field_expire__": wrong})({"pk": "1"}).set()


def test_distributed_fields_are_written_by_themselves(client: redis.Redis) -> None:
    ice = type("Ice", (Fields, DistributedRedisMixin), {})
    one = ice({"pk": "1", "flavour": "x", "n": 1, "tags": ["a"]})
    one.set()
    one.n = 7
    for write, names in (
        (lambda: one.set(changed=True), "n"),
        (lambda: one.update(n=F("n") + 1, tags=None), "n tags"),
        (lambda: ice.filter(n=8).update(other="y"), "other"),
    ):
        commands = [command.split() for command in monitored(client, write)]
        written = {words[1] for words in commands if words[0] in ("SET", "DEL")}
        assert written == {f"Ice:1:{name}" for name in names.split()} | {"Ice:1"}
    assert ice.match_for_pk("1").to_primitive() == {
        "pk": "1", "flavour": "x", "n": 8, "tags": None, "day": None, "other": "y",
    }  # fmt: skip


def test_what_is_asked_of_distributed_fields_is_all_that_is_read(client: redis.Redis) -> None:
    ice = type("Ice", (Fields, DistributedRedisMixin), {})
    ice.set_many(ice({"pk": str(number), "n": number, "flavour": "x" * 1000}) for number in range(20))
    ice.count()

    def read(ask: Callable[[], Any]) -> set[str]:
        words = [word for command in monitored(client, ask) if command.startswith("MGET") for word in command.split()]
        return {name.split(":")[2] for name in words if name.count(":") == 2}

    assert read(lambda: list(ice.all().values("n"))) == {"n"}
    assert read(lambda: list(ice.order_by("-n").values_list("flavour", flat=True)[:2])) == {"n", "flavour"}
    assert read(lambda: list(ice.filter(day=None).only("tags"))) == {"pk", "tags", "day"}
    assert read(lambda: ice.filter(n=3).count()) == read(lambda: ice.filter(n=3).exists()) == {"n"}
    assert read(ice.all().count) == set()
    assert read(lambda: ice.filter(n__lt=3).in_bulk()) == set(Fields._schema.fields)
    assert [one.n for one in ice.all().only("n")[:2]] == [0, 1]
    assert list(ice.order_by("n").distinct("other").values_list("n", flat=True)) == [0]
    assert ice.all().distinct("other").count() == 1


def test_distributed_fields_keep_what_any_serializer_writes(client: redis.Redis) -> None:
    members = {"__serializer__": staticmethod(pickle.dumps), "__deserializer__": staticmethod(pickle.loads)}
    ice = type("Ice", (Fields, DistributedRedisMixin), members)
    ice({"pk": "1", "flavour": "a\nb:c-", "tags": ["\n"]}).set()
    one = ice.match_for_pk("1")
    one.update(n=F("n") + 1, tags=F("tags").append("\n\n"))
    assert ice.match_for_pk("1") == one
    assert (one.flavour, one.tags, one.n) == ("a\nb:c-", ["\n", "\n\n"], 1)
    assert ice.filter(tags__contains="\n\n").delete() == 1


def test_a_set_key_of_the_models_own_spreads_objects_over_hashes(client: redis.Redis) -> None:
    ice = type(
        "Ice",
        (Fields, HashRedisMixin),
        {"__set_key__": property(lambda self: self.__key_pattern__(self.flavour or "none"))},
    )
    ice.set_many(ice({"pk": str(number), "flavour": f"f{number % 3}", "n": number}) for number in range(9))
    ice({"pk": "9"}).set()
    assert {name.decode(): client.hlen(name) for name in client.scan_iter()} == {
        "Ice:f0": 3, "Ice:f1": 3, "Ice:f2": 3, "Ice:none": 1,
    }  # fmt: skip
    assert ice.match_for_pk("4").n == ice.match(pk="4").n == 4
    assert numbers(ice.filter(n__gte=6, n__lt=9)) == [6, 7, 8]
    one = ice.match_for_pk("4")
    one.update(n=F("n") + 10)
    one.refresh()
    assert (one.n, one.ttl()) == (14, None)
    assert [found and found.n for found in ice.get_many(["4", "no", "0"])] == [14, None, 0]
    assert list(ice.all().in_bulk(["4", "no"])) == ["4"]
    with pytest.raises(QueryError, match="makes the key"):
        one.update(flavour="f2")
    assert ice.filter(flavour="f1").update(n=0) == 3
    assert one.delete()
    assert ice.delete_many(["0", "no", ice.match_for_pk("1")]) == 2
    assert ice.delete_filter(flavour="f2") == 3
    assert ice.delete_all() == 4


def test_the_fifth_layer_keeps_every_state(client: redis.Redis) -> None:
    ice = type("Ice", (Fields, HistoryRedisMixin), {})
    one = ice({"pk": "1", "n": 0})
    one.set()
    for _ in range(3):
        one.update(n=F("n") + 1)
    assert [json.loads(text)["n"] for text in client.lrange("Ice:1", 0, -1)] == [0, 1, 2, 3]
    assert "HistoryRedisMixin keeps lists" in str(ice.filter(n=3).explain())


def test_readme_shows_the_fifth_layer_as_it_is() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    source = inspect.getsource(history_layer).split('"""', 2)[2].strip()
    assert re.sub(r"\s+", " ", source) in re.sub(r"\s+", " ", readme)

"""Each behaviour on every layer, and on a fifth that is made as README says."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from fixtures import history_layer
from fixtures.history_layer import HistoryRedisMixin
from fixtures.models import FULL, Everything
from schematics.models import Model
from schematics.types import DateType, IntType, ListType, StringType

from rs_search import (
    Conflict,
    DistributedRedisMixin,
    F,
    HashRedisMixin,
    InvalidObject,
    NotFound,
    Q,
    QueryError,
    SearchRedisMixin,
    SimpleRedisMixin,
)

LAYERS = [SearchRedisMixin, SimpleRedisMixin, HashRedisMixin, DistributedRedisMixin, HistoryRedisMixin]
THREADS = 200

#: Two of the five kinds: there are five layers, and what differs between servers is tested elsewhere on all.
SERVERS = [("redis", 3), ("plain", 2)]


class Fields(Model):
    pk = StringType()
    flavour = StringType()
    n = IntType(default=0)
    tags = ListType(StringType())
    day = DateType()
    other = StringType(default="given")


@pytest.fixture(params=LAYERS, ids=lambda layer: layer.__name__)
def layer(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def ice(client: redis.Redis, layer: type) -> Any:
    """A model of the layer, on an empty server."""
    return type("Ice", (Fields, layer), {})


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
    one.delete()
    with pytest.raises(Conflict):
        one.set()


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


def test_set_many_reads_a_generator_a_batch_at_a_time(ice: Any) -> None:
    made, told = [], []

    def instances() -> Iterator[Any]:
        for number in range(25):
            made.append(number)
            yield ice({"pk": str(number), "n": number})

    def on_progress(kept: int) -> None:
        told.append((kept, len(made), ice.count()))

    assert ice.set_many(instances(), batch=10, on_progress=on_progress) == 25
    assert told == [(10, 10, 10), (20, 20, 20), (25, 25, 25)]


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


# --- at once --------------------------------------------------------------------------------------------------------


def at_once(work: Callable[[int], None]) -> None:
    """Two hundred threads that begin together; raises what one of them raised."""
    gate = threading.Barrier(THREADS)

    def begin(number: int) -> None:
        gate.wait()
        work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(begin, range(THREADS)))


def test_two_hundred_threads_lose_no_update(ice: Any) -> None:
    """Each thread counts up, appends and sets a field of its own, twenty of them on each of ten objects."""
    ice.set_many(ice({"pk": str(number), "tags": []}) for number in range(10))

    def work(number: int) -> None:
        one = ice({"pk": str(number % 10)})
        one.update(n=F("n") + 1)
        one.update(tags=F("tags").append(str(number)))

    at_once(work)
    assert numbers(ice.all()) == [20] * 10
    assert sorted(int(tag) for one in ice.all() for tag in one.tags) == list(range(THREADS))
    assert ice.filter(n=20).count() == 10


def test_two_hundred_threads_that_set_other_fields_keep_them_all(client: redis.Redis, layer: type) -> None:
    names = [f"f{number}" for number in range(20)]
    wide = type("Wide", (Model, layer), {"pk": StringType(), **{name: IntType() for name in names}})
    wide.set_many(wide({"pk": str(number)}) for number in range(10))

    def work(number: int) -> None:
        name = names[number // 10]
        one = wide.match_for_pk(str(number % 10))
        setattr(one, name, number)
        assert one.set(only=[name]) if number % 2 else one.set(changed=True)

    at_once(work)
    for one in wide.all():
        assert [one[name] for name in names] == [place * 10 + int(one.pk) for place in range(20)]


def test_of_two_hundred_threads_one_makes_the_object(ice: Any) -> None:
    new: list[bool] = []

    def work(number: int) -> None:
        new.append(ice.get_or_set({"n": number}, pk=f"g{number % 5}")[1])
        ice.update_or_set({"other": "x"}, pk=f"u{number % 5}")
        new.append(ice({"pk": f"a{number % 5}"}).set(if_absent=True))

    at_once(work)
    assert sum(new) == 10
    assert ice.count() == 15


def test_two_hundred_threads_that_update_by_query_count_each_object_once(ice: Any) -> None:
    ice.set_many(ice({"pk": str(number), "flavour": f"f{number % 20}"}) for number in range(200))

    def work(number: int) -> None:
        assert ice.filter(flavour=f"f{number % 20}").update(n=F("n") + 1) == 10

    at_once(work)
    assert set(numbers(ice.all())) == {10}


def test_of_two_hundred_threads_with_one_version_one_wins(client: redis.Redis, layer: type) -> None:
    ice = type("Ice", (Fields, layer), {"__version_field__": "version", "version": IntType()})
    ice.set_many(ice({"pk": str(number)}) for number in range(10))
    won: list[str] = []

    read = [ice.match_for_pk(str(number % 10)) for number in range(THREADS)]

    def work(number: int) -> None:
        read[number].n = number
        try:
            read[number].set()
        except Conflict:
            return
        won.append(read[number].pk)

    at_once(work)
    assert sorted(won) == [str(number) for number in range(10)]
    assert {one.version for one in ice.all()} == {2}


def test_two_hundred_threads_delete_each_object_once(ice: Any) -> None:
    ice.set_many(ice({"pk": str(number), "flavour": "x"}) for number in range(100))
    deleted: list[int] = []

    def work(number: int) -> None:
        if number % 2:
            deleted.append(ice.delete_many([str(one) for one in range(number % 10, 100, 10)]))
        else:
            deleted.append(ice.delete_filter(flavour="x"))

    at_once(work)
    assert sum(deleted) == 100
    assert ice.count() == 0


# --- killed in the middle -------------------------------------------------------------------------------------------

WRITING = """
import sys
sys.path[:0] = sys.argv[3:]
import redis, rs_search
from schematics.models import Model
from schematics.types import IntType, StringType
from rs_search import *
from fixtures.history_layer import HistoryRedisMixin
client = redis.Redis(unix_socket_path=sys.argv[1])
rs_search.connect(client)
Pair = type("Pair", (Model, globals()[sys.argv[2]]),
            {"pk": StringType(), "a": IntType(), "b": IntType(), "c": StringType()})
def pairs(n):
    return (Pair({"pk": str(pk), "a": n, "b": n, "c": str(n) * 50}) for pk in range(300))
Pair.set_many(pairs(0))
print("begin", flush=True)
n = 0
while True:
    n += 1
    Pair.set_many(pairs(n), batch=50)
    Pair.filter(a__gte=0).update(a=F("a") + 1, b=F("b") + 1, c=str(n + 1) * 50)
    for one in Pair.all()[:20]:
        one.update(a=n + 2, b=n + 2, c=str(n + 2) * 50)
"""


def pair_model(layer: type) -> Any:
    return type("Pair", (Model, layer), {"pk": StringType(), "a": IntType(), "b": IntType(), "c": StringType()})


def is_whole(one: Any) -> bool:
    return one.a == one.b and one.c == str(one.a) * 50


def writing(client: redis.Redis, layer: type) -> subprocess.Popen[bytes]:
    """A process that writes without end; it has begun."""
    path = client.connection_pool.connection_kwargs.get("path")
    if path is None:
        pytest.skip("the server is not one of ours")
    tests = Path(__file__).resolve().parents[1]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WRITING, path, layer.__name__, str(tests), str(tests.parent)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begin\n"
    return process


def test_a_writer_that_is_killed_leaves_every_object_whole(client: redis.Redis, layer: type) -> None:
    model = pair_model(layer)
    for wait in (0.013, 0.037, 0.081):
        client.flushall()
        process = writing(client, layer)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = list(model.all())
        assert len(found) == 300
        assert [one for one in found if not is_whole(one)] == []
        assert model.filter(a__gte=0).count() == 300


def test_nobody_sees_half_of_an_object_while_another_writes(client: redis.Redis, layer: type) -> None:
    model = pair_model(layer)
    process = writing(client, layer)
    try:
        begun, seen = time.monotonic(), set()
        # The other process may wait for its turn of a busy machine.
        while time.monotonic() < begun + (0.3 if len(seen) > 1 else 20):
            for one in (*model.all(), model.match_for_pk("7"), *model.get_many(["1", "2"])):
                assert is_whole(one), one.to_primitive()
                seen.add(one.a)
        assert len(seen) > 1
    finally:
        process.kill()
        process.communicate()


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

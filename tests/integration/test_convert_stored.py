"""Strings of redis-schematics become JSON documents, and objects of other layers move: nothing is ever lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import pickle
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import redis
import redis_schematics
from fixtures.drivers import Driver
from fixtures.models import FULL, Everything
from fixtures.servers import bare_server
from schematics.models import Model
from schematics.types import DateTimeType, IntType, ListType, StringType

from rs_search import (
    Converted,
    DistributedRedisMixin,
    F,
    HashRedisMixin,
    NotFound,
    QueryError,
    SearchRedisMixin,
    ServerError,
    SimpleRedisMixin,
    connect,
    objects,
)
from rs_search.operations import convert, transfer
from rs_search.server import calls


class Fields(Model):
    pk = StringType()
    id = StringType()
    flavour = StringType()
    n = IntType()
    tags = ListType(StringType())
    day = DateTimeType()


class Ice(Fields, SearchRedisMixin):
    pass


def on(layer: type, name: str = "Ice", **members: Any) -> Any:
    """The model on another layer, with the same keys."""
    return type(name, (Fields, layer), {"__prefix__": name, **members})


def written(client: redis.Redis, layer: type = redis_schematics.SimpleRedisMixin, count: int = 50) -> Any:
    """Objects as redis-schematics writes them, some with signs in the key that are quoted in another one."""
    old = type("Ice", (Fields, layer), {"__redis_client__": client, "__expire__": 1000})
    for number in range(count):
        pk = f"{number:03}" + ("", ":a%b", "%25", " é")[number % 4]
        old({"pk": pk, "flavour": "Sweet Vanilla", "n": number, "tags": ["a"] * (number % 3),
             "day": dt.datetime(2024, 1, 1)}).set()  # fmt: skip
    return old


def names(client: redis.Redis) -> list[bytes]:
    """All keys of the server, but for the note that there are strings of ours."""
    return [key for key in client.scan_iter() if key != b"rs:strings"]


def types_of(client: redis.Redis) -> set[bytes]:
    return {client.type(key) for key in names(client)}


# --- strings and documents ------------------------------------------------------------------------------------------


def test_strings_of_redis_schematics_become_indexed_documents(indexed: redis.Redis) -> None:
    written(indexed)
    assert Ice.filter(flavour__search="vanillas").count() == 0
    assert Ice.convert_stored() == Converted(50, 0)
    assert types_of(indexed) == {b"ReJSON-RL"}
    assert [one.n for one in Ice.filter(flavour__search="vanillas", n__lt=7).order_by("n")] == list(range(7))
    assert Ice.match_for_pk("001:a%b").n == 1
    assert {indexed.ttl(key) > 990 for key in names(indexed)} == {True}
    assert Ice.convert_stored() == Converted(0, 50)


def test_documents_become_the_very_strings_of_redis_schematics(indexed: redis.Redis, drive: Driver) -> None:
    old = written(indexed)
    before = {key: indexed.get(key) for key in names(indexed)}
    drive(Ice, "convert_stored", batch=7)
    assert drive(Ice, "convert_stored", to="string", batch=7) == Converted(50, 0)
    assert {key: indexed.get(key) for key in names(indexed)} == before
    assert {indexed.ttl(key) > 990 for key in names(indexed)} == {True}
    assert len(old.all()) == 50
    assert drive(Ice, "convert_stored", to="string") == Converted(0, 50)


def test_strings_of_our_own_from_a_server_without_redisjson_are_indexed(indexed: redis.Redis, servers: Any) -> None:
    class Whole(Everything):
        __prefix__ = "Whole"

    plain = redis.Redis.from_url(servers("plain"))
    plain.flushall()
    connect(plain)
    for pk in ("a:b", "c%d", "e"):
        Whole({"pk": pk, **FULL}).set(expire=1000)
    texts = {key: plain.get(key) for key in names(plain)}
    connect(indexed)
    for key, text in texts.items():
        indexed.set(key, text)
    assert Whole.convert_stored() == Converted(3, 0)
    assert set(names(indexed)) == texts.keys()
    assert Whole.match_for_pk("a:b") == Whole({"pk": "a:b", **FULL})
    assert Whole.filter(string__search="vanilla").count() == 3
    assert {indexed.pttl(key) for key in names(indexed)} == {-1}


def test_every_type_goes_there_and_back(indexed: redis.Redis) -> None:
    class Whole(Everything):
        __prefix__ = "Whole"

    Whole({"pk": "x", **FULL}).set()
    before = indexed.execute_command("JSON.GET", "Whole:x")
    Whole.convert_stored(to="string")
    assert indexed.type("Whole:x") == b"string"
    Whole.convert_stored()
    assert indexed.execute_command("JSON.GET", "Whole:x") == before
    assert Whole.match_for_pk("x") == Whole({"pk": "x", **FULL})


def test_the_milliseconds_left_to_live_stay(indexed: redis.Redis) -> None:
    old = written(indexed, count=1)
    indexed.pexpire("Ice:000", 123_456)
    Ice.convert_stored()
    assert 120_000 < indexed.pttl("Ice:000") <= 123_456
    indexed.persist("Ice:000")
    Ice.convert_stored(to="string")
    assert indexed.pttl("Ice:000") == -1
    assert len(old.all()) == 1


def test_a_deserializer_of_the_models_own_reads_the_strings(indexed: redis.Redis) -> None:
    members = {"__serializer__": staticmethod(pickle.dumps), "__deserializer__": staticmethod(pickle.loads)}
    old = type("Ice", (Fields, redis_schematics.SimpleRedisMixin), {"__redis_client__": indexed, **members})
    old({"pk": "1", "n": 1}).set()
    new = on(SearchRedisMixin, **members)
    assert new.convert_stored() == Converted(1, 0)
    assert new.filter(n=1).count() == 1
    assert new.convert_stored(to="string") == Converted(1, 0)
    assert old.match_for_pk("1").n == 1


def test_what_cannot_be_read_is_left_as_it_is_and_told(indexed: redis.Redis) -> None:
    written(indexed, count=2)
    odd = {"Ice:bad": b"no json", "Ice:list": b"[1]", "Ice:n": b'{"pk": "n", "n": "many"}', "Ice:utf": b"\xff\xfe",
           "Ice:Other:1": b'{"pk": "1", "n": 1}', "Ice:001%3Aa%25b": b'{"pk": "001:a%b", "n": 77}'}  # fmt: skip
    indexed.mset(odd)
    indexed.rpush("Ice:queue", 1)
    result = Ice.convert_stored()
    assert (result.converted, result.skipped) == (2, 0)
    assert {key for key, _ in result.errors} == {
        "Ice:bad", "Ice:list", "Ice:n", "Ice:utf", "Ice:Other:1", "Ice:001:a%b",
    }  # fmt: skip
    told = dict(result.errors)
    assert "many" in told["Ice:n"]
    assert "Ice:1" in told["Ice:Other:1"]
    assert told["Ice:001:a%b"] == "Ice:001%3Aa%25b, where it belongs, holds another one"
    left = {key for key in odd if indexed.type(key) == b"string"}
    assert left == odd.keys() - {"Ice:001%3Aa%25b"}
    assert {key: indexed.get(key) for key in left} == {key: odd[key] for key in left}
    assert indexed.type("Ice:queue") == b"list"


def test_a_document_that_the_server_refuses_stays_the_string_it_was(
    indexed: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(indexed, count=2)
    before = {key: indexed.get(key) for key in names(indexed)}
    monkeypatch.setattr("rs_search.storage.json_document.JsonDocuments.payload", lambda self, document: "{broken")
    result = Ice.convert_stored()
    assert (result.converted, len(result.errors)) == (0, 2)
    assert "the server refused it" in result.errors[0][1]
    assert {key: indexed.get(key) for key in names(indexed)} == before
    assert {indexed.ttl(key) > 990 for key in names(indexed)} == {True}


def test_objects_of_a_model_with_a_longer_prefix_are_left_alone(indexed: redis.Redis) -> None:
    profile = on(SimpleRedisMixin, "Ice:Profile")
    profile({"pk": "1"}).set()
    written(indexed, count=1)
    assert Ice.convert_stored() == Converted(1, 0)
    assert indexed.type("Ice:Profile:1") == b"string"


def test_a_dry_run_counts_and_changes_nothing(indexed: redis.Redis) -> None:
    written(indexed)
    indexed.set("Ice:bad", "x")
    before = {key: indexed.get(key) for key in names(indexed)}
    result = Ice.convert_stored(dry_run=True)
    assert (result.converted, result.skipped, [key for key, _ in result.errors]) == (50, 0, ["Ice:bad"])
    assert {key: indexed.get(key) for key in names(indexed)} == before


def test_progress_is_told_batch_by_batch(indexed: redis.Redis) -> None:
    written(indexed)
    told: list[tuple[int, int | None]] = []
    objects(Ice).convert_stored(batch=20, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(20, 50), (40, 50), (50, 50)]


def test_what_cannot_be_meant_is_refused(indexed: redis.Redis) -> None:
    simple = on(SimpleRedisMixin)
    for call in (
        lambda: simple.convert_stored(),
        lambda: Ice.convert_stored(to="hash"),
        lambda: Ice.convert_stored(source=simple, to="string"),
        lambda: Ice.convert_stored(source=Ice),
        lambda: Ice.convert_stored(batch=0),
    ):
        with pytest.raises(QueryError, match="convert_stored"):
            call()


def test_without_redisjson_there_is_nothing_to_convert_to(plain: redis.Redis) -> None:
    written(plain, count=1)
    with pytest.raises(ServerError, match="RedisJSON"):
        Ice.convert_stored()
    assert plain.type("Ice:000") == b"string"


def test_no_write_of_others_is_lost_meanwhile(indexed: redis.Redis) -> None:
    """Threads count objects up as strings; when they are documents the writers' next GET fails, and they stop."""
    old = on(SimpleRedisMixin)
    old.set_many(old({"pk": str(number), "n": 0}) for number in range(200))
    done = [0] * 200

    def count_up(first: int) -> None:
        with contextlib.suppress(ServerError, NotFound):
            while True:
                for number in range(first, 200, 4):
                    old({"pk": str(number)}).update(n=F("n") + 1)
                    done[number] += 1

    threads = [threading.Thread(target=count_up, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    result = Ice.convert_stored(batch=10)
    for thread in threads:
        thread.join()
    assert (result.converted, result.errors) == (200, ())
    assert [one.n for one in sorted(Ice.all(), key=lambda one: int(one.pk))] == done


# --- between layers -------------------------------------------------------------------------------------------------

MOVES = [
    (HashRedisMixin, SearchRedisMixin),
    (DistributedRedisMixin, SearchRedisMixin),
    (SimpleRedisMixin, SearchRedisMixin),
    (SearchRedisMixin, SimpleRedisMixin),
    (SearchRedisMixin, HashRedisMixin),
    (SimpleRedisMixin, DistributedRedisMixin),
    (HashRedisMixin, DistributedRedisMixin),
    (DistributedRedisMixin, HashRedisMixin),
    (SearchRedisMixin, SearchRedisMixin),
]
each_move = pytest.mark.parametrize(("there", "here"), MOVES)


@each_move
def test_objects_move_from_one_layer_to_another(indexed: redis.Redis, drive: Driver, there: type, here: type) -> None:
    old, new = on(there, "Old"), on(here, "New")
    for number in range(25):
        old({"pk": f"{number:02}:%", "n": number, "tags": ["x", None]}).set(expire=1000 if number % 2 else None)
    wanted = list(old.all().values())
    assert drive(new, "convert_stored", source=old, dry_run=True) == Converted(25, 0)
    assert new.all() == []
    assert drive(new, "convert_stored", source=old, batch=10) == Converted(25, 0)
    assert new.all().values() == wanted
    assert [one.n for one in new.filter(n__lt=3, tags__contains="x")] == [0, 1, 2]
    assert old.all() == []
    assert not [key for key in names(indexed) if key.startswith(b"Old")]
    assert [one.ttl() is None for one in new.all()[:2]] == [True, False]
    assert 990 < new.match_for_pk("01:%").ttl() <= 1000
    assert drive(new, "convert_stored", source=old) == Converted(0, 0)


def test_a_hash_of_redis_schematics_becomes_documents_under_the_same_name(indexed: redis.Redis) -> None:
    written(indexed, redis_schematics.HashRedisMixin)
    old = on(HashRedisMixin)
    assert Ice.convert_stored(source=old) == Converted(50, 0)
    assert types_of(indexed) == {b"ReJSON-RL"}
    assert Ice.filter(flavour__search="vanilla").count() == 50
    assert 990 < Ice.match_for_pk("000").ttl() <= 1000


def test_an_object_that_expires_takes_no_hash_with_it(indexed: redis.Redis) -> None:
    """Where only whole hashes expire: before Redis 7.4."""
    binary = shutil.which("redis-server")
    if binary is None or b"v=7.0" not in subprocess.run([binary, "--version"], capture_output=True, check=True).stdout:
        pytest.skip("Debian's redis-server 7.0 is not installed")
    with bare_server(binary) as url:
        connect(url)
        old, new = on(SimpleRedisMixin, "Old"), on(HashRedisMixin, "New")
        old.set_many(old({"pk": pk}) for pk in "abc")
        old({"pk": "d"}).set(expire=100)
        result = new.convert_stored(source=old)
        assert (result.converted, [key for key, _ in result.errors]) == (3, ["Old:d"])
        assert "only whole hashes" in result.errors[0][1]
        assert ([one.pk for one in new.all()], [one.pk for one in old.all()]) == (["a", "b", "c"], ["d"])
        assert new.match_for_pk("a").ttl() is None
        line = transfer.record_of(new, transfer.Line("e", {"pk": "e"}, 100))
        with pytest.raises(ServerError, match=r"New:e cannot be kept: .* only whole hashes"):
            calls.Calls(new).call_operation("load", lambda state: transfer.write(state, new, [line]))


def test_what_is_in_both_places_and_equal_is_removed_from_the_old_one(indexed: redis.Redis) -> None:
    old, new = on(HashRedisMixin, "Old"), on(SearchRedisMixin, "New")
    for pk in "ab":
        old({"pk": pk, "n": 1}).set()
    new({"pk": "a", "n": 1}).set()
    new({"pk": "b", "n": 2}).set()
    result = new.convert_stored(source=old)
    assert (result.converted, [key for key, _ in result.errors]) == (1, ["Old Old:b"])
    assert (new.match_for_pk("b").n, old.match_for_pk("b").n) == (2, 1)
    assert [one.pk for one in old.all()] == ["b"]


def test_what_is_written_to_the_old_place_meanwhile_is_moved_as_it_is_then(
    indexed: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = on(HashRedisMixin, "Old"), on(SearchRedisMixin, "New")
    old.set_many(old({"pk": str(number), "n": 1}) for number in range(10))
    remove, late = convert._remove_old, ["3", "4"]

    def remove_later(*arguments: Any) -> Any:
        while late:
            old({"pk": late.pop(), "n": 2}).set()
        old({"pk": "5"}).delete()
        return (yield from remove(*arguments))

    monkeypatch.setattr(convert, "_remove_old", remove_later)
    assert new.convert_stored(source=old) == Converted(9, 0)
    assert [one.n for one in new.all()] == [1, 1, 1, 2, 2, 1, 1, 1, 1, 1]
    assert old.all() == []


# --- stopped half-way -----------------------------------------------------------------------------------------------


def words_of(url: str, code: str) -> list[str]:
    """The command that runs code which converts; ``begin`` says that it has begun, and takes its time."""
    prelude = f"""
import sys, time, redis, rs_search
from schematics.models import Model
from schematics.types import *
from rs_search import *
rs_search.connect(redis.Redis.from_url({url!r}))
class Fields(Model):
    pk = StringType()
    id = StringType()
    flavour = StringType()
    n = IntType()
    tags = ListType(StringType())
    day = DateTimeType()
def begin(done, total):
    print(done, flush=True)
    time.sleep(0.005)
"""
    return [sys.executable, "-W", "ignore", "-c", prelude + code]


def converting(url: str, code: str) -> subprocess.Popen[bytes]:
    """A process that converts, and says so when it begins."""
    return subprocess.Popen(words_of(url, code), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def killed_after(process: subprocess.Popen[bytes], seconds: float) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def kept_by(client: redis.Redis) -> dict[bytes, bytes]:
    """All that a server holds, to be put back by `put_back`."""
    return {key: client.dump(key) for key in client.scan_iter()}


def put_back(client: redis.Redis, kept: dict[bytes, bytes]) -> None:
    client.flushall()
    pipeline = client.pipeline(transaction=False)
    for key, value in kept.items():
        pipeline.restore(key, 1_000_000 if key != b"rs:strings" else 0, value)
    pipeline.execute()


@pytest.mark.parametrize("way", ["json", "string"])
def test_a_conversion_that_is_killed_leaves_every_object_whole(indexed: redis.Redis, servers: Any, way: str) -> None:
    written(indexed, count=200)
    if way == "string":
        Ice.convert_stored()
    before = kept_by(indexed)
    for seconds in (0, 0.006):
        put_back(indexed, before)
        code = f"class Ice(Fields, SearchRedisMixin): pass\nIce.convert_stored(batch=3, on_progress=begin, to={way!r})"
        killed_after(converting(servers("redis"), code), seconds)
        keys = names(indexed)
        assert len(keys) == 200
        kinds = {key: indexed.type(key) for key in keys}
        numbers = [
            json.loads(indexed.get(key) if kind == b"string" else indexed.execute_command("JSON.GET", key))["n"]
            for key, kind in kinds.items()
        ]
        assert sorted(numbers) == list(range(200))
        assert all(indexed.ttl(key) > 900 for key in keys)
        assert len(set(kinds.values())) == 2, "it was not killed in the midst"
        result = Ice.convert_stored(to=way)
        assert (result.converted + result.skipped, result.errors) == (200, ())
        assert types_of(indexed) == {b"ReJSON-RL" if way == "json" else b"string"}
        assert len(names(indexed)) == 200


def test_a_move_that_is_killed_leaves_every_object_in_one_place_or_both(indexed: redis.Redis, servers: Any) -> None:
    old, new = on(HashRedisMixin, "Old"), on(SearchRedisMixin, "New")
    wanted = {str(number): old({"pk": str(number), "n": number, "tags": ["x"]}) for number in range(200)}
    for seconds in (0, 0.012):
        indexed.flushall()
        old.set_many(wanted.values(), expire=1000)
        code = (
            "class Old(Fields, HashRedisMixin): pass\nclass New(Fields, SearchRedisMixin): pass\n"
            "New.convert_stored(source=Old, batch=3, on_progress=begin)"
        )
        killed_after(converting(servers("redis"), code), seconds)
        here = {one.pk: one.to_primitive() for one in new.all()}
        there = {one.pk: one.to_primitive() for one in old.all()}
        assert here, "it was not killed in the midst"
        assert there, "it was not killed in the midst"
        assert here.keys() | there.keys() == wanted.keys()
        assert all(one == wanted[pk].to_primitive() for found in (here, there) for pk, one in found.items())
        result = new.convert_stored(source=old)
        assert (result.converted, result.errors) == (len(there), ())
        assert (new.all().count(), old.all().count()) == (200, 0)
        assert all(one.ttl() > 900 for one in new.all()[:20])


def test_a_bar_is_shown_on_a_terminal(indexed: redis.Redis, servers: Any) -> None:
    pytest.importorskip("rich")
    written(indexed, count=100)
    code = "class Ice(Fields, SearchRedisMixin): pass\nprint(Ice.convert_stored())"
    main, terminal = pty.openpty()
    done = subprocess.run(
        words_of(servers("redis"), code),
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(main, 4096):
            shown += part
    os.close(main)
    assert b"Ice.convert_stored" in shown
    assert done.stdout == b"Converted(converted=100, skipped=0, errors=())\n"

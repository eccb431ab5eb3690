"""What the library itself costs, without a server: ``scripts/bench --micro``; ``scripts/test`` runs each once, untimed.

Each also says what came out, so that what is measured is known to work.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rs_search import Q
from rs_search.codec import dump, encode
from rs_search.hydration import hydrator
from rs_search.index_schema import index_schema_of
from rs_search.instances import prepare
from rs_search.planner import ft, templates
from rs_search.planner.normal import normalise
from rs_search.planner.plan import INDEX, SCAN, Select, make_plan
from rs_search.planner.predicate import predicate
from rs_search.query.bind import bind
from rs_search.reading import parse

from . import ours
from .ours import Ice
from .workload import amount, document, flavour, pk

DOCUMENTS = 10_000
QUERIES = {
    "equality": Q(flavour=flavour(7)),
    "range": Q(amount_kg__range=(1000, 100_000)),
    "words": Q(description__search="bababa lanite"),
    "mixed": (Q(amount_kg__gte=1000) | ~Q(maker__city="Wien")) & Q(tags__contains="tag babace", in_stock=True),
}
each_query = pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    """Documents as they are when they were read, before they are hydrated."""
    return [parse(orjson.dumps(ours.kept(number)), pk(number)) for number in range(DOCUMENTS)]


@each_query
def test_bind(benchmark: BenchmarkFixture, query: Q) -> None:
    assert benchmark(bind, Ice, query)


@each_query
def test_plan(benchmark: BenchmarkFixture, query: Q) -> None:
    plan = benchmark(make_plan, Select(Ice, bind(Ice, query)), None)
    assert (plan.access, plan.check) == (INDEX, None)


@each_query
def test_push(benchmark: BenchmarkFixture, query: Q) -> None:
    where, schema = normalise(bind(Ice, query)), index_schema_of(Ice)
    pushed = benchmark(lambda: ft.push(where, schema, ft.Parameters()))
    assert pushed is not None
    assert pushed.exact


def test_recall(benchmark: BenchmarkFixture) -> None:
    templates.keep(make_plan(Select(Ice, bind(Ice, Q(flavour="x"))), None))
    select = Select(Ice, bind(Ice, Q(flavour="y")))
    assert benchmark(templates.recall, select).access == INDEX


def test_plan_of_a_scan(benchmark: BenchmarkFixture) -> None:
    plan = benchmark(make_plan, Select(Ice, bind(Ice, QUERIES["mixed"])), "there is no index")
    assert plan.access == SCAN


def test_compile_predicate(benchmark: BenchmarkFixture) -> None:
    assert callable(benchmark(predicate, bind(Ice, QUERIES["mixed"])))


@each_query
def test_predicate_of_10_000_documents(benchmark: BenchmarkFixture, query: Q, documents: list[dict[str, Any]]) -> None:
    meets = predicate(bind(Ice, query))
    found = benchmark(lambda: sum(map(meets, documents)))
    if query is QUERIES["range"]:
        assert found == sum(1000 <= amount(number) <= 100_000 for number in range(DOCUMENTS))
    assert 0 < found < DOCUMENTS


def test_parse(benchmark: BenchmarkFixture) -> None:
    text = orjson.dumps(ours.kept(5))
    assert benchmark(parse, text, "Ours:5")["id"] == pk(5)


def test_hydrate(benchmark: BenchmarkFixture) -> None:
    text = orjson.dumps(ours.kept(5))
    assert ours.plain(benchmark(hydrator(Ice), f"Ours:{pk(5)}", text)) == document(5)


def test_hydrate_and_read_each_field(benchmark: BenchmarkFixture) -> None:
    text = orjson.dumps(ours.kept(5))
    assert benchmark(lambda: ours.plain(hydrator(Ice)(f"Ours:{pk(5)}", text))) == document(5)


def test_encode(benchmark: BenchmarkFixture) -> None:
    ice = Ice(document(5))
    assert benchmark(lambda: dump(encode(ice))) == orjson.dumps(ours.kept(5))


def test_prepare_which_validates_and_encodes(benchmark: BenchmarkFixture) -> None:
    ice = Ice(document(5))
    assert benchmark(prepare, ice).key == f"Ours:{pk(5)}"

"""One meaning: the index, the plain server and a list comprehension give the same rows, order and counts."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis
from fixtures.servers import Servers, client_for
from fixtures.strategies import Thing, naively_ordered, orders, queries, things
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rs_search


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, servers: Servers) -> Iterator[list[redis.Redis]]:
    indexed = request.config.getoption("--redis-url") or servers("redis")
    clients = [client_for(url) for url in (indexed, servers("plain"))]
    yield clients
    for client in clients:
        client.close()


@settings(
    max_examples=int(os.environ.get("RS_SEARCH_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(data=st.data())
def test_a_query_means_the_same_everywhere(both: list[redis.Redis], data: st.DataObject) -> None:
    drawn = data.draw(things)
    objects = [Thing({"pk": f"{place}é"[: 1 + place % 2], **values}) for place, values in enumerate(drawn)]
    for client in both:
        rs_search.connect(client)
        Thing.delete_all()
        for instance in objects:
            instance.set()
    for _ in range(4):
        asked, order = data.draw(queries(objects)), data.draw(orders)
        start, stop = data.draw(st.integers(0, 3)), data.draw(st.one_of(st.none(), st.integers(0, 6)))
        naive = naively_ordered([instance for instance in objects if asked.holds(instance)], order)
        for client in both:
            rs_search.connect(client)
            found = Thing.filter(asked.query).order_by(*(("-" if down else "") + path for path, down in order))
            assert [one.pk for one in found] == [one.pk for one in naive], found.explain()
            assert found == naive
            assert Thing.filter(asked.query).count() == len(naive), found.explain()
            again = Thing.filter(asked.query).order_by(*(("-" if down else "") + path for path, down in order))
            assert [one.pk for one in again[start:stop]] == [one.pk for one in naive[start:stop]], found.explain()
            assert again[start:stop].count() == len(naive[start:stop])

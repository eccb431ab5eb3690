"""Two hundred threads doing each of the safe changes at once, on every layer: no update is lost, none is done twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from fixtures.layers import LAYERS, versioned
from schematics.models import Model
from schematics.types import IntType, StringType

from rs_search import Conflict, F

THREADS = 200
#: Two of the five kinds: there are five layers, and each is a contest of two hundred.
SERVERS = [("redis", 3), ("plain", 2)]


@pytest.fixture(params=LAYERS[:4], ids=lambda layer: layer.__name__)
def layer(request: pytest.FixtureRequest) -> Any:
    """The layers of the library: a fifth one has nothing of its own in this."""
    return request.param


def at_once(work: Callable[[int], None]) -> None:
    """Two hundred threads that begin together; raises what one of them raised."""
    gate = threading.Barrier(THREADS)

    def begin(number: int) -> None:
        gate.wait()
        work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(begin, range(THREADS)))


def numbers(rows: Any) -> list[int]:
    return [row.n for row in rows]


def test_counting_appending_and_removing_lose_nothing_and_tell_what_came_of_it(ice: Any) -> None:
    """Each thread does so to one of ten objects, twenty of them to each."""
    ice.set_many(ice({"pk": str(one), "tags": [f"old{n}" for n in range(one, THREADS, 10)]}) for one in range(10))
    told: list[tuple[str, int]] = []

    def work(number: int) -> None:
        one = ice({"pk": str(number % 10)})
        told.append((one.pk, one.update(n=F("n") + 1, tags=F("tags").append(str(number))).n))
        assert f"old{number}" not in one.update(tags=F("tags").remove(f"old{number}")).tags

    at_once(work)
    assert sorted(told) == [(str(one), count) for one in range(10) for count in range(1, 21)]
    assert numbers(ice.all()) == [20] * 10
    assert sorted(int(tag) for one in ice.all() for tag in one.tags) == list(range(THREADS))
    assert ice.filter(n=20).count() == 10


def test_other_fields_of_one_object_are_all_kept(client: redis.Redis, layer: type) -> None:
    names = [f"f{number}" for number in range(20)]
    wide = type("Wide", (Model, layer), {"pk": StringType(), **{name: IntType() for name in names}})
    wide.set_many(wide({"pk": str(number)}) for number in range(10))

    def work(number: int) -> None:
        name = names[number // 10]
        one = wide.match_for_pk(str(number % 10))
        setattr(one, name, number)
        assert one.set(only=[name]) if number % 2 else one.set(changed=True)

    at_once(work)
    for one in wide.all():
        assert [one[name] for name in names] == [place * 10 + int(one.pk) for place in range(20)]


def test_one_of_them_makes_an_object_and_the_others_change_it(ice: Any) -> None:
    new: list[tuple[str, bool]] = []

    def work(number: int) -> None:
        one = number % 5
        new.append(("got", ice.get_or_set({"n": number}, pk=f"g{one}")[1]))
        new.append(("updated", ice.update_or_set({"n": F("n") + 1}, pk=f"u{one}")[1]))
        new.append(("absent", ice({"pk": f"a{one}"}).set(if_absent=True)))

    at_once(work)
    assert Counter(how for how, is_new in new if is_new) == {"got": 5, "updated": 5, "absent": 5}
    # The one that makes it has nothing to count up yet.
    assert numbers(ice.filter(pk__startswith="u")) == [THREADS // 5 - 1] * 5
    assert ice.count() == 15


def test_what_is_removed_is_not_set_again_if_present(ice: Any) -> None:
    ice.set_many(ice({"pk": str(one)}) for one in range(10))
    set_again: list[bool] = []

    def work(number: int) -> None:
        one = ice({"pk": str(number % 10), "n": number})
        if number < THREADS // 2:
            set_again.append(one.set(if_present=True))
        else:
            one.delete()

    at_once(work)
    assert len(set_again) == THREADS // 2
    assert ice.count() == 0


def test_an_update_by_query_counts_each_object_once(ice: Any) -> None:
    ice.set_many(ice({"pk": str(number), "flavour": f"f{number % 20}"}) for number in range(40))

    def work(number: int) -> None:
        assert ice.filter(flavour=f"f{number % 20}").update(n=F("n") + 1) == 2

    at_once(work)
    assert set(numbers(ice.all())) == {10}


def test_of_those_with_one_version_one_wins_and_counting_up_goes_on(client: redis.Redis, layer: type) -> None:
    ice = versioned(layer)
    ice.set_many(ice({"pk": str(number)}) for number in range(10))
    won: list[str] = []
    read = [ice.match_for_pk(str(number % 10)) for number in range(THREADS)]

    def work(number: int) -> None:
        read[number].n = 1000
        try:
            read[number].set()
        except Conflict:
            return
        won.append(read[number].pk)

    at_once(work)
    assert sorted(won) == [str(number) for number in range(10)]
    assert {one.version for one in ice.all()} == {2}
    at_once(lambda number: ice({"pk": str(number % 10)}).update(n=F("n") + 1))
    assert {(one.n, one.version) for one in ice.all()} == {(1020, 22)}


def test_lives_are_given_and_taken_and_no_update_is_lost(ice: Any) -> None:
    ice.set_many(ice({"pk": str(one), "n": 0}) for one in range(10))

    def work(number: int) -> None:
        one = ice({"pk": str(number % 10), "n": -1})
        one.set(only=["flavour"], expire=1000 + number)
        one.update(n=F("n") + 1)
        left = one.ttl()
        assert left is None or 900 < left <= 1200
        one.persist()

    at_once(work)
    assert numbers(ice.all()) == [20] * 10
    assert {one.ttl() for one in ice.all()} == {None}


def test_each_object_is_deleted_once(ice: Any) -> None:
    ice.set_many(ice({"pk": str(number), "flavour": "x"}) for number in range(100))
    deleted: list[int] = []

    def work(number: int) -> None:
        if number % 2:
            deleted.append(ice.delete_many([str(one) for one in range(number % 10, 100, 10)]))
        else:
            deleted.append(ice.delete_filter(flavour="x"))

    at_once(work)
    assert sum(deleted) == 100
    assert ice.count() == 0

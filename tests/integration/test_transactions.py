"""Transactions on real servers: all or none, whatever fails; and what must not be done twice is not sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.retry
from fixtures.cutting import Cutting, cutting
from fixtures.drivers import Driver
from fixtures.history_layer import HistoryRedisMixin
from fixtures.layers import Fields, versioned
from redis.backoff import NoBackoff
from redis.retry import Retry

import rs_search
from rs_search import (
    Conflict,
    DistributedRedisMixin,
    F,
    HashRedisMixin,
    InvalidObject,
    NotFound,
    SearchRedisMixin,
    ServerError,
    ServerUnavailable,
    SimpleRedisMixin,
    TransactionError,
    WrongKeyType,
    transaction,
)

#: Two of the five kinds: there are five layers, and `test_both_ways` has transactions on all.
SERVERS = [("redis", 3), ("plain", 2)]
#: Where it is about the way to the server, and not about how objects are kept.
some_layers = pytest.mark.parametrize("layer", [SearchRedisMixin, DistributedRedisMixin], ids=["search", "distributed"])


@pytest.fixture
def full(ice: Any) -> Any:
    """The model with three objects."""
    ice.set_many(ice({"pk": pk, "n": n}) for n, pk in enumerate("abc"))
    return ice


def stored(model: Any) -> dict[str, int]:
    return {one.pk: one.n for one in model.all()}


def within(*calls: Callable[[], Any], **options: Any) -> None:
    with transaction(**options):
        for call in calls:
            call()


# --- all or none ----------------------------------------------------------------------------------------------------


def test_writes_of_all_kinds_are_done_together(full: Any, layer: type) -> None:
    other = type("Other", (Fields, layer), {})
    with transaction():
        full({"pk": "d", "n": 7}).set(expire=100)
        full.set_many(full({"pk": f"m{n}", "n": n}) for n in range(3))
        assert full.match_for_pk("a").delete()
        full.delete_many(["b"])
        other({"pk": "1"}).set()
        assert (stored(full), other.count()) == ({"a": 0, "b": 1, "c": 2}, 0)
        with pytest.raises(NotFound):
            full.match_for_pk("d")
    assert stored(full) == {"c": 2, "d": 7, "m0": 0, "m1": 1, "m2": 2}
    assert 99 < full.match_for_pk("d").ttl() <= 100
    assert other.count() == 1
    with transaction():
        full.match_for_pk("d").persist()
        assert full.delete_all() == 5
    assert stored(full) == {}


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, InvalidObject])
def test_an_error_in_the_block_sends_nothing(full: Any, error: type[BaseException]) -> None:
    new = full({"n": 5})

    def fail() -> None:
        if error is not InvalidObject:
            raise error
        full({"pk": "e", "n": 2**70}).set()

    with pytest.raises(error):
        within(new.set, full.match_for_pk("a").delete, fail)
    assert stored(full) == {"a": 0, "b": 1, "c": 2}
    assert new.pk is None


def test_a_server_that_is_out_of_memory_does_none_of_it(full: Any, client: redis.Redis) -> None:
    new = full({"pk": "d"})
    full.filter(n=5).count()
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(ServerError, match="maxmemory"):
            within(full({"pk": "a"}).delete, new.set, full({"pk": "b"}).delete)
    finally:
        client.config_set("maxmemory", 0)
    assert stored(full) == {"a": 0, "b": 1, "c": 2}


def test_a_server_that_may_not_be_written_to_does_none_of_it(full: Any, client: redis.Redis) -> None:
    client.execute_command("CONFIG", "SET", "min-replicas-to-write", "1")
    try:
        with pytest.raises(ServerError, match="NOREPLICAS"):
            within(full({"pk": "a"}).delete, full({"pk": "d"}).set)
    finally:
        client.execute_command("CONFIG", "SET", "min-replicas-to-write", "0")
    assert stored(full) == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("layer", "key"),
    [(SearchRedisMixin, "Other:1"), (HashRedisMixin, "Other"), (HistoryRedisMixin, "Other:1")],
    ids=["search", "hash", "history"],
)
def test_a_key_that_holds_what_others_wrote_is_noticed_before(client: redis.Redis, layer: type, key: str) -> None:
    ice, other = type("Ice", (Fields, layer), {}), type("Other", (Fields, layer), {})
    ice({"pk": "a"}).set()
    client.sadd(key, "of another program")
    new = other({"pk": "1"})
    with pytest.raises(WrongKeyType, match=f"{key} holds a set, .* nothing was written"):
        within(ice({"pk": "a"}).delete, new.set, ice({"pk": "b"}).set)
    assert [one.pk for one in ice.all()] == ["a"]
    assert client.smembers(key) == {b"of another program"}
    if layer is HashRedisMixin:
        with pytest.raises(WrongKeyType):
            within(ice({"pk": "a"}).delete, new.delete)
        assert ice.count() == 1


def test_layers_take_part_together(client: redis.Redis) -> None:
    layers = (SearchRedisMixin, SimpleRedisMixin, HashRedisMixin, DistributedRedisMixin)
    models = [type(layer.__name__, (Fields, layer), {}) for layer in layers]
    for model in models:
        model({"pk": "old"}).set()
    calls = [call for model in models for call in (model({"pk": "new"}).set, model({"pk": "old"}).delete)]
    with pytest.raises(ZeroDivisionError):
        within(*calls, lambda: 1 // 0)
    assert [stored(model) for model in models] == [{"old": 0}] * 4
    within(*calls)
    assert [stored(model) for model in models] == [{"new": 0}] * 4


# --- who takes part -------------------------------------------------------------------------------------------------


def test_what_cannot_take_part_says_so_whatever_is_stored(full: Any, layer: type) -> None:
    one, gone, numbered = full.match_for_pk("a"), full({"pk": "gone"}), versioned(layer)({"pk": "1"})
    for call in (
        lambda: one.update(n=F("n") + 1),
        lambda: gone.update(n=1),
        lambda: one.set(only=["n"]),
        lambda: one.set(changed=True),
        lambda: one.set(if_absent=True),
        lambda: gone.set(if_present=True),
        lambda: full.get_or_set(pk="a"),
        lambda: full.update_or_set({"n": 1}, pk="gone"),
        lambda: full.filter(n=1).update(n=2),
        lambda: full.filter(n=99).update(n=2),
        lambda: full.filter(n=99).delete(),
        lambda: full.delete_filter(n=99),
        numbered.set,
        lambda: type(numbered).set_many([numbered]),
    ):
        with pytest.raises(TransactionError, match="cannot take part in a transaction"):
            within(one.delete, call)
    assert stored(full) == {"a": 0, "b": 1, "c": 2}


def test_a_removal_of_a_read_version_takes_no_part(client: redis.Redis, layer: type) -> None:
    one = versioned(layer)({"pk": "1"})
    one.set()
    with pytest.raises(TransactionError):
        within(one.delete)
    assert one.delete()


def test_a_conversion_takes_no_part(indexed: redis.Redis) -> None:
    old, ice = type("Ice", (Fields, SimpleRedisMixin), {}), type("Ice", (Fields, SearchRedisMixin), {})
    hashed = type("Hashed", (Fields, HashRedisMixin), {})
    old({"pk": "1"}).set()
    hashed({"pk": "1"}).set()
    for call in (ice.convert_stored, lambda: ice.convert_stored(source=hashed)):
        with pytest.raises(TransactionError):
            within(call)
    assert indexed.type("Ice:1") == b"string"


def test_models_on_two_servers_are_refused_when_called(servers: Any, indexed: redis.Redis) -> None:
    far = redis.Redis.from_url(servers("plain"))
    far.flushall()
    near = type("Near", (Fields, SearchRedisMixin), {})
    other = type("Far", (Fields, SimpleRedisMixin), {"__redis_client__": far})
    with pytest.raises(TransactionError, match=f"one server: this one is on unix://.* the model on {other_end(far)}"):
        within(near({"pk": "1"}).set, other({"pk": "1"}).set)
    with pytest.raises(TransactionError, match="one server"):
        within(near({"pk": "1"}).set, watch=[other({"pk": "1"})])
    assert (near.count(), other.count()) == (0, 0)
    far.close()


def other_end(client: redis.Redis) -> str:
    return f"unix://{client.connection_pool.connection_kwargs['path']}"


def test_two_clients_of_one_server_take_part_together(servers: Any, indexed: redis.Redis) -> None:
    made = []

    def give() -> redis.Redis:
        made.append(redis.Redis.from_url(servers("redis")))
        return made[-1]

    ice = type("Ice", (Fields, SimpleRedisMixin), {"__redis_client__": staticmethod(give)})
    within(ice({"pk": "1"}).set, ice({"pk": "2"}).set)
    assert stored(ice) == {"1": 0, "2": 0}
    for client in made:
        client.close()


def test_calls_that_are_awaited_take_part_in_blocks_that_are(full: Any) -> None:
    async def wrong(awaited: bool) -> None:
        if awaited:
            async with transaction():
                full({"pk": "d"}).set()
        else:
            with transaction():
                await full({"pk": "d"}).aset()

    for awaited in (True, False):
        with pytest.raises(TransactionError, match="this block began by `"):
            asyncio.run(wrong(awaited))
    assert stored(full) == {"a": 0, "b": 1, "c": 2}


def test_a_task_that_outlives_its_block_writes_by_itself(full: Any) -> None:
    async def late(over: asyncio.Event) -> None:
        await over.wait()
        await full({"pk": "late"}).aset()

    async def block() -> None:
        over = asyncio.Event()
        async with transaction():
            task = asyncio.create_task(late(over))
            await asyncio.gather(*(full({"pk": f"t{n}"}).aset() for n in range(3)))
            assert await full.acount() == 3
        assert await full.acount() == 6
        over.set()
        await task

    asyncio.run(block())
    assert set(stored(full)) == {"a", "b", "c", "t0", "t1", "t2", "late"}


# --- watched objects ------------------------------------------------------------------------------------------------


def test_a_watched_object_that_changes_in_the_block_is_a_conflict(full: Any, drive: Driver) -> None:
    watched, other = full.match_for_pk("a"), full.match_for_pk("a")
    new = full({"n": 9})

    class Meanwhile:
        """Changes the watched object in the midst of the block."""

        def set(self) -> None:
            other.set_now()

        async def aset(self) -> None:
            other.set_now()

    other.set_now = lambda: in_a_thread(lambda: full({"pk": "a", "n": 50}).set())
    with pytest.raises(Conflict, match="nothing was written"):
        drive.within(transaction(watch=[watched]), (new, "set"), (Meanwhile(), "set"))
    assert (stored(full), new.pk) == ({"a": 50, "b": 1, "c": 2}, None)


def in_a_thread(work: Callable[[], Any]) -> None:
    """In no transaction of this thread."""
    import threading

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_watched_object_that_changed_before_the_block_is_a_conflict(full: Any, drive: Driver) -> None:
    watched = drive(full, "match_for_pk", "a")
    drive(full({"pk": "a"}), "update", n=F("n") + 50)
    watched.n += 1
    with pytest.raises(Conflict, match="Ice:a was written by others since it was read"):
        drive.within(transaction(watch=[watched]), (watched, "set"))
    assert drive(full, "match_for_pk", "a").n == 50
    drive(watched, "refresh")
    watched.n += 1
    drive.within(transaction(watch=[watched]), (watched, "set"))
    drive.within(transaction(watch=[watched]), (watched, "set"))
    assert drive(full, "match_for_pk", "a").n == 51
    drive(watched, "set", only=["n"])
    drive(full, "delete_many", ["a"])
    with pytest.raises(Conflict, match="Ice:a was removed since it was read"):
        drive.within(transaction(watch=[watched]), (watched, "set"))
    assert drive(full, "get_many", ["a"]) == [None]


def test_one_connection_is_enough_to_watch_what_was_read(full: Any, client: redis.Redis) -> None:
    kwargs = {**client.connection_pool.connection_kwargs}
    pool = redis.ConnectionPool(connection_class=client.connection_pool.connection_class, max_connections=1, **kwargs)
    rs_search.connect(redis.Redis(connection_pool=pool))
    one = full.match_for_pk("a")
    one.n = 5
    within(one.set, full({"pk": "b"}).delete, watch=[one])
    assert stored(full) == {"a": 5, "c": 2}
    pool.disconnect()


def test_an_object_that_was_never_read_is_watched_from_the_block_on(full: Any) -> None:
    within(full({"pk": "a", "n": 9}).set, watch=[full({"pk": "a"}), full({"pk": "new"})])
    part = full.all().only("n")[0]
    within(full({"pk": "b", "n": 9}).set, watch=[part])
    full({"pk": "a"}).update(n=1)
    with pytest.raises(Conflict):
        within(full({"pk": "b", "n": 10}).set, watch=[part])
    assert stored(full) == {"a": 1, "b": 9, "c": 2}


def test_a_function_is_run_again_on_what_is_stored_by_then(full: Any, drive: Driver) -> None:
    first, second = (drive(full, "match_for_pk", pk) for pk in "ab")
    drive(full, "set_many", [full({"pk": "a", "n": 100}), full({"pk": "b", "n": 200})])
    ran = []

    def move() -> None:
        ran.append((first.n, second.n))
        first.n -= 10
        second.n += 10

    if drive.loop is None:

        def function() -> str:
            move()
            full.set_many([first, second])
            return "moved"

        with pytest.raises(Conflict):
            transaction(watch=[first, second]).run(function)
        assert transaction(watch=[first, second], retries=1).run(function) == "moved"
    else:

        async def awaited() -> str:
            move()
            await full.aset_many([first, second])
            return "moved"

        with pytest.raises(Conflict):
            drive.loop.run_until_complete(transaction(watch=[first, second]).arun(awaited))
        made = transaction(watch=[first, second], retries=1).arun(awaited)
        assert drive.loop.run_until_complete(made) == "moved"
    assert (ran, stored(full)) == ([(100, 200)], {"a": 90, "b": 210, "c": 2})


@pytest.mark.parametrize("layer", [SearchRedisMixin, HashRedisMixin, DistributedRedisMixin], ids=["s", "h", "d"])
def test_threads_that_move_from_one_object_to_another_lose_nothing(ice: Any) -> None:
    ice.set_many(ice({"pk": str(number), "n": 100}) for number in range(4))

    def move(place: int) -> None:
        here, there = str(place % 4), str((place + 1) % 4)

        def read() -> list[Any]:
            nonlocal pair
            pair = ice.get_many([here, there])
            return pair

        def moved() -> None:
            pair[0].n -= 1
            pair[1].n += 2
            ice.set_many(pair)

        pair: list[Any] = []
        for _ in range(5):
            transaction(watch=read, retries=10_000).run(moved)

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(8)))
    assert sum(stored(ice).values()) == 400 + 8 * 5


def test_what_cannot_be_watched_or_run_is_told(full: Any) -> None:
    one = full.match_for_pk("a")
    for watch in ([5], one, [full], ["a"], None, [Fields()]):
        with pytest.raises(TransactionError, match="takes objects that are kept"):
            within(watch=watch)
    for retries in (-1, "3", True, 1.5):
        with pytest.raises(TransactionError, match="retries="):
            transaction(retries=retries)  # type: ignore[arg-type]

    async def awaited() -> None:
        await full({"pk": "d"}).aset()

    with pytest.raises(TransactionError, match="arun"):
        transaction().run(awaited)
    with pytest.raises(TransactionError, match="run"):
        asyncio.run(transaction().arun(lambda: 5))  # type: ignore[arg-type,return-value]
    assert stored(full) == {"a": 0, "b": 1, "c": 2}


# --- a connection that breaks ---------------------------------------------------------------------------------------


@pytest.fixture
def way(client: redis.Redis) -> Iterator[Cutting]:
    """A way to the server that loses a reply when it is told."""
    path = client.connection_pool.connection_kwargs.get("path")
    if path is None:
        pytest.skip("the server is not one of ours")
    with cutting(path) as made:
        protocol = client.connection_pool.connection_kwargs["protocol"]
        # As newer redis-py does by itself: it sends again what was not answered.
        trying = redis.Redis(
            unix_socket_path=made.path,
            protocol=protocol,
            retry=Retry(NoBackoff(), 3),
            retry_on_error=[redis.ConnectionError],
        )
        rs_search.connect(trying)
        yield made
        trying.close()


@some_layers
def test_what_would_count_twice_is_not_sent_again(full: Any, layer: type, way: Cutting) -> None:
    """redis-py would send it again, and nobody knows whether the server did it the first time."""
    ice, numbered = full, versioned(layer)
    one, other = ice.match_for_pk("a"), numbered({"pk": "1"})
    other.set()
    for call in (
        lambda: one.update(n=F("n") + 1),
        lambda: ice.filter(pk="a").update(n=F("n") + 1),
        lambda: ice({"pk": "new"}).set(if_absent=True),
        other.set,
    ):
        way.mark = b"EVAL"
        with pytest.raises(ServerUnavailable, match="whether it was done is not known"):
            call()
    assert way.cuts == 4
    assert (ice.match_for_pk("a").n, ice.match_for_pk("new").n) == (2, 0)
    assert (numbered.match_for_pk("1").version, other.version) == (2, 1)
    assert one.update(n=F("n") + 1).n == 3


@some_layers
@pytest.mark.parametrize("watching", [True, False])
def test_a_transaction_is_not_sent_again(full: Any, way: Cutting, watching: bool) -> None:
    one = full.match_for_pk("a")
    ran = []

    def count_up() -> None:
        ran.append(1)
        one.n += 1
        one.set()

    way.mark = b"EXEC"
    with pytest.raises(ServerUnavailable, match="whether it was done is not known"):
        transaction(watch=[one] if watching else [], retries=3).run(count_up)
    assert (way.cuts, len(ran), full.match_for_pk("a").n) == (1, 1, 1)
    one.refresh()
    transaction(watch=[one]).run(count_up)
    assert full.match_for_pk("a").n == 2


@some_layers
def test_an_awaited_change_is_not_sent_again(full: Any, way: Cutting) -> None:
    async def update() -> None:
        client = redis.asyncio.Redis(
            unix_socket_path=way.path,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 3),
            retry_on_error=[redis.ConnectionError],
        )
        rs_search.connect(client)
        await full({"pk": "a"}).aupdate(n=F("n") + 1)
        way.mark = b"EVAL"
        with pytest.raises(ServerUnavailable, match="whether it was done is not known"):
            await full({"pk": "a"}).aupdate(n=F("n") + 1)
        assert (await full.amatch_for_pk("a")).n == 2
        way.mark = b"EXEC"
        with pytest.raises(ServerUnavailable, match="whether it was done is not known"):
            async with transaction(watch=[full({"pk": "a"})]):
                await full({"pk": "b", "n": 7}).aset()
        assert (await full.amatch_for_pk("b")).n == 7
        await client.aclose()

    asyncio.run(update())
    assert way.cuts == 2


@pytest.mark.parametrize("layer", [SimpleRedisMixin], ids=["simple"])
def test_what_may_be_done_twice_is_sent_again(full: Any, way: Cutting) -> None:
    for mark, call in ((b"GET", lambda: full.match_for_pk("a")), (b"b", full({"pk": "b", "n": 9}).set)):
        way.mark = mark
        call()
    assert way.cuts == 2
    assert stored(full) == {"a": 0, "b": 9, "c": 2}

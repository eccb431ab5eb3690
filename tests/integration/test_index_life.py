"""The index over time: made, built anew, changed by others, lost, and found again, without a wrong answer."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
import redis
from fixtures.drivers import Driver
from fixtures.servers import Restarts, client_for
from schematics.models import Model
from schematics.types import DateType, DecimalType, FloatType, IntType, ListType, StringType

import rs_search
from rs_search import MissingIndex, QueryError, SearchRedisMixin, ServerError, SimpleRedisMixin, objects, search_options

#: Each test fills a collection; the index is the same over both protocols but for what FT.INFO looks like.
SERVERS = [("redis", 3), ("redis", 2), ("valkey", 3)]


class Ice(Model, SearchRedisMixin):
    pk = StringType()
    flavour = StringType()
    amount = IntType()
    price = DecimalType()
    weight = FloatType()
    day = DateType()
    tags = ListType(StringType())


def keep(count: int, start: int = 0) -> None:
    Ice.set_many(
        Ice({"pk": f"{n:06}", "flavour": "mint" if n % 2 else "Äpfel", "amount": n, "price": "0.1", "weight": n / 7,
             "day": "2020-01-01", "tags": ["a", "b"]})
        for n in range(start, start + count)
    )  # fmt: skip


def keep_by_hand(client: redis.Redis, count: int) -> None:
    pipeline = client.pipeline(transaction=False)
    for n in range(count):
        pipeline.execute_command("JSON.SET", f"Ice:{n:06}", "$", f'{{"pk":"{n:06}","amount":{n}}}')
    pipeline.execute()


def indexes(client: redis.Redis) -> list[str]:
    return sorted(name.decode() for name in client.execute_command("FT._LIST"))


# --- names ------------------------------------------------------------------------------------------------------------


def test_queries_ask_an_alias_and_other_programs_another(client: redis.Redis) -> None:
    keep(3)
    assert Ice.count() == 3
    assert indexes(client) == [f"{Ice.index.name}:1"]
    assert Ice.index.name.startswith("rs:Ice:")
    assert Ice.index.alias == "rs:Ice"
    for name in (Ice.index.name, "rs:Ice"):
        assert "Ice:000000" in str(client.execute_command("FT.SEARCH", name, "@amount:[0 0]"))


def test_a_model_may_have_a_field_called_index(client: redis.Redis) -> None:
    class Page(Model, SearchRedisMixin):
        pk = StringType()
        index = IntType()

    Page({"pk": "a", "index": 7}).set()
    assert Page.match(index=7).index == 7
    assert objects(Page).index.status().documents == 1


def test_layers_without_an_index_say_so() -> None:
    class Simple(Model, SimpleRedisMixin):
        pk = StringType()

    with pytest.raises(QueryError, match="Simple keeps no JSON documents"):
        _ = objects(Simple).index


# --- made -------------------------------------------------------------------------------------------------------------


def test_queries_do_not_make_an_index_that_they_may_not_make(client: redis.Redis, drive: Driver) -> None:
    class Ice(Model, SearchRedisMixin):
        __auto_index__ = False
        pk = StringType()
        amount = IntType()

    drive(Ice({"pk": "a", "amount": 3}), "set")
    with pytest.raises(MissingIndex, match="rs-search index create"):
        drive(Ice, "count", amount=3)
    assert drive(Ice, "match", pk="a").amount == 3
    assert drive(Ice.index, "create") is True
    assert drive(Ice.index, "create") is False
    assert drive(Ice, "count", amount=3) == 1
    assert drive(Ice.index, "drop") is True
    assert drive(Ice.index, "drop") is False
    with pytest.raises(MissingIndex):
        drive(Ice, "count", amount=3)


def test_while_an_index_is_built_queries_read_the_collection(client: redis.Redis) -> None:
    class Hasty(Ice):
        __prefix__ = "Ice"
        __index_wait__ = 0

    keep_by_hand(client, 30_000)
    accesses = []
    while not accesses or accesses[-1] == "scan":
        ran = Hasty.filter(amount__gte=29_990)
        assert [one.amount for one in ran] == list(range(29_990, 30_000))
        assert Hasty.count(amount__lt=30_000) == 30_000
        accesses.append("index" if Hasty.index.status().exists else "scan")
        assert len(accesses) < 1000
    assert Hasty.index.status().alias_serves
    assert Hasty.filter(amount=5).explain().access == "index"


def test_a_builder_that_dies_leaves_its_index_to_others(client: redis.Redis) -> None:
    keep_by_hand(client, 20_000)

    class Hasty(Ice):
        __prefix__ = "Ice"
        __index_wait__ = 0

    assert Hasty.count(amount__gte=0) == 20_000
    # Another process, which knows nothing of the first.
    rs_search.connect(redis.Redis.from_url(url_of(client)))

    class Patient(Ice):
        __prefix__ = "Ice"
        __index_wait__ = 30

    assert Patient.count(amount__gte=0) == 20_000
    assert Patient.filter(amount=5).explain().access == "index"


def url_of(client: redis.Redis) -> str:
    settings = client.connection_pool.connection_kwargs
    return f"unix://{settings['path']}?protocol={settings.get('protocol') or 3}"


def test_documents_of_another_version_are_found_by_what_that_one_did_not_index(
    client: redis.Redis, drive: Driver
) -> None:
    class Old(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        pk = StringType()
        day = StringType()
        name = StringType()
        price = DecimalType(metadata={"search_options": search_options(skip=True)})

    class New(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        __index__ = {"name": search_options(sortable=True)}
        pk = StringType()
        day = DateType()
        name = StringType()
        price = DecimalType()

    for n in range(30):
        drive(Old({"pk": f"{n:02}", "day": f"2020-01-{n + 1:02}", "name": f"ÄÖ{n}", "price": f"{n}.5"}), "set")
    assert drive(Old, "count", name__startswith="ÄÖ") == 30
    assert drive(New, "count", day__gte="2020-01-11") == 20
    assert drive(New, "count", price__lt=10) == 10
    assert drive(New, "count", name__istartswith="äö1") == 11
    assert drive(New.filter(day__gte="2020-01-11"), "explain").access == "index"
    assert drive(Old, "count", day="2020-01-11") == 1


def test_while_one_process_looks_at_documents_others_read_the_collection(client: redis.Redis) -> None:
    class Hasty(Ice):
        __prefix__ = "Ice"
        __index_wait__ = 0

    keep_by_hand(client, 10)
    client.set(f"{Ice.index.name}:fitting", "1", px=600)
    assert Hasty.count(amount__gte=0) == 10
    assert Hasty.filter(amount=1).explain().access == "scan"
    assert not Hasty.index.status().exists
    # Whoever looked is taken for dead after a while.
    assert Hasty.index.create() is False
    assert Hasty.index.status().exists


# --- built anew -------------------------------------------------------------------------------------------------------


def test_queries_are_answered_in_full_while_an_index_is_built_anew(client: redis.Redis) -> None:
    keep_by_hand(client, 20_000)
    assert Ice.count() == 20_000
    wrong: list[Any] = []
    turns = 0
    done = threading.Event()

    def read() -> None:
        nonlocal turns
        while not done.is_set():
            counted, page = Ice.count(amount__gte=0), [one.amount for one in Ice.filter(amount__gte=19_990)]
            everything = sum(1 for _ in Ice.filter(amount__lt=5000).only("pk").iterator())
            if (counted, page, everything) != (20_000, list(range(19_990, 20_000)), 5000):
                wrong.append((counted, page, everything))
            turns += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in (2, 3):
            told: list[tuple[int, int | None]] = []
            rebuilt = Ice.index.rebuild(on_progress=lambda done, total, told=told: told.append((done, total)))
            assert (rebuilt.name, rebuilt.documents) == (f"{Ice.index.name}:{number}", 20_000)
            assert rebuilt.dropped == (f"{Ice.index.name}:{number - 1}",)
            assert told[-1] == (20_000, None)
    finally:
        done.set()
        reader.join()
    assert wrong == []
    assert turns > 1
    assert indexes(client) == [f"{Ice.index.name}:3"]
    assert Ice.index.status().alias_serves


def test_a_dry_run_builds_nothing(client: redis.Redis) -> None:
    keep(5)
    assert Ice.count() == 5
    would = Ice.index.rebuild(dry_run=True)
    assert (would.name, would.documents, would.dropped) == (f"{Ice.index.name}:2", 5, (f"{Ice.index.name}:1",))
    assert indexes(client) == [f"{Ice.index.name}:1"]


def test_a_rebuild_that_was_stopped_is_taken_up_again(client: redis.Redis) -> None:
    keep(5)
    assert Ice.count() == 5
    client.execute_command("FT.CREATE", f"{Ice.index.name}:2", "ON", "JSON", "SCHEMA", "$.x", "AS", "x", "TAG")
    assert Ice.count() == 5
    assert Ice.index.status().others == (f"{Ice.index.name}:2",)
    assert Ice.index.rebuild().name == f"{Ice.index.name}:3"
    assert indexes(client) == [f"{Ice.index.name}:3"]
    assert Ice.count() == 5


def test_prune_drops_what_does_not_serve_and_nothing_else(client: redis.Redis, drive: Driver) -> None:
    class Old(Model, SearchRedisMixin):
        __prefix__ = "Ice"
        pk = StringType()

    class Icecream(Model, SearchRedisMixin):
        __prefix__ = "Ice:cream"
        pk = StringType()

    keep(3)
    for model in (Old, Icecream, Ice):
        drive(model, "count")
    client.execute_command("FT.CREATE", "rs:Ice:mine", "ON", "JSON", "SCHEMA", "$.x", "AS", "x", "TAG")
    assert len(indexes(client)) == 4
    old = f"{Old.index.name}:1"
    assert drive(Ice.index, "prune", dry_run=True) == (old,)
    assert len(indexes(client)) == 4
    assert drive(Ice.index, "prune") == (old,)
    assert len(indexes(client)) == 3
    assert drive(Ice.index, "prune") == ()
    assert drive(Old, "count") == 3
    assert client.execute_command("FT.INFO", "rs:Ice:mine")


# --- changed by hand --------------------------------------------------------------------------------------------------


def test_an_index_that_was_changed_by_hand_is_noticed(client: redis.Redis) -> None:
    keep(5)
    assert Ice.count(amount__gte=0) == 5
    client.execute_command("FT.ALTER", Ice.index.name, "SCHEMA", "ADD", "$.other", "AS", "other", "TAG")
    assert "other is in the index and not in the model" in Ice.index.status().differences
    time.sleep(1.1)
    assert Ice.count(amount__gte=0) == 5
    explained = Ice.filter(amount__gte=0).explain(run=True)
    assert "not what the model declares" in str(explained)
    Ice.index.rebuild()
    assert Ice.index.status().differences == ()
    assert Ice.filter(amount__gte=0).explain(run=True).access == "index"


def test_an_index_made_by_hand_under_the_name_is_noticed(client: redis.Redis) -> None:
    client.execute_command("FT.CREATE", Ice.index.name, "ON", "JSON", "PREFIX", "1", "Ice:", "SCHEMA", "$.amount", "AS",
                           "amount", "NUMERIC")  # fmt: skip
    keep(5)
    assert Ice.count(flavour="mint") == 2
    differences = Ice.index.status().differences
    assert "flavour is not in the index" in differences
    assert "the index has stop words" in differences
    assert any("filter" in told for told in differences)
    Ice.index.rebuild()
    assert indexes(client) == [f"{Ice.index.name}:1"]
    assert Ice.filter(flavour="mint").explain(run=True).access == "index"


# --- lost -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("take", ["FLUSHALL", "FT.DROPINDEX", "alias"])
def test_an_index_that_is_lost_is_made_again(client: redis.Redis, drive: Driver, take: str) -> None:
    keep(50)
    assert drive(Ice, "count", amount__gte=0) == 50
    if take == "FLUSHALL":
        client.flushall()
        keep(50)
    elif take == "FT.DROPINDEX":
        client.execute_command("FT.DROPINDEX", f"{Ice.index.name}:1")
    else:
        client.execute_command("FT.ALIASDEL", Ice.index.name)
    assert drive(Ice, "count", amount__gte=0) == 50
    assert len(drive.rows(Ice.filter(amount__gte=0))) == 50
    assert drive.rows(Ice.filter(amount=5))[0].pk == "000005"


def test_an_index_that_is_read_in_again_is_not_asked_before_that_is_done(restarts: Restarts) -> None:
    """From an append-only file the index fills while the server answers already: 1,600, 2,000 … of 100,000 documents.

    redis-py connects anew without a word.
    """
    restarts.start("--appendonly", "yes")
    client = client_for(restarts.url)
    rs_search.connect(client)
    keep_by_hand(client, 30_000)
    for _ in range(2):
        assert Ice.count(amount__gte=0) == 30_000
        assert [one.amount for one in Ice.filter(amount__gte=29_998)] == [29_998, 29_999]
        restarts.stop()
        restarts.start("--appendonly", "yes")
        assert Ice.count(amount__gte=0) == 30_000
        assert [one.amount for one in Ice.filter(amount__gte=29_998)] == [29_998, 29_999]
        assert sum(1 for _ in Ice.filter(amount__gte=0).iterator()) == 30_000


def test_modules_that_are_lost_and_found_are_noticed(restarts: Restarts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rs_search.server.capabilities.ASK_EVERY", 0.2)
    restarts.start()
    rs_search.connect(client_for(restarts.url))
    keep(5)
    assert Ice.count(amount__gte=0) == 5
    restarts.stop()
    restarts.start(modules=False)
    # Without persistence the data are gone as well.
    assert Ice.count(amount__gte=0) == 0
    keep(4)
    assert Ice.count(amount__gte=0) == 4
    assert Ice.filter(amount=1).explain().access == "scan"
    client_for_reading = redis.Redis.from_url(restarts.url)
    assert client_for_reading.type("Ice:000001") == b"string"
    client_for_reading.save()
    restarts.stop()
    restarts.start()
    time.sleep(0.25)
    # Kept as strings, which no index sees: found and converted.
    assert Ice.count(amount__gte=0) == 4
    assert Ice.filter(amount=1).explain(run=True).access == "index"
    assert client_for_reading.type("Ice:000001") == b"ReJSON-RL"
    assert client_for_reading.exists("rs:strings") == 0


def test_writing_goes_on_where_the_modules_were_lost(restarts: Restarts) -> None:
    restarts.start()
    rs_search.connect(client_for(restarts.url))
    keep(5)
    restarts.stop()
    restarts.start(modules=False)
    Ice({"pk": "a", "amount": 1}).set()
    assert Ice.match_for_pk("a").amount == 1


def test_a_string_that_cannot_be_converted_hides_nothing(client: redis.Redis) -> None:
    keep(3)
    client.set("Ice:bad", "no json")
    client.sadd("rs:strings", "Ice:")
    with pytest.raises(rs_search.UnreadableDocument, match="Ice:bad"):
        list(Ice.filter(amount__gte=0))
    client.delete("Ice:bad")
    time.sleep(1.1)
    assert Ice.count(amount__gte=0) == 3


# --- health -----------------------------------------------------------------------------------------------------------


def test_status_tells_what_is_known_of_an_index(client: redis.Redis, drive: Driver) -> None:
    before = drive(Ice.index, "status")
    assert (before.exists, before.why_not, before.documents) == (False, "there is no index yet", None)
    keep(50)
    drive(Ice, "count")
    status = drive(Ice.index, "status")
    assert (status.name, status.alias, status.exists, status.alias_serves) == (Ice.index.name, "rs:Ice", True, True)
    assert (status.why_not, status.documents, status.indexed, status.waiting, status.percent) == (
        None,
        50,
        50,
        False,
        100,
    )
    assert status.memory > 1000
    assert status.parts["inverted indexes"] > 100
    assert status.fields["amount"] == 50
    assert (status.refused, status.differences, status.others) == ((), (), ())
    limits = {one.name: one for one in status.limits}
    assert limits["MAXPREFIXEXPANSIONS"].value == "200"
    assert "dropped" in limits["MAXPREFIXEXPANSIONS"].cuts
    assert limits["MAXSEARCHRESULTS"].cuts == ""


def test_nothing_that_the_index_refused_is_silent(client: redis.Redis, drive: Driver) -> None:
    keep(3)
    drive(Ice, "count")
    client.execute_command("JSON.SET", "Ice:one", "$", '{"pk":"one","amount":"7"}')
    client.execute_command("JSON.SET", "Ice:two", "$", '{"pk":"two","amount":{"no":1}}')
    status = drive(Ice.index, "status")
    assert (status.documents, status.indexed) == (5, 3)
    assert [one.key for one in status.refused] == ["Ice:one", "Ice:two"]
    assert status.refused[0].reason == "amount stands there as '7', and not as 7"
    assert "Ice:two" in status.refused[1].reason
    assert status.why_not == "it refused 2 documents"
    verified = drive(Ice.index, "verify", repair=True)
    assert (verified.missing, [one.key for one in verified.unreadable]) == (("Ice:one",), ["Ice:two"])
    assert (verified.repaired, verified.whole) == (1, False)
    assert [one.key for one in drive(Ice.index, "status").refused] == ["Ice:two"]
    client.delete("Ice:two")
    assert drive(Ice.index, "verify").whole
    assert drive(Ice.index, "status").refused == ()


def test_what_another_program_made_stale_is_found_and_mended(client: redis.Redis, drive: Driver) -> None:
    keep(10)
    drive(Ice, "count")
    assert drive(Ice.index, "verify").whole
    # A price of another program's, whose number for the index stays as it was.
    client.execute_command("JSON.SET", "Ice:000003", "$.price", '"250.5"')
    client.set("Ice:text", json.dumps({"pk": "text", "amount": 70}))
    client.execute_command("JSON.SET", "Ice:odd", "$", "[1]")
    assert drive(Ice, "count", price=250.5) == 0
    told: list[Any] = []
    verified = drive(Ice.index, "verify", batch=4, on_progress=lambda done, total: told.append((done, total)))
    assert (verified.stale, verified.strings) == (("Ice:000003",), ("Ice:text",))
    assert [one.key for one in verified.unreadable] == ["Ice:odd"]
    assert (verified.checked, verified.whole, told[-1]) == (12, False, (12, 12))
    client.delete("Ice:odd")
    mended = drive(Ice.index, "verify", repair=True)
    assert (mended.repaired, mended.whole) == (2, True)
    assert drive(Ice, "count", price=250.5) == 1
    assert drive(Ice, "count", amount=70) == 1
    assert drive(Ice.index, "verify").whole


def test_verify_notices_what_expires_and_is_removed_while_it_looks(client: redis.Redis) -> None:
    keep(200)
    Ice.count()
    for n in range(100):
        client.pexpire(f"Ice:{n:06}", 1)
    time.sleep(0.01)
    verified = Ice.index.verify(batch=10)
    assert verified.whole, verified
    assert verified.checked <= 200


def test_without_search_there_is_no_index_and_it_is_said(plain: redis.Redis) -> None:
    keep(3)
    assert "no RediSearch" in (Ice.index.status().why_not or "")
    for operation in (Ice.index.create, Ice.index.rebuild, Ice.index.verify):
        with pytest.raises(ServerError, match="Ice can have no index"):
            operation()


def test_the_index_of_every_type_is_as_its_model_declares(client: redis.Redis) -> None:
    from fixtures.models import Everything

    Everything.all().count()
    assert Everything.index.status().differences == ()


def test_a_server_with_persistence_is_of_use(restarts: Restarts) -> None:
    """From a snapshot the index and its alias are whole when the server answers."""
    restarts.start()
    client = client_for(restarts.url)
    rs_search.connect(client)
    keep(1000)
    assert Ice.count(amount__gte=0) == 1000
    client.save()
    restarts.stop()
    restarts.start()
    assert client.execute_command("FT.INFO", Ice.index.name)
    assert Ice.count(amount__gte=0) == 1000

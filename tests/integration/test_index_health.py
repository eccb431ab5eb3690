"""Whether an index is as it should be: what `status` and `verify` tell, and what `repair` mends."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis
from fixtures.drivers import Driver
from fixtures.ices import Ice, keep

from rs_search import QueryError, ServerError, UnreadableDocument

SERVERS = [("redis", 3), ("redis", 2), ("valkey", 3)]


def test_status_tells_what_is_known_of_an_index(client: redis.Redis, drive: Driver) -> None:
    before = drive(Ice.index, "status")
    assert (before.exists, before.why_not, before.documents) == (False, "there is no index yet", 0)
    keep(50)
    before = drive(Ice.index, "status")
    assert (before.exists, before.documents, before.indexed, before.waiting) == (False, 50, 0, 50)
    drive(Ice, "count")
    status = drive(Ice.index, "status")
    assert (status.name, status.alias, status.exists, status.alias_serves) == (Ice.index.name, "rs:Ice", True, True)
    assert status.why_not is None
    assert (status.documents, status.indexed, status.waiting, status.percent) == (50, 50, 0, 100)
    assert status.memory > 1000
    assert status.parts["inverted indexes"] > 100
    assert (status.refused, status.differences, status.others) == ((), (), ())
    limits = {one.name: one for one in status.limits}
    assert limits["MAXPREFIXEXPANSIONS"].value == "200"
    assert "dropped" in limits["MAXPREFIXEXPANSIONS"].cuts
    assert limits["MAXSEARCHRESULTS"].cuts == ""


def test_status_tells_how_many_documents_have_a_value_in_each_field(client: redis.Redis, drive: Driver) -> None:
    keep(3)
    client.execute_command("JSON.SET", "Ice:null", "$", '{"pk":"null","amount":null,"price":"1.5","tags":[]}')
    drive(Ice.index, "create")
    drive(Ice.index, "verify", repair=True)
    assert drive(Ice.index, "status").fields == {
        "pk": 4, "flavour": 3, "amount": 3, "price": 4, "weight": 3, "day": 3, "tags": 3,
    }  # fmt: skip


@pytest.mark.usefixtures("looks")
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
    # Not by a query either, which finds what the collection holds.
    with pytest.raises(UnreadableDocument, match="Ice:two"):
        drive(Ice, "count", amount=7)
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


def test_what_cannot_be_mended_is_told_and_ends_nothing(client: redis.Redis, drive: Driver) -> None:
    keep(2)
    drive(Ice, "count")
    client.execute_command("JSON.SET", "Ice:odd", "$", "[1]")
    client.execute_command("JSON.SET", "Ice:day", "$", '{"pk":"day","day":"soon"}')
    client.execute_command("JSON.SET", "Ice:000001", "$.price", '"250.5"')
    verified = drive(Ice.index, "verify", repair=True)
    assert sorted(one.key for one in verified.unreadable) == ["Ice:day", "Ice:odd"]
    assert any("day" in one.reason and "soon" in one.reason for one in verified.unreadable)
    assert (verified.stale, verified.repaired, verified.whole) == (("Ice:000001",), 1, False)
    assert client.execute_command("JSON.GET", "Ice:day") == b'{"pk":"day","day":"soon"}'


def test_a_repair_keeps_members_that_the_model_does_not_know(client: redis.Redis, drive: Driver) -> None:
    drive(Ice, "count")
    client.execute_command("JSON.SET", "Ice:refused", "$", '{"pk":"refused","amount":"7","theirs":{"a":[1]}}')
    client.execute_command(
        "JSON.SET",
        "Ice:stale",
        "$",
        '{"pk":"stale","day":"2020-01-01","theirs":0.5}',
    )
    client.expire("Ice:refused", 1000)
    verified = drive(Ice.index, "verify", repair=True)
    assert (verified.missing, verified.stale, verified.whole) == (("Ice:refused",), ("Ice:stale",), True)
    told = json.loads(client.execute_command("JSON.GET", "Ice:refused"))
    assert (told["amount"], told["theirs"]) == (7, {"a": [1]})
    assert json.loads(client.execute_command("JSON.GET", "Ice:stale"))["theirs"] == 0.5
    assert client.ttl("Ice:refused") > 900
    assert drive(Ice, "count", amount=7) == drive(Ice, "count", day="2020-01-01") == 1


def test_documents_that_are_stale_and_refused_are_mended_as_well(client: redis.Redis, drive: Driver) -> None:
    drive(Ice, "count")
    client.execute_command("JSON.SET", "Ice:both", "$", '{"pk":"both","amount":"7","day":"2020-01-01"}')
    verified = drive(Ice.index, "verify", repair=True)
    assert (verified.stale, verified.repaired, verified.whole) == (("Ice:both",), 1, True)
    assert drive(Ice, "count", amount=7, day="2020-01-01") == 1


def test_numbers_that_the_server_keeps_one_unit_off_are_not_stale(client: redis.Redis, drive: Driver) -> None:
    """RedisJSON has no text for this double; the note that it is doubtful is what answers are made of."""
    drive(Ice({"pk": "a", "price": "0.9654801388982029", "weight": 0.9654801388982029}), "set")
    assert drive(Ice, "count", price="0.9654801388982029") == 1
    assert drive(Ice.index, "verify").whole


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_has_one_object_or_more(client: redis.Redis, batch: int) -> None:
    with pytest.raises(QueryError, match="one object or more"):
        Ice.index.verify(batch=batch)


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
    status = Ice.index.status()
    assert "no RediSearch" in (status.why_not or "")
    assert (status.documents, status.indexed, status.waiting) == (3, 0, 3)
    for operation in (Ice.index.create, Ice.index.rebuild, Ice.index.verify, Ice.index.prune, Ice.index.drop):
        with pytest.raises(ServerError, match="Ice can have no index"):
            operation()


def test_the_index_of_every_type_is_as_its_model_declares(client: redis.Redis) -> None:
    from fixtures.models import Everything

    Everything.all().count()
    assert Everything.index.status().differences == ()

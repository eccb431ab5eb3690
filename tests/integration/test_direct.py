"""Operations that are one command when they are asked for again: what they say, and what they do when it is not all."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from fixtures.drivers import Driver
from schematics.models import Model
from schematics.types import DateType, IntType, ListType, StringType

import rs_search
from rs_search import MultipleFound, NotFound, SearchRedisMixin, transaction

SERVERS = [("redis", 3), ("redis", 2), ("valkey", 3)]


class Cup(Model, SearchRedisMixin):
    id = StringType(required=True)
    flavour = StringType()
    said = StringType()
    grams = IntType()
    made = DateType()
    tags = ListType(StringType())


class Melting(Model, SearchRedisMixin):
    __expire__ = 100
    pk = StringType()
    grams = IntType()


def cup(number: int) -> Cup:
    return Cup(
        {
            "id": f"{number:03}",
            "flavour": f"flavour {number % 7}",
            "said": f"so sweet {'vanillas' if number % 2 else 'vanilla'} number {number}",
            "grams": number,
            "made": dt.date(2026, 1, 1) + dt.timedelta(days=number),
            "tags": [f"tag {number % 3}"],
        }
    )


@pytest.fixture
def cups(client: redis.Redis) -> list[Cup]:
    """A hundred of them."""
    many = [cup(number) for number in range(100)]
    Cup.set_many(many)
    return many


@pytest.fixture
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on no operation may run that is more than one command."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("it takes more than one command")

    def forbid() -> None:
        monkeypatch.setattr("rs_search.operations.index.LOOK_EVERY", 1000)
        for name in ("search.asked", "records.get", "records.put"):
            monkeypatch.setattr(f"rs_search.operations.{name}", refuse)

    return forbid


Ask = Callable[[Driver, int], Any]
#: What is asked with a number, and what a cup must be for it.
QUESTIONS: dict[str, tuple[Ask, Callable[[Cup, int], bool]]] = {
    "equal": (lambda drive, n: drive.rows(Cup.filter(flavour=f"flavour {n}")), lambda one, n: one.grams % 7 == n),
    "one of a list": (lambda drive, n: drive.rows(Cup.filter(tags=f"tag {n}")), lambda one, n: one.grams % 3 == n),
    "bounds": (
        lambda drive, n: drive.rows(Cup.filter(grams__range=(n, 2 * n))),
        lambda one, n: n <= one.grams <= 2 * n,
    ),
    "days": (
        lambda drive, n: drive.rows(Cup.filter(made__lt=dt.date(2026, 1, n + 1))),
        lambda one, n: one.grams < n,
    ),
    "two conditions": (
        lambda drive, n: drive.rows(Cup.filter(grams__gt=n).filter(flavour=f"flavour {n}")),
        lambda one, n: one.grams > n and one.grams % 7 == n,
    ),
    "words": (lambda drive, n: drive.rows(Cup.filter(said__search=f"vanilla {n}")), lambda one, n: one.grams == n),
    "downwards": (
        lambda drive, n: drive.rows(Cup.filter(grams__lt=n).reverse())[::-1],
        lambda one, n: one.grams < n,
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_asked_again_is_one_command_and_answered_as_before(
    cups: list[Cup], drive: Driver, nothing_else: Callable[[], None], name: str
) -> None:
    ask, meets = QUESTIONS[name]
    ask(drive, 1)
    nothing_else()
    for number in (2, 5, 6):
        found = ask(drive, number)
        assert found == [one for one in cups if meets(one, number)]
        assert all(one.changed == frozenset() for one in found)


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (2, 9), (30, 60), (95, 200), (200, 300)])
def test_a_slice_by_key_asked_again_is_one_command(
    cups: list[Cup], drive: Driver, nothing_else: Callable[[], None], start: int, stop: int
) -> None:
    drive.rows(Cup.filter(grams__gte=1)[start:stop])
    nothing_else()
    for number in (10, 11):
        asked = Cup.filter(grams__gte=number)
        assert drive.rows(asked[start:stop]) == cups[number:][start:stop]
        assert drive.rows(asked.reverse()[start:stop]) == cups[number:][::-1][start:stop]
        assert drive(asked[start:stop], "count") == len(cups[number:][start:stop])


def test_values_and_parts_of_instances_are_one_command_too(
    cups: list[Cup], drive: Driver, nothing_else: Callable[[], None]
) -> None:
    drive.rows(Cup.filter(grams__lte=0))
    nothing_else()
    asked = Cup.filter(grams__lte=2)
    assert drive.rows(asked.values("grams", "made"))[1] == {"grams": 1, "made": dt.date(2026, 1, 2)}
    assert drive.rows(asked.values_list("flavour", flat=True)) == ["flavour 0", "flavour 1", "flavour 2"]
    assert [one.grams for one in drive.rows(asked.only("grams"))] == [0, 1, 2]


def test_a_count_asked_again_is_one_command(cups: list[Cup], drive: Driver, nothing_else: Callable[[], None]) -> None:
    drive(Cup, "count", grams__gt=1)
    nothing_else()
    assert [drive(Cup, "count", grams__gt=number) for number in (0, 50, 99)] == [99, 49, 0]


def test_the_first_row_and_whether_there_is_one_are_one_command(
    cups: list[Cup], drive: Driver, nothing_else: Callable[[], None]
) -> None:
    def asked(number: int) -> list[Any]:
        found = Cup.filter(grams__gte=number)
        return [drive(found, name) for name in ("exists", "first", "last")]

    asked(1)
    drive(Cup, "match_for_values", flavour="flavour 1", grams=1)
    nothing_else()
    assert asked(50) == [True, cups[50], cups[99]]
    assert asked(100) == [False, None, None]
    assert drive(Cup.filter(flavour="flavour 2"), "get", grams=9) == cups[9]
    assert drive(Cup, "match_for_values", flavour="flavour 2", grams=9) == cups[9]
    with pytest.raises(NotFound):
        drive(Cup, "match_for_values", flavour="flavour 2", grams=10)
    with pytest.raises(MultipleFound):
        drive(Cup.filter(grams__gte=98), "get")


def test_what_is_told_of_a_question_is_as_when_it_was_first_asked(cups: list[Cup], drive: Driver) -> None:
    for _ in range(2):
        asked = Cup.filter(grams__lt=4)
        assert len(drive.rows(asked)) == 4
        assert "4 examined, 4 rows found" in str(drive(asked, "explain"))


# --- one object -------------------------------------------------------------------------------------------------------


def test_an_object_is_read_by_its_key_with_one_command(
    cups: list[Cup], drive: Driver, nothing_else: Callable[[], None]
) -> None:
    drive(Cup, "match_for_pk", "001")
    nothing_else()
    assert drive(Cup, "match_for_pk", "007") == drive(Cup, "match", id="007") == cups[7]
    with pytest.raises(NotFound, match=r"no Cup under Cup:100$"):
        drive(Cup, "match_for_pk", "100")


def test_one_that_does_not_have_the_value_that_its_key_tells_is_looked_for_elsewhere(
    client: redis.Redis, cups: list[Cup], drive: Driver
) -> None:
    drive(Cup, "match", id="001")
    client.execute_command("JSON.SET", "Cup:007", "$.id", '"moved"')
    with pytest.raises(NotFound, match="id='007'"):
        drive(Cup, "match", id="007")
    assert drive(Cup, "match", id="moved").grams == 7


def test_a_document_kept_as_a_string_is_read(client: redis.Redis, cups: list[Cup], drive: Driver) -> None:
    drive(Cup, "match_for_pk", "001")
    text = client.execute_command("JSON.GET", "Cup:007")
    client.delete("Cup:007")
    client.set("Cup:007", text)
    assert drive(Cup, "match_for_pk", "007") == drive(Cup, "match", id="007") == cups[7]
    assert drive(cups[7], "set") is True
    assert client.type("Cup:007") == b"ReJSON-RL"


def test_an_object_is_written_with_one_command(
    client: redis.Redis, cups: list[Cup], drive: Driver, nothing_else: Callable[[], None]
) -> None:
    nothing_else()
    one = cup(7)
    one.grams = 1000
    assert one.changed
    assert drive(one, "set") is True
    assert one.changed == frozenset()
    assert b'"grams":1000' in client.execute_command("JSON.GET", "Cup:007")


def test_in_a_transaction_nothing_is_sent_before_its_end(client: redis.Redis, cups: list[Cup], drive: Driver) -> None:
    drive(cup(1), "set")
    one = cup(100)
    drive.within(transaction(), (one, "set"))
    assert drive(Cup, "match_for_pk", "100") == one
    with contextlib.suppress(ZeroDivisionError), transaction():
        cup(101).set()
        raise ZeroDivisionError
    assert Cup.count(grams__gte=100) == 1


# --- when one command is not all --------------------------------------------------------------------------------------


def test_more_rows_than_a_page_are_all_read(client: redis.Redis, drive: Driver) -> None:
    Cup.set_many(cup(number) for number in range(1200))
    assert len(drive.rows(Cup.filter(grams__gte=1100))) == 100
    for _ in range(2):
        by_key = sorted(range(7, 1200), key="{:03}".format)
        assert [one.grams for one in drive.rows(Cup.filter(grams__gte=7)[:1100])] == by_key[:1100]
        assert sorted(drive.rows(Cup.filter(grams__gte=7).values_list("grams", flat=True))) == list(range(7, 1200))


def test_a_lower_limit_on_results_cuts_no_rows(client: redis.Redis, cups: list[Cup], drive: Driver) -> None:
    asked = [Cup.filter(grams__lt=60), Cup.filter(grams__lt=60)[:50]]
    for each in asked:
        drive.rows(each)
    try:
        client.execute_command("FT.CONFIG", "SET", "MAXSEARCHRESULTS", "20")
        client.execute_command("FT.CONFIG", "SET", "MAXAGGREGATERESULTS", "20")
        assert drive.rows(Cup.filter(grams__lt=61)) == cups[:61]
        assert drive.rows(Cup.filter(grams__lt=61)[:50]) == cups[:50]
    finally:
        client.execute_command("FT.CONFIG", "SET", "MAXSEARCHRESULTS", "1000000")
        client.execute_command("FT.CONFIG", "SET", "MAXAGGREGATERESULTS", "-1")


@pytest.mark.parametrize("take", ["FT.DROPINDEX", "FLUSHALL"])
def test_an_index_that_is_gone_is_made_again(client: redis.Redis, cups: list[Cup], drive: Driver, take: str) -> None:
    asked = Cup.filter(grams__lt=5), Cup.filter(grams__lt=5)[:3]
    for each in asked:
        drive.rows(each)
    if take == "FLUSHALL":
        client.flushall()
    else:
        client.execute_command("FT.DROPINDEX", f"{Cup.index.name}:1")
    there = [] if take == "FLUSHALL" else cups
    assert drive.rows(Cup.filter(grams__lt=6)) == there[:6]
    assert drive.rows(Cup.filter(grams__lt=6)[:3]) == there[:3]
    assert drive(Cup, "count", grams__lt=6) == len(there[:6])


def test_after_a_connection_was_lost_nothing_is_taken_for_known(
    client: redis.Redis, cups: list[Cup], drive: Driver
) -> None:
    drive.rows(Cup.filter(grams__lt=5))
    for number in range(6, 9):
        with redis.Redis.from_url(rs_search.server.connections.address_of(client)) as other:
            other.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert drive.rows(Cup.filter(grams__lt=number)) == cups[:number]


def test_what_has_run_out_is_not_counted(client: redis.Redis, drive: Driver) -> None:
    many = [Melting({"pk": str(number), "grams": number}) for number in range(30)]
    Melting.set_many(many)
    assert drive(Melting, "count", grams__gte=0) == 30
    # The server removes what has run out once a second, in place of ten times.
    client.config_set("hz", 1)
    try:
        for number in range(10):
            client.pexpire(f"Melting:{number}", 1)
        time.sleep(0.01)
        for least in (0, 1):
            assert drive(Melting, "count", grams__gte=least) == 20
            assert len(drive.rows(Melting.filter(grams__gte=least))) == 20
            assert len(drive.rows(Melting.filter(grams__gte=least)[:15])) == 15
    finally:
        client.config_set("hz", 10)


def test_a_client_that_decodes_replies_gets_the_same(client: redis.Redis, cups: list[Cup], drive: Driver) -> None:
    address = rs_search.server.connections.address_of(client)
    rs_search.connect(redis.Redis.from_url(address, decode_responses=True, protocol=3))
    for number in (3, 5):
        assert drive.rows(Cup.filter(grams__lt=number)) == cups[:number]
        assert drive.rows(Cup.filter(grams__lt=number)[:2]) == cups[:2]
        assert drive(Cup, "count", grams__lt=number) == number
        assert drive(Cup, "match_for_pk", f"{number:03}") == cups[number]
    rs_search.connect(client)

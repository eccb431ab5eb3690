"""The index over time: named, made, built anew, and changed by others, without a wrong answer."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis
from fixtures.drivers import Driver
from fixtures.ices import Ice, indexes, keep, keep_by_hand
from schematics.models import Model
from schematics.types import DateType, DecimalType, IntType, StringType

import rs_search
from rs_search import MissingIndex, QueryError, SearchRedisMixin, SimpleRedisMixin, objects, search_options
from rs_search.server.index_arguments import create_arguments

#: The index is the same over both protocols but for what FT.INFO looks like.
SERVERS = [("redis", 3), ("redis", 2), ("valkey", 3)]


class Hasty(Ice):
    __prefix__ = "Ice"
    __index_wait__ = 0


class Patient(Ice):
    __prefix__ = "Ice"
    __index_wait__ = 30


# --- names ------------------------------------------------------------------------------------------------------------


def test_queries_ask_an_alias_and_other_programs_another(client: redis.Redis) -> None:
    keep(3)
    assert Ice.count() == 3
    assert indexes(client) == [f"{Ice.index.name}:1"]
    assert Ice.index.name.startswith("rs:Ice:")
    assert Ice.index.alias == "rs:Ice"
    for name in (Ice.index.name, "rs:Ice"):
        assert "Ice:000000" in str(client.execute_command("FT.SEARCH", name, "@amount:[0 0]"))


def test_other_models_keys_under_the_same_beginning_are_kept_out(client: redis.Redis, drive: Driver) -> None:
    class Cream(Model, SearchRedisMixin):
        __prefix__ = "Ice:cream"
        pk = StringType()
        amount = IntType()

    keep(3)
    drive(Cream({"pk": "000001", "amount": 1}), "set")
    client.hset("Ice:hash", "amount", "1")
    client.set("Icecube:1", '{"amount": 1}')
    client.execute_command("JSON.SET", "Icecube:2", "$", '{"amount": 1}')
    for model, count in ((Ice, 3), (Cream, 1)):
        assert drive(model, "count", amount__gte=0) == count
        status = drive(model.index, "status")
        assert (status.documents, status.indexed) == (count, count)


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

    with pytest.raises(QueryError, match="Simple has no index: SimpleRedisMixin keeps strings"):
        _ = objects(Simple).index


def test_keys_that_have_an_end_are_found_without_an_index(client: redis.Redis) -> None:
    class Ended(Model, SearchRedisMixin):
        pk = StringType()
        amount = IntType()

        def __key_pattern__(self, *args: str) -> str:
            return ":".join(["ended", *args, "end"])

    for n in (1, 10, 2):
        Ended({"pk": str(n), "amount": n}).set()
    client.execute_command("JSON.SET", "ended:3", "$", '{"pk":"3","amount":3}')
    assert [one.pk for one in Ended.filter(amount__gte=1)] == ["1", "10", "2"]
    assert Ended.filter(amount=1).explain().access == "scan"
    with pytest.raises(QueryError, match="':end'"):
        _ = Ended.index


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


def test_while_an_index_is_built_queries_read_the_collection(indexed: redis.Redis) -> None:
    keep_by_hand(indexed, 3_000)
    accesses = []
    while not accesses or accesses[-1] == "scan":
        assert [one.amount for one in Hasty.filter(amount__gte=2_990)] == list(range(2_990, 3_000))
        assert Hasty.count(amount__lt=3_000) == 3_000
        status = Hasty.index.status()
        assert (status.documents, status.indexed + status.waiting, status.refused) == (3_000, 3_000, ())
        accesses.append("index" if status.exists else "scan")
        assert len(accesses) < 1000
    assert accesses[0] == "scan"
    assert Hasty.index.status().alias_serves
    assert Hasty.filter(amount=5).explain().access == "index"


def test_a_builder_that_dies_leaves_its_index_to_others_who_wait_for_it(indexed: redis.Redis) -> None:
    keep_by_hand(indexed, 3_000)
    assert Hasty.count(amount__gte=0) == 3_000
    assert Hasty.filter(amount=5).explain().access == "scan"
    # Another process, which knows nothing of the first.
    rs_search.connect(redis.Redis.from_url(url_of(indexed)))
    assert Patient.count(amount__gte=0) == 3_000
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


def test_what_another_version_keeps_is_not_touched(client: redis.Redis, drive: Driver) -> None:
    """A version that is being rolled out writes companions beside documents, and nothing else of them."""

    class Old(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        pk = StringType()
        day = StringType()
        price = DecimalType()
        note = StringType(default="none")

    class New(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        pk = StringType()
        day = DateType()
        maker = StringType(required=True)

    for n in range(9):
        drive(Old({"pk": f"{n}", "day": f"2020-01-0{n + 1}", "price": f"{n}.5", "note": None}), "set")
    assert drive(Old, "count", price__gt=4, note=None) == 5
    # Not valid objects of the new version, as many will be.
    assert drive(New, "count", day__gte="2020-01-04") == 6
    assert drive(New.filter(day__gte="2020-01-04"), "explain").access == "index"
    assert drive(Old, "count", price__gt=4, note=None) == 5
    assert drive(Old.filter(price__gt=4), "explain").access == "index"
    assert drive(Old, "match", pk="3").to_native() == {"pk": "3", "day": "2020-01-04", "price": 3.5, "note": None}
    for model in (New, Old):
        assert drive(model.index, "verify").whole


def test_while_one_process_looks_at_documents_others_read_the_collection(indexed: redis.Redis) -> None:
    keep_by_hand(indexed, 10)
    indexed.set(f"{Ice.index.name}:fitting", "1", px=150)
    assert Hasty.count(amount__gte=0) == 10
    assert Hasty.filter(amount=1).explain().access == "scan"
    assert not Hasty.index.status().exists
    assert Hasty.index.prune(dry_run=True) == ()
    # Whoever looked is taken for dead after a while.
    assert Hasty.index.create() is False
    assert Hasty.index.status().exists


@pytest.mark.parametrize("operation", ["create", "rebuild"])
def test_an_index_made_by_hand_before_the_first_query_finds_what_older_versions_kept(
    client: redis.Redis, drive: Driver, operation: str
) -> None:
    class Old(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        pk = StringType()
        day = StringType()

    class New(Model, SearchRedisMixin):
        __prefix__ = "Versioned"
        pk = StringType()
        day = DateType()

    for n in range(9):
        drive(Old({"pk": f"{n}", "day": f"2020-01-0{n + 1}"}), "set")
    drive(New.index, operation)
    assert drive(New, "count", day__gte="2020-01-04") == 6
    assert drive(New.filter(day__gte="2020-01-04"), "explain").access == "index"


# --- built anew -------------------------------------------------------------------------------------------------------


def test_queries_are_answered_in_full_while_an_index_is_built_anew(indexed: redis.Redis) -> None:
    keep_by_hand(indexed, 6_000)
    assert Patient.count() == 6_000
    wrong: list[Any] = []
    turns = 0
    done = threading.Event()

    def read() -> None:
        nonlocal turns
        while not done.is_set():
            counted, page = Ice.count(amount__gte=0), [one.amount for one in Ice.filter(amount__gte=5_990)]
            everything = sum(1 for _ in Ice.filter(amount__lt=500).only("pk").iterator())
            if (counted, page, everything) != (6_000, list(range(5_990, 6_000)), 500):
                wrong.append((counted, page, everything))
            turns += 1

    told: list[tuple[int, int | None]] = []
    reader = threading.Thread(target=read)
    reader.start()
    try:
        rebuilt = Ice.index.rebuild(on_progress=lambda done, total: told.append((done, total)))
    finally:
        done.set()
        reader.join()
    assert wrong == []
    assert turns > 1
    assert (rebuilt.name, rebuilt.documents) == (f"{Ice.index.name}:2", 6_000)
    assert rebuilt.dropped == (f"{Ice.index.name}:1",)
    assert told[-1] == (6_000, None)
    assert indexes(indexed) == [rebuilt.name]
    assert Ice.index.status().alias_serves


def test_a_dry_run_builds_nothing(client: redis.Redis) -> None:
    keep(5)
    assert Ice.count() == 5
    would = Ice.index.rebuild(dry_run=True)
    assert (would.name, would.documents, would.dropped) == (f"{Ice.index.name}:2", 5, (f"{Ice.index.name}:1",))
    assert indexes(client) == [f"{Ice.index.name}:1"]


def test_a_rebuild_that_was_stopped_is_taken_up_again(client: redis.Redis, drive: Driver) -> None:
    keep(5)
    assert drive(Ice, "count") == 5
    left = f"{Ice.index.name}:2"
    client.execute_command(*create_arguments(Ice.index.schema, left))
    assert drive(Ice.index, "status").others == (left,)
    assert drive(Ice.index, "rebuild").name == left
    assert indexes(client) == [left]
    assert drive(Ice, "count") == 5


def test_a_rebuild_takes_up_nothing_that_is_not_what_the_model_declares(client: redis.Redis) -> None:
    keep(5)
    assert Ice.count() == 5
    client.execute_command("FT.CREATE", f"{Ice.index.name}:2", "ON", "JSON", "SCHEMA", "$.x", "AS", "x", "TAG")
    assert Ice.count() == 5
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


@pytest.mark.usefixtures("looks")
def test_an_index_that_was_changed_by_hand_is_noticed(client: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    keep(5)
    assert Ice.count(amount__gte=0) == 5
    client.execute_command("FT.ALTER", Ice.index.name, "SCHEMA", "ADD", "$.other", "AS", "other", "TAG")
    assert "other is in the index and not in the model" in Ice.index.status().differences
    assert caplog.text == ""
    assert Ice.count(amount__gte=0) == 5
    assert "queries of Ice read the whole collection: the index" in caplog.text
    explained = Ice.filter(amount__gte=0).explain(run=True)
    assert "not what the model declares" in str(explained)
    Ice.index.rebuild()
    assert Ice.index.status().differences == ()
    assert Ice.filter(amount__gte=0).explain(run=True).access == "index"


def test_an_index_made_by_hand_under_the_name_is_noticed(client: redis.Redis) -> None:
    client.execute_command("FT.CREATE", Ice.index.name, "ON", "JSON", "PREFIX", "1", "Ice:", "SCHEMA", "$.amount", "AS",
                           "amount", "NUMERIC")  # fmt: skip
    client.execute_command("JSON.SET", "Ice:by hand", "$", '{"pk": "by hand", "day": "2020-01-01"}')
    keep(5)
    assert Ice.count(flavour="mint") == 2
    differences = Ice.index.status().differences
    assert "flavour is not in the index" in differences
    assert "the index has stop words" in differences
    assert any("its filter" in told for told in differences)
    Ice.index.rebuild()
    assert indexes(client) == [f"{Ice.index.name}:1"]
    assert Ice.filter(flavour="mint").explain(run=True).access == "index"
    assert Ice.count(day="2020-01-01") == 6


@pytest.mark.parametrize(
    ("words", "before", "told"),
    [
        (("SEPARATOR", ","), "CASESENSITIVE", "SEPARATOR ,"),
        (("NOSTEM",), "WEIGHT", "NOSTEM"),
        (("NOOFFSETS",), "SCHEMA", "the index has NOOFFSETS"),
        (("LANGUAGE", "german"), "FILTER", "its language is in the index"),
        (("LANGUAGE_FIELD", "$.flavour"), "FILTER", "its field of languages is in the index"),
    ],
)
def test_an_index_that_another_program_made_otherwise_is_not_asked(
    client: redis.Redis, words: tuple[str, ...], before: str, told: str
) -> None:
    keep(2)
    arguments = list(create_arguments(Ice.index.schema, f"{Ice.index.name}:1"))
    place = arguments.index(before)
    client.execute_command(*arguments[:place], *words, *arguments[place:])
    client.execute_command("FT.ALIASADD", Ice.index.name, f"{Ice.index.name}:1")
    (difference,) = Ice.index.status().differences
    assert told in difference
    assert told in str(Ice.filter(amount=1).explain(run=True))
    Ice.index.rebuild()
    assert Ice.filter(amount=1).explain(run=True).access == "index"

"""Result sets on every server: what each method gives, and what is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import redis
from schematics.exceptions import UndefinedValueError
from schematics.models import Model
from schematics.types import DateType, DecimalType, DictType, IntType, ListType, ModelType, StringType

from rs_search import (
    InvalidObject,
    InvalidSlice,
    InvalidValue,
    MultipleFound,
    NotFound,
    Q,
    QueryError,
    SearchRedisMixin,
    UnknownField,
    UnknownLookup,
    objects,
)


class Shop(Model):
    city = StringType()
    rank = IntType()


class Ice(Model, SearchRedisMixin):
    pk = StringType()
    flavour = StringType()
    amount = IntType()
    price = DecimalType()
    since = DateType()
    tags = ListType(StringType())
    prices = DictType(IntType())
    shop = ModelType(Shop)
    shops = ListType(ModelType(Shop))
    plain = StringType(metadata={})


class Cone(Model, SearchRedisMixin):
    pk = StringType()


class Song(Model, SearchRedisMixin):
    pk = StringType()
    filter = StringType()
    all = StringType()


ROWS: list[dict[str, Any]] = [
    {"pk": "a", "flavour": "vanilla", "amount": 3, "shop": {"city": "Rio", "rank": 1}, "since": dt.date(2024, 5, 1)},
    {"pk": "b", "flavour": "chocolate", "amount": 1, "shop": {"city": "Oslo"}, "tags": ["dark"]},
    {"pk": "c", "flavour": "vanilla", "price": Decimal("1.50"), "shops": [{"city": "Rio"}, {"city": "Rom", "rank": 2}]},
    {"pk": "d", "flavour": "mint", "amount": 3, "shop": {"city": "Rio", "rank": 2}, "prices": {"eur": 4}},
    {"pk": "e", "amount": 2},
]


@pytest.fixture(autouse=True)
def kept(client: redis.Redis) -> None:
    for row in ROWS:
        Ice(row).set()


def pks(rows: Any) -> list[str]:
    return [one.pk for one in rows]


def test_an_order_has_any_number_of_keys_nested_ones_too_and_missing_values_last() -> None:
    assert pks(Ice.order_by("-amount", "flavour")) == ["d", "a", "e", "b", "c"]
    assert pks(Ice.order_by("shop__city", "-shop__rank")) == ["b", "d", "a", "c", "e"]
    assert pks(Ice.order_by("-shop__rank", "-flavour")) == ["d", "a", "c", "b", "e"]
    assert pks(Ice.order_by("amount").order_by("-flavour")) == ["a", "c", "d", "b", "e"]


def test_reverse_turns_each_key_round_and_leaves_missing_values_last() -> None:
    assert pks(Ice.all().reverse()) == ["e", "d", "c", "b", "a"]
    assert pks(Ice.order_by("amount").reverse()) == ["d", "a", "e", "b", "c"]
    assert Ice.order_by("amount").reverse().reverse() == Ice.order_by("amount")


def test_one_row_is_had_by_first_last_get_and_index() -> None:
    assert Ice.order_by("-amount").first().pk == "a"
    assert Ice.order_by("amount").last().pk == "c"
    assert Ice.all().last().pk == "e"
    assert Ice.filter(amount=9).first() is None
    assert Ice.filter(amount=9).last() is None
    assert Ice.all()[1].pk == "b"
    assert Ice.all()[-1].pk == "e"
    assert Ice.filter(flavour="mint").get().pk == "d"
    assert Ice.all().get(flavour="mint").pk == "d"
    with pytest.raises(NotFound, match="has no row"):
        Ice.filter(amount=9).get()
    with pytest.raises(MultipleFound, match="more than one row"):
        Ice.filter(flavour="vanilla").get()
    with pytest.raises(IndexError):
        Ice.filter(flavour="mint")[1]


def test_counts_and_existence_are_those_of_the_rows() -> None:
    assert Ice.filter(amount__gte=2).count() == 3
    assert Ice.all()[1:3].count() == 2
    assert Ice.all()[4:9].count() == 1
    assert Ice.filter(flavour__regex="a$").exists()
    assert not Ice.filter(amount=9).exists()
    assert not Ice.all().none()
    assert Ice.all().none().count() == 0


def test_values_are_those_of_the_instances() -> None:
    assert Ice.filter(pk="a").values("flavour", "shop__city", "since").get() == {
        "flavour": "vanilla", "shop__city": "Rio", "since": dt.date(2024, 5, 1),
    }  # fmt: skip
    assert Ice.filter(pk="c").values_list("price", "shops__city", "tags").get() == (
        Decimal("1.50"),
        ["Rio", "Rom"],
        None,
    )
    assert list(Ice.order_by("pk").values_list("amount", flat=True)) == [3, 1, None, 3, 2]
    assert Ice.filter(pk="d").values_list("prices__eur", flat=True).first() == 4
    assert set(Ice.filter(pk="a").values().get()) == set(Ice.fields)


def test_distinct_keeps_the_first_of_each_combination() -> None:
    assert pks(Ice.order_by("pk").distinct("flavour")) == ["a", "b", "d", "e"]
    assert pks(Ice.order_by("-pk").distinct("flavour")) == ["e", "d", "c", "b"]
    assert list(Ice.all().values_list("amount", flat=True).distinct()) == [3, 1, None, 2]
    assert list(Ice.all().distinct().values_list("amount", flat=True)) == [3, 1, None, 2]
    assert Ice.all().values("amount").distinct().count() == 4
    assert pks(Ice.order_by("pk").distinct("flavour")[1:3]) == ["b", "d"]
    assert Ice.all().distinct().count() == 5


def test_only_loads_some_fields_and_refuses_to_be_set() -> None:
    one = Ice.filter(pk="a").only("flavour").get()
    assert (one.pk, one.flavour) == ("a", "vanilla")
    with pytest.raises(UndefinedValueError):
        _ = one.amount
    with pytest.raises(InvalidObject, match="was loaded with flavour, pk only"):
        one.set()
    one.refresh()
    one.set()
    assert Ice.match_for_pk("a").amount == 3


def test_an_iterator_gives_the_rows_of_any_set_in_its_order() -> None:
    assert pks(Ice.all().iterator()) == ["a", "b", "c", "d", "e"]
    assert pks(Ice.order_by("-amount", "flavour")[1:4].iterator()) == ["a", "e", "b"]
    assert pks(Ice.filter(flavour__regex="a$").reverse().iterator()) == ["c", "a"]
    assert list(Ice.order_by("pk").values_list("flavour", flat=True).distinct().iterator()) == [
        "vanilla", "chocolate", "mint", None,
    ]  # fmt: skip
    assert list(Ice.all().none().iterator()) == []


def test_a_result_set_behaves_as_a_list() -> None:
    found = Ice.filter(flavour="vanilla")
    assert len(found) == 2
    assert [one.pk for one in reversed(found)] == ["c", "a"]
    assert found[0] in found
    assert Ice.all()[4] not in found
    assert found == [Ice.match_for_pk("a"), Ice.match_for_pk("c")]
    assert found != Ice.all()
    assert found[5:] == []


def test_in_bulk_gives_rows_by_primary_key() -> None:
    found = Ice.filter(flavour="vanilla").in_bulk(["a", "b", "c", "zz"])
    assert sorted(found) == ["a", "c"]
    assert found["c"].price == Decimal("1.50")
    assert sorted(Ice.all().in_bulk()) == ["a", "b", "c", "d", "e"]


def test_in_bulk_gives_of_distinct_rows_those_that_are_left() -> None:
    assert sorted(Ice.all().distinct("flavour").in_bulk(["a", "b", "c"])) == ["a", "b"]
    with pytest.raises(InvalidValue, match=r"Ice.in_bulk\(\) takes a list of values, not 'abc'"):
        Ice.all().in_bulk("abc")
    with pytest.raises(InvalidValue, match=r"Ice.get_many\(\) takes a list of values, not 'abc'"):
        Ice.get_many("abc")
    with pytest.raises(InvalidValue, match=r"Ice.delete_many\(\) takes a list of values, not 'abc'"):
        Ice.delete_many("abc")


def test_values_of_in_may_come_from_anywhere_once_and_mean_the_same_twice() -> None:
    asked = Q(pk__in=(pk for pk in "ab"))
    assert pks(Ice.filter(asked)) == pks(Ice.filter(asked)) == ["a", "b"]
    assert pks(Ice.filter(pk__in=Ice.filter(flavour="vanilla").values_list("pk", flat=True))) == ["a", "c"]
    assert pks(Ice.filter(amount__in=range(2, 9))) == ["a", "d", "e"]
    assert pks(Ice.filter(tags__overlap=map(str.lower, ["DARK", "x"]))) == ["b"]
    assert pks(Ice.filter(tags__contains=Ice.filter(pk="b").values_list("tags", flat=True)[0])) == ["b"]
    with pytest.raises(InvalidValue, match=r"Ice.pk__in: .* cannot be read as StringType"):
        Ice.filter(pk__in=Ice.all())


def test_rows_that_distinct_leaves_out_are_neither_removed_nor_changed() -> None:
    with pytest.raises(InvalidSlice, match="call it without distinct"):
        Ice.all().distinct("flavour").delete()
    assert Ice.all().distinct().delete() == 5


def test_result_sets_of_a_model_are_joined_by_or_and_and() -> None:
    either = Ice.filter(flavour="mint") | Ice.filter(amount=1).order_by("-pk")
    assert pks(either) == ["d", "b"]
    assert either.count() == 2
    assert pks(Ice.filter(flavour="vanilla") & Ice.filter(amount__isnull=True)) == ["c"]
    assert pks((Ice.filter(pk="a") | Ice.filter(pk="b")).exclude(pk="a")) == ["b"]


def test_a_result_set_prints_as_the_python_that_makes_it() -> None:
    asked = (
        Ice.filter(Q(amount=1) | ~Q(flavour="x")).exclude(pk="e").order_by("-amount").values_list("pk", flat=True)[1:3]
    )
    again = eval(repr(asked), {"Ice": Ice, "Q": Q})
    assert list(again) == list(asked)
    assert repr(again) == repr(asked)
    either = Ice.filter(pk="a") | Ice.filter(pk="b")
    assert eval(repr(either), {"Ice": Ice, "Q": Q}) == either
    chosen = Ice.filter(pk__in=Ice.filter(amount=3).values_list("pk", flat=True))
    assert eval(repr(chosen), {"Ice": Ice}) == chosen


def test_a_result_set_prints_as_python_where_a_field_has_the_name_of_a_method() -> None:
    Song({"pk": "1", "filter": "a"}).set()
    asked = objects(Song).filter(filter="a").order_by("-all")
    assert repr(asked) == "objects(Song).filter(filter='a').order_by('-all')"
    assert eval(repr(asked), {"objects": objects, "Song": Song}) == asked
    assert repr(objects(Song).all()) == "objects(Song).all()"


def test_a_result_set_is_read_once_and_never_changes() -> None:
    asked = Ice.filter(flavour="vanilla")
    assert len(asked) == 2
    narrower = asked.filter(amount=3)
    Ice({"pk": "f", "flavour": "vanilla"}).set()
    assert len(asked) == 2
    assert asked.count() == 2
    assert len(Ice.filter(flavour="vanilla")) == 3
    assert pks(narrower) == ["a"]


def test_xor_holds_where_an_odd_number_does() -> None:
    assert pks(Ice.filter(Q(flavour="vanilla") ^ Q(amount=3))) == ["c", "d"]
    assert pks(Ice.filter(Q(flavour="vanilla") ^ Q(amount=3) ^ Q(pk="a"))) == ["a", "c", "d"]
    assert pks(Ice.exclude(Q(flavour="vanilla") ^ Q(amount=3))) == ["a", "b", "e"]


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        (lambda: Ice.all()[-2:], InvalidSlice, "counts from the start"),
        (lambda: Ice.all()[::2], InvalidSlice, "takes every row"),
        (lambda: Ice.all()[1:2].filter(pk="a"), InvalidSlice, r"call filter\(\) before slicing"),
        (lambda: Ice.all()[1:2].reverse(), InvalidSlice, r"call reverse\(\) before slicing"),
        (lambda: Ice.all()[:2] | Ice.all(), InvalidSlice, "before slices"),
        (lambda: Ice.all().distinct("flavour") & Ice.all(), InvalidSlice, "before slices and distinct"),
        (lambda: Ice.all() | Cone.all(), QueryError, "two models"),
        (lambda: Ice.all() | [1], TypeError, "unsupported operand"),
        (lambda: Ice.all()[:2].in_bulk(["a"]), InvalidSlice, r"call in_bulk\(\) before slicing"),
        (lambda: Ice.all()[:2].order_by("pk"), InvalidSlice, r"call order_by\(\) before slicing"),
        (lambda: Ice.filter(Q(amount__gt=None)), InvalidValue, "isnull"),
        (lambda: Ice.filter(amount="many"), InvalidValue, "cannot be read as IntType"),
        (lambda: Ice.filter(flavour__in="vanilla"), InvalidValue, "a list of values"),
        (lambda: Ice.filter(flavour__regex="("), InvalidValue, "no regular expression"),
        (lambda: Ice.filter(flavour__search="a | -b"), InvalidValue, "alternatives"),
        (lambda: Ice.filter(tags__contains=[]), InvalidValue, "an element or several"),
        (lambda: Ice.filter(shops__match={}), InvalidValue, "a dict of lookups"),
        (lambda: Ice.filter(since__month=13), InvalidValue, "13 is no month"),
        (lambda: Ice.filter(amount__containz=1), UnknownLookup, "no lookup 'containz'"),
        (lambda: Ice.order_by("prices"), QueryError, "has no order"),
        (lambda: Ice.all().distinct("flavor"), UnknownField, "did you mean flavour"),
        (lambda: Ice.all().values(3), QueryError, "names of fields"),
        (lambda: Ice.order_by("flavor"), UnknownField, "did you mean flavour"),
        (lambda: Ice.order_by("tags"), QueryError, "no one order"),
        (lambda: Ice.order_by("amount__gt"), QueryError, "takes fields, not lookups"),
        (lambda: Ice.all().values("shop__town"), UnknownField, "shop__city"),
        (lambda: Ice.all().values_list("pk", "amount", flat=True), QueryError, "one field"),
        (lambda: Ice.all().only(), QueryError, "takes names"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_would_be_right(wrong: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        wrong()

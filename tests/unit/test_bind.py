"""Binding: names to paths, suffixes to lookups, values to comparables; and every way a question can be wrong."""

from __future__ import annotations

import datetime as dt
import enum
import math
import re
from decimal import Decimal
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from schematics.models import Model
from schematics.types import (
    BaseType,
    DateTimeType,
    DictType,
    FloatType,
    IntType,
    ListType,
    ModelType,
    PolyModelType,
    StringType,
    UnionType,
    UUIDType,
)

from rs_search import Q
from rs_search.errors import InvalidValue, QueryError, UnknownField, UnknownLookup
from rs_search.paths import EACH
from rs_search.query.bind import bind, bind_lookup, bind_order, bind_paths, resolve
from rs_search.query.lookups import BY_NAME, LOOKUPS
from rs_search.query.tree import AllOf, AnyOf, Bounds, Condition, Negation, describe


def bug(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, reason=f"bug: {reason}")


# --- paths ------------------------------------------------------------------------------------------------------------


class Inner(Model):
    exact = IntType()
    a = StringType(serialized_name="the a")


class Names(Model):
    a = ModelType(Inner)
    a__a = StringType()
    amount = IntType()
    amount__gte = IntType()
    grid = ListType(ListType(IntType()))
    maps = ListType(DictType(ListType(StringType())))
    deep = DictType(ModelType(Inner))
    ne = IntType()


@pytest.mark.parametrize(
    ("name", "names", "steps", "lookup"),
    [
        ("a__exact", ("a", "exact"), ("a", "exact"), "exact"),
        ("a__exact__gt", ("a", "exact"), ("a", "exact"), "gt"),
        ("a__a", ("a__a",), ("a__a",), "exact"),
        ("amount__gte", ("amount__gte",), ("amount__gte",), "exact"),
        ("amount__lte", ("amount",), ("amount",), "lte"),
        ("amount__gte__gte", ("amount__gte",), ("amount__gte",), "gte"),
        ("grid__in", ("grid",), ("grid", EACH, EACH), "in"),
        ("maps__key__ne", ("maps", "key"), ("maps", EACH, "key", EACH), "ne"),
        ("deep__key__a__in", ("deep", "key", "a"), ("deep", "key", "the a"), "in"),
        ("deep__in__exact", ("deep", "in", "exact"), ("deep", "in", "exact"), "exact"),
        ("ne", ("ne",), ("ne",), "exact"),
        ("ne__ne", ("ne",), ("ne",), "ne"),
        ("grid__len__gte", ("grid",), ("grid", EACH, EACH), "len__gte"),
        ("maps__key__contains", ("maps", "key"), ("maps", EACH, "key", EACH), "contains"),
        ("maps__match__in", ("maps", "match"), ("maps", EACH, "match", EACH), "in"),
        ("deep__match__a__icontains", ("deep", "match", "a"), ("deep", "match", "the a"), "icontains"),
    ],
)
def test_a_name_is_walked_as_far_as_there_are_fields(
    name: str, names: tuple[str, ...], steps: tuple[str | None, ...], lookup: str
) -> None:
    path, found = resolve(Names, name)
    assert (path.names, path.steps, found.name) == (names, steps, lookup)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_name_of_a_lookup_stands_for_its_row(name: str) -> None:
    assert name in (BY_NAME[name].name, *BY_NAME[name].aliases)
    assert BY_NAME[name] in LOOKUPS


def test_a_name_that_is_asked_for_again_is_the_same_path_and_a_wrong_one_is_told_again() -> None:
    first = bind_paths(Names, ["a__exact"], "values")
    assert bind_paths(Names, ["a__exact"], "only")[0] is first[0]
    for method in ("values", "only"):
        with pytest.raises(QueryError, match=rf"{method}\('a__exact__gte'\) takes fields"):
            bind_paths(Names, ["a__exact__gte"], method)


# --- values -----------------------------------------------------------------------------------------------------------


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("name", "value", "comparable"),
    [
        ("integer", "42", 42),
        ("integer", 42.0, 42),
        ("integer", True, 1),
        ("float", "0.5", 0.5),
        ("float", 1, 1.0),
        ("decimal", 0.1, Decimal("0.1")),
        ("decimal", "0.10", Decimal("0.1")),
        ("boolean", "true", True),
        ("boolean", 0, False),
        ("string", 42, "42"),
        ("string", b"bytes", "bytes"),
        ("date", "2024-02-29", dt.date(2024, 2, 29).toordinal()),
        ("datetime", "1970-01-01T00:00:00.000001", 1),
        ("datetime", dt.datetime(1970, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), 0),
        ("timedelta", 1.5, 1_500_000),
        ("uuid", "12345678123456781234567812345678", "12345678-1234-5678-1234-567812345678"),
        ("strings", "x", "x"),
        ("city__opened", dt.date(1, 1, 1), 1),
        ("point", (1, 2), (1, 2)),
        ("either", "42", 42),
        ("anything", [1, True], ("list", (1, ("boolean", True)))),
    ],
)
def test_a_value_is_read_by_the_fields_own_type(name: str, value: Any, comparable: Any) -> None:
    bound = bind_lookup(Everything, name, value)
    assert isinstance(bound, Condition)
    assert (bound.operator, bound.value) == ("in", (comparable,))
    assert type(bound.value[0]) is type(comparable)


@pytest.mark.parametrize(
    ("lookup", "bounds"),
    [
        ("gt", Bounds(low=3, include_low=False)),
        ("gte", Bounds(low=3)),
        ("lt", Bounds(high=3, include_high=False)),
        ("lte", Bounds(high=3)),
    ],
)
def test_a_comparison_is_an_interval(lookup: str, bounds: Bounds) -> None:
    bound = bind_lookup(IceCream, f"amount_kg__{lookup}", "3")
    assert isinstance(bound, Condition)
    assert (bound.operator, bound.value) == ("between", bounds)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (Bounds(1, 3), [1, 2, 3], [0, 4]),
        (Bounds(1, 3, include_low=False), [2, 3], [1]),
        (Bounds(1, 3, include_high=False), [1, 2], [3]),
        (Bounds(low="b"), ["b", "ba", "é"], ["a", "B", ""]),
        (Bounds(3, 1), [], [0, 1, 2, 3]),
        (Bounds(1, 1, include_low=False), [], [1]),
        (Bounds(), [-(10**400), 10**400], []),
    ],
)
def test_an_interval_holds_its_ends_as_it_says(bounds: Bounds, inside: list[Any], outside: list[Any]) -> None:
    assert all(value in bounds for value in inside)
    assert not any(value in bounds for value in outside)


@pytest.mark.parametrize(
    ("name", "value", "described"),
    [
        ("flavour", None, "flavour is missing"),
        ("flavour__ne", None, "not (flavour is missing)"),
        ("flavour__isnull", False, "not (flavour is missing)"),
        ("flavour__in", [], "nothing"),
        ("flavour__nin", [], "not (nothing)"),
        ("flavour__in", [None, None], "flavour is missing"),
        ("flavour__in", ("a", None), "flavour in ['a'] or flavour is missing"),
        ("flavour__in", (text for text in "ab"), "flavour in ['a', 'b']"),
        ("amount_kg__in", {1: "x"}, "amount_kg in [1]"),
        ("amount_kg__range", [1, "5"], "1 <= amount_kg <= '5'"),
        ("flavour__contains", "x", "flavour contains 'x'"),
        ("flavour__istartswith", "x", "flavour startswith (any case) 'x'"),
        ("flavour__iexact", "x", "flavour equals (any case) 'x'"),
        ("flavour__iexact", None, "flavour is missing"),
        ("flavour__iregex", "^x", "flavour matches '^x'"),
        ("flavour__search", "?", "nothing"),
        ("flavour__phrase", "", "nothing"),
        ("flavour__fuzzy", "x", "flavour fuzzy 'x'"),
        ("best_before__year__gte", 2024, "best_before__year >= 2024"),
        ("best_before__year__in", [2020, None], "best_before__year in [2020] or best_before is missing"),
        ("best_before__month__ne", 5, "not (best_before__month = 5)"),
        ("best_before__date", None, "best_before is missing"),
    ],
)
def test_none_and_collections_make_the_condition_that_they_mean(name: str, value: Any, described: str) -> None:
    assert describe(bind_lookup(IceCream, name, value)) == described


def test_equal_values_of_in_are_one_value() -> None:
    bound = bind_lookup(IceCream, "amount_kg__in", [1, "1", 1.0, True, 2])
    assert isinstance(bound, Condition)
    assert bound.value == (1, 2)


def test_a_query_is_bound_as_it_is_nested() -> None:
    bound = bind(IceCream, ~(Q(flavour="x") | Q(amount_kg=1, id="y")))
    assert isinstance(bound, Negation)
    assert isinstance(bound.child, AnyOf)
    assert [type(child) for child in bound.child.children] == [Condition, AllOf]


# --- wrong questions --------------------------------------------------------------------------------------------------


WRONG: list[Any] = [
    (IceCream, "flavor", 1, UnknownField, "IceCream has no field flavor; did you mean flavour?"),
    (IceCream, "flavor__gte", 1, UnknownField, "IceCream has no field flavor; did you mean flavour?"),
    (IceCream, "zzz", 1, UnknownField,
     "IceCream has no field zzz; it has pk, id, flavour, amount_kg, best_before"),
    (IceCream, "", 1, UnknownField, "IceCream has no field"),
    (IceCream, "amount_kg__gtt", 1, UnknownLookup, "there is no lookup 'gtt'; did you mean amount_kg__gt?"),
    (IceCream, "amount_kg__zzz", 1, UnknownLookup, "there is no lookup 'zzz'; amount_kg has exact, ne"),
    (IceCream, "amount_kg__gt__lt", 1, UnknownLookup, "there is no lookup 'gt__lt'"),
    (IceCream, "flavour__name", 1, UnknownLookup, "there is no lookup 'name'"),
    (IceCream, "amount_kg__search", "x", UnknownLookup, "IntType has no search; it has exact"),
    (Everything, "city__nmae", "x", UnknownField, "Everything has no field city__nmae; did you mean city__name?"),
    (Everything, "cities__tgas__in", ["x"], UnknownField, "did you mean cities__tags?"),
    (Everything, "city", {}, UnknownLookup, "ModelType has no exact; it has isnull, match or one of its fields"),
    (Everything, "mapping", {}, UnknownLookup, "DictType has no exact; it has isnull"),
    (Everything, "boolean__gt", True, UnknownLookup, "BooleanType has no gt"),
    (Everything, "point__lt", (1, 2), UnknownLookup, "GeoPointType has no lt"),
    (Everything, "anything__gt", 1, UnknownLookup, "BaseType has no gt"),
    (IceCream, "amount_kg", "many", InvalidValue, "IceCream.amount_kg: 'many' cannot be read as IntType"),
    (IceCream, "amount_kg", 1.5, InvalidValue, "1.5 cannot be read as IntType"),
    (IceCream, "amount_kg", [1], InvalidValue, "[1] cannot be read as IntType"),
    (IceCream, "amount_kg__in", [1, "x"], InvalidValue, "'x' cannot be read as IntType"),
    (IceCream, "amount_kg__in", 5, InvalidValue, "IceCream.amount_kg__in takes a list of values, not 5"),
    (IceCream, "flavour__in", "abc", InvalidValue, "takes a list of values, not 'abc'"),
    (IceCream, "flavour__in", b"abc", InvalidValue, "takes a list of values"),
    (IceCream, "flavour__in", None, InvalidValue, "takes a list of values, not None"),
    (IceCream, "amount_kg__gt", None, InvalidValue, "use amount_kg__isnull to find what is missing"),
    (IceCream, "amount_kg__range", (1, None), InvalidValue, "takes the two ends of a range"),
    (IceCream, "amount_kg__range", (1, 2, 3), InvalidValue, "takes the two ends of a range"),
    (IceCream, "amount_kg__range", 1, InvalidValue, "takes a list of values, not 1"),
    (IceCream, "flavour__isnull", 1, InvalidValue, "takes True or False, not 1"),
    (IceCream, "flavour__search", 5, InvalidValue, "takes words, not 5"),
    (IceCream, "flavour__search", None, InvalidValue, "takes words, not None"),
    (IceCream, "flavour__search", "a | -b", InvalidValue, "'-b' cannot be one of several alternatives"),
    (IceCream, "flavour__phrase", 5, InvalidValue, "takes words, not 5"),
    (IceCream, "flavour__fuzzy", 5, InvalidValue, "takes a list of values, not 5"),
    (IceCream, "flavour__fuzzy", ("x", 4), InvalidValue,
     "takes words, or words and a distance of 1 to 3, not ('x', 4)"),
    (IceCream, "flavour__fuzzy", ("x", True), InvalidValue, "a distance of 1 to 3"),
    (IceCream, "flavour__fuzzy", ("x",), InvalidValue, "a distance of 1 to 3"),
    (IceCream, "flavour__fuzzy", (1, 1), InvalidValue, "a distance of 1 to 3"),
    *((IceCream, f"flavour__{name}", None, InvalidValue, "None cannot be read as StringType: it is no text")
      for name in ("contains", "startswith", "endswith", "icontains", "istartswith", "iendswith")),
    (IceCream, "flavour__contains", [1], InvalidValue, "IceCream.flavour__contains: [1] cannot be read as StringType"),
    (IceCream, "amount_kg__contains", 1, UnknownLookup, "IntType has no contains; it has exact"),
    (IceCream, "flavour__regex", 5, InvalidValue, "IceCream.flavour__regex takes a regular expression, not 5"),
    (IceCream, "flavour__regex", "(", InvalidValue, "'(' is no regular expression for text: "),
    (IceCream, "flavour__iregex", re.compile(b"x"), InvalidValue, "is no regular expression for text"),
    (Everything, "strings__contains", [], InvalidValue, "takes an element or several, not an empty list"),
    (Everything, "strings__contains", None, InvalidValue, "None is no element; use strings__isnull"),
    (Everything, "integers__contains", [1, None], InvalidValue, "None is no element; use integers__isnull"),
    (Everything, "integers__contains", "x", InvalidValue, "'x' cannot be read as IntType"),
    (Everything, "integers__overlap", ["x"], InvalidValue, "'x' cannot be read as IntType"),
    (Everything, "integers__overlap", [None], InvalidValue, "None is no element; use integers__isnull"),
    (Everything, "integer__len", 1, UnknownLookup, "IntType has no len"),
    (Everything, "cities__name__len", 1, UnknownLookup, "StringType has no len"),
    (Everything, "strings__len", -1, InvalidValue, "-1 is no len: how many elements a list has"),
    (Everything, "strings__len", None, InvalidValue, "a list that is missing has no length; use strings__isnull"),
    (Everything, "strings__len__gte", "many", InvalidValue, "'many' cannot be read as IntType"),
    (Everything, "strings__len__contains", 1, UnknownLookup, "there is no lookup 'len__contains'"),
    (Everything, "date__month", 13, InvalidValue, "Everything.date__month: 13 is no month: the month, 1 to 12"),
    (Everything, "date__month__in", [1, 0], InvalidValue, "0 is no month"),
    (Everything, "date__day", 32, InvalidValue, "32 is no day"),
    (Everything, "datetime__hour__ne", 24, InvalidValue, "24 is no hour"),
    (Everything, "date__hour", 1, UnknownLookup, "DateType has no hour"),
    (Everything, "date__year", "soon", InvalidValue, "'soon' cannot be read as IntType"),
    (Everything, "date__year__gt", None, InvalidValue, "None has no order; use date__year__isnull"),
    (Everything, "datetime__date", "soon", InvalidValue, "'soon' cannot be read as DateType"),
    (Everything, "timedelta__year", 1, UnknownLookup, "TimedeltaType has no year"),
    (Everything, "date__year__isnull", True, UnknownLookup, "there is no lookup 'year__isnull'"),
    (Everything, "point__near", (1, 2, 3), InvalidValue,
     "(latitude, longitude, radius, unit), unit one of m, km, mi, ft"),
    (Everything, "point__near", (1, 2, 3, "mile"), InvalidValue, "unit one of m, km, mi, ft"),
    (Everything, "point__near", 5, InvalidValue, "takes a list of values, not 5"),
    (Everything, "point__near", (1, 2, -1, "m"), InvalidValue, "a radius is not below 0"),
    (Everything, "point__near", (1, 2, True, "m"), InvalidValue, "takes numbers, not True"),
    (Everything, "point__near", (1, 2, math.inf, "m"), InvalidValue, "takes numbers, not inf"),
    (Everything, "point__near", ("x", 2, 1, "m"), InvalidValue, "takes numbers"),
    (Everything, "point__near", (91, 2, 1, "m"), InvalidValue, "in degrees"),
    (Everything, "point__within", ((1, 2),), InvalidValue, "takes two corners of a box"),
    (Everything, "point__within", ((1, 2), (0, 3)), InvalidValue, "the first corner of a box is the south-west one"),
    (Everything, "point__within", ((1, 2, 3), (0, 3)), InvalidValue, "a corner is (latitude, longitude) in degrees"),
    (Everything, "point__within", ((1, 2), (91, 3)), InvalidValue,
     "a corner is (latitude, longitude) in degrees, not (91, 3)"),
    (Everything, "point__within", ((1, 2), ("x", 3)), InvalidValue, "takes numbers, not 'x'"),
    (Everything, "integer__near", (1, 2, 3, "m"), UnknownLookup, "IntType has no near"),
    (Everything, "cities__match", {}, InvalidValue, "Everything.cities__match takes a dict of lookups, or a Q, not {}"),
    (Everything, "cities__match", Q(), InvalidValue, "takes a dict of lookups, or a Q, not Q()"),
    (Everything, "cities__match", {1: 2}, InvalidValue, "takes a dict of lookups"),
    (Everything, "cities__match", "x", InvalidValue, "takes a dict of lookups, or a Q, not 'x'"),
    (Everything, "cities__match", {"nmae": 1}, UnknownField, "no field cities__nmae; did you mean cities__name?"),
    (Everything, "cities__match", {"visitors": "x"}, InvalidValue, "Everything.cities__match: visitors: 'x' cannot be"),
    (Everything, "cities__match", {"name__gtt": 1}, UnknownLookup, "there is no lookup 'gtt'"),
    (Everything, "strings__match", {"a": 1}, UnknownLookup, "match is for models"),
    (Everything, "point__near", (1, 2, 10**400, "m"), InvalidValue, "takes numbers"),
    (Everything, "point__within", ((0, 10**400), (1, 1)), InvalidValue, "takes numbers"),
    (Everything, "point__near", (1, 2, 3, ["m"]), InvalidValue, "unit one of m, km, mi, ft"),
    (IceCream, "best_before", "yesterday", InvalidValue, "cannot be read as DateTimeType"),
    (Everything, "float", "nan", InvalidValue, "NaN is equal to nothing"),
    (Everything, "float__in", [1, float("nan")], InvalidValue, "NaN is equal to nothing"),
    (Everything, "decimal__gt", Decimal("NaN"), InvalidValue, "NaN is equal to nothing"),
    (Everything, "uuid", "x", InvalidValue, "cannot be read as UUIDType"),
    (Everything, "uuid", 5, InvalidValue, "cannot be read as UUIDType"),
    (Everything, "boolean", "maybe", InvalidValue, "cannot be read as BooleanType"),
    (Everything, "point", (1,), InvalidValue, "cannot be read as GeoPointType"),
    (Everything, "timestamp", dt.datetime, InvalidValue, "cannot be read as TimestampType"),
    (Everything, "float", 10**400, InvalidValue, "cannot be read as FloatType"),
    (Everything, "decimal", Decimal("sNaN"), InvalidValue, "cannot be read as DecimalType"),
    pytest.param(Everything, "anything", {1, 2}, InvalidValue, "cannot be read as BaseType"),
    pytest.param(Everything, "anything__in", [bytearray(b"x")], InvalidValue, "cannot be read as BaseType"),
    pytest.param(IceCream, "flavour__", "x", UnknownLookup, "there is no lookup ''"),
    (IceCream, "", "x", UnknownField, "IceCream has no field ''; it has pk, id"),
    (Everything, "mapping", {"a": 1}, UnknownLookup, "DictType has no exact; it has isnull or one of its keys"),
    # What has no order is no range, place or pair.
    (IceCream, "amount_kg__range", {1, 3}, InvalidValue, "takes values in an order, not the set {1, 3}"),
    (IceCream, "amount_kg__range", {1: 2, 3: 4}, InvalidValue, "takes values in an order"),
    (IceCream, "flavour__fuzzy", frozenset(("x", 2)), InvalidValue, "takes values in an order"),
    (Everything, "point__near", {1, 2, 3, "m"}, InvalidValue, "takes values in an order"),
    (Everything, "point__within", {(0, 0), (1, 1)}, InvalidValue, "takes values in an order"),
    (Everything, "point__within", ((0, 0), {1, 2}), InvalidValue, "takes values in an order"),
    # What was meant is told.
    (Everything, "strings", ["a"], InvalidValue, "; strings__contains asks for lists that have them all, strings__ove"),
    (Everything, "strings__in", [["a"]], InvalidValue, "strings__overlap for those that have one of them"),
    (Everything, "datetime__gte", dt.date(2024, 1, 1), InvalidValue, "timestamp; datetime__date compares days"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "name", "value", "error", "said"), WRONG)
def test_a_wrong_question_is_told_with_its_path_and_what_would_be_right(
    model: type[Model], name: str, value: Any, error: type[QueryError], said: str
) -> None:
    with pytest.raises(QueryError) as caught:
        bind(model, Q(**{name: value}))
    assert type(caught.value) is error
    assert said in str(caught.value)
    assert str(caught.value).startswith(model.__name__)


def test_a_match_on_a_list_of_no_models_is_not_offered() -> None:
    with pytest.raises(UnknownLookup) as caught:
        bind(Everything, Q(strings__match={"a": 1}))
    assert "did you mean strings__match?" not in str(caught.value)


def test_a_condition_that_is_no_q_is_refused() -> None:
    with pytest.raises(TypeError, match="Q takes Q objects and keyword lookups, not 'x'"):
        Q("x")  # type: ignore[arg-type]


# --- classes that differ ----------------------------------------------------------------------------------------------


class Cat(Model):
    name = StringType()
    age = IntType()
    toys = ListType(StringType())


class Dog(Model):
    name = StringType()
    age = FloatType()
    toys = ListType(DateTimeType())


class Keeper(Model):
    pet = PolyModelType([Cat, Dog])


def test_a_field_that_the_classes_of_an_object_do_not_agree_on_is_refused() -> None:
    with pytest.raises(QueryError, match="pet: the classes it may have differ in what age is"):
        bind(Keeper, Q(pet__age=3))


def test_a_field_that_the_classes_of_an_object_agree_on_is_found_whatever_else_differs() -> None:
    assert describe(bind(Keeper, Q(pet__name="x"))) == "pet__name = 'x'"


class Toys(Model):
    toys = PolyModelType([type("One", (Model,), {"toys": ListType(StringType())}),
                          type("Two", (Model,), {"toys": ListType(DateTimeType())})])  # fmt: skip


def test_lists_of_different_elements_are_a_difference_between_classes() -> None:
    with pytest.raises(QueryError, match="differ in what toys is"):
        bind(Toys, Q(toys__toys="x"))


# --- odd types --------------------------------------------------------------------------------------------------------


def test_members_of_enumerations_are_read_as_their_values() -> None:
    class Flavour(str, enum.Enum):
        VANILLA = "vanilla"

    text = bind_lookup(IceCream, "flavour", Flavour.VANILLA)
    assert isinstance(text, Condition)
    assert type(text.value[0]) is str


def test_a_union_reads_the_value_by_the_first_type_that_takes_it() -> None:
    class Either(Model):
        either = UnionType((UUIDType, IntType, BaseType))

    bound = bind_lookup(Either, "either", "7")
    assert isinstance(bound, Condition)
    assert bound.value == (7,)


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "steps", "descending"),
    [
        ("amount_kg", ("amount_kg",), False),
        ("-amount_kg", ("amount_kg",), True),
        ("-city__opened", ("city", "opened"), True),
        ("mapping__a", ("mapping", "a"), False),
        ("boolean", ("boolean",), False),
        ("-multilingual__de", ("multilingual", "de"), True),
    ],
)
def test_an_order_is_a_path_and_a_direction(name: str, steps: tuple[str, ...], descending: bool) -> None:
    model = IceCream if "amount" in name else Everything
    (key,) = bind_order(model, [name])
    assert (key.path.steps, key.descending) == (steps, descending)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("strings", QueryError, "a list has many values and no one order"),
        ("cities__name", QueryError, "a list has many values"),
        ("city", QueryError, "ModelType has no order"),
        ("point", QueryError, "GeoPointType has no order"),
        ("anything", QueryError, "BaseType has no order"),
        ("strnig", UnknownField, "did you mean string?"),
        ("--string", UnknownField, "no field -string"),
        ("", UnknownField, "no field"),
        (
            "string__gt",
            QueryError,
            "Everything: order_by('string__gt') takes fields, not lookups; did you mean string?",
        ),
        ("date__year", QueryError, "order_by('date__year') takes fields, not lookups; did you mean date?"),
        ("string__nothing", UnknownLookup, "there is no lookup 'nothing'"),
        ("string__", UnknownLookup, "there is no lookup ''"),
        (5, InvalidValue, "order_by takes names of fields, not 5"),
        (None, InvalidValue, "order_by takes names of fields, not None"),
    ],
)
def test_a_wrong_order_is_told_with_its_path(name: Any, error: type[QueryError], said: str) -> None:
    with pytest.raises(error) as caught:
        bind_order(Everything, [name])
    assert said in str(caught.value)

"""Plans: what the index is asked, what is checked, what is refused; the golden file has the texts."""

from __future__ import annotations

import enum
import functools
import operator
import re
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from hypothesis import given
from hypothesis import strategies as st
from schematics.models import Model
from schematics.types import FloatType, IntType, MultilingualStringType, StringType

from rs_search import Q, SearchRedisMixin, StrictPerformanceException
from rs_search.options import search_options
from rs_search.planner.explain import refuse_scan
from rs_search.planner.ft import DEEPEST
from rs_search.planner.plan import INDEX, NONE, SCAN, Plan, Select, make_plan, sort_arguments
from rs_search.planner.predicate import predicate
from rs_search.query.bind import bind, bind_order, bind_paths
from rs_search.query.tree import describe

NO_SEARCH = "the server has no RediSearch (FT.SEARCH)"


def bug(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, reason=f"bug: {reason}")


def plan(query: Q, *order: str, model: type[Model] = IceCream, why_no_search: str | None = None, **cut: int) -> Plan:
    return make_plan(Select(model, bind(model, query), bind_order(model, order), **cut), why_no_search)


# --- what is asked of whom --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why_no_search", [None, NO_SEARCH])
def test_what_can_match_nothing_asks_nobody(why_no_search: str | None) -> None:
    assert plan(Q(flavour__in=[], amount_kg=1), why_no_search=why_no_search).access == NONE


def test_without_search_every_document_is_read_and_the_whole_condition_checked() -> None:
    found = plan(Q(flavour="x"), why_no_search=NO_SEARCH)
    assert (found.access, found.check is found.where, found.why) == (SCAN, True, NO_SEARCH)
    assert plan(Q(), why_no_search=NO_SEARCH).check is None


@pytest.mark.parametrize(
    ("query", "check"),
    [
        (Q(string="x"), None),
        (Q(string="x", mapping__a=1), "mapping__a = 1"),
        (Q(string="x") & ~Q(mapping__a=1, either=2), "not (mapping__a = 1) or not (either = 2)"),
        (Q(string="x") & (Q(integer=1) | Q(mapping__a=1)), "integer = 1 or mapping__a = 1"),
        (Q(string="x", mapping__a=1, either=2), "mapping__a = 1 and either = 2"),
        (Q(string="x", string__regex="x"), "string matches 'x'"),
        (Q(string="x", string__contains="x"), None),
        (Q(string="x", strings__contains=["x", "y"]), None),
        (Q(string="x", string__fuzzy="x"), "string fuzzy 'x'"),
        (Q(string="x", cities__match={"name": "x"}), "cities match {'name': 'x'}"),
        (Q(string="x", point__near=(0, 0, 1, "m")), "point near (0, 0, 1, 'm')"),
        (Q(string="x", date__month=1), "date__month = 1"),
        (Q(string="x", date__month=1, date__year=2024), None),
        (Q(string="x") & (Q(integer=1) | Q(date__gt="2020-01-01")), None),
        (Q(string="x") & ~Q(integer=2**53 + 1), f"not (integer = {2**53 + 1})"),
        (Q(string="x", integer=2**53 + 1), f"string = 'x' and integer = {2**53 + 1}"),
        (Q(string="x") & Q(strings__search="a b"), None),
        (Q(string="x") & Q(strings__search="b c"), "strings search 'b c'"),
        (Q(string="x") & ~Q(strings__search="b c"), "not (strings search 'b c')"),
        (Q(string="x") & ~Q(string__search="b"), "not (string search 'b')"),
    ],
    ids=repr,
)
def test_only_what_the_index_does_not_answer_is_checked(query: Q, check: str | None) -> None:
    found = plan(query, model=Everything)
    assert found.access == INDEX
    assert (None if found.check is None else describe(found.check)) == check


@pytest.mark.parametrize(
    "query",
    [
        Q(mapping__a=1),
        ~Q(mapping__a=1),
        Q(string="x") | Q(mapping__a=1),
        ~Q(string="x", mapping__a=1),
        ~Q(integer=2**53 + 1),
        ~(Q(string="x") & Q(integer__gt=2**53 + 1)),
        ~Q(string__search="x"),
        Q(string="x") | ~Q(string__search="x"),
        Q(strings__gt="x"),
        Q(string__regex="x"),
        ~Q(cities__match={"name": "x"}),
        ~Q(point__near=(0, 0, 1, "m")),
        ~(Q(string="x") ^ Q(integer=1) ^ Q(boolean=True)),
        ~Q(string__contains="a whole word\\"),
    ],
    ids=repr,
)
def test_what_the_index_could_only_lose_rows_by_is_not_asked_of_it(query: Q) -> None:
    found = plan(query, model=Everything)
    assert (found.access, found.check is found.where) == (SCAN, True)
    assert found.why == "the index cannot narrow it down"


ROWS = [{"flavour": flavour, "amount_kg": amount} for flavour in "xy" for amount in (0, 1)]


def nested(levels: int) -> Q:
    """True of ``amount_kg=1`` only: a union at the top, with intersections and unions in turn ``levels`` deep."""
    query = Q(amount_kg=1)
    for level in reversed(range(levels)):
        query = query & Q(amount_kg__ne=1000 + level) if level % 2 else query | Q(amount_kg=1000 + level)
    return query


@pytest.mark.parametrize(
    "levels",
    [
        2,
        DEEPEST - 1,
        pytest.param(
            DEEPEST,
        ),
        DEEPEST + 1,
        DEEPEST + 2,
        3 * DEEPEST,
    ],
)
def test_of_conditions_nested_too_deep_what_is_not_sent_whole_is_checked(levels: int) -> None:
    query = nested(levels) & Q(flavour="y")
    found = plan(query)
    if levels < DEEPEST:
        assert found.check is None
    else:
        assert found.check is not None
        meets, checks = predicate(bind(IceCream, query)), predicate(found.check)
        rows = [row for row in ROWS if row["flavour"] == "y"]
        assert [checks(row) for row in rows] == [meets(row) for row in rows] == [False, True]


def test_many_conditions_side_by_side_are_one_level() -> None:
    either = functools.reduce(operator.or_, [Q(amount_kg=number) for number in range(5000)])
    both = functools.reduce(operator.and_, [Q(amount_kg__ne=number) for number in range(5000)])
    assert plan(either).query.count("(") == plan(both).query.count("(") - 2 == 1
    assert plan(either).check is plan(both).check is None


def test_a_hundred_thousand_values_are_one_clause() -> None:
    found = plan(Q(flavour__in=[str(number) for number in range(100_000)]))
    assert (found.check, len(found.parameters), found.query.count("@flavour")) == (None, 100_000, 1)


# --- values never become text -----------------------------------------------------------------------------------------


hostile = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["a|b", "{x}", "$p0", "\\", '"', "'", "*", "a\0b", "-x", "@id:{y}", "=>{$weight:5}", "p0", "w'*'", "%x%"]
    ),
)


@given(hostile, st.sampled_from(["flavour", "flavour__ne", "id__exact"]))
def test_no_text_changes_what_is_asked(value: str, name: str) -> None:
    harmless = plan(Q(**{name: "x"}))
    found = plan(Q(**{name: value}))
    if "\0" in value:
        assert found.check is not None
    else:
        assert (found.query, found.check) == (harmless.query, None)
        assert dict(found.parameters) == {"p0": value.replace("\\", "\\\\")}


words = st.one_of(hostile, hostile.map("ice{}".format), st.sampled_from(["ice cream", "Ice-Cream"]))


@given(st.lists(words, min_size=1, max_size=4), st.sampled_from(["search", "phrase", "contains", "iexact"]))
def test_words_become_parameters_of_one_word_each(values: list[str], lookup: str) -> None:
    text = " ".join(values) if lookup != "search" else " ".join(values).replace("|", " ")
    found = plan(Q(**{f"flavour__{lookup}": text}))
    assert re.fullmatch(r"\*|@flavour__text\|flavour__fold:\([(|) $p0-9]+\)", found.query)
    assert all(re.fullmatch(r"\+?[^\s|(){}@$\"'*\\:%=-]+", value) for _, value in found.parameters)


@given(st.lists(st.one_of(hostile, st.integers(), st.none()), max_size=5))
def test_every_parameter_that_is_named_is_given_and_no_other(values: list[Any]) -> None:
    found = plan(Q(flavour__in=values) | Q(flavour__search="ice", amount_kg=1, id="x"))
    for text in (found.query, found.widened):
        arguments = found.arguments(text)
        assert arguments[-2:] == ["DIALECT", "2"]
        named = sorted(set(re.findall(r"\$(p\d+)", text)))
        assert sorted(arguments[2:-2:2]) == named
        assert arguments[:2] == (["PARAMS", str(2 * len(named))] if named else ["DIALECT", "2"])


class Level(enum.IntEnum):
    HIGH = 3


class Half(float, enum.Enum):
    HALF = 0.5


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (Q(integer=Level.HIGH), ["3", "3"]),
        (Q(integer__gte=Level.HIGH), ["3", "inf"]),
        (Q(float__lt=Half.HALF), ["-inf", "0.5"]),
    ],
    ids=repr,
)
def test_numbers_of_a_class_of_their_own_are_sent_as_plain_numbers(query: Q, values: list[str]) -> None:
    assert [value for _, value in plan(query, model=Everything).parameters] == values


@pytest.mark.parametrize(
    "query",
    [
        Q(flavour="\ud800"),
        Q(flavour__ne="\ud800"),
        Q(flavour__in=["x", "\ud800"]),
        Q(flavour__search="ice \ud800"),
        Q(flavour__search="ice \ud800*"),
        Q(flavour__phrase="ice \ud800"),
        Q(flavour__fuzzy="ice \ud800"),
        Q(flavour__contains="x\ud800"),
        Q(flavour__iexact="x \ud800"),
        Q(flavour__gt="x\ud800"),
        Q(flavour__contains="x") & ~Q(flavour="\ud800"),
        Q(flavour__contains="x") | Q(flavour="\ud800"),
    ],
    ids=ascii,
)
def test_a_text_without_a_utf8_form_is_never_sent(query: Q) -> None:
    found = plan(query)
    assert "\ud800" not in "".join(value for _, value in found.parameters) + (found.filter or "")


@pytest.mark.parametrize(
    ("query", "fates"),
    [
        (Q(), []),
        (Q(string="x"), ["exact"]),
        (Q(string="x", string__contains="y"), ["exact", "filter"]),
        (Q(string__phrase="a b", string__contains="y\n", mapping__a=1), ["superset", "filter", "check"]),
        (Q(string__contains="y") | Q(string__contains="z"), ["filter"]),
        (Q(string="x") ^ Q(integer=1) ^ Q(boolean=True), ["superset"]),
    ],
    ids=repr,
)
def test_a_part_is_met_by_the_query_by_the_filter_or_by_a_check(query: Q, fates: list[str]) -> None:
    found = plan(query, model=Everything)
    assert [part.fate for part in found.parts] == fates
    left = [describe(part.condition) for part in found.parts if part.checked]
    assert (describe(found.check) if found.check else "") == " and ".join(left)


# --- doubts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "doubts"),
    [
        (Q(integer=2**53 - 1), ()),
        (Q(integer=-(2**53)), ("integer",)),
        (Q(integer__gt=0), ()),
        (Q(integer__range=(0, 2**53)), ("integer",)),
        (Q(float=0), ("float",)),
        (~Q(float=0), ("float",)),
        (Q(decimal__lt=1) | Q(float__gt=1, integer=1), ("decimal", "float")),
        (Q(date="9999-12-31"), ()),
        (Q(string="x"), ()),
        (Q(cities__visitors__gt=2**60), ("cities__visitors",)),
        (Q(cities__match={"visitors__gt": 2**60, "name": "x"}), ("cities__visitors",)),
        (Q(integer__in=[2**53 - 2, 2**53 - 1]), ()),
        (Q(integer__in=[2**53 - 1, 2**53]), ("integer",)),
        (Q(datetime__year=2255), ("datetime",)),
        (Q(datetime__year=2254), ()),
    ],
    ids=repr,
)
def test_numbers_whose_doubles_may_cross_an_end_are_doubted(query: Q, doubts: tuple[str, ...]) -> None:
    found = plan(query, model=Everything)
    assert found.doubts == frozenset(doubts)
    if doubts:
        assert found.doubts_query == f"@_doubts:{{{'|'.join(sorted(doubts))}}}"
        assert "@_doubts:{" in found.widened
    else:
        assert found.widened == found.query
    assert "@_doubts" not in found.query


def test_a_superset_with_doubts_is_checked_whole() -> None:
    found = plan(Q(float=0.5, mapping__a=1), model=Everything)
    assert found.check is found.where


# --- order and slices -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "order", "server"),
    [
        (Q(), (), True),
        (Q(string="x"), ("-integer", "date"), True),
        (Q(string="x"), ("mapping__a",), False),
        (Q(string="x"), ("integer", "mapping__a"), False),
        (Q(string="x", mapping__a=1), ("integer",), False),
        (Q(string="x"), ("city__name",), True),
        (Q(string="x"), ("multilingual__de",), False),
        (Q(string__icontains="x"), ("-string",), True),
        (Q(string__contains="x\n"), ("-string",), False),
        (Q(point__near=(0, 0, 1, "m")), (), False),
    ],
)
def test_the_index_orders_what_it_answers_and_has(query: Q, order: tuple[str, ...], server: bool) -> None:
    assert plan(query, *order, model=Everything).server_order is server


def test_an_order_is_sorted_by_index_fields_then_by_key() -> None:
    found = plan(Q(), "-amount_kg", "flavour")
    assert sort_arguments(found) == ["SORTBY", "6", "@amount_kg", "DESC", "@flavour", "ASC", "@__key", "ASC"]


def test_keys_going_down_are_sorted_so() -> None:
    found = make_plan(Select(IceCream, keys_down=True, stop=3), None)
    assert sort_arguments(found) == ["SORTBY", "2", "@__key", "DESC"]


def test_what_is_the_first_of_each_combination_is_told_in_python() -> None:
    (path,) = bind_paths(IceCream, ["flavour"], "distinct")
    found = make_plan(Select(IceCream, order=bind_order(IceCream, ["flavour"]), stop=3, distinct=(path,)), None)
    assert (found.server_order, found.sorted_there) == (False, False)


@pytest.mark.parametrize(("order", "stop", "there"), [((), None, False), ((), 3, True), (("flavour",), None, True)])
def test_the_index_is_asked_for_an_order_where_one_is_needed(order: tuple[str, ...], stop: int, there: bool) -> None:
    assert make_plan(Select(IceCream, order=bind_order(IceCream, order), stop=stop), None).sorted_there is there


def test_an_order_by_numbers_brings_their_doubts_but_widens_nothing() -> None:
    found = plan(Q(flavour="x"), "amount_kg")
    assert (found.doubts, found.widened) == (frozenset(["amount_kg"]), found.query)


def test_a_field_that_is_not_sortable_is_ordered_in_python() -> None:
    class Unsorted(Model):
        number = IntType(metadata={"search_options": search_options(sortable=False)})

    assert not plan(Q(), "number", model=Unsorted).server_order


# --- strict performance -----------------------------------------------------------------------------------------------


class Strict(Model, SearchRedisMixin):
    __strict_performance__ = True
    name = StringType()
    unindexed = FloatType(metadata={"search_options": search_options(skip=True)})
    titles = MultilingualStringType()


@pytest.mark.parametrize(
    "query", [Q(unindexed=1), Q(name="x") | Q(unindexed=1), ~Q(name__search="x"), Q(name__regex="x")], ids=repr
)
def test_strict_performance_refuses_what_would_read_the_whole_collection_and_says_why(query: Q) -> None:
    with pytest.raises(StrictPerformanceException) as caught:
        refuse_scan(plan(query, model=Strict))
    assert "Strict.__strict_performance__ forbids" in str(caught.value)
    assert "the index cannot narrow it down" in str(caught.value)


def test_strict_performance_refuses_a_server_without_search() -> None:
    with pytest.raises(StrictPerformanceException, match="no RediSearch"):
        refuse_scan(plan(Q(name="x"), model=Strict, why_no_search=NO_SEARCH))


@pytest.mark.parametrize(
    "query",
    [
        Q(),
        Q(name="x"),
        Q(name="x", unindexed=1),
        Q(name__in=[]),
        Q(titles__search="a b"),
        Q(name__gt="x"),
        Q(name__contains="x"),
        Q(name__regex="x", name__startswith="x"),
    ],
    ids=repr,
)
def test_strict_performance_allows_what_the_index_narrows(query: Q) -> None:
    refuse_scan(plan(query, model=Strict))

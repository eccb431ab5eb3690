"""Explanations: what runs where, with which text, what is checked and why."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from schematics.models import Model

from rs_search import Q
from rs_search.planner.explain import MOST_PARAMETERS, MOST_SIGNS, Explanation, Ran, why
from rs_search.planner.ft import DEEPEST
from rs_search.planner.plan import Select, make_plan
from rs_search.query.bind import bind, bind_order, bind_paths

NO_SEARCH = "the server has no RediSearch (FT.SEARCH)"


def explained(
    query: Q, *order: str, model: type[Model] = Everything, why_no_search: str | None = None, **more: Any
) -> Explanation:
    select = Select(model, bind(model, query), bind_order(model, order), **more)
    return Explanation(make_plan(select, why_no_search))


def test_an_explanation_tells_what_runs_where_and_why() -> None:
    found = explained(Q(string="x", mapping__a=1), "-integer", start=5, stop=10)
    told = Explanation(found.plan, "RediSearch 2.10.5", Ran(7, 1, 1.25))
    assert str(told).splitlines() == [
        "Everything: string = 'x' and mapping__a = 1",
        f"  index   FT.SEARCH {found.plan.schema.name} '(@string:{{$p0}})'",
        "          $p0 = 'x'",
        "  check   in Python: mapping__a = 1",
        "    why   mapping__a is not indexed",
        "  order   by -integer, key, in Python",
        "  slice   rows 5 to 10",
        "  ran     7 examined, 1 row found, 1.2 ms",
        "  server  RediSearch 2.10.5",
    ]


def test_an_explanation_of_a_filter_an_order_and_doubts() -> None:
    found = explained(Q(string__contains="x", integer__gt=2), "-integer", stop=10)
    assert str(found).splitlines() == [
        "Everything: string contains 'x' and integer > 2",
        f"  index   FT.AGGREGATE {found.plan.schema.name} '(@integer:[($p0 $p1])' SORTBY 4 @integer DESC @__key ASC",
        "          $p0 = '2'",
        "          $p1 = 'inf'",
        '  filter  in the index: (exists(@string) && contains(@string,"x")>0)',
        "  if      a document keeps integer beyond doubles: those are checked in Python",
        "  order   by -integer, key, in the index",
        "  slice   rows 0 to 10",
    ]


def test_an_explanation_can_be_read_however_large_the_question_is() -> None:
    values = Q(string__in=[f"v{place}" for place in range(100_000)])
    parts = reduce(or_, [Q(email__contains=f"part{place}") for place in range(2000)])
    found = explained(values & parts & ~Q(mapping__a=1))
    told = str(found).splitlines()
    assert max(map(len, told)) < 2 * MOST_SIGNS
    assert len(told) < MOST_PARAMETERS + 10
    assert f"          … and {100_000 - MOST_PARAMETERS:,} more" in told
    assert found.query is not None
    assert len(found.parameters) == found.query.count("$") == 100_000
    assert repr(found) == str(found)


def test_an_explanation_of_a_scan_names_the_keys_that_are_read() -> None:
    assert str(explained(Q(flavour="x"), model=IceCream, why_no_search=NO_SEARCH)).splitlines() == [
        "IceCream: flavour = 'x'",
        f"  scan    every key IceCream:* is read: {NO_SEARCH}",
        "  check   in Python: flavour = 'x'",
    ]


def test_an_explanation_of_nothing_says_so() -> None:
    assert str(explained(Q(flavour__in=[]), model=IceCream)).splitlines() == [
        "IceCream: nothing",
        "  nothing can match; the server is not asked",
    ]


def test_an_explanation_of_distinct_rows_and_keys_going_down() -> None:
    found = explained(Q(), keys_down=True, start=3, distinct=bind_paths(Everything, ["string", "integer"], "distinct"))
    assert str(found).splitlines()[1:] == [
        f"  index   FT.SEARCH {found.plan.schema.name} '*'",
        "  order   by -key, in Python",
        "  only    the first of each string, integer, in Python",
        "  slice   rows 3 to the last",
    ]
    assert "  only    the first of each key, in Python" in str(explained(Q(), distinct=()))


WHY: list[tuple[Q, str]] = [
    (Q(string__regex="x"), "RediSearch has no regular expressions"),
    (~Q(string__regex="x"), "RediSearch has no regular expressions"),
    (Q(date__month=1), "the index holds the whole value only"),
    (Q(strings__len=1), "the index holds the whole value only"),
    (Q(cities__match={"name": "x"}), "the index does not know which values belong to one element"),
    (Q(point__near=(0, 0, 1, "m")), "the index keeps points to a metre"),
    (Q(string__phrase="x y"), "the index has no exact answer for phrases"),
    (~Q(string__search="x"), "below NOT the server loses rows"),
    (Q(string__contains="x\\"), "the index has whole words only, or the part holds a backslash"),
    (Q(strings__startswith="x"), "the index has whole words only"),
    (Q(strings__gt="x"), "the index has no order for it"),
    (Q(string="x\0"), "the index would stop at a NUL"),
    (Q(point=None), "the index cannot tell whether it is there"),
    (Q(mapping__a=1), "mapping__a is not indexed"),
    (Q(pet__lives=1), "pet__lives is not indexed"),
    (Q(string="x") | Q(mapping__a=1), "mapping__a is not indexed"),
    (Q(string="x") ^ Q(integer=1) ^ Q(boolean=True), "RediSearch has no exclusive or"),
    (Q(string="x") | Q(string="y", date__month=1), "the index holds the whole value only"),
]


@pytest.mark.parametrize(("query", "said"), WHY, ids=ascii)
def test_every_check_says_why(query: Q, said: str) -> None:
    found = explained(query)
    assert found.checked is not None
    assert why(found.plan.where, found.plan).startswith(said)
    assert f"    why   {said}" in str(found)


def test_what_is_too_deep_says_so() -> None:
    query = Q(string="x")
    for level in range(DEEPEST + 5):
        query = query & ~Q(integer=level) if level % 2 else query | Q(integer=level)
    assert "    why   it is nested too deep for the server's parser" in str(explained(query))


@pytest.mark.parametrize(
    ("found", "access", "query", "checked", "parameters"),
    [
        (explained(Q(string="x")), "index", "@string:{$p0}", None, {"p0": "x"}),
        (explained(Q(string__contains="x")), "index", "*", None, {}),
        (explained(Q(string="x", mapping__a=1)), "index", "(@string:{$p0})", "mapping__a = 1", {"p0": "x"}),
        (explained(Q(mapping__a=1)), "scan", None, "mapping__a = 1", {}),
        (explained(Q(string="x"), why_no_search=NO_SEARCH), "scan", None, "string = 'x'", {}),
        (explained(Q(string__in=[])), "none", None, None, {}),
    ],
)
def test_an_explanation_can_be_read_by_programs(
    found: Explanation, access: str, query: str | None, checked: str | None, parameters: dict[str, str]
) -> None:
    assert (found.access, found.query, found.checked, found.parameters) == (access, query, checked, parameters)
    assert found.filter == found.plan.filter


def test_only_what_asks_the_index_is_profiled() -> None:
    def profile() -> str:
        return "profiled"

    assert Explanation(explained(Q(string="x")).plan, run_profile=profile).profile() == "profiled"
    assert Explanation(explained(Q(mapping__a=1)).plan, run_profile=profile).profile() is None
    assert explained(Q(string="x")).profile() is None

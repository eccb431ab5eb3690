"""The order of clauses: cheap checks first, and the same meaning."""

from __future__ import annotations

import pytest
from fixtures.models import Everything

from rs_search import Q
from rs_search.planner import costs
from rs_search.planner.costs import cheapest_first
from rs_search.planner.normal import normalise
from rs_search.planner.predicate import OPERATORS, predicate
from rs_search.query.bind import bind
from rs_search.query.tree import describe


@pytest.mark.parametrize(
    ("query", "described"),
    [
        (Q(string__search="x") & Q(integer=1), "integer = 1 and string search 'x'"),
        (Q(string__regex="x") | ~Q(integer=1), "not (integer = 1) or string matches 'x'"),
        (Q(date__gt="2024-01-01") & Q(string="x"), "string = 'x' and date > '2024-01-01'"),
        (Q(string="x") & Q(integer=1), "string = 'x' and integer = 1"),
        (
            Q(string="x") & (Q(string__search="y") | Q(string__contains="z")) & Q(string__regex="a"),
            "string = 'x' and string matches 'a' and (string contains 'z' or string search 'y')",
        ),
        (
            Q(string__search="x") ^ Q(integer=1) ^ (Q(string__regex="a") & Q(integer=2)),
            "string search 'x' xor integer = 1 xor (integer = 2 and string matches 'a')",
        ),
        (Q(cities__match=Q(name="x")) & Q(string="x"), "string = 'x' and cities match Q(name='x')"),
    ],
    ids=repr,
)
def test_what_is_cheap_comes_first_and_all_else_stays_as_it_is(query: Q, described: str) -> None:
    assert describe(cheapest_first(normalise(bind(Everything, query)))) == described


def test_every_operator_of_the_check_has_a_cost() -> None:
    assert set(costs._COSTS) == OPERATORS


def test_a_dear_check_is_not_made_where_a_cheap_one_decides() -> None:
    # A date that cannot be read is an error when it is read.
    broken = {"date": "soon", "string": "x"}
    assert not predicate(bind(Everything, Q(date__gt="2024-01-01") & Q(string="y")))(broken)
    assert predicate(bind(Everything, Q(date__gt="2024-01-01") | Q(string="x")))(broken)


def test_conditions_of_any_depth_are_put_in_order() -> None:
    query = Q(integer=1)
    for level in range(20_000):
        query = Q(string__regex="x") & query if level % 2 else Q(string__regex="y") | query
    meets = predicate(bind(Everything, query))
    assert [meets({"string": text, "integer": 1}) for text in ("x", "")] == [True, False]

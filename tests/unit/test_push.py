"""Query text: supersets that lose nothing. The golden file has the texts, the property tests the rows."""

from __future__ import annotations

import pytest
from fixtures.models import Everything
from hypothesis import given
from hypothesis import strategies as st

from rs_search import Q
from rs_search.index_schema import index_schema_of
from rs_search.planner.ft import MOST_WORDS, Parameters, Pushed, push
from rs_search.planner.normal import normalise
from rs_search.planner.text import document_words
from rs_search.query.bind import bind
from rs_search.query.strings import Like

SCHEMA = index_schema_of(Everything)


def pushed(query: Q) -> tuple[Pushed | None, list[str]]:
    parameters = Parameters()
    found = push(normalise(bind(Everything, query)), SCHEMA, parameters)
    return found, list(parameters.values.values())


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (Q(cities__match={"name": "a", "visitors": 1}), ["a", "1", "1"]),
        (Q(cities__match=Q(name="a") & ~Q(visitors=1)), ["a"]),
        (Q(cities__match=Q(name="a", capital=None)), ["a"]),
        (Q(cities__match=Q(name="a") | Q(visitors=1)), ["a", "1", "1"]),
        (Q(cities__match=Q(name="a") & (Q(visitors=1) | ~Q(visitors=2))), ["a"]),
        (Q(cities__match=Q(name="a") & (Q(visitors=1) ^ Q(capital=True) ^ Q(name="b"))), ["a"]),
        (Q(cities__match=Q(name__nin=[], visitors__gte=2)), ["2", "inf"]),
        (Q(cities__match={"name__contains": "a whole word"}), ["whole"]),
        (Q(cities__match={"tags__len": 2, "name": "a"}), ["a"]),
    ],
    ids=repr,
)
def test_of_a_match_the_index_is_asked_what_some_element_must_have(query: Q, values: list[str]) -> None:
    found, given_values = pushed(query)
    assert found is not None
    assert (found.exact, given_values) == (False, values)


@pytest.mark.parametrize(
    "query",
    [
        Q(cities__match=~Q(name="a")),
        Q(cities__match=Q(name="a") | ~Q(visitors=1)),
        Q(cities__match={"name": None}),
        Q(cities__match=~(Q(name="a") & Q(visitors=1))),
        Q(cities__match=Q(name="a") | Q(tags__len=2)),
        ~Q(cities__match={"name": "a"}),
        Q(cities__match={"name__nin": []}),
    ],
    ids=repr,
)
def test_of_a_match_that_no_value_of_the_list_is_needed_for_the_index_is_not_asked(query: Q) -> None:
    assert pushed(query)[0] is None


@pytest.mark.parametrize(
    ("lookup", "value", "words"),
    [
        ("contains", "one two three", ["two"]),
        ("contains", " one ", ["one"]),
        ("contains", "one two", []),
        ("contains", "x ÉCOLE-Ice, y", ["école", "ice"]),
        ("contains", "a a a a", ["a"]),
        ("startswith", "one two", ["one"]),
        ("startswith", " one two.", ["one", "two"]),
        ("endswith", "one two", ["two"]),
        ("endswith", "one two ", ["two"]),
        ("iexact", "One two", ["one", "two"]),
        ("istartswith", "ẞ x", ["ss"]),
        ("iendswith", "x ẞ", ["ss"]),
        ("contains", "a " + "x" * 200 + " b", []),
        ("contains", "", []),
    ],
)
def test_of_a_part_the_index_is_asked_for_its_whole_words(lookup: str, value: str, words: list[str]) -> None:
    found, values = pushed(Q(**{f"cities__name__{lookup}": value}))
    assert values == words
    assert (found is not None) is bool(words)
    if found is not None:
        assert found.exact is False


@pytest.mark.parametrize(
    ("lookup", "value"),
    [("contains", ' {} '), ("iexact", "{}"), ("startswith", "{} "), ("phrase", "{}"), ("search", '"{}"'),
     ("search", '"{}" | ice')],
)  # fmt: skip
def test_of_many_words_the_index_is_asked_for_the_longest(lookup: str, value: str) -> None:
    many = [f"{place}{'x' * (place % 80)}" for place in range(1000)]
    found, values = pushed(Q(**{f"cities__name__{lookup}": value.format(" ".join(many))}))
    assert found is not None
    assert found.exact is False
    longest = [word for word in values if word in many]
    assert len(longest) == MOST_WORDS
    assert min(map(len, longest)) >= 70


texts = st.text(st.one_of(st.sampled_from("ab \t\n,.-\\_Éßİ"), st.characters(exclude_categories=["Cs"])), max_size=20)


@given(texts, texts, texts, st.sampled_from(["contains", "startswith", "endswith", "iexact", "icontains"]))
def test_the_words_asked_for_are_words_of_every_text_that_has_the_part(
    before: str, part: str, after: str, lookup: str
) -> None:
    text = {"startswith": part + after, "endswith": before + part, "iexact": part}.get(lookup, before + part + after)
    like = Like({"iexact": "equals", "icontains": "contains"}.get(lookup, lookup), part, lookup.startswith("i"))
    assert like.matches(text)
    assert set(pushed(Q(**{f"cities__name__{lookup}": part}))[1]) <= set(document_words(text))


@pytest.mark.parametrize(
    "query",
    [
        ~Q(cities__name__contains=" one "),
        ~Q(point__near=(0, 0, 1, "m")),
        ~Q(string__search="one"),
        Q(string__search="van*"),
        Q(string__search="one | van*"),
        Q(string__search="-one"),
        Q(string__fuzzy="one"),
        Q(point__near=(0, 0, 1001, "km")),
        Q(point__near=(80, 0, 1, "m")),
        Q(point__within=((0, -100), (1, 100))),
        ~(Q(string="a") ^ Q(string="b") ^ Q(string="c")),
    ],
    ids=repr,
)
def test_what_the_server_could_lose_rows_by_has_no_query_text(query: Q) -> None:
    assert pushed(query)[0] is None


@pytest.mark.parametrize(
    ("query", "exact"),
    [
        (Q(string__search="one two | three"), True),
        (Q(string__search="a-b | c"), True),
        (Q(string__search='"one two"'), False),
        (Q(string__search="one -two"), False),
        (Q(string__search="one van*"), False),
        (Q(strings__search="one | two"), True),
        (Q(strings__search="one two"), False),
        (Q(strings__search="a-b | c"), False),
        (Q(multilingual__search="one two"), False),
        (Q(string="a") ^ Q(string="b") ^ Q(string="c"), False),
        (Q(string="a") ^ Q(string="b"), True),
        (Q(string__in=["a", "b\0"]), False),
        (Q(date__year=2024), True),
        (Q(point__near=(0, 0, 1, "m")), False),
    ],
    ids=repr,
)
def test_query_text_is_exact_where_the_index_tells_exactly(query: Q, exact: bool) -> None:
    found = pushed(query)[0]
    assert found is not None
    assert found.exact is exact


def test_whole_numbers_that_follow_each_other_are_one_interval() -> None:
    found, values = pushed(Q(integer__in=[3, 1, 2, 7, 9, 8, -1]))
    assert found is not None
    assert found.text.count("@integer") == 3
    assert values == ["-1", "-1", "1", "3", "7", "9"]

"""FILTER of FT.AGGREGATE: literals that cannot be broken out of, exactness and depth; the golden file has texts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from hypothesis import given
from hypothesis import strategies as st
from schematics.models import Model
from schematics.types import StringType

from rs_search import Q
from rs_search.index_schema import index_schema_of
from rs_search.options import search_options
from rs_search.planner.expression import (
    DEEPEST,
    LONGEST_PART,
    MOST_SIDE_BY_SIDE,
    MOST_VALUES,
    Expressed,
    express,
    joined,
)
from rs_search.planner.normal import normalise
from rs_search.planner.plan import Select, make_plan
from rs_search.query.bind import bind


def expressed(query: Q, model: type[Model] = IceCream) -> Expressed | None:
    return express(normalise(bind(model, query)), index_schema_of(model))


TEXTS: list[tuple[str, str, str | None, bool]] = [
    ("contains", "van", 'contains(@flavour,"van")>0', True),
    ("contains", "", 'contains(@flavour,"")>0', True),
    ("startswith", "van", 'startswith(@flavour,"van")', True),
    ("endswith", "van", 'substr(@flavour,-3,3)=="van"', True),
    ("endswith", "é😀", 'substr(@flavour,-6,6)=="é😀"', True),
    ("contains", 'a"b', 'contains(@flavour,"a\\"b")>0', True),
    ("contains", "it's (x) && $p0 @id", 'contains(@flavour,"it\'s (x) && $p0 @id")>0', True),
    # What no literal can hold: the longest piece, the first, or the last.
    ("contains", "a\\bcd\ne", 'contains(@flavour,"bcd")>0', False),
    ("startswith", "ab\\c", 'startswith(@flavour,"ab")', False),
    ("endswith", "ab\\c", 'substr(@flavour,-1,1)=="c"', False),
    ("contains", "\\", None, False),
    ("contains", "\x7f\x9f\x00", None, False),
    ("startswith", "\\ab", None, False),
    ("endswith", "ab\t", None, False),
    ("contains", "x\ud800", None, False),
]


@pytest.mark.parametrize(("lookup", "value", "text", "exact"), TEXTS, ids=ascii)
def test_a_part_of_a_text_is_a_literal(lookup: str, value: str, text: str | None, exact: bool) -> None:
    found = expressed(Q(**{f"flavour__{lookup}": value}))
    assert found == (None if text is None else Expressed(f"(exists(@flavour) && {text})", exact))


@pytest.mark.parametrize(
    ("lookup", "value", "folded"),
    [
        ("iexact", "STRASSE", '{}=="strasse"'),
        ("iexact", "Straße", '{}=="strasse"'),
        ("icontains", 'É"', 'contains({},"é\\"")>0'),
        ("istartswith", "Van", 'startswith({},"van")'),
        ("iendswith", "ẞ", 'substr({},-2,2)=="ss"'),
    ],
)
def test_a_part_in_any_case_is_looked_for_in_the_folded_text_where_there_is_one(
    lookup: str, value: str, folded: str
) -> None:
    beside = "exists(@flavour__case) && " + folded.format("@flavour__case")
    itself = "!exists(@flavour__case) && exists(@flavour) && " + folded.format("lower(@flavour)")
    assert expressed(Q(**{f"flavour__{lookup}": value})) == Expressed(f"(({beside}) || ({itself}))")
    itself = "exists(@uuid) && " + folded.format("lower(@uuid)")
    assert expressed(Q(**{f"uuid__{lookup}": value}), Everything) == Expressed(f"({itself})")


LITERAL = re.compile(r'"(?:[^"\\]|\\")*"')
hostile = st.text(
    st.one_of(st.sampled_from("\"\\'()@$&|!<>=*-\0\n\x1f\x7f\x9f\u0130ßé\ud800"), st.characters()), max_size=12
)
LOOKUPS = ["contains", "startswith", "endswith", "iexact", "icontains", "istartswith", "iendswith", "gt", "lte"]


@given(hostile, st.sampled_from(LOOKUPS))
def test_no_text_breaks_out_of_its_literal(value: str, lookup: str) -> None:
    found = expressed(Q(**{f"flavour__{lookup}": value}))
    if found is None:
        return
    harmless = expressed(Q(**{f"flavour__{lookup}": "x"}))
    assert harmless is not None
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", found.text)
    shape = re.sub(r"-\d+,\d+", "-1,1", LITERAL.sub('"x"', found.text))
    expected = harmless.text
    if not found.exact and lookup == "iexact":
        expected = re.sub(r'([^\s()!]+(?:\([^()]*\))?)=="x"', r'startswith(\1,"x")', expected)
    if lookup in ("endswith", "iendswith") and not value:
        shape, expected = "", ""
    assert shape == expected
    assert found.exact is not bool(re.search(r"[\\\x00-\x1f\x7f-\x9f]", value))


OTHERS: list[tuple[Q, str | None]] = [
    (Q(flavour__gt="a"), '(exists(@flavour) && @flavour>"a")'),
    (Q(flavour__range=("a", "é")), '(exists(@flavour) && @flavour>="a" && @flavour<="é")'),
    (Q(flavour__gte="a\\b"), None),
    (Q(flavour__in=["a", 'b"']), '(exists(@flavour) && (@flavour=="a" || @flavour=="b\\""))'),
    (Q(flavour__in=["a", "b\n"]), None),
    (Q(flavour__in=[str(number) for number in range(MOST_VALUES + 1)]), None),
    (Q(flavour=None), "(!exists(@flavour))"),
    (Q(flavour__isnull=False), "!((!exists(@flavour)))"),
    (Q(amount_kg=None), "(!exists(@amount_kg))"),
    (Q(amount_kg__gt=-5), "(exists(@amount_kg) && @amount_kg>-5)"),
    (Q(amount_kg__range=(1, 2**53 - 1)), f"(exists(@amount_kg) && @amount_kg>=1 && @amount_kg<={2**53 - 1})"),
    (Q(amount_kg__gt=2**53), None),
    (Q(amount_kg=5), None),
    (Q(best_before__year=1970), "(exists(@best_before) && @best_before>=0 && @best_before<31536000000000)"),
    (Q(flavour__regex="x"), None),
    (Q(flavour__fuzzy="x"), None),
    (Q(flavour__search="x"), None),
    (Q(flavour__search='"x y"'), None),
    (Q(best_before__month=1), None),
    (~Q(flavour__contains="x"), '!((exists(@flavour) && contains(@flavour,"x")>0))'),
    (~Q(flavour__contains="x\\"), None),
    (Q(flavour__contains="x") & Q(amount_kg=5), '((exists(@flavour) && contains(@flavour,"x")>0))'),
    (Q(flavour__contains="x") | Q(amount_kg=5), None),
    (Q(flavour__contains="x") ^ Q(id="a") ^ Q(pk="b"), None),
]


@pytest.mark.parametrize(("query", "text"), OTHERS, ids=[ascii(query)[:60] for query, _ in OTHERS])
def test_what_the_sortable_values_can_tell_is_expressed(query: Q, text: str | None) -> None:
    found = expressed(query)
    assert (found and found.text) == text


@pytest.mark.parametrize(
    ("query", "exact"),
    [
        (Q(flavour__contains="x") & Q(id__contains="y"), True),
        (Q(flavour__contains="x") & Q(id__contains="y\\"), False),
        (Q(flavour__contains="x") | Q(id__contains="y\\"), False),
        (Q(flavour__contains="x") & Q(amount_kg=5), False),
        (Q(flavour__contains="x") | ~Q(id__contains="y"), True),
        (Q(flavour__search="van*"), False),
    ],
    ids=ascii,
)
def test_an_expression_is_exact_where_all_of_it_is(query: Q, exact: bool) -> None:
    found = expressed(query)
    assert found is not None
    assert found.exact is exact


class Made(Model):
    unsorted = StringType(metadata={"search_options": search_options(sortable=False)})
    untagged = StringType(metadata={"search_options": search_options(tag=False)})
    skipped = StringType(metadata={"search_options": search_options(skip=True)})


@pytest.mark.parametrize("name", ["unsorted", "untagged", "skipped"])
def test_what_is_not_sortable_cannot_be_told(name: str) -> None:
    assert expressed(Q(**{f"{name}__contains": "x"}), Made) is None


@pytest.mark.parametrize(
    "name", ["strings", "cities__name", "multilingual", "mapping__a", "multilingual__de", "boolean"]
)
def test_what_has_many_values_or_no_text_cannot_be_told(name: str) -> None:
    lookup = "in" if name in ("boolean", "mapping__a") else "contains"
    value: Any = [1] if lookup == "in" else "x"
    assert expressed(Q(**{f"{name}__{lookup}": value}), Everything) is None


def nested(levels: int) -> Q:
    query = Q(flavour__contains="x")
    for level in range(levels):
        query = query & Q(id="y") if level % 2 else query | Q(id="y")
    return query


def test_an_expression_is_no_deeper_than_the_servers_parser_takes() -> None:
    assert expressed(nested(DEEPEST)) is not None
    assert expressed(nested(DEEPEST)).exact  # type: ignore[union-attr]
    deeper = expressed(nested(DEEPEST + 2))
    assert deeper is None or not deeper.exact
    for levels in range(3 * DEEPEST):
        found = expressed(nested(levels))
        opened = deepest = 0
        for sign in found.text if found else "":
            opened += {"(": 1, ")": -1}.get(sign, 0)
            deepest = max(deepest, opened)
        assert opened == 0
        assert deepest <= 2 * DEEPEST + 4


X = "x" * LONGEST_PART


@pytest.mark.parametrize(
    ("lookup", "value", "text"),
    [
        ("contains", "x" * 100_000, f'contains(@flavour,"{X}")>0'),
        ("startswith", X + "y", f'startswith(@flavour,"{X}")'),
        ("endswith", "y" + X, f'substr(@flavour,-{LONGEST_PART},{LONGEST_PART})=="{X}"'),
    ],
)
def test_of_a_long_part_the_server_looks_for_the_beginning_or_the_end(lookup: str, value: str, text: str) -> None:
    assert expressed(Q(**{f"flavour__{lookup}": value})) == Expressed(f"(exists(@flavour) && {text})", False)
    whole = expressed(Q(**{f"flavour__{lookup}": X}))
    assert whole is not None
    assert whole.exact


def test_a_long_text_in_any_case_is_looked_for_by_its_beginning() -> None:
    found = expressed(Q(flavour__iexact="X" * 1000))
    assert found is not None
    assert found.exact is False
    assert f'startswith(lower(@flavour),"{X}")' in found.text
    assert expressed(~Q(flavour__iexact="X" * 1000)) is None


@pytest.mark.parametrize("count", [2, MOST_SIDE_BY_SIDE, MOST_SIDE_BY_SIDE + 1, 250_000])
def test_of_many_expressions_no_more_stand_side_by_side_than_the_server_can_go_down(count: int) -> None:
    text = joined([str(number) for number in range(count)], " || ")
    levels: list[list[int]] = [[1]]
    most = brackets = 0
    for sign in re.findall(r"[()]|\|\|", text):
        if sign == "(":
            levels.append([1])
        elif sign == ")":
            levels.pop()
        else:
            levels[-1][0] += 1
        most, brackets = max(most, levels[-1][0]), max(brackets, len(levels) - 1)
    assert most <= MOST_SIDE_BY_SIDE
    assert brackets <= 2
    assert re.findall(r"\d+", text) == [str(number) for number in range(count)]


def test_what_is_cheap_is_looked_at_first() -> None:
    dear = Q(flavour__search="van*") & (Q(flavour__contains="x") | Q(amount_kg__gt=1)) & Q(id__contains="y")
    filtered = make_plan(Select(IceCream, bind(IceCream, dear)), None).filter
    assert filtered is not None
    places = [filtered.index(part) for part in ('contains(@id,"y")', 'contains(@flavour,"x")', '"van"')]
    assert places == sorted(places)

"""Normal form: negations at the leaves, no needless nesting, bounds merged; and always the same meaning."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from hypothesis import given
from hypothesis import strategies as st

from rs_search import Q
from rs_search.planner.normal import normalise
from rs_search.planner.predicate import predicate
from rs_search.query.bind import bind
from rs_search.query.tree import EVERYTHING, NOTHING, AllOf, AnyOf, Bound, Condition, Negation, describe

NORMAL = [
    (Q(), "everything"),
    (~Q(), "nothing"),
    (Q(flavour__in=[]), "nothing"),
    (~Q(flavour__in=[]), "everything"),
    (Q(flavour="x"), "flavour = 'x'"),
    (~~Q(flavour="x"), "flavour = 'x'"),
    (Q(Q(Q(flavour="x"))), "flavour = 'x'"),
    (Q(flavour="x") & Q(), "flavour = 'x'"),
    (Q(Q(), flavour="x"), "flavour = 'x'"),
    (Q(flavour="x") & Q(id__in=[]), "nothing"),
    (Q(flavour="x") | Q(id__in=[]), "flavour = 'x'"),
    (Q(flavour="x") | Q(id__nin=[]), "everything"),
    (~(Q(flavour="x") & Q(id="y")), "not (flavour = 'x') or not (id = 'y')"),
    (~(Q(flavour="x") | Q(id="y")), "not (flavour = 'x') and not (id = 'y')"),
    (~Q(flavour__ne="x"), "flavour = 'x'"),
    (
        Q(flavour="a") & (Q(flavour="b") & (Q(id="c") & Q(id="d"))),
        "flavour = 'a' and flavour = 'b' and id = 'c' and id = 'd'",
    ),
    (Q(flavour="a") | (Q(id="b") | Q(id="c")), "flavour = 'a' or id = 'b' or id = 'c'"),
    (~(Q(flavour="a") & ~(Q(id="b") & Q(id="c"))), "not (flavour = 'a') or (id = 'b' and id = 'c')"),
    (Q(amount_kg__gte=1) & (Q(flavour="x") & Q(amount_kg__lt=5)), "amount_kg >= 1 and amount_kg < 5 and flavour = 'x'"),
]


@pytest.mark.parametrize(("query", "described"), NORMAL, ids=[repr(query) for query, _ in NORMAL])
def test_conditions_are_brought_to_a_plain_form(query: Q, described: str) -> None:
    assert describe(normalise(bind(IceCream, query))) == described


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        (Q(amount_kg__gte=1, amount_kg__lt=5), (1, 5, True, False)),
        (Q(amount_kg__gt=1, amount_kg__gte=1), (1, None, False, True)),
        (Q(amount_kg__gte=1, amount_kg__gt=1), (1, None, False, True)),
        (Q(amount_kg__gt=1, amount_kg__gte=2), (2, None, True, True)),
        (Q(amount_kg__lt=5, amount_kg__lte=5), (None, 5, True, False)),
        (Q(amount_kg__lte=4, amount_kg__lt=5), (None, 4, True, True)),
        (Q(amount_kg__range=(1, 9), amount_kg__lte=5, amount_kg__gt=0), (1, 5, True, True)),
        (Q(amount_kg__gt=5, amount_kg__lt=3), (5, 3, False, False)),
    ],
    ids=repr,
)
def test_bounds_of_one_path_are_merged_to_the_tighter(query: Q, bounds: tuple[Any, ...]) -> None:
    merged = normalise(bind(IceCream, query))
    assert isinstance(merged, Condition)
    value = merged.value
    assert (value.low, value.high, value.include_low, value.include_high) == bounds


@pytest.mark.parametrize(
    "query",
    [
        Q(integers__gte=2, integers__lt=2),
        Q(cities__visitors__gte=2) & Q(cities__visitors__lt=2),
        Q(integer__gte=1) | Q(integer__lt=5),
        Q(integer__gte=1, city__visitors__lt=5),
        ~Q(integer__gte=1) & ~Q(integer__lt=5),
    ],
    ids=repr,
)
def test_bounds_through_lists_of_other_paths_unions_and_negations_are_not_merged(query: Q) -> None:
    bound = normalise(bind(Everything, query))
    assert isinstance(bound, (AllOf, AnyOf))
    assert len(bound.children) == 2


def test_everything_and_nothing_stand_only_at_the_top() -> None:
    assert normalise(EVERYTHING) == EVERYTHING
    assert normalise(NOTHING) == NOTHING
    assert normalise(AnyOf((NOTHING, NOTHING))) == NOTHING
    assert describe(normalise(AllOf((EVERYTHING, AnyOf((EVERYTHING, NOTHING)))))) == "everything"


# --- the same meaning, and the promises that the planner relies on ----------------------------------------------------


DOCUMENTS = [
    {"flavour": flavour, "amount_kg": amount, "id": name}
    for flavour, amount, name in itertools.product(["x", "y", None], [0, 1, 2, 5, None], ["y", None])
]
leaves = st.sampled_from(
    [
        Q(flavour="x"),
        Q(flavour=None),
        Q(flavour__in=["x", None]),
        Q(id__ne="y"),
        Q(id__in=[]),
        Q(id__nin=[]),
        Q(),
        *(Q(**{f"amount_kg__{name}": end}) for name in ("gt", "gte", "lt", "lte") for end in (1, 2)),
        Q(amount_kg__range=(2, 1)),
    ]
)
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        inner.map(lambda query: ~query),
        st.lists(inner, max_size=3).map(lambda parts: Q(*parts)),
    ),
    max_leaves=12,
)


@given(queries)
def test_the_plain_form_means_what_the_conditions_mean(query: Q) -> None:
    bound = bind(IceCream, query)
    plain = normalise(bound)
    meant, means = predicate(bound), predicate(plain)
    assert [meant(document) for document in DOCUMENTS] == [means(document) for document in DOCUMENTS]


@given(queries)
def test_the_plain_form_is_plain(query: Q) -> None:
    plain = normalise(bind(IceCream, query))
    assert describe(normalise(plain)) == describe(plain)
    _assert_plain(plain, top=True)


def _assert_plain(bound: Bound, top: bool = False) -> None:
    if isinstance(bound, Negation):
        assert isinstance(bound.child, Condition)
    elif isinstance(bound, (AllOf, AnyOf)):
        assert len(bound.children) > 1 or (top and not bound.children)
        assert not any(type(child) is type(bound) for child in bound.children)
        for child in bound.children:
            _assert_plain(child)

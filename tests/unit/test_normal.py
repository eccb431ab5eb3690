"""Normal form: negations at the leaves, no needless nesting, bounds merged; and always the same meaning."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from hypothesis import given
from hypothesis import strategies as st
from schematics.models import Model
from schematics.types import IntType

from rs_search import Q
from rs_search.planner.normal import means_everything, normalise
from rs_search.planner.predicate import predicate
from rs_search.query.bind import bind
from rs_search.query.tree import EVERYTHING, NOTHING, AllOf, AnyOf, Bound, Condition, Negation, Parity, describe, inner


class Truths(Model):
    a, b, c, d = IntType(), IntType(), IntType(), IntType()


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
    # Bounds that hold nothing.
    (Q(amount_kg__gt=5, amount_kg__lt=3), "nothing"),
    (Q(amount_kg__gt=5, amount_kg__lte=5), "nothing"),
    (Q(amount_kg__range=(2, 1)), "nothing"),
    (~Q(amount_kg__range=(2, 1)), "everything"),
    (Q(flavour="x") | Q(amount_kg__gt=5, amount_kg__lt=3), "flavour = 'x'"),
    (Q(flavour__search="?!"), "nothing"),
    # An odd number.
    (Q(flavour="x") ^ Q(id__in=[]), "flavour = 'x'"),
    (Q(flavour="x") ^ Q(id__nin=[]), "not (flavour = 'x')"),
    (Q(flavour="x") ^ Q(id__nin=[]) ^ ~Q(), "not (flavour = 'x')"),
    (Q(id__in=[]) ^ Q(id__in=[]), "nothing"),
    (Q(id__nin=[]) ^ Q(id__in=[]), "everything"),
    (Q(id__nin=[]) ^ Q(id__nin=[]), "nothing"),
    (Q(flavour="x") ^ Q(id="y"), "(flavour = 'x' and not (id = 'y')) or (not (flavour = 'x') and id = 'y')"),
    (~(Q(flavour="x") ^ Q(id="y")), "(not (flavour = 'x') and not (id = 'y')) or (flavour = 'x' and id = 'y')"),
    (Q(flavour="x") ^ Q(id="y") ^ Q(amount_kg=1), "flavour = 'x' xor id = 'y' xor amount_kg = 1"),
    (~(Q(flavour="x") ^ Q(id="y") ^ Q(amount_kg=1)), "not (flavour = 'x' xor id = 'y' xor amount_kg = 1)"),
    (~(Q(flavour="x") ^ ~(Q(id="y") ^ Q(amount_kg=1) ^ Q(pk="z"))),
     "flavour = 'x' xor id = 'y' xor amount_kg = 1 xor pk = 'z'"),
    (Q(flavour="x") ^ Q(id="y", amount_kg=1), "flavour = 'x' xor (id = 'y' and amount_kg = 1)"),
]  # fmt: skip


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
    assert normalise(EVERYTHING) is EVERYTHING
    assert normalise(NOTHING) is NOTHING
    assert normalise(AnyOf((NOTHING, NOTHING))) is NOTHING
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
        Q(flavour__contains="x"),
    ]
)
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] ^ pair[1]),
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
    _assert_plain(normalise(bind(IceCream, query)), top=True)


@pytest.mark.parametrize(
    "query",
    [
        Q(amount_kg__gt=1) ^ ~Q(amount_kg__lt=5),
        Q(amount_kg__gt=5) ^ ~Q(amount_kg__lt=1),
        Q(best_before__year=2024, best_before__month=5),
    ],
    ids=repr,
)
def test_the_plain_form_of_the_plain_form_is_itself(query: Q) -> None:
    plain = normalise(bind(IceCream, query))
    assert _shape(normalise(plain)) == _shape(plain)


def _shape(bound: Bound) -> Any:
    return (type(bound), *map(_shape, inner(bound)))


# --- any tree, over all truths of its leaves --------------------------------------------------------------------------


NAMES = "abcd"
#: Conditions on integers of a document, which hold where they are 1.
ATOMS = {name: bind(Truths, Q(**{name: 1})) for name in NAMES}
CHOICES = [dict(zip(NAMES, truths, strict=True)) for truths in itertools.product([0, 1], repeat=len(NAMES))]
trees = st.recursive(
    st.sampled_from([*NAMES, EVERYTHING, NOTHING]),
    lambda inside: st.one_of(
        st.lists(inside, max_size=4).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inside, max_size=4).map(lambda parts: AnyOf(tuple(parts))),
        st.lists(inside, min_size=1, max_size=4).map(lambda parts: Parity(tuple(parts))),
        st.lists(inside, min_size=1, max_size=4).map(lambda parts: Parity(tuple(parts), odd=False)),
        inside.map(Negation),
    ),
    max_leaves=16,
)


def with_atoms(tree: Any) -> Bound:
    if isinstance(tree, str):
        return ATOMS[tree]
    if isinstance(tree, Negation):
        return Negation(with_atoms(tree.child))
    children = tuple(map(with_atoms, tree.children))
    return Parity(children, tree.odd) if isinstance(tree, Parity) else type(tree)(children)


def truth(tree: Any, choice: dict[str, int]) -> bool:
    """The definition."""
    if isinstance(tree, str):
        return bool(choice[tree])
    if isinstance(tree, Negation):
        return not truth(tree.child, choice)
    truths = [truth(child, choice) for child in tree.children]
    if isinstance(tree, Parity):
        return (sum(truths) % 2 == 1) is tree.odd
    return all(truths) if isinstance(tree, AllOf) else any(truths)


@given(trees)
def test_a_check_of_any_tree_is_its_truth_and_that_of_its_plain_form(tree: Any) -> None:
    expected = [truth(tree, choice) for choice in CHOICES]
    bound = with_atoms(tree)
    plain = normalise(bound)
    assert [predicate(bound)(choice) for choice in CHOICES] == expected
    assert [predicate(plain)(choice) for choice in CHOICES] == expected
    assert [predicate(normalise(bound, negated=True))(choice) for choice in CHOICES] == [not one for one in expected]
    _assert_plain(plain, top=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Q(), True),
        (Q(Q(), Q()), True),
        (~Q(), False),
        (Q(flavour__nin=[]), True),
        (~Q(amount_kg__range=(2, 1)), True),
        (~Q(flavour__search="?"), True),
        (Q(flavour__nin=[]) | Q(id="x"), True),
        (Q(flavour__nin=[]) ^ Q(id__in=[]), True),
        (Q(flavour="x"), False),
        (Q(flavour__in=[]), False),
        (Q(flavour__contains=""), False),
    ],
    ids=repr,
)
def test_conditions_that_mean_everything_are_known(query: Q, expected: bool) -> None:
    assert means_everything(bind(IceCream, query)) is expected


# --- nested to any depth ----------------------------------------------------------------------------------------------


DEEP = 20_000
JOINS: dict[str, Any] = {
    "and": lambda inside, other: AllOf((other, AnyOf((inside, other)))),
    "not": lambda inside, other: Negation(AllOf((inside, other))),
    "xor": lambda inside, other: Parity((other, AllOf((inside, other)), other)),
    "alone": lambda inside, other: AnyOf((AllOf((inside,)),)),
}


@pytest.mark.parametrize("join", JOINS)
def test_conditions_nested_to_any_depth_are_brought_to_a_plain_form_checked_and_described(join: str) -> None:
    bound = ATOMS["a"]
    for level in range(DEEP):
        bound = JOINS[join](bound, ATOMS["bcd"[level % 3]])
    plain = normalise(bound)
    meant, means = predicate(bound), predicate(plain)
    assert [means(choice) for choice in CHOICES[::5]] == [meant(choice) for choice in CHOICES[::5]]
    assert describe(bound)
    assert describe(plain)


def test_a_query_nested_to_any_depth_is_bound_and_printed() -> None:
    query = Q(a=1)
    for level in range(DEEP):
        query = ~(query & Q(b=level)) if level % 2 else query | Q(c=level)
    assert "..." in repr(query)
    bound = bind(Truths, query)
    depth, node = 0, bound
    while inner(node):
        depth, node = depth + 1, inner(node)[0]
    assert depth >= DEEP
    assert predicate(normalise(bound))({"a": 1}) is predicate(bound)({"a": 1})


def _assert_plain(bound: Bound, top: bool = False) -> None:
    if isinstance(bound, Negation):
        assert isinstance(bound.child, Condition)
    elif isinstance(bound, Parity):
        assert len(bound.children) > 1
        assert not any(isinstance(child, Parity) for child in bound.children)
        for child in bound.children:
            _assert_plain(child)
    elif isinstance(bound, (AllOf, AnyOf)):
        assert len(bound.children) > 1 or (top and not bound.children)
        assert not any(type(child) is type(bound) for child in bound.children)
        for child in bound.children:
            _assert_plain(child)

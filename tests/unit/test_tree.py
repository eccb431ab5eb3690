"""Q: how conditions are joined, compared and printed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_search import Q
from rs_search.query.tree import EVERYTHING, NOTHING, AllOf, AnyOf, Bound, Negation, Parity, describe, fold

a, b, c, d = Q(a=1), Q(b="x | y"), Q(c__in=[1, None]), Q(d=1, e__gt=2)

PRINTED: list[Any] = [
    (Q(), "Q()"),
    (~Q(), "~Q()"),
    (a, "Q(a=1)"),
    (~a, "~Q(a=1)"),
    (d, "Q(d=1, e__gt=2)"),
    (~d, "~Q(d=1, e__gt=2)"),
    (a & b, "Q(a=1, b='x | y')"),
    (a | b, "Q(a=1) | Q(b='x | y')"),
    (~(a | b), "~(Q(a=1) | Q(b='x | y'))"),
    ((a | c) & b, "(Q(a=1) | Q(c__in=[1, None])) & Q(b='x | y')"),
    (a | c & b, None),
    ((a | b) | c, "Q(a=1) | Q(b='x | y') | Q(c__in=[1, None])"),
    (a & ~(b & c), "Q(a=1) & ~Q(b='x | y', c__in=[1, None])"),
    (d | a, "Q(d=1, e__gt=2) | Q(a=1)"),
    (d & a, None),
    (Q(a, b, d=1), None),
    (Q(a | b), None),
    (~Q(a | b, c=1), None),
    (Q(~a), None),
    (~~(a | ~d), None),
    (Q(Q(Q())), None),
    (Q(a=1) & Q(a=2), None),
    (a ^ b, "Q(a=1) ^ Q(b='x | y')"),
    (a ^ b ^ c, "Q(a=1) ^ Q(b='x | y') ^ Q(c__in=[1, None])"),
    (~(a ^ b), "~(Q(a=1) ^ Q(b='x | y'))"),
    ((a ^ b) | c, "(Q(a=1) ^ Q(b='x | y')) | Q(c__in=[1, None])"),
    (a ^ (b & c), None),
    (d ^ a, "Q(d=1, e__gt=2) ^ Q(a=1)"),
    (a ^ ~(b ^ c), None),
    (Q(a ^ b, c=1), None),
    (Q(**{"class": 1, "prices__per litre": 2}), "Q(**{'class': 1, 'prices__per litre': 2})"),
    (Q(a=1) | Q(**{"b c": 2}), "Q(a=1) | Q(**{'b c': 2})"),
]


@pytest.mark.parametrize(("query", "text"), PRINTED)
def test_a_q_prints_as_python_that_makes_its_equal(query: Q, text: str | None) -> None:
    if text is not None:
        assert repr(query) == text
    assert meaning(eval(repr(query))) == meaning(query)


def meaning(query: Q) -> Any:
    """The truth of a query for every choice of its lookups being true."""
    names = sorted(_names(query))
    choices = [
        frozenset(name for place, name in enumerate(names) if mask >> place & 1) for mask in range(2 ** len(names))
    ]
    return names, [_true(query, choice) for choice in choices]


def _names(query: Q) -> set[str]:
    return set().union(*(_names(child) if isinstance(child, Q) else {repr(child)} for child in query.children), set())


def _true(query: Q, chosen: frozenset[str]) -> bool:
    parts = [_true(child, chosen) if isinstance(child, Q) else repr(child) in chosen for child in query.children]
    joined = {"&": all, "|": any, "^": lambda truths: sum(truths) % 2 == 1}[query.connector]
    return joined(parts) is not query.negated


leaves = st.sampled_from([Q(a=1), Q(b=2), Q(a=1, c=3), ~Q(b=2), Q(d="|"), Q(Q(a=1) | Q(d="|"))])
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] ^ pair[1]),
        inner.map(lambda query: ~query),
        st.tuples(inner, inner).map(lambda pair: Q(*pair, c=3)),
    ),
    max_leaves=8,
)


@given(queries)
def test_any_q_prints_as_python_that_means_the_same(query: Q) -> None:
    assert meaning(eval(repr(query))) == meaning(query)


@given(queries, queries)
def test_joining_means_what_it_says(first: Q, second: Q) -> None:
    names = sorted(_names(first) | _names(second))
    for mask in range(2 ** len(names)):
        chosen = frozenset(name for place, name in enumerate(names) if mask >> place & 1)
        assert _true(first & second, chosen) is (_true(first, chosen) and _true(second, chosen))
        assert _true(~first, chosen) is not _true(first, chosen)
        if first.children and second.children:
            assert _true(first | second, chosen) is (_true(first, chosen) or _true(second, chosen))
            assert _true(first ^ second, chosen) is (_true(first, chosen) is not _true(second, chosen))


def test_an_empty_q_may_begin_a_loop_of_either_join() -> None:
    either, both, odd = Q(), Q(), Q()
    for number in range(3):
        either |= Q(a=number)
        odd ^= Q(a=number)
        both &= Q(a=number)
    assert repr(either) == "Q(a=0) | Q(a=1) | Q(a=2)"
    assert repr(odd) == "Q(a=0) ^ Q(a=1) ^ Q(a=2)"
    assert meaning(both) == meaning(Q(a=0) & Q(a=1) & Q(a=2))


def test_a_loop_of_joins_stays_flat() -> None:
    query = Q(a=0)
    for number in range(10_000):
        query |= Q(a=number)
    assert len(query.children) == 10_001
    assert not any(isinstance(child, Q) and child.children == query.children for child in query.children)


def test_a_lookup_that_is_no_keyword_prints_as_python_too() -> None:
    query = Q(**{"mapping__b c": 1, "class": 2})
    assert eval(repr(query)) == query


def test_a_q_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        a.negated = True  # type: ignore[misc]
    joined = a & b
    assert (repr(a), repr(joined)) == ("Q(a=1)", "Q(a=1, b='x | y')")


def test_a_q_is_equal_by_value_copied_and_pickled() -> None:
    query = ~(a & b) | d
    assert query == ~(Q(a=1) & Q(b="x | y")) | Q(d=1, e__gt=2)
    assert query != a & b | d
    assert copy.deepcopy(query) == pickle.loads(pickle.dumps(query)) == query


@pytest.mark.parametrize("other", [1, "x", None, {"a": 1}, lambda: None])
def test_a_q_joins_with_nothing_else(other: Any) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        a & other
    with pytest.raises(TypeError, match="unsupported operand"):
        a | other
    with pytest.raises(TypeError, match="unsupported operand"):
        a ^ other


@pytest.mark.parametrize(
    "use", [lambda: a and b, lambda: a or b, lambda: not a, lambda: bool(Q()), lambda: 1 if a else 2], ids=range(5)
)
def test_a_q_in_and_or_not_is_refused_where_python_would_drop_a_condition(use: Any) -> None:
    with pytest.raises(TypeError, match="not by and, or, not"):
        use()


def test_values_that_can_be_gone_through_once_are_kept_and_others_changed_later_change_nothing() -> None:
    numbers, inside = [1, 2], {"b__in": (n for n in (1, 2))}
    query = Q(a__in=(n for n in numbers), b=numbers, c=map(str, numbers), d__match=inside, e={1})
    numbers.append(3)
    inside["x"] = iter(())
    assert query == Q(a__in=[1, 2], b=[1, 2], c=["1", "2"], d__match={"b__in": [1, 2]}, e={1})
    assert repr(query) == "Q(a__in=[1, 2], b=[1, 2], c=['1', '2'], d__match={'b__in': [1, 2]}, e={1})"


# --- trees ------------------------------------------------------------------------------------------------------------


def test_a_tree_is_folded_from_its_leaves_up_in_order() -> None:
    tree = ("a", [("b", [("c", [])]), ("d", [])])
    told: list[str] = []

    def combine(node: Any, parts: list[str]) -> str:
        told.append(node[0])
        return f"{node[0]}({','.join(parts)})"

    assert fold(tree, lambda node: node[1], combine) == "a(b(c()),d())"
    assert told == ["c", "b", "d", "a"]


def test_a_tree_of_any_depth_is_folded() -> None:
    tree: Any = ()
    for _ in range(20_000):
        tree = (tree, ())
    assert fold(tree, iter, lambda node, sizes: 1 + sum(sizes)) == 40_001


def test_a_query_of_any_depth_prints() -> None:
    query = Q(a=1)
    for level in range(20_000):
        query = ~(query & Q(b=level)) if level % 2 else query | Q(c=level)
    assert "..." in repr(query)
    assert repr(query).count("(") < 1000


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (EVERYTHING, "everything"),
        (NOTHING, "nothing"),
        (Parity(()), "nothing"),
        (Parity((), odd=False), "not (nothing)"),
        (Negation(EVERYTHING), "not (everything)"),
        (AllOf((AnyOf((EVERYTHING, NOTHING)), NOTHING)), "(everything or nothing) and nothing"),
        (AnyOf((AllOf((NOTHING,)), NOTHING)), "nothing or nothing"),
        (Parity((AllOf((NOTHING, NOTHING)), NOTHING), odd=False), "not ((nothing and nothing) xor nothing)"),
    ],
)
def test_conditions_are_told_in_words(bound: Bound, text: str) -> None:
    assert describe(bound) == text

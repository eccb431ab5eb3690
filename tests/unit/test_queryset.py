"""Result sets: lazy, immutable, and lists to the eye. What is asked is recorded; the answers are given."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.models import IceCream

from rs_search import Q
from rs_search.errors import QueryError, UnknownField
from rs_search.planner.plan import Select
from rs_search.planner.predicate import predicate, sort_rows
from rs_search.query.queryset import ResultSet

DOCUMENTS = {
    f"k{number}": {"id": f"k{number}", "amount_kg": number, "flavour": "xy"[number % 2]} for number in range(7)
}


class Answering:
    """Answers questions from `DOCUMENTS` by the definition, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def rows_of(self, select: Select) -> list[Any]:
        self.asked.append("rows")
        return self._rows(select)

    def count_of(self, select: Select) -> int:
        self.asked.append("count")
        return len(self._rows(select))

    def explanation_of(self, select: Select) -> str:
        self.asked.append("explain")
        return "a plan"

    def _rows(self, select: Select) -> list[Any]:
        meets = predicate(select.where)
        rows = sort_rows([row for row in DOCUMENTS.items() if meets(row[1])], select.order)
        return [key for key, _ in rows][select.start : select.stop]


@pytest.fixture
def answers() -> Answering:
    return Answering()


@pytest.fixture
def everything(answers: Answering) -> ResultSet[Any]:
    return ResultSet(answers, Select(IceCream), (("IceCream", None),))


KEYS = list(DOCUMENTS)


def test_nothing_is_asked_before_rows_are_needed(answers: Answering, everything: ResultSet[Any]) -> None:
    narrowed = everything.filter(flavour="x").exclude(amount_kg__gt=4).order_by("-amount_kg")[1:3]
    repr(narrowed)
    assert answers.asked == []
    assert list(narrowed) == ["k2", "k0"]
    assert answers.asked == ["rows"]


def test_rows_are_read_once_and_kept(answers: Answering, everything: ResultSet[Any]) -> None:
    assert (len(everything), list(everything), everything[3], everything[-1], bool(everything)) == (
        7,
        KEYS,
        "k3",
        "k6",
        True,
    )
    assert everything == KEYS
    assert everything.count() == 7
    assert everything[2:4] == ["k2", "k3"]
    assert list(reversed(everything)) == KEYS[::-1]
    assert "k3" in everything
    assert answers.asked == ["rows"]


def test_each_set_has_rows_of_its_own(everything: ResultSet[Any]) -> None:
    narrowed = everything.filter(flavour="x")
    assert list(everything) == KEYS
    assert list(narrowed) == ["k0", "k2", "k4", "k6"]
    assert list(everything.filter(flavour="y")) == ["k1", "k3", "k5"]


def test_truth_and_one_row_ask_for_no_more_than_they_need(answers: Answering, everything: ResultSet[Any]) -> None:
    assert everything
    assert not everything.filter(flavour="z")
    assert everything[6] == "k6"
    assert answers.asked == ["count", "count", "rows"]
    assert everything.count() == 7
    assert everything.explain() == "a plan"
    assert answers.asked[3:] == ["count", "explain"]


SLICES = [
    slice(None, None), slice(0, 3), slice(2, None), slice(2, 5), slice(5, 2), slice(0, 0), slice(6, 100),
    slice(100, 200), slice(None, 4), slice(3, 3),
]  # fmt: skip


@pytest.mark.parametrize("first", SLICES, ids=str)
@pytest.mark.parametrize("second", SLICES, ids=str)
@pytest.mark.parametrize("read", [False, True])
def test_a_slice_of_a_slice_is_as_of_lists(everything: ResultSet[Any], first: slice, second: slice, read: bool) -> None:
    outer = everything[first]
    if read:
        list(outer)
    inner = outer[second]
    expected = KEYS[first][second]
    assert inner.count() == len(expected)
    assert bool(inner) is bool(expected)
    assert list(inner) == expected


@pytest.mark.parametrize("cut", SLICES, ids=str)
@pytest.mark.parametrize("index", [0, 1, 6, 7, -1, -7, -8])
@pytest.mark.parametrize("read", [False, True])
def test_an_index_is_as_of_lists(everything: ResultSet[Any], cut: slice, index: int, read: bool) -> None:
    part = everything[cut]
    if read:
        list(part)
    try:
        expected = KEYS[cut][index]
    except IndexError:
        with pytest.raises(IndexError):
            part[index]
    else:
        assert part[index] == expected


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (slice(-1, None), "counts from the start"),
        (slice(0, -1), "counts from the start"),
        (slice(0, 5, 2), r"list\(…\)\[::2\]"),
        (slice(None, None, -1), r"list\(…\)\[::-1\]"),
    ],
)
def test_a_slice_that_no_server_can_cut_is_refused(everything: ResultSet[Any], cut: slice, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        everything[cut]


@pytest.mark.parametrize("method", ["filter", "exclude", "order_by"])
def test_a_slice_is_not_narrowed_or_ordered_again(everything: ResultSet[Any], method: str) -> None:
    narrow: Any = getattr(everything[1:2], method)
    with pytest.raises(QueryError, match=rf"IceCream\[1:2\] is a slice already; call {method}\(\) before slicing"):
        narrow() if method != "order_by" else narrow("flavour")


def test_a_wrong_question_is_told_when_it_is_asked_not_when_rows_are_read(everything: ResultSet[Any]) -> None:
    with pytest.raises(UnknownField):
        everything.filter(flavor="x")
    with pytest.raises(UnknownField):
        everything.order_by("flavor")


@pytest.mark.parametrize(
    ("narrow", "keys"),
    [
        (lambda q: q.filter(), KEYS),
        (lambda q: q.exclude(), []),
        (lambda q: q.filter(flavour="x").filter(amount_kg__gt=2), ["k4", "k6"]),
        (lambda q: q.filter(Q(flavour="y") | Q(amount_kg=0)), ["k0", "k1", "k3", "k5"]),
        (lambda q: q.filter(Q(flavour="y"), Q(amount_kg__lt=4), id__ne="k1"), ["k3"]),
        (lambda q: q.exclude(flavour="x", amount_kg__gt=2), ["k0", "k1", "k2", "k3", "k5"]),
        (lambda q: q.exclude(flavour="x").exclude(amount_kg__gt=2), ["k1"]),
        (lambda q: q.order_by("flavour", "-amount_kg"), ["k6", "k4", "k2", "k0", "k5", "k3", "k1"]),
        (lambda q: q.order_by("flavour").order_by("-amount_kg"), KEYS[::-1]),
        (lambda q: q.order_by("flavour").order_by(), KEYS),
    ],
)
def test_questions_are_joined_as_they_are_written(everything: ResultSet[Any], narrow: Any, keys: list[str]) -> None:
    assert list(narrow(everything)) == keys


@pytest.mark.parametrize(
    "text",
    [
        "IceCream.filter(flavour='x')",
        "IceCream.filter(flavour='x').exclude(Q(id='k0') | Q(amount_kg__gt=4))",
        "IceCream.filter(Q(flavour='x'), Q(id='k0'))",
        "IceCream.filter(~Q(flavour='x'), amount_kg__in=[1, None])",
        "IceCream.filter(Q(flavour='a\\nb'))",
        "IceCream.filter()",
        "IceCream.order_by('-amount_kg', 'flavour')[2:5]",
        "IceCream.filter(flavour='x')[:3]",
        "IceCream.filter(flavour='x')[3:]",
        "IceCream.filter(flavour='x')[1:5][:2]",
    ],
)
def test_a_result_set_prints_as_the_python_that_makes_it(everything: ResultSet[Any], text: str) -> None:
    made = eval(text, {"IceCream": everything, "Q": Q})
    again = eval(repr(made), {"IceCream": everything, "Q": Q})
    assert list(again) == list(made)
    assert repr(again) == repr(made)
    if "Q(flavour='a" not in text:
        assert repr(made) == text


def test_a_result_set_equals_lists_and_sets_of_the_same_rows(everything: ResultSet[Any]) -> None:
    assert everything == KEYS
    assert everything == tuple(KEYS)
    assert everything.filter(flavour="x") == everything.exclude(flavour="y")
    assert everything != KEYS[:3]
    assert everything != "k0"
    with pytest.raises(TypeError):
        hash(everything)

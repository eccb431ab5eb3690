"""Result sets: lazy, immutable, and lists to the eye. What is asked is recorded; the answers are given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from typing import Any

import pytest
from fixtures.models import IceCream
from schematics.models import Model
from schematics.types import StringType

from rs_search import Q, SearchRedisMixin
from rs_search.errors import InvalidSlice, InvalidValue, MultipleFound, NotFound, QueryError, UnknownField
from rs_search.operations.requests import Deliver, Direct, Operation, Pause, Stream
from rs_search.planner.explain import Explanation, Ran
from rs_search.planner.order import Seen, ordered, ranker
from rs_search.planner.plan import Select, make_plan
from rs_search.planner.predicate import predicate
from rs_search.query.queryset import ResultSet
from rs_search.query.shapes import Shape
from rs_search.turns import finished
from rs_search.twins import Arguments, Make, Options

DOCUMENTS = {
    f"k{number}": {"id": f"k{number}", "amount_kg": number, "flavour": "xy"[number % 2]} for number in range(7)
}


class Answering:
    """Answers questions from `DOCUMENTS` by the definition, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def rows(
        self, state: Any, select: Select, shape: Shape, told: int | None = None
    ) -> Operation[tuple[list[Any], Ran]]:
        yield from self._asked_for("rows")
        rows = self._rows(select, shape)
        return rows, Ran(len(DOCUMENTS), len(rows), 0.5)

    def batches(self, state: Any, select: Select, shape: Shape) -> Stream:
        yield from self._asked_for("batches")
        rows = self._rows(select, shape)
        for start in range(0, len(rows), 2):
            self.asked.append("batch")
            yield Deliver(rows[start : start + 2])

    def total(self, state: Any, select: Select) -> Operation[int]:
        yield from self._asked_for("count")
        return len(self._rows(select, Shape()))

    def explanation(self, state: Any, select: Select) -> Operation[Explanation]:
        yield from self._asked_for("explain")
        return Explanation(make_plan(select, "it is a dictionary"))

    def profile(self, state: Any, select: Select) -> Operation[Any]:
        yield from self._asked_for("profile")
        return {"profile": True}

    def by_pks(self, state: Any, select: Select, shape: Shape, pks: Iterable[Any] | None) -> Operation[dict[str, Any]]:
        yield from self._asked_for("pks")
        wanted = None if pks is None else set(pks)
        keys = [key for key in self._rows(select, Shape()) if wanted is None or key in wanted]
        return {key: self._row(key, shape) for key in keys}

    def change(self, state: Any, select: Select, values: dict[str, Any], on_progress: Any) -> Operation[int]:
        yield from self._asked_for(f"change {sorted(values)}")
        return len(self._rows(select, Shape()))

    def remove(self, state: Any, select: Select, on_progress: Any) -> Operation[int]:
        yield from self._asked_for("remove")
        return len(self._rows(select, Shape()))

    def direct_rows(self, state: Any, select: Select, shape: Shape, keep: Any, again: Any) -> Direct | None:
        return None

    def direct_total(self, state: Any, select: Select, again: Any) -> Direct | None:
        return None

    def call_operation(self, name: str, make: Make[Any], arguments: Arguments, options: Options) -> Any:
        return _run_to_its_end(make(None, *arguments, **options))

    async def await_operation(self, make: Make[Any], arguments: Arguments, options: Options) -> Any:
        return _run_to_its_end(make(None, *arguments, **options))

    def iterate(self, name: str, make: Callable[[Any], Stream]) -> Iterator[list[Any]]:
        return (request.rows for request in make(None) if isinstance(request, Deliver))

    async def aiterate(self, make: Callable[[Any], Stream]) -> AsyncGenerator[list[Any], None]:
        for rows in self.iterate("", make):
            yield rows

    def _asked_for(self, what: str) -> Operation[None]:
        self.asked.append(what)
        yield Pause(0)

    def _rows(self, select: Select, shape: Shape) -> list[Any]:
        meets, rank, seen = predicate(select.where), ranker(select.order), Seen(select.distinct)
        found = [(key, rank(document), document) for key, document in DOCUMENTS.items() if meets(document)]
        rows = finished(ordered(found, select.order, select.keys_down))
        keys = [key for key, _, document in rows if seen.is_first(document)]
        return [self._row(key, shape) for key in keys[select.start : select.stop]]

    def _row(self, key: str, shape: Shape) -> Any:
        """Instances are played by their keys, and partial ones by key and fields."""
        if shape.of_values:
            return shape.row({name: DOCUMENTS[key].get(name) for name in shape.fields})
        return (key, *shape.fields) if shape.fields else key


def _run_to_its_end(operation: Operation[Any]) -> Any:
    try:
        while True:
            next(operation)
    except StopIteration as stop:
        return stop.value


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
    assert str(everything.explain()).startswith("IceCream: everything\n  scan")
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


@pytest.mark.parametrize("wrong", ["1", 1.0, None, (1,)], ids=repr)
@pytest.mark.parametrize("read", [False, True])
def test_an_index_or_slice_is_of_integers_as_of_lists(everything: ResultSet[Any], wrong: Any, read: bool) -> None:
    if read:
        len(everything)
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        everything[wrong]
    if wrong is not None:
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            everything[wrong:]
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            everything[:wrong]


@pytest.mark.parametrize("change", [lambda q: q.delete(), lambda q: q.update(amount_kg=1)], ids=["delete", "update"])
def test_rows_that_distinct_leaves_out_are_not_changed_unseen(everything: ResultSet[Any], change: Any) -> None:
    for some in (everything.distinct("flavour"), everything.values("flavour").distinct()):
        with pytest.raises(InvalidSlice, match="call it without distinct"):
            change(some)


@pytest.mark.parametrize("method", ["filter", "exclude", "order_by", "reverse", "distinct", "none", "in_bulk", "get"])
def test_a_slice_is_not_narrowed_or_ordered_again(everything: ResultSet[Any], method: str) -> None:
    narrow: Any = getattr(everything[1:2], method)
    told = "filter" if method == "get" else method
    with pytest.raises(InvalidSlice, match=rf"IceCream\[1:2\] is a slice already; call {told}\(\) before slicing"):
        narrow(flavour="x") if method == "get" else narrow()


@pytest.mark.parametrize("method", ["values", "values_list", "only"])
def test_rows_of_a_slice_may_be_told_otherwise(everything: ResultSet[Any], method: str) -> None:
    assert len(getattr(everything[1:3], method)("id")) == 2


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
        (lambda q: q.filter(Q(flavour="x") ^ Q(amount_kg__gt=3)), ["k0", "k2", "k5"]),
        (lambda q: q.none(), []),
        (lambda q: q.none().filter(flavour="x"), []),
        (lambda q: q.reverse(), KEYS[::-1]),
        (lambda q: q.reverse().reverse(), KEYS),
        (lambda q: q.order_by("flavour").reverse(), ["k5", "k3", "k1", "k6", "k4", "k2", "k0"]),
        (lambda q: q.reverse().order_by("flavour"), ["k0", "k2", "k4", "k6", "k1", "k3", "k5"]),
        (lambda q: q.order_by("-flavour").reverse()[1:3], ["k4", "k2"]),
        (lambda q: q.distinct("flavour"), ["k0", "k1"]),
        (lambda q: q.reverse().distinct("flavour"), ["k6", "k5"]),
        (lambda q: q.order_by("-amount_kg").distinct("flavour")[1:], ["k5"]),
        (lambda q: q.distinct(), KEYS),
        (lambda q: q.filter(flavour="x") | q.filter(amount_kg=1), ["k0", "k1", "k2", "k4", "k6"]),
        (lambda q: q.filter(flavour="x") & q.filter(amount_kg__gt=2), ["k4", "k6"]),
        (
            lambda q: q.filter(flavour="x").order_by("-amount_kg") | q.filter(amount_kg=1).order_by("amount_kg"),
            ["k6", "k4", "k2", "k1", "k0"],
        ),
        (lambda q: q.filter(amount_kg=2) | q.filter(amount_kg=1).reverse(), ["k2", "k1"]),
        (lambda q: q.none() | q.filter(amount_kg=1), ["k1"]),
        (lambda q: q.none() & q, []),
        (lambda q: (q.filter(amount_kg__lt=2) | q.filter(amount_kg=5)).exclude(flavour="x"), ["k1", "k5"]),
        (
            lambda q: q.values("flavour", "amount_kg")[:2],
            [{"flavour": "x", "amount_kg": 0}, {"flavour": "y", "amount_kg": 1}],
        ),
        (lambda q: q.values_list("flavour", "amount_kg")[1:2], [("y", 1)]),
        (lambda q: q.values_list("amount_kg", flat=True), list(range(7))),
        (lambda q: q.values_list()[:1], [(None, "k0", "x", 0, None)]),
        (lambda q: q.values()[:1], [{"pk": None, "id": "k0", "flavour": "x", "amount_kg": 0, "best_before": None}]),
        (lambda q: q.values("flavour").distinct(), [{"flavour": "x"}, {"flavour": "y"}]),
        (lambda q: q.distinct().values_list("flavour", flat=True), ["x", "y"]),
        (lambda q: q.values("flavour").distinct("id")[2:3], [{"flavour": "x"}]),
        (lambda q: q.values_list("id", flat=True).filter(amount_kg=3), ["k3"]),
        (lambda q: q.only("id", "amount_kg")[:1], [("k0", "id", "amount_kg")]),
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
        "IceCream.reverse().distinct('flavour')[:3]",
        "IceCream.order_by('flavour').values('id', 'flavour').distinct()",
        "IceCream.values_list('id', 'flavour')",
        "IceCream.values_list('id', flat=True)[2:]",
        "IceCream.only('id').none()",
        "(IceCream.filter(flavour='x') | IceCream.filter(amount_kg=1)).exclude(id='k0')",
        "(IceCream.filter(flavour='x') & IceCream.filter(amount_kg=1))",
        "IceCream.filter(Q(flavour='x') ^ Q(amount_kg=1))",
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


# --- wrong questions --------------------------------------------------------------------------------------------------


class Other(Model, SearchRedisMixin):
    pk = StringType()


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda q: q.values("flavor"), UnknownField, "did you mean flavour?"),
    (lambda q: q.values("flavour__gt"), QueryError, r"values\('flavour__gt'\) takes fields, not lookups"),
    (lambda q: q.values(5), InvalidValue, "values takes names of fields, not 5"),
    (lambda q: q.values_list("flavour__x"), QueryError, "there is no lookup 'x'"),
    (lambda q: q.values_list("flavour__"), QueryError, "no lookup"),
    (lambda q: q.values_list(flat=True), QueryError, r"values_list\(flat=True\) takes one field, not 0"),
    (lambda q: q.values_list("id", "pk", flat=True), QueryError, "takes one field, not 2"),
    (lambda q: q.only(), QueryError, r"IceCream: only\(\) takes names of fields"),
    (lambda q: q.only("nothing"), UnknownField, "no field nothing"),
    (lambda q: q.distinct("flavor"), UnknownField, "did you mean flavour?"),
    (lambda q: q | q.distinct("id"), InvalidSlice, r"IceCream \| IceCream.distinct\('id'\): join them before"),
    (lambda q: q[:1] & q, InvalidSlice, "join them before slices"),
    (lambda q: q | ResultSet(q._answers, Select(Other), (("Other", None),)), QueryError, "are of two models"),
    (lambda q: q.get(flavour="x"), MultipleFound, r"IceCream.filter\(flavour='x'\) has more than one row"),
    (lambda q: q.get(flavour="z"), NotFound, r"IceCream.filter\(flavour='z'\) has no row"),
    (lambda q: q.none().get(), NotFound, r"IceCream.none\(\) has no row"),
]


@pytest.mark.parametrize(("ask", "error", "said"), WRONG)
def test_a_wrong_step_is_told_with_the_set(
    everything: ResultSet[Any], ask: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(everything)


@pytest.mark.parametrize("other", [[], "x", None, Q(flavour="x")])
def test_a_set_joins_with_sets_only(everything: ResultSet[Any], other: Any) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        everything | other
    with pytest.raises(TypeError, match="unsupported operand"):
        everything & other


# --- one row, and other answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", SLICES, ids=str)
@pytest.mark.parametrize("order", [(), ("flavour",), ("-amount_kg",)], ids=str)
@pytest.mark.parametrize("read", [False, True])
def test_the_first_and_the_last_row_are_those_of_the_list(
    everything: ResultSet[Any], cut: slice, order: tuple[str, ...], read: bool
) -> None:
    part = everything.order_by(*order)[cut]
    rows = list(everything.order_by(*order))[cut]
    if read:
        list(part)
    assert (part.first(), part.last()) == ((rows[0], rows[-1]) if rows else (None, None))
    assert part.exists() is bool(rows)


def test_the_last_of_an_order_is_a_missing_value() -> None:
    DOCUMENTS["k7"] = {"id": "k7", "flavour": "x"}
    try:
        found = ResultSet(Answering(), Select(IceCream), (("IceCream", None),)).order_by("amount_kg")
        assert (found.last(), found.reverse().last(), found.reverse().first()) == ("k7", "k7", "k6")
    finally:
        del DOCUMENTS["k7"]


@pytest.mark.parametrize("method", ["first", "last"])
def test_the_first_and_the_last_row_are_read_at_once(
    answers: Answering, everything: ResultSet[Any], method: str
) -> None:
    getattr(everything, method)()
    assert answers.asked == ["rows"]


def test_get_gives_the_one_row_there_is(answers: Answering, everything: ResultSet[Any]) -> None:
    assert everything.get(amount_kg=3) == everything.filter(id="k3").get() == "k3"
    assert everything.get(Q(flavour="y") & Q(amount_kg__gt=4)) == "k5"
    assert everything[3:4].get() == "k3"
    assert answers.asked == ["rows"] * 4


def test_rows_by_primary_key(answers: Answering, everything: ResultSet[Any]) -> None:
    odd = everything.filter(flavour="y")
    assert odd.in_bulk() == {"k1": "k1", "k3": "k3", "k5": "k5"}
    assert odd.in_bulk(["k5", "k2", "nothing"]) == {"k5": "k5"}
    assert odd.in_bulk([]) == {}
    assert odd.values_list("amount_kg", flat=True).in_bulk(["k1"]) == {"k1": 1}
    assert answers.asked == ["pks"] * 4


def test_an_iterator_asks_for_the_next_batch_when_it_is_needed(answers: Answering, everything: ResultSet[Any]) -> None:
    rows = everything.filter(amount_kg__gt=1).iterator()
    assert answers.asked == []
    assert [next(rows), next(rows)] == ["k2", "k3"]
    assert answers.asked == ["batches", "batch"]
    assert list(rows) == ["k4", "k5", "k6"]
    assert list(everything.values_list("id", flat=True)[5:].iterator()) == ["k5", "k6"]


def test_exists_asks_for_a_count_of_one(answers: Answering, everything: ResultSet[Any]) -> None:
    assert everything.exists()
    assert not everything.none().exists()
    assert answers.asked == ["count", "count"]


def test_an_explanation_tells_what_ran_where_it_did(answers: Answering, everything: ResultSet[Any]) -> None:
    found = everything.filter(flavour="x")
    assert found.explain().ran is None
    assert answers.asked == ["explain"]
    assert found.explain(run=True).ran == found.explain().ran == Ran(7, 4, 0.5)
    assert answers.asked == ["explain", "rows", "explain", "explain"]
    assert "ran     7 examined, 4 rows found, 0.5 ms" in str(found.explain())


def test_a_set_is_not_changed_by_its_steps(everything: ResultSet[Any]) -> None:
    for step in ("reverse", "none", "distinct", "values", "values_list"):
        getattr(everything, step)()
    everything.only("id")
    assert list(everything) == KEYS
    assert repr(everything) == "IceCream"


def test_a_union_with_itself_is_itself(everything: ResultSet[Any]) -> None:
    some = everything.filter(Q(flavour="x") | Q(amount_kg=1))
    assert list(some | some) == list(some & some) == list(some)

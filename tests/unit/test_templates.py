"""Plans that are recalled: the same as those that are made anew, whatever the values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from fixtures.models import IceCream
from hypothesis import given
from hypothesis import strategies as st
from schematics.models import Model
from schematics.types import DateType, FloatType, IntType, ListType, StringType

from rs_search import Q, SearchRedisMixin
from rs_search.kinds import EXACT_INTEGERS
from rs_search.operations.candidates import count_command
from rs_search.operations.ordering import sorted_command
from rs_search.planner import templates
from rs_search.planner.plan import Plan, Select, make_plan
from rs_search.query.bind import bind, bind_order


class Cone(Model, SearchRedisMixin):
    id = StringType()
    flavour = StringType()
    scoops = IntType()
    price = FloatType()
    made = DateType()
    tags = ListType(StringType())


TEXTS = st.one_of(
    st.sampled_from(["", "vanilla", "a b", "\\", "a\0b", "é", "\ud800", "the", "-x", "x | y", "run*"]), st.text()
)
NUMBERS = st.one_of(
    st.integers(-3, 3), st.sampled_from([EXACT_INTEGERS, 1 - EXACT_INTEGERS, -EXACT_INTEGERS, 2**70]), st.integers()
)
LOOKUPS: dict[str, st.SearchStrategy[Any]] = {
    "flavour": TEXTS,
    "flavour__in": st.lists(TEXTS, max_size=2),
    "flavour__search": TEXTS.filter(lambda text: "|" not in text),
    "tags": TEXTS,
    "tags__search": st.sampled_from(["ice", "ice cream"]),
    "scoops": NUMBERS,
    "scoops__gte": NUMBERS,
    "scoops__lt": NUMBERS,
    "scoops__range": st.tuples(NUMBERS, NUMBERS),
    "price__gte": st.floats(allow_nan=False, allow_infinity=False),
    "price": st.one_of(st.integers(-3, 3), st.floats(allow_nan=False, allow_infinity=False)),
    "made__gt": st.dates(),
    "made__year": st.integers(1, 9998),
    "flavour__isnull": st.booleans(),
}


@st.composite
def questions(draw: st.DrawFn, names: tuple[str, ...]) -> Select:
    query = Q(**{name: draw(LOOKUPS[name]) for name in names})
    return Select(Cone, bind(Cone, query))


def told(plan: Plan) -> Any:
    """What decides what the index is asked, and what is done with the answer."""
    named = dict(plan.named_in(plan.query))
    return plan.access, plan.query, plan.widened, named, plan.filter, plan.doubts, plan.check, plan.server_order


@given(st.data())
def test_a_plan_that_is_recalled_is_the_one_that_is_made(data: st.DataObject) -> None:
    names = tuple(data.draw(st.lists(st.sampled_from(list(LOOKUPS)), min_size=1, max_size=3, unique=True)))
    order = bind_order(Cone, data.draw(st.sampled_from([(), ("scoops",), ("-price", "flavour")])))
    for _ in range(3):
        select = data.draw(questions(names))._replace(order=order)
        made = make_plan(select, None)
        recalled = templates.recall(select)
        assert recalled is None or told(recalled) == told(made)
        templates.keep(made)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Q(flavour="x"), Q(flavour="y z")),
        (Q(flavour__search="running"), Q(flavour__search="walking")),
        (Q(amount_kg=1), Q(amount_kg=-2)),
        (Q(amount_kg__gte=1), Q(amount_kg__gte=5)),
        (Q(amount_kg__range=(1, 3)), Q(amount_kg__range=(-8, 2**52))),
        (Q(best_before__lt=dt.datetime(2020, 1, 1)), Q(best_before__lt=dt.datetime(2030, 1, 1))),
        (Q(flavour="x", amount_kg__gt=1), Q(flavour="y", amount_kg__gt=7)),
        (Q(), Q()),
    ],
)
def test_a_plan_of_plain_values_is_recalled(first: Q, second: Q) -> None:
    select = Select(IceCream, bind(IceCream, second), stop=10)
    templates.keep(make_plan(Select(IceCream, bind(IceCream, first)), None))
    recalled = templates.recall(select)
    assert recalled is not None
    assert recalled.select is select
    assert told(recalled) == told(make_plan(select, None))


@given(st.data())
def test_the_words_of_a_command_are_those_that_the_plan_makes(data: st.DataObject) -> None:
    names = tuple(data.draw(st.lists(st.sampled_from(list(LOOKUPS)), min_size=1, max_size=3, unique=True)))
    for _ in range(3):
        start, stop, down = data.draw(st.tuples(st.integers(0, 2), st.integers(2, 4), st.booleans()))
        select = data.draw(questions(names))._replace(start=start, stop=stop, keys_down=down)
        made = make_plan(select, None)
        found = templates.look(select)
        if found is not None:
            template, values = found
            kept = template.plan._replace(select=select)
            words = template.command("count", lambda kept=kept: count_command(kept, kept.query).arguments, values)
            assert words == count_command(made, made.query).arguments
            kind = (start, stop, down)
            words = template.command(kind, lambda kept=kept, stop=stop: sorted_command(kept, stop).arguments, values)
            assert words == sorted_command(made, stop).arguments
        templates.keep(made)


def test_the_words_of_only_so_many_commands_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_SHAPES", 2)
    template = templates.Template(make_plan(Select(Cone, bind(Cone, Q(scoops=1))), None))
    for kind in range(5):
        made = [str(kind), "PARAMS", "4", "p0", "1", "p1", "1", "DIALECT", "2"]
        words = template.command(kind, lambda made=made: made, ["7", "8"])
        assert words == (str(kind), "PARAMS", "4", "p0", "7", "p1", "8", "DIALECT", "2")
        assert len(template.words) <= 2


@pytest.mark.parametrize(
    "query",
    [Q(flavour="back\\slash"), Q(flavour="a\0b"), Q(amount_kg=2**53), Q(amount_kg__range=(3, 1)), ~Q(flavour="x"),
     Q(flavour="x") | Q(flavour="y"), Q(flavour__in=["x", "y"]), Q(flavour__regex="x"), Q(flavour__search="-x")],
)  # fmt: skip
def test_a_plan_of_what_is_not_plain_is_made_anew(query: Q) -> None:
    select = Select(IceCream, bind(IceCream, query))
    templates.keep(make_plan(select, None))
    assert templates.recall(select) is None


def test_a_plan_that_is_checked_in_python_is_made_anew() -> None:
    select = Select(IceCream, bind(IceCream, Q(flavour="x", amount_kg__gt=1, flavour__icontains="y")))
    templates.keep(make_plan(select, None))
    assert templates.recall(select) is None


def test_only_so_many_plans_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Many(Model, SearchRedisMixin):
        id = StringType()
        first = IntType()
        second = IntType()

    monkeypatch.setattr(templates, "MOST_SHAPES", 1)
    for name in ("first", "second"):
        templates.keep(make_plan(Select(Many, bind(Many, Q(**{name: 1}))), None))
    assert templates.recall(Select(Many, bind(Many, Q(first=2)))) is not None
    assert templates.recall(Select(Many, bind(Many, Q(second=2)))) is None

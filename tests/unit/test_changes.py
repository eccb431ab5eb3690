"""Values worked out of what is stored, and what changed of an instance."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schematics.models import Model
from schematics.types import BaseType, IntType, ListType, ModelType, StringType
from schematics.types.serializable import serializable

from rs_search import F, InvalidObject, QueryError, SearchRedisMixin, UnknownField, UnstorableValue
from rs_search.changes import Expression, evaluated
from rs_search.hydration import loaded
from rs_search.instances import Prepared, changed, hydrate, note_some_written, note_written, prepare
from rs_search.rewriting import change, check_names, check_values, rewritten
from rs_search.storage.base import Seen

STORED: dict[str, Any] = {"number": 7, "half": 0.5, "name": "ice", "tags": ["a", "b", "a"], "nothing": None}


def value_of(expression: Any) -> Any:
    return evaluated(expression, STORED.get)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (F("number"), 7),
        (F("number") + 1, 8),
        (1 + F("number"), 8),
        (F("number") - 1, 6),
        (1 - F("number"), -6),
        (F("number") * 3, 21),
        (3 * F("number"), 21),
        (F("number") / 2, 3.5),
        (F("number") // 2, 3),
        (F("number") % 4, 3),
        (F("number") + F("half"), 7.5),
        ((F("number") + 1) * (F("number") - 1), 48),
        (F("number") - (F("number") - 1), 1),
        (F("name") + "!", "ice!"),
        ("n" + F("name"), "nice"),
        (F("tags") + list("c"), ["a", "b", "a", "c"]),
        (F("tags").append("c", "d"), ["a", "b", "a", "c", "d"]),
        (F("tags").append(), ["a", "b", "a"]),
        (F("tags").remove("a"), ["b"]),
        (F("tags").remove("a", "b"), []),
        (F("tags").remove("z"), ["a", "b", "a"]),
        (F("tags").append("c").remove("a").append("a"), ["b", "c", "a"]),
        (F("nothing").append("a"), ["a"]),
        (F("nothing").remove("a"), []),
        (F("nothing"), None),
        (5, 5),
    ],
)
def test_an_expression_is_worked_out_of_what_is_stored(expression: Any, value: Any) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (F("nothing") + 1, r"F\('nothing'\) \+ 1: there is no value to reckon with"),
        (1 - F("nothing"), "there is no value"),
        (F("number") + None, "there is no value"),
        (F("number") / 0, "division by zero"),
        (F("number") // 0, "zero"),
        (F("number") + "x", "of 7 and 'x'"),
        (F("half") * 1e308 // 0, "zero"),
        (F("name").append("x"), "'ice' is no list"),
        (F("number").remove("x"), "7 is no list"),
    ],
)
def test_what_cannot_be_worked_out_is_told(expression: Expression, said: str) -> None:
    with pytest.raises(InvalidObject, match=said):
        value_of(expression)


def test_a_list_that_is_stored_is_left_as_it_was() -> None:
    value_of(F("tags").append("c").remove("a"))
    assert STORED["tags"] == ["a", "b", "a"]


numbers = st.integers(-9, 9)
fields = st.sampled_from(["number", "half"]).map(F)
arithmetic = st.recursive(
    fields,
    lambda inner: st.builds(
        lambda left, right, do: do(left, right),
        inner,
        inner | numbers,
        st.sampled_from(
            [
                lambda a, b: a + b,
                lambda a, b: b + a,
                lambda a, b: a - b,
                lambda a, b: b - a,
                lambda a, b: a * b,
                lambda a, b: a / b,
                lambda a, b: a // b,
                lambda a, b: a % b,
            ]
        ),
    ),
    max_leaves=5,
)


@given(arithmetic)
def test_arithmetic_prints_as_the_python_that_makes_it(expression: Expression) -> None:
    assert eval(repr(expression), {"F": F}) == expression


@pytest.mark.parametrize(
    "expression",
    [
        F("tags").append("a", 1),
        F("tags").append("a").remove("b"),
        F("tags").append("a") + list("c"),
        (F("tags") + list("c")).append("d"),
    ],
    ids=str,
)
def test_lists_print_as_the_python_that_makes_them(expression: Expression) -> None:
    assert eval(repr(expression), {"F": F}) == expression


# --- changes of what is stored ----------------------------------------------------------------------------------------


class City(Model):
    name = StringType()


class Ice(Model, SearchRedisMixin):
    pk = StringType()
    number = IntType(max_value=100)
    name = StringType(default="vanilla")
    tags = ListType(StringType())
    city = ModelType(City)
    anything = BaseType()
    renamed = StringType(serialized_name="stored name")

    @serializable(type=IntType())
    def double(self) -> int | None:
        return self.number and 2 * self.number


def stored(**more: Any) -> Any:
    return hydrate(Ice, "Ice:1", {"pk": "1", "number": 5, "name": "x", "tags": ["a"], **more})


def with_changes(found: Any, key: str, values: dict[str, Any], seen: Seen | None = None) -> Prepared:
    """What is written where a stored object is given other values."""
    known = loaded(found)
    assert known is not None
    before = dict(known.document)
    change(found, key, values)
    return rewritten(found, seen or Seen(key, before, ""), values)


def document(**values: Any) -> dict[str, Any]:
    return with_changes(stored(), "Ice:1", values).document


@pytest.mark.parametrize(
    ("values", "member", "expected"),
    [
        ({"number": 6}, "number", 6),
        ({"number": "6"}, "number", 6),
        ({"number": F("number") * 2}, "number", 10),
        ({"number": F("number") * 2}, "double", 20),
        ({"tags": F("tags").append("b")}, "tags", ["a", "b"]),
        ({"name": F("pk") + "!"}, "name", "1!"),
        ({"renamed": F("name") + "!"}, "stored name", "x!"),
        ({"city": {"name": "Rio"}}, "city", {"name": "Rio"}),
    ],
)
def test_a_change_is_what_will_be_stored(values: dict[str, Any], member: str, expected: Any) -> None:
    assert document(**values)[member] == expected


def test_what_is_not_changed_stays() -> None:
    before = with_changes(stored(), "Ice:1", {}).document
    assert {**before, "name": "y"} == document(name="y")
    assert before["number"] == 5


def test_expressions_are_worked_out_of_what_was_there_before_all_of_the_changes() -> None:
    found = document(number=F("number") + 1, name=F("name") + "y", anything=F("number"))
    assert (found["number"], found["name"], found["anything"]) == (6, "xy", 5)


def test_a_change_has_the_key_of_what_is_stored() -> None:
    prepared = with_changes(stored(), "Ice:1", {"number": 1})
    assert prepared.key == "Ice:1"


def test_a_field_changed_to_none_is_stored_as_none() -> None:
    assert document(number=None).get("number") is None


def test_members_that_the_model_does_not_know_stay_with_what_stands_beside_them() -> None:
    beside = {"born": 5, "tags__fold": ["old"], "_nulls": ["gone", "number"], "_doubts": ["big"]}
    text = orjson.dumps({"number": 5, "_ix": beside, "born": "x", "city": {"name": "Rio", "size": 3}})
    seen = Seen("Ice:1", {"number": 5, "born": "x", "city": {"name": "Rio", "size": 3}}, "", text)
    prepared = with_changes(hydrate(Ice, "Ice:1", dict(seen.document)), "Ice:1", {"number": 6}, seen)
    assert {name: value for name, value in prepared.document.items() if name != "_ix"} == {
        "number": 6, "double": 12, "born": "x", "city": {"name": "Rio", "size": 3},
    }  # fmt: skip
    assert prepared.document["_ix"] == {"born": 5, "_nulls": ["gone"], "_doubts": ["big"]}
    assert prepared.members == {"number", "double"}


def test_a_default_is_not_written_to_an_object_that_is_older_than_the_field() -> None:
    prepared = with_changes(hydrate(Ice, "Ice:1", {"pk": "1"}), "Ice:1", {"number": 6})
    assert "name" not in prepared.document


class Renamed(Model, SearchRedisMixin):
    pk = StringType()
    name = StringType(deserialize_from="old")


def test_a_field_that_is_taken_away_is_not_read_again_under_a_former_name() -> None:
    found = hydrate(Renamed, "Renamed:1", {"pk": "1", "old": "x"})
    assert found.name == "x"
    assert with_changes(found, "Renamed:1", {"name": None}).document == {"pk": "1"}


def test_an_error_of_a_change_names_the_key() -> None:
    for values in ({"number": 101}, {"number": F("city") + 1}):
        with pytest.raises(InvalidObject, match=r"^Ice:1: "):
            with_changes(stored(), "Ice\0Ice:1", values)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"number": F("number") * 100}, InvalidObject),
        ({"number": F("number") / 2}, InvalidObject),
        ({"number": "many"}, InvalidObject),
        ({"number": F("tags")}, InvalidObject),
        ({"anything": object()}, UnstorableValue),
    ],
)
def test_a_change_that_is_not_valid_is_refused(values: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        document(**values)


@pytest.mark.parametrize(
    "values",
    [{"number": F("nubmer")}, {"tags": F("tgas").append("b")}, {"name": F("city__name")}, {"number": F("double")}],
    ids=str,
)
def test_an_expression_of_a_field_that_is_not_there_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        check_values(Ice, values)


@pytest.mark.parametrize(
    ("expression", "tags"), [(F("tags").append(F("name")), ["a", "x"]), (F("tags").remove(F("name")), ["a"])], ids=str
)
def test_elements_may_be_expressions(expression: Expression, tags: list[str]) -> None:
    found = hydrate(Ice, "Ice:1", {"pk": "1", "name": "x", "tags": ["a"] if tags != ["a"] else ["a", "x"]})
    assert with_changes(found, "Ice:1", {"tags": expression}).document["tags"] == tags


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("nubmer", UnknownField, "Ice has no field nubmer; it has pk, number"),
        ("city__name", UnknownField, "no field city__name"),
        ("double", QueryError, "computed"),
        ("pk", QueryError, "makes the key"),
    ],
)
def test_names_that_cannot_be_written_by_themselves_are_refused(name: str, error: type[Exception], said: str) -> None:
    check_names(Ice, ["number", "tags", "city"])
    with pytest.raises(error, match=said):
        check_names(Ice, ["number", name])


class Keyed(Model, SearchRedisMixin):
    first = StringType()
    second = StringType()
    __unique_together__ = ("first",)


class Named(Model, SearchRedisMixin):
    pk = StringType()
    first = StringType()
    second = StringType()

    @property
    def __primary_key__(self) -> str:
        return f"of-{self.first}"


def test_a_field_that_makes_the_key_cannot_be_changed() -> None:
    check_names(Keyed, ["second"])
    check_values(Keyed, {"second": F("first") + "!"})
    with pytest.raises(QueryError, match="first makes the key"):
        check_names(Keyed, ["first"])


def test_a_change_of_what_the_models_own_primary_key_is_made_of_is_refused() -> None:
    found = {"first": "a", "second": "b"}
    kept = with_changes(hydrate(Named, "Named:of-a", dict(found)), "Named:of-a", {"second": "c"})
    assert kept.document["second"] == "c"
    with pytest.raises(QueryError, match="Named:of-a: first makes the key"):
        with_changes(hydrate(Named, "Named:of-a", dict(found)), "Named:of-a", {"first": "c"})


# --- what changed of an instance --------------------------------------------------------------------------------------


def test_nothing_of_what_was_just_read_is_changed() -> None:
    assert changed(stored()) == frozenset()


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"number": 6}, {"number"}),
        ({"number": 5}, set()),
        ({"number": None}, {"number"}),
        ({"name": "y", "renamed": "z"}, {"name", "renamed"}),
        ({"tags": ["a"]}, set()),
        ({"tags": ["b"]}, {"tags"}),
        ({"city": {"name": "Rio"}}, {"city"}),
    ],
)
def test_the_fields_that_differ_from_what_was_read_are_changed(change: dict[str, Any], names: set[str]) -> None:
    instance = stored()
    for name, value in change.items():
        setattr(instance, name, value)
    assert instance.changed == changed(instance) == names


def test_a_change_within_a_value_is_seen() -> None:
    instance = stored(city={"name": "Rio"})
    instance.tags.append("b")
    instance.city.name = "Oslo"
    assert changed(instance) == {"tags", "city"}


def test_of_a_new_object_all_that_has_a_value_is_changed() -> None:
    assert changed(Ice({"number": 1})) == {"number", "name"}


def test_a_default_for_what_is_not_stored_is_no_change() -> None:
    instance = hydrate(Ice, "Ice:1", {"pk": "1"})
    assert instance.name == "vanilla"
    assert changed(instance) == frozenset()


def test_what_was_written_is_no_longer_changed() -> None:
    instance = stored()
    instance.number = 6
    note_written(instance, prepare(instance))
    assert changed(instance) == frozenset()


def test_what_was_written_in_part_is_no_longer_changed() -> None:
    instance = hydrate(Ice, "Ice:1", b'{"pk":"1","number":5,"name":"x"}')
    instance.number, instance.name = 6, "y"
    note_some_written(instance, with_changes(stored(), "Ice:1", {"number": 6}), ["number"])
    assert changed(instance) == {"name"}


def test_a_new_object_that_is_written_in_part_is_as_new_as_it_was() -> None:
    instance = Ice({"pk": "1", "number": 6})
    note_some_written(instance, with_changes(stored(), "Ice:1", {"number": 6}), ["number"])
    assert loaded(instance) is None


def test_of_a_part_of_an_object_only_the_fields_that_it_knows_can_be_changed() -> None:
    instance = hydrate(Ice, "Ice:1", {"pk": "1", "number": 5, "name": "x"}, frozenset({"pk", "number"}))
    assert changed(instance) == frozenset()
    instance.number = 6
    assert changed(instance) == {"number"}
    instance.tags = ["new"]
    assert changed(instance) == {"number", "tags"}

"""Codec: instances to documents and back, and what is refused on the way."""

from __future__ import annotations

import datetime as dt
import enum
import math
from typing import Any

import orjson
import pytest
from fixtures.encoding import encoded
from fixtures.models import FULL, Cat, Everything, IceCream
from schematics.common import DROP
from schematics.models import Model
from schematics.transforms import blacklist
from schematics.types import (
    BaseType,
    DateType,
    DictType,
    FloatType,
    IntType,
    ListType,
    ModelType,
    PolyModelType,
    StringType,
    UnionType,
)
from schematics.types.serializable import serializable

from rs_search.codec import classes_within, refuse_changed_classes
from rs_search.errors import RedisMixinException, UnreadableDocument, UnstorableValue
from rs_search.kinds import Unkeepable
from rs_search.reading import decode, parse
from rs_search.schema import COMPANIONS


def stored(instance: Model) -> dict[str, Any]:
    """The document of an instance without what stands beside it."""
    document: dict[str, Any] = orjson.loads(encoded(instance))
    document.pop(COMPANIONS, None)
    return document


def back(instance: Model) -> Any:
    return decode(type(instance), parse(encoded(instance), "key"), "key")


def test_an_object_with_every_type_comes_back_equal() -> None:
    thing = Everything({"pk": "full", **FULL})
    assert back(thing) == thing


def test_a_document_is_the_schematics_primitive_without_none() -> None:
    document = stored(Everything({"pk": "1", "string": "x", "city": {"name": "Wien", "tags": []}}))
    assert document == {
        "pk": "1",
        "string": "x",
        "city": {"name": "Wien", "tags": []},
        "with_default": "given",
        "shouted": "X",
    }


def test_none_is_kept_as_null_only_where_the_field_has_a_default() -> None:
    thing = Everything({"pk": "1"})
    thing.with_default = None
    assert stored(thing) == {"pk": "1", "with_default": None}
    assert back(thing).with_default is None


def test_a_field_added_later_gets_its_default() -> None:
    class Later(Model):
        number = IntType(default="7")
        names = ListType(StringType(), default=list)

    loaded: Any = decode(Later, {}, "key")
    assert (loaded.number, loaded.names) == (7, [])
    assert loaded.names is not decode(Later, {}, "key").names


def test_unknown_members_of_a_document_are_passed_over() -> None:
    assert decode(IceCream, {"flavour": "x", "colour": "red"}, "key") == IceCream({"flavour": "x"})


# --- what models declare of their export is for readers, not for the store --------------------------------------------


class Hidden(Model):
    secret = StringType()
    dropped = StringType(export_level=DROP)

    class Options:
        roles = {"default": blacklist("secret")}
        serialize_when_none = False


class Hiding(Model):
    pk = StringType()
    secret = StringType()
    dropped = StringType(export_level=DROP)
    hidden = ModelType(Hidden)
    listed = ListType(ModelType(Hidden))
    empty = ListType(StringType())

    class Options:
        roles = {"default": blacklist("secret")}
        serialize_when_none = False


def test_roles_and_export_levels_hide_nothing_from_the_store() -> None:
    hidden = {"secret": "s", "dropped": "d"}
    hiding = Hiding({"pk": "1", **hidden, "hidden": hidden, "listed": [hidden], "empty": []})
    assert stored(hiding) == {"pk": "1", **hidden, "hidden": hidden, "listed": [hidden], "empty": []}
    assert back(hiding) == hiding


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_document_is_read_by_stored_names_field_names_and_old_names() -> None:
    class Renamed(Model):
        name = StringType(serialized_name="stored name", deserialize_from=["old", "older"])

    for member in ("stored name", "name", "old", "older"):
        loaded: Any = decode(Renamed, {member: "x"}, "key")
        assert loaded.name == "x"


def test_a_field_does_not_read_what_another_field_stored() -> None:
    class Swapped(Model):
        a = StringType(serialized_name="b")
        b = StringType(serialized_name="c")

    loaded = back(Swapped({"a": "x"}))
    assert (loaded.a, loaded.b) == ("x", None)


def test_a_field_may_be_named_like_a_companion() -> None:
    awkward: Any = type("Awkward", (Model,), {name: DateType() for name in ("_exact", "_nulls", "_doubts")})
    thing = awkward({name: dt.date(2020, 1, 1) for name in ("_exact", "_nulls", "_doubts")})
    assert back(thing) == thing


# --- shapes -----------------------------------------------------------------------------------------------------------


class Inner(Model):
    day = DateType()
    text = StringType()


class Shapes(Model):
    lists = ListType(ListType(IntType()))
    dicts = ListType(DictType(DateType()))
    mapping = DictType(ListType(StringType()))
    union = UnionType((IntType, StringType))
    member = UnionType((IntType, ModelType(Inner)))
    members = ListType(UnionType((IntType, ModelType(Inner))))
    anything = BaseType()


SHAPES: list[dict[str, Any]] = [
    {"lists": [[1, 2], [], None, [None, 3]]},
    {"dicts": [{"a": dt.date(1, 2, 3)}, {}, {"": dt.date.max}]},
    {"mapping": {"a.b": ["x"], "é": [], "with blank": ["y", None], '"': ["z"]}},
    {"union": "forty-two"},
    {"union": 42},
    {"member": 5},
    {"member": Inner({"day": dt.date(2020, 2, 29), "text": "x"})},
    {"members": [Inner({"text": "x"}), 5]},
    {"anything": {"_ix": [1], "deep": {"er": [[[]]]}}},
    {"anything": [0.9654801388982029, {"x": 0.9654801388982029}]},
]


@pytest.mark.parametrize("values", SHAPES)
def test_lists_and_mappings_of_any_depth_come_back_equal(values: dict[str, Any]) -> None:
    shapes = Shapes(values)
    assert back(shapes) == shapes


class Node(Model):
    name = StringType()
    child = ModelType("Node")
    children = ListType(ModelType("Node"))


def test_a_model_in_itself_comes_back_equal() -> None:
    node = Node(
        {"name": "a", "child": {"name": "b", "child": {"name": "c"}}, "children": [{"children": [{"name": "d"}]}]}
    )
    assert back(node) == node


class Flavour(str, enum.Enum):
    VANILLA = "vanilla"


class Level(enum.IntEnum):
    HIGH = 3


def test_members_of_text_and_integer_enumerations_are_stored_as_their_values() -> None:
    ice = IceCream({"flavour": Flavour.VANILLA, "amount_kg": Level.HIGH})
    assert stored(ice) == {"flavour": "vanilla", "amount_kg": 3}
    assert back(ice) == ice


@pytest.mark.parametrize("number", [0.1, 0.9654801388982029, 1e300, 5e-324, -0.0, 123456789012345680.0, 1 / 3])
def test_a_float_comes_back_as_the_same_float_even_when_the_server_reads_it_a_unit_off(number: float) -> None:
    class Floats(Model):
        one = FloatType()
        many = ListType(FloatType())

    loaded = back(Floats({"one": number, "many": [number, 0.5, number]}))
    assert (loaded.one.hex(), [value.hex() for value in loaded.many]) == (
        number.hex(),
        [number.hex(), (0.5).hex(), number.hex()],
    )
    # RedisJSON gives such a float back as its neighbour.
    beside = orjson.loads(encoded(Floats({"one": number}))).get(COMPANIONS, {}).get("_exact", [])
    text = orjson.dumps({"one": math.nextafter(number, math.inf) if beside else number, COMPANIONS: {"_exact": beside}})
    assert parse(text, "key")["one"] == number


# --- computed ---------------------------------------------------------------------------------------------------------


class Computing(Model):
    text = StringType()

    @serializable(type=StringType())
    def upper(self) -> str:
        return self.text.upper()

    @serializable(type=ListType(IntType()), serialized_name="lengths of words")
    def lengths(self) -> list[int]:
        return [len(word) for word in self.text.split()]

    @serializable(type=StringType())
    def reverse(self) -> str | None:
        return self.text and self.text[::-1]

    @reverse.setter
    def reverse(self, value: str) -> None:
        self.text = value[::-1]


def test_a_computed_value_is_stored_and_one_with_a_setter_is_set_again() -> None:
    thing = Computing({"text": "ab c"})
    assert stored(thing) == {"text": "ab c", "upper": "AB C", "lengths of words": [2, 1], "reverse": "c ba"}
    assert decode(Computing, {"reverse": "c ba"}, "key") == thing


def test_a_computed_value_that_fails_is_absent() -> None:
    assert stored(Computing()) == {}


# --- classes of objects -----------------------------------------------------------------------------------------------


class Base(Model):
    name = StringType()


class First(Base):
    first = IntType()


class Second(Base):
    second = IntType()

    @classmethod
    def _claim_polymorphic(cls, data: Any) -> bool:
        return "second" in data


def test_an_object_whose_class_could_not_be_told_again_is_refused() -> None:
    class Holder(Model):
        one = PolyModelType([First, Second])
        many = ListType(PolyModelType(Base))

    assert back(Holder({"one": Second({"second": 1})})).one == Second({"second": 1})
    assert back(Holder({"one": First({"first": 1})})).one == First({"first": 1})
    with pytest.raises(UnstorableValue, match=r"Holder\.many\[0\] .* First and would be read back as a Base") as caught:
        encoded(Holder({"many": [First({"first": 1})]}))
    assert list(caught.value.errors) == ["many[0]"]


def test_a_subclass_where_a_model_type_is_declared_is_refused() -> None:
    class Holder(Model):
        one = ModelType(Base)

    with pytest.raises(UnstorableValue, match="First and would be read back as a Base"):
        encoded(Holder({"one": First({"first": 1})}))


def test_an_object_that_no_class_claims_is_refused_by_path() -> None:
    class Holder(Model):
        one = PolyModelType([Cat, Second])

    with pytest.raises(UnstorableValue, match=r"Holder\.one cannot be kept: PolyModelType does not know the class"):
        encoded(Holder({"one": Second({"name": "x"})}))


def test_a_class_that_validation_changed_is_refused() -> None:
    class Holder(Model):
        many = ListType(PolyModelType([Base, First]))

    holder = Holder({"many": [First({"first": 1}), Base()]})
    before = classes_within(holder)
    assert before == {"many[0]": First, "many[1]": Base}
    holder.many[0] = Base()
    with pytest.raises(UnstorableValue, match=r"many\[0\] .* was a First and schematics reads it as a Base"):
        refuse_changed_classes(holder, before)


def test_a_subclass_declared_later_with_another_type_of_a_field_is_refused_by_path() -> None:
    class Early(Model):
        x = IntType()

    class Holder(Model):
        one = PolyModelType(Early)

    encoded(Holder({"one": {"x": 1}}))

    class Late(Early):
        x = StringType()

        @classmethod
        def _claim_polymorphic(cls, data: Any) -> bool:
            return isinstance(data.get("x"), str)

    with pytest.raises(UnstorableValue, match=r"Holder\.one__x"):
        encoded(Holder({"one": Late({"x": "abc"})}))


# --- refused ----------------------------------------------------------------------------------------------------------


REFUSED: list[Any] = [
    ({"string": "\ud800"}, "string"),
    ({"string": "a\0b"}, "string"),
    ({"renamed": "a\0b"}, "renamed"),
    ({"strings": ["fine", "\ud800"]}, "strings[1]"),
    ({"strings": ["a\0b"]}, "strings"),
    ({"integer": 2**64}, "integer"),
    ({"integers": [1, -(2**63) - 1]}, "integers[1]"),
    ({"float": math.nan}, "float"),
    ({"mapping": {"\ud800": 1}}, "mapping"),
    ({"mapping": {"k": 2**64}}, "mapping['k']"),
    ({"city": {"name": "\ud800"}}, "city__name"),
    ({"cities": [{}, {"tags": ["x", "\ud800"]}]}, "cities[1]__tags[1]"),
    ({"cities": [{}, {"visitors": 2**64}]}, "cities[1]__visitors"),
    ({"anything": {"a": [math.inf]}}, "anything"),
    pytest.param({"multilingual": {"en_US": "\ud800"}}, "multilingual"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "path"), REFUSED)
def test_a_value_that_cannot_be_kept_is_refused_by_its_path(values: dict[str, Any], path: str) -> None:
    with pytest.raises(UnstorableValue) as caught:
        encoded(Everything({"pk": "1", **values}))
    assert list(caught.value.errors) == [path]
    assert f"Everything.{path} cannot be kept" in str(caught.value)


def test_a_key_that_is_no_text_is_refused_by_its_path() -> None:
    class Counts(Model):
        counts = DictType(IntType(), coerce_key=int)

    with pytest.raises(UnstorableValue, match=r"Counts\.counts cannot be kept: the key 1 is no text"):
        encoded(Counts({"counts": {1: 2}}))


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


def test_a_document_may_be_as_deep_as_the_server_takes_and_no_deeper() -> None:
    assert back(Everything({"anything": nested(125)})).anything == nested(125)
    with pytest.raises(Unkeepable, match="nested more than 127 levels"):
        encoded(Everything({"anything": nested(127)}))


def test_a_scalar_within_127_levels_is_kept_as_the_server_keeps_it() -> None:
    assert back(Everything({"anything": nested(126)})).anything == nested(126)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no document"),
        (b"{", "no document"),
        (b"[1]", "type list"),
        (b"null", "type NoneType"),
        (b'"x"', "type str"),
    ],
)
def test_what_is_no_document_is_told_with_its_key(text: bytes, said: str) -> None:
    with pytest.raises(UnreadableDocument, match=f"Ice:1 holds .*{said}"):
        parse(text, "Ice:1")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"integer": "many"}, "integer"),
        ({"strings": [[]]}, "strings[0]"),
        ({"city": {"opened": "yesterday"}}, "city__opened"),
        ({"cities": [{}, {"visitors": "x"}]}, "cities[1]__visitors"),
        ({"mapping": {"a": "x"}}, "mapping['a']"),
        ({"pet": {"wings": 2}}, "pet"),
        ({"strings": {"a": 1}}, "strings"),
        ({"strings": "abc"}, "strings"),
        ({"city": "Wien"}, "city"),
        ({"mapping": [1]}, "mapping"),
        ({"decimal": []}, "decimal"),
        ({"point": [1]}, "point"),
        pytest.param({"uuid": 5}, "uuid"),
        ({"timestamp": {}}, "timestamp"),
    ],
)
def test_a_member_that_cannot_be_read_is_told_with_its_key_and_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(RedisMixinException) as caught:
        decode(Everything, document, "Everything:1")
    assert isinstance(caught.value, UnreadableDocument)
    assert f"Everything:1 is no readable Everything: {path}: " in str(caught.value)


@pytest.mark.parametrize(
    "beside",
    [None, 5, [], {}, *(pytest.param({"_exact": odd}) for odd in (None, 5, [[]], [[["float"], "x"]]))],
)
def test_a_reserved_member_that_another_program_wrote_does_no_harm(beside: Any) -> None:
    assert parse(orjson.dumps({"float": 0.5, COMPANIONS: beside}), "key") == {"float": 0.5}


# --- constructors -----------------------------------------------------------------------------------------------------


def test_a_constructor_of_the_models_own_runs_when_an_object_is_read() -> None:
    class Counting(Model):
        text = StringType()

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.seen = True

    loaded = back(Counting({"text": "x"}))
    assert (loaded.text, loaded.seen) == ("x", True)


def test_a_constructor_that_demands_the_raw_data_is_given_it() -> None:
    class Demanding(Model):
        text = StringType()

        def __init__(self, raw_data: Any, **options: Any) -> None:
            super().__init__(raw_data, **options)

    assert back(Demanding({"text": "x"})).text == "x"


SHADOWS = [
    "set",
    "filter",
    "key",
    "keys",
    "items",
    "get",
    "values",
    "validate",
    "match",
    "all",
    "count",
    "delete",
    "refresh",
    "export",
    "convert",
    "atoms",
    "serialize",
    "to_primitive",
    "to_native",
    "import_data",
    "exclude",
    "order_by",
    "fields",
    "objects",
    "name",
    "model",
    "index",
]


def test_fields_named_like_methods_are_stored_and_read_like_any_other() -> None:
    shadow: Any = type("Shadow", (Model,), {name: StringType() for name in SHADOWS})
    thing = shadow({name: f"the {name}" for name in SHADOWS})
    assert stored(thing) == {name: f"the {name}" for name in SHADOWS}
    assert dict(back(thing)._data) == dict(thing._data)

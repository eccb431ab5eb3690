"""Options: what a model class says of its storage, and what it cannot say."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from schematics.models import Model
from schematics.types import IntType, ListType, ModelType, StringType

import rs_search.references
from rs_search import HashRedisMixin, SchemaError, SearchRedisMixin, SimpleRedisMixin, search_options
from rs_search.attributes import own_attribute
from rs_search.index_schema import index_schema_of
from rs_search.memo import once_per_class
from rs_search.options import field_options, options_of, own_method
from rs_search.schema import schema_of


class City(Model):
    name = StringType()


def declared(**attributes: Any) -> Any:
    fields = {
        "name": StringType(),
        "number": IntType(),
        "city": ModelType(City),
        "cities": ListType(ModelType(City)),
    }
    return type("Declared", (Model, SearchRedisMixin), {**fields, **attributes})


def test_a_model_that_says_nothing_has_the_defaults() -> None:
    options = options_of(IceCream)
    assert (options.prefix, options.expire, options.unique_together, options.strict, options.index) == (
        "IceCream", None, (), False, {}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "name", "value"),
    [
        ({"__prefix__": "app:ice"}, "prefix", "app:ice"),
        ({"__prefix__": property(lambda self: f"of {type(self).__name__}")}, "prefix", "of Declared"),
        ({"__expire__": 60}, "expire", 60),
        ({"__unique_together__": ("name", "number")}, "unique_together", ("name", "number")),
        ({"__unique_together__": ["name"]}, "unique_together", ("name",)),
        ({"__unique_together__": "name"}, "unique_together", ("name",)),
        ({"__unique_args__": ("number",)}, "unique_together", ("number",)),
        ({"__unique_together__": ("name",), "__unique_args__": ("number",)}, "unique_together", ("name",)),
        ({"__strict_performance__": True}, "strict", True),
        ({"__version_field__": "number"}, "version_field", "number"),
        ({"__version_field__": None}, "version_field", None),
    ],
)
def test_an_attribute_of_the_class_is_read(attributes: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(options_of(declared(**attributes)), name) == value


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"__prefix__": ""}, "__prefix__ must be a non-empty string, not ''"),
        ({"__prefix__": 5}, "__prefix__ must be a non-empty string, not 5"),
        ({"__expire__": 0}, "__expire__ must be a positive number of seconds, up to 10,000,000,000, not 0"),
        ({"__expire__": -1}, "not -1"),
        ({"__expire__": 1.5}, "not 1.5"),
        ({"__expire__": True}, "not True"),
        ({"__expire__": "60"}, "not '60'"),
        ({"__unique_together__": ("name", "nmae")}, "names 'nmae', which is no field of the model"),
        ({"__version_field__": "name"}, "__version_field__ must name an IntType field of the model, not 'name'"),
        ({"__version_field__": "nmae"}, "not 'nmae'"),
        ({"__version_field__": "city__number"}, "not 'city__number'"),
        ({"__index__": {"nmae": search_options()}}, "__index__ names 'nmae', which is no field"),
        ({"__index__": {"name": {"tag": True}}}, r"__index__\['name'\] must come from search_options\(\)"),
        ({"__index__": {"name__inner": search_options()}}, "names 'name__inner', .* nearest is name"),
        ({"__index__": {"city__nmae": search_options()}}, "names 'city__nmae', .* nearest is city__name"),
        ({"__index__": {"cities__x__name": search_options()}}, "nearest is cities__name"),
        ({"__index__": {"number": search_options(text=True)}},
         "Declared.number: IntType can have no TEXT index field; it can have NUMERIC"),
        ({"__index__": {"name": search_options(geo=True)}}, "name: StringType can have no GEO .* TAG and TEXT"),
        ({"__index__": {"cities__name": search_options(numeric=True)}}, "cities__name: StringType can have no NUMERIC"),
        ({"__index__": {"city": search_options(tag=True)}}, "city: ModelType can have no TAG .* it can have none"),
        ({"a": IntType(metadata={"search_options": search_options(tag=True)})}, "Declared.a: IntType can have no TAG"),
        ({"a": IntType(metadata={"search_options": {"tag": True}})}, r"a: .* must come from search_options\(\)"),
    ],
)  # fmt: skip
def test_an_attribute_that_cannot_be_meant_is_refused(attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        options_of(declared(**attributes))


def test_a_field_whose_name_contains_two_underscores_can_be_tuned() -> None:
    tuned = declared(a__b=StringType(), __index__={"a__b": search_options(text=False)})
    assert field_options(tuned, ("a__b",), schema_of(tuned).fields["a__b"]).text is False


def test_a_subclass_has_what_its_base_says_and_a_prefix_of_its_own() -> None:
    base = declared(__expire__=60, __strict_performance__=True)
    options = options_of(type("Below", (base,), {}))
    assert (options.prefix, options.expire, options.strict) == ("Below", 60, True)


@pytest.mark.parametrize(
    ("attributes", "name", "value"),
    [
        ({"__expire__": 5}, "expire", 5),
        ({"__strict_performance__": False}, "strict", False),
        pytest.param({"__expire__": None}, "expire", None),
        pytest.param({"__unique_together__": None}, "unique_together", ()),
        pytest.param({"__prefix__": None}, "prefix", "Below"),
    ],
)  # fmt: skip
def test_a_subclass_takes_back_what_its_base_says(attributes: dict[str, Any], name: str, value: Any) -> None:
    base = declared(__expire__=60, __strict_performance__=True, __unique_together__=("name",), __prefix__="base")
    assert getattr(options_of(type("Below", (base,), attributes)), name) == value


def test_a_field_of_the_same_name_is_no_attribute() -> None:
    named = declared(validate=StringType(), set=IntType(), keys=StringType())
    assert own_attribute(named, "validate") is Model.validate
    assert own_attribute(named, "set") is SearchRedisMixin.set
    assert own_attribute(named, "keys") is Model.keys
    assert own_attribute(named, "nothing") is None


# --- where objects stand ----------------------------------------------------------------------------------------------


def joined(*ends: str) -> Any:
    """A ``__key_pattern__`` with these parts around the primary key's."""

    def pattern(self: Any, *args: str) -> str:
        return ":".join([ends[0], *args, *ends[1:]])

    return pattern


@pytest.mark.parametrize(
    ("attributes", "key_ends"),
    [
        ({}, ("Declared:", "")),
        ({"__prefix__": "app:ice"}, ("app:ice:", "")),
        ({"__key_pattern__": joined("mine")}, ("mine:", "")),
        ({"__key_pattern__": joined("mine", "end")}, ("mine:", ":end")),
        ({"__key_pattern__": staticmethod(lambda *args: "/".join(["a", *args, "b"]))}, ("a/", "/b")),
        ({"__key_pattern__": classmethod(lambda cls, *args: "/".join([cls.__name__, *args]))}, ("Declared/", "")),
        ({"__key_pattern__": lambda self, *args: ".".join([self.__prefix__, *args]), "__prefix__": "p"}, ("p.", "")),
    ],
)  # fmt: skip
def test_a_key_stands_between_what_the_models_own_pattern_makes(
    attributes: dict[str, Any], key_ends: tuple[str, str]
) -> None:
    assert options_of(declared(**attributes)).key_ends == key_ends


@pytest.mark.parametrize(
    "pattern",
    [
        lambda self, *args: "always the same",
        lambda self, *args: ":".join([*args, *args]),
        lambda self, *args: ":".join(args).upper(),
        lambda self, *args: None,
        lambda self, *args: b"bytes",
    ],
)
def test_a_pattern_that_does_not_give_each_primary_key_a_key_of_its_own_is_refused(pattern: Any) -> None:
    with pytest.raises(SchemaError, match=r"Declared\.__key_pattern__ must give one key for each primary key"):
        options_of(declared(__key_pattern__=pattern))


def hashed(**attributes: Any) -> Any:
    return type("Hashed", (Model, HashRedisMixin), {"name": StringType(default="x"), **attributes})


@pytest.mark.parametrize(
    ("attributes", "of_none", "of_one", "own"),
    [
        ({}, "Hashed", "Hashed", False),
        ({"__prefix__": "p"}, "p", "p", False),
        ({"__key_pattern__": joined("k")}, "k", "k", False),
        ({"__set_key__": "fixed"}, "fixed", "fixed", True),
        ({"__set_key__": property(lambda self: f"of:{self.name}")}, "of:x", "of:y", True),
        ({"__set_key__": lambda self: f"of:{self.name}"}, "of:x", "of:y", True),
    ],
)
def test_a_hash_is_named_by_the_model(attributes: dict[str, Any], of_none: str, of_one: str, own: bool) -> None:
    model = hashed(**attributes)
    options = options_of(model)
    assert (options.set_key(None), options.set_key(model({"name": "y"})), options.own_set_key) == (of_none, of_one, own)


@pytest.mark.parametrize("name", ["__key_pattern__", "__primary_key__", "__serializer__", "__set_key__", "__nothing__"])
def test_what_the_mixins_have_is_no_method_of_the_models_own(name: str) -> None:
    model: Any = hashed()
    assert own_method(model, name) is None


def test_a_method_of_the_models_own_is_found_as_far_up_as_the_mixins() -> None:
    def pattern(self: Any) -> str:
        return "x"

    base = hashed(__set_key__=pattern, __serializer__=staticmethod(repr))
    below = type("Below", (base,), {})
    assert own_method(below, "__set_key__") is pattern
    assert own_method(below, "__serializer__")("x") == "'x'"
    back = type("Back", (below,), {"__set_key__": HashRedisMixin.__set_key__})
    assert own_method(back, "__set_key__") is HashRedisMixin.__set_key__


def test_a_class_method_of_the_models_own_is_bound_to_the_model() -> None:
    base = declared(__deserializer__=classmethod(lambda cls, dump: (cls, dump)))
    below = type("Below", (base,), {})
    assert own_method(below, "__deserializer__")("x") == (below, "x")


def named(prefix: str, **attributes: Any) -> Any:
    return type("Named", (Model, SimpleRedisMixin), {"__prefix__": prefix, **attributes})


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no model had been declared before."""
    monkeypatch.setattr(rs_search.references, "_KEPT", weakref.WeakSet())


@pytest.mark.usefixtures("alone")
def test_models_whose_prefix_begins_with_another_ones_are_known_to_it() -> None:
    user, profile, users = named("User"), named("User:Profile"), named("Users")
    same, elsewhere = named("User"), named("User", __key_pattern__=joined("User:a"))
    assert options_of(user).other_prefixes() == ("User:Profile:", "User:a:")
    assert options_of(same).other_prefixes() == options_of(user).other_prefixes()
    for model in (profile, users, elsewhere):
        assert options_of(model).other_prefixes() == ()


@pytest.mark.usefixtures("alone")
def test_a_model_that_is_gone_holds_no_keys() -> None:
    user, profile = named("Gone"), named("Gone:Profile")
    assert options_of(user).other_prefixes() == ("Gone:Profile:",)
    del profile
    gc.collect()
    assert options_of(user).other_prefixes() == ()


@pytest.mark.usefixtures("alone")
def test_a_model_that_cannot_be_meant_does_no_harm_to_others() -> None:
    user, wrong = named("Harmed"), declared(__expire__=0)
    assert options_of(user).other_prefixes() == ()
    assert wrong.__expire__ == 0


# --- options of fields ------------------------------------------------------------------------------------------------


def test_the_models_index_goes_before_the_types_metadata() -> None:
    tuned = declared(
        name=StringType(metadata={"search_options": search_options(text=False)}),
        number=IntType(metadata={"search_options": search_options(skip=True)}),
        __index__={"name": search_options(tag=False)},
    )
    fields = schema_of(tuned).fields
    assert field_options(tuned, ("name",), fields["name"]) == search_options(tag=False)
    assert field_options(tuned, ("number",), fields["number"]) == search_options(skip=True)
    assert field_options(Everything, ("string",), fields["name"]) == search_options(text=False)


@pytest.mark.parametrize(
    ("options", "default", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"tag": False}, True, False),
        ({"tag": True}, False, True),
        ({"tag": True, "skip": True}, True, False),
        ({"text": False}, True, True),
    ],
)
def test_an_option_goes_before_the_types_default(options: dict[str, Any], default: bool, wanted: bool) -> None:
    assert search_options(**options).wants("TAG", default) is wanted


def test_search_options_take_keywords_only() -> None:
    with pytest.raises(TypeError):
        search_options(True)  # type: ignore[misc]
    with pytest.raises(TypeError):
        search_options(tga=True)  # type: ignore[call-arg]


def test_a_list_may_be_tuned_by_its_own_metadata_or_that_of_its_elements() -> None:
    off = {"search_options": search_options(text=False)}
    for names in (ListType(StringType(), metadata=off), ListType(StringType(metadata=off))):
        tuned = declared(names=names)
        assert field_options(tuned, ("names",), schema_of(tuned).fields["names"]).text is False
        assert index_schema_of(tuned).leaves["names",].text is None


def test_an_object_that_is_skipped_is_skipped_whole() -> None:
    skipped = declared(__index__={"city": search_options(skip=True), "cities__name": search_options(skip=True)})
    assert list(index_schema_of(skipped).leaves) == [("name",), ("number",)]


# --- the memory of classes --------------------------------------------------------------------------------------------


def test_a_class_is_read_once() -> None:
    class Base: ...

    class Below(Base): ...

    asked: list[type] = []

    @once_per_class
    def number(cls: type) -> int:
        asked.append(cls)
        return len(asked)

    assert (number(Base), number(Below), number(Base)) == (1, 2, 1)
    assert asked == [Base, Below]
    assert number.__name__ == "number"


def test_a_class_is_forgotten_with_its_last_user() -> None:
    made: Any = declared()
    schema_of(made), options_of(made), index_schema_of(made)
    alive = weakref.ref(made)
    del made
    gc.collect()
    assert alive() is None

"""Options: what a model class says of its storage, and what it cannot say."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from schematics.models import Model
from schematics.types import IntType, ListType, ModelType, StringType

from rs_search import SchemaError, SearchRedisMixin, search_options
from rs_search.index_schema import index_schema_of
from rs_search.memo import once_per_class
from rs_search.options import field_options, options_of
from rs_search.schema import own_attribute, schema_of


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
    ],
)
def test_an_attribute_of_the_class_is_read(attributes: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(options_of(declared(**attributes)), name) == value


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"__prefix__": ""}, "__prefix__ must be a non-empty string, not ''"),
        ({"__prefix__": 5}, "__prefix__ must be a non-empty string, not 5"),
        ({"__expire__": 0}, "__expire__ must be a positive number of seconds, not 0"),
        ({"__expire__": -1}, "not -1"),
        ({"__expire__": 1.5}, "not 1.5"),
        ({"__expire__": True}, "not True"),
        ({"__expire__": "60"}, "not '60'"),
        ({"__unique_together__": ("name", "nmae")}, "names 'nmae', which is no field of the model"),
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

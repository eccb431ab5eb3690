"""Of which models it is known what schematics makes of them, and which are for schematics itself."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from fixtures.values import FIELDS, VALUES, model_of
from schematics.exceptions import ValidationError
from schematics.models import FieldDescriptor, Model, ModelMeta
from schematics.types import (
    BaseType,
    DateTimeType,
    DictType,
    IntType,
    ListType,
    ModelType,
    PolyModelType,
    StringType,
    UnionType,
    URLType,
)
from schematics.types.serializable import serializable

from rs_search import HashRedisMixin, ReferenceType, SearchRedisMixin
from rs_search.instances import hydrate, prepare
from rs_search.known import is_known
from rs_search.quick import quick_validator, quick_writer
from rs_search.storage.json_document import JsonDocuments


def refuse(value: Any) -> None:
    raise ValidationError("no")


class Own(StringType):
    pass


class City(Model):
    name = StringType()


def with_(**members: Any) -> type[Any]:
    return type("Model", (Model, SearchRedisMixin), {"pk": StringType(), **members})


def test_a_model_of_schematics_own_types_is_known() -> None:
    assert is_known(IceCream)
    for name in FIELDS.keys() - {"pet"}:
        assert quick_writer(model_of(name)) is not None, name


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"pet"}))
def test_values_as_a_type_makes_them_need_no_schematics(name: str) -> None:
    model = model_of(name)
    made = [model({"pk": "1", name: value}) for value in VALUES[name]]
    kept = []
    for instance in made:
        prepare(instance)
        write = quick_writer(model)
        assert write is not None
        kept.append(write(instance) is not None)
    # Text of classes of its own, and instants that a type moves, are for schematics each time.
    assert kept.count(False) <= {"string": 2, "integer": 1, "strings": 1}.get(name, 0)


class Elsewhere(Model):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)


class Validated(Model):
    name = StringType()

    def validate_name(self, data: Any, value: Any, context: Any) -> None:
        pass


class Tree(Model):
    children = ListType(ModelType("Tree"))


class Computed(Model):
    @serializable
    def one(self) -> int:
        return 1


UNKNOWN: dict[str, Callable[[], type[Any]]] = {
    "a computed field": lambda: with_(one=serializable(lambda self: 1)),
    "a model inside itself": lambda: with_(tree=ModelType(Tree)),
    "many classes": lambda: with_(pet=PolyModelType([City])),
    "a type of the user's": lambda: with_(name=Own()),
    "in a list": lambda: with_(names=ListType(Own())),
    "in a dictionary": lambda: with_(names=DictType(Own())),
    "in a union": lambda: with_(name=UnionType((IntType, Own))),
    "a validator": lambda: with_(name=StringType(validators=[refuse])),
    "a validator of a list": lambda: with_(names=ListType(StringType(), validators=[refuse])),
    "a validator in a list": lambda: with_(names=ListType(StringType(validators=[refuse]))),
    "a validator of the model": lambda: with_(name=StringType(), validate_name=Validated.validate_name),
    "a validator of an object": lambda: with_(city=ModelType(Validated)),
    "a computed field of an object": lambda: with_(city=ModelType(Computed)),
    "a constructor of an object": lambda: with_(city=ModelType(Elsewhere)),
    "a validation": lambda: with_(validate=lambda self, **options: None),
    "its own conversion": lambda: with_(_convert=lambda self, **options: {}),
    "its own items": lambda: with_(__getitem__=lambda self, name: None),
    "its own iteration": lambda: with_(__iter__=lambda self: iter(())),
    "its own attributes": lambda: with_(__getattr__=lambda self, name: None),
    "an object that may be false": lambda: with_(city=ModelType(type("C", (Model,), {"__bool__": lambda self: False}))),
    "a metaclass": lambda: type("Meta", (ModelMeta,), {})("Model", (Model, SearchRedisMixin), {"pk": StringType()}),
    "a primary key of its own": lambda: with_(__primary_key__=property(lambda self: "1")),
    "a function on a type": lambda: with_(name=patched(StringType(), "to_native", str)),
    "a resolver": lambda: with_(name=UnionType((IntType, StringType), resolver=lambda value, context: None)),
    "keys that are made": lambda: with_(names=DictType(StringType(), coerce_key=str.lower)),
    "choices that are used up": lambda: with_(name=StringType(choices=iter(["a"]))),
    "choices of lists": lambda: with_(names=ListType(StringType(), choices=[["a"]])),
    "addresses that are asked for": lambda: with_(url=URLType(verify_exists=True)),
    "references to nothing yet": lambda: with_(other=ReferenceType("NobodyOfThisName")),
    "a layer of the user's": lambda: with_(__storage__=type("Mine", (JsonDocuments,), {})),
    "too much within each other": lambda: with_(deep=nested(20)),
}


def patched(type_: BaseType, name: str, function: Any) -> BaseType:
    setattr(type_, name, lambda *arguments: function(*arguments))
    return type_


def nested(levels: int) -> BaseType:
    return ListType(nested(levels - 1)) if levels else StringType()


@pytest.mark.parametrize("why", UNKNOWN)
def test_what_is_the_users_own_is_left_to_schematics(why: str) -> None:
    assert quick_writer(UNKNOWN[why]()) is None


def test_a_property_in_the_place_of_a_field_is_left_to_schematics() -> None:
    class Shadowed(IceCream):
        pass

    assert is_known(Shadowed)
    Shadowed.flavour = property(lambda self: "x")  # type: ignore[assignment]
    assert isinstance(IceCream.__dict__["flavour"], FieldDescriptor)
    assert not is_known(Shadowed)


def test_a_hash_that_each_object_names_is_left_to_schematics() -> None:
    class Spread(Model, HashRedisMixin):
        pk = StringType()

        @property
        def __set_key__(self) -> str:
            return f"Spread:{self.pk}"

    assert quick_writer(Spread) is None
    assert quick_writer(type("Plain", (Model, HashRedisMixin), {"pk": StringType()})) is not None


def test_everything_with_its_computed_field_is_left_to_schematics() -> None:
    assert not is_known(Everything)


def test_text_that_refers_to_an_object_is_known_until_its_model_is_another() -> None:
    class Maker(Model, SearchRedisMixin):
        pk = StringType()

    class Ice(Model, SearchRedisMixin):
        pk = StringType()
        maker = ReferenceType(Maker)
        makers = ListType(ReferenceType(Maker))

    write = quick_writer(Ice)
    assert write is not None
    made = write(Ice({"pk": "1", "maker": "acme", "makers": ["acme", "b"]}))
    assert made is not None
    assert made[3] == b'{"pk":"1","maker":"acme","makers":["acme","b"]}'
    # Objects, and keys that the other model's type would read, are for the type.
    assert write(Ice({"pk": "1", "maker": Maker({"pk": "x"})})) is None
    Ice._schema.fields["maker"]._model = type("Other", (Maker,), {})
    assert write(Ice({"pk": "1", "maker": "acme"})) is None


def moments() -> Iterator[tuple[dict[str, Any], Any]]:
    naive, utc = dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    for options in ({}, {"tzd": "utc"}, {"tzd": "require"}, {"tzd": "reject"}, {"convert_tz": True}):
        yield options, naive
        yield options, utc


@pytest.mark.parametrize(("options", "moment"), [*moments()])
def test_an_instant_is_known_where_its_type_leaves_it_as_it_is(options: dict[str, Any], moment: dt.datetime) -> None:
    write = quick_writer(with_(at=DateTimeType(**options)))
    assert write is not None
    instance = with_(at=DateTimeType(**options))({"pk": "1"})
    instance._data.converted["at"] = moment
    try:
        same = DateTimeType(**options).validate(moment) is moment
    except Exception:
        same = False
    made = quick_writer(type(instance))(instance)  # type: ignore[misc]
    assert (made is not None) == same


def test_what_was_read_can_be_copied_after_it_was_written_as_well() -> None:
    model = with_(city=ModelType(City), cities=ListType(ModelType(City)))
    read = hydrate(model, "key", b'{"pk":"1","city":{"name":"Wien"},"cities":[{"name":"Rio"}]}')
    prepare(read)
    read.city.name = "Graz"
    again = copy.deepcopy(read)
    assert (again.city.name, again.cities[0].name) == ("Graz", "Rio")
    assert again.city is not read.city


# --- computed fields ------------------------------------------------------------------------------------------------


def computing(asked: list[Any]) -> type[Any]:
    def total(self: Any) -> int:
        asked.append(self.pk)
        return len(self.name)

    return with_(name=StringType(), total=serializable(type=IntType(max_value=9))(total))


def test_a_model_with_a_computed_field_is_validated_without_schematics() -> None:
    asked: list[Any] = []
    model = computing(asked)
    validated = quick_validator(model)
    assert validated is not None
    assert validated(model({"pk": "1", "name": "abc"})) == {"pk": "1", "name": "abc", "total": 3}
    # What it gives goes through its type.
    assert validated(model({"pk": "1", "name": "long enough"})) is None


def test_a_computed_field_is_asked_as_often_as_schematics_asks_it() -> None:
    asked: list[Any] = []
    instance = computing(asked)({"name": "abc"})
    document = prepare(instance).document
    assert document == {"pk": instance.pk, "name": "abc", "total": 3}
    # Once to validate it, with the primary key that was made up, and once for the document.
    assert asked == [instance.pk, instance.pk]


def test_a_computed_field_that_sets_others_is_left_to_schematics() -> None:
    def meddling(self: Any) -> int:
        self.name = "other"
        return 1

    model = with_(name=StringType(), one=serializable(type=IntType())(meddling))
    validated = quick_validator(model)
    assert validated is not None
    assert validated(model({"pk": "1", "name": "abc"})) is None


@pytest.mark.parametrize("why", ["a primary key of its own", "a layer of the user's"])
def test_keys_and_layers_of_the_users_own_need_no_schematics_to_validate(why: str) -> None:
    model = UNKNOWN[why]()
    validated = quick_validator(model)
    assert validated is not None
    assert validated(model({"pk": "1"})) == {"pk": "1"}


@pytest.mark.parametrize("why", ["a validator", "a type of the user's", "a validator of the model", "a validation"])
def test_validators_and_types_of_the_users_own_are_run_by_schematics(why: str) -> None:
    assert quick_validator(UNKNOWN[why]()) is None

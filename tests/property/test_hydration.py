"""An instance that was read behaves as one that schematics built of the same raw data."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from fixtures.encoding import encoded
from fixtures.exact import told
from fixtures.models import City, Everything
from fixtures.strategies import Thing, members
from hypothesis import given, settings
from hypothesis import strategies as st
from schematics.exceptions import BaseError
from schematics.models import Model
from schematics.types import PolyModelType, UnionType

from rs_search.hydration import hydrator
from rs_search.loaded_data import LoadedData
from rs_search.reading import parse
from rs_search.schema import schema_of

MODELS: list[Any] = [Thing, Everything]
SEEDS = st.integers(0, 2**32)
#: Floats that a server reads one unit off, and integers beyond 63 bits, are left to the slow way.
LEFT = re.compile(rb'"_exact"|\d{19}')


def written(rng: Random, model: Any) -> Any:
    """An object with values of its types."""
    return model({"pk": "1", **members(rng, model, rng.choice([0.1, 0.5, 0.9]))})


def raw_data(model: type[Model], text: bytes) -> dict[str, Any]:
    """What is stored, by the names that schematics has for it."""
    document = parse(text, "key")
    fields = {name: field for name, field in schema_of(model).fields.items() if field.computed is None}
    return {name: document[field.member] for name, field in fields.items() if field.member in document}


def built(model: Any, text: bytes) -> Any:
    return model(raw_data(model, text))


def seen(do: Callable[[Any], Any], instance: Any) -> Any:
    """What an instance answers or raises, and what that left of it."""
    try:
        found = told(do(instance))
    except (BaseError, AttributeError, KeyError, TypeError, ValueError) as error:
        found = type(error), str(error)
    return found, told(instance)


def each(instance: Any, do: Callable[[str], Any]) -> list[Any]:
    found = []
    for name in type(instance)._schema.fields:
        try:
            found.append(do(name))
        except (BaseError, AttributeError, KeyError, TypeError) as error:
            found.append(repr(error))
    return found


def set_all(instance: Any) -> None:
    for name, value in list(instance.items()):
        setattr(instance, name, value)


def delete_some(instance: Any) -> None:
    for name in list(instance.keys())[::2]:
        delattr(instance, name)


def put_first(instance: Any) -> None:
    """Change what is within values."""
    for name in instance:
        value = instance[name]
        if isinstance(value, list) and value:
            value[0] = None
        elif isinstance(value, dict):
            value["new"] = None
        elif isinstance(value, City):
            value.name = "new"


ASKED: dict[str, Callable[[Any], Any]] = {
    "attributes": lambda one: each(one, lambda name: getattr(one, name)),
    "items": lambda one: each(one, lambda name: one[name]),
    "get": lambda one: each(one, lambda name: one.get(name, "nothing")),
    "in": lambda one: each(one, lambda name: name in one),
    "unknown": lambda one: [one.get("unknown"), "unknown" in one],
    "unknown item": lambda one: one["unknown"],
    "unknown attribute": lambda one: one.unknown,
    "iteration": list,
    "keys, items, values": lambda one: [one.keys(), one.items(), one.values(), len(one)],
    "to_primitive": lambda one: one.to_primitive(app_data={"locale": "en"}),
    "to_native": lambda one: one.to_native(),
    "serialize": lambda one: one.serialize(app_data={"locale": "en"}),
    "atoms": lambda one: [(atom.name, atom.value) for atom in one.atoms()],
    "validate": lambda one: one.validate(),
    "validate in part": lambda one: one.validate(partial=True),
    "validate, read, set": lambda one: [one.validate(), one.items(), set_all(one), one.validate()],
    "import": lambda one: one.import_data({"pk": "2"}),
    "import, recursively": lambda one: one.import_data({"pk": "2"}, recursive=True),
    "import what is wrong": lambda one: one.import_data({"integer": "x"}),
    "set": set_all,
    "set and delete": lambda one: [set_all(one), delete_some(one)],
    "delete": delete_some,
    "delete twice": lambda one: [delattr(one, "pk"), delattr(one, "pk")],
    "delete and get": lambda one: [delattr(one, "pk"), one.get("pk", "nothing"), one.pk],
    "put item": lambda one: one.__setitem__("pk", 5),
    "put unknown item": lambda one: one.__setitem__("unknown", 5),
    "change within": put_first,
    "copy": copy.copy,
    "deepen": lambda one: [copy.copy(one)._data is one._data],
    "representation": lambda one: [repr(one), str(one), repr(one._data)],
    "given to a model": lambda one: type(one)(one),
    "written": lambda one: encoded(one).decode(),
}


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_an_instance_that_was_read_answers_as_one_that_schematics_built(model: Any, seed: int) -> None:
    rng = Random(seed)
    text = encoded(written(rng, model))
    own, theirs = hydrator(model)("key", text), built(model, text)
    assert told(own) == told(theirs)
    for name in rng.sample(sorted(ASKED), 8):
        own, theirs = hydrator(model)("key", text), built(model, text)
        first = rng.choice(sorted(ASKED))
        assert seen(ASKED[first], own) == seen(ASKED[first], theirs), first
        assert seen(ASKED[name], own) == seen(ASKED[name], theirs), (first, name)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_equality_is_that_of_instances_that_schematics_built(model: Any, seed: int) -> None:
    rng = Random(seed)
    texts = [encoded(written(rng, model)), encoded(written(rng, model))]
    for first in texts:
        for second in texts:
            expected = built(model, first) == built(model, second)
            own = [hydrator(model)("key", text) for text in (first, second)]
            assert (own[0] == own[1], own[0] != own[1]) == (expected, not expected)
            assert (own[0] == built(model, second), built(model, first) == own[1]) == (expected, expected)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_what_was_written_is_read_by_the_compiled_way_as_by_the_slow_one(model: Any, seed: int) -> None:
    rng = Random(seed)
    text = encoded(written(rng, model))
    own = hydrator(model)("key", text)
    assert isinstance(own._data, LoadedData) or LEFT.search(text)
    assert told(own) == told(hydrator(model)("key", parse(text, "key")))


def test_the_models_have_every_type_but_those_that_no_function_is_compiled_for() -> None:
    types = {type(field.type) for model in MODELS for field in schema_of(model).fields.values()}
    assert {PolyModelType, UnionType} < types

"""What the written functions make of an instance is what schematics' validation and the codec make of it.

Instances with fields of every type, with and without constraints, and with good and bad values are made ready both
ways; key, document, text, the instance afterwards and what is raised must be the same.
"""

from __future__ import annotations

import datetime as dt
import uuid
from random import Random
from typing import Any

import pytest
from fixtures.values import FIELDS, REFUSED, VALUES, model_of
from hypothesis import given, settings
from hypothesis import strategies as st
from schematics.models import Model
from schematics.types import StringType
from schematics.types.serializable import serializable

from rs_search import SearchRedisMixin, instances, rewriting
from rs_search.instances import prepare
from rs_search.rewriting import change, rewritten
from rs_search.schema import schema_of
from rs_search.storage.base import Seen
from rs_search.storage.field_keys import FieldKeys
from rs_search.storage.json_document import JsonDocuments
from rs_search.storage.string import JsonStrings
from rs_search.storage.type_hash import TypeHash

LAYERS = (JsonDocuments, JsonDocuments, JsonDocuments, JsonStrings, TypeHash, FieldKeys)
#: What every field may be declared with; some of the types take more.
ANY: list[dict[str, Any]] = [{}, {}, {}, {"required": True}, {"default": None}, {"serialize_when_none": False}]
TEXT: list[dict[str, Any]] = [
    {"max_length": 5}, {"min_length": 3}, {"regex": "[a-zA-Z ]+$"}, {"choices": ["plain", "kept", "10.0.0.1"]},
    {"max_length": 0}, {"min_length": 1, "max_length": 300, "required": True},
]  # fmt: skip
NUMBER: list[dict[str, Any]] = [
    {"min_value": 0}, {"max_value": 100}, {"min_value": -3, "max_value": 2**60}, {"choices": (1, 42, 0.1)},
    {"strict": True}, {"default": 5},
]  # fmt: skip
MOMENT: list[dict[str, Any]] = [
    {"tzd": "utc"}, {"tzd": "require"}, {"tzd": "reject"}, {"convert_tz": True}, {"drop_tzinfo": True},
    {"convert_tz": True, "drop_tzinfo": True}, {"tzd": "require", "drop_tzinfo": True},
    {"tzd": "utc", "drop_tzinfo": True},
    {"formats": "%Y-%m-%d"}, {"serialized_format": "%Y"}, {"serialized_format": "%Y-%m-%dT%H:%M:%S.%fZ"},
    {"serialized_format": "%Y-%m-%dT%H:%M:%S.%fZ", "drop_tzinfo": True, "tzd": "reject"},
    {"serialized_format": str}, {"parser": dt.datetime.fromisoformat}, {"choices": [dt.datetime(1, 1, 1)]},
]  # fmt: skip
SIZES: list[dict[str, Any]] = [{"min_size": 1}, {"max_size": 1}, {"max_size": 0}, {"min_size": 2, "max_size": 2}]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    **dict.fromkeys(("string", "email", "url", "md5", "sha1", "ip", "ipv4", "ipv6", "mac", "renamed", "notes"), TEXT),
    **dict.fromkeys(("integer", "long", "float", "decimal"), NUMBER),
    **dict.fromkeys(("strings", "integers", "dates", "booleans", "cities"), SIZES),
    "datetime": MOMENT,
    "date": [{"formats": ["%d.%m.%Y"]}, {"formats": ["%Y-%m-%d", "%Y"]}, {"choices": [dt.date(1, 2, 3)]}],
    "utc": [{"drop_tzinfo": False}, {"tzd": "reject"}, {"convert_tz": False}, {"tzd": "allow"}, {"parser": str}],
    "timestamp": [{"drop_tzinfo": True}],
    "timedelta": [{"precision": "hours"}, {"precision": "microseconds"}],
    "boolean": [{"choices": [True]}],
    "uuid": [{"choices": []}],
    "url": [*TEXT, {"fqdn": False}],
}
GARBAGE: list[Any] = [None, None, 0, "x", b"x", [], {}, (), object, "\ud800", "a\0b", Model(), [[]], {"a": [None]}]


def model_with(rng: Random) -> type[Any]:
    """A model with one to three fields, under names of their own."""
    members: dict[str, Any] = {"__storage__": rng.choice(LAYERS)}
    if rng.random() < 0.7:
        members["pk"] = StringType(**rng.choice([{}, {}, {"max_length": 3}, {"required": True}]))
    if rng.random() < 0.5:
        members["id"] = StringType()
    for name in rng.sample(list(FIELDS), rng.randint(1, 3)):
        members[name] = FIELDS[name](**{**rng.choice(ANY), **rng.choice([{}, *OPTIONS.get(name, [])])})
    if rng.random() < 0.3:
        name = rng.choice(list(FIELDS))
        declared = FIELDS[name](
            **rng.choice([{}, {}, {"required": True}, {"deserialize_from": rng.choice([*members])}])
        )
        members["computed"] = serializable(type=declared)(rng.choice(computations(rng, name)))
        if rng.random() < 0.2:
            members["computed"].setter(lambda self, value: setattr(self, "id", "set"))
    return type("Drawn", (Model, SearchRedisMixin), members)


def computations(rng: Random, name: str) -> list[Any]:
    """What a property may do: give a value, a good one mostly, or fail, or set another field."""
    value, garbage = rng.choice(VALUES.get(name, [None])), rng.choice(GARBAGE)

    def fails(self: Any) -> Any:
        raise LookupError("nothing there")

    def meddles(self: Any) -> Any:
        if "id" in self._schema.fields:
            self.id = "meddled"
        return value

    good = [lambda self: value, lambda self: self.pk, lambda self: self._data.get(name)]
    return [*good, *good, *good, lambda self: None, fails, meddles, lambda self: garbage]


def values_for(rng: Random, model: type[Any]) -> dict[str, Any]:
    """Values for the fields of a model, most of them good."""
    odd = ["", None, "a:b", "é", rng.choice(["a\0b", 5, "\ud800"])]
    found: dict[str, Any] = {"pk": rng.choice([*odd, *"123456"]), "id": rng.choice([None, "x", "%"])}
    for name in FIELDS.keys() & model._schema.fields.keys():
        some = rng.choices((VALUES.get(name, []), REFUSED.get(name, []), GARBAGE), (20, 1, 1))[0]
        found[name] = rng.choice([None, *some])
    return {name: value for name, value in found.items() if name in model._schema.fields}


def instance_of(model: type[Any], values: dict[str, Any], where: dict[str, str]) -> Any:
    """An instance with these values, each where validation or an assignment puts it."""
    instance = model()
    if where.get("computed") == "valid":
        instance._data.converted.pop("computed", None)
    for name in values:
        for place in ("converted", "valid") if where[name] == "both" else (where[name],):
            holder = dict(getattr(instance._data, place))
            # What was validated before is seen no more where there is another value.
            holder[name] = None if (where[name], place) == ("both", "valid") else values[name]
            setattr(instance._data, place, holder)
            if place == "valid" and where[name] == "valid":
                instance._data.converted.pop(name, None)
    return instance


def told(value: Any, given: dict[int, Any]) -> Any:
    """All there is to a value: classes, order, and which objects are the very ones that were given."""
    if isinstance(value, Model):
        maps = [told(dict(one), given) for one in value._data.maps]
        rest = {name: told(one, given) for name, one in vars(value).items() if name != "_data"}
        return type(value), id(value) in given, maps, rest
    if isinstance(value, dict):
        return type(value), id(value) in given, [(told(key, given), told(one, given)) for key, one in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), id(value) in given, [told(one, given) for one in value]
    return type(value), repr(value), repr(getattr(value, "tzinfo", None)), getattr(value, "fold", 0)


def within(value: Any) -> dict[int, Any]:
    """All objects in a value that could be changed, by identity."""
    if isinstance(value, Model):
        inner = [one for some in value._data.maps for one in some.values()]
    elif isinstance(value, dict):
        inner = list(value.values())
    else:
        inner = list(value) if isinstance(value, (list, tuple)) else []
    found = {id(value): value} if isinstance(value, (Model, dict, list)) else {}
    for one in inner:
        found.update(within(one))
    return found


def made_ready(way: Any, instance: Any, given: dict[int, Any]) -> Any:
    """What comes of it: what is to be written, or what is raised; and what the instance is then."""
    try:
        prepared = way(instance)
    except Exception as error:
        said = (type(error), str(error), repr(getattr(error, "errors", None)))
        return said, told(instance, given)
    result = (prepared.key, told(prepared.document, given), prepared.payload)
    assert not within(prepared.document).keys() & within(instance).keys()
    after = told(instance, given)
    prepared.before.put_back(instance)
    return result, after, told(instance, given)


def changed(instance: Any) -> Any:
    """A stored instance that is to be written again."""
    change(instance, "key", {})
    return rewritten(instance, Seen("key", {}, "", b"{}"), schema_of(type(instance)).fields)


def compare(model: type[Any], values: dict[str, Any], where: dict[str, str]) -> None:
    given = {}
    for value in values.values():
        given.update(within(value))
    before = told(list(values.values()), given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=7))
        quickly, slowly, again, again_slowly = (instance_of(model, values, where) for _ in range(4))
        found = made_ready(prepare, quickly, given), made_ready(changed, again, given)
        for name in ("quick_writer", "quick_validator"):
            patch.setattr(instances, name, lambda model: None)
        patch.setattr(rewriting, "quick_writer", lambda model: None)
        assert found[0] == made_ready(prepare, slowly, given)
        assert found[1] == made_ready(changed, again_slowly, given)
    assert told(list(values.values()), given) == before


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**64))
def test_an_object_is_made_ready_as_schematics_makes_it_ready(seed: int) -> None:
    rng = Random(seed)
    model = model_with(rng)
    for _ in range(5):
        values = values_for(rng, model)
        places = ["converted", "converted", "valid", "both"]
        compare(model, values, {name: rng.choice(places) for name in (*values, "computed")})


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("layer", [JsonDocuments, JsonStrings], ids=["documents", "strings"])
def test_every_value_of_every_type_is_made_ready_as_schematics_makes_it_ready(name: str, layer: Any) -> None:
    model = model_of(name, layer)
    for value in [None, *VALUES.get(name, []), *REFUSED.get(name, []), *GARBAGE]:
        values = {"pk": "1", name: value}
        compare(model, values, dict.fromkeys(values, "converted"))

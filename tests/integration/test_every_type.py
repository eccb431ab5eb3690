"""Every type of schematics, through a real server and back."""

from __future__ import annotations

import schematics.types
from fixtures.models import FULL, Everything
from schematics.types import BaseType, CompoundType, HashType, NumberType

from rs_search.schema import schema_of


def test_an_object_with_every_type_comes_back_equal(client: object) -> None:
    thing = Everything({"pk": "full", **FULL})
    thing.set()
    assert Everything.match_for_pk("full") == thing
    assert Everything.filter(string="Sweet Vanilla") == [thing]


def test_an_object_with_nothing_but_its_key_comes_back_with_its_defaults(client: object) -> None:
    thing = Everything({"pk": "empty"})
    thing.set()
    found = Everything.match_for_pk("empty")
    assert found == thing
    assert found.with_default == "given"


def test_none_where_the_field_has_a_default_stays_none_and_counts_as_missing(client: object) -> None:
    thing = Everything({"pk": "none"})
    thing.with_default = None
    thing.set()
    assert Everything.match_for_pk("none").with_default is None
    assert Everything.filter(with_default=None) == [thing]
    assert Everything.filter(with_default__isnull=False) == []


def test_the_model_of_the_tests_has_a_field_of_every_type() -> None:
    used = {type(field.type) for field in schema_of(Everything).fields.values()}
    used |= {type(field.element.type) for field in schema_of(Everything).fields.values() if field.element}
    public = [found for found in vars(schematics.types).values() if isinstance(found, type)]
    bases = {BaseType, CompoundType, NumberType, HashType}
    assert {found for found in public if issubclass(found, BaseType)} - bases <= used

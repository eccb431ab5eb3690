"""Names that are no words: members that no JSON path reaches, and keys that another program wrote."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from fixtures.models import IceCream
from schematics.models import Model
from schematics.types import DecimalType, IntType, StringType, UnionType
from schematics.types.compound import ModelType

from rs_search import SearchRedisMixin


@pytest.mark.parametrize("name", ["a\nb", "\x00", "\x1f", " ", " a", "a ", '"', "a\\nb", "]", "$.x", "\u2028", ""])
def test_a_field_stored_under_any_name_is_found(client: redis.Redis, name: str) -> None:
    fields = {
        "pk": StringType(),
        "text": StringType(serialized_name=name),
        "number": DecimalType(serialized_name=name + "n"),
    }
    odd: Any = type("Odd", (Model, SearchRedisMixin), fields)
    one, other = odd({"pk": "1", "text": "x y", "number": "5"}), odd({"pk": "2", "text": "z"})
    for thing in (one, other):
        thing.set()
    assert odd.filter(text="x y") == [one]
    assert odd.filter(text__search="z") == [other]
    assert odd.filter(number__gte=5) == [one]
    assert odd.filter(number=None) == [other]


def test_a_foreign_key_that_is_no_utf8_is_left_alone(plain: redis.Redis) -> None:
    plain.set(b"IceCream:\xff", "foreign")
    ice = IceCream({"id": "vanilla"})
    ice.set()
    assert IceCream.all() == [ice]
    assert IceCream.delete_all() == 1
    assert sorted(plain.keys()) == [b"IceCream:\xff", b"rs:strings"]


class Shop(Model):
    city = StringType()


class Seller(Model, SearchRedisMixin):
    pk = StringType()
    place = UnionType((IntType, ModelType(Shop)))


def test_a_union_may_hold_an_object(client: redis.Redis) -> None:
    numbered, named = Seller({"pk": "1", "place": 5}), Seller({"pk": "2", "place": Shop({"city": "Rio"})})
    for seller in (numbered, named):
        seller.set()
    assert Seller.all() == [numbered, named]
    assert Seller.filter(place=5) == [numbered]
    assert Seller.filter(place={"city": "Rio"}) == [named]

"""Sorted slices that are asked for again and again while objects come, change and go."""

from __future__ import annotations

import random
from typing import Any

import pytest
import redis
from schematics.models import Model
from schematics.types import DateType, FloatType, IntType, StringType

from rs_search import Q, SearchRedisMixin

ORDERS = ("number", "-number", "price", "-price", "-number name", "price -number", "name number")
SLICES = ((0, 3), (0, 10), (2, 7), (5, 6), (0, 1))


class Gelato(Model, SearchRedisMixin):
    pk = StringType()
    name = StringType()
    number = IntType()
    price = FloatType()
    day = DateType()


def drawn(chance: random.Random, pk: int) -> Gelato:
    """Few numbers, so that many tie, and some that are missing."""
    return Gelato(
        {
            "pk": f"{pk:03}",
            "name": chance.choice("abc"),
            "number": chance.choice([None, *range(-3, 6)]),
            "price": chance.choice([None, 0.1, 0.2, 0.3, 1e300, -1e300]),
            "day": f"2024-01-{chance.randint(1, 28):02}",
        }
    )


def in_order(objects: list[Gelato], order: str) -> list[str]:
    """Their primary keys: missing last both ways, ties by key."""
    found = sorted(objects, key=lambda one: one.pk)
    for key in reversed(order.split()):
        name, down = key.removeprefix("-"), key.startswith("-")
        there = [one for one in found if one[name] is not None]
        there.sort(key=lambda one: one[name], reverse=down)
        if down:
            # Ties as they came, which `reverse` keeps.
            assert there == sorted(there, key=lambda one: one[name], reverse=True)
        found = there + [one for one in found if one[name] is None]
    return [one.pk for one in found]


@pytest.mark.parametrize("seed", range(2))
def test_a_sorted_slice_is_right_whatever_was_written_since_it_was_last_asked_for(
    indexed: redis.Redis, seed: int
) -> None:
    chance = random.Random(seed)
    there = {pk: drawn(chance, pk) for pk in range(30)}
    Gelato.set_many(there.values())
    for _ in range(25):
        for pk in chance.sample(range(60), chance.choice([0, 1, 6])):
            if pk in there and chance.random() < 0.6:
                there.pop(pk).delete()
            else:
                there[pk] = drawn(chance, pk)
                there[pk].set()
        order, (start, stop) = chance.choice(ORDERS), chance.choice(SLICES)
        for where in (Q(), Q(name="a"), Q(number__gt=0), ~Q(name="b"), Q(name="a") | Q(number=1)):
            asked = Gelato.filter(where).order_by(*order.split())
            meeting = [one for one in there.values() if one.pk in {each.pk for each in Gelato.filter(where)}]
            assert [one.pk for one in asked[start:stop]] == in_order(meeting, order)[start:stop]


def sent(client: redis.Redis, ask: Any) -> list[str]:
    """The query texts of what is sent to the index."""
    with client.monitor() as monitor:
        ask()
        client.echo("end")
        found = []
        for one in monitor.listen():
            words = one["command"].split(" ")
            if words[0] == "ECHO":
                return found
            if words[0] in ("FT.SEARCH", "FT.AGGREGATE") and "_doubts" not in words[2]:
                found.append(words[2])
    raise AssertionError("nothing was sent")


def test_a_slice_that_is_asked_for_again_is_looked_for_where_it_ended(indexed: redis.Redis) -> None:
    class Cone(Gelato):
        """One that nobody has asked for yet."""

    Cone.set_many(Cone({"pk": f"{number:03}", "number": number}) for number in range(100))
    cheapest = Cone.order_by("number")
    assert Cone.all().count() == 100
    assert sent(indexed, lambda: list(cheapest[:5])) == ["*"]
    assert sent(indexed, lambda: list(Cone.order_by("number")[:5])) == ["@number:[$p0"]
    assert sent(indexed, lambda: list(Cone.order_by("number")[5:10])) == ["@number:[$p0"]
    assert sent(indexed, lambda: list(Cone.order_by("number")[70:80])) == ["@number:[$p0"]
    assert [one.number for one in Cone.order_by("number")[70:80]] == list(range(70, 80))
    assert sent(indexed, lambda: list(Cone.order_by("-number")[:5])) == ["*"]
    assert sent(indexed, lambda: list(Cone.order_by("-number")[:5])) == ["@number:[$p0"]
    assert sent(indexed, lambda: list(Cone.order_by("number")[:5])) == ["@number:[$p0"]
    # No longer as many as it takes: all of them are looked at.
    Cone.filter(number__lt=20).delete()
    assert sent(indexed, lambda: list(Cone.order_by("number")[:5])) == ["@number:[$p0", "*"]
    assert sent(indexed, lambda: list(Cone.order_by("number")[:5])) == ["@number:[$p0"]
    assert [one.number for one in Cone.order_by("number")[:5]] == [20, 21, 22, 23, 24]


def test_what_is_missing_is_no_place_to_look_for(indexed: redis.Redis) -> None:
    Gelato.set_many(Gelato({"pk": str(number)}) for number in range(9))
    for _ in range(2):
        assert [one.pk for one in Gelato.order_by("number")[:3]] == ["0", "1", "2"]
    Gelato({"pk": "9", "number": 1}).set()
    assert [one.pk for one in Gelato.order_by("number")[:3]] == ["9", "0", "1"]

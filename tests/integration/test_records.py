"""Setting, matching, refreshing and deleting single objects."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
import redis
from fixtures.models import IceCream
from schematics.models import Model
from schematics.types import (
    DateTimeType,
    DecimalType,
    FloatType,
    IntType,
    ListType,
    ModelType,
    PolyModelType,
    StringType,
    UUIDType,
)

import rs_search
from rs_search import (
    InvalidObject,
    MultipleFound,
    NotFound,
    SearchRedisMixin,
    SearchRedisModel,
    UnstorableValue,
    objects,
)


def ice(name: str, **values: object) -> IceCream:
    made = IceCream({"id": name, **values})
    made.set()
    return made


class Numbered(Model, SearchRedisMixin):
    id = IntType()
    name = StringType()


class Keyed(Model, SearchRedisMixin):
    id = UUIDType()


class Together(Model, SearchRedisMixin):
    __unique_together__ = ("first", "second")
    pk = StringType()
    first = StringType()
    second = IntType()
    note = StringType()


class Pair(Model, SearchRedisMixin):
    __unique_args__ = ("first", "second")
    first = StringType()
    second = StringType()


class Anonymous(Model, SearchRedisMixin):
    name = StringType()


def test_the_quickstart_of_redis_schematics_runs_with_the_mixin_renamed(client: redis.Redis) -> None:
    now = dt.datetime.now()
    vanilla = IceCream(
        {"id": "vanilla", "flavour": "Sweet Vanilla", "amount_kg": 42, "best_before": now + dt.timedelta(days=2)}
    )
    chocolate = IceCream(
        {
            "id": "chocolate",
            "flavour": "Delicious Chocolate",
            "amount_kg": 12,
            "best_before": now + dt.timedelta(days=3),
        }
    )
    vanilla.set()
    chocolate.set()
    assert IceCream.match_for_pk("vanilla") == vanilla
    assert IceCream.match_for_values(amount_kg__gte=30) == vanilla
    assert IceCream.match(id="vanilla") == vanilla
    with pytest.raises(MultipleFound):
        IceCream.match(best_before__gte=now)
    vanilla.refresh()
    assert IceCream.all() == [chocolate, vanilla]
    assert IceCream.filter(amount_kg__gte=30) == [vanilla]
    vanilla.delete()
    with pytest.raises(NotFound, match="IceCream:vanilla"):
        vanilla.refresh()


def test_keys_are_those_of_redis_schematics(client: redis.Redis) -> None:
    vanilla = ice("vanilla")
    assert vanilla.key == "IceCream:vanilla"
    assert vanilla.pk == vanilla.__primary_key__ == "vanilla"
    assert client.exists("IceCream:vanilla")


def test_an_id_of_any_type_makes_the_key_zero_included(client: redis.Redis) -> None:
    for number in (0, 7):
        Numbered({"id": number, "name": f"n{number}"}).set()
    assert Numbered.match_for_pk("0").name == "n0"
    assert Numbered.match(id="7").name == "n7"
    made = Keyed({"id": uuid.uuid4()})
    made.set()
    assert made.key == f"Keyed:{made.id}"
    assert Keyed.match(id=str(made.id)) == made


def test_unique_together_makes_the_key_and_a_match_by_all_of_it_is_a_key_lookup(client: redis.Redis) -> None:
    one = Together({"first": "x", "second": 1})
    one.set()
    assert one.key == "Together:x.1"
    assert one.pk == "x.1"
    assert Together.match(first="x", second="1") == one
    with pytest.raises(NotFound):
        Together.match(first="x", second=2)
    with pytest.raises(InvalidObject, match="first, second"):
        Together({"first": "x"}).set()


def test_a_match_by_id_finds_an_object_that_is_kept_under_another_key(client: redis.Redis) -> None:
    own = IceCream({"pk": "own", "id": "vanilla", "amount_kg": 1})
    own.set()
    assert IceCream.match(id="vanilla") == IceCream.match(id__eq="vanilla", amount_kg=1) == own
    with pytest.raises(NotFound):
        IceCream.match(id="own")
    # Under the key of that id stands another object.
    other = IceCream({"pk": "vanilla", "id": "other"})
    other.set()
    assert IceCream.match(id="vanilla") == own
    assert IceCream.match(id="other") == other
    with pytest.raises(NotFound):
        IceCream.match(pk="vanilla", id="vanilla")
    numbered = Numbered({"id": 7})
    numbered.set()
    numbered.id = 8
    numbered.set()
    assert numbered.key == "Numbered:7"
    assert Numbered.match(id=8) == numbered
    with pytest.raises(NotFound):
        Numbered.match(id=7)


def test_a_match_by_what_makes_the_key_is_one_round_trip(client: redis.Redis) -> None:
    vanilla = ice("vanilla", amount_kg=5)
    IceCream.match(id="vanilla")
    before = client.info("commandstats")
    for lookups in ({"id": "vanilla"}, {"pk__eq": "vanilla"}, {"id": "vanilla", "amount_kg__gt": 4}):
        assert IceCream.match(**lookups) == vanilla
    after = client.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert [count for name, count in calls.items() if count and "info" not in name] == [3]


def test_a_model_without_a_pk_is_matched_by_its_pk_however_it_is_spelled(client: redis.Redis) -> None:
    anonymous = Anonymous({"name": "x"})
    anonymous.set()
    pk = anonymous.__primary_key__
    for name in ("pk", "pk__exact", "pk__eq"):
        assert Anonymous.match(**{name: pk}) == Anonymous.match(**{name: pk, "name": "x"}) == anonymous
        with pytest.raises(NotFound):
            Anonymous.match(**{name: pk, "name": "y"})
        with pytest.raises(NotFound):
            Anonymous.match(**{name: "none"})
    Numbered({"id": 7}).set()
    assert Numbered.match(pk__eq="007").id == 7


class Priced(Model, SearchRedisMixin):
    pk = DecimalType()
    at = DateTimeType()


class Timed(Model, SearchRedisMixin):
    id = DateTimeType()
    name = StringType()


def test_equal_primary_keys_are_one_object(client: redis.Redis) -> None:
    Priced({"pk": "1.0"}).set()
    one = Priced({"pk": "1.00"})
    one.set()
    assert Priced.all() == [one]
    assert Priced.match(pk=1) == Priced.match_for_pk("1.000") == Priced.filter(pk=1)[0] == one
    naive = Timed({"id": dt.datetime(2024, 1, 1), "name": "naive"})
    aware = Timed({"id": dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc), "name": "aware"})
    naive.set()
    aware.set()
    assert Timed.all() == [aware]
    naive.refresh()
    assert naive.name == "aware"
    assert Timed.match(id="2024-01-01T01:00:00+0100") == aware


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("a:b", "c"), ("a", "b:c")),
        (("a.b", "c"), ("a", "b.c")),
        (("a%2Eb", "c"), ("a.b", "c")),
        (("a", ""), ("a.", "")),
    ],
)
def test_parts_of_a_key_never_let_two_objects_share_one(
    client: redis.Redis, left: tuple[str, str], right: tuple[str, str]
) -> None:
    made = [Pair({"first": first, "second": second}) for first, second in (left, right)]
    for one in made:
        one.set()
    assert made[0].key != made[1].key
    assert Pair.all().count() == 2
    assert [Pair.match(first=one.first, second=one.second) for one in made] == made


def test_a_key_of_another_model_below_the_prefix_is_not_an_object_of_this_one(client: redis.Redis) -> None:
    class User(Model, SearchRedisMixin):
        id = StringType()

    class Profile(Model, SearchRedisMixin):
        __prefix__ = "User:Profile"
        id = StringType()

    User({"id": "Profile:1"}).set()
    Profile({"id": "1"}).set()
    for model, pk in ((User, "Profile:1"), (Profile, "1")):
        assert [one.id for one in model.all()] == [pk]
        assert model.count() == 1
        assert model.match_for_pk(pk).id == pk
    assert User.delete_all() == 1
    assert Profile.count() == 1


def test_objects_without_anything_that_makes_a_key_get_a_new_uuid_each(client: redis.Redis) -> None:
    made = [Anonymous({"name": "a"}), Anonymous({"name": "b"})]
    for one in made:
        one.set()
    assert {one.name for one in Anonymous.all()} == {"a", "b"}
    assert uuid.UUID(made[0].pk) != uuid.UUID(made[1].pk)
    found = Anonymous.match_for_values(name="a")
    assert found.pk == made[0].pk
    found.name = "c"
    found.set()
    assert Anonymous.match_for_pk(found.pk).name == "c"
    assert Anonymous.count() == 2


def test_match_checks_the_other_lookups_beside_the_key(client: redis.Redis) -> None:
    vanilla = ice("vanilla", amount_kg=42)
    assert IceCream.match(id="vanilla", amount_kg__gte=42) == vanilla
    with pytest.raises(NotFound):
        IceCream.match(id="vanilla", amount_kg__gt=42)


def test_set_replaces_the_whole_object(client: redis.Redis) -> None:
    vanilla = ice("vanilla", amount_kg=42, flavour="x")
    vanilla.flavour = None
    vanilla.set()
    assert IceCream.match_for_pk("vanilla").flavour is None
    assert IceCream.filter(flavour=None, amount_kg=42) == [vanilla]


def test_delete_tells_whether_the_object_was_there(client: redis.Redis) -> None:
    vanilla = ice("vanilla")
    assert vanilla.delete() is True
    assert vanilla.delete() is False
    with pytest.raises(InvalidObject, match="no primary key"):
        IceCream().delete()


def test_objects_expire_after_the_seconds_of_the_model(client: redis.Redis) -> None:
    class Volatile(Model, SearchRedisMixin):
        __expire__ = 3600
        pk = StringType()

    one = Volatile({"pk": "x"})
    one.set()
    assert 3590 < client.ttl(one.key) <= 3600


def test_an_invalid_object_is_refused_with_the_field_and_nothing_is_written(client: redis.Redis) -> None:
    class Strict(Model, SearchRedisMixin):
        pk = StringType()
        name = StringType(required=True)
        amount = IntType(min_value=0)

    bad = Strict({"amount": 1})
    bad.amount = -1
    with pytest.raises(InvalidObject) as caught:
        bad.set()
    assert set(caught.value.errors) == {"name", "amount"}
    assert "Strict is not valid" in str(caught.value)
    assert "amount: " in str(caught.value)
    assert bad.pk is None
    assert Strict.count() == 0


class Refusing(Model, SearchRedisMixin):
    pk = StringType()
    number = FloatType()
    integer = IntType()
    text = StringType()
    words = ListType(StringType())


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("number", float("nan"), "nan"),
        ("number", float("inf"), "inf"),
        ("integer", 2**64, "64 bits"),
        ("integer", -(2**63) - 1, "64 bits"),
        ("text", "\ud800", "surrogate"),
        ("text", "a\0b", "NUL"),
        ("words", ["x", "a\0b"], "NUL"),
    ],
)
def test_what_cannot_come_back_equal_is_refused_with_the_field(
    client: redis.Redis, field: str, value: object, why: str
) -> None:
    one = Refusing({"pk": "x", field: value})
    with pytest.raises(UnstorableValue, match=rf"Refusing\.{field}.*{why}"):
        one.set()
    assert client.dbsize() == 0


def test_a_class_that_could_not_be_told_when_read_back_is_refused(client: redis.Redis) -> None:
    class A(Model):
        x = IntType()

    class B(Model):
        x = IntType()

    class Owner(Model, SearchRedisMixin):
        pk = StringType()
        one = PolyModelType([A, B])
        two = ModelType(A)

    class SubA(A):
        y = IntType()

    with pytest.raises(UnstorableValue, match="claim"):
        Owner({"pk": "x", "one": B({"x": 1})}).set()
    with pytest.raises(UnstorableValue, match="SubA"):
        Owner({"pk": "x", "two": SubA({"x": 1, "y": 2})}).set()
    assert client.dbsize() == 0


def test_floats_come_back_to_the_last_bit(client: redis.Redis) -> None:
    numbers = [0.1 + 0.2, 0.44794390971632436, 0.9654801388982029, 1e22, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3]
    for place, number in enumerate(numbers):
        Refusing({"pk": str(place), "number": number}).set()
    found = [Refusing.match_for_pk(str(place)).number for place in range(len(numbers))]
    assert list(map(repr, found)) == list(map(repr, numbers))
    assert [Refusing.filter(number=number).count() for number in numbers] == [1] * len(numbers)


class Shadowing(Model, SearchRedisMixin):
    """Fields named like the mixin's methods and schematics' own."""

    pk = StringType()
    set = StringType()
    key = IntType()
    filter = StringType()
    match = StringType()
    all = StringType()
    delete = StringType()
    count = IntType()
    index = StringType()
    keys = StringType()
    items = StringType()
    get = StringType()
    values = StringType()
    validate = StringType()
    to_primitive = StringType()
    to_native = StringType()
    import_data = StringType()
    export = StringType()
    atoms = StringType()
    fields = StringType()


def test_a_field_named_like_a_method_wins_and_objects_has_the_method_still(client: redis.Redis) -> None:
    values = {"set": "a", "filter": "b", "key": 5, "count": 3, "keys": "c", "get": "d", "validate": "e", "index": "f"}
    one = Shadowing({"pk": "x", **values, "to_primitive": "g", "import_data": "h", "all": "i", "delete": "j"})
    assert (one.set, one.key, one.filter) == ("a", 5, "b")
    things = objects(Shadowing)
    things.set(one)
    assert things.key(one) == "Shadowing:x"
    found = things.filter(set="a", filter="b", key__gte=5, keys="c", validate="e")
    assert [(row.set, row.key, row.validate, row.to_primitive) for row in found] == [("a", 5, "e", "g")]
    assert things.match(pk="x").count == 3
    one.set = "changed"
    things.set(one)
    things.refresh(one)
    assert one.set == "changed"
    assert things.all().count() == things.count() == 1
    assert things.delete(one)


def test_the_model_shortcut_has_a_pk(client: redis.Redis) -> None:
    class Short(SearchRedisModel):
        name = StringType()

    one = Short({"name": "x"})
    one.set()
    assert Short.filter(name="x") == [one]
    assert Short.match_for_pk(one.pk) == one


def test_a_client_given_by_a_function_is_asked_for_at_call_time(servers: object, indexed: redis.Redis) -> None:
    asked = []

    def give() -> redis.Redis:
        asked.append(1)
        return indexed

    class Lazy(Model, SearchRedisMixin):
        __redis_client__ = give
        pk = StringType()

    class LazyStatic(Lazy):
        __redis_client__ = staticmethod(give)
        pk = StringType()

    rs_search.connect("redis://127.0.0.1:1/0")
    assert not asked
    for model in (Lazy, LazyStatic):
        model({"pk": "x"}).set()
        assert model.count() == 1
    assert asked

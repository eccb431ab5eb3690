"""References between objects: reading, conditions across them, prefetching, and what removal does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from schematics.models import Model
from schematics.types import IntType, ListType, ModelType, StringType

import rs_search
from rs_search import (
    Conflict,
    DistributedRedisMixin,
    F,
    HashRedisMixin,
    InvalidObject,
    InvalidValue,
    NotFound,
    Q,
    QueryError,
    ReferenceType,
    Restricted,
    SearchRedisMixin,
    SimpleRedisMixin,
    UnknownField,
    objects,
)

LAYERS: dict[str, Any] = {
    "search": SearchRedisMixin,
    "simple": SimpleRedisMixin,
    "hash": HashRedisMixin,
    "distributed": DistributedRedisMixin,
}


def models_on(mixins: Iterator[Any], label: str) -> SimpleNamespace:
    """An ice cream, its maker and shops, and the maker's owner, on layers taken in turn."""

    class Owner(Model, next(mixins)):  # type: ignore[misc]
        __prefix__ = f"{label}Owner"
        pk = StringType()
        name = StringType()

    class Maker(Model, next(mixins)):  # type: ignore[misc]
        __prefix__ = f"{label}Maker"
        pk = StringType()
        country = StringType()
        rank = IntType()
        tags = ListType(StringType())
        owner = ReferenceType(Owner, related_name="makers", on_delete="cascade")
        parent = ReferenceType("Maker", on_delete="cascade", missing="none")

    class Shop(Model, next(mixins)):  # type: ignore[misc]
        __prefix__ = f"{label}Shop"
        id = IntType()
        city = StringType()
        rank = IntType()

    class Line(Model):
        amount = IntType()
        shop = ReferenceType(Shop, on_delete="clear")

    class Ice(Model, next(mixins)):  # type: ignore[misc]
        __prefix__ = f"{label}Ice"
        pk = StringType()
        flavour = StringType()
        maker = ReferenceType("Maker", related_name="icecreams", on_delete="restrict")
        shops = ListType(ReferenceType(Shop, related_name="icecreams", on_delete="clear"))
        lines = ListType(ModelType(Line))

    return SimpleNamespace(Owner=Owner, Maker=Maker, Shop=Shop, Line=Line, Ice=Ice)


MODELS = {name: models_on(itertools.repeat(mixin), name) for name, mixin in LAYERS.items()}
MODELS["mixed"] = models_on(itertools.cycle(LAYERS.values()), "mixed")


@pytest.fixture(params=sorted(MODELS))
def m(request: pytest.FixtureRequest, client: redis.Redis) -> SimpleNamespace:
    return MODELS[request.param]


@pytest.fixture
def some(m: SimpleNamespace) -> SimpleNamespace:
    """Two owners, three makers, three shops and four ice creams."""
    ann, bob = (made(m.Owner, pk=name, name=name.title()) for name in ("ann", "bob"))
    acme = made(m.Maker, pk="acme", country="IT", rank=1, tags=["old", "big"], owner=ann)
    best = made(m.Maker, pk="best", country="AT", rank=2, owner="bob", parent=acme)
    cool = made(m.Maker, pk="cool", rank=3)
    rio, wien, oslo = (made(m.Shop, id=n, city=c, rank=n) for n, c in ((1, "Rio"), (2, "Wien"), (3, "Oslo")))
    a = made(m.Ice, pk="a", flavour="vanilla", maker=acme, shops=[rio, 2], lines=[{"amount": 1, "shop": 3}])
    b = made(m.Ice, pk="b", flavour="nut", maker="best", shops=[wien])
    c = made(m.Ice, pk="c", flavour="lemon", maker=cool, shops=[])
    d = made(m.Ice, pk="d", flavour="mint")
    return SimpleNamespace(**{name: value for name, value in locals().items() if name != "m"})


def made(model: Any, **values: Any) -> Any:
    instance = model(values)
    instance.set()
    return instance


def pks(rows: Any) -> str:
    return "".join(row.pk for row in rows)


def commands_sent(client: redis.Redis) -> int:
    stats = client.info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if "info" not in name.lower())


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_reference_is_read_as_the_object_loaded_once(m: Any, some: Any, client: redis.Redis) -> None:
    ice = m.Ice.match_for_pk("a")
    assert ice["maker"] == ice._data["maker"] == objects(m.Ice).reference_key(ice, "maker") == "acme"
    before = commands_sent(client)
    assert ice.maker == some.acme
    assert ice.maker is ice.maker
    assert commands_sent(client) == before + 1
    assert ice.maker.owner.name == "Ann"
    assert objects(m.Ice).reference_key(ice, "maker") == "acme"
    assert m.Ice.match_for_pk("d").maker is None
    assert ice == m.Ice.match_for_pk("a")


def test_a_list_of_references_is_loaded_together(m: Any, some: Any, client: redis.Redis) -> None:
    ice = m.Ice.match_for_pk("a")
    assert objects(m.Ice).reference_key(ice, "shops") == ice.shops.keys == ["1", "2"]
    assert len(ice.shops) == 2
    before = commands_sent(client)
    assert [shop.city for shop in ice.shops] == ["Rio", "Wien"]
    assert ice.shops[1] == some.wien
    # JSON.MGET asks once more for what is a string; a thousand objects of four fields are one MGET.
    assert commands_sent(client) <= before + 2
    assert some.rio in ice.shops
    assert ice.shops == [some.rio, some.wien]
    ice.shops.append(some.oslo)
    ice.shops.remove("1")
    ice.set()
    assert m.Ice.match_for_pk("a").shops.keys == ["2", "3"]
    assert m.Ice.match_for_pk("a").lines[0].shop == some.oslo


def test_what_is_gone_raises_with_both_keys_or_reads_as_none(m: Any, some: Any) -> None:
    made(m.Ice, pk="e", maker="nobody", shops=["9"])
    ice = m.Ice.match_for_pk("e")
    with pytest.raises(NotFound, match=r"\w+Ice:e: maker refers to \w+Maker:nobody, which is gone"):
        _ = ice.maker
    with pytest.raises(NotFound, match=r"Ice:e: shops refers to \w+Shop:9"):
        list(ice.shops)
    orphan = made(m.Maker, pk="orphan", parent="nobody")
    assert orphan.parent is None
    assert orphan["parent"] == "nobody"
    with pytest.raises(NotFound, match="a new Ice: maker"):
        _ = m.Ice({"maker": "nobody"}).maker


def test_setting_neither_loads_nor_takes_what_has_no_key(m: Any, some: Any) -> None:
    ice = m.Ice.match_for_pk("a")
    ice.flavour = "other"
    assert ice.changed == {"flavour"}
    ice.set()
    ice.to_primitive()
    assert isinstance(ice["maker"], str)
    ice.maker = m.Maker({"country": "FR"})
    with pytest.raises(InvalidObject, match="maker: This Maker has no primary key yet"):
        ice.set()
    assert m.Ice.match_for_pk("a").maker == some.acme
    ice.maker = some.rio
    with pytest.raises(InvalidObject, match="It must be a Maker"):
        ice.set()
    with pytest.raises(InvalidObject, match="maker: No primary key is empty; None refers to nothing"):
        m.Ice({"pk": "e", "maker": ""}).set()
    ice.maker = some.best
    ice.set()
    assert m.Ice.match_for_pk("a").maker == some.best
    ice.update(maker=None, shops=F("shops").append(some.oslo))
    assert (ice.maker, ice.shops.keys) == (None, ["1", "2", "3"])
    ice.update(shops=F("shops").remove(some.oslo, "1"))
    assert ice.shops == [some.wien]


# --- conditions -------------------------------------------------------------------------------------------------------


def test_the_key_itself_is_looked_up_as_text(m: Any, some: Any) -> None:
    ices = m.Ice
    assert pks(ices.filter(maker="acme")) == pks(ices.filter(maker=some.acme)) == "a"
    assert pks(ices.filter(maker__in=[some.acme, "cool"])) == "ac"
    assert pks(ices.filter(maker__nin=["acme"])) == "bcd"
    assert pks(ices.filter(maker__isnull=True)) == pks(ices.filter(maker=None)) == "d"
    assert pks(ices.filter(maker__startswith="b")) == pks(ices.filter(maker__icontains="ES")) == "b"
    assert pks(ices.filter(shops=2)) == pks(ices.filter(shops__contains=some.wien)) == "ab"
    assert pks(ices.filter(shops__contains=[some.rio, some.wien])) == "a"
    assert pks(ices.filter(shops__len=0)) == "c"
    assert ices.order_by("-maker").values_list("pk", "maker") == [
        ("c", "cool"),
        ("b", "best"),
        ("a", "acme"),
        ("d", None),
    ]
    assert ices.filter(pk="a").values("maker", "shops") == [{"maker": "acme", "shops": ["1", "2"]}]
    with pytest.raises(InvalidValue, match="takes a list"):
        ices.filter(maker__in=some.acme)
    with pytest.raises(InvalidValue):
        ices.filter(maker=some.rio)
    with pytest.raises(InvalidValue, match="no primary key yet"):
        ices.filter(maker=m.Maker())


ACROSS = {
    "a": [Q(maker__country="IT"), Q(maker__owner__name="Ann"), Q(maker__tags="old"), Q(shops__city__startswith="R"),
          Q(lines__shop__city="Oslo"), Q(lines__match={"shop__city": "Oslo", "amount": 1}), Q(maker__pk="acme"),
          Q(shops__match={"city": "Rio", "rank": 1}), Q(shops__city="Wien", shops__rank=1)],
    "b": [Q(maker__parent__owner__name="Ann"), Q(maker__rank__gt=1, maker__country__isnull=False)],
    "ab": [Q(shops__city="Wien"), Q(maker__owner__name__in=["Ann", "Bob"]), Q(maker__country__isnull=False)],
    "cd": [Q(maker__country__isnull=True), Q(maker__country=None), Q(shops__city__isnull=True), Q(maker__owner=None)],
    "bcd": [~Q(maker__country="IT"), Q(maker__country__ne="IT"), ~Q(shops__city="Rio"),
            ~Q(maker__country="IT") | Q(pk="b")],
    "": [Q(shops__match={"city": "Wien", "rank": 1}), Q(maker__country="XX"), Q(maker__country="IT", maker__rank=2)],
    "abcd": [Q(maker__country="IT") | ~Q(maker__country="IT"), ~Q(maker__country="XX")],
    "ac": [Q(maker__country="IT") ^ Q(maker__rank=3), Q(maker__rank=3) | Q(maker__country="IT"),
           Q(maker__rank__in=[1, 3])],
    "acd": [~(Q(maker__country="AT") & Q(flavour="nut")), Q(maker__country__nin=["AT"])],
}  # fmt: skip


def test_conditions_across_references_mean_what_they_would_in_place(m: Any, some: Any) -> None:
    for wanted, queries in ACROSS.items():
        for query in queries:
            found = m.Ice.filter(query)
            assert (pks(found), query) == (wanted, query)
            assert m.Ice.filter(query).count() == len(wanted)
            assert pks(m.Ice.exclude(query)) == "".join(sorted(set("abcd") - set(wanted)))
            assert pks(m.Ice.filter(query).iterator()) == wanted
            assert sorted(m.Ice.filter(query).in_bulk(["a", "d"])) == sorted(set(wanted) & set("ad"))
    assert m.Ice.match(pk="a", maker__country="IT") == some.a
    with pytest.raises(NotFound):
        m.Ice.match(pk="a", maker__country="AT")
    assert m.Ice.filter(maker__country="IT").update(flavour="x") == 1
    assert m.Ice.match(maker__country="IT").flavour == "x"
    assert m.Ice.delete_filter(maker__country="IT") == 1
    assert pks(m.Ice.all()) == "bcd"


def test_gone_objects_meet_nothing(m: Any, some: Any) -> None:
    made(m.Ice, pk="e", maker="nobody", shops=["9"])
    assert pks(m.Ice.filter(maker__country__isnull=True)) == "cde"
    assert pks(m.Ice.filter(~Q(maker__country="IT"))) == "bcde"
    assert pks(m.Ice.filter(maker__isnull=True)) == "d"
    assert pks(m.Ice.filter(shops__city__isnull=False)) == "ab"


def test_what_leads_through_a_reference_and_is_no_condition_is_refused(m: Any, client: redis.Redis) -> None:
    for ask in (m.Ice.order_by, m.Ice.all().values, m.Ice.all().distinct, m.Ice.all().only):
        with pytest.raises(QueryError, match="leads through the reference maker"):
            ask("maker__country")
    with pytest.raises(UnknownField, match="did you mean country"):
        m.Ice.filter(maker__countri="IT")
    for name in ("flavour", "maker__country", "nothing", "maker__"):
        with pytest.raises(QueryError):
            m.Ice.all().prefetch(name)
    with pytest.raises(QueryError):
        m.Ice.all().values("maker").prefetch("maker")


def test_explain_says_which_question_comes_first(m: Any, some: Any) -> None:
    found = m.Ice.filter(maker__owner__name="Ann", flavour="vanilla").explain(run=True)
    (first,) = found.first
    assert "  first   the keys of Maker: owner__name = 'Ann'" in str(found)
    assert "the keys of Owner: name = 'Ann'" in str(first)
    assert found.ran is not None
    assert found.ran.found == 1


def test_one_query_for_the_keys_and_one_for_the_objects(indexed: redis.Redis) -> None:
    m = MODELS["search"]
    made(m.Ice, pk="a", maker=made(m.Maker, pk="acme", country="IT", rank=1))
    asked = m.Ice.filter(Q(maker__country="IT", maker__rank=1) | Q(maker__country="AT"))
    assert asked == asked[:]
    before = commands_sent(indexed)
    assert asked.filter().count() == 1
    assert commands_sent(indexed) == before + 2


def test_100_000_keys(indexed: redis.Redis) -> None:
    m = MODELS["search"]
    made(m.Maker, pk="m0", country="IT")
    with indexed.pipeline(transaction=False) as pipeline:
        for n in range(1, 100_000):
            pipeline.execute_command("JSON.SET", f"searchMaker:m{n}", "$", f'{{"pk":"m{n}","country":"IT"}}')
        pipeline.execute()
    m.Ice.set_many(m.Ice({"pk": f"i{n:03}", "maker": f"m{n * 1000}"}) for n in range(100))
    made(m.Ice, pk="other", maker="none")
    assert m.Ice.filter(maker__country="IT").count() == 100
    assert len(m.Ice.filter(maker__country="IT")) == 100
    assert pks(m.Ice.exclude(maker__country="IT")) == "other"


class Inner(Model):
    name = StringType()
    number = IntType()
    tags = ListType(StringType())


class Middle(Model):
    name = StringType()
    inner = ModelType(Inner)
    inners = ListType(ModelType(Inner))


#: Not indexed: RediSearch 2.10.5 loses rows of a negation in an OR in an AND, `one:{a} ((-many:{b} -one:{c}) | …)`,
#: on any TAG field, references or not. What is asked here is what references mean.
class Embedded(Model, SimpleRedisMixin):
    pk = StringType()
    middle = ModelType(Middle)
    middles = ListType(ModelType(Middle))


class KeptInner(Inner, SimpleRedisMixin):
    pk = StringType()


class KeptMiddle(Model, HashRedisMixin):
    pk = StringType()
    name = StringType()
    inner = ReferenceType(KeptInner)
    inners = ListType(ReferenceType("KeptInner"))


class Referring(Model, DistributedRedisMixin):
    pk = StringType()
    middle = ReferenceType(KeptMiddle)
    middles = ListType(ReferenceType(KeptMiddle))


@pytest.mark.parametrize("seed", range(4))
def test_references_mean_what_embedded_documents_mean(indexed: redis.Redis, seed: int) -> None:
    draw = random.Random(seed)
    inners = [{"name": draw.choice(["x", "y", None]), "number": draw.choice([1, 2, None]),
               "tags": draw.choice([None, [], ["p"], ["p", "q"]])} for _ in range(5)]  # fmt: skip
    middles = [
        (draw.choice("xy"), draw.choice([None, *range(5)]), draw.choices(range(5), k=draw.randrange(3)))
        for _ in range(5)
    ]
    for place, inner in enumerate(inners):
        made(KeptInner, pk=f"i{place}", **inner)
    for place, (name, one, many) in enumerate(middles):
        made(
            KeptMiddle,
            pk=f"m{place}",
            name=name,
            inner=None if one is None else f"i{one}",
            inners=[f"i{n}" for n in many],
        )
    whole = [{"name": name, "inner": None if one is None else inners[one], "inners": [inners[n] for n in many]}
             for name, one, many in middles]  # fmt: skip
    for place in range(12):
        one, many = draw.choice([None, *range(5)]), draw.choices(range(5), k=draw.randrange(3))
        made(Referring, pk=f"{place:02}", middle=None if one is None else f"m{one}", middles=[f"m{n}" for n in many])
        made(Embedded, pk=f"{place:02}", middle=None if one is None else whole[one], middles=[whole[n] for n in many])
    for _ in range(60):
        query = drawn(draw, 3)
        assert pks(Referring.filter(query)) == pks(Embedded.filter(query)), query


def drawn(draw: random.Random, depth: int) -> Q:
    if depth and draw.random() < 0.6:
        first, second = drawn(draw, depth - 1), drawn(draw, depth - 1)
        return draw.choice([first & second, first | second, first ^ second, ~first])
    start = draw.choice(["middle", "middles"])
    if draw.random() < 0.3:
        return Q(**{f"{start}__{draw.choice(['name', 'name__ne'])}": draw.choice(["x", "y", None])})
    path = f"{start}__{draw.choice(['inner', 'inners'])}"
    name, value = draw.choice([
        ("name", "x"), ("name__ne", "y"), ("name__isnull", True), ("name__isnull", False), ("number__gt", 1),
        ("number__in", [1, None]), ("number__nin", [2]), ("tags", "p"), ("tags__len", 0), ("tags__isnull", True),
        ("tags__contains", ["p", "q"]), ("match", {"name": "x", "number": 1}), ("match", ~Q(name="x")),
        ("name__regex", "x|y"),
    ])  # fmt: skip
    return Q(**{f"{path}__{name}": value})


# --- prefetch and the way back ----------------------------------------------------------------------------------------


def test_prefetch_loads_each_kind_once_for_all_rows(m: Any, some: Any, client: redis.Redis) -> None:
    rows = list(m.Ice.all().prefetch("maker__owner", "shops", "lines__shop"))
    before = commands_sent(client)
    assert [row.maker.owner.name if row.maker and row.maker.owner else None for row in rows] == [
        "Ann",
        "Bob",
        None,
        None,
    ]
    assert [[shop.city for shop in row.shops or ()] for row in rows] == [["Rio", "Wien"], ["Wien"], [], []]
    assert rows[0].lines[0].shop.city == "Oslo"
    assert rows[0].shops[1] is rows[1].shops[0]
    assert commands_sent(client) == before
    assert repr(m.Ice.all().prefetch("maker")) == "Ice.all().prefetch('maker')"
    assert [row.maker["country"] for row in m.Ice.filter(maker="acme").prefetch("maker").iterator()] == ["IT"]
    only = m.Ice.filter(pk="b").only("maker").prefetch("maker").first()
    assert isinstance(only["maker"], m.Maker)


def test_prefetch_is_one_round_trip_a_thousand(indexed: redis.Redis) -> None:
    m = MODELS["search"]
    m.Maker.set_many(m.Maker({"pk": f"m{n}"}) for n in range(1500))
    m.Ice.set_many(m.Ice({"pk": f"i{n:04}", "maker": f"m{n}"}) for n in range(1500))
    rows = m.Ice.all()
    assert len(rows) == 1500
    again = m.Ice.all()
    before = commands_sent(indexed)
    list(again)
    plain = commands_sent(indexed) - before
    before = commands_sent(indexed)
    assert [row.maker.pk for row in m.Ice.all().prefetch("maker")] == [f"m{n}" for n in range(1500)]
    assert commands_sent(indexed) - before == plain + 2


def test_the_way_back_is_a_lazy_result_set(m: Any, some: Any) -> None:
    assert pks(some.acme.icecreams) == "a"
    assert pks(some.wien.icecreams.filter(flavour="nut")) == "b"
    assert some.ann.makers.count() == 1
    assert some.ann.makers[0].icecreams == [some.a]
    with pytest.raises(AttributeError):
        some.acme.icecreams = []


# --- removal ----------------------------------------------------------------------------------------------------------


def test_restrict_names_who_refers_and_removes_nothing(m: Any, some: Any) -> None:
    removals = [
        some.acme.delete,
        lambda: m.Maker.delete_many(["cool", "acme"]),
        m.Maker.delete_all,
        lambda: m.Maker.delete_filter(rank__lt=3),
        lambda: m.Maker.filter(country="IT").delete(),
        some.ann.delete,
    ]
    for remove in removals:
        with pytest.raises(Restricted, match=r"Ice:[abc]"):
            remove()
        assert m.Maker.count() == 3
        assert m.Owner.count() == 2
    m.Ice.delete_many(["c"])
    assert some.cool.delete()


def test_cascade_goes_on_and_ends(m: Any, some: Any) -> None:
    m.Ice.delete_all()
    some.acme.parent = some.best
    some.acme.set()
    for n in range(5):
        made(m.Maker, pk=f"child{n}", parent=f"child{n - 1}" if n else "best")
    assert some.ann.delete()
    assert pks(m.Maker.all()) == "cool"
    assert m.Owner.all() == [some.bob]
    made(m.Maker, pk="one", owner=some.bob)
    assert m.Owner.filter(name="Bob").delete() == 1
    assert pks(m.Maker.all()) == "cool"


def test_clear_takes_references_away(m: Any, some: Any) -> None:
    assert some.oslo.delete()
    assert some.wien.delete()
    assert [ice.shops.keys for ice in m.Ice.filter(shops__isnull=False)] == [["1"]]
    assert objects(m.Ice).match(pk="b").shops == []
    assert m.Ice.match(pk="a").lines[0].shop is None
    assert m.Ice.match(pk="a").lines[0].amount == 1
    assert m.Shop.delete_all() == 1
    assert m.Ice.match(pk="a").shops == []


def test_a_reference_may_be_part_of_a_key_and_of_a_versioned_object(client: redis.Redis) -> None:
    class Home(Model, SimpleRedisMixin):
        pk = StringType()

    class Placed(Model, SearchRedisMixin):
        __unique_together__ = ("home", "number")
        __version_field__ = "version"
        home = ReferenceType(Home)
        number = IntType()
        near = ListType(ReferenceType(Home, on_delete="clear"))
        version = IntType()

    home, other = made(Home, pk="h"), made(Home, pk="o")
    placed, new = objects(Placed).get_or_set({"near": [home, other]}, home=home, number=1)
    assert new
    assert placed.key == "Placed:h.1"
    assert Placed.match(home=home, number=1) == Placed.match(home="h", number="1") == placed
    assert other.delete()
    again = Placed.match(home="h", number=1)
    assert (again.near.keys, again.version) == (["h"], 2)
    with pytest.raises(Conflict):
        placed.set()
    assert Placed.filter(home=home).update(near=[]) == 1
    assert Placed.filter(near__isnull=True).count() == 1


def test_replies_may_be_decoded_by_the_client(servers: Any, indexed: redis.Redis) -> None:
    m = MODELS["mixed"]
    decoding = redis.Redis.from_url(servers("redis"), decode_responses=True)
    rs_search.connect(decoding)
    shop = made(m.Shop, id=1, city="Rio")
    made(m.Ice, pk="a", maker=made(m.Maker, pk="acme", country="IT"), shops=[shop])
    assert m.Ice.filter(maker__country="IT", shops__city="Rio").prefetch("shops")[0].shops == [shop]
    assert shop.delete()
    assert m.Ice.match_for_pk("a").shops == []
    decoding.close()


def test_models_may_have_servers_of_their_own(servers: Any, indexed: redis.Redis) -> None:
    other = redis.Redis.from_url(servers("plain"))
    other.flushall()

    class Far(Model, SimpleRedisMixin):
        __redis_client__ = other
        pk = StringType()
        country = StringType()

    class Near(Model, SearchRedisMixin):
        pk = StringType()
        far = ReferenceType(Far, related_name="nears", on_delete="cascade")

    far = made(Far, pk="f", country="IT")
    near = made(Near, pk="n", far=far)
    assert other.exists("Far:f")
    assert not indexed.exists("Far:f")
    assert Near.filter(far__country="IT") == far.nears == [near]
    assert Near.all().prefetch("far")[0].far.country == "IT"
    assert Near.match_for_pk("n").far == far
    assert far.delete()
    assert Near.count() == 0
    other.close()


def test_objects_spread_over_hashes_are_found(client: redis.Redis) -> None:
    class Spread(Model, HashRedisMixin):
        pk = StringType()
        kind = StringType()

        @property
        def __set_key__(self) -> str:
            return f"Spread:{self.kind}"

    class ToSpread(Model, SimpleRedisMixin):
        pk = StringType()
        to = ReferenceType(Spread)

    made(Spread, pk="x", kind="a")
    made(ToSpread, pk="t", to="x")
    assert ToSpread.match_for_pk("t").to.kind == "a"
    assert ToSpread.filter(to__kind="a").count() == 1

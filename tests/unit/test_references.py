"""ReferenceType without a server: its options, what it takes, names of models, and what it puts on classes."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from schematics.exceptions import DataError
from schematics.models import Model
from schematics.types import DictType, IntType, ListType, ModelType, StringType

from rs_search import (
    InvalidObject,
    QueryError,
    ReferenceType,
    SchemaError,
    SearchRedisMixin,
    SimpleRedisMixin,
    UnknownLookup,
    kinds,
    objects,
)
from rs_search.followed import followed_paths
from rs_search.index_schema import index_schema_of
from rs_search.instances import prepare
from rs_search.options import options_of
from rs_search.query.bind import bind
from rs_search.query.conditions import Q
from rs_search.query.tree import describe
from rs_search.reference_fields import References
from rs_search.schema import schema_of


class Maker(Model, SearchRedisMixin):
    id = IntType()
    country = StringType()
    exact = StringType()


class Ice(Model, SearchRedisMixin):
    pk = StringType()
    flavour = StringType()
    maker = ReferenceType("Maker", related_name="icecreams")
    makers = ListType(ReferenceType(Maker))


class Line(Model):
    maker = ReferenceType(Maker)


class Bill(Model, SimpleRedisMixin):
    pk = StringType()
    lines = ListType(ModelType(Line))


@pytest.mark.parametrize(
    "options",
    [
        {"model": Model},
        {"model": int},
        {"model": Line},
        {"on_delete": "explode"},
        {"missing": "maybe"},
        {"related_name": "not a name"},
        {"on_delete": "clear", "required": True},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        ReferenceType(**{"model": "Maker", **options})


def test_it_takes_an_object_or_a_primary_key_and_keeps_text() -> None:
    maker = Maker({"id": 7})
    for given in (maker, 7, "7", "007"):
        ice = Ice({"pk": "x", "maker": given, "makers": [given]})
        assert prepare(ice).document == {"pk": "x", "maker": "7", "makers": ["7"]}
        assert objects(Ice).reference_key(ice, "maker") == "7"
        assert objects(Ice).reference_key(ice, "makers") == ["7"]
    assert Ice({"maker": maker}).maker is maker
    assert Ice({"makers": [maker]}).makers[0] is maker
    assert Ice({"maker": None}).maker is None


@pytest.mark.parametrize("given", [Ice({"pk": "x"}), "seven", {"id": 7}, [7]])
def test_it_takes_nothing_else(given: Any) -> None:
    with pytest.raises(DataError, match="maker"):
        Ice({"maker": given})


def test_an_object_without_a_primary_key_is_taken_but_not_kept() -> None:
    ice = Ice({"maker": Maker({"country": "IT"})})
    with pytest.raises(InvalidObject, match="maker: This Maker has no primary key yet"):
        prepare(ice)
    ice = Ice({"makers": [Maker()]})
    with pytest.raises(InvalidObject, match="no primary key yet"):
        prepare(ice)


def test_an_object_that_is_kept_elsewhere_is_refused() -> None:
    class Other(Maker):
        pass

    class Alike(Maker):
        __prefix__ = "Maker"

    with pytest.raises(DataError, match="not kept where a Maker is looked for"):
        Ice({"maker": Other({"id": 1})})
    assert Ice({"maker": Alike({"id": 1})}).maker.id == 1


def test_comparison_items_and_export_load_nothing() -> None:
    first, second = Ice({"pk": "x", "maker": 7}), Ice({"pk": "x", "maker": Maker({"id": 7})})
    assert first == second
    assert first != Ice({"pk": "x", "maker": 8})
    assert first["maker"] == "7"
    assert "maker" in first
    assert first.to_primitive()["maker"] == second.to_primitive()["maker"] == "7"
    assert dict(first.items())["maker"] == "7"


def test_a_list_of_references_is_changed_in_place() -> None:
    ice = Ice({"makers": [1, 2]})
    ice.makers.append(Maker({"id": 3}))
    ice.makers[0] = 9
    ice.makers.remove("2")
    assert ice.makers.keys == [9, "3"]
    assert prepare(ice).document["makers"] == ["9", "3"]
    assert isinstance(ice.makers, References)
    other = Ice({"pk": "y"})
    other.makers = ice.makers
    assert other["makers"] == ice["makers"]
    assert other["makers"] is not ice["makers"]
    assert other.makers == ice.makers
    assert Ice().makers is None
    assert isinstance(Ice.makers, ListType)


def test_the_kind_and_the_index() -> None:
    fields = schema_of(Ice).fields
    assert fields["maker"].kind is kinds.REFERENCE
    assert fields["makers"].element is not None
    assert fields["makers"].element.kind is kinds.REFERENCE
    kinds_by_alias = {field.alias: field.kind for field in index_schema_of(Ice).fields}
    assert kinds_by_alias["maker"] == kinds_by_alias["makers"] == "TAG"
    assert "maker__country" not in kinds_by_alias


@pytest.mark.parametrize(
    "type_", [lambda: DictType(ReferenceType(Maker)), lambda: ListType(ListType(ReferenceType(Maker)))]
)
def test_a_reference_stands_by_itself_or_in_a_list(type_: Any) -> None:
    class Deep(Model, SearchRedisMixin):
        deep = type_()

    with pytest.raises(SchemaError, match="deep: a ReferenceType stands by itself"):
        schema_of(Deep)


def test_an_on_delete_that_nothing_would_follow_is_refused() -> None:
    class Clearing(Model):
        maker = ReferenceType(Maker, on_delete="clear")

    class InDictionary(Model, SearchRedisMixin):
        lines = DictType(ModelType(Clearing))

    class InList(Model, SearchRedisMixin):
        lines = ListType(ModelType(Clearing))

    with pytest.raises(SchemaError, match="maker has on_delete='clear', which cannot be followed"):
        options_of(InDictionary)
    assert [str(path) for path in followed_paths(InList)] == ["lines__maker"]
    assert options_of(InList).prefix == "InList"


def test_a_field_wins_over_a_lookup_of_the_same_name() -> None:
    assert describe(bind(Ice, Q(maker__exact="x"))) == "maker__exact = 'x'"
    assert describe(bind(Ice, Q(maker__in=["1"]))) == "maker in ['1']"
    assert describe(bind(Bill, Q(lines__maker__country="IT"))) == "lines__maker__country = 'IT'"
    with pytest.raises(UnknownLookup):
        bind(Ice, Q(maker__len=1))
    with pytest.raises(QueryError):
        objects(Ice).reference_key(Ice(), "flavour")


def test_a_name_is_found_late_and_near() -> None:
    class Early(Model, SearchRedisMixin):
        later = ReferenceType("Later", related_name="earlies")

    with pytest.raises(SchemaError, match="there is no model of this name yet"):
        _ = Early._schema.fields["later"].model

    class Later(Model, SearchRedisMixin):
        pk = StringType()

    assert Early._schema.fields["later"].model is Later
    assert repr(Later({"pk": "x"}).earlies) == "Early.filter(Q(later=Later({'pk': 'x'})))"
    assert ReferenceType(f"{__name__}.Maker").model is Maker

    class Tree(Model, SearchRedisMixin):
        above = ReferenceType("Tree")

    assert Tree._schema.fields["above"].model is Tree


def test_names_on_the_other_model_clash() -> None:
    def declare(name: str, **attributes: Any) -> type[Any]:
        return type(Model)(
            name, (Model, SearchRedisMixin), {"__qualname__": name, "__module__": __name__, **attributes}
        )

    for taken in ("country", "filter", "icecreams", "key"):
        with pytest.raises(SchemaError, match=taken):
            declare("Clash", maker=ReferenceType(Maker, related_name=taken))
    with pytest.raises(SchemaError, match="twins"):
        declare("Twins", one=ReferenceType(Maker, related_name="twins"), two=ReferenceType(Maker, related_name="twins"))
    first = declare("Anew", maker=ReferenceType(Maker, related_name="anews"))
    second = declare("Anew", maker=ReferenceType(Maker, related_name="anews"))
    assert first is not second
    assert Maker({"id": 1}).anews._select.model is second
    heir = type(Model)("Heir", (second,), {"__module__": __name__, "__qualname__": "Heir"})
    assert heir({"maker": 1})["maker"] == "1"
    assert Maker({"id": 1}).anews._select.model is second


def test_classes_made_at_run_time_die() -> None:
    class Passing(Model, SearchRedisMixin):
        maker = ReferenceType("Maker", related_name="passing", on_delete="cascade")
        makers = ListType(ReferenceType(Maker, on_delete="clear"))

    schema_of(Passing)
    assert len(Passing({"makers": [1]}).makers) == 1
    dead = weakref.ref(Passing)
    del Passing
    gc.collect()
    assert dead() is None
    with pytest.raises(AttributeError):
        _ = Maker({"id": 1}).passing

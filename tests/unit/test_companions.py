"""Companions: what stands beside a document for the index, and what would drop the document from it."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from fixtures.encoding import encoded
from fixtures.models import Everything
from schematics.models import Model
from schematics.types import DateType, FloatType, GeoPointType, IntType, ListType, ModelType, StringType

from rs_search.companions import UnkeepableAt, companions, comparable_of, is_as_made, merged, restore_exact, texts_of
from rs_search.index_schema import index_schema_of
from rs_search.options import search_options
from rs_search.schema import COMPANIONS, schema_of


def bug(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, reason=f"bug: {reason}")


def beside(document: dict[str, Any], model: type[Model] = Everything) -> dict[str, Any]:
    return companions(document, index_schema_of(model))


BESIDE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"string": "plain", "integer": 1, "float": 0.5, "boolean": True}, {}),
    # As numbers, what the index cannot read from the primitive.
    ({"date": "0001-01-02"}, {"date": 2}),
    ({"datetime": "1970-01-01T00:00:01.000000"}, {"datetime": 1_000_000}),
    ({"datetime": "1970-01-01T05:30:00.000000+0530"}, {"datetime": 0}),
    ({"timestamp": 1.5}, {"timestamp": 1_500_000}),
    ({"timedelta": 90}, {"timedelta": 90_000_000}),
    ({"decimal": "0.10"}, {"decimal": 0.1}),
    ({"dates": ["0001-01-02", None, "0001-01-03"]}, {"dates": [2, 3]}),
    ({"dates": []}, {}),
    ({"booleans": [True, None, False]}, {"booleans": ["true", "false"]}),
    ({"cities": [{"opened": "0001-01-02"}, {}], "city": {"opened": "0001-01-03"}},
     {"city__opened": 3, "cities__opened": [2]}),
    # Points, longitude first; those that would drop the document are left out.
    ({"point": [48.2, 16.37]}, {"point": "16.37,48.2"}),
    ({"point": {"lat": 48.2, "lon": 16.37}}, {"point": "16.37,48.2"}),
    ({"point": [85.06, 0]}, {}),
    ({"point": [-90, 180]}, {}),
    # Folded words, where the server's tokens are not the words.
    ({"string": "ÉCOLE"}, {"string__fold": ["école"], "string__case": "école"}),
    ({"strings": ["plain", "two\nlines", None]}, {"strings__fold": ["two lines"]}),
    ({"multilingual": {"en_US": "plain", "de_AT": "ÄPFEL", "fr": None}}, {"multilingual__fold": ["äpfel"]}),
    # Case-folded text, where a server's folding may be another; a backslash joins words.
    ({"string": "école Wien"}, {}),
    ({"string": "Straße"}, {"string__fold": ["strasse"], "string__case": "strasse"}),
    ({"string": "\u212a"}, {"string__fold": ["k"], "string__case": "k"}),
    ({"string": "A\\B"}, {"string__fold": ["a b ab"], "string__case": "a\\b"}),
    ({"city": {"name": "É"}}, {"city__name__fold": ["é"], "city__name__case": "é"}),
    ({"cities": [{"name": "É"}]}, {"cities__name__fold": ["é"]}),
    # Nulls, which ismissing() does not see.
    ({"string": None}, {"_nulls": ["string"]}),
    ({"strings": [None, None]}, {"_nulls": ["strings"]}),
    ({"strings": [None, "x"]}, {}),
    ({"strings": []}, {}),
    ({"date": None, "decimal": None, "dates": [None]}, {}),
    # Doubts, where a double does not stand for the value.
    ({"integer": 2**53 - 1}, {}),
    ({"integer": 2**53 + 1}, {"_doubts": ["integer"]}),
    ({"integers": [1, 2**53 + 1]}, {"_doubts": ["integers"]}),
    ({"decimal": "0.12345678901234567890"}, {"decimal": 0.12345678901234568, "_doubts": ["decimal"]}),
    # Floats that the server reads one unit off, wherever they stand.
    ({"float": 0.9654801388982029}, {"_doubts": ["float"], "_exact": [[["float"], "0.9654801388982029"]]}),
    ({"anything": {"a": [0, 0.9654801388982029]}}, {"_exact": [[["anything", "a", 1], "0.9654801388982029"]]}),
    ({"point": [0.9654801388982029, 1.0]},
     {"point": "1.0,0.9654801388982029", "_exact": [[["point", 0], "0.9654801388982029"]]}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), BESIDE)
def test_what_stands_beside_a_document(document: dict[str, Any], expected: dict[str, Any]) -> None:
    assert beside(document) == expected


@pytest.mark.parametrize(("document", "expected"), BESIDE)
def test_what_has_been_worked_out_already_is_taken_over(document: dict[str, Any], expected: dict[str, Any]) -> None:
    leaves = index_schema_of(Everything).leaves.values()
    known = {leaf.alias: expected[leaf.alias] for leaf in leaves if leaf.companion and leaf.alias in expected}
    doubts = [name for name in expected.get("_doubts", ()) if name in known]
    if not doubts:
        found = companions(document, index_schema_of(Everything), known)
        assert (found, [*found]) == (expected, [*beside(document)])


def test_the_reserved_member_is_there_only_where_something_needs_it() -> None:
    assert COMPANIONS not in orjson.loads(encoded(Everything({"string": "x"})))
    assert orjson.loads(encoded(Everything({"date": "0001-01-02"})))[COMPANIONS] == {"date": 2}


@pytest.mark.parametrize("value", [{}, {"en_US": None}])
def test_a_text_in_many_languages_without_text_is_not_missing_to_the_index(value: dict[str, Any]) -> None:
    # On the server: `$.multilingual.*` gives nothing, so that ismissing() is true; to the lookups {} is a value.
    leaf = index_schema_of(Everything).leaves[("multilingual",)]
    assert leaf.presence is None or beside({"multilingual": value}) != {}


def test_a_string_with_nul_is_refused_where_it_would_be_cut_in_a_tag() -> None:
    class Notes(Model):
        tagged = StringType()
        text = StringType(metadata={"search_options": search_options(tag=False)})
        skipped = StringType(metadata={"search_options": search_options(skip=True)})

    assert beside({"text": "a\0b", "skipped": "a\0b"}, Notes) == {"text__fold": ["a b"]}
    with pytest.raises(UnkeepableAt, match="tagged: an indexed string must not contain NUL") as caught:
        beside({"tagged": "a\0b"}, Notes)
    assert caught.value.path == "tagged"


def test_paths_without_an_index_field_need_nothing_beside_them() -> None:
    skip = {"search_options": search_options(skip=True)}

    class Bare(Model):
        day = DateType(metadata=skip)
        number = IntType(metadata=skip)
        point = GeoPointType(metadata=skip)
        text = StringType(metadata=skip)

    assert beside({"day": "0001-01-02", "number": 2**60 + 1, "point": [1, 2], "text": "ÉCOLE\0"}, Bare) == {}


@pytest.mark.parametrize("wrong", [{"integer": "x"}, {"date": "yesterday"}, {"integers": [1, "x"]}])
def test_a_member_that_would_drop_the_document_from_the_index_is_refused_by_its_path(wrong: dict[str, Any]) -> None:
    with pytest.raises(UnkeepableAt) as caught:
        beside(wrong)
    assert caught.value.path == next(iter(wrong))


# --- exact floats -----------------------------------------------------------------------------------------------------


def unit_off(number: float) -> float:
    return math.nextafter(number, math.inf)


def test_a_float_read_one_unit_off_is_put_back() -> None:
    number = 0.9654801388982029
    document = {"f": unit_off(number), "deep": [{"er": unit_off(number)}]}
    restore_exact(document, [[["f"], repr(number)], [["deep", 0, "er"], repr(number)]])
    assert document == {"f": number, "deep": [{"er": number}]}


@pytest.mark.parametrize(
    "document",
    [{}, {"f": "text"}, {"f": None}, {"f": 0.5}, {"f": 0.96548013}, {"f": [1]}],
)
def test_what_another_program_wrote_since_stands(document: dict[str, Any]) -> None:
    before = dict(document)
    restore_exact(document, [[["f"], "0.9654801388982029"], [["deep", 3, "er"], "1.5"], [["f", 0, 1], "1.5"]])
    assert document == before


# --- what is compared -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "primitive", "comparable"),
    [
        ("string", "x", "x"),
        ("integer", 2**60, 2**60),
        ("float", 5, 5),
        ("boolean", True, True),
        ("date", "0001-01-02", 2),
        ("utc", "1970-01-01T00:00:00.000001Z", 1),
        ("uuid", "12345678-1234-5678-1234-567812345678", "12345678-1234-5678-1234-567812345678"),
        # Written by another program.
        ("integer", "42", 42),
        ("string", 42, "42"),
        ("boolean", "true", True),
    ],
)
def test_a_primitive_is_compared_as_its_type_reads_it(name: str, primitive: Any, comparable: Any) -> None:
    found = comparable_of(schema_of(Everything).fields[name], primitive)
    assert (found, type(found)) == (comparable, type(comparable))


@pytest.mark.parametrize(
    ("name", "primitive", "texts"),
    [
        ("string", "x", ["x"]),
        ("mac", "aa-bb-cc-dd-ee-ff", ["aa-bb-cc-dd-ee-ff"]),
        ("multilingual", {"en": "x", "de": None, "fr": "y"}, ["x", "y"]),
        ("multilingual", {}, []),
        ("multilingual", ["x"], []),
        ("multilingual", "x", []),
    ],
)
def test_the_texts_of_a_value(name: str, primitive: Any, texts: list[str]) -> None:
    assert texts_of(schema_of(Everything).fields[name], primitive) == texts


def test_leaves_of_lists_of_models_gather_every_element() -> None:
    class Inner(Model):
        number = IntType()
        weights = ListType(FloatType())

    class Outer(Model):
        inner = ListType(ModelType(Inner))

    document = {"inner": [{"number": 2**53 + 1}, {"weights": [0.5, 0.9654801388982029]}, {"number": None}]}
    assert beside(document, Outer) == {
        "_doubts": ["inner__number", "inner__weights"],
        "_exact": [[["inner", 1, "weights", 1], "0.9654801388982029"]],
    }


# --- of other versions of a model -------------------------------------------------------------------------------------


class Priced(Model):
    name = StringType()
    day = DateType()
    amount = IntType()


PRICED = index_schema_of(Priced)


def test_what_another_version_reads_beside_a_document_is_kept() -> None:
    there = {"day": 5, "price": 1.5, "_nulls": ["old", "amount"], "_doubts": ["price"], "_exact": [[["x"], "0.5"]]}
    made = {"day": 7, "_doubts": ["amount"]}
    assert merged(there, made, PRICED) == {
        "day": 7, "price": 1.5, "_nulls": ["old"], "_doubts": ["amount", "price"],
    }  # fmt: skip
    assert merged(None, made, PRICED) == merged("garbage", made, PRICED) == made


@pytest.mark.parametrize(
    ("there", "made", "same"),
    [
        (None, {}, True),
        ({}, {}, True),
        ("garbage", {}, False),
        (None, {"day": 7}, False),
        ({"day": 7}, {"day": 7}, True),
        ({"day": 8}, {"day": 7}, False),
        ({"day": 7, "more": 1}, {"day": 7}, False),
        # A unit in the last place, which RedisJSON takes for another.
        ({"price": 0.9654801388982028}, {"price": 0.9654801388982029}, True),
        ({"price": 0.9654801388982028}, {"price": 0.96548013889}, False),
        ({"prices": [0.9654801388982028]}, {"prices": [0.9654801388982029]}, True),
        ({"prices": [1.0]}, {"prices": [1.0, 1.0]}, False),
        ({"_nulls": ["b", "a"]}, {"_nulls": ["a", "b"]}, True),
        ({"_nulls": ["a", None]}, {"_nulls": ["a", "b"]}, False),
    ],
)
def test_companions_are_as_made_where_the_server_keeps_them(there: Any, made: Any, same: bool) -> None:
    assert is_as_made(there, made) is same

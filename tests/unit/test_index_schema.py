"""The index of a model: FT.CREATE's words as a golden file, aliases that are never shared, and limits."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from fixtures.models import Everything, IceCream
from schematics.models import Model
from schematics.types import (
    BooleanType,
    DateType,
    DictType,
    GeoPointType,
    IntType,
    ListType,
    ModelType,
    PolyModelType,
    StringType,
    UnionType,
    UUIDType,
)

from rs_search import SchemaError, search_options
from rs_search.index_schema import DOUBTS, EXACT, MOST_FIELDS, MOST_TEXTS, NULLS, IndexSchema, index_schema_of
from rs_search.schema import schema_of
from rs_search.server.index_arguments import create_arguments

GOLDEN = Path(__file__).parents[1] / "golden" / "index.txt"


def lines_of(arguments: tuple[str, ...]) -> str:
    """The words of FT.CREATE, a field a line."""
    place = arguments.index("SCHEMA")
    lines, fields = [" ".join(arguments[:place])], arguments[place + 1 :]
    starts = [at - 1 for at, word in enumerate(fields) if word == "AS" and fields[at - 1].startswith("$")]
    for start, stop in zip(starts, [*starts[1:], len(fields)], strict=True):
        path, _, alias, *rest = fields[start:stop]
        lines.append(f"  {path:<32} AS {alias:<24} {' '.join(rest)}")
    return "\n".join(lines) + "\n"


def test_the_index_of_every_type_is_as_the_golden_file_says() -> None:
    told = (
        lines_of(create_arguments(index_schema_of(Everything), index_schema_of(Everything).name))
        + "\n"
        + lines_of(create_arguments(index_schema_of(IceCream), index_schema_of(IceCream).name))
    )
    if os.environ.get("RS_SEARCH_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")


def model(name: str = "Made", /, **fields: Any) -> Any:
    return type(name, (Model,), fields)


def aliases(schema: IndexSchema) -> list[str]:
    return [field.alias for field in schema.fields]


# --- aliases ----------------------------------------------------------------------------------------------------------


class Inner(Model):
    b = StringType()
    b__text = StringType()
    __annotations__ = {}


AWKWARD: dict[str, dict[str, Any]] = {
    "a nested field and one with its name": {"a": ModelType(Inner), "a__b": StringType(), "a__b__text": StringType()},
    "names that sanitise to the same": {"é": StringType(), "ue9": StringType(), "uue9": StringType()},
    "names of the library's own": {NULLS: StringType(), DOUBTS: IntType(), EXACT: DateType(), "_ix_": StringType()},
    "names of a text's fields": {
        "a": StringType(),
        "a__text": StringType(),
        "a__fold": DateType(),
        "a__case": StringType(),
        "a__text_": IntType(),
    },
    "names of other case": {"a": StringType(), "A": IntType()},
    "names in other scripts": {"日本": StringType(), "日本語": IntType(), "ñ": DateType(), "n\u0303": BooleanType()},
    "names of the query language": {"AS": StringType(), "TAG": StringType(), "and": IntType(), "SORTABLE": IntType()},
}


@pytest.mark.parametrize("name", AWKWARD)
def test_no_two_fields_of_an_index_share_an_alias(name: str) -> None:
    schema = index_schema_of(model(**AWKWARD[name]))
    assert len(set(aliases(schema))) == len(schema.fields)
    assert {NULLS, DOUBTS} <= set(aliases(schema)[-2:])
    assert all(re.fullmatch("[A-Za-z0-9_]+", alias) for alias in aliases(schema))


@pytest.mark.parametrize("name", AWKWARD)
def test_no_two_companions_of_a_document_share_a_member(name: str) -> None:
    schema = index_schema_of(model(**AWKWARD[name]))
    beside = [leaf.alias for leaf in schema.leaves.values() if leaf.companion]
    beside += [alias for leaf in schema.leaves.values() for alias in (leaf.fold, leaf.case) if alias]
    assert len({NULLS, DOUBTS, EXACT, *beside}) == len(beside) + 3


def test_a_renamed_member_is_indexed_where_it_is_stored() -> None:
    quoting = model(name=StringType(serialized_name='the "name"'), day=DateType(serialized_name="it's a day"),
                    inner=ModelType(Inner, serialized_name="in.ner"))  # fmt: skip
    paths = {field.alias: field.json_path for field in index_schema_of(quoting).fields}
    assert paths["name"] == paths["name__text"] == '$["the \\"name\\""]'
    assert paths["day"] == "$._ix.day"
    assert paths["inner__b"] == '$["in.ner"].b'


# --- which paths ------------------------------------------------------------------------------------------------------


class Node(Model):
    name = StringType()
    child = ModelType("Node")
    children = ListType(ModelType("Node"))


class Ping(Model):
    number = IntType()
    pong = ListType(ModelType("Pong"))


class Pong(Model):
    text = StringType()
    ping = ModelType(Ping)


Ping._fields["pong"].field._model_class = Pong


def test_a_model_in_itself_is_indexed_once() -> None:
    assert set(index_schema_of(Node).leaves) == {("name",)}
    assert set(index_schema_of(Pong).leaves) == {("text",), ("ping", "number")}


@pytest.mark.parametrize(
    ("field", "kinds"),
    [
        (StringType(), {"TAG", "TEXT"}),
        (IntType(), {"NUMERIC"}),
        (ListType(ListType(IntType())), {"NUMERIC"}),
        (ListType(BooleanType()), {"TAG"}),
        (GeoPointType(), {"GEO"}),
        (DictType(IntType()), set()),
        (ListType(DictType(StringType())), set()),
        (UnionType((IntType, StringType)), set()),
        (PolyModelType([Inner, Node]), set()),
        (PolyModelType(type("Alone", (Model,), {"x": IntType()})), {"NUMERIC"}),
        (StringType(metadata={"search_options": search_options(text=False)}), {"TAG"}),
        (StringType(metadata={"search_options": search_options(tag=False)}), {"TEXT"}),
        (StringType(metadata={"search_options": search_options(skip=True)}), set()),
        (IntType(metadata={"search_options": search_options(numeric=False)}), set()),
    ],
)
def test_a_field_is_indexed_as_its_type_and_options_say(field: Any, kinds: set[str]) -> None:
    schema = index_schema_of(model(field=field))
    assert {found.kind for found in schema.fields[:-2]} == kinds


def test_values_in_lists_are_not_sortable() -> None:
    schema = index_schema_of(Everything)
    sortable = {field.alias for field in schema.fields if field.sortable}
    assert {"string", "integer", "date", "city__name"} <= sortable
    assert not {alias for alias in sortable if alias.startswith(("strings", "integers", "dates", "cities"))}


@pytest.mark.parametrize(
    ("field", "has_case"),
    [
        (StringType(), True),
        (StringType(metadata={"search_options": search_options(text=False)}), True),
        (StringType(metadata={"search_options": search_options(sortable=False)}), False),
        (StringType(metadata={"search_options": search_options(tag=False)}), False),
        (ListType(StringType()), False),
        (UUIDType(), False),
        (IntType(), False),
    ],
)
def test_a_sortable_text_has_its_case_beside_it(field: Any, has_case: bool) -> None:
    schema = index_schema_of(model(field=field))
    found = [field for field in schema.fields if field.alias == "field__case"]
    assert [(one.json_path, one.kind, one.sortable, one.missing) for one in found] == (
        [("$._ix.field__case", "TAG", True, False)] if has_case else []
    )
    assert schema.leaves[("field",)].case == ("field__case" if has_case else None)


# --- limits -----------------------------------------------------------------------------------------------------------


def test_texts_beyond_what_an_index_takes_have_a_tag_only() -> None:
    many = model(**{f"text{number}": StringType() for number in range(MOST_TEXTS + 3)})
    schema = index_schema_of(many)
    kinds = [field.kind for field in schema.fields]
    assert kinds.count("TEXT") == 2 * MOST_TEXTS <= 128
    # Each has a tag, and its case beside it; two tags are every index's own.
    assert kinds.count("TAG") == 2 * (MOST_TEXTS + 3) + 2
    assert [leaf.text for leaf in schema.leaves.values()][-3:] == [None, None, None]


def test_fields_beyond_what_an_index_takes_are_left_to_the_check() -> None:
    many = model(**{f"number{number}": IntType() for number in range(1100)})
    schema = index_schema_of(many)
    assert len(schema.leaves) == MOST_FIELDS
    assert len(schema.fields) <= 1024


# --- names of indexes -------------------------------------------------------------------------------------------------


def test_two_versions_of_a_model_have_two_indexes_and_one_version_has_one() -> None:
    first, same = model(a=StringType()), model(a=StringType())
    others = [
        model(a=StringType(), b=IntType()),
        model(a=StringType(serialized_name="b")),
        model(a=IntType()),
        model("Other", a=StringType()),
        model(a=StringType(metadata={"search_options": search_options(sortable=False)})),
        model(a=ListType(StringType())),
    ]
    names = [index_schema_of(one).name for one in (first, *others)]
    assert index_schema_of(first).name == index_schema_of(same).name
    assert len(set(names)) == len(names)
    assert re.fullmatch("rs:Made:[0-9a-f]{12}", names[0])


@pytest.mark.parametrize(("prefix", "colons"), [("Ice", 1), ("é", 1), ("a:b", 2)])
def test_keys_of_models_below_a_prefix_are_kept_out(prefix: str, colons: int) -> None:
    words = create_arguments(index_schema_of(model(__prefix__=prefix, a=StringType())), "rs:index:1")
    assert words[:8] == ("FT.CREATE", words[1], "ON", "JSON", "PREFIX", "1", f"{prefix}:", "FILTER")
    assert words[8] == f'contains(@__key,":")=={colons}'


# --- models that cannot be kept ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"_ix": StringType()}, "Made._ix: the stored name '_ix' is reserved"),
        ({"a": StringType(serialized_name="_ix")}, "Made.a: the stored name '_ix' is reserved"),
        ({"a": StringType(), "b": StringType(serialized_name="a")}, "a and b would both be stored as 'a'"),
        (
            {"a": StringType(serialized_name="x"), "b": IntType(serialized_name="x")},
            "a and b would both be stored as 'x'",
        ),
    ],
)
def test_fields_that_would_be_stored_under_one_name_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        schema_of(model(**fields))


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\x01", " ", " a"])
def test_a_stored_name_that_no_json_path_can_spell_is_not_indexed(name: str) -> None:
    inner = model(b=StringType())
    schema = index_schema_of(
        model(a=StringType(serialized_name=name), o=ModelType(inner, serialized_name=name + "o"), c=StringType())
    )
    assert list(schema.leaves) == [("c",)]

"""Rows to instances and values: what is compiled gives what the slow way gives, which reads value by value."""

from __future__ import annotations

import datetime as dt
import gc
import re
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from fixtures.encoding import encoded
from fixtures.exact import told
from fixtures.models import FULL, City, Everything
from schematics.models import Model
from schematics.types import (
    BaseType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DictType,
    EmailType,
    FloatType,
    GeoPointType,
    IntType,
    ListType,
    MD5Type,
    ModelType,
    MultilingualStringType,
    NumberType,
    PolyModelType,
    StringType,
    TimedeltaType,
    TimestampType,
    UnionType,
    UTCDateTimeType,
    UUIDType,
)
from schematics.types.serializable import serializable

from rs_search import DistributedRedisMixin, ReferenceType, SearchRedisMixin, SimpleRedisMixin, UnreadableDocument
from rs_search.hydration import MOST_FUNCTIONS, Loaded, hydrator, loaded, row_maker
from rs_search.instances import changed, hydrate
from rs_search.loaded_data import LoadedData
from rs_search.query.bind import bind_paths
from rs_search.query.shapes import DICTIONARY, FLAT, PARTIAL, TUPLE, Shape


def read(model: type[Model], document: Any, key: str = "key") -> Any:
    return hydrator(model)(key, orjson.dumps(document))


def is_compiled(instance: Any) -> bool:
    return isinstance(instance._data, LoadedData)


def outcome(make: Callable[[str, Any], Any], stored: Any) -> Any:
    """What is made, to the last detail, or the error."""
    try:
        made = make("Thing:1", stored)
    except UnreadableDocument as error:
        return str(error)
    return told(made)


# --- the same as the slow way -----------------------------------------------------------------------------------------


class Inner(Model):
    text = StringType()
    day = DateType()
    amount = IntType(default=7)

    @serializable(type=StringType())
    def shouted(self) -> Any:
        return self.text and self.text.upper()


class Shouting(StringType):
    def to_native(self, value: Any, context: Any = None) -> str:
        return str(super().to_native(value, context)).upper()


class Checked(StringType):
    """Only validates, which reading does not."""

    def validate_length(self, value: Any, context: Any = None) -> None:
        raise AssertionError


class Even(IntType):
    def convert(self, value: Any, context: Any = None) -> int:
        return int(super().convert(value, context)) * 2


class Small(NumberType):
    native_type, number_type, primitive_type = int, "Small", int


class Sorted(ListType):
    def _convert(self, value: Any, context: Any) -> list[Any]:
        return sorted(super()._convert(value, context))


def patched() -> StringType:
    type_ = StringType()
    type_.to_native = lambda value, context=None: f"patched {value}"
    return type_


class Cased(Model):
    text = StringType()

    def _convert(self, raw_data: Any = None, context: Any = None, **options: Any) -> Any:
        data = super()._convert(raw_data, context=context, **options)
        return {**data, "text": data["text"] and data["text"].upper()}


class Thing(Model, SearchRedisMixin):
    """Types with all that they may be told, and types of one's own."""

    pk = StringType()
    text = StringType(min_length=3)
    email = EmailType()
    md5 = MD5Type()
    integer = IntType()
    strict = IntType(strict=True)
    float = FloatType()
    strict_float = FloatType(strict=True)
    decimal = DecimalType()
    boolean = BooleanType()
    uuid = UUIDType()
    date = DateType()
    dates = DateType(formats=["%d.%m.%Y", "%Y"])
    moment = DateTimeType()
    require = DateTimeType(tzd="require")
    utc = DateTimeType(tzd="utc")
    reject = DateTimeType(tzd="reject")
    convert = DateTimeType(convert_tz=True)
    drop = DateTimeType(drop_tzinfo=True)
    both = DateTimeType(tzd="utc", convert_tz=True, drop_tzinfo=True)
    formats = DateTimeType(formats=["%Y-%m-%dT%H:%M:%S.%f", "%Y"])
    parser = DateTimeType(parser=lambda text: dt.datetime(2000, 1, len(text)))
    utc_moment = UTCDateTimeType()
    stamp = TimestampType()
    naive_stamp = TimestampType(drop_tzinfo=True)
    days = TimedeltaType(precision="days")
    micro = TimedeltaType(precision="microseconds")
    point = GeoPointType()
    title = MultilingualStringType()
    anything = BaseType()
    union = UnionType((IntType, StringType))
    texts = ListType(StringType())
    moments = ListType(DateTimeType())
    lists = ListType(ListType(IntType()))
    mapping = DictType(DecimalType())
    upper_keys = DictType(IntType(), coerce_key=str.upper)
    texts_of_texts = DictType(StringType())
    inner = ModelType(Inner)
    inners = ListType(ModelType(Inner))
    by_name = DictType(ModelType(Inner))
    cased = ModelType(Cased)
    shouting = Shouting()
    checked = Checked()
    even = Even()
    small = Small()
    sorted = Sorted(IntType())
    patched = patched()
    points = ListType(GeoPointType())


class Wide(Model, SearchRedisMixin):
    """What else a document may hold."""

    pk = StringType()
    renamed = StringType(serialized_name="stored name", deserialize_from=["old", "older"])
    swapped = StringType(serialized_name="pk of another")
    counted = IntType(default=lambda: 5)
    given = DateType(default="2020-01-01")
    listed = ListType(StringType(), default=["a"])
    wrong = IntType(default="x")
    any_default = BaseType(default={"a": [1]})

    @serializable(type=IntType())
    def length(self) -> int:
        return len(self.pk or "")


MOMENTS = [
    *("2024-02-29T23:59:59.999999", "2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999+0000"),
    *("2024-02-29T23:59:59.999999+0530", "2024-02-29T23:59:59.999999-1200", "2024-02-29T23:59:59.999999+05:30"),
    *("2024-02-29T23:59:59.999999+05", "2024-02-29T23:59:59.999999\u22120530", "2024-02-29T23:59:59.999999-0000"),
    *("2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.1", "2024-02-29T23:59:59.12+0000", "2024-02-29T23:59:59.1+0000"),
    *("2024-02-29T23:59:59", "2024-02-29T23:59", "2024-02-29 23:59:59.999999", "2024-02-29t23:59:59.999999"),
    *("2024-02-29T23:59:59,999999", "2024-02-29T23:59:59.9999999", "2024-02-29T23:59:59.999999999Z", "2024-02-29"),
    *(
        "2024-02-29T23:59:59.999999z",
        "2024-W09-4T23:59:59.999999",
        "20240229T235959.999999",
        "2024-02-29T235959.999999",
    ),
    *("2024-02-29T24:00:00.000000", "2024-02-29T23:59:60.000000", "2023-02-29T23:59:59.999999", "2024-02-29T23:59:59."),
    *("0001-01-01T00:00:00.000000+0000", "0001-01-01T00:00:00.000000+0100", "9999-12-31T23:59:59.999999-0100"),
    *("0000-01-01T00:00:00.000000", "9999-12-31T23:59:59.999999", "２024-02-29T23:59:59.999999"),
    *("2024-02-29T23:59:59.99999Z", "2024-02-29T23:59:59.12345+00", "2024-02-29T23:59:59.999999+2500"),
    *("2024-02-29T23:59:59.999999+00000", "2024-02-29T23:59:59.999999 +0000", "2024-02-29T23:59:59.999999+0000 "),
    *("2024-02-29T23:59:59.999999+00:00:30", "--T::.", "----T--:--:--.", "1700000000", "1700000000.5", "nan", "1e400"),
    *("2024-02-29T23:59:59.999999+9959", "2024-02-29T2a:59:59.999999", "-024-02-29T23:59:59.999999"),
]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 42, 1.0, 42.0, 1.5, -0.0, 1e300, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)),
    *("", "x", "abc", "1", " 1 ", "1_000", "1.5", "-1", "1e5", "true", "True", "Infinity", "NaN", "sNaN", "\u0661"),
    *("0123456789abcdef0123456789abcdef", "12345678-1234-5678-1234-567812345678", "12345678123456781234567812345678"),
    *("{12345678-1234-5678-1234-567812345678}", "urn:uuid:12345678-1234-5678-1234-567812345678"),
    *("2024-02-29", "2024-2-9", "2023-02-29", "0001-01-01", "29.02.2024", "2024-02-29T00:00:00", "２024-02-29", "2024"),
    *([], [1, 2], [1.5, -2], [True, 1], [1, 2, 3], [None], ["a", None, "b"], [[1, None], None, []], [[[]]], ["3", 2]),
    *([{}], [{"text": "a", "amount": None}, None], [{"day": "2020-01-01"}], [{"day": "x"}], [2**64 - 1, 0]),
    *({}, {"a": 1}, {"a": "1.50"}, {"en": "x", "de": None}, {"A": None, "a": 1}, {"latitude": 1, "longitude": 2}),
    *({"text": "a"}, {"text": 5}, {"text": None, "day": "2020-01-01", "amount": 3, "unknown": [1]}, {"day": 5}),
    *({"x": {"text": "a", "day": "2020-02-02"}, "y": None}, {"x": {"amount": "a"}}, {"x": [1.5, {"y": None}]}),
    *MOMENTS,
    *([text] for text in MOMENTS[:6]),
]


@pytest.mark.parametrize("name", Thing._schema.fields)
def test_whatever_another_program_wrote_is_read_as_value_by_value_or_told_as_there(name: str) -> None:
    compiled = hydrator(Thing)
    for stored in (*ODD, *ODD):
        document = {name: stored}
        text = orjson.dumps(document)
        assert outcome(compiled, text) == outcome(compiled, document), stored


@pytest.mark.parametrize("text", ["1e400", "18446744073709551616", "-9223372036854775809", "1.0e2", "-0", '"\\ud800"'])
@pytest.mark.parametrize("name", ["integer", "float", "decimal", "stamp", "anything", "text", "days", "texts"])
def test_what_json_can_say_otherwise_is_read_as_it_was(name: str, text: str) -> None:
    compiled = hydrator(Thing)
    for json in (f'{{"{name}":{text}}}', f'{{"{name}":[{text}]}}', f'{{"{name}":null, "{name}": {text} }}'):
        try:
            expected = outcome(compiled, orjson.loads(json))
        except orjson.JSONDecodeError:
            with pytest.raises(UnreadableDocument, match="Thing:1 holds no document"):
                compiled("Thing:1", json)
        else:
            assert outcome(compiled, json) == outcome(compiled, json.encode()) == expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"stored name": "a"},
        {"renamed": "a"},
        {"old": "a"},
        {"older": "a", "old": "b"},
        {"stored name": None, "old": "b"},
        {"stored name": "c", "renamed": "a"},
        {"pk of another": "x", "swapped": "y"},
        {"swapped": "y"},
        {"counted": None, "given": None, "listed": None, "any_default": None},
        {"counted": "6", "given": "2021-01-01", "listed": []},
        {"wrong": 1},
        {"wrong": None},
        {"length": 5, "unknown": {"a": [1]}, "_ix": {"given": 5}},
        {"length": "x"},
        {"_ix": 5},
        {"_ix": []},
        {"_ix made": 5},
        {"_ix made": None},
    ],
)
def test_names_and_defaults_are_those_of_the_slow_way(document: Any) -> None:
    # A default that is none of its type is schematics' own error.
    document = {"wrong": 1, **document}
    without = {name: value for name, value in document.items() if name != "_ix"}
    assert outcome(hydrator(Wide), orjson.dumps(document)) == outcome(hydrator(Wide), without)


def test_floats_that_a_server_read_one_unit_off_are_put_right() -> None:
    read_off, exact = 0.9654801388982028, 0.9654801388982029
    beside = {"_ix": {"_exact": [[["float"], repr(exact)], [["anything", 0], repr(exact)]]}}
    found = read(Thing, {"float": read_off, "anything": [read_off], **beside})
    assert (found.float, found.anything) == (exact, [exact])
    values = row_maker(Thing, Shape(TUPLE, bind_paths(Thing, ["float", "anything"], "values")))
    assert values("key", orjson.dumps({"float": read_off, **beside})) == (exact, None)
    assert is_compiled(read(Thing, {"float": read_off, "_ix": {"float": 1}}))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[1]", b"null", b'"x"', b"\xff", b'{"pk":"\xff"}', b"{} x", "é", "[" * 2000]
)
def test_what_is_no_document_is_told_with_its_key(text: Any) -> None:
    with pytest.raises(UnreadableDocument, match="Thing:1 holds"):
        hydrator(Thing)("Thing:1", text)


def test_an_error_names_key_and_path_and_nothing_of_what_was_tried_first() -> None:
    with pytest.raises(UnreadableDocument, match=r"^Thing:1 is no readable Thing: inners\[0\]__day: 'x' ") as caught:
        hydrator(Thing)("Thing:1", b'{"inners":[{"day":"x"}]}')
    shown = "".join(traceback.format_exception(caught.value))
    assert "msgspec" not in shown
    # The generated function shows its lines.
    assert re.search(r"return c\d+\(key, stored\)", shown)


# --- what is compiled, and what is not --------------------------------------------------------------------------------


def test_all_that_was_written_by_us_is_read_by_a_compiled_function() -> None:
    values = {**FULL, "anything": 1, "pet": None}
    full = Everything({"pk": "1", **values})
    empty = Everything({"pk": "1"})
    for thing in (full, empty):
        found = hydrator(Everything)("Everything:1", encoded(thing))
        assert is_compiled(found)
        assert found == thing
        assert all(is_compiled(one) for one in [found.city, *(found.cities or ())] if one)


class Constructed(Model, SearchRedisMixin):
    text = StringType()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seen = True


class Guarded(Model, SearchRedisMixin):
    text = StringType()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        self.__dict__.setdefault("names", []).append(name)


class Counted(Model, SearchRedisMixin):
    text = StringType()

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        made = super().__new__(cls)
        made.__dict__["counted"] = True
        return made


class Settable(Model, SearchRedisMixin):
    text = StringType()

    @serializable(type=StringType())
    def reverse(self) -> Any:
        return self.text and self.text[::-1]

    @reverse.setter
    def reverse(self, value: str) -> None:
        self.text = value[::-1]


class Serialized(Model, SimpleRedisMixin):
    pk = StringType()
    text = StringType()

    @staticmethod
    def __deserializer__(dump: Any) -> Any:
        return {"text": orjson.loads(dump)["other"]}


class Apart(Model, DistributedRedisMixin):
    pk = StringType()
    text = StringType()


class Quoted(Model, SearchRedisMixin):
    pk = StringType()
    text = StringType(serialized_name='a "quoted" name')


class OwnCased(Cased, SearchRedisMixin):
    pk = StringType()


@pytest.mark.parametrize(
    ("model", "stored", "text"),
    [
        (Constructed, b'{"text":"x"}', "x"),
        (Guarded, b'{"text":"x"}', "x"),
        (Counted, b'{"text":"x"}', "x"),
        (Settable, b'{"reverse":"ab"}', "ba"),
        (Serialized, b'{"text":"y","other":"x"}', "x"),
        (Apart, {"text": "x"}, "x"),
        (Quoted, rb'{"a \"quoted\" name":"x"}', "x"),
        (OwnCased, b'{"text":"x"}', "X"),
    ],
)
def test_a_model_with_its_own_ways_is_read_in_its_own_way(model: Any, stored: Any, text: str) -> None:
    found = hydrator(model)("key", stored)
    assert not is_compiled(found)
    assert found.text == text
    assert getattr(found, "seen", True)
    assert getattr(found, "counted", True)
    assert "_data" in getattr(found, "names", "_data")


def test_a_model_inside_itself_is_read_to_any_depth() -> None:
    class Node(Model, SearchRedisMixin):
        pk = StringType()
        day = DateType()
        child = ModelType("Node")
        children = ListType(ModelType("Node"))

    document = {"day": "2020-01-01", "child": {"day": "2020-01-02", "child": {"day": "2020-01-03"}}}
    document["children"] = [{"child": {"children": [{"day": "2020-01-04"}, None]}}, {"child": None}]
    for stored in (document, {"child": {"child": {"day": "x"}}}, {"child": 5}, {"children": [{"child": []}]}):
        assert outcome(hydrator(Node), orjson.dumps(stored)) == outcome(hydrator(Node), stored)
    found = read(Node, document)
    assert is_compiled(found)
    assert found.child.child.day == dt.date(2020, 1, 3)
    deep: Any = {}
    for _ in range(3000):
        deep = {"child": deep}
    with pytest.raises((UnreadableDocument, RecursionError)):
        hydrator(Node)("key", b'{"child":' * 3000 + b"{}" + b"}" * 3000)


def test_classes_that_stand_in_each_other_deeper_than_python_nests_blocks_are_read_the_slow_way() -> None:
    inner: Any = Inner
    document: Any = {"text": "x"}
    for depth in range(25):
        inner = type(f"Level{depth}", (Model,), {"inner": ModelType(inner)})
        document = {"inner": document}
    outer = type("Outer", (Model, SearchRedisMixin), {"inner": ModelType(inner)})
    found = read(outer, {"inner": document})
    assert told(found) == told(hydrate(outer, "key", {"inner": document}))
    assert not is_compiled(found)


def test_a_poly_model_is_read_as_the_class_that_claims_it() -> None:
    class First(Model):
        first = IntType()

    class Second(Model):
        second = DateType()

        @classmethod
        def _claim_polymorphic(cls, data: Any) -> bool:
            return "second" in data

    class Holder(Model, SearchRedisMixin):
        pk = StringType()
        one = PolyModelType([First, Second])
        many = ListType(PolyModelType([First, Second]))

    document = {"one": {"second": "2020-01-01"}, "many": [{"first": 1}, {"second": None}, None]}
    found = read(Holder, document)
    assert told(found) == told(hydrate(Holder, "key", document))
    assert [type(one) for one in found.many[:2]] == [First, Second]


def test_references_are_read_as_primary_keys() -> None:
    class Maker(Model, SearchRedisMixin):
        pk = IntType()

    class Ice(Model, SearchRedisMixin):
        pk = StringType()
        maker = ReferenceType(Maker)
        makers = ListType(ReferenceType(Maker))

    document = {"maker": "5", "makers": ["6", "7"]}
    found = read(Ice, document)
    assert is_compiled(found)
    assert (found["maker"], found["makers"]) == ("5", ["6", "7"])
    assert outcome(hydrator(Ice), b'{"maker":"x"}') == outcome(hydrator(Ice), {"maker": "x"})


def test_a_default_that_is_made_is_made_for_each_instance() -> None:
    first, second = (hydrator(Wide)("key", b'{"wrong":1}') for _ in range(2))
    assert (first.counted, first.listed, first.given) == (5, ["a"], dt.date(2020, 1, 1))
    assert first.listed is not second.listed
    assert first.any_default == {"a": [1]}


# --- keys and what is remembered --------------------------------------------------------------------------------------


class Keyless(Model, SearchRedisMixin):
    id = StringType()


class OwnKey(Model, SearchRedisMixin):
    id = StringType()

    @property
    def pk(self) -> str:
        return "mine"


class Patterned(Model, SearchRedisMixin):
    id = StringType()

    def __key_pattern__(self, *args: str) -> str:
        return ":".join(["x", *args, "end"])


@pytest.mark.parametrize(
    ("model", "key", "pk"),
    [
        (Keyless, "Keyless:a", "a"),
        (Keyless, "Keyless:a%3Ab%25", "a:b%"),
        (Keyless, "Keyless:é", "é"),
        (Patterned, "x:a%3Ab:end", "a:b"),
        (Patterned, "x:a:end", "a"),
    ],
)
def test_a_model_without_a_field_for_it_gets_its_primary_key_from_the_key(model: Any, key: str, pk: str) -> None:
    assert read(model, {"id": "b"}, key).pk == pk
    assert hydrate(model, key, {"id": "b"}).pk == pk


def test_a_property_named_pk_stays_one() -> None:
    found = read(OwnKey, {"id": "b"}, "OwnKey:a")
    assert (found.pk, found.__dict__["pk"]) == ("mine", "a")


def test_what_an_instance_was_read_from_is_remembered_as_text_and_read_when_it_is_asked_for() -> None:
    document = {"pk": "1", "anything": {"deep": [1]}, "texts": ["a"], "inner": {"text": "x"}}
    found = read(Thing, {**document, "_ix": {"a": 1}})
    assert loaded(found) == Loaded(orjson.dumps({**document, "_ix": {"a": 1}}))
    assert loaded(found).document == document
    assert changed(found) == set()
    found.anything["deep"].append(2)
    found.texts.append("b")
    found.inner.text = "y"
    assert changed(found) == {"anything", "texts", "inner"}
    assert loaded(Thing()) is None


@pytest.mark.parametrize(
    ("name", "stored", "change"),
    [
        ("anything", {"a": [1]}, lambda value: value["a"].append(2)),
        ("point", [1, 2], lambda value: value.reverse()),
        ("title", {"en": "x"}, lambda value: value.update(de="y")),
        ("texts", ["a"], lambda value: value.append("b")),
        ("lists", [[1]], lambda value: value[0].append(2)),
        ("mapping", {"a": "1"}, lambda value: value.clear()),
        ("inner", {"text": "x"}, lambda value: setattr(value, "text", "y")),
        ("inners", [{"text": "x"}], lambda value: value.pop()),
    ],
)
def test_a_change_inside_a_value_is_seen(name: str, stored: Any, change: Callable[[Any], Any]) -> None:
    for found in (hydrate(Thing, "Thing:1", {name: stored}), read(Thing, {name: stored})):
        assert changed(found) == set()
        change(found._data[name])
        assert changed(found) == {name}


# --- some fields, and values ------------------------------------------------------------------------------------------


def test_an_instance_with_some_fields_has_no_others() -> None:
    for stored in (b'{"pk":"1","text":"abc","integer":5,"date":"x"}', {"pk": "1", "text": "abc", "integer": 5}):
        found = hydrator(Thing, frozenset(["pk", "text", "decimal"]))("Thing:1", stored)
        assert (found.text, found.decimal, "integer" in found, len(found)) == ("abc", None, False, 3)
        assert loaded(found).only == {"pk", "text", "decimal"}
        assert changed(found) == set()
        found.text = "other"
        assert changed(found) == {"text"}


VALUES = orjson.dumps({"pk": "1", "text": "abc", "moment": MOMENTS[3], "inner": {"text": "in", "day": "2020-01-01"},
                       "inners": [{"text": "a"}, None, {}], "by_name": {"x": {"day": "2020-01-02"}}, "texts": ["a"],
                       "mapping": {"a": "1.50", "a@b": "2"}, "cased": {"text": "c"}, "even": 2})  # fmt: skip
PATHS = ["pk", "text", "moment", "inner", "inner__text", "inner__day", "inner__amount", "inner__shouted",
         "inners__text", "by_name__x__day", "mapping__a", "mapping__a@b", "cased__text", "even", "decimal",
         "decimal"]  # fmt: skip


@pytest.mark.parametrize("kind", [DICTIONARY, TUPLE, FLAT, PARTIAL])
@pytest.mark.parametrize("text", [VALUES, b"{}", b'{"inner":null}', b'{"integer":"x"}', b'{"inner":{"day":5}}', b"[]"])
def test_rows_are_those_of_the_slow_way_in_the_order_of_the_names(kind: str, text: bytes) -> None:
    for names in (PATHS, PATHS[::-1], ["inner__day"], ["by_name"]):
        make = row_maker(Thing, Shape(kind, bind_paths(Thing, names, "values")))
        document = orjson.loads(text)
        if isinstance(document, list):
            with pytest.raises(UnreadableDocument, match="Thing:1 holds JSON of type list"):
                make("Thing:1", text)
            continue
        given, expected = outcome(make, text), outcome(make, document)
        assert given == expected


def test_computed_values_are_those_that_are_stored() -> None:
    make = row_maker(Everything, Shape(TUPLE, bind_paths(Everything, ["shouted", "pk"], "values")))
    assert make("key", b'{"shouted":"STORED","pk":"1","string":"other"}') == ("STORED", "1")
    assert make("key", b'{"pk":"1","string":"other"}') == (None, "1")


def test_a_function_is_made_once_a_model_and_no_more_than_so_many_are_kept() -> None:
    class Ice(Model, SearchRedisMixin):
        pk = StringType()
        text = StringType()

    assert hydrator(Ice) is hydrator(Ice)
    shape = Shape(FLAT, bind_paths(Ice, ["text"], "values"))
    assert row_maker(Ice, shape) is row_maker(Ice, Shape(FLAT, bind_paths(Ice, ["text"], "values")))
    assert row_maker(Ice, shape) is not row_maker(Ice, Shape(TUPLE, shape.paths))
    whole = hydrator(Ice)
    for number in range(MOST_FUNCTIONS):
        hydrator(Ice, frozenset(["pk", str(number)]))
    assert hydrator(Ice) is not whole
    assert hydrator(Ice)("Ice:1", b'{"text":"x"}').text == "x"


def test_instances_that_refer_to_each_other_are_collected() -> None:
    class Holder(Model, SearchRedisMixin):
        pk = StringType()
        inner = ModelType(Inner)
        place = ModelType(City)
        anything = BaseType()

    def made() -> list[weakref.ref[Any]]:
        first, second = (read(Holder, {"inner": {"text": "x"}, "place": {"name": "y"}}) for _ in range(2))
        first.anything, second.anything = second, first
        first.inner.holder, second.place.holder = first, second
        second.place.name = "z"
        return [weakref.ref(one) for one in (first, second, first.inner, second.place)]

    found = made()
    gc.collect()
    assert [one() for one in found] == [None] * 4


def test_a_class_that_was_made_at_run_time_dies_with_its_functions() -> None:
    def made() -> weakref.ref[Any]:
        class Brief(Model, SearchRedisMixin):
            pk = StringType()
            inner = ModelType(Inner)
            moments = ListType(DateTimeType())

        read(Brief, {"pk": "1", "inner": {"text": "x"}, "moments": MOMENTS[:1]})
        row_maker(Brief, Shape(TUPLE, bind_paths(Brief, ["inner__text"], "values")))("key", b"{}")
        return weakref.ref(Brief)

    found = made()
    gc.collect()
    assert found() is None

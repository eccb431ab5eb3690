"""Queries whose answer the server by itself would get wrong; each fails if the detour is taken out."""

from __future__ import annotations

import random
from operator import ge, gt, le, lt

import redis
from fixtures.strategies import Thing
from schematics.models import Model
from schematics.types import DateType, ListType, StringType

from rs_search import Q, SearchRedisMixin


def keep(*values: dict[str, object]) -> None:
    for place, given in enumerate(values):
        Thing({"pk": str(place), **given}).set()


def pks(*conditions: Q, **lookups: object) -> list[str]:
    return [one.pk for one in Thing.filter(*conditions, **lookups)]


def test_other_forms_of_a_word_are_found_and_words_of_other_scripts(client: redis.Redis) -> None:
    # The stems are named in the query: VERBATIM keeps the server from expanding words, which it does not do everywhere.
    keep({"text": "RUNNING"}, {"text": "he runs"}, {"text": "run"}, {"text": "runner"}, {"text": "日本語 run"})
    assert pks(text__search="run") == pks(text__search="running") == ["0", "1", "2", "4"]
    assert pks(text__search="日本語") == ["4"]
    assert pks(text__phrase="run") == ["2", "4"]


def test_a_negated_search_leaves_out_other_forms_of_the_word(client: redis.Redis) -> None:
    # RediSearch does not stem the words below a negation: -@text:(run) keeps "running".
    keep({"text": "RUNNING"}, {"text": "walking"}, {})
    assert pks(~Q(text__search="run")) == ["1", "2"]
    assert Thing.filter(~Q(text__search="run")).order_by("-text")[:5] == Thing.filter(pk__in=["1", "2"])
    assert Thing.filter(~Q(text__search="run")).count() == 2


class Note(Model, SearchRedisMixin):
    """Few TEXT fields: of more than 32 the server keeps the words otherwise, and not wrongly."""

    pk = StringType()
    text = StringType()
    tags = ListType(StringType())
    day = DateType()


def test_a_negated_search_minds_its_field_only(client: redis.Redis) -> None:
    # RediSearch 2.10.5 leaves out of `-@text:(w) @day:[…]` documents that have the word in another TEXT field, here and
    # there, once the word has many postings: of 200 documents of these seeds one, indexed as they come.
    for seed in (2, 7, 11):
        client.flushall()
        assert Note.all().count() == 0
        chance = random.Random(seed)
        made = [(chance.choice(["ice", "snow"]), chance.choice(["ice", "y"])) for _ in range(200)]
        Note.set_many(
            Note({"pk": f"{place:03}", "text": text, "tags": [tag], "day": "2024-01-01"})
            for place, (text, tag) in enumerate(made)
        )
        snow = [f"{place:03}" for place, (text, _) in enumerate(made) if text == "snow"]
        for asked in (Q(day="2024-01-01"), ~Q(text__search="rain"), Q(day__gte="2023-01-01"), Q()):
            assert [one.pk for one in Note.filter(asked, ~Q(text__search="ice"))] == snow
            assert Note.filter(asked).exclude(text__search="ices").count() == len(snow)


def test_words_are_split_at_newlines_and_around_backslashes(client: redis.Redis) -> None:
    # RediSearch splits at neither, and takes a backslash for an escape.
    keep({"text": "sweet\nvanilla"}, {"text": "C:\\Users\\bob"}, {"text": "a\\-b"}, {"text": "x\x01y"})
    assert pks(text__search="vanilla") == ["0"]
    assert pks(text__search="users bob") == ["1"]
    assert pks(text__search="b") == ["2"]
    assert pks(text__search="y") == ["3"]


def test_full_text_ignores_case_in_every_script(client: redis.Redis) -> None:
    # RediSearch folds ASCII only.
    keep({"text": "ÉCOLE"}, {"text": "école"}, {"text": "STRASSE"}, {"text": "Straße"}, {"text": "ΟΔΟΣ"})
    assert pks(text__search="École") == ["0", "1"]
    assert pks(text__search="straße") == ["2", "3"]
    assert pks(text__search="οδός | οδος") == ["4"]


def test_stop_words_neither_hide_documents_nor_crash_the_server_in_a_union(client: redis.Redis) -> None:
    keep({"text": "the similarity of heat"}, {"text": "heat"}, {"text": "the"})
    assert pks(text__search="the similarity") == ["0"]
    assert pks(text__search="the | a | similarity") == ["0"]
    assert pks(text__search="heat | the | similarity") == ["0", "1"]
    assert pks(text__search="the") == ["0", "2"]


def test_integers_beyond_doubles_are_told_apart(client: redis.Redis) -> None:
    keep({"integer": 2**53}, {"integer": 2**53 + 1}, {"integer": 2**63 - 1}, {"integer": 2**63})
    for place, number in enumerate((2**53, 2**53 + 1, 2**63 - 1, 2**63)):
        assert pks(integer=number) == [str(place)]
        assert Thing.filter(integer__lt=number).count() == place
        assert Thing.filter(~Q(integer=number)).count() == 3
    assert [one.pk for one in Thing.order_by("-integer")] == ["3", "2", "1", "0"]
    assert [one.pk for one in Thing.order_by("-integer")[1:3]] == ["2", "1"]
    assert pks(integer=10**30) == []
    assert Thing.filter(integer__lt=10**30).count() == 4


def test_every_end_between_two_doubles_cuts_where_it_says(client: redis.Redis) -> None:
    numbers = [2**53 + place for place in range(-1, 9)]
    keep(*({"integer": number, "decimal": str(number)} for number in numbers))
    for name in ("integer", "decimal"):
        for end in numbers:
            for lookup, compare in (("gt", gt), ("gte", ge), ("lt", lt), ("lte", le)):
                wanted = [str(place) for place, number in enumerate(numbers) if compare(number, end)]
                assert pks(**{f"{name}__{lookup}": end}) == wanted, (name, lookup, end)


def test_decimals_are_exact_to_the_last_digit(client: redis.Redis) -> None:
    keep(
        {"decimal": "0.1"}, {"decimal": "0.1000000000000000000000000000001"}, {"decimal": "0.10"}, {"decimal": "1E+400"}
    )
    assert pks(decimal="0.1") == ["0", "2"]
    assert pks(decimal__gt="0.1") == ["1", "3"]
    assert Thing.filter(decimal__lte="0.1").count() == 2
    assert pks(decimal__gt="1E+399") == ["3"]


def test_a_null_where_a_default_is_counts_as_missing(client: redis.Redis) -> None:
    # RediSearch's ismissing() does not see a null.
    nothing = Thing({"pk": "n"})
    nothing.other = None
    nothing.set()
    keep({})
    assert pks(other=None) == ["n"]
    assert pks(other__isnull=False) == ["0"]
    assert pks(~Q(other="x")) == ["0", "n"]


def test_bounds_on_a_list_may_be_met_by_different_elements_but_a_range_by_one(client: redis.Redis) -> None:
    keep({"numbers": [1, 9]}, {"numbers": [5]})
    assert pks(numbers__gte=4, numbers__lte=6) == ["0", "1"]
    assert pks(numbers__range=(4, 6)) == ["1"]


def test_all_words_of_a_search_must_be_in_one_element_of_a_list(client: redis.Redis) -> None:
    keep({"tags": ["sweet", "vanilla"]}, {"tags": ["sweet vanilla"]})
    assert pks(tags__search="sweet vanilla") == ["1"]
    assert pks(tags__search="sweet | vanilla") == ["0", "1"]


def test_conditions_nested_deeper_than_the_servers_parser_can_read_are_answered(client: redis.Redis) -> None:
    keep({"integer": 1}, {"integer": 2})
    query = Q(integer=1)
    for depth in range(60):
        query = (query | Q(integer=100 + depth)) & ~Q(integer=1000 + depth)
    assert pks(query) == ["0"]


def test_an_in_with_many_values_is_answered(client: redis.Redis) -> None:
    keep({"text": "v7"}, {"integer": 7}, {"text": "other"})
    assert pks(text__in=[f"v{number}" for number in range(20_000)]) == ["0"]
    assert pks(integer__in=range(2000)) == ["1"]
    assert pks(text__in=[]) == []
    assert pks(text__nin=[]) == ["0", "1", "2"]


def test_strings_are_ordered_by_code_point(client: redis.Redis) -> None:
    # A SORTABLE TAG is folded and normalised unless it is UNF; UTF-16 would put U+1F600 before U+FB01.
    texts = ["z", "é", "ﬁ", "😀", "Z", "", "a", "A", "\uffff", "\U0010ffff", "ß", "É", "aB", "ab", "e\u0301"]
    keep(*({"text": text} for text in texts))
    in_order = sorted(texts)
    assert Thing.order_by("text").values_list("text", flat=True) == in_order
    assert Thing.order_by("text")[2:9].values_list("text", flat=True) == in_order[2:9]
    assert Thing.order_by("-text", "pk")[:5].values_list("text", flat=True) == in_order[::-1][:5]
    for place, end in enumerate(in_order):
        assert sorted(Thing.filter(text__lt=end).values_list("text", flat=True)) == in_order[:place]
    assert pks(text__startswith="A") == ["7"]
    assert pks(text__contains="B") == ["12"]


def test_dates_of_every_year_and_zone_compare_as_instants(client: redis.Redis) -> None:
    keep({"moment": "0001-01-02T00:00:00"}, {"moment": "2024-01-01T00:00:00+05:30"}, {"moment": "2023-12-31T18:30:00"},
         {"moment": "9999-12-30T23:59:59.999999Z"}, {"day": "0001-01-01"})  # fmt: skip
    assert pks(moment="2024-01-01T00:00:00+05:30") == ["1", "2"]
    assert pks(moment__lt="2000-01-01T00:00:00") == ["0"]
    assert [one.pk for one in Thing.filter(moment__isnull=False).order_by("-moment")] == ["3", "1", "2", "0"]
    assert pks(day__lt="0001-01-02") == ["4"]


def test_a_value_without_a_utf8_form_is_found_nowhere(client: redis.Redis) -> None:
    keep({"text": "x"})
    assert pks(text="\ud800") == []
    assert pks(text__in=["\ud800", "x"]) == ["0"]
    assert pks(text__ne="\ud800") == ["0"]
    assert pks(text__search="\ud800") == []


def test_negations_side_by_side_below_a_union_lose_no_rows(client: redis.Redis) -> None:
    # RediSearch 2.10.5 loses rows of `@a:{…} ((-@b:{…} -@a:{…}) | …)`, of 6 in a hundred of these queries; written
    # `-(@b:{…} | @a:{…})` of none.
    for seed in (0, 1, 4, 5):
        chance = random.Random(seed)
        made = [
            {"text": chance.choice("abcde"), "tags": chance.choices("abcde", k=chance.randrange(3))} for _ in range(12)
        ]
        client.flushall()
        # Indexed as they come, not as the server finds them.
        assert Thing.all().count() == 0
        keep(*made)
        for turn in range(24):
            one, two, three = (chance.sample("abcde", chance.randrange(1, 5)) for _ in range(3))
            asked = Q(text__in=one) & (~Q(tags__in=two) ^ Q(text__in=three))
            wanted = [
                str(place) for place, thing in enumerate(made)
                if thing["text"] in one and ((not set(thing["tags"]) & set(two)) is not (thing["text"] in three))
            ]  # fmt: skip
            assert sorted(pks(asked)) == sorted(wanted), (seed, turn)

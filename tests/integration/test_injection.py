"""No string, stored or asked for, changes what a query means: on the index and on a plain server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from fixtures.strategies import CASES, NASTY, NAUGHTY
from property.definition import LOOKUPS, Refused, meets
from schematics.models import Model
from schematics.types import IntType, ListType, StringType

from rs_search import InvalidValue, Q, SearchRedisMixin, UnstorableValue, search_options

BUILT_IN = [
    *("", " ", "a", "A", "null", "None", "*", "a*", "-a", "~a", "%a%", "@text:{a}", "@text:[0 1]", "$p0", "p0", "$"),
    *(
        "{a}",
        "[a]",
        "(a)",
        "(a|b)",
        "a|b",
        "a b",
        '"a"',
        "'a'",
        "\\",
        "\\\\",
        "a\\",
        "\\a",
        "\\n",
        "a\nb",
        "\t",
        "\r\n",
    ),
    *(
        "=>{$weight:1}",
        "ismissing(@text)",
        "w'a*'",
        '") || exists(@text) || ("',
        '" || 1==1 || "',
        "';--",
        "a,b",
        "a;b",
    ),
    *(
        "a:b",
        "a.b",
        "<a>",
        "~",
        "`a`",
        "a^b",
        "a=b",
        "a+b",
        "É",
        "é",
        "e\u0301",
        "日本語",
        "😀",
        "\u200b",
        "\u202e",
        "\x01",
        "\x7f",
    ),
    *(
        "x" * 1000,
        "true",
        "1",
        "1.0",
        "NaN",
        "inf",
        "+1",
        "%",
        "%%a",
        '\\") || exists(@text) || ("',
        "@text",
        "-@text:{a}",
    ),
]
STRINGS = [text for text in dict.fromkeys([*BUILT_IN, *NASTY, *CASES, *NAUGHTY]) if "\0" not in text]
#: Of a plain server, which reads all that it holds, each string is asked for among so many.
AMONG = 24
TEXT_LOOKUPS = (
    *(
        "exact",
        "ne",
        "in",
        "nin",
        "gt",
        "gte",
        "lt",
        "lte",
        "contains",
        "startswith",
        "endswith",
        "iexact",
        "icontains",
    ),
    *("istartswith", "iendswith", "search", "phrase", "fuzzy"),
)


class Text(Model, SearchRedisMixin):
    pk = IntType()
    text = StringType()
    texts = ListType(StringType())


class Loose(Model, SearchRedisMixin):
    """Texts that may hold a NUL, for they are in no tag."""

    __index__ = {"text": search_options(tag=False), "hidden": search_options(skip=True)}
    pk = IntType()
    text = StringType()
    hidden = StringType()


def query_for(lookup: str, text: str) -> Q:
    return Q(**{f"text__{lookup}": [text] if lookup in ("in", "nin") else text})


def check(query: Q, kept: list[Text]) -> None:
    try:
        wanted = [one.pk for one in kept if meets(one, query)]
    except Refused:
        with pytest.raises(InvalidValue):
            Text.filter(query).count()
        return
    assert sorted(Text.filter(query).values_list("pk", flat=True)) == wanted, query


def groups(size: int) -> Iterator[list[Text]]:
    """All strings as objects, so many at a time on the server."""
    for start in range(0, len(STRINGS), size):
        Text.delete_all()
        kept = [
            Text({"pk": n, "text": text, "texts": [text, "x"]}) for n, text in enumerate(STRINGS[start : start + size])
        ]
        for one in kept:
            one.set()
        yield kept


def test_there_are_many_strings_and_each_lookup_is_asked_of_all_kinds() -> None:
    assert len(STRINGS) > 120
    assert set(TEXT_LOOKUPS) <= set(LOOKUPS)


def test_every_string_is_found_by_exact_and_by_nothing_else(indexed: redis.Redis) -> None:
    (kept,) = groups(len(STRINGS))
    for one in kept:
        assert Text.filter(text=one.text) == [one]
        assert Text.filter(texts__contains=one.text) == ([one] if one.text != "x" else kept)
        assert Text.filter(text__ne=one.text).count() == len(kept) - 1


@pytest.mark.parametrize("server", ["indexed", "plain"])
def test_every_string_as_a_value_means_what_the_definition_says(request: pytest.FixtureRequest, server: str) -> None:
    request.getfixturevalue(server)
    turn = 0
    for kept in groups(AMONG):
        for one in kept:
            # Every lookup of the built-in ones; of the others a few, each lookup in its turn.
            every = one.text in BUILT_IN
            for place, lookup in enumerate(TEXT_LOOKUPS):
                if every or (place + turn) % 9 == 0:
                    check(query_for(lookup, one.text), kept)
            turn += 1


@pytest.mark.parametrize("server", ["indexed", "plain"])
def test_pieces_of_strings_mean_what_the_definition_says(request: pytest.FixtureRequest, server: str) -> None:
    request.getfixturevalue(server)
    for turn, kept in enumerate(groups(AMONG)):
        for place, one in enumerate(kept):
            lookup = TEXT_LOOKUPS[(turn + place) % len(TEXT_LOOKUPS)]
            piece = (one.text[:3], one.text[-2:], one.text.swapcase())[place % 3]
            check(query_for(lookup, piece) | Q(pk=place), kept)


def test_a_nul_is_kept_where_no_tag_is_and_found_by_every_lookup(client: redis.Redis) -> None:
    texts = ["a", "a\0b", "\0", "ice\0cream", "b"]
    kept = [Loose({"pk": place, "text": text, "hidden": text}) for place, text in enumerate(texts)]
    for one in kept:
        one.set()
    with pytest.raises(UnstorableValue, match="NUL"):
        Text({"pk": 0, "text": "a\0b"}).set()
    for text in texts:
        for lookup in TEXT_LOOKUPS:
            for name in ("text", "hidden"):
                query = Q(**{f"{name}__{lookup}": [text] if lookup in ("in", "nin") else text})
                assert Loose.filter(query) == [one for one in kept if meets(one, query)], query

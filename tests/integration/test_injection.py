"""No string, in any lookup, changes what a query means."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from schematics.models import Model
from schematics.types import IntType, StringType

from rs_search import SearchRedisMixin

BUILT_IN = [
    "", " ", "a", "A", "null", "None", "*", "a*", "-a", "~a", "%a%", "@text:{a}", "@text:[0 1]", "$p0", "p0", "$",
    "{a}", "[a]", "(a)", "(a|b)", "a|b", "a b", '"a"', "'a'", "\\", "\\\\", "a\\", "\\a", "\\n", "a\nb", "\t",
    "=>{$weight:1}", "ismissing(@text)", "w'a*'", '") || exists(@text) || ("', '" || 1==1 || "', "';--", "a,b",
    "a;b", "a:b", "a.b", "<a>", "~", "`a`", "a^b", "a=b", "a+b", "é", "É", "ß", "日本語", "😀", "\u200b", "\u202e",
    "\x01", "\x7f", "x" * 1000, "true", "1", "1.0", "NaN", "inf", "+1", "%", "%%a",
]  # fmt: skip
FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "blns" / "blns.json"
STRINGS = list(
    dict.fromkeys(
        [*BUILT_IN, *(text for text in (json.loads(FILE.read_text()) if FILE.exists() else []) if "\0" not in text)]
    )
)


class Text(Model, SearchRedisMixin):
    pk = IntType()
    text = StringType()


@pytest.fixture
def kept(client: redis.Redis) -> list[str]:
    for place, text in enumerate(STRINGS):
        Text({"pk": place, "text": text}).set()
    return STRINGS


def pks(lookup: str, value: str) -> list[int]:
    return sorted(Text.filter(**{f"text__{lookup}": value}).values_list("pk", flat=True))


def test_every_string_is_found_by_exact_and_by_nothing_else(kept: list[str]) -> None:
    for place, text in enumerate(kept):
        assert pks("exact", text) == [place], text
        assert pks("in", [text]) == [place], text
        assert Text.filter(text__ne=text).count() == len(kept) - 1, text


MEANINGS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda found, part: part in found,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "iexact": lambda found, part: found.casefold() == part.casefold(),
    "icontains": lambda found, part: part.casefold() in found.casefold(),
    "istartswith": lambda found, part: found.casefold().startswith(part.casefold()),
    "iendswith": lambda found, part: found.casefold().endswith(part.casefold()),
    "gt": lambda found, end: found > end,
    "lte": lambda found, end: found <= end,
}


@pytest.mark.parametrize("lookup", MEANINGS)
def test_every_string_as_a_value_means_what_python_means(kept: list[str], lookup: str) -> None:
    holds = MEANINGS[lookup]
    for text in kept:
        for part in dict.fromkeys([text, text[:3], text[-2:]]):
            assert pks(lookup, part) == [place for place, found in enumerate(kept) if holds(found, part)], part


@pytest.mark.parametrize("lookup", ["search", "phrase", "fuzzy"])
def test_no_string_breaks_a_search_or_finds_what_has_none_of_its_words(kept: list[str], lookup: str) -> None:
    for text in kept:
        asked = text.replace("|", " ").replace("-", " ")
        found = pks(lookup, asked)
        if lookup == "phrase" and any(sign.isalnum() for sign in asked):
            assert kept.index(text) in found, text

"""Words: how texts are split, folded and stemmed, and what a search demands of them."""

from __future__ import annotations

import pytest

from rs_search.planner.text import (
    LONGEST_INDEXED,
    STOP_WORDS,
    TextQuery,
    document_words,
    index_terms,
    indexed_words,
    parse,
    stem,
    words,
)

WORDS = [
    ("", []),
    (" \t\n\r\x0b\x0c", []),
    ("?!,.;:-()[]{}<>\"'`~@#$%^&*+=|/\\", []),
    ("Sweet Vanilla", ["sweet", "vanilla"]),
    ("user@example.com", ["user", "example", "com"]),
    ("don't", ["don", "t"]),
    ("snake_case __init__", ["snake_case", "__init__"]),
    ("3.14", ["3", "14"]),
    ("two\nlines\x00here", ["two", "lines", "here"]),
    ("a\u00a0b\u2003c\u2028d", ["a", "b", "c", "d"]),
    ("“naïve” «ÉCOLE»…", ["naïve", "école"]),
    ("日本語。寿司", ["日本語", "寿司"]),
    ("Straße ẞ ﬁne İ", ["strasse", "ss", "fine", "i̇"]),
    ("ΣΊΣΥΦΟΣ", ["σίσυφοσ"]),
    ("😀 ice €5 2×3", ["😀", "ice", "€5", "2×3"]),
    ("x\u200by", ["x\u200by"]),
    ("a‿b", ["a‿b"]),
    ("C:\\Users", ["c", "users"]),
]


@pytest.mark.parametrize(("text", "expected"), WORDS, ids=[repr(text) for text, _ in WORDS])
def test_words_stand_between_blanks_and_punctuation_of_any_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", ["plain"]), ("a\\b", ["a", "b", "ab"]), ("\\", []), ("x\\ y", ["x", "y", "x", "y"])],
)
def test_what_stands_around_a_backslash_is_found_apart_and_joined(text: str, expected: list[str]) -> None:
    assert document_words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("Plain ASCII, with a TAB\t.", None),
        ("école", None),
        ("日本語", None),
        ("ÉCOLE", "école"),
        ("two\nlines", "two lines"),
        ("“quoted”", "quoted"),
        ("a\u00a0b", "a b"),
        ("NUL\0here", "nul here"),
        ("a\\b", "a b ab"),
        ("\n", ""),
        ("…", ""),
        ("\\", None),
    ],
)
def test_text_is_given_beside_where_the_servers_tokens_are_not_the_words(text: str, expected: str | None) -> None:
    assert indexed_words(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in WORDS])
def test_the_text_given_beside_has_the_words_and_needs_nothing_beside_it_again(text: str) -> None:
    beside = indexed_words(text)
    if beside is not None:
        assert sorted(set(words(beside))) == sorted(set(document_words(text)))
        assert indexed_words(beside) is None


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("creamy vanilla", (("creamy",), ("vanilla",))),
        ("Creamy  VANILLA!", (("creamy",), ("vanilla",))),
        ("the creamy of vanilla", (("creamy",), ("vanilla",))),
        ("a | b", (("b",),)),
        ("x | y | z", (("x", "y", "z"),)),
        ("x|y z|w", (("x", "y"), ("z", "w"))),
        ("x y | z", (("x",), ("y", "z"))),
        ("| x |", (("x",),)),
        ("x || y", (("x", "y"),)),
        ("x | the", (("x",),)),
        ("ice the | of cream", (("ice",), ("cream",))),
        ("the", (("the",),)),
        ("to be or not to be", (("to",), ("be",), ("or",), ("not",), ("to",), ("be",))),
        ("", ()),
        ("?!", ()),
        (" | ", ()),
        ("vanilla-cones", (("vanilla",), ("cones",))),
    ],
)
def test_a_search_asks_for_all_its_words_and_any_of_those_a_bar_joins(
    text: str, groups: tuple[tuple[str, ...], ...]
) -> None:
    assert parse(text).groups == groups


def test_every_stop_word_is_one_word_and_drops_out_of_a_search() -> None:
    for stop_word in STOP_WORDS:
        assert words(stop_word) == [stop_word]
        assert parse(f"{stop_word} vanilla").groups == (("vanilla",),)


@pytest.mark.parametrize(
    ("asked", "text", "found"),
    [
        ("vanilla", "Sweet Vanilla", True),
        ("vanilla", "Sweet Vanillas", True),
        ("running", "runs", True),
        ("run", "running", True),
        ("runs", "ran", False),
        ("sweet vanilla", "Vanilla, so sweet", True),
        ("sweet vanilla", "Vanilla", False),
        ("chocolate | vanilla", "vanilla", True),
        ("chocolate | vanilla", "lemon", False),
        ("sweet chocolate | vanilla", "vanilla", False),
        ("the who", "who", True),
        ("the", "the end", True),
        ("the", "an end", False),
        ("?!", "?!", False),
        ("", "", False),
        ("vanilla", "", False),
        ("van", "vanilla", False),
        ("ÉCOLE", "l’école", True),
        ("STRASSE", "Straße", True),
        ("ecole", "école", False),
        ("ads", "ad", True),
        ("ad", "ads", False),
        ("ab", "a\\b", True),
    ],
)
def test_a_word_is_found_by_itself_and_by_its_stem(asked: str, text: str, found: bool) -> None:
    assert parse(asked).matches(text) is found


@pytest.mark.parametrize(("asked", "word", "found"), [("ad", "ads", False), ("add", "adds", True), ("aé", "aés", True)])
def test_a_word_of_a_document_has_a_stem_from_four_bytes_on(asked: str, word: str, found: bool) -> None:
    assert stem(word) == asked
    assert parse(asked).matches(word) is found


def test_the_terms_of_a_group_are_words_stems_and_marked_stems_each_once() -> None:
    assert index_terms(("running", "run", "ice")) == ["running", "run", "+run", "ice", "+ice"]


def test_a_word_that_the_server_may_not_hold_is_not_asked_of_it() -> None:
    assert parse("x" * LONGEST_INDEXED).pushable
    assert not parse("x" * (LONGEST_INDEXED + 1)).pushable
    assert not parse("vanilla | " + "é" * LONGEST_INDEXED).pushable


def test_a_search_reads_as_it_was_asked() -> None:
    assert str(TextQuery((("sweet",), ("vanilla", "chocolate")))) == "sweet vanilla | chocolate"


def test_a_word_without_a_utf8_form_is_found_nowhere_and_not_asked_of_the_server() -> None:
    assert not parse("\ud800").matches("anything")
    assert not parse("\ud800").pushable

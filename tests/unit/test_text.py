"""Words: how texts are split, folded and stemmed, and what a search demands of them."""

from __future__ import annotations

import contextlib
import random
import re
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snowballstemmer.english_stemmer import EnglishStemmer

from rs_search.planner.text import (
    LETTERS,
    LONGEST_INDEXED,
    STOP_WORDS,
    Every,
    Fuzzy,
    Phrase,
    Prefix,
    TextQuery,
    document_words,
    fuzzy,
    index_terms,
    indexed_words,
    is_indexable,
    is_near,
    is_read_alike,
    parse,
    phrase,
    separated,
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


#: What `indexed_words` looks for in texts of other letters: the server splits them and folds ASCII.
SERVER_SEPARATORS = re.compile(r"[\t !\"#$%&'()*+,\-./:;<=>?@\[\]^`{|}~]+")


def letters() -> list[str]:
    return [sign for sign in map(chr, range(0x80, 0x110000)) if re.match(f"[{LETTERS}]", sign)]


def test_letters_that_are_read_alike_are_small_and_separate_nothing() -> None:
    found = letters()
    assert len(found) > 30_000
    assert [sign for sign in found if sign.casefold() != sign or sign.lower() != sign] == []
    assert [sign for sign in found if words(f"a{sign}b") != [f"a{sign}b"]] == []


@given(
    st.text(
        st.sampled_from([*"aZ9_ .-\t/\\\n\x7f\0", "é", "ß", "É", "я", "ς", "日", "ー", "。", "א", "\u0301", "\xa0"])
    )
)
def test_a_text_that_is_read_alike_has_the_words_that_the_server_sees(text: str) -> None:
    if is_read_alike(text):
        ascii_lower = "".join(sign.lower() if sign.isascii() else sign for sign in text)
        assert document_words(text) == [token for token in SERVER_SEPARATORS.split(ascii_lower) if token]
        assert text.casefold() == text.lower() == ascii_lower
        assert indexed_words(text) is None


@pytest.mark.parametrize("text", ["plain words", "école 3.14", "日本語", "привет, мир", "שלום", "한국어"])
def test_texts_of_many_scripts_are_read_alike(text: str) -> None:
    assert is_read_alike(text)


@pytest.mark.parametrize("text", ["École", "Straße", "two\nlines", "a\\b", "\0", "“quoted”", "οδός", "ﬁ"])
def test_what_the_server_splits_or_folds_otherwise_is_not_read_alike(text: str) -> None:
    assert not is_read_alike(text)


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
        ("van*", ((Prefix("van"),),)),
        ("VAN* x | y*", ((Prefix("van"),), ("x", Prefix("y")))),
        ("x-van*", (("x",), (Prefix("van"),))),
        ("*", ()),
        ("*van", (("van",),)),
        ("va*n", (("va",), ("n",))),
        ('"Ice, cream"', ((Phrase(("ice", "cream")),),)),
        ('"the who"', ((Phrase(("the", "who")),),)),
        ('"the"', ((Phrase(("the",)),),)),
        ('the "the"', ((Phrase(("the",)),),)),
        ('"ice cream" | van* | x', ((Phrase(("ice", "cream")), Prefix("van"), "x"),)),
        ('x"ice cream"y', (("x",), (Phrase(("ice", "cream")),), ("y",))),
        ('""', ()),
        ('"?"', ()),
        ('"ice cream', (("ice",), ("cream",))),
        ('ice" cream', (("ice",), ("cream",))),
        ('"a" b" c', ((Phrase(("a",)),), ("b",), ("c",))),
        ("a-b | c", ((Every(("a", "b")), "c"),)),
        ("c | x-y*", (("c", Every(("x", Prefix("y")))),)),
        ("ice - cream", (("ice",), ("cream",))),
        ("--x", (("x",),)),
    ],
)
def test_a_search_asks_for_all_its_words_and_any_of_those_a_bar_joins(
    text: str, groups: tuple[tuple[Any, ...], ...]
) -> None:
    assert parse(text).groups == groups
    assert parse(text).without == ()


@pytest.mark.parametrize(
    ("text", "groups", "without"),
    [
        ("-nuts", (), ("nuts",)),
        ("ice -nuts", (("ice",),), ("nuts",)),
        ("-nuts ice", (("ice",),), ("nuts",)),
        ("ice -pea-nuts", (("ice",),), (Every(("pea", "nuts")),)),
        ('ice -"pea nuts"', (("ice",),), (Phrase(("pea", "nuts")),)),
        ("ice -nut*", (("ice",),), (Prefix("nut"),)),
        ("ice -?", (("ice",),), ()),
        ("the -nuts", (("the",),), ("nuts",)),
    ],
)
def test_a_search_leaves_out_what_has_a_minus(text: str, groups: Any, without: Any) -> None:
    assert (parse(text).groups, parse(text).without) == (groups, without)


@pytest.mark.parametrize("text", ["a | -b", 'a | -"b c"', "a |-b", "x | y | -z*"])
def test_what_is_left_out_is_no_alternative(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be one of several alternatives"):
        parse(text)


def test_what_is_left_out_is_no_alternative_even_as_the_first() -> None:
    with pytest.raises(ValueError, match="cannot be one of several alternatives"):
        parse("-b | a")


SIGNS = st.text(st.sampled_from('ab "|-*?\\\0\n\t\u00e9\ud800the'), max_size=24)


@given(st.one_of(st.text(), SIGNS), st.one_of(st.text(), SIGNS))
def test_no_text_makes_a_search_fail(asked: str, text: str) -> None:
    for query in (phrase(asked), fuzzy(asked, 1)):
        assert isinstance(query.matches(text), bool)
        assert isinstance(str(query), str)
    if "-" not in asked:
        assert parse(asked).matches(text) in (True, False)
    with contextlib.suppress(ValueError):
        assert isinstance(str(parse(asked)), str)


@given(SIGNS)
def test_a_phrase_of_a_text_is_found_in_it_and_around_it(text: str) -> None:
    asked = phrase(text)
    assert asked.matches(text) is asked.matches(f"x {text}, y") is bool(words(text))


def distance(first: str, second: str) -> int:
    """Levenshtein's, by its definition."""
    if not first or not second:
        return len(first) + len(second)
    return min(
        distance(first[1:], second) + 1,
        distance(first, second[1:]) + 1,
        distance(first[1:], second[1:]) + (first[0] != second[0]),
    )


@given(st.text("abc", max_size=5), st.text("abc", max_size=5), st.integers(0, 4))
def test_words_are_near_by_insertions_deletions_and_replacements(first: str, second: str, most: int) -> None:
    assert is_near(first, second, most) is (distance(first, second) <= most)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("y vanilla ic", ["y", "vanilla", "ic"]),
        ("ice ", ["ice", ""]),
        ("", [""]),
        (" É,b", ["", "é", "b"]),
        ("a  b", ["a", "", "b"]),
    ],
)
def test_a_part_of_a_text_is_what_stands_between_separators(text: str, pieces: list[str]) -> None:
    assert separated(text) == pieces


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
        ("van*", "Sweet Vanilla", True),
        ("anil*", "Sweet Vanilla", False),
        ("vanillas*", "vanilla", False),
        ("ÉC*", "école", True),
        ("ab*", "a\\bc", True),
        ('"sweet vanilla"', "a sweet, vanilla cone", True),
        ('"sweet vanilla"', "vanilla sweet", False),
        ('"sweet vanilla"', "sweet vanillas", False),
        ('"vanilla sweet"', "vanilla vanilla sweet", True),
        ('"ab c"', "a\\b c", True),
        ('"b c"', "a\\b c", True),
        ("-nuts", "ice", True),
        ("-nuts", "nut", False),
        ("-nuts", "", True),
        ("ice -nuts", "ice nuts", False),
        ('ice -"pea nuts"', "ice nuts pea", True),
        ("a-b | c", "b a", True),
        ("a-b | c", "b", False),
        ("a-b | c", "c", True),
    ],
)
def test_a_word_is_found_by_itself_and_by_its_stem(asked: str, text: str, found: bool) -> None:
    assert parse(asked).matches(text) is found


@pytest.mark.parametrize(("asked", "word", "found"), [("ad", "ads", False), ("add", "adds", True), ("aé", "aés", True)])
def test_a_word_of_a_document_has_a_stem_from_four_bytes_on(asked: str, word: str, found: bool) -> None:
    assert stem(word) == asked
    assert parse(asked).matches(word) is found


@pytest.mark.parametrize(
    ("word", "terms"), [("running", ["running", "run", "+run"]), ("run", ["run", "+run"]), ("ice", ["ice", "+ice"])]
)
def test_the_terms_of_a_word_are_it_its_stem_and_the_marked_stem_each_once(word: str, terms: list[str]) -> None:
    assert list(index_terms(word)) == terms


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("x" * LONGEST_INDEXED, True),
        ("x" * (LONGEST_INDEXED + 1), False),
        ("é" * (LONGEST_INDEXED // 2), True),
        ("é" * LONGEST_INDEXED, False),
        ("\ud800", False),
    ],
)
def test_a_word_that_the_server_may_not_hold_is_not_asked_of_it(word: str, expected: bool) -> None:
    assert is_indexable(word) is expected


def test_a_search_reads_as_it_was_asked() -> None:
    assert str(TextQuery((("sweet",), ("vanilla", "chocolate")))) == "sweet vanilla | chocolate"
    assert str(TextQuery(((Phrase(("a", "b")), Every(("c", Prefix("d")))),), ("e",))) == '"a b" | (c d*) -e'
    assert str(fuzzy("Vanila ice", 2)) == "%%vanila%% %%ice%%"
    assert fuzzy("?", 2) == phrase("?") == TextQuery(())
    assert fuzzy("x", 1).groups == ((Fuzzy("x", 1),),)


def test_a_word_without_a_utf8_form_is_found_nowhere() -> None:
    assert not parse("\ud800").matches("anything")


def test_threads_that_stem_at_once_get_the_stems_of_their_own_words() -> None:
    roots = [f"{first}{second}" for first in ("vanill", "chocol", "caram", "straw") for second in ("at", "el", "iz")]
    words = [f"{root}{ending}" for root in roots for ending in ("ing", "ations", "ed", "ness", "fully", "ities")]
    expected = {word: EnglishStemmer().stemWord(word) for word in words}
    wrong: list[tuple[str, str]] = []

    def work(seed: int) -> None:
        for word in random.Random(seed).sample(words, len(words)):
            found = stem.__wrapped__(word)
            if found != expected[word]:
                wrong.append((word, found))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []

"""Key patterns: where objects stand, which keys are a model's, and their order."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_search import InvalidObject
from rs_search.storage.keys import KeyPattern, quoted

pks = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6),
    st.text("ab.:%23AE", min_size=1, max_size=6),
)
ends = st.text("aM:*?[]^\\%é", max_size=4)
patterns = st.builds(KeyPattern, ends, ends, st.booleans())


@given(patterns, pks)
def test_a_key_tells_its_primary_key_whatever_stands_around_it(pattern: KeyPattern, pk: str) -> None:
    assert pattern.pk(pattern.key(pk)) == pk


@given(patterns, pks)
def test_a_pattern_owns_the_keys_that_it_makes(pattern: KeyPattern, pk: str) -> None:
    assert pattern.owns(pattern.key(pk))


@given(ends, ends, pks)
def test_a_key_has_the_same_rank_whether_it_is_quoted_or_not(before: str, after: str, pk: str) -> None:
    ranks = {pattern.rank(pattern.key(pk)) for pattern in (KeyPattern(before, after), KeyPattern("", "", False))}
    assert ranks == {quoted(pk)}


@given(st.text("aM:*?[]", max_size=4), pks)
def test_a_glob_finds_the_keys_of_its_pattern(before: str, pk: str) -> None:
    pattern = KeyPattern(f"M{before}", "]*")
    assert fnmatch.fnmatchcase(pattern.key(pk), _as_fnmatch(pattern.glob))
    assert not fnmatch.fnmatchcase(f"x{pattern.key(pk)}", _as_fnmatch(pattern.glob))
    assert not fnmatch.fnmatchcase(f"{pattern.key(pk)}x", _as_fnmatch(pattern.glob))


def _as_fnmatch(glob: str) -> str:
    """Redis quotes by a backslash, fnmatch by brackets."""
    found, signs = "", iter(glob)
    for sign in signs:
        found += f"[{next(signs)}]" if sign == "\\" else sign
    return found


@pytest.mark.parametrize(
    ("pattern", "glob"),
    [
        (KeyPattern("Ice:"), "Ice:*"),
        (KeyPattern("a*b?:", ":end"), "a\\*b\\?:*:end"),
        (KeyPattern("[a]^\\:"), "\\[a\\]\\^\\\\:*"),
        (KeyPattern("", "*"), "*\\*"),
    ],
)
def test_signs_of_a_glob_are_taken_by_the_letter(pattern: KeyPattern, glob: str) -> None:
    assert pattern.glob == glob


@pytest.mark.parametrize(
    ("pattern", "key", "others", "owned"),
    [
        (KeyPattern("User:"), "User:1", (), True),
        (KeyPattern("User:"), "User:", (), False),
        (KeyPattern("User:"), "Users:1", (), False),
        (KeyPattern("User:"), "User:Profile:1", (), False),
        (KeyPattern("User:"), "User:a%3Ab", (), True),
        (KeyPattern("User:", quotes=False), "User:a:b", (), True),
        (KeyPattern("User:", quotes=False), "User:Profile:1", ("User:Profile:",), False),
        (KeyPattern("User:", quotes=False), "User:Profiles", ("User:Profile:",), True),
        (KeyPattern("u:", ":end"), "u:1:end", (), True),
        (KeyPattern("u:", ":end"), "u:1:ends", (), False),
        (KeyPattern("u:", ":end"), "u::end", (), False),
        # The two ends may not share a sign.
        (KeyPattern("u:", ":end"), "u:end", (), False),
    ],
)
def test_a_pattern_owns_its_own_keys_only(pattern: KeyPattern, key: str, others: tuple[str, ...], owned: bool) -> None:
    assert pattern.owns(key, others) is owned


@pytest.mark.parametrize("quotes", [True, False])
@pytest.mark.parametrize(("pk", "said"), [("a\0b", "NUL"), ("\ud800", "UTF-8"), ("x\udfff", "UTF-8")])
def test_a_primary_key_that_no_key_can_hold_is_refused(pk: str, said: str, quotes: bool) -> None:
    with pytest.raises(InvalidObject, match=said):
        KeyPattern("Ice:", quotes=quotes).key(pk)

"""Floats as text that every reader takes for the same float, and which need no other text."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from fixtures.values import FLOATS
from hypothesis import given
from hypothesis import strategies as st

from rs_search.json_numbers import MOST_HUNDREDTHS, are_plain, float_text, is_plain, read_by_server

finite = st.floats(allow_nan=False, allow_infinity=False)
hundredths = st.integers(-MOST_HUNDREDTHS + 1, MOST_HUNDREDTHS - 1).map(lambda number: number / 100)


def by_the_server(text: str) -> float:
    digits, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = digits.partition(".")
    number = read_by_server(int(whole + fraction), int(exponent or 0) - len(fraction))
    return -number if text.startswith("-") else number


@given(finite | hundredths | st.sampled_from(FLOATS))
def test_a_text_is_read_as_the_same_float_by_the_server_and_by_everyone_else(number: float) -> None:
    text = float_text(number)
    if text is not None:
        assert json.loads(text).hex() == number.hex() == by_the_server(text).hex()


@given(finite | hundredths | st.sampled_from(FLOATS))
def test_a_plain_float_needs_no_text_but_its_own(number: float) -> None:
    if is_plain(number):
        assert float_text(number) == repr(number)
        assert "e" not in repr(number)


@given(finite | hundredths | st.sampled_from(FLOATS))
def test_what_is_found_to_be_whole_hundredths_is_plain(number: float) -> None:
    # As `rs_search.written_values` looks for it.
    most = MOST_HUNDREDTHS / 100
    if -most < number < most and round(number * 100.0) / 100.0 == number:
        assert is_plain(number)


@given(hundredths)
def test_prices_are_found_to_be_whole_hundredths(number: float) -> None:
    assert round(number * 100.0) / 100.0 == number


@pytest.mark.parametrize("value", [None, True, 1, 2**70, "x", [], {}, [1, {"a": [0.5, "1e5"]}], 19.99])
def test_json_is_plain_where_all_of_its_floats_are(value: Any) -> None:
    assert are_plain(value)


@pytest.mark.parametrize("value", [0.1 + 0.2, [1e300], {"a": {"b": [0.5, 1 / 3]}}, [[[math.pi]]]])
def test_json_is_not_plain_where_a_float_is_not(value: Any) -> None:
    assert not are_plain(value)


def test_what_is_nested_deep_is_not_looked_into() -> None:
    value: Any = 0.5
    for _ in range(100_000):
        value = [value]
    assert not are_plain(value)

"""Floats as JSON text that every reader takes for the same float.

RedisJSON 2.x reads a number as ``significand * 10**exponent`` with one rounding for the significand and one for
the power (serde_json without its ``float_roundtrip`` feature), so the shortest text of a float, which any other
reader takes exactly, comes back one unit in the last place off for 10 % of ``random.random()`` and 30 % of random
bit patterns (measured on 60,000 floats; ``read_by_server`` gave the server's float for each of them).
Another text of the same float usually exists that both ways of reading agree on; ``float_text`` finds it for all
but 0.2 % of ``random.random()`` and for every float that people write by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_POWERS = tuple(float(f"1e{exponent}") for exponent in range(309))
_LARGEST_SIGNIFICAND = 2**64
_NEIGHBOURS = 40
#: A float that is a whole number of hundredths, and of fewer than this, is written in 15 digits or fewer.
MOST_HUNDREDTHS = 10**13
#: `are_plain` looks no deeper.
_DEEPEST = 60


def read_by_server(significand: int, exponent: int) -> float:
    """The float that RedisJSON 2.x makes of ``significand * 10**exponent``.

    >>> read_by_server(30000000000000004, -17), read_by_server(5, -1)
    (0.30000000000000004, 0.5)
    """
    number = float(significand)
    while number and abs(exponent) >= len(_POWERS):
        if exponent > 0:
            return math.inf
        number /= 1e308
        exponent += 308
    if not number:
        return number
    power = _POWERS[abs(exponent)]
    return number * power if exponent >= 0 else number / power


def float_text(number: float) -> str | None:
    """JSON text that the server and every correct reader take for exactly ``number``; None where there is none.

    None is rare; the caller then keeps the number's shortest text beside the document. ``number`` must be finite.
    Cost: O(1), under a microsecond for what people write by hand, 5 on average for uniform floats.

    >>> float_text(0.1), float_text(-2.0)
    ('0.1', '-2.0')
    >>> float_text(0.44794390971632436), float_text(0.9654801388982029)
    ('4479439097163243520e-19', None)
    """
    text = repr(number)
    return text if _is_short(text) else _long_text(number)


@lru_cache(maxsize=1024, typed=True)
def _long_text(number: float) -> str | None:
    # Asked several times for each number of a document: by the index's number, by the companions, and by the text.
    text = repr(number)
    sign, magnitude = ("-", -number) if number < 0 else ("", number)
    significand, exponent = _parts(repr(magnitude))
    if read_by_server(significand, exponent) == magnitude:
        return text
    for significand, exponent in _other_texts(magnitude):
        candidate = f"{significand}e{exponent}"
        if read_by_server(significand, exponent) == magnitude == float(candidate):
            return sign + candidate
    return None


def _is_short(text: str) -> bool:
    # Up to 15 digits and no exponent: the significand and the power of ten are exact floats, rounded once.
    return len(text) <= 16 and "e" not in text


def is_plain(number: float) -> bool:
    """Whether `float_text` of a finite number is its shortest text, found at a glance.

    >>> is_plain(19.99), is_plain(0.1 + 0.2)
    (True, False)
    """
    return _is_short(repr(number))


def are_plain(value: Any, depth: int = 0) -> bool:
    """Whether all floats in JSON are plain; of what is nested too deep, False."""
    if isinstance(value, float):
        return is_plain(value)
    if not isinstance(value, (dict, list)):
        return True
    if depth == _DEEPEST:
        return False
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (float, dict, list)) and not are_plain(inner, depth + 1):
            return False
    return True


def _parts(text: str) -> tuple[int, int]:
    digits, _, exponent = text.partition("e")
    whole, _, fraction = digits.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)


def _other_texts(magnitude: float) -> Iterator[tuple[int, int]]:
    """Significands of 16 to 20 digits whose value rounds to ``magnitude`` or next to it."""
    significand, exponent = _parts(repr(magnitude))
    while significand * 10 < _LARGEST_SIGNIFICAND:
        significand, exponent = significand * 10, exponent - 1
    while significand > 2**52:
        # The server sees the significand as a float: only its neighbours among the floats differ.
        near = float(significand)
        below, above = near, near
        for _ in range(_NEIGHBOURS // 10):
            for candidate in (below, above):
                if 0 < candidate < _LARGEST_SIGNIFICAND:
                    yield int(candidate), exponent
            below, above = math.nextafter(below, 0.0), math.nextafter(above, math.inf)
        yield from (
            (significand + step, exponent) for step in range(-_NEIGHBOURS, _NEIGHBOURS) if significand + step > 0
        )
        significand, exponent = significand // 10, exponent + 1

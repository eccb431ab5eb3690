"""Waiting for a connection where a pool has none left to give, and redis-py raises."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from .translation import CLIENT_ERRORS, is_exhausted

T = TypeVar("T")
#: Seconds that a thread waits for another one's connection, and between two looks, at the most.
LONGEST_WAIT, LONGEST_PAUSE = 20.0, 0.005


def sent_later(send: Callable[[], T], error: Exception) -> T:
    """Send what was not sent for that ``error``, as soon as a connection is free; raises what redis-py raises."""
    until = time.monotonic() + LONGEST_WAIT
    while is_exhausted(error) and time.monotonic() < until:
        time.sleep(random.uniform(0, LONGEST_PAUSE))
        try:
            return send()
        except CLIENT_ERRORS as another:
            error = another
    raise error


def patiently(send: Callable[[], T]) -> T:
    """Send, and wait for a connection if there is none left."""
    try:
        return send()
    except CLIENT_ERRORS as error:
        return sent_later(send, error)

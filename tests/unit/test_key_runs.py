"""Keys that are sorted in runs: each once, in order, however they came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_search import key_runs
from rs_search.key_runs import KeyRuns

KEYS = st.lists(st.one_of(st.text(max_size=3), st.sampled_from(["\ud800", "a\0b", "", "Ice:7"])), max_size=8)
RANKS: list[Callable[[str], Any] | None] = [None, lambda key: (len(key), key)]


@given(added=st.lists(KEYS), rank=st.sampled_from(RANKS), down=st.booleans(), size=st.integers(1, 5))
def test_keys_come_in_order_each_once(
    added: list[list[str]], rank: Callable[[str], Any] | None, down: bool, size: int
) -> None:
    with mock.patch.object(key_runs, "RUN", 5), mock.patch.object(key_runs, "PACKED", 2):
        runs = KeyRuns(rank, down)
        for keys in added:
            runs.add(keys)
        batches = list(runs.batches(size))
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(batches)
    expected = sorted({key for keys in added for key in keys}, key=rank, reverse=down)
    assert [key for batch in batches for key in batch] == expected


@pytest.mark.parametrize("down", [False, True])
def test_many_keys_are_packed(down: bool) -> None:
    runs = KeyRuns(down=down)
    keys = [f"Ice:{number * 7919 % 100_003:06}" for number in range(100_003)]
    for start in range(0, len(keys), 1000):
        runs.add(keys[start : start + 1000])
    held = sum(len(packed) for run in runs._packed for packed in run)
    assert held < 6 * len(keys)
    assert [key for batch in runs.batches(1000) for key in batch] == sorted(keys, reverse=down)

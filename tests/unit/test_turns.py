"""Work in turns: the same result as at once, and no turn that grows with the rows."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

import pytest
from schematics.models import Model
from schematics.types import StringType

from rs_search import SearchRedisMixin
from rs_search.operations import bulk
from rs_search.operations.requests import Finish, Pause, taking_turns
from rs_search.server.capabilities import Capabilities, ServerState
from rs_search.turns import READ, SORTED, Work, finished, freed, in_turns, sorted_in_turns

MANY = 4 * SORTED


def numbers(count: int, most: int) -> list[int]:
    chosen = random.Random(7)
    return [chosen.randrange(most) for _ in range(count)]


INPUTS = {
    "few": numbers(100, 1000),
    "as many as are sorted at once": numbers(SORTED, 10**9),
    "many": numbers(MANY, 10**9),
    "ties": numbers(MANY, 5),
    "all equal": [7] * MANY,
    "in order": list(range(MANY)),
    "the other way round": list(range(MANY))[::-1],
    "none": [],
}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", INPUTS)
def test_rows_are_sorted_as_python_does_with_ties_as_they_came(name: str, descending: bool) -> None:
    rows = list(enumerate(INPUTS[name]))
    found = finished(sorted_in_turns(rows, lambda row: row[1], descending))
    assert found == sorted(rows, key=lambda row: row[1], reverse=descending)


def costs(work: Work[Any], told: list[Any]) -> list[int]:
    """How many more were told in each turn."""
    found, before = [], 0
    ended = False
    while not ended:
        ended = next(work, told) is told
        found.append(len(told) - before)
        before = len(told)
    return found


@functools.total_ordering
class Compared:
    """A value that tells of each comparison."""

    def __init__(self, value: int, told: list[Any]) -> None:
        self.value, self.told = value, told

    def __lt__(self, other: Compared) -> bool:
        self.told.append(other)
        return self.value < other.value

    def __eq__(self, other: object) -> bool:
        raise AssertionError("sorting asks what is less")


@pytest.mark.parametrize("name", ["many", "ties", "all equal", "in order", "the other way round"])
def test_no_turn_compares_more_than_a_part_of_the_rows(name: str) -> None:
    told: list[Any] = []
    rows = [Compared(value, told) for value in INPUTS[name]]
    most = max(costs(sorted_in_turns(rows, lambda row: row), told))
    # A part of what is sorted at once, of n log n comparisons; of ties, which may be all of them, n.
    assert most < max(SORTED * 14, len(rows) + READ * 3)


def test_no_turn_works_on_more_rows_than_one_may() -> None:
    told: list[int] = []

    def work(part: list[int]) -> list[int]:
        told.extend(part)
        return part

    assert costs(in_turns(list(range(2500)), work), told) == [1000, 1000, 500]
    told.clear()
    assert costs(in_turns(list(range(5)), work, turn=2), told) == [2, 2, 1]
    assert costs(in_turns([], work), []) == [0]


def test_rows_are_let_go_of_in_turns() -> None:
    rows = list(range(2500))
    left = [len(rows) for _ in freed(rows)]
    assert left == [1500, 500]


@pytest.mark.parametrize(
    ("work", "pauses"),
    [(lambda: in_turns(list(range(3)), list, turn=1), 2), (lambda: in_turns([1], list), 0), (lambda: freed([1]), 0)],
)
def test_between_two_turns_an_operation_lets_others_have_theirs(work: Callable[[], Work[Any]], pauses: int) -> None:
    assert list(taking_turns(work())) == [Pause(0)] * pauses


class Ice(Model, SearchRedisMixin):
    pk = StringType()


def test_objects_are_validated_fifty_at_a_time() -> None:
    validated: list[Any] = []

    class Told(Ice):
        def validate(self, *arguments: Any, **options: Any) -> None:
            validated.append(self)
            super().validate(*arguments, **options)

    state = ServerState(capabilities=Capabilities(True, None))
    many = [Told({"pk": str(place)}) for place in range(120)]
    operation = bulk.put_many(state, many, bulk.Many(Told, None, 1000, None, None))
    told: list[int] = []
    for request in operation:
        told.append(len(validated))
        if isinstance(request, Finish):
            break
    # The first batch begins with fifty; the next one is made ready while it is written, and begins as well.
    assert told == [50, 100, 120, 120]

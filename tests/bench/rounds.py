"""Contestants in turns: the same questions in each round, in another order each time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .rows import Row
from .workload import Parameters


@dataclass(frozen=True)
class Sample:
    """Seconds that an operation took, and those of them in which this process worked."""

    seconds: float
    busy: float


class Contestant(Protocol):
    """Who takes part. ``patience``: so many rounds and operations a round at most, for those who take very long."""

    name: str

    def can(self, row: Row) -> bool:
        """Whether it does this work."""

    def patience(self, row: Row) -> tuple[int, int] | None:
        """How many rounds, and operations a round, it gets at most."""

    def answer(self, row: Row, asked: Any) -> Any:
        """Its answer, comparable with others'."""

    def sample(self, row: Row, asked: Sequence[Any]) -> Sample:
        """The time that it takes."""


@dataclass
class Timings:
    """What each contestant took in each round."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, sample: Sample) -> None:
        """Note a contestant's sample."""
        self.seconds.setdefault(name, []).append(sample.seconds)
        self.busy.setdefault(name, []).append(sample.busy)


def run(row: Row, contestants: Sequence[Contestant], draw: Parameters, rounds: int,
        tell: Callable[[int], None] = lambda number: None) -> Timings:  # fmt: skip
    """Let the contestants take turns; the first round warms up and is not kept."""
    timings, each_order = Timings(), orders(len(contestants))
    for number in range(rounds + 1):
        asked = [row.ask(draw) for _ in range(row.operations)]
        for place in each_order[number % len(each_order)]:
            contestant = contestants[place]
            most = contestant.patience(row)
            if most is None:
                sample = contestant.sample(row, asked)
            elif 0 < number <= most[0]:
                sample = contestant.sample(row, asked[: most[1]])
            else:
                continue
            if number:
                timings.add(contestant.name, sample)
        tell(number)
    return timings


def orders(count: int) -> list[list[int]]:
    """Orders in which each of so many contestants comes right after each other one equally often.

    Who comes after a process that was busy finds a machine that is awake, and takes half as long for a small command:
    where each always came after the same one, one of them gained by that. The design is that of E. J. Williams,
    "Experimental designs balanced for the estimation of residual effects of treatments" (1949).

    >>> orders(2), orders(4)
    ([[0, 1], [1, 0]], [[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]])
    """
    first = [0, *(one for pair in zip(range(1, count), range(count - 1, 0, -1), strict=True) for one in pair)][:count]
    rows = [[(place + turn) % count for place in first] for turn in range(count)]
    return [*rows, *(row[::-1] for row in rows)] if count % 2 else rows


class Clock:
    """Measures what is done within it.

    The garbage collector runs before, so that nobody pays for another's rubbish, and is left on, because instances cost
    it more than dictionaries do.
    """

    def __enter__(self) -> Clock:
        gc.collect()
        self._seconds, self._busy = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self._busy, self._seconds = time.process_time() - self._busy, time.perf_counter() - self._seconds

    def sample(self, operations: int) -> Sample:
        """What one of so many operations took."""
        return Sample(self._seconds / operations, self._busy / operations)

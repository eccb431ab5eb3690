"""Contestants in turns: the same questions in each round, another one first each time."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .rows import Row


class Contestant(Protocol):
    """Who takes part: a name, a method a row, and what makes one of its documents the benchmark's again."""

    name: str

    def plain(self, kept: Any) -> dict[str, Any]: ...


@dataclass
class Timings:
    """Seconds an operation took in each round, by contestant."""

    row: Row
    rounds: dict[str, list[float]] = field(default_factory=dict)


def run(row: Row, contestants: Sequence[Contestant], draw: Any, rounds: int) -> Timings:
    """Let the contestants take turns; the first round warms up and is not kept."""
    timings = Timings(row, {contestant.name: [] for contestant in contestants})
    for number in range(rounds + 1):
        asked = [row.ask(draw) for _ in range(row.operations)]
        for place in range(len(contestants)):
            contestant = contestants[(place + number) % len(contestants)]
            seconds = sample(row, contestant, asked)
            if number:
                timings.rounds[contestant.name].append(seconds)
    return timings


def sample(row: Row, contestant: Contestant, asked: list[Any]) -> float:
    """Seconds that one of these operations takes.

    The garbage collector runs before, so that nobody pays for another's rubbish, and is left on, because instances cost
    it more than dictionaries do.
    """
    prepared = [prepare(row, contestant, one) for one in asked]
    call = getattr(contestant, row.method(contestant))
    gc.collect()
    began = time.perf_counter()
    if row.streams:
        for one in prepared:
            for _ in call(one):
                pass
    else:
        for one in prepared:
            call(one)
    return (time.perf_counter() - began) / len(asked)


def prepare(row: Row, contestant: Contestant, asked: Any) -> Any:
    """What there is before the clock starts: an object that is to be saved, say."""
    made = getattr(contestant, f"{row.name}_prepared", None)
    return asked if made is None else made(asked)

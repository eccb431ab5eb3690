"""What was measured, as it is kept: JSON, with every round's numbers, so that two commits can be compared."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .rows import HAND, OURS


@dataclass(frozen=True)
class Ratio:
    """A ratio: its median over the rounds, and between which two numbers the middle half of the rounds lies."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """A row: seconds (and those in which the client worked) an operation took in each round, by contestant."""

    name: str
    title: str
    goal: float | None
    peers: dict[str, float]
    seconds: dict[str, list[float]]
    busy: dict[str, list[float]]

    def ratio(self, of: str, over: str) -> Ratio | None:
        """The time of one contestant over another's, round by round; None where one of them did not take part."""
        return ratio(self.seconds.get(of, []), self.seconds.get(over, []))

    @property
    def ours(self) -> Ratio | None:
        """Our time over hand-written's."""
        return self.ratio(OURS, HAND)

    @property
    def work_of_client(self) -> Ratio | None:
        """The same of the time in which the client worked: what another program on the machine disturbs least."""
        return ratio(self.busy.get(OURS, []), self.busy.get(HAND, []))

    def median(self, name: str) -> float | None:
        """Seconds that an operation of a contestant took."""
        return statistics.median(self.seconds[name]) if self.seconds.get(name) else None


@dataclass(frozen=True)
class Growth:
    """One row at one size of the collection."""

    documents: int
    measured: Measured


@dataclass(frozen=True)
class Memory:
    """How much a fresh process grew by some work on a collection, in bytes."""

    documents: int
    work: str
    bytes: int


@dataclass(frozen=True)
class Imports:
    """Seconds that fresh processes worked, each: to import what is needed anyway, and then the library beside."""

    needed: list[float]
    ours: list[float]


@dataclass(frozen=True)
class Results:
    """Everything of one run."""

    where: dict[str, str]
    documents: int
    rows: list[Measured] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    imports: Imports | None = None

    def write(self, path: Path) -> None:
        """Keep it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), default=str) + "\n")


def read(path: Path) -> Results:
    """What was kept."""
    kept: dict[str, Any] = json.loads(path.read_text())
    imports = kept["imports"]
    return Results(
        kept["where"],
        kept["documents"],
        [Measured(**row) for row in kept["rows"]],
        [Growth(one["documents"], Measured(**one["measured"])) for one in kept["growth"]],
        [Memory(**one) for one in kept["memory"]],
        None if imports is None else Imports(**imports),
    )


def ratio(of: list[float], over: list[float]) -> Ratio | None:
    """Median and quartiles of the ratios of rounds; None where there is no round that both took part in.

    >>> ratio([2.0, 3.0, 4.0], [1.0, 1.0, 1.0])
    Ratio(median=3.0, low=2.0, high=4.0)
    """
    ratios = [mine / other for mine, other in zip(of, over, strict=False)]
    if not ratios:
        return None
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    low, _, high = statistics.quantiles(ratios, n=4)
    return Ratio(statistics.median(ratios), low, high)

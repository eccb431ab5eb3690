"""One run: the parts that are wanted, told as they are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Console

from . import contest, growth, imports, servers
from .report import spread
from .results import Growth, Imports, Measured, Memory, Results
from .rows import ROWS, Row
from .where import where

IMPORT_ROUNDS = 30
_ORDER = [row.name for row in ROWS]


@dataclass(frozen=True)
class Wanted:
    """What is to be measured: a table, growth up to so many documents, what importing costs."""

    rows: Sequence[Row]
    documents: int
    rounds: int
    peers: Sequence[str] = ()
    growth: int | None = None
    imports: bool = False


def run(wanted: Wanted) -> Iterator[Results]:
    """Measure it, and give what there is after each step; what is done is told on standard error."""
    console = Console(stderr=True)
    with servers.started() as running:
        found = Results(where(running.description), wanted.documents)
    yield found
    with console.status("starting") as status:
        for step in _steps(wanted, status.update):
            if isinstance(step, Measured):
                console.print(_told(step), highlight=False)
                found.rows.append(step)
                found.rows.sort(key=lambda row: _ORDER.index(row.name))
            elif isinstance(step, Growth):
                console.print(f"{step.documents:,} documents, {_told(step.measured)}", highlight=False)
                found.growth.append(step)
            elif isinstance(step, Memory):
                found.memory.append(step)
            else:
                found = replace(found, imports=step)
            yield found


def _steps(wanted: Wanted, tell: contest.Tell) -> Iterator[Measured | Growth | Memory | Imports]:
    if wanted.imports:
        yield imports.measured(IMPORT_ROUNDS, tell)
    if wanted.rows:
        with servers.started() as running:
            yield from contest.measured(
                contest.Wanted(wanted.rows, wanted.documents, wanted.rounds, wanted.peers), running, tell
            )
    if wanted.growth:
        yield from growth.measured(wanted.growth, wanted.rounds, tell)


def _told(row: Measured) -> str:
    return f"{row.title}: {spread(row.ours)}"

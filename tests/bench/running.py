"""One run: the parts that are wanted, told as they are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from . import contest, growth, imports, servers
from .report import spread
from .results import Growth, Measured, Results
from .rows import ROWS, Row
from .where import where

IMPORT_ROUNDS = 30


@dataclass(frozen=True)
class Wanted:
    """What is to be measured: a table, growth up to so many documents, what importing costs."""

    rows: Sequence[Row]
    documents: int
    rounds: int
    peers: Sequence[str] = ()
    growth: int | None = None
    imports: bool = False


def run(wanted: Wanted) -> Results:
    """Measure it; what is done is told on standard error."""
    console = Console(stderr=True)
    with servers.started() as running:
        found = Results(where(running.description), wanted.documents)
    with console.status("starting") as status:
        imported = imports.measured(IMPORT_ROUNDS, status.update) if wanted.imports else None
        if wanted.rows:
            with servers.started() as running:
                field = contest.Wanted(wanted.rows, wanted.documents, wanted.rounds, wanted.peers)
                for row in contest.measured(field, running, status.update):
                    console.print(_told(row), highlight=False)
                    found.rows.append(row)
        if wanted.growth:
            for one in growth.measured(wanted.growth, wanted.rounds, status.update):
                if isinstance(one, Growth):
                    console.print(f"{one.documents:,} documents, {_told(one.measured)}", highlight=False)
                    found.growth.append(one)
                else:
                    found.memory.append(one)
    order = [row.name for row in ROWS]
    found.rows.sort(key=lambda row: order.index(row.name))
    return Results(found.where, found.documents, found.rows, found.growth, found.memory, imported)


def _told(row: Measured) -> str:
    return f"{row.title}: {spread(row.ours)}"

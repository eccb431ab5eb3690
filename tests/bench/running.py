"""One run: the parts that are wanted, told as they are done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console

from . import contest, growth, imports, servers
from .contest import Tell, Wanted
from .report import spread
from .results import Growth, Imports, Measured, Memory, Results
from .rows import ROWS
from .where import where

IMPORT_ROUNDS = 30
_ORDER = [row.name for row in ROWS]


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


def _steps(wanted: Wanted, tell: Tell) -> Iterator[Measured | Growth | Memory | Imports]:
    if wanted.imports:
        yield imports.measured(IMPORT_ROUNDS, tell)
    if wanted.rows:
        with servers.started() as running:
            yield from contest.measured(wanted, running, tell)
    if wanted.growth:
        yield from growth.measured(wanted.growth, wanted.rounds, tell)


def _told(row: Measured) -> str:
    return f"{row.title}: {spread(row.ours)}"

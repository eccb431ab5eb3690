"""From ten thousand documents to a million: times against the raw command's, and memory of fresh processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

from . import servers
from .contest import Tell, contest, taking_part
from .memory import WORKS
from .results import Growth, Memory
from .rows import row_named
from .where import ROOT

#: Sorting a million takes the server a second, on whichever side.
_TOP = replace(row_named("top"), operations=1, slow=True)
ROWS = (*map(row_named, ("get", "tag", "count", "text")), _TOP)


def sizes(largest: int) -> tuple[int, ...]:
    """The sizes of the collection that are looked at."""
    return largest // 100, largest // 10, largest


def measured(largest: int, rounds: int, tell: Tell) -> Iterator[Growth | Memory]:
    """Each row at each size, and what each work adds to the memory of a process, as they are done."""
    before = 0
    with servers.started() as running, taking_part(running) as field:
        for size in sizes(largest):
            servers.load_indexed(running.indexed, range(before, size), tell)
            before = size
            for row in contest(ROWS, field, size, rounds, tell):
                yield Growth(size, row)
            for work in WORKS:
                tell(f"memory of {work}: {size:,} documents")
                yield Memory(size, work, _memory(running.indexed, work, size))


def _memory(url: str, work: str, documents: int) -> int:
    words = [sys.executable, "-W", "ignore", "-m", "bench.memory", url, work, str(documents)]
    ran = subprocess.run(words, cwd=ROOT / "tests", check=True, capture_output=True, text=True)
    return int(ran.stdout)

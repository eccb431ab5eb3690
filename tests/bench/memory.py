"""How much a fresh process grows: ``python -m bench.memory URL WORK DOCUMENTS`` prints the bytes."""

from __future__ import annotations

import resource
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import redis

from .ours import Ours
from .rows import RANGE_ROWS
from .servers import PATIENCE
from .workload import Parameters, pk

TIMES = 20


def _iterate(ours: Ours, draw: Parameters) -> None:
    deque(ours.everything(None), maxlen=0)


def _count(ours: Ours, draw: Parameters) -> None:
    for _ in range(TIMES):
        ours.count(draw.range(RANGE_ROWS))


def _filter(ours: Ours, draw: Parameters) -> None:
    for _ in range(TIMES):
        ours.range(draw.range(RANGE_ROWS))


WORKS: dict[str, Callable[[Ours, Parameters], None]] = {"iterate": _iterate, "count": _count, "filter": _filter}


def grown(url: str, work: str, documents: int) -> int:
    """Bytes that the most memory of this process grows by, after work of the same kind on a thousand documents."""
    with redis.Redis.from_url(url, socket_timeout=PATIENCE) as client:
        ours, draw = Ours(client), Parameters(documents)
        ours.get(pk(0))
        _count(ours, draw)
        _filter(ours, draw)
        before = _most()
        WORKS[work](ours, draw)
        return _most() - before


def _most() -> int:
    """The most memory that this process had so far."""
    try:
        # Not getrusage: there a process begins with what the one had that started it.
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    print(grown(sys.argv[1], sys.argv[2], int(sys.argv[3])))

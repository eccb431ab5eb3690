"""The rows of the table: what is asked, how much of it makes a sample, and the goals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .workload import Parameters, pk

INDEXED, PLAIN = "indexed", "plain"
#: The contestants by the names that tables and results have.
HAND, OURS, REDIS_OM, REDIS_SCHEMATICS = "hand-written", "rs_search", "redis-om", "redis-schematics"
RANGE_ROWS, MANY = 1000, 1000
ASYNC_GOAL = 1.15


@dataclass(frozen=True)
class Row:
    """One kind of work.

    ``work`` names the contestants' method; ``measure`` that of those who have no such method. ``ask`` draws what is
    asked for; ``operations`` of it make one sample, some hundredths of a second long. ``goal`` is our time over
    hand-written's, None for what is shown beside; ``peers`` holds the goals of their times over ours. ``streams``: the
    answer is read one by one. ``ordered``: rows have one order. ``slow`` rows have fewer rounds.
    """

    work: str
    title: str
    goal: float | None
    operations: int
    ask: Callable[[Parameters], Any]
    peers: Mapping[str, float] = field(default_factory=dict)
    measure: str = ""
    server: str = INDEXED
    streams: bool = False
    ordered: bool = True
    slow: bool = False
    asynchronous: bool = False

    @property
    def name(self) -> str:
        """What ``--rows`` calls it."""
        return f"async-{self.work}" if self.asynchronous else self.work


def _some(draw: Parameters) -> list[int]:
    first = draw.number()
    return [(first + step) % draw.documents for step in range(min(MANY, draw.documents))]


def _key(draw: Parameters) -> str:
    return pk(draw.number())


def _range(draw: Parameters) -> Any:
    return draw.range(RANGE_ROWS)


def _hundredth(draw: Parameters) -> Any:
    return draw.range(max(1, draw.documents // 100))


def _all(draw: Parameters) -> None:
    return None


_SYNC = (
    Row("get", "get by key", 1.10, 400, _key, {REDIS_OM: 2}),
    Row("match", "get by key, as match(id=…)", None, 400, _key, measure="get"),
    Row("text", "full text, top 10", 1.10, 60, Parameters.words),
    Row("count", "count of a range", 1.10, 80, _range, {REDIS_OM: 30}),
    Row("tag", "tag equality, 20 rows", 1.15, 120, Parameters.flavour, {REDIS_OM: 6, REDIS_SCHEMATICS: 50},
        ordered=False),
    Row("range", "range, 1,000 rows as instances", 1.25, 2, _range, {REDIS_OM: 6, REDIS_SCHEMATICS: 50}, ordered=False),
    Row("values", "range, 1,000 rows by values()", 1.10, 2, _range, measure="range", ordered=False),
    Row("read", "range, 1,000 rows, each field read", None, 2, _range),
    Row("top", "sorted, top 10 of all", 1.15, 4, Parameters.order),
    Row("page", "sorted, another page of 10 each time", None, 4, Parameters.page),
    Row("everything", "everything, iterated", 1.25, 1, _all, streams=True, ordered=False, slow=True),
    Row("fallback", "fallback: 1 % of all, plain server", 1.00, 1, _hundredth, server=PLAIN, ordered=False, slow=True),
    # Last: each leaves the index something to clean up.
    Row("save", "save one", 1.10, 150, Parameters.number, {REDIS_OM: 2}),
    Row("save_many", "save many, 1,000 at once", 1.15, 1, _some),
)  # fmt: skip
#: What is measured, in this order: what writes comes last.
ROWS = (*_SYNC, *(replace(row, title=f"async: {row.title}", goal=ASYNC_GOAL, peers={}, asynchronous=True)
                  for row in _SYNC if row.goal is not None))  # fmt: skip


def row_named(name: str) -> Row:
    """The row of a name; raises `ValueError`, telling the names."""
    found = next((row for row in ROWS if row.name == name), None)
    if found is None:
        raise ValueError(f"there is no row {name!r}; there are {', '.join(row.name for row in ROWS)}")
    return found

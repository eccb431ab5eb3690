"""The rows of the table: what is asked, how often, and the goal of issue and README."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .workload import Parameters, pk

INDEXED, PLAIN = "indexed", "plain"
RANGE_ROWS, MANY = 1000, 1000


@dataclass(frozen=True)
class Row:
    """One kind of work.

    ``ask`` draws what is asked for; ``operations`` of it make one sample, some hundredths of a second long. ``measure``
    is the method of the hand-written contestant, if it is another's. ``streams``: the answer is read one by one.
    ``goal`` is time over hand-written; None for what is shown beside.
    """

    name: str
    title: str
    goal: float | None
    operations: int
    ask: Callable[[Parameters], Any]
    server: str = INDEXED
    measure: str = ""
    streams: bool = False
    ordered: bool = True
    slow: bool = False

    def method(self, contestant: Any) -> str:
        """The contestant's method that does this work; empty where it has none."""
        return next((name for name in (self.name, self.measure) if name and hasattr(contestant, name)), "")


def _some(draw: Parameters) -> list[int]:
    first = draw.number()
    return [(first + step) % draw.documents for step in range(min(MANY, draw.documents))]


def _range(draw: Parameters) -> Any:
    return draw.range(RANGE_ROWS)


def _hundredth(draw: Parameters) -> Any:
    return draw.range(max(1, draw.documents // 100))


ROWS = (
    Row("get", "get by key", 1.10, 100, lambda draw: pk(draw.number())),
    Row("match", "get by key, as match(id=…)", None, 100, lambda draw: pk(draw.number()), measure="get"),
    Row("text", "full text, top 10", 1.10, 30, Parameters.words),
    Row("count", "count of a range", 1.10, 50, _range),
    Row("tag", "tag equality, 20 rows", 1.15, 40, Parameters.flavour, ordered=False),
    Row("range", "range, 1,000 rows as instances", 1.25, 2, _range, ordered=False),
    Row("values", "range, 1,000 rows by values()", 1.10, 2, _range, measure="range", ordered=False),
    Row("top", "sorted, top 10 of all", 1.15, 4, Parameters.order),
    Row("everything", "everything, iterated", 1.25, 1, lambda _: None, streams=True, ordered=False, slow=True),
    Row("fallback", "fallback: 1 % of all, plain server", 1.00, 1, _hundredth, server=PLAIN, ordered=False, slow=True),
    # Last: each leaves the index something to clean up.
    Row("save", "save one", 1.10, 50, Parameters.number),
    Row("save_many", "save many, 1,000 at once", 1.15, 1, _some),
)

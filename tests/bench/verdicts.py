"""The goals, and whether they were met."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from .results import Growth, Measured, Ratio, Results

#: Ratios of two runs of the same code differ by so much; a growth within it is none.
NOISE = 1.10
#: Likewise the memory of two processes, in bytes.
MEMORY_NOISE = 8 * 2**20
IMPORT_SECONDS = 0.015


@dataclass(frozen=True)
class Verdict:
    """A goal, as it was measured. ``row`` is that of the table that it belongs to, if any."""

    what: str
    found: str
    goal: str
    met: bool


def verdicts(results: Results) -> Iterator[Verdict]:
    """All goals of what was measured."""
    for measured in results.rows:
        yield from _of_row(measured)
    yield from _of_growth(results.growth)
    yield from _of_memory(results)
    if results.imports is not None:
        added = statistics.median(results.imports.ours)
        yield Verdict("import rs_search", f"{added * 1000:.1f} ms", f"≤ {IMPORT_SECONDS * 1000:.0f} ms",
                      added <= IMPORT_SECONDS)  # fmt: skip


def meets(ratio: Ratio, goal: float) -> bool:
    """Whether a ratio, as it is printed, is not beyond a goal."""
    return round(ratio.median, 2) <= goal


def _of_row(measured: Measured) -> Iterator[Verdict]:
    ours = measured.ours
    if measured.goal is not None and ours is not None:
        yield Verdict(measured.title, f"{ours.median:.2f}", f"≤ {measured.goal:.2f}", meets(ours, measured.goal))
    for peer, goal in measured.peers.items():
        theirs = measured.ratio(peer, "rs_search")
        if theirs is not None:
            yield Verdict(f"{measured.title}: {peer}", f"{theirs.median:.1f} ×", f"≥ {goal:g} ×", theirs.median >= goal)


def growths(growth: list[Growth]) -> dict[str, list[tuple[int, Ratio]]]:
    """Our time over hand-written's at each size, by row."""
    found: dict[str, list[tuple[int, Ratio]]] = {}
    for one in growth:
        ratio = one.measured.ours
        if ratio is not None:
            found.setdefault(one.measured.title, []).append((one.documents, ratio))
    return found


def _of_growth(growth: list[Growth]) -> Iterator[Verdict]:
    for title, sizes in growths(growth).items():
        (fewest, small), (most, large) = sizes[0], sizes[-1]
        grown = large.median / small.median
        yield Verdict(f"{title}: growth from {fewest:,} to {most:,} over the raw command's", f"{grown:.2f}",
                      f"≤ {NOISE:.2f}", round(grown, 2) <= NOISE)  # fmt: skip


def _of_memory(results: Results) -> Iterator[Verdict]:
    works: dict[str, list[tuple[int, int]]] = {}
    for one in results.memory:
        works.setdefault(one.work, []).append((one.documents, one.bytes))
    for work, sizes in works.items():
        (fewest, small), (most, large) = min(sizes), max(sizes)
        yield Verdict(f"memory of {work}: growth from {fewest:,} to {most:,} documents",
                      f"{(large - small) / 2**20:.1f} MiB", f"≤ {MEMORY_NOISE / 2**20:.0f} MiB",
                      large - small <= MEMORY_NOISE)  # fmt: skip

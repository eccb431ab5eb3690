"""README's table of a run, between its marks."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from .report import duration, spread
from .results import Measured, Ratio, Results
from .rows import HAND, OURS, REDIS_OM, REDIS_SCHEMATICS
from .verdicts import growths
from .where import ROOT

README = ROOT / "README.md"
_MARKED = re.compile(r"(<!-- benchmark -->\n).*?(<!-- /benchmark -->)", re.S)


def write(results: Results, path: Path = README) -> None:
    """Put a run between the marks."""
    text, found = _MARKED.subn(lambda marks: f"{marks[1]}{section(results)}\n{marks[2]}", path.read_text())
    if found != 1:
        raise ValueError(f"{path} has no <!-- benchmark --> … <!-- /benchmark -->")
    path.write_text(text)


def section(results: Results) -> str:
    """The table, what it was measured with, and what was found beside."""
    awaited = {row.name.removeprefix("async-"): row for row in results.rows if row.name.startswith("async-")}
    called = [row for row in results.rows if not row.name.startswith("async-")]
    lines = ["| work | by hand | rs_search | time over by hand | async | redis-om | redis-schematics |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    lines += [_line(row, awaited.get(row.name)) for row in called]
    return "\n".join([*lines, "", *_beside(results), _where(results)])


def _line(row: Measured, awaited: Measured | None) -> str:
    cells = [row.title, duration(row.median(HAND)), duration(row.median(OURS)), _goal(row), _ratio(awaited),
             *(_factor(row.ratio(peer, HAND)) for peer in (REDIS_OM, REDIS_SCHEMATICS))]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _goal(row: Measured) -> str:
    return spread(row.ours) + ("" if row.goal is None else f", goal {row.goal:.2f}")


def _ratio(row: Measured | None) -> str:
    ratio = row.ours if row is not None else None
    return "" if ratio is None else f"{ratio.median:.2f}"


def _factor(ratio: Ratio | None) -> str:
    return "" if ratio is None else f"{ratio.median:,.2f}" if ratio.median < 100 else f"{ratio.median:,.0f}"


def _beside(results: Results) -> list[str]:
    lines = []
    for title, sizes in growths(results.growth).items():
        lines.append(f"- As the collection grows, {title}: "
                     + ", ".join(f"{ratio.median:.2f} at {size:,}" for size, ratio in sizes) + ".")  # fmt: skip
    largest = max((one.documents for one in results.memory), default=0)
    grown = [f"{one.bytes / 2**20:.0f} MiB to {one.work}" for one in results.memory if one.documents == largest]
    if grown:
        lines.append(f"- Memory that {largest:,} documents take in the process: {', '.join(grown)}.")
    if results.imports is not None:
        ours, needed = (1000 * statistics.median(each) for each in (results.imports.ours, results.imports.needed))
        lines.append(f"- `import rs_search` adds {ours:.0f} ms to the {needed:.0f} ms of redis, orjson and schematics.")
    return [*lines, *([""] if lines else [])]


def _where(results: Results) -> str:
    where = results.where
    return (
        f"{results.documents:,} documents of about 460 bytes; medians, the middle half of the rounds in brackets. "
        f"{where['machine']}, {where['system']}; {where['server']}; Python {where['python']}, "
        f"redis-py {where['redis']}, hiredis {where['hiredis']}, orjson {where['orjson']}, "
        f"schematics {where['schematics']}; "
        f"commit {where['commit']}, {where['date']}."
    )

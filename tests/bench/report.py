"""Tables on the terminal: one run, and two compared."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.table import Table

from .results import Measured, Ratio, Results
from .rows import HAND, OURS, REDIS_OM, REDIS_SCHEMATICS
from .verdicts import growths, meets, verdicts

PEERS = (REDIS_OM, REDIS_SCHEMATICS)


def tables(results: Results) -> Iterable[RenderableType]:
    """Everything of a run."""
    yield "\n".join(f"[dim]{name:12}[/] {value}" for name, value in results.where.items())
    if results.rows:
        yield _table(results)
    if results.growth:
        yield _growth(results)
    yield _verdicts(results)


def show(results: Results) -> None:
    """Print it."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    for one in tables(results):
        console.print(one)


def _table(results: Results) -> Table:
    peers = [name for name in PEERS if any(name in row.seconds for row in results.rows)]
    table = Table(title=f"{results.documents:,} documents; medians of rounds, the middle half in brackets")
    table.add_column("work")
    for name in (HAND, OURS, "time over hand-written", "goal", "client's work", *(f"{peer}, × ours" for peer in peers)):
        table.add_column(name, justify="right")
    for row in results.rows:
        ours = row.ours
        table.add_row(
            row.title, duration(row.median(HAND)), duration(row.median(OURS)), _coloured(ours, row.goal),
            "" if row.goal is None else f"{row.goal:.2f}", spread(row.work_of_client),
            *(_factor(row, peer) for peer in peers),
        )  # fmt: skip
    return table


def _coloured(ratio: Ratio | None, goal: float | None) -> str:
    if ratio is None or goal is None:
        return spread(ratio)
    return f"[{'green' if meets(ratio, goal) else 'red'}]{spread(ratio)}[/]"


def _factor(row: Measured, peer: str) -> str:
    ratio = row.ratio(peer, OURS)
    if ratio is None:
        return ""
    goal = row.peers.get(peer)
    return f"{ratio.median:,.1f}" + ("" if goal is None else f" (goal {goal:g})")


def _growth(results: Results) -> Table:
    sizes = sorted({one.documents for one in results.growth})
    table = Table(title="Time over hand-written, as the collection grows")
    table.add_column("work")
    for size in sizes:
        table.add_column(f"{size:,}", justify="right")
    for title, ratios in growths(results.growth).items():
        by_size = dict(ratios)
        table.add_row(title, *(spread(by_size.get(size)) for size in sizes))
    for work in dict.fromkeys(one.work for one in results.memory):
        grown = {one.documents: one.bytes for one in results.memory if one.work == work}
        table.add_row(f"memory: {work}", *(f"{grown[size] / 2**20:.1f} MiB" if size in grown else "" for size in sizes))
    return table


def _verdicts(results: Results) -> Table:
    table = Table(title="Goals")
    for name, side in (("", "left"), ("measured", "right"), ("goal", "right"), ("", "left")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for verdict in verdicts(results):
        met = "[green]met[/]" if verdict.met else "[red]missed[/]"
        table.add_row(verdict.what, verdict.found, verdict.goal, met)
    return table


def compare(before: Results, after: Results) -> Table:
    """Two runs beside each other."""
    names = [f"{one.where['commit']}, {one.documents:,} documents, {one.where['date']}" for one in (before, after)]
    table = Table(title="Time over hand-written; the middle half of the rounds in brackets")
    for name, side in (("work", "left"), (names[0], "right"), (names[1], "right"), ("change", "right")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    old = {row.name: row for row in before.rows}
    for row in after.rows:
        earlier = old.get(row.name)
        table.add_row(*_compared(row, earlier))
    return table


def _compared(row: Measured, earlier: Measured | None) -> tuple[str, str, str, str]:
    then, now = earlier.ours if earlier is not None else None, row.ours
    if then is None or now is None:
        return row.title, spread(then), spread(now), ""
    change = f"{(now.median / then.median - 1) * 100:+.0f} %"
    # Where the middle halves overlap the two may well be the same.
    surely = "" if then.low <= now.high and now.low <= then.high else " *"
    return row.title, spread(then), spread(now), change + surely


def spread(ratio: Ratio | None) -> str:
    """A ratio with its spread.

    >>> spread(Ratio(1.0, 0.9, 1.1))
    '1.00 (0.90–1.10)'
    """
    return "" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"


def duration(seconds: float | None) -> str:
    """A time, to three places.

    >>> duration(0.0001234)
    '123 µs'
    """
    if seconds is None:
        return ""
    for unit, name in ((1e-6, "µs"), (1e-3, "ms")):
        if seconds < unit * 1000:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"

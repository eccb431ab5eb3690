"""The picture: ratios by row with the goals marked, peers, and growth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .results import Measured, Results
from .rows import OURS
from .verdicts import growths, meets

MET, MISSED, GOAL, SPREAD = "#1a7f5a", "#c4432b", "#222222", "#9aa5a0"
TICKS = (0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)
ASYNC = "async: "


def draw(results: Results, path: Path) -> None:
    """Write a PNG."""
    # It takes half a second, and the tests' environment does without.
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    panels = [(title, rows) for title, rows in _sides(results.rows) if rows]
    more = [_peers] * any(row.peers for row in results.rows if _theirs(row)) + [_growth] * bool(results.growth)
    heights = [len(rows) for _, rows in panels] + [5] * len(more)
    if not heights:
        return
    figure, axes = pyplot.subplots(len(heights), 1, squeeze=False, layout="constrained",
                                   figsize=(9.5, 1.2 + sum(0.36 * height + 0.75 for height in heights)),
                                   height_ratios=[height + 1.5 for height in heights])  # fmt: skip
    for axis, (title, rows) in zip(axes[:, 0], panels, strict=False):
        _ratios(axis, title, rows, _limits(results.rows))
    for axis, paint in zip(axes[len(panels) :, 0], more, strict=True):
        paint(axis, results)
    where = results.where
    figure.suptitle(f"rs_search {where.get('commit', '')}: {results.documents:,} documents", fontweight="bold")
    figure.supxlabel(f"{where.get('date')} · {where.get('machine')} · Python {where.get('python')} · "
                     f"redis-py {where.get('redis')} · {where.get('server')}", fontsize=7)  # fmt: skip
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _sides(rows: list[Measured]) -> list[tuple[str, list[Measured]]]:
    awaited = [row for row in rows if row.title.startswith(ASYNC)]
    called = [row for row in rows if row not in awaited]
    return [("Time over hand-written redis-py + orjson", called), ("Time over hand-written redis.asyncio", awaited)]


def _limits(rows: list[Measured]) -> tuple[float, float]:
    """One scale for all, so that they can be compared by eye."""
    found = [ratio for row in rows if (ratio := row.ours) is not None]
    return min([one.low for one in found] + [0.95]) * 0.95, max([one.high for one in found] + [1.5]) * 1.15


def _ratios(axis: Any, title: str, rows: list[Measured], limits: tuple[float, float]) -> None:
    shown = [(row, ratio) for row in rows if (ratio := row.ours) is not None]
    for place, (row, ratio) in enumerate(shown):
        colour = GOAL if row.goal is None else MET if meets(ratio, row.goal) else MISSED
        axis.plot([ratio.low, ratio.high], [place, place], color=SPREAD, linewidth=5, solid_capstyle="round", zorder=2)
        axis.plot(ratio.median, place, "o", color=colour, markersize=7, zorder=3)
        axis.annotate(f"{ratio.median:.2f}", (max(ratio.high, row.goal or 0), place), xytext=(8, 0),
                      textcoords="offset points", va="center", fontsize=8, color=colour)  # fmt: skip
        if row.goal is not None:
            axis.plot([row.goal, row.goal], [place - 0.36, place + 0.36], color=GOAL, linewidth=1.6, zorder=4)
    _logarithmic(axis, *limits)
    axis.axvline(1, color=SPREAD, linewidth=0.8, zorder=1)
    _named(axis, [row.title.removeprefix(ASYNC) for row, _ in shown], title)


def _logarithmic(axis: Any, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis.set_xscale("log")
    axis.set_xlim(low, high)
    axis.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if low <= tick <= high]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _in_digits(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.9g}"))


def _named(axis: Any, names: list[str], title: str) -> None:
    axis.set_yticks(range(len(names)), names, fontsize=9)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_title(f"{title} (bar: the middle half of the rounds; line: the goal)", fontsize=9, loc="left")
    axis.grid(axis="x", color="#e4e8e6", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.tick_params(length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _theirs(row: Measured) -> list[tuple[str, float, float, bool]]:
    found = []
    for peer, goal in row.peers.items():
        ratio = row.ratio(peer, OURS)
        if ratio is not None:
            found.append((f"{peer}: {row.title}", ratio.median, goal, ratio.median >= goal))
    return found


def _peers(axis: Any, results: Results) -> None:
    shown = [one for row in results.rows for one in _theirs(row)]
    for place, (_, factor, goal, met) in enumerate(shown):
        axis.barh(place, factor, color=MET if met else MISSED, height=0.55, zorder=2)
        axis.plot([goal, goal], [place - 0.4, place + 0.4], color=GOAL, linewidth=1.6, zorder=4)
        axis.annotate(f"{factor:,.1f} ×", (max(factor, goal), place), xytext=(6, 0), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
    axis.set_xscale("log")
    factors = [factor for _, factor, _, _ in shown]
    axis.set_xlim(min([0.5, *factors]) / 2, max(factors) * 4)
    _in_digits(axis)
    _named(axis, [name for name, *_ in shown], "Peers: their time over ours")
    axis.set_title("Peers: their time over ours (line: the goal)", fontsize=9, loc="left")


def _growth(axis: Any, results: Results) -> None:
    for title, sizes in growths(results.growth).items():
        axis.plot([size for size, _ in sizes], [ratio.median for _, ratio in sizes], "o-", label=title, linewidth=1.5)
    axis.set_xscale("log")
    axis.set_xlabel("documents", fontsize=8)
    axis.set_ylim(bottom=0)
    axis.set_title("Time over hand-written as the collection grows", fontsize=9, loc="left")
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.2), ncol=3)
    _in_digits(axis)
    axis.grid(color="#e4e8e6", linewidth=0.7)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)

"""The library against hand-written redis-py and orjson, and against its peers: in turns, in one run, on one server.

Prints a table, and keeps every round's numbers as JSON with a picture beside. Run by ``scripts/bench``.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from . import plot, readme, report, results
from .contest import Wanted
from .peers import PEERS
from .results import Results
from .rows import ROWS, row_named
from .running import run
from .verdicts import verdicts
from .where import CACHE, ROOT

QUICK_DOCUMENTS, QUICK_ROUNDS, MOST_DOCUMENTS = 10_000, 7, 1_000_000
MICRO = ROOT / "tests" / "bench" / "test_micro.py"


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; gives the exit code."""
    parser = _parser()
    options = parser.parse_args(words)
    if options.compare:
        Console(width=None if sys.stdout.isatty() else 160).print(report.compare(*map(results.read, options.compare)))
        return 0
    if options.micro:
        return _micro()
    try:
        wanted = _wanted(options)
    except ValueError as error:
        parser.error(str(error))
    found = results.read(options.source) if options.source else _measured(wanted, options.output)
    report.show(found)
    if options.readme:
        readme.write(found)
    return 1 if options.check and not all(verdict.met for verdict in verdicts(found)) else 0


def _measured(wanted: Wanted, folder: Path) -> Results:
    """Measure, and keep what there is after each step, so that little is lost where one fails."""
    path = None
    for found in run(wanted):
        path = folder / f"{found.where['date'].translate({32: '-', 58: '-'})}-{found.where['commit']}.json"
        found.write(path)
    assert path is not None
    plot.draw(found, path.with_suffix(".png"))
    print(f"kept in {path}, the picture beside it")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rows", help=f"only these, by commas: {','.join(row.name for row in ROWS)}")
    parser.add_argument("--documents", type=int, default=100_000, help="so many (default: 100,000)")
    parser.add_argument("--rounds", type=int, default=60, help="so many, fewer of what is slow (default: 60)")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_DOCUMENTS:,} documents, {QUICK_ROUNDS} rounds, no peers"
    )
    parser.add_argument("--peers", help="these, by commas (default: all; with --rows or --quick none)")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="?",
        const=MOST_DOCUMENTS,
        metavar="DOCUMENTS",
        help="how times and memory grow up to so many (default: a million), in place of the table",
    )
    parser.add_argument("--import", action="store_true", dest="imports", help="what importing costs, likewise")
    parser.add_argument("--all", action="store_true", help="the table, growth and import")
    parser.add_argument(
        "--micro", action="store_true", help="the micro-benchmarks without a server, by pytest-benchmark"
    )
    parser.add_argument("--output", type=Path, default=CACHE / "results", help="the folder of results")
    parser.add_argument("--from", type=Path, dest="source", metavar="JSON", help="show these results; measure nothing")
    parser.add_argument("--compare", type=Path, nargs=2, metavar="JSON", help="show two results beside each other")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a goal is missed")
    parser.add_argument("--readme", action="store_true", help="write the table into README")
    return parser


def _wanted(options: argparse.Namespace) -> Wanted:
    """What the options ask for. Raises `ValueError` for names that there are not."""
    rows = tuple(map(row_named, options.rows.split(","))) if options.rows else ROWS
    documents, rounds = (QUICK_DOCUMENTS, QUICK_ROUNDS) if options.quick else (options.documents, options.rounds)
    wanted = options.peers if options.peers is not None else "" if options.quick or options.rows else ",".join(PEERS)
    peers = [name for name in wanted.split(",") if name]
    if unknown := set(peers) - set(PEERS):
        raise ValueError(f"there is no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    instead = (options.growth or options.imports) and not options.all
    growth = options.growth or (MOST_DOCUMENTS if options.all else None)
    return Wanted(() if instead else rows, documents, rounds, peers, growth, options.imports or options.all)


def _micro() -> int:
    words = [sys.executable, "-m", "pytest", str(MICRO), "--benchmark-enable", "-p", "no:xdist", "-q"]
    return subprocess.run(words, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    # Its warnings are of what is meant here: a server without modules.
    logging.getLogger("rs_search").setLevel(logging.ERROR)
    sys.exit(main())

"""``scripts/bench``: the library against hand-written code, in turns, on one server."""

from __future__ import annotations

import argparse
import gc
import statistics
import sys

import redis

from . import servers
from .agreement import check
from .hand_written import HandWritten, HandWrittenScan
from .ours import Ours
from .rounds import run
from .rows import INDEXED, PLAIN, ROWS
from .workload import Parameters

SLOW_SHARE = 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--rows", default=",".join(row.name for row in ROWS))
    options = parser.parse_args()
    rows = [row for row in ROWS if row.name in options.rows.split(",")]
    with servers.started() as started:
        client = redis.Redis.from_url(started.indexed)
        library = Ours(client)
        contestants = {INDEXED: [HandWritten(redis.Redis.from_url(started.indexed)), library]}
        if any(row.server == INDEXED for row in rows):
            servers.load_indexed(client, library.model, range(options.documents), lambda _: None)
        if any(row.server == PLAIN for row in rows):
            servers.load_plain(started.plain, range(options.documents), lambda _: None)
            contestants[PLAIN] = [
                HandWrittenScan(redis.Redis.from_url(started.plain, db=1)),
                Ours(redis.Redis.from_url(started.plain)),
            ]
        print("loaded", file=sys.stderr)
        gc.collect()
        gc.freeze()
        draw = Parameters(options.documents)
        for row in rows:
            check(row, contestants[row.server], draw)
            rounds = max(3, options.rounds // SLOW_SHARE) if row.slow else options.rounds
            timings = run(row, contestants[row.server], draw, rounds).rounds
            hand, own = timings["hand-written"], timings["rs_search"]
            low, middle, high = statistics.quantiles([b / a for a, b in zip(hand, own, strict=True)], n=4)
            print(
                f"{row.title:40} {statistics.median(hand) * 1e6:12.1f} µs {statistics.median(own) * 1e6:12.1f} µs "
                f"{middle:6.2f} ({low:.2f} to {high:.2f})  goal {row.goal}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

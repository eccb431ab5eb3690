"""Looks for a query that means two things: on a server with the modules, on a plain one, and by its definition.

Draws models, documents and queries. At the first difference it is made small and printed as Python; exit code 1.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import warnings
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from property.comparing import Difference, batch

from rs_search.server import embedded

#: Queries of one model and its documents, all drawn from one seed.
QUERIES_A_BATCH = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the first seed (default: any)")
    parser.add_argument("--seconds", type=float, default=60, help="how long at most (default: 60)")
    parser.add_argument("--queries", type=int, default=10**12, help="how many queries at most")
    parser.add_argument("--redis-url", help="the server with the modules, whose data is deleted (default: our own)")
    options = parser.parse_args()
    logging.getLogger("rs_search").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    with embedded.start(modules=False) as plain:
        if options.redis_url:
            return _run(options, options.redis_url, plain.url)
        with embedded.start() as indexed:
            return _run(options, indexed.url, plain.url)


def _run(options: argparse.Namespace, indexed: str, plain: str) -> int:
    clients = {name: redis.Redis.from_url(url) for name, url in (("modules", indexed), ("plain", plain))}
    seed, began, asked = options.seed, time.monotonic(), 0
    told = began
    print(f"seed {seed}", flush=True)
    while asked < options.queries and time.monotonic() < began + options.seconds:
        for client in clients.values():
            client.flushall()
        try:
            for _ in batch(random.Random(seed), clients, min(QUERIES_A_BATCH, options.queries - asked)):
                asked += 1
        except Difference as difference:
            print(f"\nseed {seed}: {difference}\n\nagain: scripts/fuzz --seed {seed} --queries {QUERIES_A_BATCH}")
            return 1
        seed += 1
        if time.monotonic() > told + 10:
            told = time.monotonic()
            print(f"{asked} queries in {told - began:.0f} s, no difference; next seed {seed}", flush=True)
    print(f"{asked} queries in {time.monotonic() - began:.0f} s, no difference; next seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

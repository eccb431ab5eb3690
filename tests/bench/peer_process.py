"""A peer's side: ``python -m bench.peer_process MODULE URL`` answers lines of JSON, until its input ends.

Runs in the peer's environment, without rs_search. MODULE has ``worker(url)``: a class as `bench.hand_written`'s, with
``load(numbers)``, and ``slow``: rounds and operations of the works for which nobody would wait longer.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from typing import Any

from .contestants import Called
from .rows import ROWS, row_named


class Served:
    """What the other side may ask."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._called = Called(worker)

    def works(self) -> dict[str, Any]:
        """The works that it does, each with its patience."""
        return {row.work: self._called.patience(row) for row in ROWS if hasattr(self._worker, row.work)}

    def load(self, documents: int) -> None:
        """Put the benchmark's documents there."""
        self._worker.load(range(documents))
        gc.collect()
        gc.freeze()

    def answer(self, row: str, asked: Any) -> Any:
        """What it answers."""
        return self._called.answer(row_named(row), _tuples(asked))

    def sample(self, row: str, asked: list[Any]) -> list[float]:
        """What it takes."""
        sample = self._called.sample(row_named(row), [_tuples(one) for one in asked])
        return [sample.seconds, sample.busy]


def _tuples(asked: Any) -> Any:
    """Questions as they were before JSON made lists of them."""
    return tuple(asked) if isinstance(asked, list) else asked


def main(module: str, url: str) -> None:
    served = Served(importlib.import_module(module).worker(url))
    # What a peer prints must not come between the answers.
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = {"value": getattr(served, request.pop("do"))(**request)}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

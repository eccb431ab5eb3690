"""Peers from PyPI: each in an environment of its own, driven as a process of its own that takes its turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from .rounds import Sample
from .rows import REDIS_OM, REDIS_SCHEMATICS, Row
from .where import CACHE, ROOT

#: What is installed for each, and the module that does its work.
PEERS = {
    REDIS_OM: (("redis-om==1.2.0", "hiredis"), "bench.redis_om_peer"),
    REDIS_SCHEMATICS: (("redis-schematics==0.3.1", "hiredis"), "bench.redis_schematics_peer"),
}


class PeerError(Exception):
    """A peer's process ended or failed; it says how."""


class Peer:
    """A peer in its own process, asked by lines of JSON."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process
        self._works: dict[str, Any] = self._ask(do="works")

    def can(self, row: Row) -> bool:
        """Whether it does this work."""
        return not row.asynchronous and row.work in self._works

    def patience(self, row: Row) -> tuple[int, int] | None:
        """How many rounds, and operations a round, it gets at most."""
        most = self._works[row.work]
        return None if most is None else (most[0], most[1])

    def load(self, documents: int) -> None:
        """Put the benchmark's documents there, as it keeps them."""
        self._ask(do="load", documents=documents)

    def answer(self, row: Row, asked: Any) -> Any:
        """Its answer, comparable with others'."""
        return self._ask(do="answer", row=row.name, asked=asked)

    def sample(self, row: Row, asked: Sequence[Any]) -> Sample:
        """The time that it takes, by its own clock."""
        return Sample(*self._ask(do="sample", row=row.name, asked=asked))

    def _ask(self, **request: Any) -> Any:
        pipes: tuple[IO[str] | None, IO[str] | None] = (self._process.stdin, self._process.stdout)
        assert pipes[0] is not None
        assert pipes[1] is not None
        pipes[0].write(json.dumps(request) + "\n")
        pipes[0].flush()
        line = pipes[1].readline()
        if not line:
            raise PeerError(f"the process of {self.name} ended with {self._process.wait()}")
        reply = json.loads(line)
        if "error" in reply:
            raise PeerError(f"{self.name}: {reply['error']}")
        return reply["value"]


def started(name: str, url: str) -> AbstractContextManager[Peer]:
    """A peer's process, connected to a server; its environment is made where there is none."""
    return run_by(_environment(name, PEERS[name][0]), name, url)


@contextmanager
def run_by(python: Path, name: str, url: str) -> Iterator[Peer]:
    """A peer's process in an environment that is there, until the end of the block."""
    # Its packages are its own; of ours it needs the benchmark's modules only.
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "REDIS_OM_URL": url}
    words = [str(python), "-W", "ignore", "-m", "bench.peer_process", PEERS[name][1], url]
    with subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        yield Peer(name, process)


def _environment(name: str, requirements: Sequence[str]) -> Path:
    folder = CACHE / name
    python, stamp, wanted = folder / "bin" / "python", folder / ".installed", " ".join((*requirements, sys.version))
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {name} into {folder} …", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
                       check=True, stdout=sys.stderr)  # fmt: skip
        stamp.write_text(wanted)
    return python

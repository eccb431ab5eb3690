"""What ``import rs_search`` adds to importing what it needs: fresh processes in turns."""

from __future__ import annotations

import subprocess
import sys

from .contest import Tell
from .results import Imports
from .where import ROOT

_NEEDED = """
import time
began = time.perf_counter()
import redis, orjson, schematics.models, schematics.types
print(time.perf_counter() - began)
"""
_OURS = (
    _NEEDED
    + """
began = time.perf_counter()
import rs_search
print(time.perf_counter() - began)
"""
)


def measured(rounds: int, tell: Tell) -> Imports:
    """Seconds of each process; one before fills the caches of bytecode."""
    found = Imports([], [])
    _seconds(_OURS)
    for number in range(rounds):
        tell(f"import rs_search: {number} of {rounds} rounds")
        found.needed.append(_seconds(_NEEDED)[0])
        found.ours.append(_seconds(_OURS)[1])
    return found


def _seconds(program: str) -> list[float]:
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, check=True, capture_output=True,
                         text=True)  # fmt: skip
    return [float(line) for line in ran.stdout.split()]

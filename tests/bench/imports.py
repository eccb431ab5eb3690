"""What importing the library, as users write it, adds to importing what it needs: fresh processes in turns."""

from __future__ import annotations

import os
import subprocess
import sys

from .contest import Tell
from .results import Imports
from .where import CACHE, ROOT

_NEEDED = """
import time
began = time.process_time()
import redis, orjson, schematics.models, schematics.types
print(time.process_time() - began)
"""
_OURS = (
    _NEEDED
    + """
began = time.process_time()
from rs_search import Q, SearchRedisMixin, connect
print(time.process_time() - began)
"""
)


def measured(rounds: int, tell: Tell) -> Imports:
    """Seconds that each process worked; one before fills the caches of bytecode.

    Not those that passed: importing waits for nobody but other programs that want the processor.
    """
    found = Imports([], [])
    _seconds(_OURS)
    for number in range(rounds):
        tell(f"import rs_search: {number} of {rounds} rounds")
        found.needed.append(_seconds(_NEEDED)[0])
        found.ours.append(_seconds(_OURS)[1])
    return found


def _seconds(program: str) -> list[float]:
    # Installed packages have their bytecode beside them, whatever this environment says of ours.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(CACHE / "bytecode")
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, env=environment, check=True,
                         capture_output=True, text=True)  # fmt: skip
    return [float(line) for line in ran.stdout.split()]

"""Both type checkers agree with `rs_search_types`: what is called gives the model, what is awaited as well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


#: pyright looks for packages by the `python` of PATH, which need not be the one that runs the tests.
CHECKERS = [["mypy", "--strict", "--warn-unused-ignores"], ["pyright", "--pythonpath", sys.executable]]


@pytest.mark.parametrize("checker", CHECKERS, ids=["mypy", "pyright"])
def test_a_type_checker_knows_what_each_call_gives(checker: list[str]) -> None:
    command = [sys.executable, "-m", *checker, str(HERE / "rs_search_types.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr

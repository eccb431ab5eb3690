"""Results: kept, compared, judged and shown in the README."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from . import __main__ as command
from . import readme
from .report import compare
from .results import Growth, Imports, Measured, Memory, Ratio, Results, ratio, read
from .rows import HAND, OURS, REDIS_OM
from .verdicts import verdicts
from .where import where


def measured(**changes: Any) -> Measured:
    seconds = {HAND: [1.0, 2.0, 4.0], OURS: [1.1, 2.0, 4.8], REDIS_OM: [3.3, 5.0]}
    return replace(Measured("get", "get by key", 1.10, {REDIS_OM: 2}, seconds, seconds), **changes)


def results(*rows: Measured, **more: Any) -> Results:
    return Results(where("a server"), 100, list(rows), **more)


SLOW = measured(seconds={HAND: [1.0], OURS: [1.2], REDIS_OM: [1.3]})
EVERYTHING = results(
    measured(),
    growth=[Growth(10, measured()), Growth(1000, SLOW)],
    memory=[Memory(10, "count", 5), Memory(1000, "count", 2**30)],
    imports=Imports([0.2], [0.02, 0.01, 0.012]),
)


def test_a_ratio_is_that_of_rounds_with_its_spread() -> None:
    assert ratio([2.0, 9.0, 4.0], [1.0, 1.0, 1.0]) == Ratio(4.0, 2.0, 9.0)
    assert ratio([3.0], [2.0, 1.0]) == Ratio(1.5, 1.5, 1.5)
    assert ratio([], [1.0]) is None


def test_goals_are_judged() -> None:
    found = {verdict.what: (verdict.found, verdict.met) for verdict in verdicts(EVERYTHING)}
    assert found == {
        "get by key": ("1.10", True),
        "get by key: redis-om": ("2.8 ×", True),
        "get by key: growth from 10 to 1,000 over the raw command's": ("1.09", True),
        "memory of count: growth from 10 to 1,000 documents": ("1024.0 MiB", False),
        "import rs_search": ("12.0 ms", True),
    }
    assert [verdict.met for verdict in verdicts(results(SLOW))] == [False, False]


def test_results_come_back_from_json(tmp_path: Path) -> None:
    EVERYTHING.write(tmp_path / "deep" / "a.json")
    assert read(tmp_path / "deep" / "a.json") == EVERYTHING


@pytest.mark.parametrize(("row", "code"), [(measured(), 0), (SLOW, 1)])
def test_check_exits_with_1_where_a_goal_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: Measured, code: int
) -> None:
    results(row).write(tmp_path / "a.json")
    assert command.main(["--from", str(tmp_path / "a.json"), "--check"]) == code
    assert ("missed" in capsys.readouterr().out) == bool(code)
    assert command.main(["--from", str(tmp_path / "a.json")]) == 0


def test_two_results_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, row in (("a", measured()), ("b", SLOW)):
        results(row).write(tmp_path / f"{name}.json")
    assert command.main(["--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    assert "+9 %" in capsys.readouterr().out
    assert compare(results(), results(measured())).row_count == 1


def test_an_unknown_row_or_peer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in ((["--rows", "gets"], "there is no row 'gets'; there are get, match"),
                        (["--peers", "nobody"], "there is no peer nobody; there are redis-om")):  # fmt: skip
        with pytest.raises(SystemExit) as exit_:
            command.main(words)
        assert exit_.value.code == 2
        assert told in capsys.readouterr().err


def test_a_run_is_written_between_the_marks_of_the_readme(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(readme.README.read_text())
    readme.write(EVERYTHING, path)
    written = path.read_text()
    assert "| get by key | 2 s | 2 s | 1.10 (1.00–1.20), goal 1.10 |  | 2.90 |  |" in written
    assert "`import rs_search` adds 12 ms to the 200 ms" in written
    assert "- Memory that 1,000 documents take in the process: 1024 MiB to count." in written
    assert EVERYTHING.where["commit"] in written
    readme.write(EVERYTHING, path)
    assert path.read_text() == written
    path.write_text("no marks")
    with pytest.raises(ValueError, match="has no <!-- benchmark -->"):
        readme.write(EVERYTHING, path)

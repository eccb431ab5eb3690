"""README's Python runs, and its tables are those of the code."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fixtures.servers import redis_binary

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_every_python_block_of_the_readme_runs_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RS_SEARCH_SERVER", redis_binary() or "")
    names: dict[str, object] = {"__name__": "readme"}
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) >= 4
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.S)
    asyncio.run(_eat_all_at_once(names["app"]))
    assert _without_fingerprint(capsys.readouterr().out) == _without_fingerprint(shown)


async def _eat_all_at_once(app: Any) -> None:
    """Real concurrent requests to the README's FastAPI application."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ices") as browser:
        assert (await browser.get("/ices/nothing")).status_code == 404
        answers = await asyncio.gather(*(browser.get("/ices/kiwi") for _ in range(100)))
        assert [answer.json() for answer in answers] == [{"flavour": "Kiwi"}] * 100
        found = (await browser.get("/ices", params={"words": "kiwi"})).json()
        assert found == ["kiwi"]


def _without_fingerprint(plan: str) -> str:
    """The plan but for the schema's fingerprint and the server's version."""
    return re.sub(r"(rs:\w+:)[0-9a-f]+", r"\1…", plan.split("\n  server")[0])


def test_the_tables_of_the_readme_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("readme_tables", ROOT / "scripts" / "readme_tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.with_tables(README) == README, "run: python scripts/readme_tables.py"


def test_the_commands_of_the_readme_are_there() -> None:
    for script in re.findall(r"\./(scripts/\w+)", README):
        assert (ROOT / script).stat().st_mode & 0o111, f"{script} is not executable"

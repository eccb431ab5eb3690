"""README's Python runs, and its tables are those of the code."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
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
    kiwi: Any = names["found"]
    for loop in ("asyncio", "uvloop"):
        kiwi.update(amount_kg=100)
        with _served(names["app"], loop) as address:
            asyncio.run(_ask_all_at_once(address))
    assert _without_fingerprint(capsys.readouterr().out) == _without_fingerprint(shown)


@contextmanager
def _served(app: Any, loop: str) -> Iterator[str]:
    """The address of an application that is served by HTTP, in a thread with an event loop of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, loop=loop, log_level="warning"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


async def _ask_all_at_once(address: str) -> None:
    """Fifty requests at once, each over a connection of its own; and some that change one object."""
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as browser:
        assert (await browser.get("/ices/nothing")).status_code == 404
        answers = await asyncio.gather(*(browser.get("/ices/kiwi") for _ in range(50)))
        assert [answer.json() for answer in answers] == [{"flavour": "Kiwi"}] * 50
        found = await asyncio.gather(*(browser.get("/ices", params={"words": "kiwi"}) for _ in range(20)))
        assert [answer.json() for answer in found] == [["kiwi"]] * 20
        eaten = await asyncio.gather(*(browser.put("/ices/kiwi/eat") for _ in range(25)))
        # No update is lost: each has a number of its own.
        assert sorted(answer.json() for answer in eaten) == list(range(75, 100))


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

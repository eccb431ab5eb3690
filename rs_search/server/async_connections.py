"""Which server a model talks to from an event loop: clients of their own, one for each loop and address.

Nothing is opened before the first call. A client is closed with its loop, or by `aclose`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import redis.asyncio
import redis.retry
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry

from ..errors import ServerError, TransactionError
from .connections import client_of, known_of, settings_of
from .reconnects import watch

if TYPE_CHECKING:
    from .capabilities import ServerState

#: Settings of connections that mean the same to both kinds of clients.
_SHARED = (
    "host", "port", "path", "db", "username", "password", "socket_timeout", "socket_connect_timeout",
    "socket_keepalive",
    "socket_keepalive_options", "encoding", "encoding_errors", "decode_responses", "protocol", "client_name",
    "credential_provider", "health_check_interval", "ssl_keyfile", "ssl_certfile", "ssl_cert_reqs", "ssl_ca_certs",
    "ssl_ca_data", "ssl_check_hostname", "ssl_min_version", "ssl_ciphers", "retry_on_error",
)  # fmt: skip
#: Connections of a client of ours; more tasks than that wait for one.
MOST_CONNECTIONS = 20


class Gate:
    """Lets as many tasks in as a client may have connections: redis-py raises where one more asks for one.

    Who sends a command acquires ``commands``, and releases it at the end.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.commands = asyncio.Semaphore(most)
        # They keep a connection for a whole block, in which others are needed.
        self._watchers = asyncio.Semaphore(max(1, most // 2))

    async def pass_through(self, permits: contextlib.ExitStack) -> None:
        """Acquire a connection until the ``permits`` are closed."""
        await self.commands.acquire()
        permits.callback(self.commands.release)

    async def hold(self, permits: contextlib.ExitStack) -> None:
        """`pass_through` for a while in which more connections are asked for. Raises `TransactionError`."""
        if self._most < 2:
            raise TransactionError("a transaction that watches keeps a connection; the client may have one only")
        await self._watchers.acquire()
        permits.callback(self._watchers.release)
        await self.pass_through(permits)


class AsyncServer(NamedTuple):
    """A client of this event loop, what is known of its server, its address, and how many may use it at once."""

    client: Any
    state: ServerState
    address: str
    gate: Gate


class _Here(NamedTuple):
    """What a loop knows of a pool: ``ours`` is the client that we opened for it, None where it serves by itself."""

    ours: Any
    state: ServerState
    address: str
    gate: Gate
    #: It takes this away when the pool is gone.
    pool: weakref.ref[Any]


class _Loop:
    """The clients of one event loop: by settings those that we opened, and close.

    ``here`` is by the identity of pools as long as they live: each call asks, and weak keys take five times as long.
    """

    def __init__(self, running: asyncio.AbstractEventLoop) -> None:
        self.running = weakref.ref(running)
        self.here: dict[int, _Here] = {}
        self.opened: list[tuple[dict[str, Any], AsyncServer]] = []
        self.closer: AsyncGenerator[None, None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the loop is no more."""
        running = self.running()
        return running is None or running.is_closed()


#: By the identity of the event loop, which may be that of one that is gone.
_loops: dict[int, _Loop] = {}
#: The loop that a pool which the user gave has served: its connections work in no other.
_served: WeakKeyDictionary[Any, weakref.ref[asyncio.AbstractEventLoop]] = WeakKeyDictionary()
_lock = threading.Lock()


def server_here(model: type[Any]) -> AsyncServer | None:
    """The server of a model for the running event loop, if it was asked for before."""
    client, loop = client_of(model), _running()
    here = None if loop is None else loop.here.get(id(getattr(client, "connection_pool", client)))
    return None if here is None else _server(here, client)


def _running() -> _Loop | None:
    """What is known of the running event loop."""
    running = asyncio.get_running_loop()
    loop = _loops.get(id(running))
    return loop if loop is not None and loop.running() is running else None


def _server(here: _Here, client: Any) -> AsyncServer:
    return AsyncServer(client if here.ours is None else here.ours, here.state, here.address, here.gate)


async def async_server_of(model: type[Any]) -> AsyncServer:
    """The server of a model for the running event loop. Raises `ServerError` where there can be none."""
    found = server_here(model)
    if found is not None:
        return found
    client, running = client_of(model), asyncio.get_running_loop()
    pool = getattr(client, "connection_pool", client)
    loop = _running() or await _begun(running)
    known, here, place = known_of(client), loop.here, id(pool)
    alive = weakref.ref(pool, lambda _: here.pop(place, None))
    if known.waits and _serves(pool, running):
        gate = Gate(getattr(pool, "max_connections", MOST_CONNECTIONS))
        here[place] = _Here(None, known.state, known.address, gate, alive)
    else:
        here[place] = _Here(*_ours(client, loop), alive)
    return _server(here[place], client)


def _serves(pool: Any, running: asyncio.AbstractEventLoop) -> bool:
    """Whether a pool that the user gave can be used in a loop: in the first that asks."""
    with _lock:
        return _served.setdefault(pool, weakref.ref(running))() is running


def _ours(client: Any, loop: _Loop) -> AsyncServer:
    """A server whose client we opened, to the same address with the same settings."""
    settings = _shared_settings(client)
    for known_settings, server in loop.opened:
        if _alike(known_settings, settings):
            # A function that gives another client at each call has one of ours all the same.
            return server
    known = known_of(client)
    pool = redis.asyncio.ConnectionPool(max_connections=MOST_CONNECTIONS, **settings)
    watch(pool, known.state)
    server = AsyncServer(redis.asyncio.Redis.from_pool(pool), known.state, known.address, Gate(MOST_CONNECTIONS))
    loop.opened.append((settings, server))
    return server


def _shared_settings(client: Any) -> dict[str, Any]:
    """What connections like a client's are made with."""
    pool = getattr(client, "connection_pool", None)
    # A cluster's client has no pool, and that of a Sentinel asks it where the server is.
    if pool is None or hasattr(pool, "sentinel_manager"):
        raise ServerError(
            f"a {type(pool or client).__name__} does not tell where its server is: for what is awaited, "
            "give a client of redis.asyncio as __redis_client__, or to connect()"
        )
    given = settings_of(client)
    settings = {name: given[name] for name in _SHARED if given.get(name) is not None}
    name = getattr(getattr(pool, "connection_class", None), "__name__", "")
    # One of the user's own making may be no Retry at all, and has no awaited form.
    if isinstance(given.get("retry"), (redis.retry.Retry, Retry)):
        settings["retry"] = Retry(*_tries(given["retry"]))
    if "path" in settings:
        settings["connection_class"] = UnixDomainSocketConnection
    elif "SSL" in name:
        settings["connection_class"] = SSLConnection
    return settings


def _tries(retry: Any) -> tuple[Any, int, Any]:
    """How redis-py tries again: the pauses, how often, and after which errors. It has no public names for them."""
    return retry._backoff, retry._retries, retry._supported_errors


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether connections of two settings are the same."""
    return {**one, "retry": _described(one)} == {**other, "retry": _described(other)}


def _described(settings: dict[str, Any]) -> Any:
    """How connections try again, to be compared: redis-py 5.0 says of no two of these that they are equal."""
    if "retry" not in settings:
        return None
    pauses, most, errors = _tries(settings["retry"])
    return type(pauses), vars(pauses), most, frozenset(errors)


# --- the loop ---------------------------------------------------------------------------------------------------------


async def _begun(running: asyncio.AbstractEventLoop) -> _Loop:
    with _lock:
        # Loops that were closed without an end of their generators; their clients go with them.
        for ended in [place for place, loop in _loops.items() if loop.ended]:
            del _loops[ended]
        loop = _loops[id(running)] = _Loop(running)
    # A loop that ends closes the async generators that it knows, and with this one the clients.
    loop.closer = _close_with_loop(id(running), loop)
    await loop.closer.__anext__()
    return loop


async def _close_with_loop(place: int, loop: _Loop) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        with _lock:
            if _loops.get(place) is loop:
                del _loops[place]
        for _, server in loop.opened:
            await server.client.aclose()


async def aclose() -> None:
    """Close the clients that were opened for this event loop; the next call opens new ones."""
    loop = _running()
    if loop is not None and loop.closer is not None:
        await loop.closer.aclose()

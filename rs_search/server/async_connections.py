"""Which server a model talks to from an event loop: clients of their own, one for each loop and address.

Nothing is opened before the first call. A client is closed with its loop, or by `aclose`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import redis.asyncio
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection

from .connections import client_of, is_async, known_of, settings_of
from .reconnects import watch

if TYPE_CHECKING:
    from .capabilities import ServerState

#: Settings of connections that mean the same to both kinds of clients.
_SHARED = (
    "host", "port", "path", "db", "username", "password", "socket_timeout", "socket_connect_timeout",
    "socket_keepalive",
    "socket_keepalive_options", "encoding", "encoding_errors", "decode_responses", "protocol", "client_name",
    "credential_provider", "health_check_interval", "ssl_keyfile", "ssl_certfile", "ssl_cert_reqs", "ssl_ca_certs",
    "ssl_ca_data", "ssl_check_hostname", "ssl_min_version", "ssl_ciphers",
)  # fmt: skip
#: Connections of a client of ours; more tasks than that wait for one.
MOST_CONNECTIONS = 20


@dataclass(frozen=True)
class AsyncServer:
    """A client of this event loop, what is known of its server, its address, and how many may use it at once."""

    client: Any
    state: ServerState
    address: str
    gate: asyncio.Semaphore


class _Loop:
    """The clients of one event loop; ``ours`` are those that we opened, and close."""

    def __init__(self) -> None:
        self.servers: dict[int, AsyncServer] = {}
        self.ours: list[Any] = []
        self.closer: AsyncGenerator[None, None] | None = None


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()
#: The loop that a client which the user gave has served: its connections work in no other.
_served: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


async def async_server_of(model: type[Any]) -> AsyncServer:
    """The server of a model for the running event loop."""
    client = client_of(model)
    pool = getattr(client, "connection_pool", client)
    loop = await _this_loop()
    server = loop.servers.get(id(pool))
    if server is None:
        known = known_of(client)
        own = client if _usable(client) else _opened(client, loop)
        if own is not client:
            watch(own.connection_pool, known.state)
        most = getattr(own.connection_pool, "max_connections", MOST_CONNECTIONS)
        # The pool is kept by the semaphore's holder, so that its id stays its own.
        server = loop.servers[id(pool)] = AsyncServer(own, known.state, known.address, asyncio.Semaphore(most))
        loop.ours.append(_Kept(pool))
    return server


class _Kept:
    """Keeps a pool alive as long as it has an entry by its id."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def aclose(self) -> None:
        """Nothing of ours to close."""


def _usable(client: Any) -> bool:
    """Whether a client that the user gave can be used in this loop: an async one, in the first loop that asks."""
    if not is_async(client):
        return False
    this = id(asyncio.get_running_loop())
    return _served.setdefault(client, this) == this


def _opened(client: Any, loop: _Loop) -> Any:
    """A client of our own to the same address."""
    given = settings_of(client)
    settings = {name: given[name] for name in _SHARED if given.get(name) is not None}
    kind = getattr(client.connection_pool, "connection_class", None)
    name = getattr(kind, "__name__", "")
    if "path" in settings:
        settings["connection_class"] = UnixDomainSocketConnection
    elif "SSL" in name:
        settings["connection_class"] = SSLConnection
    pool = redis.asyncio.ConnectionPool(max_connections=MOST_CONNECTIONS, **settings)
    opened = redis.asyncio.Redis.from_pool(pool)
    loop.ours.append(opened)
    return opened


async def _this_loop() -> _Loop:
    running = asyncio.get_running_loop()
    known = _loops.get(running)
    if known is None:
        known = _loops[running] = _Loop()
        # A loop that ends closes the async generators that it knows, and with this one the clients.
        known.closer = _close_with_loop(running)
        await known.closer.__anext__()
    return known


async def _close_with_loop(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await _close(_loops.pop(loop, None))


async def _close(loop: _Loop | None) -> None:
    if loop is not None:
        for client in loop.ours:
            await client.aclose()
        loop.servers.clear()
        loop.ours.clear()


async def aclose() -> None:
    """Close the clients that were opened for this event loop; the next call opens new ones."""
    known = _loops.get(asyncio.get_running_loop())
    if known is not None and known.closer is not None:
        await known.closer.aclose()

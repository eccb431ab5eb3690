"""Which server a model talks to. Nothing is opened before the first call."""

from __future__ import annotations

import inspect
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import finalize

import redis

from ..attributes import own_attribute
from ..errors import EmbeddedServerError, ServerError
from .reconnects import watch

if TYPE_CHECKING:
    from .capabilities import ServerState

DEFAULT_URL = "redis://localhost:6379/0"
EMBEDDED = "embedded"
#: redis-py 8 refuses the 101st thread, where older ones open one more connection.
MOST_CONNECTIONS = 10_000
_lock = threading.RLock()


class Server(NamedTuple):
    """A client, what is known of its server, and the address for messages, without the password."""

    client: redis.Redis
    state: ServerState
    address: str


@dataclass(frozen=True)
class Known:
    """What is known of the server behind a connection pool; ``waits``: whether its clients are awaited."""

    state: ServerState
    address: str
    waits: bool


class _Registry:
    """The only global state: clients by address, the default one, and what is known of each server."""

    def __init__(self) -> None:
        self.clients: dict[str, redis.Redis] = {}
        self.default: Any = None
        # By the pool's identity as long as it lives, and without the client, which holds it. Each call asks: a
        # WeakKeyDictionary takes as long as three other steps on the way.
        self.known: dict[int, Known] = {}


_registry = _Registry()


def connect(url: Any = None, **options: Any) -> Any:
    """Make a server the default for every model without a ``__redis_client__`` of its own.

    ``url`` is ``redis://…``, ``rediss://…``, ``unix://…``, ``embedded://`` (a server from the wheels, gone with the
    process), ``embedded:///folder`` (the same, with its data kept there), or a client of redis-py, async ones included;
    without one it is ``RS_SEARCH_URL``, else ``REDIS_URL``, else ``redis://localhost:6379/0``. ``options`` go on to
    redis-py.
    Gives the client. Nothing is sent yet; only ``embedded://`` starts its server, and raises `EmbeddedServerError`.
    """
    client = url if hasattr(url, "execute_command") else _open(url or default_url(), options)
    with _lock:
        _registry.default = client
    return client


def default_url() -> str:
    """The address that models without a client of their own use before `connect`."""
    return os.environ.get("RS_SEARCH_URL") or os.environ.get("REDIS_URL") or DEFAULT_URL


def server_of(model: type[Any]) -> Server:
    """The server of a model: its ``__redis_client__``, else `connect`'s, else the environment's."""
    return server_for(client_of(model))


def client_of(model: type[Any]) -> Any:
    """The client of a model, which may be an async one."""
    declared = getattr(model, "__redis_client__", None)
    if declared is not None and not hasattr(declared, "execute_command"):
        declared = _given_client(model)
    if declared is None:
        declared = _registry.default
    return _client_for(default_url()) if declared is None else declared


def is_async(client: Any) -> bool:
    """Whether a client is one of ``redis.asyncio``."""
    return known_of(client).waits


def server_for(client: Any) -> Server:
    """What is known of the server behind a client; clients of one pool share it."""
    known = known_of(client)
    return Server(client, known.state, known.address)


def known_of(client: Any) -> Known:
    """What is known of the server behind a client."""
    pool = getattr(client, "connection_pool", client)
    known = _registry.known.get(id(pool))
    if known is None:
        with _lock:
            known = _registry.known.get(id(pool))
            if known is None:
                known = _registry.known[id(pool)] = _first_known(client)
                finalize(pool, _registry.known.pop, id(pool), None)
                watch(pool, known.state)
    return known


def _first_known(client: Any) -> Known:
    # Here, because `connect` is called where the models are declared, before anything is asked.
    from .capabilities import ServerState

    waits = inspect.iscoroutinefunction(getattr(client, "execute_command", None))
    most = getattr(getattr(client, "connection_pool", None), "max_connections", MOST_CONNECTIONS)
    watchers = threading.Semaphore(max(1, most // 2))
    return Known(ServerState(database=_database(client), watchers=watchers), address_of(client), waits)


def _given_client(model: type[Any]) -> Any:
    """The client that a function gives, or a property, of the model; None where it gives none."""
    # Not getattr: a method would come back bound.
    declared = own_attribute(model, "__redis_client__")
    if isinstance(declared, (staticmethod, classmethod)):
        declared = declared.__get__(None, model)
    if isinstance(declared, property):
        declared = declared.fget
    if inspect.isroutine(declared) or (callable(declared) and not hasattr(declared, "execute_command")):
        declared = declared() if not inspect.signature(declared).parameters else declared(model)
    if declared is not None and not hasattr(declared, "execute_command"):
        raise ServerError(f"{model.__name__}.__redis_client__ gave {declared!r}, which is no redis-py client")
    return declared


def _client_for(url: str) -> redis.Redis:
    with _lock:
        client = _registry.clients.get(url)
        if client is None:
            client = _registry.clients[url] = _open(url, {})
        return client


def _open(url: str, options: dict[str, Any]) -> redis.Redis:
    scheme, _, rest = url.partition("://")
    if scheme == EMBEDDED:
        if rest and not rest.startswith("/"):
            raise EmbeddedServerError(f"{url!r}: the folder needs three slashes: embedded:///{rest}")
        from .embedded import shared

        url = shared(rest or None).url
    try:
        return redis.Redis.from_url(url, **{"max_connections": MOST_CONNECTIONS, **options})
    except (ValueError, TypeError):
        # redis-py's own words may repeat the address, password and all.
        raise ServerError(f"{masked(url)!r} is no address of a Redis server") from None


def _database(client: Any) -> int:
    return int(settings_of(client).get("db") or 0)


def settings_of(client: Any) -> dict[str, Any]:
    """The settings of a client's connections."""
    return dict(getattr(getattr(client, "connection_pool", None), "connection_kwargs", {}))


def address_of(client: Any) -> str:
    """The client's server as an address, without user and password."""
    settings = settings_of(client)
    if settings.get("path"):
        return f"unix://{settings['path']}?db={settings.get('db') or 0}"
    secret = "***@" if settings.get("password") else ""
    return f"redis://{secret}{settings.get('host', 'localhost')}:{settings.get('port', 6379)}/{settings.get('db') or 0}"


def masked(url: str) -> str:
    """The address with its password masked.

    >>> masked("redis://ann:secret@host:6379/0")
    'redis://ann:***@host:6379/0'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    # Not urlsplit: a password may hold /, # or ?, which it takes for the address's own.
    secrets, at, host = rest.rpartition("@")
    user = secrets.partition(":")[0] if at else ""
    place = re.sub(r"(password=)[^&#]*", r"\1***", host)
    if at and ":" in secrets:
        return f"{scheme}://{user}:***@{place}"
    return f"{scheme}://{secrets}{at}{place}"

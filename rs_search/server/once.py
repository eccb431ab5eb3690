"""What must not be sent twice. redis-py sends a request again when the connection broke before the reply came.

Then nobody knows whether the server did it. To set a value twice is no harm; to count it up twice is, and so is to be
told of a conflict with oneself. Within `once()` such a break is the caller's to know of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from redis import exceptions
from redis.asyncio.connection import AbstractConnection

if TYPE_CHECKING:
    from .capabilities import ServerState

_once: ContextVar[bool] = ContextVar("rs_search: sent once", default=False)
#: What tells that a connection broke: redis-py has these for the answers of timeouts and sockets.
_BROKEN = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)


@contextlib.contextmanager
def once(state: ServerState) -> Iterator[None]:
    """What is sent within to the server of a ``state`` is sent once."""
    if state.heed is None:
        # Not before: most programs never need it, and of a small command it would take a tenth.
        state.have_heed(_heed)
    token = _once.set(True)
    try:
        yield
    finally:
        _once.reset(token)


def _heed(connection: Any) -> None:
    """Have a connection of redis-py, of either kind, heed `once`."""
    own = getattr(connection, "retry", None)
    if own is None or isinstance(own, (_Once, _AsyncOnce)):
        return
    connection.retry = _AsyncOnce(own) if isinstance(connection, AbstractConnection) else _Once(own)


class _Heeding:
    """A connection's own way of trying again, outside of `once`."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            # Asked by copy and pickle, before there is anything to ask.
            raise AttributeError(name)
        return getattr(self._own, name)


class _Once(_Heeding):
    def call_with_retry(self, do: Callable[[], Any], fail: Callable[..., Any], *more: Any, **options: Any) -> Any:
        """What redis-py asks for: ``do``, and ``fail`` where the connection broke, which closes it."""
        if not _once.get():
            return self._own.call_with_retry(do, fail, *more, **options)
        # What redis-py asks within, to connect or to see that the server is there, may be asked again.
        token = _once.set(False)
        try:
            return do()
        except _BROKEN as error:
            # Of a pipeline that watches, ``fail`` says that a watched object changed: nobody knows.
            with contextlib.suppress(exceptions.WatchError):
                fail(error, *_count(options))
            raise
        finally:
            _once.reset(token)


class _AsyncOnce(_Heeding):
    async def call_with_retry(self, do: Callable[[], Any], fail: Callable[..., Any], *more: Any, **options: Any) -> Any:
        """The same, awaited."""
        if not _once.get():
            return await self._own.call_with_retry(do, fail, *more, **options)
        token = _once.set(False)
        try:
            return await do()
        except _BROKEN as error:
            with contextlib.suppress(exceptions.WatchError):
                await fail(error, *_count(options))
            raise
        finally:
            _once.reset(token)


def _count(options: dict[str, Any]) -> tuple[int, ...]:
    """How often it failed, for versions of redis-py that want to know: often enough not to be tried again."""
    return (1,) if options.get("with_failure_count") else ()

"""Operations run for a model: on its server, from a thread or from an event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

from ..errors import ServerError
from ..operations.requests import Direct, Operation, Stream
from ..twins import Arguments, Make, Options
from .async_connections import async_server_of, server_here
from .capabilities import ServerState
from .connections import Server, client_of, known_of, server_for
from .drive import arun, astream, run, stream

M = TypeVar("M")
T = TypeVar("T")
_NO_OPTIONS: Options = {}
#: Of a small command each step on the way counts.
_new = tuple.__new__
#: The name under which an attribute that is read loads what it refers to.
LOADING = "_load"
#: What to do in place of what has no name with an ``a`` in front.
_AWAITED = {
    LOADING: "reading an attribute cannot wait: load references before, by filter(…).prefetch(name) "
    "or await objects(…).aprefetch([instance], name)",
    "_read": "await the result set, or read it by `async for`",
    "_profile": "profile() cannot wait: await aprofile()",
    "iterator": "read the result set by `async for`",
}


class Calls(Generic[M]):
    """Runs operations on a model's server, each made by ``make`` of what is known of the server, and of arguments.

    It does so for the `rs_search.twins` of the classes that are made of it.
    """

    def __init__(self, model: type[M]) -> None:
        self.model = model

    def call_operation(self, name: str, make: Make[T], arguments: Arguments = (), options: Options = _NO_OPTIONS) -> T:
        """Run an operation, and wait.

        Raises `ServerError` where it has to ask and the model has an async client only.
        """
        client = client_of(self.model)
        known = known_of(client)
        if known.waits:
            return _without_asking(self.model, name, make(known.state, *arguments, **options))
        return run(make(known.state, *arguments, **options), _new(Server, (client, known.state, known.address)))

    def await_operation(
        self, make: Make[T], arguments: Arguments = (), options: Options = _NO_OPTIONS
    ) -> Coroutine[Any, Any, T]:
        """Run an operation in the running event loop."""
        server = server_here(self.model)
        if server is None:
            return _first_call(self.model, make, arguments, options)
        return arun(make(server.state, *arguments, **options), server)

    def iterate(self, name: str, make: Callable[[ServerState], Stream]) -> Iterator[list[Any]]:
        """The batches of a stream, as they are asked for."""
        client = client_of(self.model)
        if known_of(client).waits:
            raise ServerError(_wrong_side(self.model, name))
        server = server_for(client)
        return stream(make(server.state), server)

    async def aiterate(self, make: Callable[[ServerState], Stream]) -> AsyncGenerator[list[Any], None]:
        """The batches of a stream, for ``async for``."""
        server = await async_server_of(self.model)
        batches = astream(make(server.state), server)
        try:
            async for batch in batches:
                yield batch
        finally:
            await batches.aclose()


def _without_asking(model: type[Any], name: str, operation: Operation[T] | Direct) -> T:
    if isinstance(operation, Direct):
        raise ServerError(_wrong_side(model, name))
    try:
        next(operation)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        operation.close()
    raise ServerError(_wrong_side(model, name))


def _wrong_side(model: type[Any], name: str) -> str:
    how = _AWAITED.get(name, f"{name}() cannot wait: await a{name}()")
    return f"{model.__name__} has an async client: {how}"


async def _first_call(model: type[Any], make: Make[T], arguments: Arguments, options: Options) -> T:
    server = await async_server_of(model)
    return await arun(make(server.state, *arguments, **options), server)

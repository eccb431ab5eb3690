"""Runs operations: sends what they yield, waits, and gives them the replies. The only place that waits."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from types import GeneratorType
from typing import Any, TypeVar

import redis

from ..errors import RedisMixinException, ServerError, ServerUnavailable
from ..operations.requests import (
    ALONE,
    ASK,
    CHANGE,
    Batch,
    Begin,
    Command,
    Direct,
    Elsewhere,
    Finish,
    Operation,
    Pause,
    Request,
    Stream,
    next_batch,
)
from .async_connections import AsyncServer, async_server_of
from .connections import Server, server_of
from .entered import current
from .once import once
from .patience import sent_later
from .translation import CLIENT_ERRORS, translated
from .unbroken import unbroken

T = TypeVar("T")
#: Turns of the event loop after which what was begun is on its way: redis-py 8.1 takes three. Else it would be sent
#: when this task waits next, which is when it has need of the reply.
TURNS_TO_SEND = 5


def run(operation: Operation[T] | Direct, server: Server) -> T:
    """Run an operation to its end on a server and give its result; raises what it raises."""
    if isinstance(operation, Direct):
        # A write in a transaction is for its end.
        waits = operation.role != ASK and current() is not None
        left = operation.again() if waits else _answered(operation, server)
        if not isinstance(left, GeneratorType):
            return left  # type: ignore[return-value]
        operation = left
    try:
        request = next(operation)
        while True:
            try:
                reply = _perform(request, server)
            except RedisMixinException as error:
                request = operation.throw(error)
            else:
                request = operation.send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        operation.close()


def _answered(asked: Direct, server: Server) -> Any:
    """What one command tells, or the operation that is left to do."""
    try:
        reply = server.client.execute_command(*asked.arguments)  # type: ignore[no-untyped-call]
    except CLIENT_ERRORS as error:
        try:
            reply = _sent_later(Command(asked.arguments), server, error)
        except ServerUnavailable:
            raise
        except ServerError:
            # The operation knows what to do then, or tells of it.
            return asked.again()
    return asked.answer(reply)


def stream(rows: Stream, server: Server) -> Iterator[list[Any]]:
    """Run a stream on a server, batch by batch, as they are asked for; raises what it raises."""
    try:
        while (batch := run(next_batch(rows), server)) is not None:
            yield batch
    finally:
        rows.close()


async def arun(operation: Operation[T] | Direct, server: AsyncServer) -> T:
    """`run`, awaited; a task that is cancelled leaves the connection usable."""
    if isinstance(operation, Direct):
        waits = operation.role != ASK and current() is not None
        left = operation.again() if waits else await _aanswered(operation, server)
        if not isinstance(left, GeneratorType):
            return left  # type: ignore[return-value]
        operation = left
    try:
        request = next(operation)
        while True:
            try:
                reply = await _aperform(request, server)
            except RedisMixinException as error:
                request = operation.throw(error)
            else:
                request = operation.send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        operation.close()


async def _aanswered(asked: Direct, server: AsyncServer) -> Any:
    try:
        reply = await _aperform(Command(asked.arguments), server)
    except ServerUnavailable:
        raise
    except ServerError:
        return asked.again()
    return asked.answer(reply)


async def astream(rows: Stream, server: AsyncServer) -> AsyncGenerator[list[Any], None]:
    """`stream`, for ``async for``."""
    try:
        while (batch := await arun(next_batch(rows), server)) is not None:
            yield batch
    finally:
        rows.close()


async def _aperform(request: Request, server: AsyncServer) -> Any:
    if not isinstance(request, (Command, Batch)):
        return await _AWAITED[type(request)](request, server)
    if isinstance(request, Batch) and _stays(request, server):
        return None
    try:
        await server.gate.commands.acquire()
        return await unbroken(_asent(request, server))
    except CLIENT_ERRORS as error:
        raise translated(error, server.address, _named(request), _is_sent_once(request)) from error


async def _asleep(request: Pause, server: AsyncServer) -> None:
    await asyncio.sleep(request.seconds)


async def _aelsewhere(request: Elsewhere, server: AsyncServer) -> Any:
    other = await async_server_of(request.model)
    return await arun(request.operation(other.state), other)


async def _abegun(request: Begin, server: AsyncServer) -> asyncio.Future[Any]:
    begun = asyncio.ensure_future(arun(request.operation, server))
    # Else the loop complains of an error that nobody waited for.
    begun.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        for _ in range(TURNS_TO_SEND):
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        begun.cancel()
        raise
    return begun


async def _afinished(request: Finish, server: AsyncServer) -> Any:
    # Awaited itself, it would be cancelled with this task; who began it says so where it should be.
    await asyncio.wait((request.begun,))
    return request.begun.result()


_AWAITED: dict[type, Callable[[Any, AsyncServer], Coroutine[Any, Any, Any]]] = {
    Pause: _asleep,
    Elsewhere: _aelsewhere,
    Begin: _abegun,
    Finish: _afinished,
}


async def _asent(request: Command | Batch, server: AsyncServer) -> Any:
    try:
        if isinstance(request, Command):
            return await server.client.execute_command(*request.arguments)
        if request.role == CHANGE:
            with once(server.state):
                return await _asent_batch(request, server.client)
        return await _asent_batch(request, server.client)
    finally:
        server.gate.commands.release()


async def _asent_batch(batch: Batch, client: Any) -> list[Any]:
    if len(batch.commands) == 1:
        return [await client.execute_command(*batch.commands[0].arguments)]
    async with client.pipeline(transaction=batch.atomic) as pipeline:
        for command in batch.commands:
            pipeline.execute_command(*command.arguments)
        replies: list[Any] = await pipeline.execute()
        return replies


def _perform(request: Request, server: Server) -> Any:
    if not isinstance(request, (Command, Batch)):
        return _CALLED[type(request)](request, server)
    if isinstance(request, Batch) and _stays(request, server):
        return None
    try:
        return _sent(request, server)
    except CLIENT_ERRORS as error:
        return _sent_later(request, server, error)


def _sent_later(request: Command | Batch, server: Server, error: Exception) -> Any:
    try:
        return sent_later(lambda: _sent(request, server), error)
    except CLIENT_ERRORS as last:
        raise translated(last, server.address, _named(request), _is_sent_once(request)) from last


def _elsewhere(request: Elsewhere, server: Server) -> Any:
    other = server_of(request.model)
    return run(request.operation(other.state), other)


class _Thread(threading.Thread):
    """An operation that runs beside the one that began it."""

    def __init__(self, operation: Operation[Any], server: Server) -> None:
        super().__init__(daemon=True)
        self._operation, self._server = operation, server
        # A write joins the transaction in which it was begun.
        self._context = contextvars.copy_context()
        self._result: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Run it to its end."""
        try:
            self._result = self._context.run(run, self._operation, self._server)
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        """Wait for its result; raises what it raised."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        """Nobody wants the result: it ends by itself, with the reply it waits for."""


_CALLED: dict[type, Callable[[Any, Server], Any]] = {
    Pause: lambda request, server: time.sleep(request.seconds),
    Elsewhere: _elsewhere,
    Begin: lambda request, server: _Thread(request.operation, server),
    Finish: lambda request, server: request.begun.result(),
}


def _sent(request: Command | Batch, server: Server) -> Any:
    if isinstance(request, Command):
        return server.client.execute_command(*request.arguments)  # type: ignore[no-untyped-call]
    if request.role == CHANGE:
        with once(server.state):
            return _sent_batch(request, server.client)
    return _sent_batch(request, server.client)


def _sent_batch(batch: Batch, client: redis.Redis) -> list[Any]:
    if len(batch.commands) == 1:
        return [client.execute_command(*batch.commands[0].arguments)]  # type: ignore[no-untyped-call]
    with client.pipeline(transaction=batch.atomic) as pipeline:
        for command in batch.commands:
            pipeline.execute_command(*command.arguments)  # type: ignore[no-untyped-call]
        return pipeline.execute()


def _stays(batch: Batch, server: Server | AsyncServer) -> bool:
    """Whether nothing is sent for a batch now: it joins the block that this thread or task is in, or is empty."""
    if batch.role != ASK and (inside := current()) is not None:
        inside.add(batch, server)
        return True
    return batch is ALONE


def _is_sent_once(request: Command | Batch) -> bool:
    return isinstance(request, Batch) and request.role == CHANGE


def _named(request: Command | Batch) -> str:
    commands = request.commands if isinstance(request, Batch) else (request,)
    return ", ".join(dict.fromkeys(str(command.arguments[0]) for command in commands))

"""Runs operations: sends what they yield, waits, and gives them the replies. The only place that waits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import redis

from ..errors import RedisMixinException
from ..operations.requests import (
    ALONE,
    ASK,
    CHANGE,
    Batch,
    Command,
    Elsewhere,
    Operation,
    Pause,
    Request,
    Stream,
    next_batch,
)
from .async_connections import AsyncServer, async_server_of
from .connections import Server, server_of
from .joining import current
from .once import once
from .translation import CLIENT_ERRORS, translated

T = TypeVar("T")


def run(operation: Operation[T], server: Server) -> T:
    """Run an operation to its end on a server and give its result; raises what it raises."""
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


def stream(rows: Stream, server: Server) -> Iterator[list[Any]]:
    """Run a stream on a server, batch by batch, as they are asked for; raises what it raises."""
    try:
        while (batch := run(next_batch(rows), server)) is not None:
            yield batch
    finally:
        rows.close()


async def arun(operation: Operation[T], server: AsyncServer) -> T:
    """`run`, awaited; a task that is cancelled leaves the connection usable."""
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


async def astream(rows: Stream, server: AsyncServer) -> AsyncGenerator[list[Any], None]:
    """`stream`, for ``async for``: the next batch is read while the caller works on this one."""
    ahead = asyncio.ensure_future(arun(next_batch(rows), server))
    try:
        while (batch := await ahead) is not None:
            ahead = asyncio.ensure_future(arun(next_batch(rows), server))
            yield batch
    finally:
        ahead.cancel()
        with contextlib.suppress(asyncio.CancelledError, RedisMixinException):
            await ahead
        rows.close()


async def _aperform(request: Request, server: AsyncServer) -> Any:
    if isinstance(request, Pause):
        return await asyncio.sleep(request.seconds)
    if isinstance(request, Elsewhere):
        other = await async_server_of(request.model)
        return await arun(request.operation(other.state), other)
    inside = current()
    if isinstance(request, Batch) and inside is not None and request.role != ASK:
        return inside.add(request, server)
    if request is ALONE:
        return []
    try:
        async with server.gate:
            if isinstance(request, Command):
                return await _heeding(server.client.execute_command(*request.arguments))
            return await _heeding(_aperform_batch(request, server.client))
    except CLIENT_ERRORS as error:
        raise translated(error, server.address, _named(request), _is_sent_once(request)) from error


async def _heeding(work: Coroutine[Any, Any, T]) -> T:
    """Await a call of redis-py; a cancellation that came meanwhile ends the task.

    redis-py 8.1 swallows most of those that come while it waits for a reply: a loop of PINGs cannot be cancelled.
    """
    task: Any = asyncio.current_task()
    if not hasattr(task, "cancelling"):
        # Python 3.10 does not tell; there the reply is read to its end without the task.
        return await asyncio.shield(asyncio.ensure_future(work))
    before = task.cancelling()
    try:
        result = await work
    except Exception:
        if task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise
    if task.cancelling() > before:
        raise asyncio.CancelledError
    return result


async def _aperform_batch(batch: Batch, client: Any) -> list[Any]:
    with _sending(batch):
        if len(batch.commands) == 1:
            return [await client.execute_command(*batch.commands[0].arguments)]
        async with client.pipeline(transaction=batch.atomic) as pipeline:
            for command in batch.commands:
                pipeline.execute_command(*command.arguments)
            replies: list[Any] = await pipeline.execute()
            return replies


def _perform(request: Request, server: Server) -> Any:
    if isinstance(request, Pause):
        return time.sleep(request.seconds)
    if isinstance(request, Elsewhere):
        other = server_of(request.model)
        return run(request.operation(other.state), other)
    try:
        inside = current()
        if isinstance(request, Batch) and inside is not None and request.role != ASK:
            return inside.add(request, server)
        if request is ALONE:
            return []
        with server.state.gate:
            if isinstance(request, Command):
                return server.client.execute_command(*request.arguments)  # type: ignore[no-untyped-call]
            return _perform_batch(request, server.client)
    except CLIENT_ERRORS as error:
        raise translated(error, server.address, _named(request), _is_sent_once(request)) from error


def _perform_batch(batch: Batch, client: redis.Redis) -> list[Any]:
    with _sending(batch):
        if len(batch.commands) == 1:
            return [client.execute_command(*batch.commands[0].arguments)]  # type: ignore[no-untyped-call]
        with client.pipeline(transaction=batch.atomic) as pipeline:
            for command in batch.commands:
                pipeline.execute_command(*command.arguments)  # type: ignore[no-untyped-call]
            replies: list[Any] = pipeline.execute()
            return replies


def _sending(batch: Batch) -> AbstractContextManager[None]:
    return once() if _is_sent_once(batch) else contextlib.nullcontext()


def _is_sent_once(request: Command | Batch) -> bool:
    return isinstance(request, Batch) and request.role == CHANGE


def _named(request: Command | Batch) -> str:
    commands = request.commands if isinstance(request, Batch) else (request,)
    return ", ".join(dict.fromkeys(str(command.arguments[0]) for command in commands))

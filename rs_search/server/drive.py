"""Runs operations: sends what they yield, waits, and gives them the replies. The only place that waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TypeVar

import redis
from redis import exceptions

from ..errors import (
    MissingIndex,
    RedisMixinException,
    ServerError,
    ServerUnavailable,
    WrongKeyType,
)
from ..operations.requests import Batch, Command, Deliver, Operation, Pause, Request, Stream
from .connections import Server

T = TypeVar("T")
#: What redis-py raises beside its RedisError, as far as this version of it has them: a cluster client's.
_NO_REDIS_ERRORS = ("RedisClusterException", "IncorrectPolicyType")
#: All that a command may raise for a reason of the server or the way to it.
CLIENT_ERRORS: tuple[type[Exception], ...] = (
    exceptions.RedisError,
    OSError,
    *(getattr(exceptions, name) for name in _NO_REDIS_ERRORS if hasattr(exceptions, name)),
)
#: What servers say of an index that is not there: RediSearch 2.x in three ways, Redis 8 in a fourth.
_NO_INDEX = ("unknown index name", "no such index", "index_not_found", "unknown: index")
_WRONG_TYPE = ("wrongtype", "wrong redis type", "wrong kind of value")


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
        request = next(rows)
        while True:
            if isinstance(request, Deliver):
                yield request.rows
                request = rows.send(None)
                continue
            try:
                reply = _perform(request, server)
            except RedisMixinException as error:
                request = rows.throw(error)
            else:
                request = rows.send(reply)
    except StopIteration:
        return
    finally:
        rows.close()


def _perform(request: Request, server: Server) -> Any:
    if isinstance(request, Pause):
        return time.sleep(request.seconds)
    try:
        if isinstance(request, Command):
            return server.client.execute_command(*request.arguments)  # type: ignore[no-untyped-call]
        return _perform_batch(request, server.client)
    except CLIENT_ERRORS as error:
        raise translated(error, server.address, _named(request)) from error


def _perform_batch(batch: Batch, client: redis.Redis) -> list[Any]:
    with client.pipeline(transaction=batch.atomic) as pipeline:
        for command in batch.commands:
            pipeline.execute_command(*command.arguments)  # type: ignore[no-untyped-call]
        replies: list[Any] = pipeline.execute()
        return replies


def _named(request: Command | Batch) -> str:
    commands = request.commands if isinstance(request, Batch) else (request,)
    return ", ".join(dict.fromkeys(str(command.arguments[0]) for command in commands))


def translated(error: Exception, address: str, command: str) -> ServerError:
    """The one table from redis-py's errors to ours; the command's name is told, its arguments are not."""
    said = str(error)
    if isinstance(error, exceptions.AuthenticationError):
        return ServerUnavailable(f"{address} refused the user or password: {said}")
    if isinstance(error, exceptions.BusyLoadingError):
        return ServerUnavailable(f"{address} is still loading its data: {said}")
    if isinstance(error, (exceptions.ConnectionError, exceptions.TimeoutError, OSError)):
        return ServerUnavailable(f"{address} cannot be reached ({command}): {said}")
    lowered = said.lower()
    if any(phrase in lowered for phrase in _NO_INDEX):
        return MissingIndex(f"{address} has no such index ({command}): {said}")
    if any(phrase in lowered for phrase in _WRONG_TYPE):
        return WrongKeyType(f"{address}: a key holds another type ({command}): {said}")
    return ServerError(f"{address} refused {command}: {said}")

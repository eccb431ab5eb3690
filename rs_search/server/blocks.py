"""What a transaction has kept so far, watched, and sends at the end of its block."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from redis import exceptions

from ..errors import Conflict, TransactionError
from ..operations.requests import Batch, Command
from .async_connections import AsyncServer
from .connections import Server
from .patience import patiently
from .translation import CLIENT_ERRORS, translated
from .unbroken import unbroken


class Block:
    """The writes of a block, ``open`` until it ends; ``awaited``: of an ``async with``."""

    def __init__(self, awaited: bool) -> None:
        self.open = True
        self._awaited = awaited
        self._commands: list[Command] = []
        self._undos: list[Callable[[], None]] = []
        self._server: Any = None
        #: The pipeline whose connection watches, and what lets other tasks have a connection in its place.
        self._pipeline: Any = None
        self._permits = contextlib.ExitStack()
        self._one_at_a_time = asyncio.Lock()

    def add(self, batch: Batch, server: Server | AsyncServer) -> None:
        """Keep a write for the end of the block."""
        self._join(server)
        self._commands += batch.commands if batch.together is None else batch.together
        if batch.undo is not None:
            self._undos.append(batch.undo)

    # --- called -----------------------------------------------------------------------------------------------------

    def watch(self, server: Server, keys: list[str]) -> None:
        """Have the block fail where one of these keys changes before its end."""
        self._join(server)
        if self._pipeline is None:
            self._pipeline = server.client.pipeline(transaction=True)
        with _told(server.address):
            patiently(lambda: self._pipeline.watch(*keys))

    def end(self, error: BaseException | None) -> None:
        """Send what was kept; with an error nothing. Raises `Conflict`, `ServerError`."""
        self.open = False
        if error is None and (self._commands or self._pipeline is not None):
            with self._sending():
                patiently(self._execute)
            return
        self._undo()
        if self._pipeline is not None:
            self._pipeline.reset()

    def _execute(self) -> None:
        pipeline = self._filled()
        try:
            pipeline.execute()
        finally:
            pipeline.reset()

    # --- awaited ----------------------------------------------------------------------------------------------------

    async def awatch(self, server: AsyncServer, keys: list[str]) -> None:
        """`watch`, awaited."""
        self._join(server)
        if self._pipeline is None:
            await server.gate.hold(self._permits)
            self._pipeline = server.client.pipeline(transaction=True)
        with _told(server.address):
            await unbroken(self._awatch(keys))

    async def _awatch(self, keys: list[str]) -> None:
        async with self._one_at_a_time:
            await self._pipeline.watch(*keys)

    async def aend(self, error: BaseException | None) -> None:
        """`end`, awaited; a task that is cancelled meanwhile does not know whether it was all sent, or nothing."""
        self.open = False
        if error is not None:
            self._undo()
        if self._pipeline is None:
            if error is not None or not self._commands:
                return
            await self._server.gate.pass_through(self._permits)
        with self._sending():
            await unbroken(self._aexecute(error is None), self._permits.close)

    async def _aexecute(self, send: bool) -> None:
        # A task that was cancelled while it watched leaves that to end by itself.
        async with self._one_at_a_time:
            pipeline = self._filled() if send else self._pipeline
            try:
                if send:
                    await pipeline.execute()
            finally:
                await pipeline.reset()

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _join(self, server: Server | AsyncServer) -> None:
        if isinstance(server, AsyncServer) is not self._awaited:
            raise TransactionError(
                "this block began by `async with transaction()`, in which writes are awaited: await aset(), not set()"
                if self._awaited
                else "this block began by `with transaction()`; for writes that are awaited: `async with transaction()`"
            )
        if self._server is None:
            self._server = server
        elif self._server.state is not server.state or self._server.client is not server.client:
            raise TransactionError(
                f"a transaction is on one server: this one is on {self._server.address}, the model on {server.address}"
            )

    def _filled(self) -> Any:
        """A pipeline with all commands."""
        pipeline = self._pipeline
        if pipeline is None:
            pipeline = self._server.client.pipeline(transaction=True)
        elif pipeline.watching:
            pipeline.multi()
        for command in self._commands:
            pipeline.execute_command(*command.arguments)
        return pipeline

    @contextlib.contextmanager
    def _sending(self) -> Iterator[None]:
        try:
            yield
        except exceptions.WatchError:
            self._undo()
            raise Conflict("a watched object changed since the transaction began; nothing was written") from None
        except CLIENT_ERRORS as error:
            self._undo()
            raise translated(error, self._server.address, "EXEC") from error

    def _undo(self) -> None:
        while self._undos:
            self._undos.pop()()


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """redis-py's errors of WATCH as ours."""
    try:
        yield
    except CLIENT_ERRORS as error:
        raise translated(error, address, "WATCH") from error

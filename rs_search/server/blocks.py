"""What a transaction has kept so far, watched, and sends at the end of its block."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from redis import exceptions

from ..errors import Conflict, TransactionError
from ..operations.requests import CHANGE, Batch, Command, command
from .async_connections import AsyncServer
from .connections import Server, settings_of
from .once import once
from .patience import patiently
from .translation import CLIENT_ERRORS, translated
from .unbroken import unbroken

#: Writes nothing. A server that is out of memory, or may not be written to, refuses it when it is queued, and with it
#: the whole; the scripts that write would be refused in the midst, after what comes before them.
_WRITES_NOTHING = command("SETRANGE", "rs:none", 0, "")
#: What two clients of one server have in common.
_PLACE = ("host", "port", "path", "db", "username", "password")


class Block:
    """The writes of a block, ``open`` until it ends; ``awaited``: of an ``async with``."""

    def __init__(self, awaited: bool) -> None:
        self.open = True
        #: The server that it is for, once it has one.
        self.server: Any = None
        self._awaited = awaited
        self._batches: list[Batch] = []
        #: The pipeline whose connection watches, and what lets other tasks have a connection in its place.
        self._pipeline: Any = None
        self._permits = contextlib.ExitStack()
        self._one_at_a_time = asyncio.Lock()

    def add(self, batch: Batch, server: Server | AsyncServer) -> None:
        """Keep a write for the end of the block. Raises `TransactionError` for what cannot wait so long."""
        if batch.role == CHANGE:
            raise TransactionError(
                "this depends on what is stored when it is done (a condition, a version, F(), some fields only, a "
                "query), and cannot take part in a transaction"
            )
        self._join(server)
        self._batches.append(batch)

    def held(self) -> dict[str, frozenset[str]]:
        """The keys that its writes would fail at, in the midst of others, if they were not of these types."""
        return {key: kinds for batch in self._batches if batch.held is not None for key, kinds in batch.held()}

    def asking(self, server: Server) -> Server:
        """The server, on the connection that watches: a thread may not get another one while it keeps that."""
        client: Any = server.client if self._pipeline is None else _Watching(self._pipeline, server.client)
        return server._replace(client=client)

    # --- called -----------------------------------------------------------------------------------------------------

    def watch(self, server: Server, keys: list[str]) -> None:
        """Have the block fail where one of these keys changes before its end."""
        self._join(server)
        if self._pipeline is None:
            # What is read in the block needs connections as well: with all of them kept, each would wait for others.
            self._permits.enter_context(server.state.watchers)
            self._pipeline = self.server.client.pipeline(transaction=True)
        with _told(server.address):
            patiently(lambda: self._pipeline.watch(*keys))

    def end(self, error: BaseException | None) -> None:
        """Send what was kept; with an error nothing. Raises `Conflict`, `ServerError`."""
        self.open = False
        with self._permits:
            if error is None and (self._batches or self._pipeline is not None):
                with self._sending():
                    patiently(self._execute)
                return
            self._undo()
            if self._pipeline is not None:
                self._pipeline.reset()

    def _execute(self) -> None:
        pipeline = self._filled()
        try:
            with once(self.server.state):
                pipeline.execute()
        finally:
            pipeline.reset()

    # --- awaited ----------------------------------------------------------------------------------------------------

    async def awatch(self, server: AsyncServer, keys: list[str]) -> None:
        """`watch`, awaited."""
        self._join(server)
        if self._pipeline is None:
            await self.server.gate.hold(self._permits)
            self._pipeline = self.server.client.pipeline(transaction=True)
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
            if error is not None or not self._batches:
                return
            await self.server.gate.pass_through(self._permits)
        with self._sending():
            await unbroken(self._aexecute(error is None), self._permits.close)

    async def _aexecute(self, send: bool) -> None:
        # A task that was cancelled while it watched leaves that to end by itself.
        async with self._one_at_a_time:
            pipeline = self._filled() if send else self._pipeline
            try:
                if send:
                    with once(self.server.state):
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
        if self.server is None:
            self.server = server
        elif not _is_one(self.server.client, server.client):
            raise TransactionError(
                f"a transaction is on one server: this one is on {self.server.address}, the model on {server.address}"
            )

    def _filled(self) -> Any:
        """A pipeline with all commands."""
        pipeline = self._pipeline
        if pipeline is None:
            pipeline = self.server.client.pipeline(transaction=True)
        elif pipeline.watching:
            pipeline.multi()
        for one in (_WRITES_NOTHING, *self._commands()) if self._batches else ():
            pipeline.execute_command(*one.arguments)
        return pipeline

    def _commands(self) -> Iterator[Command]:
        for batch in self._batches:
            yield from batch.commands if batch.together is None else batch.together()

    @contextlib.contextmanager
    def _sending(self) -> Iterator[None]:
        try:
            yield
        except exceptions.WatchError:
            self._undo()
            raise Conflict("a watched object changed since the transaction began; nothing was written") from None
        except CLIENT_ERRORS as error:
            self._undo()
            raise translated(error, self.server.address, "EXEC", once=True) from error

    def _undo(self) -> None:
        while self._batches:
            undo = self._batches.pop().undo
            if undo is not None:
                undo()


class _Watching:
    """As much of a client as an operation asks of one object."""

    def __init__(self, pipeline: Any, client: Any) -> None:
        self._pipeline, self._client = pipeline, client

    def execute_command(self, *words: Any) -> Any:
        """Sent at once: a pipeline that watches keeps nothing for later."""
        return self._pipeline.execute_command(*words)

    def pipeline(self, **options: Any) -> Any:
        """On another connection: a layer of the user's own may ask several things at once."""
        return self._client.pipeline(**options)


def _is_one(first: Any, second: Any) -> bool:
    """Whether two clients talk to one server, as the same user."""
    if first is second:
        return True
    own, other = settings_of(first), settings_of(second)
    return bool(own) and [own.get(name) for name in _PLACE] == [other.get(name) for name in _PLACE]


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """redis-py's errors of WATCH as ours."""
    try:
        yield
    except CLIENT_ERRORS as error:
        raise translated(error, address, "WATCH") from error

"""Transactions: the writes of a block as one MULTI/EXEC."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import Token
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from redis import exceptions

from ..arguments import watched
from ..errors import Conflict, RedisMixinException, TransactionError
from ..instances import loaded
from ..operations import records
from ..operations.requests import command
from ..operations.watched import keys_of, refuse_other_types, refuse_stale
from .async_connections import async_server_of
from .connections import server_of
from .drive import arun, run
from .joining import Joined, _current, current
from .once import once
from .translation import CLIENT_ERRORS, translated

T = TypeVar("T")
P = ParamSpec("P")
#: Objects, or a function that gives them, asked at each attempt.
Watched: TypeAlias = Iterable[Any] | Callable[[], Iterable[Any]]
#: Writes nothing. A server that is out of memory, or may not be written to, refuses it when it is queued, and with it
#: the whole; the scripts that write would be refused in the midst, after what comes before them.
_WRITES_NOTHING = command("SETRANGE", "rs:none", 0, "")


class Transaction(Joined):
    """The writes of a ``with`` (or ``async with``) block, sent at its end as one MULTI/EXEC: all of them or none.

    An error in the block sends nothing. What is read in the block is what was there before it. What depends on what is
    stored then (conditions, versions, `F`, updates and deletions by query) cannot take part, and raises
    `TransactionError` when it is called. A block inside a block joins it. All models must be on one server, and calls
    in an ``async with`` be awaited.
    """

    def __init__(self, watch: Watched = (), retries: int = 0) -> None:
        super().__init__()
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise TransactionError(f"transaction(retries={retries!r}): how often it is tried again, 0 or more")
        self._watch, self._retries = watch, retries
        self._pipeline: Any = None
        self._token: Token[Joined | None] | None = None
        self._entered = 0

    # --- the block --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Transaction:
        transaction = self._beginning(False)
        try:
            for instance in _objects(self._watch):
                server = server_of(type(instance))
                with _told(server.address):
                    transaction._pipeline_on(server).watch(*keys_of(instance))
                run(refuse_stale(server.state, instance), server)
        except BaseException:
            if transaction is self and self._pipeline is not None:
                self._pipeline.reset()
            self._cleared(transaction)
            raise
        return self._begun(transaction)

    async def __aenter__(self) -> Transaction:
        transaction = self._beginning(True)
        try:
            for instance in _objects(self._watch):
                server = await async_server_of(type(instance))
                with _told(server.address):
                    await transaction._pipeline_on(server).watch(*keys_of(instance))
                await arun(refuse_stale(server.state, instance), server)
        except BaseException:
            if transaction is self and self._pipeline is not None:
                await self._pipeline.reset()
            self._cleared(transaction)
            raise
        return self._begun(transaction)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if not self._ended():
            return
        try:
            with self._sending(error) as sends:
                if sends:
                    run(refuse_other_types(self._held()), self._server)
                    self._ready().execute()
        finally:
            if self._pipeline is not None:
                self._pipeline.reset()
            self._cleared(self)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if not self._ended():
            return
        try:
            with self._sending(error) as sends:
                if sends:
                    await arun(refuse_other_types(self._held()), self._server)
                    await self._ready().execute()
        finally:
            if self._pipeline is not None:
                await self._pipeline.reset()
            self._cleared(self)

    # --- functions in a transaction ---------------------------------------------------------------------------------

    def run(self, function: Callable[[], T]) -> T:
        """Run a function in a transaction, again where a watched object changed, ``retries`` times at most.

        Before it runs again, watched objects that were read are read anew, as if it ran for the first time.
        """
        for attempt in range(self._retries + 1):
            with _again(attempt < self._retries):
                for instance in self._stale(attempt):
                    server = server_of(type(instance))
                    run(records.refresh(server.state, instance), server)
                with Transaction(self._watch):
                    found = function()
                    _refuse_awaitable(found)
                    return found
        raise AssertionError

    async def arun(self, function: Callable[[], Awaitable[T]]) -> T:
        """`run`, awaited."""
        for attempt in range(self._retries + 1):
            with _again(attempt < self._retries):
                for instance in self._stale(attempt):
                    server = await async_server_of(type(instance))
                    await arun(records.refresh(server.state, instance), server)
                async with Transaction(self._watch):
                    found = function()
                    if not inspect.isawaitable(found):
                        raise TransactionError("the function is not to be awaited: transaction(…).run(function)")
                    return await found
        raise AssertionError

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """As a decorator: each call runs in a transaction of its own, and again on `Conflict`."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*arguments: Any, **options: Any) -> Any:
                return await self.arun(lambda: function(*arguments, **options))

            return cast("Callable[P, T]", awaited)

        @functools.wraps(function)
        def wrapped(*arguments: P.args, **options: P.kwargs) -> T:
            return self.run(lambda: function(*arguments, **options))

        return wrapped

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _stale(self, attempt: int) -> list[Any]:
        """Watched objects that are to be read anew; a function that gives objects reads them itself."""
        if not attempt or callable(self._watch):
            return []
        return [instance for instance in _objects(self._watch) if loaded(instance) is not None]

    def _beginning(self, is_awaited: bool) -> Transaction:
        outer = cast("Transaction | None", current())
        if outer is None:
            self._awaited = is_awaited
        return outer or self

    def _begun(self, transaction: Transaction) -> Transaction:
        if transaction is self:
            self._entered += 1
            if self._entered == 1:
                self.is_open = True
                self._token = _current.set(self)
        return transaction

    def _ended(self) -> bool:
        """Whether this was the outermost block."""
        if self._token is None:
            return False
        self._entered -= 1
        if self._entered:
            # The same block, entered again within itself.
            return False
        _current.reset(self._token)
        self._token, self.is_open = None, False
        return True

    def _pipeline_on(self, server: Any) -> Any:
        self._join(server)
        if self._pipeline is None:
            self._pipeline = self._server.client.pipeline(transaction=True)
        return self._pipeline

    def _held(self) -> dict[str, frozenset[str]]:
        return {key: kinds for batch in self._batches if batch.held is not None for key, kinds in batch.held()}

    def _ready(self) -> Any:
        """The pipeline with all commands."""
        pipeline = self._pipeline_on(self._server)
        if pipeline.watching:
            pipeline.multi()
        commands = list(self._commands())
        for one in (_WRITES_NOTHING, *commands) if commands else ():
            pipeline.execute_command(*one.arguments)
        return pipeline

    @contextlib.contextmanager
    def _sending(self, error: BaseException | None) -> Iterator[bool]:
        """Whether there is anything to send; objects are as they were where that fails."""
        if error is not None:
            self._undo()
            yield False
            return
        try:
            with once():
                yield self._server is not None and bool(self._batches or self._pipeline)
        except exceptions.WatchError:
            self._undo()
            raise Conflict("a watched object changed since the transaction began; nothing was written") from None
        except CLIENT_ERRORS as failure:
            self._undo()
            raise translated(failure, self._server.address, "EXEC", once=True) from failure
        except RedisMixinException:
            self._undo()
            raise

    def _cleared(self, transaction: Transaction) -> None:
        if transaction is self:
            self._batches, self._pipeline, self._server, self._awaited = [], None, None, None


def _objects(watch: Watched) -> list[Any]:
    return watched(watch() if callable(watch) else watch)


@contextlib.contextmanager
def _again(is_tried_again: bool) -> Iterator[None]:
    """Let a `Conflict` pass where there is another attempt."""
    try:
        yield
    except Conflict:
        if not is_tried_again:
            raise


def _refuse_awaitable(found: Any) -> None:
    if inspect.iscoroutine(found):
        found.close()
        raise TransactionError("the function is to be awaited: await transaction(…).arun(function)")


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """redis-py's errors of WATCH as ours."""
    try:
        yield
    except CLIENT_ERRORS as error:
        raise translated(error, address, "WATCH") from error


def transaction(watch: Watched = (), retries: int = 0) -> Transaction:
    """``with transaction():`` sends the writes of the block as one MULTI/EXEC: all or none. See `Transaction`.

    ``watch``: objects, or a function that gives them; if one of them is not as it was read, or changes before the end
    of the block, nothing is written and `Conflict` is raised. ``transaction(watch=…, retries=5).run(function)``, or as
    a decorator, runs a function again then. Cost: 2 round trips at the end, 2 for each watched object.
    """
    return Transaction(watch, retries)


__all__ = ["Transaction", "current", "transaction"]

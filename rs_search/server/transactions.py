"""Transactions: the writes of a block as one MULTI/EXEC."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar, cast

from redis import exceptions

from ..errors import Conflict, TransactionError
from .async_connections import async_server_of
from .connections import server_of
from .translation import CLIENT_ERRORS, translated

if TYPE_CHECKING:
    from ..operations.requests import Batch, Command

T = TypeVar("T")
P = ParamSpec("P")
#: Objects, or a function that gives them, asked at each attempt.
Watched: TypeAlias = Iterable[Any] | Callable[[], Iterable[Any]]
_current: ContextVar[Transaction | None] = ContextVar("rs_search transaction", default=None)


class Transaction:
    """The writes of a ``with`` (or ``async with``) block, sent at its end as one MULTI/EXEC: all of them or none.

    An error in the block sends nothing. What is read in the block is what was there before it. What depends on what is
    stored then (conditions, versions, `F`, updates and deletions by query) cannot take part, and raises
    `TransactionError` when it is called. A block inside a block joins it. All models must be on one server.
    """

    def __init__(self, watch: Watched = (), retries: int = 0) -> None:
        self._watch, self._retries = watch, retries
        self._commands: list[Command] = []
        self._undos: list[Callable[[], None]] = []
        self._server: Any = None
        self._pipeline: Any = None
        self._token: Token[Transaction | None] | None = None
        self._entered = 0

    # --- the block --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Transaction:
        transaction = _current.get() or self
        for instance in self._objects():
            server = server_of(type(instance))
            with _told(server.address):
                transaction._pipeline_on(server).watch(*_keys(instance))
        return self._begun(transaction)

    async def __aenter__(self) -> Transaction:
        transaction = _current.get() or self
        for instance in self._objects():
            server = await async_server_of(type(instance))
            with _told(server.address):
                await transaction._pipeline_on(server).watch(*_keys(instance))
        return self._begun(transaction)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if not self._ended():
            return
        pipeline = self._ready(error)
        try:
            if pipeline is not None:
                with self._sending():
                    pipeline.execute()
        finally:
            if self._pipeline is not None:
                self._pipeline.reset()
            self._cleared()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if not self._ended():
            return
        pipeline = self._ready(error)
        try:
            if pipeline is not None:
                with self._sending():
                    await pipeline.execute()
        finally:
            if self._pipeline is not None:
                await self._pipeline.reset()
            self._cleared()

    # --- functions in a transaction ---------------------------------------------------------------------------------

    def run(self, function: Callable[[], T]) -> T:
        """Run a function in a transaction, again where a watched object changed, ``retries`` times at most."""
        for _ in range(self._retries):
            with contextlib.suppress(Conflict), Transaction(self._watch):
                return function()
        with Transaction(self._watch):
            return function()

    async def arun(self, function: Callable[[], Awaitable[T]]) -> T:
        """`run`, awaited."""
        for _ in range(self._retries):
            with contextlib.suppress(Conflict):
                async with Transaction(self._watch):
                    return await function()
        async with Transaction(self._watch):
            return await function()

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

    # --- what the driver gives --------------------------------------------------------------------------------------

    def add(self, batch: Batch, server: Any) -> None:
        """Keep a write for the end of the block."""
        self._join(server)
        self._commands += batch.commands if batch.together is None else batch.together
        if batch.undo is not None:
            self._undos.append(batch.undo)

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _objects(self) -> Iterable[Any]:
        return self._watch() if callable(self._watch) else self._watch

    def _begun(self, transaction: Transaction) -> Transaction:
        if transaction is self:
            self._entered += 1
            if self._entered == 1:
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
        self._token = None
        return True

    def _join(self, server: Any) -> None:
        if self._server is None:
            self._server = server
        elif self._server.state is not server.state or self._server.client is not server.client:
            raise TransactionError(
                f"a transaction is on one server: this one is on {self._server.address}, the model on {server.address}"
            )

    def _pipeline_on(self, server: Any) -> Any:
        self._join(server)
        if self._pipeline is None:
            self._pipeline = server.client.pipeline(transaction=True)
        return self._pipeline

    def _ready(self, error: BaseException | None) -> Any:
        """The pipeline with all commands; None where nothing is to be sent."""
        if error is not None:
            self._undo()
            return None
        if self._server is None or not (self._commands or self._pipeline):
            return None
        pipeline = self._pipeline_on(self._server)
        if pipeline.watching:
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
        for undo in reversed(self._undos):
            undo()

    def _cleared(self) -> None:
        self._commands, self._undos, self._pipeline, self._server = [], [], None, None


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """redis-py's errors of WATCH as ours."""
    try:
        yield
    except CLIENT_ERRORS as error:
        raise translated(error, address, "WATCH") from error


def _keys(instance: Any) -> list[str]:
    # Here, because programs import `transaction` before anything is kept or read.
    from ..instances import own_key
    from ..storage import storage_of

    return storage_of(type(instance)).watched(own_key(instance))


def transaction(watch: Watched = (), retries: int = 0) -> Transaction:
    """``with transaction():`` sends the writes of the block as one MULTI/EXEC: all or none. See `Transaction`.

    ``watch``: objects, or a function that gives them; if one of them changes before the end of the block, nothing is
    written and `Conflict` is raised. ``transaction(watch=…, retries=5).run(function)``, or as a decorator, runs a
    function again then. Cost: 1 round trip at the end, 1 for each watched object.
    """
    return Transaction(watch, retries)


def current() -> Transaction | None:
    """The transaction that this thread or task is in."""
    return _current.get()

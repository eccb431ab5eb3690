"""Transactions: the writes of a block as one MULTI/EXEC."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from ..errors import Conflict, ServerError, TransactionError
from ..instances import own_key
from ..storage import storage_of
from .async_connections import async_server_of
from .blocks import Block
from .connections import Server, is_async, server_of

T = TypeVar("T")
P = ParamSpec("P")
#: Objects, or a function that gives them, asked at each attempt.
Watched: TypeAlias = Iterable[Any] | Callable[[], Iterable[Any]]


class Transaction:
    """The writes of a ``with`` (or ``async with``) block, sent at its end as one MULTI/EXEC: all of them or none.

    An error in the block sends nothing. What is read in the block is what was there before it. What depends on what is
    stored then (conditions, versions, `F`, updates and deletions by query) cannot take part, and raises
    `TransactionError` when it is called. A block inside a block joins it; so do tasks that are begun in it, until its
    end. In a ``with`` block writes are called, in an ``async with`` block awaited. All models must be on one server.
    """

    def __init__(self, watch: Watched = (), retries: int = 0) -> None:
        self._watch, self._retries = watch, retries

    # --- the block --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Block:
        around = current()
        block = around or Block(awaited=False)
        try:
            for instance in self._objects():
                block.watch(_server_of(type(instance)), _keys(instance))
        except BaseException as error:
            if around is None:
                block.end(error)
            raise
        return self._begun(block, around is None)

    async def __aenter__(self) -> Block:
        around = current()
        block = around or Block(awaited=True)
        try:
            for instance in self._objects():
                await block.awatch(await async_server_of(type(instance)), _keys(instance))
        except BaseException as error:
            if around is None:
                await block.aend(error)
            raise
        return self._begun(block, around is None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if (block := self._ended()) is not None:
            block.end(error)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if (block := self._ended()) is not None:
            await block.aend(error)

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

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _objects(self) -> Iterable[Any]:
        return self._watch() if callable(self._watch) else self._watch

    def _begun(self, block: Block, began: bool) -> Block:
        _entered.set(_Entered(self, block, began, _entered.get()))
        return block

    def _ended(self) -> Block | None:
        """The block, if it ends here: not where another one was joined."""
        entered = _entered.get()
        if entered is None or entered.by is not self:
            raise TransactionError("a transaction ends in the task or thread in which it began, and innermost first")
        _entered.set(entered.around)
        return entered.block if entered.began else None


@dataclass(frozen=True)
class _Entered:
    """A ``with`` that a thread or task is in, ``by`` what, whether it began its block, and the ``with`` around it."""

    by: Transaction
    block: Block
    began: bool
    around: _Entered | None


_entered: ContextVar[_Entered | None] = ContextVar("rs_search transaction", default=None)


def _server_of(model: type[Any]) -> Server:
    server = server_of(model)
    if is_async(server.client):
        raise ServerError(
            f"{model.__name__} has an async client, on which `with` cannot wait: `async with transaction()`"
        )
    return server


def _keys(instance: Any) -> list[str]:
    return storage_of(type(instance)).watched(own_key(instance))


def transaction(watch: Watched = (), retries: int = 0) -> Transaction:
    """``with transaction():`` sends the writes of the block as one MULTI/EXEC: all or none. See `Transaction`.

    ``watch``: objects, or a function that gives them; if one of them changes before the end of the block, nothing is
    written and `Conflict` is raised. ``transaction(watch=…, retries=5).run(function)``, or as a decorator, runs a
    function again then. Cost: 1 round trip at the end, 1 for each watched object.
    """
    return Transaction(watch, retries)


def current() -> Block | None:
    """The block that this thread or task is in; None after its end, in a task that was begun in it and goes on."""
    entered = _entered.get()
    return entered.block if entered is not None and entered.block.open else None

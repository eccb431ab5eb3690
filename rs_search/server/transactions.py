"""Transactions: the writes of a block as one MULTI/EXEC."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from ..arguments import watched
from ..errors import Conflict, ServerError, TransactionError
from ..hydration import loaded
from ..operations import records
from ..operations.watched import keys_of, refuse_other_types, refuse_stale
from .async_connections import async_server_of
from .blocks import Block
from .capabilities import discover
from .connections import Server, is_async, server_of
from .drive import arun, run
from .entered import Entered, current, entered

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
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise TransactionError(f"transaction(retries={retries!r}): how often it is tried again, 0 or more")
        self._watch, self._retries = watch, retries

    # --- the block --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Block:
        around = current()
        block = around or Block(awaited=False)
        try:
            for instance in _objects(self._watch):
                server = _server_of(type(instance))
                keys = keys_of(instance)
                run(discover(server.state), server)
                block.watch(server, keys)
                run(refuse_stale(server.state, instance), block.asking(server))
        except BaseException as error:
            if around is None:
                block.end(error)
            raise
        return self._begun(block, around is None)

    async def __aenter__(self) -> Block:
        around = current()
        block = around or Block(awaited=True)
        try:
            for instance in _objects(self._watch):
                server = await async_server_of(type(instance))
                await block.awatch(server, keys_of(instance))
                await arun(refuse_stale(server.state, instance), server)
        except BaseException as error:
            if around is None:
                await block.aend(error)
            raise
        return self._begun(block, around is None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if (block := self._ended()) is None:
            return
        try:
            if error is None and (held := block.held()):
                run(refuse_other_types(held), block.asking(block.server))
        except BaseException as refused:
            block.end(refused)
            raise
        block.end(error)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if (block := self._ended()) is None:
            return
        try:
            if error is None and (held := block.held()):
                await arun(refuse_other_types(held), block.server)
        except BaseException as refused:
            await block.aend(refused)
            raise
        await block.aend(error)

    # --- functions in a transaction ---------------------------------------------------------------------------------

    def run(self, function: Callable[[], T]) -> T:
        """Run a function in a transaction, again where a watched object changed, ``retries`` times at most.

        Before it runs again, watched objects that were read are read anew, as if it ran for the first time.
        """
        for attempt in range(self._retries + 1):
            with _again(attempt < self._retries):
                for instance in self._stale(attempt):
                    server = _server_of(type(instance))
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

    def _begun(self, block: Block, began: bool) -> Block:
        entered.set(Entered(self, block, began, entered.get()))
        return block

    def _ended(self) -> Block | None:
        """The block, if it ends here: not where another one was joined."""
        found = entered.get()
        if found is None or found.by is not self:
            raise TransactionError("a transaction ends in the task or thread in which it began, and innermost first")
        entered.set(found.around)
        return found.block if found.began else None


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


def _server_of(model: type[Any]) -> Server:
    server = server_of(model)
    if is_async(server.client):
        raise ServerError(
            f"{model.__name__} has an async client, on which `with` cannot wait: `async with transaction()`"
        )
    return server


def transaction(watch: Watched = (), retries: int = 0) -> Transaction:
    """``with transaction():`` sends the writes of the block as one MULTI/EXEC: all or none. See `Transaction`.

    ``watch``: objects, or a function that gives them; if one of them is not as it was read, or changes before the end
    of the block, nothing is written and `Conflict` is raised. ``transaction(watch=…, retries=5).run(function)``, or as
    a decorator, runs a function again then. Cost: 2 round trips at the end, 2 for each watched object.
    """
    return Transaction(watch, retries)


__all__ = ["Transaction", "current", "transaction"]

"""Writes that are kept for the end of a block: what the driver gives to a transaction, and in which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ..errors import TransactionError
from ..operations.requests import CHANGE, Batch, Command
from .connections import is_async, settings_of

#: What two clients of one server have in common.
_PLACE = ("host", "port", "path", "db", "username", "password")


class Joined:
    """The writes of a block, and the server that they are for."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._server: Any = None
        #: Whether calls in the block are awaited; None before it is entered.
        self._awaited: bool | None = None
        #: Whether the block is entered, and not left yet.
        self.is_open = False

    def add(self, batch: Batch, server: Any) -> None:
        """Keep a write for the end of the block. Raises `TransactionError` for what cannot wait so long."""
        if batch.role == CHANGE:
            raise TransactionError(
                "this depends on what is stored when it is done (a condition, a version, F(), some fields only, a "
                "query), and cannot take part in a transaction"
            )
        self._join(server)
        self._batches.append(batch)

    def _join(self, server: Any) -> None:
        if self._awaited is not None and is_async(server.client) is not self._awaited:
            ways = ("with transaction()", "async with transaction()")
            own, other = reversed(ways) if self._awaited else ways
            raise TransactionError(
                f"this block is `{own}`, and its writes are {'awaited' if self._awaited else 'not awaited'}; others "
                f"take part in `{other}`"
            )
        if self._server is None:
            self._server = server
        elif not _is_one(self._server.client, server.client):
            raise TransactionError(
                f"a transaction is on one server: this one is on {self._server.address}, the model on {server.address}"
            )

    def _commands(self) -> Iterator[Command]:
        for batch in self._batches:
            yield from batch.commands if batch.together is None else batch.together

    def _undo(self) -> None:
        """Give the objects that were not written their values back, those that were written last first."""
        for batch in reversed(self._batches):
            if batch.undo is not None:
                batch.undo()


def _is_one(first: Any, second: Any) -> bool:
    """Whether two clients talk to one server, as the same user."""
    if first is second:
        return True
    own, other = settings_of(first), settings_of(second)
    return bool(own) and [own.get(name) for name in _PLACE] == [other.get(name) for name in _PLACE]


_current: ContextVar[Joined | None] = ContextVar("rs_search transaction", default=None)


def current() -> Joined | None:
    """The block that this thread or task is in. A task that outlives the block it was made in is in none."""
    joined = _current.get()
    return joined if joined is not None and joined.is_open else None

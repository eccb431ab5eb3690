"""In which transaction a thread or task is."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from .blocks import Block


@dataclass(frozen=True)
class Entered:
    """A ``with`` that a thread or task is in, ``by`` what, whether it began its block, and the ``with`` around it."""

    by: object
    block: Block
    began: bool
    around: Entered | None


entered: ContextVar[Entered | None] = ContextVar("rs_search transaction", default=None)


def current() -> Block | None:
    """The block that this thread or task is in; None after its end, in a task that was begun in it and goes on."""
    found = entered.get()
    return found.block if found is not None and found.block.open else None

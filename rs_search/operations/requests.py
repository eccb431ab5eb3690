"""What operations ask for. An operation is a generator that yields these and is sent the replies; it never waits."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Argument: TypeAlias = str | bytes | int | float


@dataclass(frozen=True)
class Command:
    """One command; its reply is sent back, its error thrown in."""

    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Batch:
    """Commands in one round trip, as one transaction if ``atomic``; the list of replies is sent back.

    The first error among them is thrown in.
    """

    commands: tuple[Command, ...]
    atomic: bool = False


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Request: TypeAlias = Command | Batch | Pause
Operation: TypeAlias = Generator[Request, Any, T]


def command(*arguments: Argument) -> Command:
    """A command of its words.

    >>> command("GET", "key")
    Command(arguments=('GET', 'key'))
    """
    return Command(arguments)

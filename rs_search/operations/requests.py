"""What operations ask for. An operation is a generator that yields these and is sent the replies; it never waits.

Where one command is all, it may be a `Direct` in place of a generator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from ..errors import RedisMixinException
from ..turns import Work

R = TypeVar("R")
T = TypeVar("T")
Argument: TypeAlias = str | bytes | int | float
#: Yields what is to be sent, and returns its result.
Operation: TypeAlias = Generator["Request", Any, T]
#: Delivers rows between its requests, one batch at a time.
Stream: TypeAlias = Generator["Request | Deliver", Any, None]


class Command(NamedTuple):
    """One command; its reply is sent back, its error thrown in."""

    arguments: tuple[Argument, ...]


#: Is told how many are done.
OnProgress: TypeAlias = Callable[[int], None] | None
#: Is told of a key, the object as it is stored, and why it cannot be changed.
OnError: TypeAlias = Callable[[str, Any, Exception], None] | None
#: Keys of Redis, each with the types that it may be of.
Held: TypeAlias = list[tuple[str, frozenset[str]]]
#: What commands do, for `transaction`: ask (sent at once), write (kept for the end of the block), or write what depends
#: on what is stored then (which cannot wait, and is refused).
ASK, WRITE, CHANGE = "ask", "write", "change"


class Batch(NamedTuple):
    """Commands in one round trip, as one transaction if ``atomic``; the list of replies is sent back.

    The first error among them is thrown in. Inside a ``transaction()`` the reply to a `WRITE` is None: its commands, or
    what ``together`` gives, are sent at its end; ``undo`` is called if they are not. ``held`` tells which types the
    keys must be of (all others would fail in the midst of a transaction).
    """

    commands: tuple[Command, ...]
    atomic: bool = False
    role: str = ASK
    together: Callable[[], tuple[Command, ...]] | None = None
    undo: Callable[[], None] | None = None
    held: Callable[[], Held] | None = None


class Direct(NamedTuple):
    """An operation that asks for one command, and takes no generator to do so, which in a small call is a tenth.

    ``answer`` makes its result of the reply, or gives the operation that is left to do. ``again`` gives the operation
    from its beginning, for where the command is refused, or is of a ``role`` that lets it wait for the end of a block.
    """

    arguments: tuple[Argument, ...]
    answer: Callable[[Any], Any]
    again: Callable[[], Operation[Any]]
    role: str = ASK


#: Nothing to do, but what follows cannot take part in a transaction: it says so before anything is asked.
ALONE = Batch((), role=CHANGE)


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Deliver:
    """Rows for whoever asked for them; nothing is sent to the server."""

    rows: list[Any]


@dataclass(frozen=True)
class Elsewhere:
    """Run an operation on the server of another model; its result is sent back, its error thrown in."""

    model: type[Any]
    operation: Callable[[Any], Operation[Any]]


@dataclass(frozen=True)
class Begin:
    """Begin an operation that runs beside this one; what is sent back is for `Finish`.

    It has a ``cancel()`` for who no longer wants its result.
    """

    operation: Operation[Any]


@dataclass(frozen=True)
class Finish:
    """Wait for an operation that was begun; its result is sent back, its error thrown in."""

    begun: Any


Request: TypeAlias = Command | Batch | Pause | Elsewhere | Begin | Finish


def then(made: Operation[T] | Direct, change: Callable[[Any], R]) -> Operation[R] | Direct:
    """What ``change`` makes of an operation's result."""
    if not isinstance(made, Direct):
        return _changed(made, change)

    def answer(reply: Any) -> Any:
        found = made.answer(reply)
        return _changed(found, change) if isinstance(found, GeneratorType) else change(found)

    return made._replace(answer=answer, again=lambda: _changed(made.again(), change))


def _changed(operation: Operation[T], change: Callable[[Any], R]) -> Operation[R]:
    return change((yield from operation))


def step_by_step(made: Operation[T] | Direct) -> Operation[T]:
    """An operation as a generator, to be part of another one."""
    return made.again() if isinstance(made, Direct) else made


def next_batch(stream: Stream) -> Operation[list[Any] | None]:
    """What a stream delivers next; None at its end. What it asks for meanwhile is asked."""
    try:
        request = next(stream)
        while not isinstance(request, Deliver):
            try:
                reply = yield request
            except RedisMixinException as error:
                request = stream.throw(error)
            else:
                request = stream.send(reply)
    except StopIteration:
        return None
    return request.rows


def through(stream: Stream, change: Callable[[list[Any]], tuple[list[Any] | None, bool]]) -> Stream:
    """A stream with its batches changed: ``change`` gives what to deliver, if anything, and whether that is enough."""
    try:
        enough = False
        while not enough and (batch := (yield from next_batch(stream))) is not None:
            rows, enough = change(batch)
            if rows is not None:
                yield Deliver(rows)
    finally:
        stream.close()


def consume(stream: Stream, take: Callable[[list[Any]], bool]) -> Operation[None]:
    """Run a stream inside an operation: ``take`` gets each batch, and says whether it has enough."""
    # Nothing is delivered on: what is left are requests.
    yield from cast("Operation[None]", through(stream, lambda rows: (None, take(rows))))


def taking_turns(work: Work[T]) -> Operation[T]:
    """The result of work in turns, between which other tasks of an event loop have theirs."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: T = stop.value
            return result
        yield Pause(0)


def command(*arguments: Argument) -> Command:
    """A command of its words.

    >>> command("GET", "key")
    Command(arguments=('GET', 'key'))
    """
    return Command(arguments)


def gathered(operations: list[Operation[T]]) -> Operation[list[T]]:
    """The results of operations that run side by side: what all of them ask for next goes in one round trip."""
    results: dict[int, T] = {}
    waiting = {place: _advance(operation, None, place, results) for place, operation in enumerate(operations)}
    while any(request is not None for request in waiting.values()):
        asking = {place: _commands(request) for place, request in waiting.items() if request is not None}
        atomic = any(isinstance(request, Batch) and request.atomic for request in waiting.values())
        replies = iter((yield Batch(tuple(one for commands in asking.values() for one in commands), atomic)))
        for place, commands in asking.items():
            own = [next(replies) for _ in commands]
            reply = own if isinstance(waiting[place], Batch) else own[0]
            waiting[place] = _advance(operations[place], reply, place, results)
    return [results[place] for place in range(len(operations))]


def _advance(operation: Operation[T], reply: Any, place: int, results: dict[int, T]) -> Request | None:
    try:
        return operation.send(reply)
    except StopIteration as stop:
        results[place] = stop.value
        return None


def _commands(request: Request) -> tuple[Command, ...]:
    if isinstance(request, Batch):
        return request.commands
    if isinstance(request, Command):
        return (request,)
    raise TypeError("operations that wait, or ask another server, cannot run side by side")

"""How commands end: the exit codes, and errors in one line."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from ..errors import (
    Conflict,
    EmbeddedServerError,
    InvalidObject,
    MultipleFound,
    NotFound,
    QueryError,
    RedisMixinException,
    SchemaError,
    ServerError,
    ServerUnavailable,
    StrictPerformanceException,
    UnreadableDocument,
)

DONE, NO, USAGE, SERVER, DATA, FAULT = 0, 1, 2, 3, 4, 70
INTERRUPTED, PIPE_CLOSED = 130, 141
#: The first that an error is an instance of.
CODES: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, NO),
    (MultipleFound, NO),
    (StrictPerformanceException, NO),
    (ServerUnavailable, SERVER),
    (EmbeddedServerError, SERVER),
    (ServerError, SERVER),
    (QueryError, USAGE),
    (SchemaError, USAGE),
    (InvalidObject, DATA),
    (UnreadableDocument, DATA),
    (Conflict, DATA),
    (RedisMixinException, DATA),
    # A file that cannot be read or written.
    (OSError, DATA),
)
#: What click raises where help is all that can be said; before 8.2 it says so and exits.
_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
EXIT_CODES = (
    "Exit codes: 0 done, 1 not found or not so, 2 usage, 3 server, 4 data or files, 70 a fault of the program, "
    "130 interrupted."
)


class Failure(click.ClickException):
    """What ends a command: one line, and an exit code."""

    def __init__(self, message: str, code: int = NO) -> None:
        super().__init__(one_line(message))
        self.code = code


def one_line(message: str) -> str:
    """A message in one line.

    >>> one_line("it ended:\\n  its log")
    'it ended: | its log'
    """
    return " | ".join(line.strip() for line in message.splitlines() if line.strip())


def code_of(error: Exception) -> int:
    """The exit code of an error.

    >>> code_of(NotFound("no IceCream")), code_of(ServerUnavailable("no answer"))
    (1, 3)
    """
    return next((code for kind, code in CODES if isinstance(error, kind)), FAULT)


def told(error: Exception) -> str:
    """What an error of any kind says."""
    known = isinstance(error, (RedisMixinException, OSError))
    return one_line(str(error) if known and str(error) else f"{type(error).__name__}: {error}")


def ended(error: BaseException) -> int:
    """Tell an error on standard error, in one line; gives the exit code."""
    if isinstance(error, _HELP):
        error.show()
        return USAGE
    if isinstance(error, click.ClickException):
        _say(_with_help(error))
        return error.code if isinstance(error, Failure) else error.exit_code
    if isinstance(error, click.Abort):
        return _aborted(error)
    if isinstance(error, BrokenPipeError):
        return _unread()
    _say(told(error) if isinstance(error, Exception) else type(error).__name__)
    return code_of(error) if isinstance(error, Exception) else FAULT


def _with_help(error: click.ClickException) -> str:
    context: Any = getattr(error, "ctx", None)
    message = one_line(error.format_message())
    return f"{message} (see {context.command_path} --help)" if context is not None else message


def _aborted(error: click.Abort) -> int:
    if isinstance(error.__context__, EOFError):
        _say("there is nobody to ask; --yes answers")
        return USAGE
    _say("interrupted")
    return INTERRUPTED


def _unread() -> int:
    """Whoever read standard output, `head` for instance, has enough: nothing to tell, and nothing left to write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _say(message: str) -> None:
    click.echo(f"rs-search: {message}", err=True)

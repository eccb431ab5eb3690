"""``rs-search dump`` and ``load``: objects as JSON Lines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click
import orjson

from ..codec import dump as dumped
from ..errors import RedisMixinException, UnreadableDocument
from ..kinds import Unkeepable
from ..operations.transfer import Line, keys_after, read, record_of, write
from ..server.calls import Calls
from ..storage.base import Record
from . import failures
from .base import Command, confirm
from .failures import Failure, one_line, told
from .models import MODEL
from .output import progress

BATCH = click.option(
    "--batch", type=click.IntRange(1), metavar="N", default=1000, show_default=True, help="Objects a round trip."
)
KEEP_GOING = click.option("--keep-going", is_flag=True, help="Tell what is not readable or valid, and go on.")
#: Read from the end of a file at a time, to find its last line.
BLOCK = 65536


# --- dump -------------------------------------------------------------------------------------------------------------


@click.command(cls=Command, example="rs-search dump shop.models:IceCream --output ices.jsonl --resume")
@MODEL
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; else standard output.")
@click.option("--resume", is_flag=True, help="Go on after the last whole line of --output.")
@click.option("--after", metavar="PK", help="Begin after this primary key.")
@BATCH
@KEEP_GOING
@click.option("--yes", is_flag=True, help="Overwrite --output without asking.")
@click.pass_context
def dump(
    context: click.Context, model: type[Any], output: Path | None, resume: bool, after: str | None, batch: int,
    keep_going: bool, yes: bool,
) -> None:  # fmt: skip
    """Write every object as a line of JSON, in the order of keys.

    A line is {"pk": …, "document": …, "ttl": seconds}, the last for objects that expire. `load` reads the lines
    back as they were. Stopped half-way, --resume, or --after the last key, goes on.
    """
    if resume and (output is None or after is not None):
        raise Failure("--resume goes with --output, and without --after", failures.USAGE)
    if output is not None and output.exists() and not resume:
        confirm(f"Overwrite {output}?", yes)
    unreadable: list[UnreadableDocument] = []
    on_unreadable = unreadable.append if keep_going else None
    with _opened(output, resume) as target:
        after = _last_pk(target, output) if resume and output is not None else after
        calls = Calls(model)
        keys = calls.call_operation("dump", partial(keys_after, model=model, pk=after))
        with progress(f"{model.__name__}: writing") as tell:
            for start in range(0, len(keys), batch):
                part = keys[start : start + batch]
                lines = calls.call_operation("dump", partial(read, model=model, keys=part, on_unreadable=on_unreadable))
                target.write(b"".join(map(line_of, lines)))
                target.flush()
                tell(start + len(part), len(keys))
    for error in unreadable:
        click.echo(f"rs-search: {told(error)}", err=True)
    context.exit(failures.DATA if unreadable else failures.DONE)


@contextmanager
def _opened(output: Path | None, resume: bool) -> Iterator[IO[bytes]]:
    if output is None:
        yield sys.stdout.buffer
        return
    with open(output, "r+b" if resume and output.exists() else "w+b") as file:
        yield file


def line_of(line: Line) -> bytes:
    """An object as a line."""
    parts: dict[str, Any] = {"pk": line.pk, "document": _json_of(line.document)}
    if line.ttl is not None:
        parts["ttl"] = line.ttl
    return orjson.dumps(parts, option=orjson.OPT_APPEND_NEWLINE)


def _json_of(document: dict[str, Any]) -> orjson.Fragment:
    try:
        return orjson.Fragment(dumped(document))
    except Unkeepable:
        # Strings of other programs may hold integers of any size.
        return orjson.Fragment(json.dumps(document, ensure_ascii=False))


def _last_pk(file: IO[bytes], path: Path) -> str | None:
    """The primary key of the last whole line; what was cut off after it is removed from the file."""
    end = _newline_before(file, file.seek(0, os.SEEK_END)) + 1
    file.seek(file.truncate(end))
    if not end:
        return None
    start = _newline_before(file, end - 1) + 1
    file.seek(start)
    try:
        pk = parsed(file.read(end - start)).pk
    except ValueError as error:
        raise Failure(f"{path} does not end in a line of a dump: {error}", failures.DATA) from None
    file.seek(end)
    return pk


def _newline_before(file: IO[bytes], end: int) -> int:
    """The place of the last newline before ``end``, -1 if there is none."""
    while end > 0:
        start = max(0, end - BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found
        end = start
    return -1


# --- load -------------------------------------------------------------------------------------------------------------


@click.command(cls=Command, example="rs-search load shop.models:IceCream ices.jsonl --state ices.state")
@MODEL
@click.argument("file", type=click.File("rb"), default="-", metavar="[FILE]")
@BATCH
@click.option("--skip", type=click.IntRange(0), default=0, metavar="N", help="Begin after so many lines.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path),
              help="Keep the number of lines that are done in this file, and begin after those.")  # fmt: skip
@click.option("--if-absent", is_flag=True, help="Leave alone what is there already.")
@KEEP_GOING
@click.pass_context
def load(
    context: click.Context, model: type[Any], file: IO[bytes], batch: int, skip: int, state: Path | None,
    if_absent: bool, keep_going: bool,
) -> None:  # fmt: skip
    """Keep the objects of a dump, from a file or standard input.

    Each is validated, and replaces what is there. A line that cannot be kept ends the work with its number, what
    came before it is kept.
    """
    skip = max(skip, _lines_done(state))
    numbered = islice(enumerate(file, 1), skip, None)
    done, kept, refused = skip, 0, 0
    with progress(f"{model.__name__}: loading") as tell:
        while chunk := list(islice(numbered, batch)):
            records, bad = _records(model, chunk, keep_going)
            kept += Calls(model).call_operation(
                "load", partial(write, model=model, records=records, if_absent=if_absent)
            )
            done = bad[0][0] - 1 if bad and not keep_going else chunk[-1][0]
            _note(state, done)
            for number, error in bad:
                click.echo(f"rs-search: line {number}: {one_line(str(error))}", err=True)
            refused += len(bad)
            if bad and not keep_going:
                break
            tell(done - skip)
    click.echo(f"{kept} loaded, {done - skip - kept - (refused if keep_going else 0)} left as they were, "
               f"{refused} refused", err=True)  # fmt: skip
    if state is not None and not refused:
        state.unlink(missing_ok=True)
    context.exit(failures.DATA if refused else failures.DONE)


def _records(
    model: type[Any], chunk: list[tuple[int, bytes]], keep_going: bool
) -> tuple[list[Record], list[tuple[int, Exception]]]:
    """What lines are written as, and which cannot be, with their numbers; up to the first of those unless told."""
    records: list[Record] = []
    bad: list[tuple[int, Exception]] = []
    for number, text in chunk:
        try:
            records.append(record_of(model, parsed(text)))
        except (RedisMixinException, ValueError) as error:
            bad.append((number, error))
            if not keep_going:
                break
    return records, bad


def parsed(text: bytes) -> Line:
    """The object of a line. Raises `ValueError`.

    >>> parsed(b'{"pk": "1", "document": {}}')
    Line(pk='1', document={}, ttl=None)
    """
    try:
        # Not orjson, which reads large integers as floats.
        parts = json.loads(text)
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None
    kinds = {"pk": str, "document": dict}
    if not isinstance(parts, dict) or not all(isinstance(parts.get(name), kind) for name, kind in kinds.items()):
        raise ValueError('no object with "pk" and "document"')
    ttl = parts.get("ttl")
    if ttl is not None and (not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 1):
        raise ValueError(f"ttl is {ttl!r}, no number of seconds")
    return Line(parts["pk"], parts["document"], ttl)


def _lines_done(state: Path | None) -> int:
    if state is None or not state.exists():
        return 0
    try:
        return int(state.read_text())
    except ValueError:
        raise Failure(f"{state} holds no number of lines", failures.DATA) from None


def _note(state: Path | None, done: int) -> None:
    if state is not None:
        # Whole at every moment.
        fresh = state.with_name(f"{state.name}.new")
        fresh.write_text(f"{done}\n")
        fresh.replace(state)

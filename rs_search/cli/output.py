"""What commands print: JSON, tables on a terminal, tab-separated lines elsewhere, and how far long work is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Protocol

import click
from schematics.models import Model

from ..codec import encode
from ..schema import schema_of

#: Seconds between two plain lines of progress.
TELL_EVERY = 2.0
#: What would break a tab-separated line.
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Tell(Protocol):
    """What long work tells its progress."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """So many are done, of so many if that is known."""


def to_json(value: Any) -> str:
    """One line of JSON.

    >>> to_json({"grüß": None})
    '{"grüß": null}'
    """
    return json.dumps(value, ensure_ascii=False, default=primitive)


def primitive(value: Any) -> Any:
    """What JSON has no form for, as schematics' primitives write it."""
    if isinstance(value, Model):
        return encode(value, for_index=False)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def document_of(instance: Any) -> dict[str, Any]:
    """An object as it is stored, with its primary key."""
    document = encode(instance, for_index=False)
    if "pk" not in schema_of(type(instance)).fields:
        document = {"pk": instance.pk, **document}
    return document


def cell(value: Any) -> str:
    """A value in a table or a line.

    >>> cell(None), cell("two\\nlines"), cell([1, None]), cell(True)
    ('', 'two\\\\nlines', '[1, null]', 'true')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        value = primitive(value) if not isinstance(value, (bool, int, float, list, dict)) else value
    return (value if isinstance(value, str) else to_json(value)).translate(_ESCAPED)


def print_rows(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on a terminal; elsewhere a line a row, its cells separated by tabs."""
    if sys.stdout.isatty():
        from .tables import print_tables

        print_tables(names, rows, cell)
        return
    for row in rows:
        click.echo("\t".join(map(cell, row)))


def print_fields(report: Any, sizes: Collection[str] = ()) -> None:
    """A dataclass as a line a field, several values of one under it; ``sizes`` names those that are bytes."""
    for field in fields(report):
        value, told = getattr(report, field.name), size if field.name in sizes else cell
        if isinstance(value, dict):
            value = tuple(f"{name}: {told(inner)}" for name, inner in value.items())
        if not isinstance(value, (tuple, list)):
            click.echo(f"{field.name}: {told(value)}".rstrip())
            continue
        click.echo(f"{field.name}: {len(value) or 'none'}")
        for one in value:
            click.echo(f"  {_words(one)}")


def _words(value: Any) -> str:
    if not is_dataclass(value) or isinstance(value, type):
        return cell(value)
    name, *others = (cell(getattr(value, field.name)) for field in fields(value))
    return f"{name}: {'; '.join(filter(None, others))}"


def size(number: float) -> str:
    """Bytes for people.

    >>> size(512), size(145206208)
    ('512 B', '138.5 MiB')
    """
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    place = min(len(units) - 1, max(0, int(number).bit_length() - 1) // 10)
    return f"{number / 1024**place:.1f} {units[place]}" if place else f"{number} B"


@contextmanager
def progress(title: str) -> Iterator[Tell]:
    """How far a command is, on standard error: a bar on a terminal, else a plain line every now and then."""
    if not sys.stderr.isatty():
        yield _lines(title)
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        # Where no line can be drawn twice.
        yield _lines(title)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task(title, total=None)

        def tell(done: int, total: int | None = None, /) -> None:
            bars.update(bar, completed=done, total=total)

        yield tell


def _lines(title: str) -> Tell:
    last = time.monotonic()

    def tell(done: int, total: int | None = None, /) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TELL_EVERY:
            last = now
            click.echo(f"{title}: {done}{'' if total is None else f' of {total}'}", err=True)

    return tell

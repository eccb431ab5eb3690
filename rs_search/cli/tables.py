"""Tables on a terminal, a line a row; where it is too narrow for the columns, a line a cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Rows of one table: with more, nothing would be seen before the last one is there.
PAGE = 200
#: What a column needs at the least, and what stands around it.
NARROWEST, AROUND = 8, 3
Cells = Sequence[str]


def print_tables(names: Cells, rows: Iterable[Sequence[Any]], cell: Any) -> None:
    """Print rows of values, each as the text that ``cell`` makes of it; one that is too wide ends in an ellipsis."""
    console = Console()
    budget = console.width - 1 - AROUND * len(names)
    is_narrow = len(names) > 1 and budget < NARROWEST * len(names)
    for page in _pages(iter(rows)):
        cells = [[cell(value) for value in row] for row in page]
        if is_narrow:
            _print_records(console, names, cells)
        else:
            are_numbers = [all(_is_number(row[place]) for row in page) for place in range(len(names))]
            _print_table(console, names, cells, budget, are_numbers)


def _pages(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    page = list(islice(rows, PAGE))
    # Of nothing, the names.
    yield page
    while page := list(islice(rows, PAGE)):
        yield page


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _print_table(console: Console, names: Cells, rows: list[list[str]], budget: int, are_numbers: list[bool]) -> None:
    widths = [max(map(cell_len, column)) for column in zip(names, *rows, strict=True)]
    table = Table()
    for name, width, is_number in zip(names, shares(widths, budget), are_numbers, strict=True):
        table.add_column(
            Text(name), width=width, no_wrap=True, overflow="ellipsis", justify="right" if is_number else "left"
        )
    for row in rows:
        # Not markup: a value may hold brackets.
        table.add_row(*map(Text, row))
    console.print(table)


def shares(widths: list[int], budget: int) -> list[int]:
    """How wide columns are that have so much in all: the narrow ones as they are, the wide ones alike.

    >>> shares([2, 50, 9], 30)
    [2, 19, 9]
    """
    given = dict.fromkeys(range(len(widths)), 0)
    for left, place in zip(range(len(widths), 0, -1), sorted(given, key=widths.__getitem__), strict=True):
        given[place] = max(1, min(widths[place], budget // left))
        budget -= given[place]
    return list(given.values())


def _print_records(console: Console, names: Cells, rows: list[list[str]]) -> None:
    width = max(map(cell_len, names))
    for row in rows:
        for name, text in zip(names, row, strict=True):
            console.out(f"{name:{width}}  {text}".rstrip(), highlight=False)
        console.out()

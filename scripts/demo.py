"""The demo: films from SQLite into Redis, asked with the modules and without; run by ``scripts/demo``."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table
from schematics.models import Model
from schematics.types import DateType, FloatType, IntType, ListType, StringType

from rs_search import ResultSet, SearchRedisMixin, connect
from rs_search.server.embedded import EmbeddedServer, start

FILMS = "SELECT omdb.*, tomatoes.Meter, tomatoes.BoxOffice FROM omdb JOIN tomatoes ON omdb.ID = tomatoes.ID"
COPIED_AT_ONCE = 2000
console = Console(width=None if sys.stdout.isatty() else 120)


class Film(Model, SearchRedisMixin):  # type: ignore[misc]
    """One film, as the Open Movie Database and Rotten Tomatoes have it."""

    id = IntType(required=True)
    title = StringType()
    year = IntType()
    released = DateType()
    genres = ListType(StringType())
    director = StringType()
    cast = ListType(StringType())
    runtime_minutes = FloatType()
    tomatometer = IntType()
    box_office = FloatType()
    oscars = IntType()


@dataclass(frozen=True)
class Question:
    """One thing to ask: what is asked for, in words and in code, and how the answer is shown."""

    title: str
    code: str
    ask: Callable[[], Any]
    plan: Callable[[], ResultSet[Film]]


def robots() -> ResultSet[Film]:
    return Film.filter(title__search="robots | zombies | vampires", year__gte=1990)


def crime() -> ResultSet[Film]:
    return Film.filter(year__range=(1990, 1999), tomatometer__gte=95, genres="Crime")


def earnings() -> ResultSet[Film]:
    return Film.order_by("-box_office")[:10]


def decade(year: int) -> ResultSet[Film]:
    return Film.filter(year__gte=year, year__lt=year + 10)


DECADES = range(1940, 2020, 10)
QUESTIONS = (
    Question(
        "Full text: any of three words, in any form, since 1990",
        'Film.filter(title__search="robots | zombies | vampires", year__gte=1990)',
        lambda: list(robots()),
        robots,
    ),
    Question(
        "Year, rating and genre",
        'Film.filter(year__range=(1990, 1999), tomatometer__gte=95, genres="Crime")',
        lambda: list(crime()),
        crime,
    ),
    Question("The ten that earned most", 'Film.order_by("-box_office")[:10]', lambda: list(earnings()), earnings),
    Question(
        "Films by decade",
        "Film.filter(year__gte=year, year__lt=year + 10).count()",
        lambda: {year: decade(year).count() for year in DECADES},
        lambda: decade(1940),
    ),
)


# --- loading ----------------------------------------------------------------------------------------------------------


def films(database: Path) -> Iterator[Film]:
    """Every film of the SQLite file."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute(FILMS):
            yield film_of(row)


def film_of(row: sqlite3.Row) -> Film:
    """A row as an object; empty cells are missing values."""
    return Film(
        {
            "id": row["ID"],
            "title": row["Title"],
            "year": row["Year"],
            "released": row["Released"] or None,
            "genres": parts(row["Genre"]),
            "director": row["Director"] or None,
            "cast": parts(row["Cast"]),
            "runtime_minutes": row["Runtime"],
            "tomatometer": row["Meter"],
            "box_office": row["BoxOffice"],
            "oscars": row["Oscars"],
        }
    )


def parts(cell: str | None) -> list[str] | None:
    """What a cell lists."""
    return cell.split(", ") if cell else None


def load(database: Path, indexed: redis.Redis, plain: redis.Redis) -> None:
    """Keep all films on both servers, unless they are there from an earlier run."""
    everything = list(films(database))
    connect(indexed)
    if Film.count() != len(everything):
        Film.delete_all()
        for film in track(everything, "Validating and keeping films …", console=console):
            film.set()
    if plain.dbsize() != len(everything):
        plain.flushdb()
        copy([film.key for film in everything], indexed, plain)
    console.print(f"{len(everything):,} films on both servers.")


def copy(keys: list[str], indexed: redis.Redis, plain: redis.Redis) -> None:
    """The plain server keeps the same text as a string, under the same key: no need to validate twice."""
    for chunk in track(list(chunks(keys)), "Copying them to the plain server …", console=console):
        texts: Any = indexed.execute_command("JSON.MGET", *chunk, ".")  # type: ignore[no-untyped-call]
        plain.mset(dict(zip(chunk, texts, strict=True)))


def chunks(keys: list[str]) -> Iterable[list[str]]:
    """The keys, some thousand at a time."""
    return (keys[start : start + COPIED_AT_ONCE] for start in range(0, len(keys), COPIED_AT_ONCE))


# --- asking -----------------------------------------------------------------------------------------------------------


def show(question: Question, indexed: redis.Redis, plain: redis.Redis) -> bool:
    """Ask both servers, and show answer, plan and times; tells whether the answers are the same."""
    connect(indexed)
    question.ask()  # makes the index ready, so that its making is not timed
    answer, seconds = timed(question.ask)
    plan = str(question.plan().explain())
    connect(plain)
    plain_answer, plain_seconds = timed(question.ask)
    same = bool(answer == plain_answer)
    console.rule(f"[bold]{question.title}")
    console.print(f"[cyan]{escape(question.code)}")
    console.print(table_of(answer))
    console.print(escape(plan), style="dim", highlight=False)
    verdict = "the same answer" if same else "[bold red]ANOTHER ANSWER"
    ratio = plain_seconds / seconds
    console.print(
        f"with the modules [bold]{seconds * 1000:.1f} ms[/], "
        f"plain server {plain_seconds * 1000:.0f} ms ({ratio:.0f} times as long): {verdict}\n"
    )
    return same


def timed(ask: Callable[[], Any]) -> tuple[Any, float]:
    """An answer, and the seconds it took."""
    start_time = time.perf_counter()
    answer = ask()
    return answer, time.perf_counter() - start_time


def table_of(answer: Any) -> Table:
    """Films, or numbers by decade, as a table."""
    table = Table()
    if isinstance(answer, dict):
        for decade_start in answer:
            table.add_column(f"{decade_start}s", justify="right")
        table.add_row(*(f"{count:,}" for count in answer.values()))
        return table
    for name in ("title", "year", "genres", "tomatometer", "box office"):
        table.add_column(name, justify="right" if name in ("year", "tomatometer", "box office") else "left")
    for film in answer[:10]:
        dollars = "" if film.box_office is None else f"${film.box_office:,.0f}"
        meter = "" if film.tomatometer is None else f"{film.tomatometer} %"
        table.add_row(escape(film.title), str(film.year), ", ".join(film.genres or ()), meter, dollars)
    if len(answer) > 10:
        table.add_row(f"… and {len(answer) - 10} more")
    return table


def main(database: Path, folder: Path) -> int:
    """Run the demo; 0 if both servers agreed throughout."""
    with start(str(folder / "indexed")) as indexed, start(str(folder / "plain"), modules=False) as plain:
        for name, server in (("indexed", indexed), ("plain", plain)):
            console.print(f"[bold]{name:8}[/] {escape(server.description)}", highlight=False)
        clients = client_of(indexed), client_of(plain)
        load(database, *clients)
        agreed = [show(question, *clients) for question in QUESTIONS]
    console.print("Run it again: the films are kept in .demo/ and need no loading.")
    return 0 if all(agreed) else 1


def client_of(server: EmbeddedServer) -> redis.Redis:
    """A client of a server."""
    return redis.Redis.from_url(server.url)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

"""Writes README's tables from the code: ``python scripts/readme_tables.py`` rewrites what stands between its marks."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import schematics.types
from schematics.types import BaseType, CompoundType, HashType, NumberType

from rs_search import Objects, ResultSet, Transaction
from rs_search.cli.application import application
from rs_search.cli.base import Command, Group
from rs_search.index import Index
from rs_search.planner.explain import Explanation
from rs_search.query.lookups import LISTS, LOOKUPS, MATCH, MATCH_MEANING, lookups_of
from rs_search.schema import TYPE_ROWS, TypeRow
from rs_search.server.settings import SETTINGS
from rs_search.twins import sync

README = Path(__file__).resolve().parent.parent / "README.md"
#: What is awaited beside operations: as it is called, as it is awaited, of what, and where that is told.
WRITTEN_OUT = (
    ("list(…)", "await", "result sets", vars(ResultSet)["_read"]),
    ("iterator", "async for", "result sets", ResultSet.iterator),
    ("profile", "aprofile", "`explain()`", Explanation.profile),
    ("with transaction()", "async with transaction()", "writes", Transaction),
    ("run", "arun", "`transaction()`", Transaction.run),
)
#: Bases that nobody declares a field with.
ABSTRACT = {CompoundType, HashType, NumberType}


def types_table() -> str:
    """schematics type → index fields → how it is stored → lookups."""
    lines = ["| schematics type | index fields | stored as | lookups |", "|---|---|---|---|"]
    for row in TYPE_ROWS:
        names = ", ".join(f"`{name}`" for name in _names(row))
        index = " + ".join(row.index) or "–"
        groups = dict.fromkeys(lookup.group for lookup in lookups_of(row.kind))
        lines.append(f"| {names} | {index} | {row.stored} | {', '.join(groups) or 'those of its elements, lists'} |")
    return "\n".join(lines)


def lookups_table() -> str:
    """Lookup → older names → meaning."""
    lines = ["| lookup | also | of | finds |", "|---|---|---|---|"]
    for lookup in LOOKUPS:
        also = " ".join(f"`{alias}`" for alias in lookup.aliases)
        lines.append(_row(f"`{lookup.name}`", also, lookup.group, lookup.meaning))
    return "\n".join([*lines, _row(f"`{MATCH}`", "", LISTS, MATCH_MEANING)])


def operations_table() -> str:
    """Operation → its twin → what it does."""
    lines = ["| called | awaited | of | does |", "|---|---|---|---|"]
    for owner, of in ((Objects, "models, objects"), (ResultSet, "result sets"), (Index, "`Model.index`")):
        for name, value in vars(owner).items():
            if isinstance(getattr(value, "twin", None), sync) and not name.startswith("_"):
                lines.append(_row(f"`{name}`", f"`a{name}`", of, _told(value)))
    rows = (_row(f"`{called}`", f"`{twin}`", of, _told(value)) for called, twin, of, value in WRITTEN_OUT)
    return "\n".join([*lines, *rows])


def _told(value: object) -> str:
    return inspect.cleandoc(value.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def commands_table() -> str:
    """Command, as an example → what it does."""
    lines = ["| for instance | does |", "|---|---|"]
    return "\n".join([*lines, *(_row(f"`{one.example}`", _first(one)) for one in _commands(application))])


def _commands(group: Group) -> list[Command]:
    found: list[Command] = []
    for one in group.commands.values():
        if isinstance(one, Group):
            found += _commands(one)
        elif isinstance(one, Command):
            found.append(one)
    return found


def _first(command: Command) -> str:
    return inspect.cleandoc(command.help or "").split("\n\n")[0].replace("\n", " ")


def settings_table() -> str:
    """Setting → value → what is lost without it."""
    lines = ["| setting | in Redis 8 | should be | else |", "|---|---|---|---|"]
    rows = (_row(f"`{one.name}`", f"`{one.newer_name}`", f"`{one.wanted}`", one.without) for one in SETTINGS)
    return "\n".join([*lines, *rows])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _names(row: TypeRow) -> list[str]:
    """The public types that take a row: those that have it as their nearest base."""
    rows = {other.type for other in TYPE_ROWS}
    if row.type.__module__.startswith("rs_search"):
        return [row.type.__name__]
    names = {}
    for name, found in vars(schematics.types).items():
        if isinstance(found, type) and issubclass(found, BaseType) and found not in ABSTRACT:
            nearest = next(base for base in found.__mro__ if base in rows)
            if nearest is row.type:
                names[name] = found
    return sorted(names.keys() - {"MultiType"}, key=lambda name: (names[name] is not row.type, name))


TABLES = {
    "types": types_table,
    "lookups": lookups_table,
    "operations": operations_table,
    "commands": commands_table,
    "settings": settings_table,
}


def with_tables(text: str) -> str:
    """The README with its tables as the code has them now."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, rest = text.split(start)
        text = before + start + table() + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
    sys.exit(0)

"""``rs-search search``, ``facets`` and ``get``: what is stored, asked as the library asks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import or_
from typing import Any, TypeVar

import click

from ..all_operations import objects
from ..codec import primitive_of
from ..paths import Path, declared_paths, descend
from ..query.bind import bind_paths
from ..query.conditions import Q
from ..query.lookups import BY_NAME, lookups_of
from ..query.queryset import ResultSet
from ..query.shapes import reach
from ..schema import schema_of
from . import failures
from .base import Command
from .conditions import query_of
from .failures import Failure
from .models import MODEL, columns, completing, conditions, orders
from .output import document_of, print_rows, to_json

F = TypeVar("F", bound=Callable[..., Any])
SEARCH = BY_NAME["search"]
AS_JSON = click.option("--json", "as_json", is_flag=True, help="A line of JSON a row.")


def narrowing(command: F) -> F:
    """The options that say which objects."""
    where = click.option("--where", multiple=True, metavar="LOOKUP=VALUE", shell_complete=completing(conditions),
                         help="A condition, as amount_kg__gte=30; may be given again.")  # fmt: skip
    exclude = click.option("--exclude", multiple=True, metavar="LOOKUP=VALUE", shell_complete=completing(conditions),
                           help="Without those that meet it; may be given again.")  # fmt: skip
    return where(exclude(command))


def narrowed(
    model: type[Any], words: tuple[str, ...], where: tuple[str, ...], exclude: tuple[str, ...]
) -> ResultSet[Any]:
    """The objects that the options say."""
    found: ResultSet[Any] = _found_by(model, " ".join(words)) if words else objects(model).all()
    if where:
        found = found.filter(query_of(model, where))
    for one in exclude:
        found = found.exclude(query_of(model, (one,)))
    return found


def _found_by(model: type[Any], words: str) -> ResultSet[Any]:
    """The objects in which some text has the words: ``Q(a__search=words) | Q(b__search=words) | …``."""
    paths = [descend(path) for path in declared_paths(model)]
    texts = [path for path in paths if SEARCH in lookups_of(path.field.kind)]
    if not texts:
        raise Failure(f"{model.__name__} has no texts in which words could be", failures.USAGE)
    return objects(model).filter(reduce(or_, (Q(**{f"{path}__search": words}) for path in texts)))


def _names(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names given one by one or with commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


@click.command(
    cls=Command, example="rs-search search shop.models:IceCream --where amount_kg__gte=30 --order -best_before"
)
@MODEL
@click.argument("words", nargs=-1)
@narrowing
@click.option("--order", multiple=True, metavar="[-]FIELD", callback=_names, shell_complete=completing(orders),
              help="What to order by, - for descending; commas, or given again. Else by key.")  # fmt: skip
@click.option("--limit", type=click.IntRange(0), metavar="N", help="So many at most; else all.")
@click.option("--columns", "wanted", multiple=True, metavar="FIELD", callback=_names,
              shell_complete=completing(columns), help="Which fields; commas, or given again. Else all.")  # fmt: skip
@click.option("--count", "counted", is_flag=True, help="How many there are.")
@click.option("--explain", is_flag=True, help="The plan: what the index is asked, and what is checked in Python.")
@AS_JSON
def search(
    model: type[Any], words: tuple[str, ...], where: tuple[str, ...], exclude: tuple[str, ...],
    order: tuple[str, ...], limit: int | None, wanted: tuple[str, ...], counted: bool, explain: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find objects: a table on a terminal, else lines, or JSON.

    A table is cut to the terminal's width; elsewhere there are tab-separated lines, or JSON Lines. WORDS are looked
    for in every text; all of them must be in one. Lookups and values mean what they mean in Python. Those of
    several values (in, range, near, …) take a JSON list, or values between commas; match and within take JSON;
    isnull takes true or false.
    """
    found = narrowed(model, words, where, exclude)
    found = found.order_by(*order) if order else found
    found = found[:limit] if limit is not None else found
    if explain:
        click.echo(str(found.explain()))
    elif counted:
        click.echo(str(found.count()))
    elif as_json:
        for row in _documents(model, found, wanted):
            click.echo(to_json(row))
    else:
        names = wanted or _own_columns(model)
        print_rows(names, (tuple(map(row.get, names)) for row in _documents(model, found, names)))


def _own_columns(model: type[Any]) -> tuple[str, ...]:
    fields = schema_of(model).fields
    return tuple(fields) if "pk" in fields else ("pk", *fields)


def _documents(model: type[Any], found: ResultSet[Any], wanted: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries of primitives, of some columns or whole."""
    if not wanted:
        yield from map(document_of, found.iterator())
        return
    # The primary key is not a field of every model; then it is an instance's own.
    if "pk" not in wanted or "pk" in schema_of(model).fields:
        paths = bind_paths(model, wanted, "--columns")
        for row in found.values(*wanted).iterator():
            yield {name: _primitive(path, row[str(path)]) for name, path in zip(wanted, paths, strict=True)}
        return
    named = [name for name in wanted if name != "pk"]
    paths = bind_paths(model, named, "--columns")
    for instance in found.iterator():
        values = {name: _primitive(path, reach(instance, path.names)) for name, path in zip(named, paths, strict=True)}
        yield {name: instance.pk if name == "pk" else values[name] for name in wanted}


def _primitive(path: Path, value: Any) -> Any:
    """A native value as documents have it; of a list, a list."""
    if isinstance(value, list) and path.multiple:
        return [_primitive(path, one) for one in value]
    return primitive_of(path.field, value)


@click.command(cls=Command, example="rs-search facets shop.models:IceCream flavour shop__city --where amount_kg__gte=9")
@MODEL
@click.argument("fields", nargs=-1, required=True, metavar="FIELD…", shell_complete=completing(columns))
@narrowing
@click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    default=10,
    show_default=True,
    help="So many values a field; 0: all.",
)
@AS_JSON
def facets(
    model: type[Any], fields: tuple[str, ...], where: tuple[str, ...], exclude: tuple[str, ...], limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Count the values of fields, the most frequent first.

    Counts are exact, on any server. Each element of a list counts; objects without a value count under an empty one
    (null in JSON).
    """
    paths = bind_paths(model, fields, "facets")
    counters: list[Counter[str]] = [Counter() for _ in paths]
    for row in narrowed(model, (), where, exclude).values(*fields).iterator():
        for path, counter in zip(paths, counters, strict=True):
            counter.update(map(to_json, _elements(_primitive(path, row[str(path)]), path)))
    for name, counter in zip(fields, counters, strict=True):
        _print_facet(name, _most(counter, limit), as_json)


def _elements(value: Any, path: Path) -> Iterable[Any]:
    if not isinstance(value, list) or not path.multiple:
        return [value]
    return [element for one in value for element in _elements(one, path)]


def _most(counter: Counter[str], limit: int) -> list[tuple[Any, int]]:
    in_order = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(json.loads(text), count) for text, count in (in_order[:limit] if limit else in_order)]


def _print_facet(name: str, found: list[tuple[Any, int]], as_json: bool) -> None:
    if as_json:
        click.echo(to_json({"field": name, "values": [{"value": value, "count": count} for value, count in found]}))
    else:
        print_rows(("field", "value", "count"), ((name, value, count) for value, count in found))


@click.command(cls=Command, example="rs-search get shop.models:IceCream vanilla chocolate")
@MODEL
@click.argument("pks", nargs=-1, required=True, metavar="PK…")
@click.pass_context
def get(context: click.Context, model: type[Any], pks: tuple[str, ...]) -> None:
    """Print objects by their primary keys, a line of JSON each. The exit code is 1 when one is missing."""
    found = objects(model).get_many(pks)
    for pk, instance in zip(pks, found, strict=True):
        if instance is None:
            click.echo(f"rs-search: no {model.__name__} has the primary key {pk!r}", err=True)
        else:
            click.echo(to_json(document_of(instance)))
    context.exit(failures.NO if None in found else failures.DONE)

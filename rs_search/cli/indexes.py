"""``rs-search index …``: the index of a model, looked at and looked after."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from ..all_operations import objects
from . import failures
from .base import Group, confirm
from .failures import Failure
from .models import MODEL
from .output import print_fields, progress, to_json

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")


@click.group(cls=Group, example="rs-search index status shop.models:IceCream")
def index() -> None:
    """Look at the index of a model, make it, and mend it."""


@index.command(example="rs-search index status shop.models:IceCream --json")
@MODEL
@AS_JSON
@click.pass_context
def status(context: click.Context, model: type[Any], as_json: bool) -> None:
    """Tell what the index holds and refuses, and what cuts.

    Also how it differs from what the model declares, and its sizes. The exit code is 1 where queries are not
    answered from it; why_not says why.
    """
    found = objects(model).index.status()
    _report(found, as_json, sizes=("memory", "parts"))
    context.exit(failures.DONE if found.why_not is None else failures.NO)


@index.command(example="rs-search index create shop.models:IceCream --wait 60")
@MODEL
@click.option("--wait", type=click.FloatRange(0), metavar="SECONDS", help="Wait so long at most.")
def create(model: type[Any], wait: float | None) -> None:
    """Make the index if it is not there, and wait until it holds all.

    The exit code is 1 where queries are not answered from it yet, or for another reason.
    """
    own = objects(model).index
    with progress(f"{model.__name__}: indexing") as tell:
        made = own.create(wait=wait, on_progress=tell)
    click.echo(f"{own.name}: {'made' if made else 'was there'}")
    why_not = own.status().why_not
    if why_not is not None:
        raise Failure(f"{own.name}: {why_not}")


@index.command(example="rs-search index rebuild shop.models:IceCream --dry-run")
@MODEL
@DRY_RUN
@AS_JSON
def rebuild(model: type[Any], dry_run: bool, as_json: bool) -> None:
    """Make the index anew beside the old one, and change over.

    Queries are answered in full throughout: they ask the new one when it holds all. One that was stopped is
    taken up again: the server goes on building it.
    """
    with progress(f"{model.__name__}: indexing") as tell:
        done = objects(model).index.rebuild(dry_run=dry_run, on_progress=tell)
    _report(done, as_json)


@index.command(example="rs-search index prune shop.models:IceCream --yes")
@MODEL
@DRY_RUN
@YES
def prune(model: type[Any], dry_run: bool, yes: bool) -> None:
    """Drop the indexes that older versions of the model left.

    No document is lost. None is dropped that is being built; an older version that still runs makes its own again.
    """
    own = objects(model).index
    if not dry_run:
        old = own.prune(dry_run=True)
        if not old:
            click.echo(f"{model.__name__} has no other indexes that are built", err=True)
            return
        confirm(f"Drop {', '.join(old)}?", yes)
    for name in own.prune(dry_run=dry_run):
        click.echo(name)


@index.command(example="rs-search index drop shop.models:IceCream --yes")
@MODEL
@YES
@click.pass_context
def drop(context: click.Context, model: type[Any], yes: bool) -> None:
    """Drop the index; no document is lost.

    The next query makes it again. The exit code is 1 if there was none.
    """
    own = objects(model).index
    confirm(f"Drop {own.name}?", yes)
    dropped = own.drop()
    click.echo(f"{own.name}: {'dropped' if dropped else 'was not there'}")
    context.exit(failures.DONE if dropped else failures.NO)


@index.command(example="rs-search index verify shop.models:IceCream --repair")
@MODEL
@click.option("--repair", is_flag=True, help="Write again what the index misses or has otherwise.")
@click.option(
    "--batch", type=click.IntRange(1), metavar="N", default=1000, show_default=True, help="Objects a round trip."
)
@AS_JSON
@click.pass_context
def verify(context: click.Context, model: type[Any], repair: bool, batch: int, as_json: bool) -> None:
    """Compare the index with every stored object; --repair mends.

    The exit code is 1 where they differ. --repair writes again, where nobody else has meanwhile, what is missing
    from the index or has companions that other programs made stale, and converts strings.
    """
    with progress(f"{model.__name__}: verifying") as tell:
        found = objects(model).index.verify(repair=repair, batch=batch, on_progress=tell)
    _report(found, as_json)
    context.exit(failures.DONE if found.whole else failures.NO)


def _report(found: Any, as_json: bool, sizes: tuple[str, ...] = ()) -> None:
    if as_json:
        click.echo(to_json(asdict(found)))
    else:
        print_fields(found, sizes)

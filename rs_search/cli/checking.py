"""``rs-search check``: what a server can do, and what it should be set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from ..errors import ServerUnavailable
from ..operations.requests import Operation, command
from ..server.capabilities import Capabilities, ServerState, discover
from ..server.connections import client_of, is_async, server_for
from ..server.drive import run
from ..server.replies import text
from ..server.settings import PERSISTENCE, SEARCH, Found, look
from . import failures
from .base import Command
from .failures import Failure
from .output import to_json

UNREACHABLE = 2
#: What each lack means for queries and data.
NO_JSON = "documents are kept as strings, and no query can use an index"
NO_SEARCH = "every query reads the whole collection"
NO_FIELD_EXPIRY = "an object of HashRedisMixin expires with its whole hash only (Redis 7.4, Valkey 9)"


@dataclass(frozen=True)
class Checked:
    """What was found out about a server; ``missing`` and ``cuts`` make it less than it could be."""

    address: str
    server: str
    modules: str
    missing: tuple[str, ...]
    cuts: tuple[str, ...]
    advice: tuple[str, ...]
    settings: dict[str, str | None]

    @property
    def code(self) -> int:
        """0: all there; 1: it works, but something is missing or cuts."""
        return failures.NO if self.missing or self.cuts else failures.DONE


@click.command(cls=Command, example="rs-search check --url redis://localhost:6379/0",
               epilog="Exit codes: 0 all there, 1 it works but something is missing or a setting cuts, "
               "2 it cannot be reached. Settings for persistence are advice, and change no exit code.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:
    """Tell what the server can do, what it lacks and what it cuts."""
    client = client_of(object)
    if is_async(client):
        raise Failure("the default client is an async one: give --url", failures.USAGE)
    server = server_for(client)
    try:
        found = run(_examined(server.state, server.address), server)
    except ServerUnavailable as error:
        raise Failure(str(error), UNREACHABLE) from error
    if as_json:
        click.echo(to_json({**vars(found), "code": found.code}))
    else:
        _print(found)
    context.exit(found.code)


def _examined(state: ServerState, address: str) -> Operation[Checked]:
    capabilities = yield from discover(state)
    version = yield from _version()
    settings = (yield from look(SEARCH)) if capabilities.search_version or capabilities.why_no_search is None else ()
    settings += yield from look(PERSISTENCE)
    return Checked(
        address,
        version,
        capabilities.description,
        tuple(_missing(capabilities)),
        tuple(_unfit(settings, SEARCH)),
        tuple(_unfit(settings, PERSISTENCE)),
        {one.setting.name: one.actual for one in settings},
    )


def _version() -> Operation[str]:
    reply: Any = yield command("INFO", "server")
    if isinstance(reply, dict):
        told = {str(text(name)): str(text(value)) for name, value in reply.items()}
    else:
        told = dict(line.split(":", 1) for line in str(text(reply)).splitlines() if ":" in line)
    # Valkey gives a redis_version as well.
    product = "Valkey" if "valkey_version" in told else "Redis"
    return f"{product} {told.get(f'{product.lower()}_version', 'of unknown version')}"


def _missing(capabilities: Capabilities) -> list[str]:
    found = []
    if capabilities.why_no_search is not None:
        found.append(f"search: {capabilities.why_no_search}; {NO_SEARCH}")
    if not capabilities.json:
        found.append(f"JSON: the server has no RedisJSON (JSON.SET); {NO_JSON}")
    if not capabilities.field_expiry:
        found.append(f"expiry: {NO_FIELD_EXPIRY}")
    return found


def _unfit(settings: tuple[Found, ...], group: str) -> list[str]:
    found = []
    for one in settings:
        if one.setting.group == group and not one.fits:
            actual = "not told" if one.actual is None else one.actual or "(empty)"
            found.append(f"{one.setting.name} is {actual}, should be {one.setting.wanted}: {one.setting.without}")
    return found


def _print(found: Checked) -> None:
    click.echo(f"server   {found.address}: {found.server}, {found.modules}")
    for name, lines in (("missing", found.missing), ("cuts", found.cuts), ("advice", found.advice)):
        for line in lines:
            click.echo(f"{name:8} {line}")
    click.echo("all there" if found.code == failures.DONE else "it works, but see above")

"""What a server can do, found out once a connection."""

from __future__ import annotations

import contextlib
import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ..errors import ServerError, ServerUnavailable
from ..operations.requests import Operation, command
from .replies import mapping, text

logger = logging.getLogger("rs_search")

#: INDEXMISSING and INDEXEMPTY came with RediSearch 2.10.
OLDEST_SEARCH = 21000
#: What redis-stack sets; taken where the server does not tell.
USUAL_LIMIT = 10_000
_PROBES = ("JSON.SET", "JSON.MGET", "FT.SEARCH", "FT.AGGREGATE", "HEXPIRE", "HPTTL")


@dataclass(frozen=True)
class Capabilities:
    """What a server can do: ``why_no_search`` is None where it can answer from an index.

    ``field_expiry``: whether fields of a hash may expire (Redis 7.4, Valkey 9).
    """

    json: bool
    why_no_search: str | None
    search_version: int | None = None
    most_rows: int = USUAL_LIMIT
    most_sorted_rows: int = USUAL_LIMIT
    description: str = ""
    field_expiry: bool = False


@dataclass
class IndexHealth:
    """What was last seen of an index that holds all that was there when it was made.

    ``checked`` is when (of a monotonic clock, in seconds); ``failures`` how often the server had refused a document
    by then; ``refused`` says what that means for queries, None if nothing.
    """

    checked: float
    failures: int = 0
    refused: str | None = None


@dataclass
class ServerState:
    """What is known of the server behind one connection pool.

    ``gate`` lets so many threads in as the pool has connections: redis-py raises where one more asks for one.
    """

    database: int = 0
    capabilities: Capabilities | None = None
    indexes: dict[str, IndexHealth] = field(default_factory=dict)
    gate: AbstractContextManager[Any] = field(default_factory=contextlib.nullcontext)


def discover(state: ServerState) -> Operation[Capabilities]:
    """The capabilities, found out on first use; a warning is logged once where queries will have to scan.

    Cost: 2 to 4 round trips, once a connection.
    """
    if state.capabilities is None:
        state.capabilities = yield from _ask(state.database)
        if state.capabilities.why_no_search is not None:
            logger.warning("queries will read whole collections: %s", state.capabilities.why_no_search)
    return state.capabilities


def _ask(database: int) -> Operation[Capabilities]:
    present = yield from _commands()
    versions = yield from _module_versions()
    # RediSearch 1.x called itself "ft".
    version = versions.get("search", versions.get("ft"))
    reason = _why_no_search(present, version, database)
    if reason is not None:
        return Capabilities("JSON.SET" in present, reason, version, description=_description(present, version),
                            field_expiry=_PROBES[-1] in present)  # fmt: skip
    rows = yield from _limit("MAXSEARCHRESULTS", "search-max-search-results")
    sorted_rows = yield from _limit("MAXAGGREGATERESULTS", "search-max-aggregate-results")
    description = _description(present, version)
    return Capabilities(True, None, version, rows, sorted_rows, description, _PROBES[-1] in present)


def _commands() -> Operation[set[str]]:
    # Works where an ACL forbids MODULE LIST. One word: redis-py parses COMMAND's reply, not that of this name.
    reply = yield command("COMMAND INFO", *_PROBES)
    return {name for name, known in zip(_PROBES, reply, strict=True) if known}


def _module_versions() -> Operation[dict[str, int]]:
    try:
        modules = yield command("MODULE LIST")
    except ServerUnavailable:
        raise
    except ServerError:
        # Not allowed to ask: taken for new enough; an old one will refuse to create the index.
        return {}
    found = [mapping(module) for module in modules]
    return {str(text(module["name"])): int(module["ver"]) for module in found}


def _why_no_search(present: set[str], version: int | None, database: int) -> str | None:
    if "FT.SEARCH" not in present:
        return "the server has no RediSearch (FT.SEARCH)"
    if version is not None and version < OLDEST_SEARCH:
        return f"the server's RediSearch {_dotted(version)} is too old; 2.10 or newer is needed"
    if not {"JSON.SET", "JSON.MGET"} <= present:
        return "the server has no RedisJSON, and RediSearch can index nothing without it"
    if database:
        return f"the connection uses database {database}, and RediSearch indexes database 0 only"
    return None


def _limit(name: str, newer_name: str) -> Operation[int]:
    for words in (("FT.CONFIG", "GET", name), ("CONFIG GET", newer_name)):
        try:
            reply: Any = yield command(*words)
            found = [int(text(value)) for value in mapping(reply).values()]
        except ServerUnavailable:
            raise
        except (ServerError, ValueError, TypeError):
            continue
        if found:
            # -1 is "unlimited", which is a million in fact.
            return found[0] if found[0] > 0 else 1_000_000
    return USUAL_LIMIT


def _dotted(version: int) -> str:
    return f"{version // 10000}.{version // 100 % 100}.{version % 100}"


def _description(present: set[str], version: int | None) -> str:
    search = f"RediSearch {_dotted(version)}" if version else "RediSearch" if "FT.SEARCH" in present else ""
    return " and ".join(filter(None, (search, "RedisJSON" if "JSON.SET" in present else ""))) or "no modules"

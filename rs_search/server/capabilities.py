"""What a server can do, found out once a connection."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakSet

from ..errors import LimitLowered, MissingModule, ServerError, ServerUnavailable
from ..operations.requests import Operation, command
from .replies import mapping, text

logger = logging.getLogger("rs_search")
T = TypeVar("T")

#: INDEXMISSING and INDEXEMPTY came with RediSearch 2.10.
OLDEST_SEARCH = 21000
#: What redis-stack sets; taken where the server does not tell.
USUAL_LIMIT = 10_000
#: Seconds after which a server without search is asked anew whether it has it now.
ASK_EVERY = 5.0
#: What tells that the server can do less than when it was asked.
OUTDATED = (MissingModule, LimitLowered)
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


@dataclass(frozen=True)
class IndexHealth:
    """What was last seen of an index.

    ``checked`` is when (of a monotonic clock, in seconds); ``seen`` the index's name and how often it had refused a
    document by then; ``why_not`` says why queries are not answered from it, None if they are; ``filling_since`` when it
    was first seen to read documents that were there before it, None if it is whole.
    """

    checked: float
    seen: tuple[str, int] = ("", 0)
    why_not: str | None = None
    filling_since: float | None = None


@dataclass
class ServerState:
    """What is known of the server behind one connection pool.

    ``asked`` is when the capabilities were asked for, of a monotonic clock; ``served`` are the names of indexes that
    have answered, so that one that is gone is told. ``watchers`` lets so many threads keep a connection of the pool
    for a whole transaction that others are left, where there are any. ``heed`` is what has connections heed `once`, as
    soon as that was used.
    """

    database: int = 0
    capabilities: Capabilities | None = None
    indexes: dict[str, IndexHealth] = field(default_factory=dict)
    asked: float = math.inf
    served: set[str] = field(default_factory=set)
    reconnects: int = 0
    connected: WeakSet[Any] = field(default_factory=WeakSet)
    heed: Callable[[Any], None] | None = None
    connecting: threading.Lock = field(default_factory=threading.Lock)
    watchers: threading.Semaphore = field(default_factory=threading.Semaphore)

    def note_connected(self, connection: Any) -> None:
        """A connection was made. One made anew may lead to a server that was started anew, or to another one.

        Its indexes may be gone, or be read in again from an append-only file: until that is done they answer with what
        they have. It may have other modules and settings.
        """
        if connection in self.connected:
            self.reconnects += 1
            self.indexes.clear()
            self.asked = -math.inf
        with self.connecting:
            self.connected.add(connection)
            if self.heed is not None:
                self.heed(connection)

    def have_heed(self, heed: Callable[[Any], None]) -> None:
        """Have ``heed`` done to all connections, now, and when they are made or made anew."""
        with self.connecting:
            self.heed = heed
            for connection in self.connected:
                heed(connection)

    @property
    def known(self) -> Capabilities | None:
        """The capabilities, if they were found out and hold."""
        found = self.capabilities
        lasts = math.inf if found is None or found.why_no_search is None else ASK_EVERY
        return found if time.monotonic() - self.asked < lasts else None

    def note_less(self, error: Exception) -> None:
        """The server can do less than when it was asked: one of `OUTDATED` tells."""
        logger.warning("the server can do less than before: %s", error)
        self.forget()

    def forget(self) -> None:
        """Find out anew what the server can do, and what its indexes hold."""
        self.capabilities = None
        self.indexes.clear()


def discover(state: ServerState) -> Operation[Capabilities]:
    """The capabilities, found out on first use; a warning is logged where queries will have to scan.

    A server without search is asked again every `ASK_EVERY` seconds: modules can be loaded while it runs.
    Cost: 2 to 4 round trips, once a connection pool, and after a connection was made anew.
    """
    # Looked at once: the seconds that it holds for may be over at the next look.
    if (valid := state.known) is not None:
        return valid
    known = state.capabilities
    found = yield from _ask(state.database)
    state.asked = time.monotonic()
    if found != known:
        if known is not None:
            logger.warning("the server has changed: it has %s now", found.description)
            state.indexes.clear()
        if found.why_no_search is not None:
            logger.warning("queries will read whole collections: %s", found.why_no_search)
        state.capabilities = found
    return found


def rediscovering(state: ServerState, make: Callable[[], Operation[T]]) -> Operation[T]:
    """Run an operation; where the server can do less than when it was asked, once more, knowing that."""
    try:
        return (yield from make())
    except OUTDATED as error:
        state.note_less(error)
        return (yield from make())


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
    sorted_rows = yield from sorted_limit()
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


def sorted_limit() -> Operation[int]:
    """How many rows FT.AGGREGATE sorts. Cost: 1 round trip, 2 in Redis 8."""
    return (yield from _limit("MAXAGGREGATERESULTS", "search-max-aggregate-results"))


def _limit(name: str, newer_name: str) -> Operation[int]:
    for words in (("FT.CONFIG", "GET", name), ("CONFIG GET", newer_name)):
        try:
            reply: Any = yield command(*words)
            found = [_as_number(text(value)) for value in mapping(reply).values()]
        except ServerUnavailable:
            raise
        except (ServerError, ValueError, TypeError):
            continue
        if found:
            return found[0] if found[0] > 0 else 1_000_000
    return USUAL_LIMIT


def _as_number(value: str) -> int:
    # RediSearch says -1 of the one and "unlimited" of the other, which is a million in fact.
    return -1 if value == "unlimited" else int(value)


def _dotted(version: int) -> str:
    return f"{version // 10000}.{version // 100 % 100}.{version % 100}"


def _description(present: set[str], version: int | None) -> str:
    search = f"RediSearch {_dotted(version)}" if version else "RediSearch" if "FT.SEARCH" in present else ""
    return " and ".join(filter(None, (search, "RedisJSON" if "JSON.SET" in present else ""))) or "no modules"

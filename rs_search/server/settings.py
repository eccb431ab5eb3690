"""What a server should be set to, for complete answers and data that stay; docker-compose.yml says the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import ServerError, ServerUnavailable
from ..operations.requests import Operation, command
from .replies import mapping, text

SEARCH, PERSISTENCE = "search", "persistence"


def _as_many(actual: str, wanted: str) -> bool:
    # -1 and "unlimited" are a million in fact.
    return actual == "unlimited" or int(actual) < 0 or int(actual) >= int(wanted)


def _as_long(actual: str, wanted: str) -> bool:
    # 0 is "without end".
    return int(actual) == 0 or int(actual) >= int(wanted)


def _same(actual: str, wanted: str) -> bool:
    return actual.lower() == wanted.lower()


def _some(actual: str, wanted: str) -> bool:
    return bool(actual.strip())


@dataclass(frozen=True)
class Setting:
    """A setting: its name in RediSearch's arguments and FT.CONFIG, and that of CONFIG in Redis 8.

    ``without`` says what is lost where ``fits(actual, wanted)`` is false.
    """

    name: str
    newer_name: str
    wanted: str
    without: str
    fits: Callable[[str, str], bool] = _as_many
    group: str = SEARCH


#: The one table; the compose file's comments give the reasons at length.
SETTINGS = (
    Setting("MAXSEARCHRESULTS", "search-max-search-results", "1000000", "rows beyond are left out of one reply"),
    Setting("MAXAGGREGATERESULTS", "search-max-aggregate-results", "1000000", "rows beyond are left out of one reply"),
    Setting("TIMEOUT", "search-timeout", "10000", "longer queries of other programs are cut", _as_long),
    Setting("ON_TIMEOUT", "search-on-timeout", "fail", "a query that takes too long gives a part of the answer", _same),
    Setting("MAXPREFIXEXPANSIONS", "search-max-prefix-expansions", "1000000",
            "words beyond are dropped from beginnings, ends and likenesses"),
    Setting("appendonly", "appendonly", "yes", "what was written since the last snapshot is lost in a crash", _same,
            PERSISTENCE),
    Setting("save", "save", "60 1000", "there is no snapshot to copy elsewhere", _some, PERSISTENCE),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A setting as a server has it; None where the server does not tell."""

    setting: Setting
    actual: str | None

    @property
    def fits(self) -> bool | None:
        """Whether it is as it should be, or better; None where that is not known."""
        if self.actual is None:
            return None
        try:
            return self.setting.fits(self.actual, self.setting.wanted)
        except ValueError:
            return False


def value_of(name: str, newer_name: str) -> Operation[str | None]:
    """A setting of the server, None where it has none or does not tell. 1 or 2 round trips."""
    for words in (("FT.CONFIG", "GET", name), ("CONFIG GET", newer_name)):
        try:
            reply: Any = yield command(*words)
            found = [str(text(value)) for value in mapping(reply).values() if value is not None]
        except ServerUnavailable:
            raise
        except (ServerError, TypeError, ValueError):
            continue
        if found:
            return found[0]
    return None


def look(group: str | None = None) -> Operation[tuple[Found, ...]]:
    """The settings as the server has them, of one group or of all."""
    found = []
    for setting in SETTINGS:
        if group in (None, setting.group):
            found.append(Found(setting, (yield from value_of(setting.name, setting.newer_name))))
    return tuple(found)

"""Keys: where in Redis an object of a model stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import InvalidObject

_GLOB = re.compile(r"([\\*?\[\]^])")
_QUOTED = {"%": "%25", ":": "%3A"}


def quoted(part: str, also: str = "") -> str:
    """A part of a key without ``:`` and what ``also`` lists."""
    return "".join(f"%{ord(sign):02X}" if sign in also else _QUOTED.get(sign, sign) for sign in part)


class PrimaryKeyReader(NamedTuple):
    """What reads primary keys; ``begin``: of a key without ``%`` it gives what stands from there on."""

    read: Callable[[str], str]
    begin: int | None = None


@dataclass(frozen=True)
class KeyPattern:
    """What stands before and after the primary key in a key.

    With ``quotes`` the signs ``:`` and ``%`` in a primary key are quoted, so that no two objects of any model share a
    key; without, keys are those of redis-schematics.
    """

    before: str
    after: str = ""
    quotes: bool = True

    def key(self, pk: str) -> str:
        """The key of a primary key. Raises `InvalidObject` for what no key can hold.

        >>> KeyPattern("Ice:").key("a:b"), KeyPattern("Ice:", quotes=False).key("a:b")
        ('Ice:a%3Ab', 'Ice:a:b')
        """
        if pk.isascii() and not ("\0" in pk or ":" in pk or "%" in pk):
            return f"{self.before}{pk}{self.after}"
        if "\0" in pk:
            # RediSearch cuts a key there and would load another document.
            raise InvalidObject(f"{self.before}…: a primary key must not contain NUL: {pk!r}")
        if any("\ud800" <= sign <= "\udfff" for sign in pk):
            raise InvalidObject(f"{self.before}…: a primary key must have a UTF-8 form, and {pk!r} has none")
        return f"{self.before}{quoted(pk) if self.quotes else pk}{self.after}"

    def pk(self, key: str) -> str:
        """The primary key in a key.

        >>> KeyPattern("Ice:").pk("Ice:a%3Ab")
        'a:b'
        """
        middle = key[len(self.before) : len(key) - len(self.after)]
        return middle.replace("%3A", ":").replace("%25", "%") if self.quotes else middle

    @property
    def reader(self) -> PrimaryKeyReader:
        """`pk`, for many keys: most have nothing that is quoted."""
        return PrimaryKeyReader(self.pk, len(self.before) if self.ranks_itself else None)

    @property
    def ranks_itself(self) -> bool:
        """Whether keys have the order of their `rank`."""
        return self.quotes and not self.after

    def rank(self, key: str) -> str:
        """What keys are ordered by: the same on every layer, whether it quotes or not."""
        middle = key[len(self.before) : len(key) - len(self.after)]
        return middle if self.quotes else quoted(middle)

    def owned(self, keys: list[str], others: tuple[str, ...] = ()) -> list[str]:
        """Those of many keys that are of these; `owns`, where SCAN found each by `glob`."""
        begin = len(self.before)
        if self.quotes and not self.after:
            return [key for key in keys if (rest := key[begin:]) and ":" not in rest]
        return [key for key in keys if self.owns(key, others)]

    def owns(self, key: str, others: tuple[str, ...] = ()) -> bool:
        """Whether a key is one of these; ``others`` are beginnings of other models' keys."""
        if not key.startswith(self.before) or not key.endswith(self.after) or len(key) <= len(self.before + self.after):
            return False
        # `User:Profile:1` belongs to another model.
        middle = key[len(self.before) : len(key) - len(self.after)]
        return ":" not in middle if self.quotes else not any(key.startswith(other) for other in others)

    @property
    def glob(self) -> str:
        """The pattern for SCAN.

        >>> KeyPattern("a*b:").glob
        'a\\\\*b:*'
        """
        before, after = (_GLOB.sub(r"\\\1", part) for part in (self.before, self.after))
        return f"{before}*{after}"

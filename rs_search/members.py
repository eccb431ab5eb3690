"""Some members of documents, read from their texts without the rest: a third of the time of reading all.

msgspec passes over members that nobody asked for without making anything of them (0.35 µs a document of 460 bytes,
where reading all of it takes 0.85).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypedDict

import msgspec

from .companions import restore_exact
from .index_schema import EXACT
from .reading import Document, parse
from .schema import COMPANIONS


class Beside(msgspec.Struct):
    """What reading needs of the companions: the floats that RedisJSON read one unit off."""

    exact: Any = msgspec.field(name=EXACT, default=None)


@functools.lru_cache(maxsize=256)
def members_reader(members: frozenset[str]) -> Callable[[bytes | str, str], Document]:
    """A function of a text and its key that gives these members of the document, as `parse` reads them.

    Making it costs as much as reading a hundred documents. It raises `UnreadableDocument`.
    """
    # The functional form: members may have any name.
    kind = TypedDict("Members", {**dict.fromkeys(members, Any), COMPANIONS: Beside}, total=False)  # type: ignore[misc]
    decode = msgspec.json.Decoder(kind).decode

    def read(text: bytes | str, key: str) -> Document:
        try:
            document: Any = decode(text)
        except ValueError:
            # Not what a layer of ours writes: read, or refused, as a whole.
            return parse(text, key)
        beside = document.pop(COMPANIONS, None)
        if beside is not None and beside.exact is not None:
            restore_exact(document, beside.exact)
        return document  # type: ignore[no-any-return]

    return read

"""Some members of documents, read from their texts without the rest: a third of the time of reading all.

msgspec passes over members that nobody asked for without making anything of them (0.35 µs a document of 460 bytes,
where reading all of it takes 0.85).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

from . import kinds
from .companions import restore_exact
from .index_schema import EXACT
from .paths import Path
from .reading import Document
from .schema import COMPANIONS

#: What is no float, and holds none.
_NO_FLOATS = (kinds.TEXT, kinds.IDENTIFIER, kinds.REFERENCE, kinds.BOOLEAN, kinds.INTEGER, kinds.MULTILINGUAL)
#: Gives members of a document of its text. Raises `ValueError` for what no layer of ours writes.
Read = Callable[[Any], Document]


def members_reader(paths: Iterable[Path]) -> Read:
    """A function of a text that gives what paths need of the document, as `rs_search.reading.parse` reads it."""
    given = list(paths)
    floats = any(path.field.kind not in _NO_FLOATS for path in given)
    return _reader(frozenset(str(path.steps[0]) for path in given), floats)


@functools.cache
def _beside() -> Any:
    # msgspec is imported here, because a program that only writes does without.
    import msgspec

    class Beside(msgspec.Struct):
        """What reading needs of the companions: the floats that RedisJSON read one unit off."""

        exact: Any = msgspec.field(name=EXACT, default=None)

    return Beside


@functools.lru_cache(maxsize=256)
def _reader(members: frozenset[str], floats: bool) -> Read:
    # Making one costs as much as reading a hundred documents. The functional form: members may have any name.
    import msgspec

    beside = {COMPANIONS: _beside()} if floats else {}
    kind = TypedDict("Members", {**dict.fromkeys(members, Any), **beside}, total=False)  # type: ignore[misc]
    decode: Any = msgspec.json.Decoder(kind).decode

    def read(text: Any) -> Document:
        document: Document = decode(text)
        found = document.pop(COMPANIONS, None)
        if found is not None and found.exact is not None:
            restore_exact(document, found.exact)
        return document

    return read if floats else decode

"""Replies of RESP2 and RESP3, bytes or text, in one shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class Page(NamedTuple):
    """Rows of FT.SEARCH or FT.AGGREGATE: a key, and the document's text if it was asked for and is there still.

    ``total`` is how many match in all; ``texts_there``: that each row is known to have its text.
    """

    total: int
    rows: list[tuple[str, Any]]
    warnings: tuple[str, ...]
    texts_there: bool = False

    @property
    def whole(self) -> bool:
        """Whether each row has its text."""
        return self.texts_there or all(text is not None for _, text in self.rows)


def text(value: Any) -> Any:
    """Bytes as text; all else as it is.

    >>> text(b"OK"), text(3)
    ('OK', 3)
    """
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def mapping(reply: Any) -> dict[str, Any]:
    """A reply of names and values, as RESP3's map or RESP2's flat list.

    >>> mapping([b"a", 1]), mapping({b"a": 1}), mapping([[b"a", 1]])
    ({'a': 1}, {'a': 1}, {'a': 1})
    """
    if isinstance(reply, dict):
        return {text(name): value for name, value in reply.items()}
    if reply and isinstance(reply[0], (list, tuple)):
        return {text(pair[0]): pair[1] for pair in reply}
    return {text(name): value for name, value in zip(reply[::2], reply[1::2], strict=False)}


def plain(reply: Any) -> Any:
    """A whole reply with its bytes as text.

    >>> plain({b"a": [b"b", 1]})
    {'a': ['b', 1]}
    """
    if isinstance(reply, dict):
        return {text(name): plain(value) for name, value in reply.items()}
    return [plain(value) for value in reply] if isinstance(reply, (list, tuple)) else text(reply)


def search_page(reply: Any, content: bool = True) -> Page:
    """FT.SEARCH's reply. ``content`` tells whether RESP2 has attributes between the keys."""
    if isinstance(reply, dict):
        if b"results" in reply:
            try:
                # What a page of thousand rows costs is here: no function is called for a row.
                rows = [(row[b"id"].decode(), row[b"extra_attributes"][b"$"]) for row in reply[b"results"]]
                return Page(reply[b"total_results"], rows, _warnings(reply, _BYTES), True)
            except (KeyError, TypeError, UnicodeDecodeError):
                # Keys alone were asked for, or a document has expired.
                pass
        words = _words_of(reply)
        rows = [(text(row[words.id]), _member(row, words)) for row in reply[words.results]]
        return Page(int(reply[words.total]), rows, _warnings(reply, words))
    if not content:
        return Page(int(reply[0]), [(text(key), None) for key in reply[1:]], ())
    rows = [(text(key), _after(_TEXT, values)) for key, values in zip(reply[1::2], reply[2::2], strict=True)]
    return Page(int(reply[0]), rows, ())


def told_total(reply: Any) -> tuple[int, tuple[str, ...]]:
    """How many rows FT.SEARCH's reply tells of, and its warnings.

    >>> told_total([3, b"Ice:1"]), told_total({"total_results": 3, "results": [], "warning": []})
    ((3, ()), (3, ()))
    """
    if not isinstance(reply, dict):
        return int(reply[0]), ()
    words = _words_of(reply)
    return int(reply[words.total]), _warnings(reply, words)


def aggregate_page(reply: Any) -> Page:
    """FT.AGGREGATE's reply, the key taken from ``__key``."""
    if isinstance(reply, dict):
        if b"results" in reply:
            try:
                found = [row[b"extra_attributes"] for row in reply[b"results"]]
                rows = [(values[b"__key"].decode(), values[b"$"]) for values in found]
                return Page(reply[b"total_results"], rows, _warnings(reply, _BYTES), True)
            except (KeyError, TypeError, UnicodeDecodeError):
                pass
        words = _words_of(reply)
        rows = [
            (text((row[words.attributes] or {}).get(words.key)), _member(row, words)) for row in reply[words.results]
        ]
        return Page(int(reply[words.total]), rows, _warnings(reply, words))
    return Page(int(reply[0]), [(text(_after(_KEY, values)), _after(_TEXT, values)) for values in reply[1:]], ())


#: Steps of FT.AGGREGATE that give all keys as one list: a sixth of the memory of a row each, with RESP3 a fifteenth,
#: and no limit on results cuts it.
LISTED = ("LOAD", "1", "@__key", "GROUPBY", "0", "REDUCE", "TOLIST", "1", "@__key", "AS", "keys",
          "REDUCE", "COUNT", "0", "AS", "n")  # fmt: skip


def reduced(reply: Any, name: str) -> Any:
    """What a reducer of FT.AGGREGATE without groups gave under a name; None where there was no row."""
    rows = mapping(reply)["results"] if isinstance(reply, dict) else reply[1:]
    if not rows:
        return None
    values = mapping(rows[0])["extra_attributes"] if isinstance(reply, dict) else rows[0]
    return mapping(values)[name]


@dataclass(frozen=True)
class _Words:
    """The words of RESP3's replies, as the client gives them: bytes, or text."""

    results: Any
    id: Any
    attributes: Any
    text: Any
    key: Any
    total: Any
    warnings: tuple[Any, ...]


_TEXTS = _Words("results", "id", "extra_attributes", "$", "__key", "total_results", ("warning", "warnings"))
_BYTES = _Words(b"results", b"id", b"extra_attributes", b"$", b"__key", b"total_results", (b"warning", b"warnings"))


def _words_of(reply: dict[Any, Any]) -> _Words:
    return _BYTES if b"results" in reply else _TEXTS


def _member(row: Any, words: _Words) -> Any:
    attributes = row.get(words.attributes)
    return attributes.get(words.text) if attributes else None


def _warnings(reply: dict[Any, Any], words: _Words) -> tuple[str, ...]:
    first, second = words.warnings
    warnings = reply.get(first) or reply.get(second)
    return tuple(str(text(warning)) for warning in warnings) if warnings else ()


#: Names in RESP2's flat lists, as clients give them.
_TEXT, _KEY = ("$", b"$"), ("__key", b"__key")


def _after(names: tuple[str, bytes], values: Any) -> Any:
    """The value of a name in RESP2's flat list; None where it is not there."""
    # A sort key may stand before it, and what expired has no values.
    for place in range(0, len(values or ()), 2):
        if values[place] in names:
            return values[place + 1]
    return None

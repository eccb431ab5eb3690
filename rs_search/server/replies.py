"""Replies of RESP2 and RESP3, bytes or text, in one shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """Rows of FT.SEARCH or FT.AGGREGATE: each a key (if given) and its attributes; and how many match in all."""

    total: int
    rows: list[tuple[str, dict[str, Any]]]
    warnings: tuple[str, ...]


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
        return _resp3_page(mapping(reply))
    keys = reply[1::2] if content else reply[1:]
    attributes = reply[2::2] if content else [None] * len(keys)
    rows = [(text(key), mapping(values or [])) for key, values in zip(keys, attributes, strict=True)]
    return Page(int(reply[0]), rows, ())


def aggregate_page(reply: Any) -> Page:
    """FT.AGGREGATE's reply, the key taken from ``__key``."""
    if isinstance(reply, dict):
        page = _resp3_page(mapping(reply))
        return Page(page.total, [(text(values.get("__key")), values) for _, values in page.rows], page.warnings)
    rows = [mapping(values) for values in reply[1:]]
    return Page(int(reply[0]), [(text(values.get("__key")), values) for values in rows], ())


def cursor_page(reply: Any) -> tuple[Page, int]:
    """FT.AGGREGATE's reply WITHCURSOR: the page, and the cursor, 0 if there is no more."""
    return aggregate_page(reply[0]), int(reply[1])


def _resp3_page(reply: dict[str, Any]) -> Page:
    rows = []
    for row in reply.get("results", []):
        row = mapping(row)
        rows.append((text(row.get("id", "")), mapping(row.get("extra_attributes") or {})))
    warnings = reply.get("warning") or reply.get("warnings") or []
    return Page(int(reply.get("total_results", 0)), rows, tuple(str(text(warning)) for warning in warnings))

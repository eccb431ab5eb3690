"""The index's life: made on first use, awaited before it answers, and looked at for documents that it refused."""

from __future__ import annotations

import time
from typing import Any

from ..errors import MissingIndex, ServerError, ServerUnavailable
from ..index_schema import IndexSchema
from ..server.capabilities import IndexHealth, ServerState
from ..server.index_arguments import create_arguments
from ..server.replies import cursor_page, mapping, text
from ..storage import storage_of
from ..storage.json_document import existing
from .requests import Command, Operation, Pause, command

FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.2
#: Seconds between two looks at FT.INFO, which costs as much as a small query.
LOOK_EVERY = 1.0
MOST_KEYS = 1_000_000


def ensure_index(state: ServerState, schema: IndexSchema) -> Operation[str | None]:
    """Make the index if it is not there, and wait until it holds every document that was there before it.

    Gives None, or why the index cannot answer: documents that it refused would be left out. (No layer of ours writes
    such; other programs may.) Cost: nothing within a second of the last look; else 1 round trip, or one a poll while
    the server reads documents, and O(keys of the database) once after the server refused something.
    """
    health = state.indexes.get(schema.name)
    now = time.monotonic()
    if health is not None and now - health.checked < LOOK_EVERY:
        return health.refused
    info = yield from _awaited_info(schema)
    failures = int(text(info.get("hash_indexing_failures", 0)))
    if health is not None and health.failures == failures and health.refused is None:
        health.checked = now
        return None
    refused = (yield from _refused_keys(schema)) if failures else []
    state.indexes[schema.name] = IndexHealth(now, failures, _told(refused, info))
    return state.indexes[schema.name].refused


def _awaited_info(schema: IndexSchema) -> Operation[dict[str, Any]]:
    info = yield from _info_or_create(schema)
    pause = FIRST_PAUSE
    while _is_filling(info):
        # Until then the index answers with what it has: 0, 15k, 33k … of 60,000 documents.
        yield Pause(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        info = mapping((yield command("FT.INFO", schema.name)))
    return info


def _info_or_create(schema: IndexSchema) -> Operation[dict[str, Any]]:
    try:
        info = yield command("FT.INFO", schema.name)
    except MissingIndex:
        yield from _create(schema)
        info = yield command("FT.INFO", schema.name)
    return mapping(info)


def _create(schema: IndexSchema) -> Operation[None]:
    try:
        yield Command(create_arguments(schema))
    except ServerUnavailable:
        raise
    except ServerError as error:
        # Another process was faster: the name carries the schema's fingerprint, so it is the same index.
        if "already exists" not in str(error).lower():
            raise


def _is_filling(info: dict[str, Any]) -> bool:
    # As numbers: a server says 0, "0" or 0.0.
    return float(text(info.get("indexing", 0))) != 0 or float(text(info.get("percent_indexed", 1))) < 1


def _refused_keys(schema: IndexSchema) -> Operation[list[str]]:
    """Keys of documents that are not in the index. The server counts refusals, and forgets none that was mended."""
    keys = yield from storage_of(schema.model).keys()
    reply = yield command("FT.AGGREGATE", schema.name, "*", "LOAD", "1", "@__key", "WITHCURSOR", "COUNT",
                          str(MOST_KEYS), "TIMEOUT", "0", "DIALECT", "2")  # fmt: skip
    page, cursor = cursor_page(reply)
    if cursor:
        yield command("FT.CURSOR", "DEL", schema.name, cursor)
    indexed = {key for key, _ in page.rows}
    absent = [key for key in keys if key not in indexed]
    # Those removed since the keys were listed are nobody's loss.
    return (yield from existing(absent))


def _told(refused: list[str], info: dict[str, Any]) -> str | None:
    if not refused:
        return None
    errors = mapping(info.get("Index Errors") or {})
    reason = text(errors.get("last indexing error", "unknown"))
    return (
        f"the index refused {len(refused)} of the documents, {', '.join(refused[:3])}"
        f"{' …' if len(refused) > 3 else ''} (its last error: {reason})"
    )

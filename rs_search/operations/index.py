"""The index's life: made on first use, and awaited before it answers."""

from __future__ import annotations

from typing import Any

from ..errors import MissingIndex, ServerError, ServerUnavailable
from ..index_schema import IndexSchema
from ..server.capabilities import ServerState
from ..server.index_arguments import create_arguments
from ..server.replies import mapping, text
from .requests import Command, Operation, Pause, command

FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.2


def ensure_index(state: ServerState, schema: IndexSchema) -> Operation[None]:
    """Make the index if it is not there, and wait until it holds every document that was there before it.

    Cost: nothing once it is known to be ready; else 1 round trip, or one a poll while the server reads documents.
    """
    if schema.name in state.ready_indexes:
        return
    info = yield from _info_or_create(schema)
    pause = FIRST_PAUSE
    while _is_filling(info):
        # Until then the index answers with what it has: 0, 15k, 33k … of 60,000 documents.
        yield Pause(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        info = yield command("FT.INFO", schema.name)
    state.ready_indexes.add(schema.name)


def _info_or_create(schema: IndexSchema) -> Operation[Any]:
    try:
        info = yield command("FT.INFO", schema.name)
    except MissingIndex:
        yield from _create(schema)
        info = yield command("FT.INFO", schema.name)
    return info


def _create(schema: IndexSchema) -> Operation[None]:
    try:
        yield Command(create_arguments(schema))
    except ServerUnavailable:
        raise
    except ServerError as error:
        # Another process was faster: the name carries the schema's fingerprint, so it is the same index.
        if "already exists" not in str(error).lower():
            raise


def _is_filling(info: Any) -> bool:
    found = mapping(info)
    # As numbers: a server says 0, "0" or 0.0.
    return float(text(found.get("indexing", 0))) != 0 or float(text(found.get("percent_indexed", 1))) < 1

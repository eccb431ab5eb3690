"""Golden file: what every type is stored as, byte by byte, on every layer. What was written must stay what is written.

`stored.txt` holds, for each case, the key and the text. ``RS_SEARCH_UPDATE_GOLDEN=1`` writes it anew; then read the
difference: every line that changes is data that other programs read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures.models import FULL, Everything
from fixtures.values import VALUES, model_of

from rs_search import InvalidObject
from rs_search.instances import prepare
from rs_search.storage.field_keys import FieldKeys
from rs_search.storage.json_document import JsonDocuments
from rs_search.storage.string import JsonStrings
from rs_search.storage.type_hash import TypeHash

FILE = Path(__file__).with_name("stored.txt")
UPDATE = os.environ.get("RS_SEARCH_UPDATE_GOLDEN") == "1"


LAYERS = (JsonDocuments, JsonStrings, TypeHash, FieldKeys)


def cases() -> Iterator[tuple[str, type[Any], dict[str, Any]]]:
    """The name of each case, its model, and its values."""
    for layer in LAYERS:
        whole: Any = type("Whole", (Everything,), {"__storage__": layer})
        yield f"{layer.__name__}: everything", whole, FULL
        yield f"{layer.__name__}: nothing", whole, {}
    for name, values in VALUES.items():
        for layer in (JsonDocuments, JsonStrings):
            model = model_of(name, layer)
            for place, value in enumerate([None, *values]):
                yield f"{layer.__name__}: {name} {place}", model, {name: value}


def stored(model: type[Any], values: dict[str, Any]) -> str:
    """The key and the text of an object, on one line of ASCII; what is wrong with it, where it cannot be kept."""
    instance = model({"pk": "1"})
    for name, value in values.items():
        instance._data.converted[name] = value
    try:
        prepared = prepare(instance)
    except InvalidObject as error:
        return ascii(f"{type(error).__name__}: {error}")
    return f"{prepared.key!a} {prepared.payload!a}"


def made() -> dict[str, str]:
    return {name: stored(model, values) for name, model, values in cases()}


def written() -> dict[str, str]:
    lines = FILE.read_text(encoding="ascii").splitlines()
    return {name: line.strip() for name, line in zip(lines[::2], lines[1::2], strict=True)}


if UPDATE:
    FILE.write_text("".join(f"{name}\n    {text}\n" for name, text in made().items()), encoding="ascii")


def test_every_value_is_stored_as_it_always_was() -> None:
    assert made() == written()

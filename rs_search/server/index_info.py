"""FT.INFO in one shape, and what in it is not as the model declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..index_schema import IndexSchema
from .index_arguments import described, key_filter, wanted_fields
from .replies import mapping, plain, text

#: Names of FT.INFO's sizes, which it gives in MiB, and what they are the sizes of.
_PARTS = {
    "inverted_sz_mb": "inverted indexes",
    "vector_index_sz_mb": "vectors",
    "offset_vectors_sz_mb": "positions of words",
    "doc_table_size_mb": "table of documents",
    "sortable_values_size_mb": "sortable values",
    "key_table_size_mb": "table of keys",
    "tag_overhead_sz_mb": "tags",
    "text_overhead_sz_mb": "words",
    "geoshapes_sz_mb": "shapes",
}
#: What stands before a value in RESP2's description of a field; all other words are flags.
_NAMED = frozenset({"identifier", "attribute", "type", "SEPARATOR", "WEIGHT", "PHONETIC", "coord_system"})


@dataclass(frozen=True)
class IndexInfo:
    """What the server tells of an index. Sizes are in bytes; ``done`` is the part that it has read, up to 1."""

    name: str
    documents: int
    failures: int
    done: float
    filling: bool
    last_error: str
    last_key: str
    memory: int
    parts: dict[str, int]
    uses: int
    fields: dict[str, str]
    definition: dict[str, Any]
    stopwords: bool

    def differences(self, schema: IndexSchema) -> tuple[str, ...]:
        """What is not as the model declares, a sentence each."""
        wanted = {**wanted_fields(schema), **_definition(schema)}
        found = {**self.fields, **self.definition}
        told = [
            f"{name} is not in the index" if name not in found
            else f"{name} is in the index and not in the model" if name not in wanted
            else f"{name} is {found[name]!r} in the index and {wanted[name]!r} in the model"
            for name in dict.fromkeys([*wanted, *found])
            if found.get(name) != wanted.get(name)
        ]  # fmt: skip
        return (*told, *(["the index has stop words"] if self.stopwords else []))


def index_info(reply: Any) -> IndexInfo:
    """FT.INFO's reply."""
    info = mapping(reply)
    errors = mapping(info.get("Index Errors") or {})
    definition = mapping(info.get("index_definition") or {})
    done = float(text(info.get("percent_indexed", 1)))
    return IndexInfo(
        name=text(info["index_name"]),
        documents=_whole(info, "num_docs"),
        failures=_whole(info, "hash_indexing_failures"),
        done=min(done, 1.0),
        # As numbers: a server says 0, "0" or 0.0.
        filling=_whole(info, "indexing") != 0 or done < 1,
        last_error=text(errors.get("last indexing error", "")),
        last_key=text(errors.get("last indexing error key", "")),
        memory=_bytes(info, "total_index_memory_sz_mb"),
        parts={name: size for key, name in _PARTS.items() if (size := _bytes(info, key))},
        uses=_whole(info, "number_of_uses"),
        fields=dict(map(_field, info.get("attributes") or [])),
        definition={name: plain(definition[name]) for name in ("key_type", "prefixes", "filter") if name in definition},
        stopwords="stopwords_list" not in info or bool(info["stopwords_list"]),
    )


def _definition(schema: IndexSchema) -> dict[str, Any]:
    return {"key_type": "JSON", "prefixes": [schema.prefix], "filter": key_filter(schema.prefix)}


def _whole(info: dict[str, Any], name: str) -> int:
    return int(float(text(info.get(name, 0))))


def _bytes(info: dict[str, Any], name: str) -> int:
    return int(float(text(info.get(name, 0))) * 1024 * 1024)


def _field(told: Any) -> tuple[str, str]:
    """A field's alias, and the field `described`."""
    if isinstance(told, dict):
        named = mapping(told)
        words = [text(word) for word in named.get("flags") or []]
    else:
        named, words = _separated([text(word) for word in told])
    return text(named["attribute"]), described(text(named["identifier"]), text(named["type"]), words)


def _separated(words: list[Any]) -> tuple[dict[str, Any], list[str]]:
    named, flags, place = {}, [], 0
    while place < len(words):
        if words[place] in _NAMED:
            named[words[place]] = words[place + 1]
            place += 1
        else:
            flags.append(str(words[place]))
        place += 1
    return named, flags

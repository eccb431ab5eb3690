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
#: What FT.INFO tells of the definition, and what that is called here: no alias of a field has a blank.
_DEFINITION = {
    "key_type": "its kind of key",
    "prefixes": "its prefixes",
    "filter": "its filter",
    # Of documents in other languages other stems are indexed.
    "default_language": "its language",
    "language_field": "its field of languages",
}
#: Options of a whole index that leave out what queries need.
_LACKS = frozenset({"NOOFFSETS", "NOFREQS", "NOFIELDS"})


@dataclass(frozen=True)
class IndexInfo:
    """What the server tells of an index. Sizes are in bytes; ``done`` is the part that it has read, up to 1.

    ``errors`` are what the server said of documents that it refused, by their keys: the last one of each field.
    """

    name: str
    documents: int
    failures: int
    done: float
    filling: bool
    last_error: str
    errors: dict[str, str]
    memory: int
    parts: dict[str, int]
    fields: dict[str, str]
    definition: dict[str, Any]
    odd: tuple[str, ...]

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
        return (*told, *(f"the index has {name}" for name in self.odd))


def index_info(reply: Any) -> IndexInfo:
    """FT.INFO's reply."""
    info = mapping(reply)
    errors = _errors(info)
    definition = mapping(info.get("index_definition") or {})
    done = float(text(info.get("percent_indexed", 1)))
    return IndexInfo(
        name=text(info["index_name"]),
        documents=_whole(info, "num_docs"),
        failures=_whole(info, "hash_indexing_failures"),
        done=min(done, 1.0),
        # As numbers: a server says 0, "0" or 0.0.
        filling=_whole(info, "indexing") != 0 or done < 1,
        last_error=next(iter(errors.values()), ""),
        errors=errors,
        memory=_bytes(info, "total_index_memory_sz_mb"),
        parts={name: size for key, name in _PARTS.items() if (size := _bytes(info, key))},
        fields=dict(map(_field, info.get("attributes") or [])),
        definition={own: plain(definition[name]) for name, own in _DEFINITION.items() if name in definition},
        odd=_odd(info),
    )


def _definition(schema: IndexSchema) -> dict[str, Any]:
    wanted = {"key_type": "JSON", "prefixes": [schema.prefix], "filter": key_filter(schema.prefix)}
    return {_DEFINITION[name]: value for name, value in wanted.items()}


def _odd(info: dict[str, Any]) -> tuple[str, ...]:
    stopwords = "stopwords_list" not in info or bool(info["stopwords_list"])
    lacks = sorted(_LACKS.intersection(map(text, info.get("index_options") or [])))
    return (*(["stop words"] if stopwords else []), *lacks)


def _errors(info: dict[str, Any]) -> dict[str, str]:
    """The last error of the index, which comes first, and those of its fields."""
    of_fields = [mapping(field).get("Index Errors") for field in info.get("field statistics") or []]
    found: dict[str, str] = {}
    for told in [info.get("Index Errors"), *of_fields]:
        errors = mapping(told or {})
        if _whole(errors, "indexing failures"):
            key, error = text(errors.get("last indexing error key", "")), text(errors.get("last indexing error", ""))
            found.setdefault(key, error)
    return found


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
    separator = text(named.get("SEPARATOR", ""))
    return text(named["attribute"]), described(text(named["identifier"]), text(named["type"]), words, separator)


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

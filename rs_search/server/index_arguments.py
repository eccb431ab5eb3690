"""FT.CREATE's arguments, made with redis-py's own field and definition classes."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from ..index_schema import IndexField, IndexSchema


def create_arguments(schema: IndexSchema, name: str) -> tuple[str, ...]:
    """The words of FT.CREATE for an index of a model."""
    try:
        from redis.commands.search.index_definition import IndexDefinition, IndexType
    except ImportError:  # redis-py before 6
        from redis.commands.search.indexDefinition import (  # type: ignore[no-redef,import-not-found]
            IndexDefinition,
            IndexType,
        )

    prefix = schema.prefix
    definition: Any = IndexDefinition(  # type: ignore[no-untyped-call]
        prefix=[prefix],
        filter=key_filter(prefix),
        index_type=IndexType.JSON,
    )
    fields = [word for field in schema.fields for word in _redis_field(field).redis_args()]
    # STOPWORDS 0: which words count is the query's business, and a stop word in a union crashes 2.10.5.
    words = ["FT.CREATE", name, *definition.args, "STOPWORDS", "0", "SCHEMA", *fields]
    return tuple(str(word) for word in words)


def key_filter(prefix: str) -> str:
    """The FILTER of an index: keys of ours have no other colon, so `User:Profile:1` is kept out of that of `User`.

    It counts them: to look for one in the rest of the key takes the server a seventh longer for each document.
    """
    return f'contains(@__key,":")=={prefix.count(":")}'


@functools.cache
def _field_classes() -> dict[str, Any]:
    # Here, because redis-py's search takes as long to import as half of the library, and reading by key needs none.
    from redis.commands.search.field import GeoField, NumericField, TagField, TextField

    class ExactTagField(TagField):
        """A TAG without SEPARATOR, which on JSON splits and trims what is to be found exactly."""

        def __init__(self, name: str, **options: Any) -> None:
            super().__init__(name, case_sensitive=True, **options)
            place = self.args.index(self.SEPARATOR)
            del self.args[place : place + 2]

    return {"TAG": ExactTagField, "NUMERIC": NumericField, "TEXT": TextField, "GEO": GeoField}


def _redis_field(field: IndexField) -> Any:
    made: Any = _field_classes()[field.kind](field.json_path, as_name=field.alias)
    # Given here and not by the constructors: redis-py 5.0 does not know the first two, none knows UNF, and the
    # server wants them before SORTABLE.
    if field.kind == "TAG":
        made.args_suffix.append("INDEXEMPTY")
    if field.missing:
        made.args_suffix.append("INDEXMISSING")
    if field.sortable:
        made.args_suffix += ["SORTABLE", "UNF"] if field.kind == "TAG" else ["SORTABLE"]
    return made


#: What FT.INFO tells of a field beside its path, alias and type, as far as answers depend on it.
_FLAGS = frozenset(
    {"CASESENSITIVE", "INDEXEMPTY", "INDEXMISSING", "SORTABLE", "UNF", "NOSTEM", "NOINDEX", "WITHSUFFIXTRIE"}
)


def described(json_path: str, kind: str, words: Iterable[str], separator: str = "") -> str:
    """A field of an index as both sides are compared: those of the model, and those that FT.INFO tells."""
    # Numbers that are SORTABLE are said to be UNF as well.
    flags = _FLAGS.intersection(words) - (set() if kind == "TAG" else {"UNF"})
    # One that splits values; on JSON there is none unless it was asked for.
    split = [f"SEPARATOR {separator}"] if separator else []
    return " ".join([json_path, kind, *sorted(flags), *split])


def wanted_fields(schema: IndexSchema) -> dict[str, str]:
    """The fields of a model's index by alias, `described`."""
    return {
        field.alias: described(field.json_path, field.kind, map(str, _redis_field(field).redis_args()))
        for field in schema.fields
    }

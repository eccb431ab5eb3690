"""FT.CREATE's arguments, made with redis-py's own field and definition classes."""

from __future__ import annotations

from typing import Any

from redis.commands.search.field import Field, GeoField, NumericField, TagField, TextField

try:
    from redis.commands.search.index_definition import IndexDefinition, IndexType
except ImportError:  # redis-py before 6
    from redis.commands.search.indexDefinition import (  # type: ignore[no-redef,import-not-found]
        IndexDefinition,
        IndexType,
    )

from ..index_schema import IndexField, IndexSchema


def create_arguments(schema: IndexSchema) -> tuple[str, ...]:
    """The words of FT.CREATE for a model's index."""
    prefix = schema.prefix
    definition: Any = IndexDefinition(  # type: ignore[no-untyped-call]
        prefix=[prefix],
        # Keys of ours have no other colon, so that `User:Profile:1` is kept out of the index of `User`.
        filter=f'!contains(substr(@__key,{len(prefix.encode())},-1),":")',
        index_type=IndexType.JSON,
    )
    fields = [word for field in schema.fields for word in _redis_field(field).redis_args()]
    # STOPWORDS 0: which words count is the query's business, and a stop word in a union crashes 2.10.5.
    words = ["FT.CREATE", schema.name, *definition.args, "STOPWORDS", "0", "SCHEMA", *fields]
    return tuple(str(word) for word in words)


class _ExactTagField(TagField):
    """A TAG without SEPARATOR, which on JSON splits and trims what is to be found exactly."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, case_sensitive=True, **options)
        place = self.args.index(self.SEPARATOR)
        del self.args[place : place + 2]


_FIELDS: dict[str, type[Field]] = {
    "TAG": _ExactTagField,
    "NUMERIC": NumericField,
    "TEXT": TextField,
    "GEO": GeoField,
}


def _redis_field(field: IndexField) -> Any:
    made: Any = _FIELDS[field.kind](field.json_path, as_name=field.alias)
    # Given here and not by the constructors: redis-py 5.0 does not know the first two, none knows UNF, and the
    # server wants them before SORTABLE.
    if field.kind == "TAG":
        made.args_suffix.append("INDEXEMPTY")
    if field.missing:
        made.args_suffix.append("INDEXMISSING")
    if field.sortable:
        made.args_suffix += ["SORTABLE", "UNF"] if field.kind == "TAG" else ["SORTABLE"]
    return made

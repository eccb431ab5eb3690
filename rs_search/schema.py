"""schematics models, read once a class: fields, what their types mean, and the table that says so."""

from __future__ import annotations

from dataclasses import dataclass

from schematics.models import Model
from schematics.types import (
    BaseType,
    BooleanType,
    CompoundType,
    DateTimeType,
    DateType,
    DecimalType,
    DictType,
    EmailType,
    FloatType,
    GeoPointType,
    HashType,
    IntType,
    IPAddressType,
    ListType,
    MACAddressType,
    ModelType,
    MultilingualStringType,
    PolyModelType,
    StringType,
    TimedeltaType,
    TimestampType,
    UnionType,
    URLType,
    UTCDateTimeType,
    UUIDType,
)
from schematics.types.serializable import Serializable
from schematics.undefined import Undefined

from . import kinds
from .errors import SchemaError
from .kinds import Kind
from .memo import once_per_class
from .references import ReferenceType

#: The member of a document that holds what the index cannot read from the primitives.
COMPANIONS = "_ix"


@dataclass(frozen=True)
class TypeRow:
    """What one schematics type means: its kind, its index fields by default, and how README's table puts it."""

    type: type[BaseType]
    kind: Kind
    index: tuple[str, ...]
    stored: str


#: A row for every type in ``schematics.types``, and for ours; a type of yours takes the row of its nearest base here.
TYPE_ROWS: tuple[TypeRow, ...] = (
    TypeRow(StringType, kinds.TEXT, ("TAG", "TEXT"), "text"),
    TypeRow(EmailType, kinds.TEXT, ("TAG",), "text"),
    TypeRow(URLType, kinds.TEXT, ("TAG",), "text"),
    TypeRow(UUIDType, kinds.IDENTIFIER, ("TAG",), "text"),
    TypeRow(HashType, kinds.TEXT, ("TAG",), "text"),
    TypeRow(IPAddressType, kinds.TEXT, ("TAG",), "text"),
    TypeRow(MACAddressType, kinds.IDENTIFIER, ("TAG",), "text; comes back as `aa:bb:…`, in the case given"),
    TypeRow(IntType, kinds.INTEGER, ("NUMERIC",), "number, 64 bits"),
    TypeRow(FloatType, kinds.FLOAT, ("NUMERIC",), "number"),
    TypeRow(DecimalType, kinds.DECIMAL, ("NUMERIC",), "text, every digit"),
    TypeRow(BooleanType, kinds.BOOLEAN, ("TAG",), "true, false"),
    TypeRow(DateType, kinds.DATE, ("NUMERIC",), "text, ISO 8601"),
    TypeRow(DateTimeType, kinds.INSTANT, ("NUMERIC",), "text, ISO 8601"),
    TypeRow(UTCDateTimeType, kinds.INSTANT, ("NUMERIC",), "text, ISO 8601 with Z"),
    TypeRow(TimestampType, kinds.INSTANT, ("NUMERIC",), "number, seconds since 1970"),
    TypeRow(TimedeltaType, kinds.DURATION, ("NUMERIC",), "number, in the type's unit"),
    TypeRow(GeoPointType, kinds.POINT, ("GEO",), "list of latitude, longitude"),
    TypeRow(MultilingualStringType, kinds.MULTILINGUAL, ("TEXT",), "object, locale → text"),
    TypeRow(ReferenceType, kinds.REFERENCE, ("TAG",), "text: the primary key of what it refers to"),
    TypeRow(ListType, kinds.LIST, (), "list; indexed as its elements are"),
    TypeRow(DictType, kinds.DICT, (), "object"),
    TypeRow(ModelType, kinds.OBJECT, (), "object; its fields are indexed as `field__inner`"),
    TypeRow(PolyModelType, kinds.OBJECT, (), "object"),
    TypeRow(UnionType, kinds.ANY, (), "as the type that took the value stores it"),
    TypeRow(BaseType, kinds.ANY, (), "any JSON"),
)
_ROWS = {row.type: row for row in TYPE_ROWS}
#: Compound types whose conversion a subclass has replaced are stored through the subclass, whole.
_HOOKS = ("_convert", "_export", "convert", "export", "to_native", "to_primitive")


def row_of(type_: BaseType) -> TypeRow:
    """The table's row for an instance of a schematics type, by its nearest base."""
    return next(_ROWS[base] for base in type(type_).__mro__ if base in _ROWS)


@dataclass(frozen=True, eq=False)
class Field:
    """A field of a model, or what a list or dictionary holds.

    ``member`` is its name in the document; ``element`` what a list or dictionary holds; ``models`` the classes an
    object may have; ``computed`` the ``@serializable`` that gives the value.
    """

    name: str
    member: str
    type: BaseType
    row: TypeRow
    kind: Kind
    element: Field | None = None
    models: tuple[type[Model], ...] = ()
    computed: Serializable | None = None

    @property
    def has_default(self) -> bool:
        """Whether an absent member does not load as None."""
        return self.computed is None and self.type._default is not Undefined and self.type._default is not None


@dataclass(frozen=True, eq=False)
class ModelSchema:
    """The fields of a model class, by name; ``members`` are the names that they are stored under."""

    model: type[Model]
    fields: dict[str, Field]
    members: frozenset[str]


@once_per_class
def schema_of(model: type[Model]) -> ModelSchema:
    """Read a model class, once.

    Raises `SchemaError` when two fields would be stored under one name, or under the reserved one.
    """
    fields = {name: _field(name, declared) for name, declared in model._schema.fields.items()}
    by_member: dict[str, str] = {}
    for name, field in fields.items():
        if field.member == COMPANIONS:
            raise SchemaError(f"{model.__name__}.{name}: the stored name {COMPANIONS!r} is reserved; rename it")
        other = by_member.setdefault(field.member, name)
        if other != name:
            raise SchemaError(f"{model.__name__}: {other} and {name} would both be stored as {field.member!r}")
    return ModelSchema(model, fields, frozenset(by_member))


def _field(name: str, declared: BaseType | Serializable) -> Field:
    computed = declared if isinstance(declared, Serializable) else None
    type_: BaseType = declared.type if computed is not None else declared
    row = row_of(type_)
    member = type_.serialized_name or name
    if isinstance(type_, CompoundType) and _hooked(type_, row):
        return Field(name, member, type_, row, kinds.ANY, computed=computed)
    inner = getattr(type_, "field", None)
    element = _field("", inner) if row.kind in (kinds.LIST, kinds.DICT) else None
    _refuse_deep_references(name, row.kind, element)
    return Field(name, member, type_, row, row.kind, element, _models(type_), computed)


def _refuse_deep_references(name: str, kind: Kind, element: Field | None) -> None:
    """A reference stands by itself or in a list: nothing else is loaded, or cleared, when what it refers to goes."""
    held = element.element if element is not None and element.kind is kinds.LIST else element
    if held is not None and held.kind is kinds.REFERENCE and not (kind is kinds.LIST and held is element):
        raise SchemaError(f"{name}: a ReferenceType stands by itself or in one ListType, in nothing else")


def _hooked(type_: BaseType, row: TypeRow) -> bool:
    return any(getattr(type(type_), hook, None) is not getattr(row.type, hook, None) for hook in _HOOKS)


def _models(type_: BaseType) -> tuple[type[Model], ...]:
    if isinstance(type_, PolyModelType):
        return tuple(type_._get_candidates())
    return (type_.model_class,) if isinstance(type_, ModelType) else ()

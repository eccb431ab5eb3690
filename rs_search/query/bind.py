"""From what a user wrote to bound conditions: names to paths, suffixes to lookups, values to comparables.

Whatever is wrong with a query is found here, before anything is sent.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schematics.models import Model
from schematics.types import StringType

from .. import kinds
from ..errors import InvalidValue, QueryError, UnknownField, UnknownLookup
from ..index_schema import descend
from ..paths import Path
from ..schema import Field, schema_of
from .lookups import BY_NAME, Lookup, lookups_of
from .tree import AllOf, AnyOf, Bound, Negation, Q


def bind(model: type[Model], query: Q) -> Bound:
    """The conditions of a query on a model; raises a `QueryError` for what cannot be meant.

    >>> from schematics.models import Model
    >>> from schematics.types import IntType
    >>> class Ice(Model):
    ...     amount_kg = IntType()
    >>> bind(Ice, Q(amount_kg__gte="42")).children[0].value
    Bounds(low=42, high=None, include_low=True, include_high=True)
    """
    children = tuple(
        bind(model, child) if isinstance(child, Q) else bind_lookup(model, *child) for child in query.children
    )
    bound: Bound = AllOf(children) if query.connector == "&" else AnyOf(children)
    return Negation(bound) if query.negated else bound


def bind_lookup(model: type[Model], name: str, value: Any) -> Bound:
    """One ``path__lookup=value`` as a condition."""
    path, lookup = resolve(model, name)
    return lookup.build(path, value, f"{model.__name__}.{name}")


def resolve(model: type[Model], name: str) -> tuple[Path, Lookup]:
    """The path and the lookup that a name stands for; a field wins over a lookup of the same name."""
    path, rest = _walk(model, name)
    lookup = BY_NAME.get(rest or "exact")
    if lookup is None or name.endswith("__"):
        raise _unknown_rest(model, path, name, rest)
    if path.field.kind not in lookup.kinds:
        has = ", ".join(known.name for known in lookups_of(path.field.kind))
        type_name = type(path.field.type).__name__
        inner = " or one of its fields" if path.field.models else ""
        raise UnknownLookup(f"{model.__name__}.{name}: {type_name} has no {lookup.name}; it has {has}{inner}")
    return path, lookup


@dataclass(frozen=True)
class OrderKey:
    """One key of an order: a path that ends in one value, and the direction."""

    path: Path
    descending: bool


def bind_order(model: type[Model], names: Iterable[str]) -> tuple[OrderKey, ...]:
    """The keys of ``order_by("-amount_kg", "flavour")``; raises a `QueryError`."""
    return tuple(_order_key(model, name) for name in names)


def _order_key(model: type[Model], name: str) -> OrderKey:
    if not isinstance(name, str):
        raise InvalidValue(f"{model.__name__}: order_by takes names of fields, not {name!r}")
    descending = name.startswith("-")
    path, rest = _walk(model, name.removeprefix("-"))
    if rest:
        raise _unknown_rest(model, path, name, rest)
    if path.multiple:
        raise QueryError(f"{model.__name__}: order_by({name!r}): a list has many values and no one order")
    if not path.field.kind.ordered and path.field.kind is not kinds.BOOLEAN:
        raise QueryError(f"{model.__name__}: order_by({name!r}): {type(path.field.type).__name__} has no order")
    return OrderKey(path, descending)


# --- walking names ----------------------------------------------------------------------------------------------------


def _walk(model: type[Model], name: str) -> tuple[Path, str]:
    """The longest path that the name begins with, and what follows it."""
    field, rest = _longest(schema_of(model).fields, name)
    if field is None:
        raise _unknown_field(model, name, schema_of(model).fields)
    path = descend(Path((field.name,), (field.member,), field))
    while rest:
        deeper = _step(model, path, rest)
        if deeper is None:
            break
        path, rest = descend(deeper[0]), deeper[1]
    return path, rest


def _longest(fields: dict[str, Field], name: str) -> tuple[Field | None, str]:
    # Names of fields may contain "__" themselves.
    parts = name.split("__")
    for count in range(len(parts), 0, -1):
        field = fields.get("__".join(parts[:count]))
        if field is not None:
            return field, "__".join(parts[count:])
    return None, name


def _step(model: type[Model], path: Path, rest: str) -> tuple[Path, str] | None:
    if path.field.kind is kinds.OBJECT:
        field, after = _longest(_inner_fields(model, path), rest)
        return None if field is None else (_inside(path, field.name, field.member, field), after)
    if path.field.kind is kinds.DICT and path.field.element is not None:
        key, _, after = rest.partition("__")
        return None if rest in BY_NAME else (_inside(path, key, key, path.field.element), after)
    if path.field.kind is kinds.MULTILINGUAL:
        locale, _, after = rest.partition("__")
        text = Field("", "", StringType(), path.field.row, kinds.TEXT)
        return None if rest in BY_NAME else (_inside(path, locale, locale, text), after)
    return None


def _inside(path: Path, name: str, member: str, field: Field) -> Path:
    return Path((*path.names, name), (*path.steps, member), field)


def _inner_fields(model: type[Model], path: Path) -> dict[str, Field]:
    """The fields of the class or classes that an object may have, as far as they agree."""
    found: dict[str, Field] = {}
    for inner in path.field.models:
        for name, field in schema_of(inner).fields.items():
            known = found.setdefault(name, field)
            if known.kind is not field.kind or known.member != field.member:
                raise QueryError(f"{model.__name__}.{path}: the classes it may have differ in what {name} is")
    return found


def _unknown_rest(model: type[Model], path: Path, name: str, rest: str) -> QueryError:
    if path.field.kind is kinds.OBJECT and rest.split("__")[0] not in BY_NAME:
        return _unknown_field(model, name, _inner_fields(model, path), f"{path}__", rest)
    near = difflib.get_close_matches(rest, BY_NAME, 1)
    hint = f"; did you mean {path}__{near[0]}?" if near else ""
    has = ", ".join(known.name for known in lookups_of(path.field.kind))
    return UnknownLookup(f"{model.__name__}.{name}: there is no lookup {rest!r}{hint} {path} has {has}")


def _unknown_field(
    model: type[Model], name: str, fields: dict[str, Field], above: str = "", rest: str | None = None
) -> UnknownField:
    wanted = (rest if rest is not None else name).split("__")[0]
    near = difflib.get_close_matches(wanted, fields, 1, 0.5)
    hint = f"did you mean {above}{near[0]}?" if near else f"it has {', '.join(above + known for known in fields)}"
    return UnknownField(f"{model.__name__} has no field {above}{wanted}; {hint}")

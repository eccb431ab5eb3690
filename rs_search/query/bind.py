"""From what a user wrote to bound conditions: names to paths, suffixes to lookups, values to comparables.

Whatever is wrong with a query is found here, before anything is sent.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schematics.models import Model
from schematics.types import StringType

from .. import kinds
from ..errors import InvalidValue, QueryError, UnknownField, UnknownLookup
from ..memo import once_per_class
from ..paths import Path, descend
from ..schema import Field, schema_of
from .conditions import Q
from .lists import ends_in_list
from .lookups import MATCH, NAMES, WHOLE_LOOKUPS, Lookup, find, lookups_of
from .tree import REFERS, Across, AllOf, AnyOf, Bound, Condition, Negation, Parity, fold, inner
from .values import brief


def bind(model: type[Model], query: Q) -> Bound:
    """The conditions of a query on a model; raises a `QueryError` for what cannot be meant.

    >>> from schematics.models import Model
    >>> from schematics.types import IntType
    >>> class Ice(Model):
    ...     amount_kg = IntType()
    >>> bind(Ice, Q(amount_kg__gte="42")).value
    Bounds(low=42, high=None, include_low=True, include_high=True)
    """
    if len(query.children) == 1 and not query.negated and isinstance(query.children[0], tuple):
        # Most questions: not worth a walk through a tree.
        return bind_lookup(model, *query.children[0])
    return bind_within(model, None, query)


def bind_within(model: type[Model], root: Path | None, query: Q) -> Bound:
    """As `bind`, of an object at a path of the model: its conditions begin there."""

    def combine(node: Q | tuple[str, Any], children: list[Bound]) -> Bound:
        if isinstance(node, tuple):
            return bind_lookup(model, *node, root=root)
        bound = children[0] if len(children) == 1 else _NODES[node.connector](tuple(children))
        return Negation(bound) if node.negated else bound

    root_node: Q | tuple[str, Any] = query
    return fold(root_node, _parts, combine)


def _parts(node: Q | tuple[str, Any]) -> tuple[Q | tuple[str, Any], ...]:
    return node.children if isinstance(node, Q) else ()


_NODES: dict[str, type[AllOf] | type[AnyOf] | type[Parity]] = {"&": AllOf, "|": AnyOf, "^": Parity}


def bind_lookup(model: type[Model], name: str, value: Any, root: Path | None = None) -> Bound:
    """One ``path__lookup=value`` as a condition."""
    if root is None and (known := _known_names(model).get(name)) is not None:
        return known[1].build(known[0], value, f"{model.__name__}.{name}")
    asked = f"{model.__name__}.{name}" if root is None else f"{model.__name__}.{root}__{MATCH}: {name}"
    path, rest = _walk(model, name, root)
    if rest == MATCH and path.field.kind is kinds.OBJECT:
        return _bind_match(model, path, value, asked)
    if path.field.kind is kinds.REFERENCE and _leads_on(path, rest):
        return _bind_across(path, rest, value, asked)
    lookup = _lookup(path, rest, asked)
    if root is None:
        _remember(model, name, path, lookup)
    return lookup.build(path, value, asked)


#: Names of lookups that are remembered of a class: those of dictionaries' keys have no end.
MOST_NAMES = 1000


@once_per_class
def _known_names(model: type[Model]) -> dict[str, tuple[Path, Lookup]]:
    """The paths and lookups that names of a model stand for, as far as they were asked for."""
    return {}


@once_per_class
def _known_paths(model: type[Model]) -> dict[str, Path]:
    """The paths that names without a lookup stand for, as far as they were asked for."""
    return {}


def _remember(model: type[Model], name: str, path: Path, lookup: Lookup) -> None:
    known = _known_names(model)
    if len(known) < MOST_NAMES:
        known[name] = (path, lookup)


def _bind_match(model: type[Model], path: Path, value: Any, asked: str) -> Bound:
    """One object at the path meets all of it."""
    query = Q(**value) if isinstance(value, Mapping) and all(isinstance(name, str) for name in value) else value
    if not isinstance(query, Q) or not query.children:
        raise InvalidValue(f"{asked} takes a dict of lookups, or a Q, not {brief(value)}")
    return Condition(path, MATCH, bind_within(model, path, query), f"{path} match {brief(value)}")


def _leads_on(path: Path, rest: str) -> bool:
    """Whether what follows a reference is about the object, not about its primary key: a field wins over a lookup."""
    if not rest:
        return False
    return find(rest) is None or _longest(schema_of(path.field.type.model).fields, rest)[0] is not None


def _bind_across(path: Path, rest: str, value: Any, asked: str) -> Bound:
    """Conditions on the objects referred to, as if they stood in place of the references."""
    model = path.field.type.model
    if rest != MATCH:
        return _lifted(path, model, bind_lookup(model, rest, value))
    query = Q(**value) if isinstance(value, Mapping) and all(isinstance(name, str) for name in value) else value
    if not isinstance(query, Q) or not query.children:
        raise InvalidValue(f"{asked} takes a dict of lookups, or a Q, not {brief(value)}")
    return Condition(path, REFERS, Across(model, bind(model, query)), f"{path} match {brief(value)}")


def _lifted(path: Path, model: type[Model], bound: Bound) -> Bound:
    """What holds here when the conditions hold there, each of some object; a value is missing if no object has one."""

    def combine(node: Bound, children: list[Bound]) -> Bound:
        if isinstance(node, Condition):
            if node.operator != "missing":
                return _refers(path, model, node, f"{path}__{node.shown}")
            return Negation(_refers(path, model, Negation(node), f"{path}__{node.path} is there"))
        if isinstance(node, Negation):
            return Negation(children[0])
        return replace(node, children=tuple(children))

    return fold(bound, inner, combine)


def _refers(path: Path, model: type[Model], where: Bound, said: str) -> Condition:
    return Condition(path, REFERS, Across(model, where), said)


def resolve(model: type[Model], name: str) -> tuple[Path, Lookup]:
    """The path and the lookup that a name stands for; a field wins over a lookup of the same name.

    Through a reference it is the path in the model referred to.
    """
    path, rest = _walk(model, name)
    if path.field.kind is kinds.REFERENCE and _leads_on(path, rest):
        return resolve(path.field.type.model, rest)
    return path, _lookup(path, rest, f"{model.__name__}.{name}")


_KEYS_INSIDE = {kinds.DICT: " or one of its keys", kinds.MULTILINGUAL: " or one of its locales"}


def _lookup(path: Path, rest: str, asked: str) -> Lookup:
    lookup = find(rest or "exact")
    if lookup is None or asked.endswith("__"):
        raise _unknown_rest(path, asked, rest)
    if not lookup.applies_to(path):
        inside = " or one of its fields" if path.field.models else _KEYS_INSIDE.get(path.field.kind, "")
        what = f"a list of {type(path.field.type).__name__}" if ends_in_list(path) else type(path.field.type).__name__
        raise UnknownLookup(f"{asked}: {what} has no {lookup.name}; it has {_has(path)}{inside}")
    return lookup


def _has(path: Path) -> str:
    match = [MATCH] if path.field.kind is kinds.OBJECT else []
    return ", ".join([*(known.name for known in lookups_of(path.field.kind, ends_in_list(path))), *match])


@dataclass(frozen=True)
class OrderKey:
    """One key of an order: a path that ends in one value, and the direction."""

    path: Path
    descending: bool


def bind_order(model: type[Model], names: Iterable[str]) -> tuple[OrderKey, ...]:
    """The keys of ``order_by("-amount_kg", "flavour")``; raises a `QueryError`."""
    return tuple(_order_key(model, name) for name in names)


def bind_paths(model: type[Model], names: Iterable[str], method: str) -> tuple[Path, ...]:
    """The paths of ``values("flavour", "shop__city")``; raises a `QueryError`."""
    return tuple(_plain_path(model, name, method) for name in names)


def bind_reference(model: type[Model], name: Any, method: str) -> tuple[Path, str]:
    """The reference that a name begins with, and what follows it; raises a `QueryError`."""
    if not isinstance(name, str):
        raise InvalidValue(f"{model.__name__}: {method} takes names of references, not {brief(name)}")
    path, rest = _walk(model, name)
    if path.field.kind is not kinds.REFERENCE or name.endswith("__"):
        what = type(path.field.type).__name__
        raise QueryError(f"{model.__name__}: {method}({name!r}) takes names of references, and {path} is a {what}")
    return path, rest


def _order_key(model: type[Model], name: str) -> OrderKey:
    path = _plain_path(model, name.removeprefix("-") if isinstance(name, str) else name, "order_by")
    if path.multiple:
        raise QueryError(f"{model.__name__}: order_by({name!r}): a list has many values and no one order")
    if not path.field.kind.ordered and path.field.kind is not kinds.BOOLEAN:
        raise QueryError(f"{model.__name__}: order_by({name!r}): {type(path.field.type).__name__} has no order")
    return OrderKey(path, name.startswith("-"))


def _plain_path(model: type[Model], name: Any, method: str) -> Path:
    """A path without a lookup."""
    if not isinstance(name, str):
        raise InvalidValue(f"{model.__name__}: {method} takes names of fields, not {brief(name)}")
    known = _known_paths(model)
    if name in known:
        return known[name]
    path, rest = _walk(model, name)
    if not rest and not name.endswith("__"):
        if len(known) < MOST_NAMES:
            known[name] = path
        return path
    if path.field.kind is kinds.REFERENCE and _leads_on(path, rest):
        raise QueryError(
            f"{model.__name__}: {method}({name!r}) leads through the reference {path}, which only conditions can; "
            f"prefetch({str(path)!r}) loads what it refers to"
        )
    if find(rest) is not None:
        raise QueryError(f"{model.__name__}: {method}({name!r}) takes fields, not lookups; did you mean {path}?")
    raise _unknown_rest(path, f"{model.__name__}.{name}", rest)


# --- walking names ----------------------------------------------------------------------------------------------------


def _walk(model: type[Model], name: str, root: Path | None = None) -> tuple[Path, str]:
    """The longest path that the name begins with, and what follows it."""
    if root is None:
        field, rest = _longest(schema_of(model).fields, name)
        if field is None:
            raise _unknown_field(model.__name__, name, tuple(schema_of(model).fields))
        path = descend(Path((field.name,), (field.member,), field))
    else:
        found = _step(root, name)
        if found is None:
            raise _unknown_field(model.__name__, name, _names_in(root), f"{root}__")
        path, rest = descend(found[0]), found[1]
    while rest:
        deeper = _step(path, rest)
        if deeper is None:
            break
        path, rest = descend(deeper[0]), deeper[1]
    return path, rest


def _longest(fields: Mapping[str, Field], name: str) -> tuple[Field | None, str]:
    # Names of fields may contain "__" themselves.
    parts = name.split("__")
    for count in range(len(parts), 0, -1):
        field = fields.get("__".join(parts[:count]))
        if field is not None:
            return field, "__".join(parts[count:])
    return None, name


def _step(path: Path, rest: str) -> tuple[Path, str] | None:
    kind = path.field.kind
    if kind is kinds.OBJECT:
        return _into_object(path, rest)
    lookup = find(rest)
    if lookup is not None and (lookup.applies_to(path) or lookup.name in WHOLE_LOOKUPS):
        # Keys named like a part of a date (``prices__year``) are keys: a dictionary has no year.
        return None
    key, _, after = rest.partition("__")
    if kind is kinds.DICT and path.field.element is not None:
        return _inside(path, key, key, path.field.element), after
    if kind is kinds.MULTILINGUAL:
        return _inside(path, key, key, Field("", "", StringType(), path.field.row, kinds.TEXT)), after
    return None


def _into_object(path: Path, rest: str) -> tuple[Path, str] | None:
    found = [found for inner in path.field.models if (found := _longest(schema_of(inner).fields, rest))[0] is not None]
    if not found:
        return None
    # The longest name that any of the classes has.
    field, after = min(found, key=lambda pair: len(pair[1]))
    assert field is not None
    same_name = [other for other, _ in found if other is not None and other.name == field.name]
    if any(not _agree(field, other) for other in same_name):
        raise QueryError(f"{path}: the classes it may have differ in what {field.name} is")
    return _inside(path, field.name, field.member, field), after


def _agree(field: Field, other: Field) -> bool:
    """Whether two fields of one name mean the same."""
    if field.kind is not other.kind or field.member != other.member or field.models != other.models:
        return False
    if field.kind is kinds.REFERENCE:
        return bool(field.type.model is other.type.model)
    if field.element is None or other.element is None:
        return field.element is other.element
    return _agree(field.element, other.element)


def _inside(path: Path, name: str, member: str, field: Field) -> Path:
    return Path((*path.names, name), (*path.steps, member), field)


def _names_in(path: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for inner in path.field.models for name in schema_of(inner).fields))


def _unknown_rest(path: Path, asked: str, rest: str) -> QueryError:
    if path.field.kind is kinds.OBJECT and find(rest.split("__")[0]) is None and rest.split("__")[0] != MATCH:
        return _unknown_field(asked.split(".")[0], rest, _names_in(path), f"{path}__")
    if rest == MATCH:
        return UnknownLookup(f"{asked}: match is for models and lists of models; {path} has {_has(path)}")
    near = difflib.get_close_matches(rest, NAMES, 1)
    hint = f" did you mean {path}__{near[0]}?" if near else ""
    return UnknownLookup(f"{asked}: there is no lookup {rest!r};{hint} {path} has {_has(path)}")


def _unknown_field(model: str, name: str, fields: tuple[str, ...], above: str = "") -> UnknownField:
    wanted = name.split("__")[0]
    near = difflib.get_close_matches(wanted, fields, 1, 0.5)
    hint = f"did you mean {above}{near[0]}?" if near else f"it has {', '.join(above + known for known in fields)}"
    # An empty name would not be seen.
    return UnknownField(f"{model} has no field {above + wanted or repr(wanted)}; {hint}")

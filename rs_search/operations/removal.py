"""Removing objects that others refer to: what ``on_delete`` of the references says is found out, then done.

Everything that would go is found before anything goes, so that a refusal leaves all as it was. What refers goes, or is
cleared, before what it refers to: a process that dies between leaves no reference to nothing. Each object is changed
only if it still refers, in one step. Between the look and the removal others may write new references: Redis has no
transactions over queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from schematics.models import Model

from ..errors import Restricted, SchemaError, shown_key
from ..followed import followed_paths
from ..instances import own_key
from ..paths import Path
from ..planner.plan import Select
from ..query.tree import AnyOf, Bound, Condition
from ..references import CASCADE, CLEAR, RESTRICT, bare, kept_models
from ..rewriting import change
from ..server.capabilities import ServerState, discover
from ..storage import storage_of
from . import records, search, selected, versions
from .requests import Elsewhere, OnProgress, Operation


def remove(state: ServerState, model: type[Model], keys: list[str]) -> Operation[int]:
    """Remove objects by key, and do what references to them say; gives how many there were. Raises `Restricted`.

    `InvalidObject` where an object would not be valid without its reference; what was cleared before stays so.
    Cost: 1 round trip a thousand keys, and for each field that refers with an ``on_delete`` a query.
    """
    yield from _follow(model, keys)
    return (yield from records.remove(state, model, keys))


def remove_one(state: ServerState, model: type[Model], instance: Any) -> Operation[bool]:
    """Remove an object, and do what references to it say; tells whether it was there. Raises `Restricted`.

    `Conflict` where another version is stored than the one that the instance was read as.
    """
    key, version = own_key(instance), versions.version_of(instance)
    if version is None:
        return (yield from remove(state, model, [key])) > 0
    return (yield from versions.remove(state, model, key, version, lambda: _follow(model, [key])))


def remove_many(state: ServerState, model: type[Model], keys: list[str], pks: list[str]) -> Operation[int]:
    """Remove objects by key and by primary key, and do what references to them say. Raises `Restricted`."""
    if not _referrers(model):
        return (yield from records.remove_many(state, model, keys, pks))
    yield from discover(state)
    wanted = dict.fromkeys([*keys, *(yield from storage_of(model).keys_for(pks))])
    return (yield from remove(state, model, list(wanted)))


def remove_all(state: ServerState, model: type[Model]) -> Operation[int]:
    """Remove every object of a model, and do what references to them say. Raises `Restricted`."""
    if not _referrers(model):
        return (yield from records.remove_all(state, model))
    yield from discover(state)
    return (yield from remove(state, model, (yield from storage_of(model).keys())))


def remove_selected(state: ServerState, select: Select, on_progress: OnProgress = None) -> Operation[int]:
    """Remove every object that a question finds, and do what references to them say. Raises `Restricted`."""
    if not _referrers(select.model):
        return (yield from selected.remove_selected(state, select, on_progress))
    select = yield from search.resolved_select(select)
    keys = yield from search.matching_keys(state, select)
    yield from _follow(select.model, keys)
    return (yield from selected.remove_selected(state, select, on_progress, keys))


# --- who refers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Referrer:
    """A field of a model that refers to objects whose removal is to have consequences."""

    model: Any
    path: Path
    on_delete: str

    def among(self, pks: list[str]) -> Condition:
        """It refers to one of these."""
        return Condition(self.path, "in", tuple(pks), f"{self.path} refers to what is removed")


def _referrers(model: type[Model]) -> list[_Referrer]:
    return [
        _Referrer(other, path, path.field.type.on_delete)
        for other in kept_models()
        for path in followed_paths(other)
        if _target(path) is model
    ]


def _target(path: Path) -> Any:
    try:
        return path.field.type.model
    except SchemaError:
        return None


# --- what follows ---------------------------------------------------------------------------------------------------


@dataclass
class _Consequences:
    """What a removal brings with it: keys that go, by model, why they go, and what is refused or cleared."""

    doomed: dict[Any, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    causes: dict[Any, list[Bound]] = field(default_factory=lambda: defaultdict(list))
    refused: list[tuple[_Referrer, list[str]]] = field(default_factory=list)
    cleared: list[tuple[_Referrer, list[str], list[str]]] = field(default_factory=list)

    def staying(self, model: Any, keys: list[str]) -> list[str]:
        """Those of the keys that do not go themselves."""
        return [key for key in keys if key not in self.doomed[model]]


def _follow(model: type[Model], keys: list[str]) -> Operation[None]:
    """Find out and do all that follows, but for the removal itself. Raises `Restricted` before anything is done."""
    if not _referrers(model):
        return
    found = yield from _consequences(model, keys)
    for referrer, referring in found.refused:
        _refuse(referrer, found.staying(referrer.model, referring), model)
    for referrer, pks, referring in found.cleared:
        yield from _clear(referrer, pks, found.staying(referrer.model, referring))
    own = set(keys)
    for other, doomed in reversed(found.doomed.items()):
        going = [key for key in doomed if other is not model or key not in own]
        if going:
            yield from _remove_referring(other, going, AnyOf(tuple(found.causes[other])))


def _consequences(model: type[Model], keys: list[str]) -> Operation[_Consequences]:
    found = _Consequences()
    found.doomed[model].update(dict.fromkeys(keys))
    waiting: list[tuple[Any, list[str]]] = [(model, keys)]
    while waiting:
        going, gone_keys = waiting.pop()
        pks = list(map(storage_of(going).pk, gone_keys))
        for referrer in _referrers(going) if pks else ():
            referring = yield from _referring(referrer, pks)
            if referrer.on_delete == RESTRICT:
                found.refused.append((referrer, referring))
            elif referrer.on_delete == CLEAR:
                found.cleared.append((referrer, pks, referring))
            elif referrer.on_delete == CASCADE:
                new = found.staying(referrer.model, referring)
                found.doomed[referrer.model].update(dict.fromkeys(new))
                found.causes[referrer.model].append(referrer.among(pks))
                if new:
                    waiting.append((referrer.model, new))
    return found


def _referring(referrer: _Referrer, pks: list[str]) -> Operation[list[str]]:
    select = Select(referrer.model, referrer.among(pks))
    keys: list[str] = yield Elsewhere(referrer.model, lambda state: search.matching_keys(state, select))
    return keys


def _refuse(referrer: _Referrer, keys: list[str], removed: type[Model]) -> None:
    if keys:
        named = ", ".join(shown_key(key) for key in sorted(keys)[:3]) + (" …" if len(keys) > 3 else "")
        target = referrer.path.field.type.model.__name__
        raise Restricted(
            f"{removed.__name__}: nothing is removed, because {named} by {referrer.path} "
            f"(on_delete='restrict') would refer to a {target} that is gone"
        )


def _remove_referring(model: Any, keys: list[str], where: Bound) -> Operation[None]:
    yield Elsewhere(model, lambda state: selected.remove_selected(state, Select(model, where), None, keys))


def _clear(referrer: _Referrer, pks: list[str], keys: list[str]) -> Operation[None]:
    if not keys:
        return
    gone = frozenset(pks)

    def change_it(key: str, stored: Any) -> Collection[str]:
        _without(stored, referrer.path.names, gone)
        change(stored, key, {})
        return referrer.path.names[:1]

    select = Select(referrer.model, referrer.among(pks))
    yield Elsewhere(referrer.model, lambda state: selected.change_selected(state, select, keys, change_it))


def _without(value: Any, names: tuple[str, ...], gone: frozenset[str]) -> None:
    """Take references to what is gone out of a native value, in place."""
    if isinstance(value, list):
        for element in value:
            _without(element, names, gone)
    elif isinstance(value, Model):
        below = value._data.get(names[0])
        if names[1:]:
            _without(below, names[1:], gone)
        elif isinstance(below, list):
            below[:] = [element for element in below if bare(element) not in gone]
        elif bare(below) in gone:
            value._data.converted[names[0]] = None

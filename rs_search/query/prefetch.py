"""What a result set loads beside its rows: ``prefetch("maker", "shops", "maker__owner")``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .bind import bind_reference


@dataclass(frozen=True, eq=False)
class Prefetch:
    """References at a path of names, the model that they refer to, and what is loaded of its objects in turn."""

    names: tuple[str, ...]
    model: Any
    deeper: tuple[Prefetch, ...] = ()


def bind_prefetch(model: type[Any], names: Iterable[str]) -> tuple[Prefetch, ...]:
    """The references that names lead to, each path once; raises a `QueryError`."""
    rests: dict[tuple[str, ...], list[str]] = {}
    models: dict[tuple[str, ...], Any] = {}
    for name in names:
        path, rest = bind_reference(model, name, "prefetch")
        rests.setdefault(path.names, []).extend([rest] if rest else [])
        models[path.names] = path.field.type.model
    return tuple(Prefetch(path, models[path], bind_prefetch(models[path], deeper)) for path, deeper in rests.items())

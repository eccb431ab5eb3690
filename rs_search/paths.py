"""Ways into a document: ``shops__city`` as steps, and the values that stand at their end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from schematics.models import Model

from . import kinds
from .schema import Field, ModelSchema, schema_of

#: The step into every element of a list.
EACH = None
Step = str | None
Document = dict[str, Any]
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, eq=False)
class Path:
    """Where in a document a field stands.

    ``names`` are the names in the model, ``steps`` the members of the document with `EACH` for lists, ``field`` what
    is found there (of a list: its elements).
    """

    names: tuple[str, ...]
    steps: tuple[Step, ...]
    field: Field

    @property
    def multiple(self) -> bool:
        """Whether the path goes through a list, so that it may end in many values."""
        return EACH in self.steps

    def __str__(self) -> str:
        return "__".join(self.names)

    def json_path(self) -> str:
        """The path as RediSearch's schema takes it.

        >>> from rs_search.schema import Field
        >>> Path(("a",), ("a", EACH, "b c"), None).json_path()
        '$.a[*]["b c"]'
        """
        return "$" + "".join(map(_json_step, self.steps))

    def reader(self, root: int = 0) -> Callable[[Document], list[Any]]:
        """A function that gives all values at the path, None among them; a missing one gives no value.

        It is given what stands after the first ``root`` steps: 0 for whole documents.
        """
        steps = self.steps[root:]
        if len(steps) == 1 and steps[0] is not EACH:
            return _member_reader(steps[0])

        def read(document: Document) -> list[Any]:
            values: list[Any] = [document]
            for step in steps:
                values = list(_follow(values, step))
            return values

        return read


def _member_reader(member: str) -> Callable[[Document], list[Any]]:
    """The same for one step, in a fraction of the time."""

    def read(document: Document) -> list[Any]:
        return [document[member]] if isinstance(document, dict) and member in document else []

    return read


def declared_paths(model: type[Model]) -> Iterator[Path]:
    """The fields of a model and of the models in it, each after those it stands in; lists as they are declared.

    A model inside itself is gone through once, and an object of many classes not at all.
    """
    return _paths_within(schema_of(model), (), (), (model,))


def _paths_within(
    schema: ModelSchema, names: tuple[str, ...], steps: tuple[Step, ...], above: tuple[type[Model], ...]
) -> Iterator[Path]:
    for field in schema.fields.values():
        path = Path((*names, field.name), (*steps, field.member), field)
        yield path
        inside = descend(path)
        if inside.field.kind is kinds.OBJECT and len(inside.field.models) == 1 and inside.field.models[0] not in above:
            inner = inside.field.models[0]
            yield from _paths_within(schema_of(inner), inside.names, inside.steps, (*above, inner))


def descend(path: Path) -> Path:
    """The path to the elements, if the field is a list."""
    while path.field.kind is kinds.LIST and path.field.element is not None:
        path = Path(path.names, (*path.steps, EACH), path.field.element)
    return path


def _json_step(step: Step) -> str:
    if step is EACH:
        return "[*]"
    return f".{step}" if _SIMPLE.fullmatch(step) else f"[{orjson.dumps(step).decode()}]"


def _follow(values: Iterable[Any], step: Step) -> Iterable[Any]:
    for value in values:
        if step is EACH:
            if isinstance(value, list):
                yield from value
        elif isinstance(value, dict) and step in value:
            yield value[step]

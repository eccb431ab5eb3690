"""What a class says of itself, whatever its fields are called. Every model's module imports this: it imports little."""

from __future__ import annotations

import importlib
from typing import Any

from schematics.models import FieldDescriptor
from schematics.types import BaseType
from schematics.types.serializable import Serializable


def own_attribute(cls: type, name: str) -> Any:
    """The class's attribute of that name, fields apart: a field may be called ``set``, ``validate`` or ``keys``."""
    for base in cls.__mro__:
        if name in base.__dict__ and not isinstance(base.__dict__[name], (FieldDescriptor, BaseType, Serializable)):
            return base.__dict__[name]
    return None


def layer_of(model: type) -> Any:
    """The class that says how objects of a model are kept, as its mixin names it; None where it names none."""
    declared = own_attribute(model, "__storage__")
    return declared.storage if isinstance(declared, Layer) else declared


class Layer:
    """A mixin's ``__storage__``, by its name: imported when it is first asked for, with all that keeping objects takes.

    ``SearchRedisMixin.__storage__`` is the class itself.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        return self.storage

    @property
    def storage(self) -> Any:
        """The class."""
        return getattr(importlib.import_module(self.module, __package__), self.name)

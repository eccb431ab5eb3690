"""How objects are kept: one `Storage` a model, of the class that its mixin names."""

from __future__ import annotations

from typing import Any

from schematics.models import Model

from ..attributes import Layer, own_attribute
from ..memo import once_per_class
from .base import Storage
from .json_document import JsonDocuments


@once_per_class
def storage_of(model: type[Model]) -> Storage:
    """The storage of a model: its mixin's ``__storage__``."""
    declared: Any = own_attribute(model, "__storage__") or JsonDocuments
    kind: type[Storage] = declared.storage if isinstance(declared, Layer) else declared
    return kind(model)

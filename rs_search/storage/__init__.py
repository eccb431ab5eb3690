"""How objects are kept: one `Storage` a model, of the class that its mixin names."""

from __future__ import annotations

from schematics.models import Model

from ..attributes import layer_of
from ..memo import once_per_class
from .base import Storage
from .json_document import JsonDocuments


@once_per_class
def storage_of(model: type[Model]) -> Storage:
    """The storage of a model: its mixin's ``__storage__``."""
    kind: type[Storage] = layer_of(model) or JsonDocuments
    return kind(model)

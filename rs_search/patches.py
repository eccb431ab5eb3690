"""What changes other modules, and only when asked to."""

from __future__ import annotations

import json
from typing import Any

#: Marks the function that stands in for json's own.
_MARK = "_rs_search_json"


def patch_json() -> None:
    """Let ``json.dumps`` write every object whose class has a ``__json__``, as models and result sets do.

    Changes ``json.JSONEncoder`` for the whole process; once, however often it is called. Other objects go where they
    went before: to the encoder that was there, which raises TypeError for what it does not know.
    """
    before = json.JSONEncoder.default
    if hasattr(before, _MARK):
        return

    def default(self: json.JSONEncoder, o: Any) -> Any:
        """What is written in place of an object."""
        own = getattr(type(o), "__json__", None)
        return before(self, o) if own is None else own(o)

    setattr(default, _MARK, True)
    json.JSONEncoder.default = default  # type: ignore[method-assign]

"""Functions made of lines of Python."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

_numbers = itertools.count()


class _Source:
    """What a traceback asks for the lines of a function."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, name: str) -> str:
        return self.text


def indented(lines: Iterable[str]) -> list[str]:
    """Lines of a block."""
    return [f"    {line}" for line in lines]


def function(arguments: str, lines: Iterable[str], names: Mapping[str, Any]) -> Any:
    """A function of these lines, which use these names.

    >>> function("value", ["return value + one"], {"one": 1})(41)
    42
    """
    source = "\n".join([f"def made({arguments}):", *indented(lines), ""])
    scope = {**names, "__name__": __name__, "__loader__": _Source(source)}
    exec(compile(source, f"rs_search, generated ({next(_numbers)})", "exec"), scope)
    return scope["made"]

"""Functions that are written by the program: their text, line by line, and the objects that it names.

Only names made here and literals of `repr` get into a text; what a user named is a string in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Something that must not hold of a value: an expression, in which ``{v}`` is the value, and its constants.
Condition = tuple[Any, ...]
_functions = itertools.count()
#: Python takes no more than 20 loops within each other.
DEEPEST = 18


class Unsure(Exception):
    """A value that the function leaves to others."""


class TooDeep(Exception):
    """More would stand within each other than Python takes."""


class Source:
    """The body of a function that is being written."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._lines: list[str] = []
        self._constants: dict[str, Any] = {"Unsure": Unsure}
        self._numbers = itertools.count()
        self._depth = 1

    def line(self, text: str) -> None:
        """Add a line after the last one."""
        self._lines.append("    " * self._depth + text)

    def first(self, text: str) -> None:
        """Add a line before all that `line` added."""
        self._first.append("    " + text)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """What is added meanwhile stands within ``opening``. Raises `TooDeep`."""
        self.line(f"{opening}:")
        if self._depth >= DEEPEST:
            raise TooDeep
        self._depth += 1
        yield
        self._depth -= 1

    def constant(self, value: Any) -> str:
        """A name for an object."""
        name = self.name("c")
        self._constants[name] = value
        return name

    def name(self, stem: str) -> str:
        """A name that is not taken yet."""
        return f"{stem}{next(self._numbers)}"

    def call(self, function: Callable[..., Any], *arguments: str) -> str:
        """A line that calls a function; gives the variable of its result."""
        result = self.name("r")
        self.line(f"{result} = {self.constant(function)}({', '.join(arguments)})")
        return result

    def refuse(self, value: str, *conditions: Condition) -> None:
        """A line that raises `Unsure` where a condition holds of a value."""
        tests = [text.format(*map(self.constant, constants), v=value) for text, *constants in conditions]
        if tests:
            self.line(f"if {' or '.join(tests)}: raise Unsure")

    def function(self, title: str, arguments: str) -> Callable[..., Any]:
        """The function; ``title`` and the lines stand in the traces of its errors."""
        text = "\n".join([f"def written({arguments}):", *self._first, *self._lines, ""])
        found: dict[str, Any] = {}
        # The module that traces ask for the lines.
        self._constants |= {"__name__": title, "__loader__": _Text(text)}
        exec(compile(text, f"{title} ({next(_functions)})", "exec"), self._constants, found)
        function: Callable[..., Any] = found["written"]
        return function


class _Text:
    """What `linecache` asks for the text of a module; it remembers nothing as long as there is no trace."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, name: str) -> str:
        return self.text

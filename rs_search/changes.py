"""Values worked out from what is stored: ``F("amount_kg") + 1``, ``F("tags").append("cold")``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import InvalidObject
from .references import bare

_SIGNS: dict[Callable[[Any, Any], Any], str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
}
Read = Callable[[str], Any]


class Expression:
    """A value that depends on the stored object; made of `F` by arithmetic, `append` and `remove`."""

    def evaluate(self, read: Read) -> Any:
        """The value, of an object whose fields ``read`` gives. Raises `InvalidObject`."""
        raise NotImplementedError

    def fields(self) -> Iterator[str]:
        """The names of the fields that it is worked out of."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Expression:
        return Arithmetic(operator.add, self, other)

    def __radd__(self, other: Any) -> Expression:
        return Arithmetic(operator.add, other, self)

    def __sub__(self, other: Any) -> Expression:
        return Arithmetic(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Expression:
        return Arithmetic(operator.sub, other, self)

    def __mul__(self, other: Any) -> Expression:
        return Arithmetic(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Expression:
        return Arithmetic(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Expression:
        return Arithmetic(operator.truediv, self, other)

    def __floordiv__(self, other: Any) -> Expression:
        return Arithmetic(operator.floordiv, self, other)

    def __mod__(self, other: Any) -> Expression:
        return Arithmetic(operator.mod, self, other)

    def append(self, *elements: Any) -> Expression:
        """The list with these elements at its end."""
        return OfList("append", self, elements)

    def remove(self, *elements: Any) -> Expression:
        """The list without the elements that equal one of these."""
        return OfList("remove", self, elements)


@dataclass(frozen=True)
class F(Expression):
    """A field of the stored object, as it is when the change is made.

    >>> (F("amount_kg") * 2 + 1).evaluate({"amount_kg": 20}.get)
    41
    >>> F("amount_kg") + 1
    F('amount_kg') + 1
    """

    name: str

    def evaluate(self, read: Read) -> Any:
        return read(self.name)

    def fields(self) -> Iterator[str]:
        yield self.name

    def __repr__(self) -> str:
        return f"F({self.name!r})"


@dataclass(frozen=True, repr=False)
class Arithmetic(Expression):
    """Two values and what is done with them."""

    do: Callable[[Any, Any], Any]
    left: Any
    right: Any

    def evaluate(self, read: Read) -> Any:
        left, right = evaluated(self.left, read), evaluated(self.right, read)
        if left is None or right is None:
            raise InvalidObject(f"{self!r}: there is no value to reckon with")
        try:
            return self.do(left, right)
        except (TypeError, ArithmeticError) as error:
            raise InvalidObject(f"{self!r}, of {left!r} and {right!r}: {error}") from None

    def fields(self) -> Iterator[str]:
        yield from (*fields_of(self.left), *fields_of(self.right))

    def __repr__(self) -> str:
        left, right = (
            f"({side!r})" if isinstance(side, Arithmetic) else repr(side) for side in (self.left, self.right)
        )
        return f"{left} {_SIGNS[self.do]} {right}"


@dataclass(frozen=True, repr=False)
class OfList(Expression):
    """A list with elements added or taken away; a missing list is an empty one."""

    name: str
    value: Any
    elements: tuple[Any, ...]

    def evaluate(self, read: Read) -> Any:
        found = evaluated(self.value, read)
        elements = [evaluated(element, read) for element in self.elements]
        if found is None:
            found = []
        if not isinstance(found, list):
            raise InvalidObject(f"{self!r}: {found!r} is no list")
        if self.name == "append":
            return [*found, *elements]
        # Of references, what is stored are primary keys.
        gone = [*elements, *(bare(element) for element in elements)]
        return [element for element in found if element not in gone]

    def fields(self) -> Iterator[str]:
        for value in (self.value, *self.elements):
            yield from fields_of(value)

    def __repr__(self) -> str:
        value = f"({self.value!r})" if isinstance(self.value, Arithmetic) else repr(self.value)
        return f"{value}.{self.name}({', '.join(map(repr, self.elements))})"


def evaluated(value: Any, read: Read) -> Any:
    """The value of an expression, or a value as it is."""
    return value.evaluate(read) if isinstance(value, Expression) else value


def fields_of(value: Any) -> Iterator[str]:
    """The names of the fields that a value is worked out of: none of a plain one.

    >>> sorted(fields_of(F("a") + F("b") * 2)), list(fields_of(5))
    (['a', 'b'], [])
    """
    return value.fields() if isinstance(value, Expression) else iter(())

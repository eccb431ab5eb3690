"""What every condition means: a function of the document. The index only makes it fast."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..companions import comparable_of, texts_of
from ..paths import EACH, Document, Path
from ..query.lists import list_itself
from ..query.parts import Test, holds
from ..query.tree import AllOf, AnyOf, Bound, Bounds, Condition, Negation, Parity, inner
from ..schema import Field
from .costs import cheapest_first

Predicate = Callable[[Document], bool]


def predicate(bound: Bound, root: int = 0) -> Predicate:
    """A function that tells whether a document meets the conditions; of any depth.

    ``root`` leaves out so many first steps of every path, for an object inside a document. Calling it raises
    schematics' errors for a document whose members cannot be read as the model's types.
    """
    bound = cheapest_first(bound)
    if isinstance(bound, AllOf):
        conditions = [child for child in bound.children if isinstance(child, Condition)]
        if len(conditions) == len(bound.children):
            return _all_hold([_OPERATORS[one.operator](one, root) for one in conditions])
    program = _compiled(bound, root)
    if len(program) == 1 and program[0].when_true == _TRUE:
        return program[0].test
    first = len(program) - 1

    def check(document: Document) -> bool:
        place, parities = first, dict[int, bool]()
        while place >= 0:
            step = program[place]
            holds = step.test(document) if step.counts is None else step.counts(parities)
            place = step.when_true if holds else step.when_false
        return place == _TRUE

    return check


_TRUE, _FALSE = -1, -2
#: Targets that are places in the program, known when the step is laid out: the last step so far, and the one before.
_NEXT, _AFTER_NEXT = -3, -4


@dataclass(frozen=True)
class _Step:
    """A test of the document, or of what was counted so far, and where to go on when it holds and when it does not."""

    test: Predicate
    when_true: int
    when_false: int
    counts: Callable[[dict[int, bool]], bool] | None = None


@dataclass(frozen=True, eq=False)
class _Count:
    """One more of a `Parity`'s children holds; or, with ``ends``, whether as many do as it wants."""

    node: Parity
    ends: bool

    def __call__(self, parities: dict[int, bool]) -> bool:
        # Begun anew at the end: a node may stand twice in a tree.
        odd = parities.pop(id(self.node), False)
        if self.ends:
            return odd is self.node.odd
        parities[id(self.node)] = not odd
        return True


_Layout = tuple[Bound | _Count, int, int]


def _compiled(bound: Bound, root: int) -> list[_Step]:
    """The conditions as tests with jumps, as compilers write ``and`` and ``or``; the last step comes first.

    Trees nest to any depth, and a chain of Python functions would not. Children are laid out from the last to the
    first, so that each knows where the next one begins.
    """
    program: list[_Step] = []
    stack: list[_Layout] = [(bound, _TRUE, _FALSE)]
    while stack:
        node, when_true, when_false = stack.pop()
        last = len(program) - 1
        places = {_NEXT: last, _AFTER_NEXT: last - 1}
        when_true, when_false = places.get(when_true, when_true), places.get(when_false, when_false)
        if isinstance(node, _Count):
            program.append(_Step(_nothing_to_test, when_true, when_false, node))
        elif isinstance(node, Condition):
            program.append(_Step(_OPERATORS[node.operator](node, root), when_true, when_false))
        elif not inner(node):
            holds = isinstance(node, AllOf)
            program.append(_Step(lambda document, holds=holds: holds, when_true, when_false))  # type: ignore[misc]
        else:
            stack += _LAYOUTS[type(node)](node, when_true, when_false)
    return program


def _nothing_to_test(document: Document) -> bool:
    return True


def _of_all(node: AllOf, when_true: int, when_false: int) -> list[_Layout]:
    *others, last = node.children
    return [*((child, _NEXT, when_false) for child in others), (last, when_true, when_false)]


def _of_any(node: AnyOf, when_true: int, when_false: int) -> list[_Layout]:
    *others, last = node.children
    return [*((child, when_true, _NEXT) for child in others), (last, when_true, when_false)]


def _of_parity(node: Parity, when_true: int, when_false: int) -> list[_Layout]:
    """Each child that holds is counted; then the next one follows, and at last the count is looked at."""
    layout: list[_Layout] = []
    for child in node.children:
        layout += [(child, _NEXT, _AFTER_NEXT), (_Count(node, ends=False), _NEXT, _NEXT)]
    return [*layout, (_Count(node, ends=True), when_true, when_false)]


def _of_negation(node: Negation, when_true: int, when_false: int) -> list[_Layout]:
    return [(node.child, when_false, when_true)]


_LAYOUTS: dict[type, Callable[[Any, int, int], list[_Layout]]] = {
    AllOf: _of_all,
    AnyOf: _of_any,
    Parity: _of_parity,
    Negation: _of_negation,
}


# --- operators ------------------------------------------------------------------------------------------------------


def _all_hold(tests: list[Predicate]) -> Predicate:
    def check(document: Document) -> bool:
        # A loop: all() would make a generator for each document.
        for test in tests:  # noqa: SIM110
            if not test(document):
                return False
        return True

    return check


def _some(condition: Condition, root: int, test: Callable[[Any], bool]) -> Predicate:
    steps = condition.path.steps[root:]
    if len(steps) == 1 and steps[0] is not EACH:
        return _of_member(steps[0], condition.path.field, test)
    read, field = condition.path.reader(root), condition.path.field

    def check(document: Document) -> bool:
        return any(value is not None and test(comparable_of(field, value)) for value in read(document))

    return check


def _of_member(member: str, field: Field, test: Callable[[Any], bool]) -> Predicate:
    """What `_some` gives, where there is one value at the most: scans are made of this."""
    plain = field.kind.plain

    def check(document: Document) -> bool:
        value = document.get(member)
        if type(value) in plain:
            return test(value)
        return value is not None and test(comparable_of(field, value))

    return check


def _some_text(condition: Condition, root: int, test: Callable[[str], object]) -> Predicate:
    read, field = condition.path.reader(root), condition.path.field

    def check(document: Document) -> bool:
        return any(test(text) for value in read(document) if value is not None for text in texts_of(field, value))

    return check


def _in(condition: Condition, root: int) -> Predicate:
    return _some(condition, root, frozenset(condition.value).__contains__)


def _all_in(condition: Condition, root: int) -> Predicate:
    """Some list has all of the elements."""
    wanted, field = frozenset(condition.value), condition.path.field
    deeper = condition.path.steps[len(list_itself(condition.path).steps) :]
    read, elements = list_itself(condition.path).reader(root), Path((), deeper, field).reader()

    def check(document: Document) -> bool:
        lists = ([value for value in elements(one) if value is not None] for one in read(document))
        return any(wanted <= {comparable_of(field, value) for value in found} for found in lists)

    return check


def _between(condition: Condition, root: int) -> Predicate:
    return _some(condition, root, _lies_in(condition.value))


def _lies_in(bounds: Bounds) -> Callable[[Any], bool]:
    """`Bounds.__contains__`, of the ends that there are."""
    low, high = bounds.low, bounds.high
    above = operator.ge if bounds.include_low else operator.gt
    below = operator.le if bounds.include_high else operator.lt
    if high is None:
        return lambda comparable: low is None or above(comparable, low)
    if low is None:
        return lambda comparable: below(comparable, high)
    if bounds.include_low and bounds.include_high:
        return lambda comparable: low <= comparable <= high
    return lambda comparable: above(comparable, low) and below(comparable, high)


def _area(condition: Condition, root: int) -> Predicate:
    return _some(condition, root, condition.value.__contains__)


def _missing(condition: Condition, root: int) -> Predicate:
    read = condition.path.reader(root)
    return lambda document: all(value is None for value in read(document))


def _like(condition: Condition, root: int) -> Predicate:
    return _some_text(condition, root, condition.value.matches)


def _regex(condition: Condition, root: int) -> Predicate:
    return _some_text(condition, root, condition.value.search)


def _part(condition: Condition, root: int) -> Predicate:
    test: Test = condition.value
    kind = condition.path.field.kind
    if test.part == "len":
        read = condition.path.reader(root)
        return lambda document: any(isinstance(v, list) and holds(test, kind, v) for v in read(document))
    return _some(condition, root, lambda comparable: holds(test, kind, comparable))


def _match(condition: Condition, root: int) -> Predicate:
    read, meets = condition.path.reader(root), predicate(condition.value, len(condition.path.steps))
    return lambda document: any(isinstance(value, dict) and meets(value) for value in read(document))


_OPERATORS: dict[str, Callable[[Condition, int], Predicate]] = {
    "in": _in,
    "all in": _all_in,
    "between": _between,
    "missing": _missing,
    "like": _like,
    "regex": _regex,
    "search": lambda condition, root: _some_text(condition, root, condition.value.matches),
    "part": _part,
    "match": _match,
    "area": _area,
}
OPERATORS = frozenset(_OPERATORS)

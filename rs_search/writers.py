"""Functions, one a class, that make of an instance's values what schematics' validation and the codec make of them.

What such a function cannot tell at a glance it leaves to schematics, `rs_search.codec` and `rs_search.companions`: it
raises, and has touched nothing. `tests/property/test_writers.py` holds it to their values, documents and companions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as attribute
from types import MappingProxyType
from typing import Any

from schematics.models import Model
from schematics.types import BaseType, DictType, ListType, ModelType
from schematics.validate import get_validation_context

from .codec import shows_none
from .index_schema import IndexSchema, Leaf
from .known import SCALARS
from .reading import CopyableDict
from .schema import Field, schema_of
from .source import Source
from .written_values import THEMSELVES, beside, primitive

#: What an instance gets, its document, what stands beside it for the index in place of primitives (None: not all of
#: that is exact), and whether `companions` may find more to stand there.
Written = tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None, bool]
#: Names that lead to a field; None in them is a dictionary, below which the index has no paths.
Names = tuple[str | None, ...]
#: The variables of what an instance and its document get.
Made = tuple[str, str]
#: What schematics gives to each type when it validates a model.
CONTEXT = get_validation_context(
    initialized=True, trusted_data={}, mapping={}, init_values=False, apply_defaults=False, oo=True, recursive=False,
    app_data={},
)  # fmt: skip
_new: Any = object.__new__


def writer(model: type[Model], schema: IndexSchema | None, nulls: bool) -> Callable[[Any, Any], Written]:
    """Write the function for a known model (`rs_search.known`).

    It takes the values of an instance by name, and the value of ``pk``, and raises anything where it is not sure.
    ``schema``: for documents with companions, and exact for RedisJSON; ``nulls``: as `codec.encode` has it. Raises
    `TooDeep`.
    """
    writing = _Writing(schema.leaves if schema else {}, schema is not None, nulls)
    kept, document = writing.members(model, lambda name: "pk" if name == "pk" else f"s[{name!r}]", ())
    return writing.finish(model.__name__, kept, document)


def new_model(model: type[Model], values: dict[str, Any]) -> Model:
    """An instance of a known model as schematics makes one of native values, without converting them again."""
    # What `ModelDict(converted=values)` makes, and `Model` around it, without three constructors.
    unsafe: dict[str, Any] = {}
    valid: dict[str, Any] = {}
    data, seen = _new(CopyableDict), MappingProxyType(valid)
    data._unsafe, data._converted, data._ModelDict__valid, data._valid = unsafe, values, valid, seen
    data.maps = [unsafe, values, seen]
    made: Model = _new(model)
    made._data = data
    return made


@dataclass
class _Writing:
    """A function that is being written: ``indexed`` for documents that become texts at once.

    ``numbers``: the variables of what stands beside the document, by path.
    """

    leaves: dict[tuple[str, ...], Leaf]
    indexed: bool
    nulls: bool
    source: Source = attribute(default_factory=Source)
    numbers: dict[Names, str] = attribute(default_factory=dict)

    def leaf(self, names: Names) -> Leaf | None:
        """What the index reads at a path."""
        return self.leaves.get(names)  # type: ignore[arg-type]

    def members(self, model: type[Model], read: Callable[[str], str], above: Names) -> Made:
        """Lines for every field of an object; gives the expression of its values, and the variable of its document."""
        source, kept, members, always = self.source, [], [], []
        gaps, document = source.name("g"), source.name("d")
        source.line(f"{gaps} = False")
        for name, field in schema_of(model).fields.items():
            if field.computed is not None:
                # Of these, `quick_validator` sees to the values.
                continue
            value = source.name("v")
            source.line(f"{value} = {read(name)}")
            with source.block(f"if {value} is not None"):
                made, plain = self.value(field, value, (*above, name))
            with source.block("else"):
                source.line(" = ".join(dict.fromkeys((made, plain, value))) + " = None")
                if field.has_default or (self.nulls and shows_none(field)):
                    always.append(field.member)
                    self.null(field.type, (*above, name))
                else:
                    self.null(field.type, ())
                    source.line(f"{gaps} = True")
            kept.append(f"{name!r}: {made}")
            members.append(f"{field.member!r}: {plain}")
        source.line(f"{document} = {{{', '.join(members)}}}")
        with source.block(f"if {gaps}"):
            some = f" or m in {source.constant(frozenset(always))}" if always else ""
            source.line(f"{document} = {{m: x for m, x in {document}.items() if x is not None{some}}}")
        return f"{{{', '.join(kept)}}}", document

    def null(self, type_: BaseType, names: Names) -> None:
        """What is done about None, which stands in the document as a null at a path, or at no path."""
        leaf = self.leaf(names)
        if type_.required:
            self.source.line("raise Unsure")
        elif leaf is not None and not leaf.companion:
            # RediSearch does not see that it is one.
            self.source.line("hard = True")

    def value(self, field: Field, value: str, names: Names) -> Made:
        """Lines for a value that is not None."""
        type_ = type(field.type)
        write = _COMPOUNDS.get(type_) or (_scalar if type_ in SCALARS else _whole)
        return write(self, field, value, names)

    def stand(self, field: Field, value: str, names: Names) -> None:
        """Lines that let what the index reads in place of a value stand beside the document."""
        leaf = self.leaf(names)
        expression = leaf and beside(self.source, leaf, field, value)
        if leaf is None or expression is None:
            return
        if names not in self.numbers:
            self.numbers[names] = self.source.name("n")
            self.source.first(f"{self.numbers[names]} = {'[]' if leaf.path.multiple else None}")
        number = self.numbers[names]
        if not leaf.path.multiple:
            self.source.line(f"{number} = {expression}")
        elif leaf.geo:
            self.source.line(f"if {expression} is not None: {number}.append({expression})")
        else:
            self.source.line(f"{number}.append({expression})")

    def finish(self, title: str, kept: str, document: str) -> Callable[[Any, Any], Written]:
        """The function."""
        source, found = self.source, self.source.name("b")
        source.first("hard = loose = False")
        source.line(f"{found} = {{}}")
        for names, leaf in self.leaves.items():
            if names in self.numbers:
                number = self.numbers[names]
                there = number if leaf.path.multiple else f"{number} is not None"
                source.line(f"if {there}: {found}[{leaf.alias!r}] = {number}")
        source.line(f"return {kept}, {document}, None if loose else {found}, hard")
        return source.function(f"writer of {title}", "s, pk")


# --- by type ----------------------------------------------------------------------------------------------------------


def _scalar(writing: _Writing, field: Field, value: str, names: Names) -> Made:
    row = SCALARS[type(field.type)]
    writing.source.refuse(value, ("type({v}) is not {0}", row.native), *row.conditions(field.type))
    plain = primitive(writing.source, field, value, writing.indexed)
    writing.stand(field, value, names)
    return value, plain


def _whole(writing: _Writing, field: Field, value: str, names: Names) -> Made:
    """Types that are asked what they make of a value."""
    made = writing.source.call(field.type.validate, value, writing.source.constant(CONTEXT))
    plain = primitive(writing.source, field, made, writing.indexed)
    writing.stand(field, made, names)
    return made, plain


def _list(writing: _Writing, field: Field, value: str, names: Names) -> Made:
    source, element = writing.source, field.element
    assert element is not None
    sizes = (("len({v}) < {0}", field.type.min_size), ("len({v}) > {0}", field.type.max_size))
    source.refuse(value, ("type({v}) is not list",), *(size for size in sizes if size[1] is not None))
    kept, plain, one = source.name("k"), source.name("p"), source.name("v")
    same = element.kind in THEMSELVES
    if same:
        source.line(f"{kept} = {value}[:]")
        # A document that becomes a text at once may hold what the instance had.
        source.line(f"{plain} = {value}" if writing.indexed else f"{plain} = {value}[:]")
    else:
        source.line(f"{kept} = []; {plain} = []")
    with source.block(f"for {one} in {value}"):
        with source.block(f"if {one} is None"):
            writing.null(element.type, names)
            source.line("continue" if same else f"{kept}.append(None); {plain}.append(None); continue")
        made = writing.value(element, one, names)
        if not same:
            source.line(f"{kept}.append({made[0]}); {plain}.append({made[1]})")
    return kept, plain


def _dict(writing: _Writing, field: Field, value: str, names: Names) -> Made:
    source, element = writing.source, field.element
    assert element is not None
    source.refuse(value, ("type({v}) is not dict",))
    kept, plain, key, one = source.name("k"), source.name("p"), source.name("q"), source.name("v")
    source.line(f"{kept} = {{}}; {plain} = {{}}")
    with source.block(f"for {key}, {one} in {value}.items()"):
        source.refuse(key, ("type({v}) is not str",))
        with source.block(f"if {one} is None"):
            writing.null(element.type, ())
            source.line(f"{kept}[{key}] = {plain}[{key}] = None; continue")
        made = writing.value(element, one, (*names, None))
        source.line(f"{kept}[{key}] = {made[0]}; {plain}[{key}] = {made[1]}")
    return kept, plain


def _object(writing: _Writing, field: Field, value: str, names: Names) -> Made:
    source, model = writing.source, field.type.model_class
    source.refuse(value, ("type({v}) is not {0}", model))
    unsafe, converted, valid, values = (source.name(stem) for stem in "ucas")
    source.line(f"{unsafe}, {converted}, {valid} = {value}._data.maps")
    source.line(f"if {unsafe}: raise Unsure")
    source.line(f"{values} = ({valid} | {converted} if {converted} else {valid}) if {valid} else {converted}")
    kept, plain = writing.members(model, lambda name: f"{values}[{name!r}]", names)
    return source.call(new_model, source.constant(model), kept), plain


_COMPOUNDS = {ListType: _list, DictType: _dict, ModelType: _object}

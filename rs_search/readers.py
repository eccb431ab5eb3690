"""The functions that make instances and values of the texts of documents, one of each kind for a class.

msgspec decodes a text into a struct of the model's fields, and what is not native then is made so. What such a function
cannot do it leaves to a slow one that it is given: there every value is read by its own type, and what cannot be read
is told by key and path.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from schematics.models import Model
from schematics.undefined import Undefined

from . import kinds
from .index_schema import EXACT
from .loaded_data import LoadedData
from .memo import once_per_class
from .paths import Path
from .query.shapes import DICTIONARY, FLAT, reach
from .read_values import Step, by_call, step_of
from .reading import default_of, old_names
from .schema import COMPANIONS, Field, schema_of
from .source import Source, TooDeep
from .storage.keys import PrimaryKeyReader

Make = Callable[[str, Any], Any]
#: The attribute of an instance that keeps what was stored, and what is made of that first.
Noted = tuple[str, Callable[[Any], Any] | None]
_Classes = tuple[type[Model], ...]
#: Values that refer to nothing: the garbage collector need not look at an object that has no others.
_ALONE = (kinds.TEXT, kinds.IDENTIFIER, kinds.BOOLEAN, kinds.INTEGER, kinds.FLOAT, kinds.DATE)


class _Beside(msgspec.Struct, gc=False):
    """Of the companions, the floats that a server read one unit off: a text that has them cannot be decoded."""

    exact: None = msgspec.field(default=None, name=EXACT)


class _NotReadable(Exception):
    """A member has a name that msgspec cannot look for."""


def instance_maker(
    model: type[Model], only: Collection[str] | None, slow: Make, noted: Noted, pk: PrimaryKeyReader | None
) -> Make:
    """The function that makes instances, with values for some fields ``only`` if they are named.

    ``slow`` is called where it cannot; ``pk`` reads the primary key of a model that has no field for it.
    """
    attribute, note = noted

    def make(source: Source, values: dict[str, str]) -> None:
        source.line(f"made = {source.constant(object.__new__)}({source.constant(model)})")
        source.line("made._data = data")
        source.line(f"made.{attribute} = {'stored' if note is None else source.call(note, 'stored')}")
        if pk is not None:
            target = 'made.__dict__["pk"]' if hasattr(model, "pk") else "made.pk"
            read = f"{source.constant(pk.read)}(key)"
            plain = "" if pk.begin is None else f" if '%' in key else key[{pk.begin}:]"
            source.line(f"{target} = {read}{plain}")
        source.line("return made")

    names = [name for name in schema_of(model).fields if only is None or name in only]
    return _of_texts(model, names, False, make, slow) if is_plain(model) else slow


def values_maker(model: type[Model], kind: str, paths: tuple[Path, ...], slow: Make) -> Make:
    """The function that makes rows of values: dictionaries, tuples, or the values of one path by themselves."""

    def make(source: Source, values: dict[str, str]) -> None:
        found = [_reached(source, model, values[path.names[0]], path.names) for path in paths]
        if kind == FLAT:
            source.line(f"return {found[0]}")
        elif kind == DICTIONARY:
            members = (f"{str(path)!r}: {value}" for path, value in zip(paths, found, strict=True))
            source.line(f"return {{{', '.join(members)}}}")
        else:
            source.line(f"return ({''.join(f'{value}, ' for value in found)})")

    return _of_texts(model, list(dict.fromkeys(path.names[0] for path in paths)), True, make, slow)


def _reached(source: Source, model: type[Model], value: str, names: tuple[str, ...]) -> str:
    """An expression for what stands at the end of a path."""
    first, *others = names
    field = schema_of(model).fields[first]
    if len(others) == 1 and field.kind is kinds.OBJECT and len(field.models) == 1:
        inner = schema_of(field.models[0]).fields.get(others[0])
        if inner is not None and inner.computed is None:
            return f"None if {value} is None else {value}._data.get({others[0]!r})"
    return f"{source.constant(reach)}({value}, {tuple(others)!r})" if others else value


def is_plain(model: type[Model]) -> bool:
    """Whether an instance may be made without asking the model's class."""
    methods = ("__init__", "_convert", "__new__", "__setattr__")
    if any(getattr(model, name) is not getattr(Model, name) for name in methods) or hasattr(model, "_data"):
        return False
    # A setter of a computed field works on the whole instance.
    return all(field.computed is None or field.computed.fset is None for field in schema_of(model).fields.values())


def _of_texts(
    model: type[Model], names: list[str], rows: bool, make: Callable[[Source, dict[str, str]], None], slow: Make
) -> Make:
    """A function of a key and a text, whose end ``make`` writes."""
    source = Source()
    try:
        read = _read(model, names, (), rows)
        with source.block("try"):
            decode = msgspec.json.Decoder(read.struct).decode
            source.line(f"data = {source.constant(decode)}(stored)")
            values = _native(source, read, "data", rows)
    except (_NotReadable, TooDeep):
        return slow
    with source.block("except Exception"):
        source.line("data = None")
    with source.block("if data is None"):
        source.line(f"return {source.constant(slow)}(key, stored)")
    make(source, values)
    return source.function(f"{model.__qualname__}, read", "key, stored")


# --- structs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """What fields of a model are decoded into: a struct, and what is done with its members then.

    ``others`` are members for names that some documents have in place of the fields' own.
    """

    struct: Any
    steps: dict[str, tuple[Field, str, Step]]
    others: tuple[str, ...]
    floats: bool


def _read(model: type[Model], names: Collection[str], above: _Classes, rows: bool = False) -> _Read:
    """``above`` are the classes that the model stands in; ``rows``: of values, among them those that are computed."""
    fields = [field for field in (schema_of(model).fields[name] for name in names) if rows or field.computed is None]
    steps = {
        field.name: (field, f"f{place}", step_of(field, lambda inner: _of_object(inner, (*above, model))))
        for place, field in enumerate(fields)
    }
    members = [_member(member, step.stored, field) for field, member, step in steps.values()]
    known = dict.fromkeys(other for field in fields for other in old_names(model, field))
    others = {f"other_{place}": name for place, name in enumerate(known)}
    members += [(other, msgspec.Raw, msgspec.field(default=msgspec.UNSET, name=name)) for other, name in others.items()]
    floats = any(step.floats for _, _, step in steps.values())
    if floats and not above:
        members.append(("beside", _Beside | None, msgspec.field(default=None, name=COMPANIONS)))
    objects = {name: (member, step.model) for name, (_, member, step) in steps.items() if _is_late(step, rows)}
    held = {name: steps[name][1] if name in steps else "nothing" for name in names if name not in objects}
    collected = not above or any(step.write or field.kind not in _ALONE for field, _, step in steps.values())
    namespace = {"_names": tuple(names), "_members": held, "_objects": objects}
    struct = _struct(model, members, namespace, collected)
    return _Read(struct, steps, tuple(others), floats)


def _is_late(step: Step, rows: bool) -> bool:
    """Whether an object is made when somebody asks for it."""
    return step.model is not None and not rows


def _has_default(field: Field) -> bool:
    return field.type._default is not None and field.type._default is not Undefined


def _member(name: str, stored: Any, field: Field) -> tuple[str, Any, Any]:
    annotation = stored if stored is msgspec.Raw else stored | None
    default = msgspec.UNSET if _has_default(field) else None
    return name, annotation, msgspec.field(default=default, name=field.member)


def _struct(model: type[Model], members: list[Any], namespace: dict[str, Any], collected: bool) -> Any:
    bases = (LoadedData,)
    try:
        return msgspec.defstruct(model.__name__, members, bases=bases, namespace=namespace, eq=False, gc=collected)
    except (TypeError, ValueError):
        raise _NotReadable from None


def _native(source: Source, read: _Read, data: str, rows: bool) -> dict[str, str]:
    """Lines that make native what a struct has; gives where the values are then, by field.

    Values of rows are not put back into the struct.
    """
    values: dict[str, str] = {}
    for name, (field, member, step) in read.steps.items():
        values[name] = f"{data}.{member}"
        if (step.write is None or _is_late(step, rows)) and not _has_default(field):
            continue
        value = source.name("v")
        source.line(f"{value} = {data}.{member}")
        _fill(source, field, step, value)
        if rows:
            values[name] = value
        else:
            source.line(f"{data}.{member} = {value}")
    for other in read.others:
        source.line(f"if {data}.{other} is not {source.constant(msgspec.UNSET)}: raise Unsure")
    return values


def _fill(source: Source, field: Field, step: Step, value: str) -> None:
    """Lines that make a value native, which is unset where the document has none and there is a default."""
    unset = source.constant(msgspec.UNSET)
    if _has_default(field):
        with source.block(f"if {value} is {unset}"):
            source.line(f"{value} = {source.constant(default_of)}({source.constant(field)})")
    if step.write is not None:
        with source.block(f"{'elif' if _has_default(field) else 'if'} {value} is not None"):
            source.line(f"{value} = {step.write(source, value)}")


# --- objects in documents -------------------------------------------------------------------------------------------


def _of_object(model: type[Model], above: _Classes) -> Step | None:
    """How an object in a document is read; the class of a model that stands in itself has a function of its own."""
    if not is_plain(model):
        return None
    if model in above:
        return by_call(msgspec.Raw, lambda text: _by_itself(model)(text), raw=True, floats=True)
    try:
        read = _read(model, schema_of(model).fields, above)
    except _NotReadable:
        return None

    def write(source: Source, value: str) -> str:
        _native(source, read, value, rows=False)
        made = source.name("o")
        source.line(f"{made} = {source.constant(object.__new__)}({source.constant(model)})")
        source.line(f"{made}._data = {value}")
        return made

    native = all(_is_native(field, step) for field, _, step in read.steps.values()) and not read.others
    return Step(read.struct, write, floats=read.floats, model=model if native else None)


def _is_native(field: Field, step: Step) -> bool:
    return (step.write is None or step.model is not None) and not _has_default(field)


@once_per_class
def _by_itself(model: type[Model]) -> Callable[[Any], Any]:
    step = _of_object(model, ())
    assert step is not None
    assert step.write is not None
    source, decode = Source(), msgspec.json.Decoder(step.stored | None).decode
    source.line(f"data = {source.constant(decode)}(text)")
    source.line("if data is None: return None")
    source.line(f"return {step.write(source, 'data')}")
    return source.function(f"{model.__qualname__} in itself, read", "text")

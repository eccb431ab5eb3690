"""The functions that make instances and values of documents: generated Python, one of each kind for a class.

What a generated function cannot do it leaves to a slow one that it is given: there every value is read by its own
type, and what cannot be read is told by key and path.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from schematics.models import Model
from schematics.undefined import Undefined

from .. import kinds
from ..index_schema import EXACT
from ..memo import once_per_class
from ..paths import Path
from ..query.shapes import DICTIONARY, FLAT, reach
from ..reading import default_of, old_names
from ..schema import COMPANIONS, schema_of
from .data import LoadedData
from .generated import function, indented
from .steps import Step, by_call, step_of

Make = Callable[[str, Any], Any]
Noted = tuple[str, Callable[[Any], Any] | None]


class _Beside(msgspec.Struct, gc=False):
    """Of the companions, the floats that a server read one unit off; a document that has them is left to others."""

    exact: None = msgspec.field(default=None, name=EXACT)


class _LeftToOthers(Exception):
    """There is something in a document that a generated function does not know."""


class _NotCompiled(Exception):
    """A member has a name that msgspec cannot look for."""


def instance_maker(
    model: type[Model], only: Collection[str] | None, slow: Make, noted: Noted, pk: Callable[[str], str] | None
) -> Make:
    """The function that makes instances, with values for some fields ``only`` if they are named.

    ``slow`` is called where it cannot. ``noted`` is the attribute that keeps what was stored, and what is made of that
    first; ``pk`` gives the primary key of a model that has no field for it.
    """
    if not is_plain(model):
        return slow
    try:
        reader = _reader(model, [name for name in schema_of(model).fields if only is None or name in only], ())
    except _NotCompiled:
        return slow
    attribute, note = noted
    end = [
        "made = new(model)",
        "made._data = data",
        f"made.{attribute} = {'stored' if note is None else 'note(stored)'}",
    ]
    if pk is not None:
        end.append('made.__dict__["pk"] = pk(key)' if hasattr(model, "pk") else "made.pk = pk(key)")
    names = {"new": object.__new__, "model": model, "note": note, "pk": pk}
    return _of_documents(reader, slow, [*end, "return made"], names)


def row_maker(model: type[Model], kind: str, paths: tuple[Path, ...], slow: Make) -> Make:
    """The function that makes rows of values: dictionaries, tuples, or the values of one path by themselves."""
    try:
        reader = _reader(model, dict.fromkeys(path.names[0] for path in paths), (), rows=True)
    except _NotCompiled:
        return slow
    values = [_reached(reader, path.names) for path in paths]
    if kind == DICTIONARY:
        members = ", ".join(f"{str(path)!r}: {value}" for path, value in zip(paths, values, strict=True))
        row = f"{{{members}}}"
    else:
        row = values[0] if kind == FLAT else f"({''.join(f'{value}, ' for value in values)})"
    return _of_documents(reader, slow, [f"return {row}"], {"reach": reach})


def _reached(reader: _Reader, names: tuple[str, ...]) -> str:
    """An expression for what stands at the end of a path."""
    value, (first, *others) = reader.values[names[0]], names
    field = schema_of(reader.model).fields[first]
    if len(others) == 1 and field.kind is kinds.OBJECT and len(field.models) == 1:
        inner = schema_of(field.models[0]).fields.get(others[0])
        if inner is not None and inner.computed is None:
            return f"None if {value} is None else {value}._data.get({others[0]!r})"
    return f"reach({value}, {tuple(others)!r})" if others else value


def is_plain(model: type[Model]) -> bool:
    """Whether an instance may be made without asking the model's class."""
    methods = ("__init__", "_convert", "__new__", "__setattr__")
    if any(getattr(model, name) is not getattr(Model, name) for name in methods) or hasattr(model, "_data"):
        return False
    # A setter of a computed field works on the whole instance.
    return all(field.computed is None or field.computed.fset is None for field in schema_of(model).fields.values())


# --- what is read ---------------------------------------------------------------------------------------------------


@dataclass
class _Reader:
    """How fields of a model are read: a struct that they are decoded into, and lines that work on it, ``data``.

    ``members`` are those of the struct by field, ``values`` tell where the values are then; ``names`` are used by
    the lines.
    """

    model: type[Model]
    members: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    struct: Any = None
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    floats: bool = False


def _reader(model: type[Model], names: Iterable[str], above: tuple[type[Model], ...], rows: bool = False) -> _Reader:
    """``above`` are the classes that the model stands in; ``rows``: of values, which are not put back into the struct.

    Of an instance, computed values are not what is stored.
    """
    reader = _Reader(model, names={"UNSET": msgspec.UNSET, "LeftToOthers": _LeftToOthers, "default_of": default_of})
    members: list[tuple[str, Any, Any]] = []
    for place, name in enumerate(names):
        if rows or schema_of(model).fields[name].computed is None:
            members.append(_add_field(reader, place, name, above, rows))
        else:
            reader.members[name] = "nothing"
    for place, name in enumerate(_other_names(model, reader.values)):
        members.append(_member(f"other_{place}", msgspec.Raw, msgspec.UNSET, name))
        reader.lines += [f"if data.other_{place} is not UNSET:", "    raise LeftToOthers"]
    if reader.floats and not above:
        members.append(_member("beside", _Beside, None, COMPANIONS))
    namespace = {"_members": reader.members}
    try:
        reader.struct = msgspec.defstruct(model.__name__, members, bases=(LoadedData,), namespace=namespace, eq=False)
    except (TypeError, ValueError):
        raise _NotCompiled from None
    return reader


def _add_field(reader: _Reader, place: int, name: str, above: tuple[type[Model], ...], rows: bool) -> Any:
    """Read one field more; gives the struct's member."""
    own = schema_of(reader.model).fields[name]
    step = step_of(own, lambda inner: _object(inner, (*above, reader.model)))
    has_default = own.type._default is not None and own.type._default is not Undefined
    member = f"data.f{place}"
    own_lines, own_names = step.at(str(place))
    lines = _lines(member, own_lines, place if has_default else None, f"f{place}" if rows else member)
    reader.members[name] = f"f{place}"
    reader.values[name] = f"f{place}" if rows and lines else member
    reader.floats = reader.floats or step.floats
    reader.lines += lines
    reader.names |= {**own_names, f"field_{place}": own}
    return _member(f"f{place}", step.stored, msgspec.UNSET if has_default else None, own.member)


def _member(name: str, stored: Any, default: Any, member: str) -> tuple[str, Any, Any]:
    annotation = stored if stored is msgspec.Raw else stored | None
    return name, annotation, msgspec.field(default=default, name=member)


def _other_names(model: type[Model], names: Iterable[str]) -> list[str]:
    """Names that some documents have in place of the fields' own."""
    fields = schema_of(model).fields
    return list(dict.fromkeys(other for name in names for other in old_names(model, fields[name])))


def _lines(value: str, step: list[str], default: int | None, target: str) -> list[str]:
    """What is done with a value, which is unset where the document has none and the field of a number a default."""
    lines = [f"value = {value}"]
    if default is not None:
        lines += ["if value is UNSET:", f"    value = default_of(field_{default})"]
    if step:
        lines += ["if value is not None:" if default is None else "elif value is not None:", *indented(step)]
    return [*lines, f"{target} = value"] if len(lines) > 1 else []


def _object(model: type[Model], above: tuple[type[Model], ...]) -> Step | None:
    """How an object in a document is read; the class of a model that stands in itself has a function of its own."""
    if not is_plain(model):
        return None
    if model in above:
        return by_call(msgspec.Raw, lambda text: _by_itself(model)(text), raw=True, floats=True)
    try:
        reader = _reader(model, schema_of(model).fields, above)
    except _NotCompiled:
        return None
    if reader.lines:
        return by_call(reader.struct, _nested(reader), floats=reader.floats)
    lines = ("inner = new(model_@)", "inner._data = value", "value = inner")
    return Step(reader.struct, lines, {"new": object.__new__, "model_@": model}, floats=reader.floats)


@once_per_class
def _by_itself(model: type[Model]) -> Callable[[Any], Any]:
    reader = _reader(model, schema_of(model).fields, (model,))
    decode, make = msgspec.json.Decoder(reader.struct | None).decode, _nested(reader)

    def read(text: Any) -> Any:
        data = decode(text)
        return None if data is None else make(data)

    return read


def _nested(reader: _Reader) -> Callable[[Any], Any]:
    lines = [*reader.lines, "made = new(model)", "made._data = data", "return made"]
    return function("data", lines, {"new": object.__new__, "model": reader.model, **reader.names})  # type: ignore[no-any-return]


# --- functions ------------------------------------------------------------------------------------------------------


def _of_documents(reader: _Reader, slow: Make, end: list[str], names: dict[str, Any]) -> Make:
    work = ["data = decode(stored)", *reader.lines]
    lines = ["try:", *indented(work), "except Exception:", "    data = None", "if data is None:",
             "    return slow(key, stored)", *end]  # fmt: skip
    used = {"decode": msgspec.json.Decoder(reader.struct).decode, "slow": slow, **reader.names, **names}
    return function("key, stored", lines, used)  # type: ignore[no-any-return]

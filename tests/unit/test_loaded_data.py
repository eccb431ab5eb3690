"""What stands in for schematics' ModelDict does all that a ModelDict does."""

from __future__ import annotations

import copy
import pickle
import threading
from collections import ChainMap
from collections.abc import Callable, MutableMapping
from typing import Any

import orjson
import pytest
from schematics.exceptions import UndefinedValueError
from schematics.models import Model, ModelDict
from schematics.types import IntType, ListType, ModelType, StringType

from rs_search import SearchRedisMixin
from rs_search.hydration import hydrator
from rs_search.loaded_data import LoadedData


class Inner(Model):
    name = StringType()


class Odd(Model, SearchRedisMixin):
    """Fields named as what a ModelDict has."""

    pk = StringType()
    whole = StringType()
    converted = IntType()
    made = ListType(StringType())
    inner = ModelType(Inner)


VALUES: dict[str, Any] = {"pk": "1", "whole": "it", "converted": 5, "made": ["a", "b"], "inner": {"name": "x"}}


def loaded() -> Any:
    instance = hydrator(Odd)("Odd:1", orjson.dumps(VALUES))
    assert type(instance._data).__mro__[1] is LoadedData
    return instance


def pair() -> tuple[Any, Any]:
    """The values of an instance that was read, and of one that schematics made."""
    return loaded()._data, Odd(VALUES)._data


def outcome(do: Callable[[Any], Any], data: Any) -> Any:
    """What is given or raised, and what it left behind."""
    try:
        found = do(data)
    except (KeyError, UndefinedValueError) as error:
        found = type(error), str(error)
    except Exception as error:
        # Others name their class.
        found = type(error)
    if isinstance(found, ChainMap | LoadedData):
        found = [dict(part) for part in found.maps]
    # What has an order but by chance.
    found = sorted(map(repr, found)) if type(found).__name__ in ("KeysView", "ValuesView", "ItemsView") else found
    return found, *(dict(part) for part in data.maps)


def set_unsafe(data: Any) -> None:
    data.unsafe = {"whole": "raw", "new": 1}


def set_converted(data: Any) -> None:
    data.converted = {"whole": "other"}


def set_valid(data: Any) -> None:
    data.valid = {"whole": "valid", "only": 2}


def put(data: Any) -> None:
    data["whole"] = "put"


def join(data: Any) -> Any:
    data |= {"whole": "joined"}
    return data


DONE: dict[str, Callable[[Any], Any]] = {
    "get": lambda data: data.get("whole"),
    "get nothing": lambda data: (data.get("nothing"), data.get("nothing", 5), data.get(None), data.get(7)),
    "get unhashable": lambda data: data.get([]),
    "item": lambda data: data["made"],
    "no item": lambda data: data["nothing"],
    "no struct's member": lambda data: data["f0"],
    "in": lambda data: ("whole" in data, "nothing" in data, "f0" in data, None in data),
    "unhashable in": lambda data: [] in data,
    "length": len,
    "names": lambda data: sorted(data),
    "dictionary": lambda data: sorted(dict(data)),
    "keyword arguments": lambda data: sorted(dict(**data)),
    "keys": lambda data: data.keys(),
    "values": lambda data: data.values(),
    "items": lambda data: data.items(),
    "truth": bool,
    "unsafe": lambda data: dict(data.unsafe),
    "converted": lambda data: list(data.converted.items()),
    "valid": lambda data: dict(data.valid),
    "valid is not written to": lambda data: data.valid.update(whole=1),
    "parents": lambda data: data.parents,
    "copy": lambda data: data.copy(),
    "copied": copy.copy,
    "new child": lambda data: data.new_child(),
    "put": put,
    "put twice": lambda data: (put(data), data["whole"], "whole" in data, data.get("whole"))[1:],
    "delete": lambda data: data.__delitem__("whole"),
    "delete nothing": lambda data: data.__delitem__("nothing"),
    "delete and get": lambda data: (data.__delitem__("whole"), data.get("whole", "gone"), "whole" in data, len(data)),
    "pop": lambda data: data.pop("whole"),
    "pop with default": lambda data: data.pop("whole", 5),
    "popitem": lambda data: data.popitem(),
    "put and popitem": lambda data: (put(data), data.popitem()),
    "clear": lambda data: data.clear(),
    "update": lambda data: data.update(whole="updated", new=1),
    "setdefault": lambda data: (data.setdefault("whole", 1), data.setdefault("new", 2)),
    "set unsafe": set_unsafe,
    "set converted": set_converted,
    "set valid": set_valid,
    "all of them set": lambda data: (
        set_valid(data),
        set_unsafe(data),
        set_converted(data),
        data["whole"],
        data["only"],
    ),
    "set in converted": lambda data: (data.converted.update(whole="x"), data["whole"]),
    "or": lambda data: data | {"whole": "joined"},
    "ored": lambda data: {"whole": "first", "new": 1} | data,
    "ior": join,
    "equal": lambda data: (data == dict(data), data == {}, data == 5, data != dict(data)),
    "hash": hash,
    "representation": repr,
    "mapping": lambda data: isinstance(data, MutableMapping),
    "unknown": lambda data: data.unknown,
}


@pytest.mark.parametrize("name", DONE)
def test_what_is_done_with_the_values_of_an_instance_does_what_schematics_does(name: str) -> None:
    ours, theirs = pair()
    assert outcome(DONE[name], ours) == outcome(DONE[name], theirs)


@pytest.mark.parametrize("second", DONE)
@pytest.mark.parametrize("first", ["put", "delete", "set valid", "set unsafe", "set converted", "converted", "clear"])
def test_what_is_done_next_does_it_too(first: str, second: str) -> None:
    ours, theirs = pair()
    for name in (first, "get", "in"):
        assert outcome(DONE[name], ours) == outcome(DONE[name], theirs)
    assert outcome(DONE[second], ours) == outcome(DONE[second], theirs)


def test_values_that_were_read_equal_those_that_schematics_has_both_ways() -> None:
    ours, theirs = pair()
    assert ours == theirs
    assert theirs == ours
    assert ours == pair()[0]
    ours.converted["whole"] = "other"
    assert ours != theirs
    assert theirs != ours
    assert ours != pair()[0]


def test_the_model_dict_is_made_when_it_is_needed_and_holds_the_values_from_then_on() -> None:
    instance = loaded()
    data = instance._data
    assert (instance.inner.name, "made" in instance, list(instance), instance.keys()) == (
        "x", True, list(VALUES), list(VALUES)
    )  # fmt: skip
    assert data.made is None
    before = data["made"]
    instance.pk = "2"
    assert type(data.made).__mro__[1] is ModelDict
    assert (data["pk"], data["made"] is before) == ("2", True)


def test_an_object_within_is_made_when_it_is_asked_for_and_stays_the_same() -> None:
    asked: list[Callable[[Any], Any]] = [
        lambda data: data.get("inner"),
        lambda data: data["inner"],
        lambda data: data.converted["inner"],
    ]
    for first in asked:
        data = loaded()._data
        inner = first(data)
        assert type(inner) is Inner
        assert all(again(data) is inner for again in asked)
    instance = loaded()
    assert "inner" in instance
    instance.inner.name = "changed"
    assert (instance.inner.name, instance.changed) == ("changed", {"inner"})
    instance.inner = {"name": "new"}
    assert (instance.inner.name, type(instance.inner)) == ("new", Inner)


def test_threads_get_one_object() -> None:
    for _ in range(20):
        data = loaded()._data
        start, found = threading.Barrier(4), []

        def ask(data: Any = data, start: Any = start, found: Any = found) -> None:
            start.wait()
            found.append(data["inner"])

        run_together(ask)
        assert all(one is found[0] for one in found)


def run_together(do: Callable[[], None]) -> None:
    threads = [threading.Thread(target=do) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_threads_make_one_model_dict() -> None:
    for _ in range(20):
        data = loaded()._data
        start, found = threading.Barrier(4), []

        def make(data: Any = data, start: Any = start, found: Any = found) -> None:
            start.wait()
            found.append(data.converted)

        run_together(make)
        assert all(one is data.converted for one in found)


def test_an_instance_that_was_read_can_be_pickled_and_copied_deeply_which_schematics_own_cannot() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Odd(VALUES))
    instance = loaded()
    for again in (pickle.loads(pickle.dumps(instance)), copy.deepcopy(instance)):
        assert again == instance
        assert again.made is not instance.made
        again.inner.name = "other"
        assert instance.inner.name == "x"
        assert copy.deepcopy(pickle.loads(pickle.dumps(again))) == again
        assert again.changed == {"inner"}


def test_a_shallow_copy_shares_its_values_as_schematics_own_does() -> None:
    for instance in (loaded(), Odd(VALUES)):
        again = copy.copy(instance)
        again.pk = "2"
        assert instance.pk == "2"

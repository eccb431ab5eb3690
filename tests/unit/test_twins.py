"""Whatever asks the server is there twice: to be called, and to be awaited."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.models import IceCream

import rs_search
import rs_search.model
from rs_search import BaseRedisMixin, Objects, ResultSet, Transaction
from rs_search.index import Index
from rs_search.operations.requests import Operation, command
from rs_search.planner.explain import Explanation
from rs_search.twins import Make, awaited, sync

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def owners() -> Iterator[type[Any]]:
    """Every class of the package that has an operation, called or awaited."""
    for module in pkgutil.walk_packages(rs_search.__path__, "rs_search."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and value.__module__ == module.name and has_operations(value):
                yield value


def has_operations(owner: type[Any]) -> bool:
    return any(hasattr(value, "twin") for value in vars(owner).values())


OWNERS = list(owners())
each_owner = pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)


def twins_of(owner: type[Any], kind: type[Any]) -> dict[str, Any]:
    return {name: value.twin for name, value in vars(owner).items() if isinstance(getattr(value, "twin", None), kind)}


def asynchronous(owner: type[Any]) -> Iterator[tuple[str, Any]]:
    """Public methods written out that are awaited, or read by ``async for``."""
    for name in vars(owner):
        value = inspect.getattr_static(owner, name)
        function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if hasattr(function, "twin"):
            continue
        if not name.startswith("_") and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
            yield name, function


def parameters(function: Any, leave_out: int) -> list[tuple[str, Any, Any]]:
    found = list(inspect.signature(function).parameters.values())[leave_out:]
    return [(each.name, each.kind, each.default) for each in found]


OPERATIONS = {name: twin.operation for name, twin in twins_of(Objects, sync).items()}


# --- Objects and ResultSet --------------------------------------------------------------------------------------------


def awaited_name(name: str) -> str:
    return f"_a{name[1:]}" if name.startswith("_") else f"a{name}"


def test_the_owners_of_operations_are_found() -> None:
    assert {Objects, ResultSet, Index} <= set(OWNERS)


@each_owner
def test_an_operation_that_is_called_is_awaited_as_well_and_the_reverse(owner: type[Any]) -> None:
    called = {awaited_name(name): twin.operation for name, twin in twins_of(owner, sync).items()}
    assert called
    assert called == {name: twin.operation for name, twin in twins_of(owner, awaited).items()}


@each_owner
def test_an_operation_is_called_by_its_own_name(owner: type[Any]) -> None:
    own = {name: twin.operation.__name__ for name, twin in twins_of(owner, sync).items() if not name.startswith("_")}
    assert own == {name: f"_{name}" for name in own}


@each_owner
def test_every_operation_can_be_called(owner: type[Any]) -> None:
    """One that was written, and given no name to call it by, would be seen here."""
    operations = {
        value
        for name, value in vars(owner).items()
        if name.startswith("_")
        and inspect.isfunction(value)
        and "state" in inspect.signature(value).parameters
        and str(value.__annotations__["return"]).startswith("Operation[")
    }
    # What one of them gives in place of one command.
    parts = {value for value in operations if f"return self.{value.__name__}(" in inspect.getsource(owner)}
    assert operations - parts == {twin.operation for twin in twins_of(owner, sync).values()}


#: Those that are written out by hand, with what they are twins of.
BY_HAND: dict[type[Any], dict[str, str]] = {
    ResultSet: {"aiterator": "iterator"},
    Transaction: {"arun": "run"},
    Explanation: {"aprofile": "profile"},
}


@pytest.mark.parametrize("owner", BY_HAND, ids=lambda owner: owner.__name__)
def test_what_is_awaited_beside_operations_has_its_twin(owner: type[Any]) -> None:
    found = {name for name, _ in asynchronous(owner)}
    assert found == set(BY_HAND[owner])
    for name, twin in BY_HAND[owner].items():
        assert twin in vars(owner), name


def test_nothing_else_in_the_package_is_awaited() -> None:
    found = {
        value
        for module in pkgutil.walk_packages(rs_search.__path__, "rs_search.")
        if not module.name.endswith("__main__") and not module.name.startswith("rs_search.server")
        for value in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(value) and value.__module__ == module.name and next(asynchronous(value), None) is not None
    }
    assert found == {*BY_HAND, BaseRedisMixin} - {Transaction}


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
def test_the_readme_lists_both(owner: type[Any]) -> None:
    for name in twins_of(owner, sync):
        assert name.startswith("_") or f"| `{name}` | `a{name}` |" in README, name


def test_the_readme_lists_what_is_written_out_by_hand() -> None:
    for called, twin in (("run", "arun"), ("profile", "aprofile"), ("iterator", "async for"), ("list(…)", "await"),
                         ("with transaction()", "async with transaction()")):  # fmt: skip
        assert f"| `{called}` | `{twin}` |" in README


@pytest.mark.parametrize(("owner", "name"), [(ResultSet, "iter"), (Transaction, "enter"), (Transaction, "exit")])
def test_a_method_of_pythons_own_has_its_twin(owner: type[Any], name: str) -> None:
    first, second = vars(owner)[f"__{name}__"], vars(owner)[f"__a{name}__"]
    assert parameters(first, 0) == parameters(second, 0)


@pytest.mark.parametrize("name", ["count", "acount"])
def test_an_operation_tells_what_its_caller_gives(name: str) -> None:
    method = getattr(Objects(IceCream), name)
    assert method.__name__ == name
    assert [each for each, _, _ in parameters(method, 0)] == ["conditions", "lookups"]


def test_an_operation_has_the_documentation_of_what_it_does() -> None:
    for name, operation in OPERATIONS.items():
        assert operation.__doc__, name
        for twin in (name, f"a{name}"):
            assert inspect.getdoc(getattr(Objects(IceCream), twin)) == inspect.getdoc(operation)


# --- the mixins -------------------------------------------------------------------------------------------------------

#: What a mixin's method leaves out: itself or its class.
MIXIN = {name: vars(BaseRedisMixin)[name] for name in vars(BaseRedisMixin) if not name.startswith("_")}


def function_of(name: str) -> Any:
    value = MIXIN[name]
    return value.__func__ if isinstance(value, classmethod) else value


def of_class(name: str) -> bool:
    return isinstance(MIXIN[name], classmethod)


def test_the_mixins_have_every_operation_twice_and_await_nothing_else() -> None:
    found = {name for name, _ in asynchronous(BaseRedisMixin)}
    assert found == {f"a{name}" for name in OPERATIONS}
    assert set(OPERATIONS) <= set(MIXIN)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_method_of_the_mixins_takes_what_its_twin_and_its_operation_take(name: str) -> None:
    assert of_class(name) is of_class(f"a{name}")
    expected = parameters(OPERATIONS[name], 2 if of_class(name) else 3)
    assert parameters(function_of(name), 1) == expected
    assert parameters(function_of(f"a{name}"), 1) == expected


class Recorder:
    """Stands for `Objects`: what it was called with."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]]

    def __init__(self, model: type[Any]) -> None:
        self.model = model

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def method(*arguments: Any, **options: Any) -> Any:
            assert self.model is IceCream
            Recorder.calls.append((name, arguments, options))
            return _nothing() if name.startswith("a") else None

        return method


async def _nothing() -> None:
    return None


def given_to(function: Any) -> tuple[list[Any], dict[str, Any]]:
    """An argument of its own for each parameter."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for each in list(inspect.signature(function).parameters.values())[1:]:
        if each.kind is each.VAR_POSITIONAL:
            positional += [f"*{each.name}", "*more"]
        elif each.kind in (each.KEYWORD_ONLY, each.VAR_KEYWORD):
            named[each.name] = f"{each.name}="
        else:
            positional.append(each.name)
    return positional, named


def passed_on(name: str, calls: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """What `Objects` was given, the instance apart."""
    ((called, arguments, options),) = calls
    assert called == name
    return [argument for argument in arguments if isinstance(argument, str)], options


@pytest.mark.parametrize("name", [each for name in OPERATIONS for each in (name, f"a{name}")])
def test_a_method_of_the_mixins_hands_on_what_it_is_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rs_search.model, "Objects", Recorder)
    Recorder.calls = []
    positional, named = given_to(function_of(name))
    subject: Any = IceCream if of_class(name) else IceCream()
    result = getattr(subject, name)(*positional, **named)
    if inspect.iscoroutine(result):
        asyncio.run(result)
    assert passed_on(name, Recorder.calls) == (positional, named)
    assert (subject in Recorder.calls[0][1]) is not of_class(name)


# --- the twins themselves ---------------------------------------------------------------------------------------------


class Counter:
    """Answers each command with how many there were."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.names: list[str] = []

    def _add(self, state: Any, first: int, *, second: int = 0) -> Operation[str]:
        """Adds."""
        reply = yield command("ADD", first, second)
        return f"{state} {reply}"

    add, aadd = sync(_add), awaited(_add)

    def call_operation(self, name: str, make: Make[Any], arguments: Any, options: Any) -> Any:
        self.names.append(name)
        operation = make("state", *arguments, **options)
        self.asked.append(next(operation))
        try:
            operation.send(len(self.asked))
        except StopIteration as stop:
            return stop.value
        raise AssertionError("it asked twice")

    async def await_operation(self, make: Make[Any], arguments: Any, options: Any) -> Any:
        return self.call_operation("awaited", make, arguments, options)


def test_both_twins_run_the_same_operation() -> None:
    counter = Counter()
    assert counter.add(1, second=2) == "state 1"
    assert asyncio.run(counter.aadd(1, second=2)) == "state 2"
    assert counter.asked == [command("ADD", 1, 2)] * 2
    assert counter.names == ["add", "awaited"]


def test_nothing_runs_before_it_is_awaited() -> None:
    counter = Counter()
    waiting = counter.aadd(1)
    assert counter.asked == []
    waiting.close()


def test_of_the_class_a_twin_is_a_function() -> None:
    assert inspect.isfunction(Counter.add)
    assert inspect.iscoroutinefunction(Counter.aadd)
    assert Counter.add.__doc__ == Counter.aadd.__doc__ == "Adds."

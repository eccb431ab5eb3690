"""Operations as methods: each is written once, as a generator, and called in two ways.

::

    class Objects:
        def _count(self, state: ServerState, …) -> Operation[int]: …
        count, acount = sync(_count), awaited(_count)

The instance's ``call_operation`` and ``await_operation`` say on which server.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload

from .operations.requests import Direct, Operation

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
#: What makes an operation, of what is known of the server, and of the caller's arguments.
Make: TypeAlias = Callable[..., Operation[T] | Direct]
Arguments: TypeAlias = tuple[Any, ...]
Options: TypeAlias = dict[str, Any]


class sync(Generic[S, P, T]):  # noqa: N801
    """A method that runs an operation and waits: a function in its class, whose ``twin`` this is."""

    def __init__(self, operation: Callable[Concatenate[S, Any, P], Operation[T] | Direct]) -> None:
        self.operation = operation

        def method(instance: Any, /, *arguments: Any, **options: Any) -> Any:
            return instance.call_operation(self.name, MethodType(operation, instance), arguments, options)

        self.method = _told_as(operation, method)

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name
        _put(self, owner, name)

    @overload
    def __get__(self, instance: None, owner: Any) -> Callable[Concatenate[S, P], T]: ...

    @overload
    def __get__(self, instance: S, owner: Any) -> Callable[P, T]: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        """For type checkers: in its place stands its function."""
        raise NotImplementedError


class awaited(Generic[S, P, T]):  # noqa: N801
    """The twin of `sync`: the same operation, awaited."""

    def __init__(self, operation: Callable[Concatenate[S, Any, P], Operation[T] | Direct]) -> None:
        self.operation = operation

        async def method(instance: Any, /, *arguments: Any, **options: Any) -> Any:
            return await instance.await_operation(MethodType(operation, instance), arguments, options)

        self.method = _told_as(operation, method)

    def __set_name__(self, owner: type[Any], name: str) -> None:
        _put(self, owner, name)

    @overload
    def __get__(self, instance: None, owner: Any) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]: ...

    @overload
    def __get__(self, instance: S, owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        """For type checkers: in its place stands its function."""
        raise NotImplementedError


def _put(twin: Any, owner: type[Any], name: str) -> None:
    """Put a twin's function in its place: a descriptor's ``__get__`` costs more than the call."""
    twin.method.__name__, twin.method.twin = name, twin
    setattr(owner, name, twin.method)


def _told_as(operation: Callable[..., Any], method: Any) -> Any:
    """A method that tells of itself what the operation does, and takes what its callers give: not the state."""
    functools.update_wrapper(method, operation)
    # Else it would be that of the operation.
    del method.__wrapped__
    told = inspect.signature(operation)
    of_caller = [each for place, each in enumerate(told.parameters.values()) if place != 1]
    method.__signature__ = told.replace(parameters=of_caller)
    return method

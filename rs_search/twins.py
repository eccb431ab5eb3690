"""Operations as methods: each is written once, as a generator, and called in two ways.

::

    class Objects:
        def _count(self, state: ServerState, …) -> Operation[int]: …
        count, acount = sync(_count), awaited(_count)

The instance's ``call_operation`` and ``await_operation`` say on which server.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload

from .operations.requests import Operation

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
#: What makes an operation, of what is known of the server.
Make: TypeAlias = Callable[[Any], Operation[T]]


class sync(Generic[S, P, T]):  # noqa: N801
    """A method that runs an operation and waits."""

    def __init__(self, operation: Callable[Concatenate[S, Any, P], Operation[T]]) -> None:
        self.operation = operation
        functools.update_wrapper(self, operation)  # type: ignore[arg-type]

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: Any) -> sync[S, P, T]: ...

    @overload
    def __get__(self, instance: S, owner: Any) -> Callable[P, T]: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self

        @functools.wraps(self.operation)
        def method(*arguments: Any, **options: Any) -> Any:
            make = functools.partial(_made, self.operation, instance, arguments, options)
            return instance.call_operation(self.name, make)

        return method


class awaited(Generic[S, P, T]):  # noqa: N801
    """The twin of `sync`: the same operation, awaited."""

    def __init__(self, operation: Callable[Concatenate[S, Any, P], Operation[T]]) -> None:
        self.operation = operation
        functools.update_wrapper(self, operation)  # type: ignore[arg-type]

    @overload
    def __get__(self, instance: None, owner: Any) -> awaited[S, P, T]: ...

    @overload
    def __get__(self, instance: S, owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self

        @functools.wraps(self.operation)
        async def method(*arguments: Any, **options: Any) -> Any:
            make = functools.partial(_made, self.operation, instance, arguments, options)
            return await instance.await_operation(make)

        return method


def _made(
    operation: Callable[..., Operation[T]],
    instance: Any,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    state: Any,
) -> Operation[T]:
    return operation(instance, state, *arguments, **options)

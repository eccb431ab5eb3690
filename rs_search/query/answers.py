"""What result sets ask for their rows, of whoever can answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from typing import Any, Protocol, TypeAlias, TypeVar

from ..operations.requests import Direct, OnError, OnProgress, Operation, Stream
from ..planner.explain import Explanation, Ran
from ..planner.plan import Select
from ..twins import Arguments, Make, Options
from .shapes import Shape

T = TypeVar("T")
#: Keeps rows, and what they took; gives them.
Keep: TypeAlias = Callable[[list[Any], Ran], list[Any]]
#: The operation, for what one command does not tell; it is told the number of rows where that is more than a page.
Again: TypeAlias = Callable[..., Operation[Any]]


class Answers(Protocol):
    """What a result set asks for its rows; `rs_search.all_operations.Objects` is one. Operations are generators."""

    def rows(
        self, state: Any, select: Select, shape: Shape, told: int | None = None
    ) -> Operation[tuple[list[Any], Ran]]:
        """The rows that a question finds, and what that took; ``told``: how many, if more than a page."""

    def direct_rows(self, state: Any, select: Select, shape: Shape, keep: Keep, again: Again) -> Direct | None:
        """The same by one command, where that is all it takes."""

    def direct_total(self, state: Any, select: Select, again: Again) -> Direct | None:
        """How many it finds by one command, where that is all it takes."""

    def batches(self, state: Any, select: Select, shape: Shape) -> Stream:
        """The rows that a question finds, a batch at a time."""

    def total(self, state: Any, select: Select) -> Operation[int]:
        """How many it finds."""

    def change(
        self, state: Any, select: Select, values: dict[str, Any], on_progress: OnProgress, on_error: OnError
    ) -> Operation[int]:
        """Change what it finds; gives how many."""

    def remove(self, state: Any, select: Select, on_progress: OnProgress) -> Operation[int]:
        """Remove what it finds; gives how many."""

    def explanation(self, state: Any, select: Select) -> Operation[Explanation]:
        """Its plan."""

    def profile(self, state: Any, select: Select) -> Operation[Any]:
        """The server's own profile of its query."""

    def by_pks(self, state: Any, select: Select, shape: Shape, pks: Iterable[Any] | None) -> Operation[dict[str, Any]]:
        """The rows by primary key, of those that are among ``pks``."""

    def call_operation(self, name: str, make: Make[T], arguments: Arguments, options: Options) -> T:
        """Run an operation and wait."""

    def await_operation(self, make: Make[T], arguments: Arguments, options: Options) -> Coroutine[Any, Any, T]:
        """Run an operation in the event loop."""

    def iterate(self, name: str, make: Callable[[Any], Stream]) -> Iterator[list[Any]]:
        """The batches of a stream."""

    def aiterate(self, make: Callable[[Any], Stream]) -> AsyncGenerator[list[Any], None]:
        """The batches of a stream, for ``async for``."""

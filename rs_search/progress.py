"""A progress bar on the terminal, where there is one and rich is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

OnProgress = Callable[[int, int | None], None]


@contextmanager
def shown(title: str, own: OnProgress | None = None) -> Iterator[OnProgress | None]:
    """What an operation tells its progress (done, total): ``own``, else a bar on the terminal, else nothing."""
    if own is not None or not sys.stderr.isatty() or find_spec("rich") is None:
        yield own
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(title, total=None)

        def tell(done: int, total: int | None) -> None:
            progress.update(bar, completed=done, total=total)

        yield tell

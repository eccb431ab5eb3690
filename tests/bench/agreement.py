"""Nothing is timed before all contestants gave the same answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rounds import Contestant, prepare
from .rows import Row

QUESTIONS = 3


class Disagreement(Exception):
    """Two contestants answered a question differently; it says which and how."""


def check(row: Row, contestants: Sequence[Contestant], draw: Any) -> None:
    """Raise `Disagreement` unless all give the same rows, in the same order where the row has one."""
    for _ in range(1 if row.slow else QUESTIONS):
        asked = row.ask(draw)
        answers = {contestant.name: answer(row, contestant, asked) for contestant in contestants}
        first, expected = next(iter(answers.items()))
        for name, given in answers.items():
            if given != expected:
                raise Disagreement(f"{row.title}: of {asked!r} {first} made {_short(expected)}, {name} {_short(given)}")


def answer(row: Row, contestant: Contestant, asked: Any) -> Any:
    """What a contestant answers, comparable with what others do; of many rows, what stands for them."""
    found = getattr(contestant, row.method(contestant))(prepare(row, contestant, asked))
    if found is None or isinstance(found, int):
        return found
    rows = (found,) if not hasattr(found, "__iter__") or isinstance(found, dict) or hasattr(found, "_data") else found
    seen = (frozen(contestant.plain(one)) for one in rows)
    if row.streams:
        # Too many to keep: how many there are, and the sum of what stands for each.
        hashes = [hash(one) for one in seen]
        return len(hashes), sum(hashes)
    return list(seen) if row.ordered else sorted(seen)


def frozen(document: dict[str, Any]) -> tuple[Any, ...]:
    """A document as a tuple, in the order of its members' names."""
    return tuple(
        frozen(value) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
        for _, value in sorted(document.items())
    )


def _short(answer: Any) -> str:
    text = repr(answer)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(answer)} rows)"

"""Golden file: what each lookup becomes. Reviewed as code is.

`lookups.txt` holds the cases and what they become. To add a case, write its first line and run with
``RS_SEARCH_UPDATE_GOLDEN=1``, which rewrites everything but comments and first lines; then read the difference.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fixtures.models import Everything, IceCream

from rs_search import Q, RedisMixinException
from rs_search.planner.plan import INDEX, NONE, Plan, Select, make_plan
from rs_search.query.bind import bind, bind_order
from rs_search.query.lookups import NAMES as NAMES_OF_LOOKUPS
from rs_search.query.parts import PARTS
from rs_search.query.tree import describe

FILE = Path(__file__).with_name("lookups.txt")
UPDATE = os.environ.get("RS_SEARCH_UPDATE_GOLDEN") == "1"


def deep(levels: int, part: Q, other: Q) -> Q:
    """``part``, in unions and intersections with ``other`` in turn."""
    for level in range(levels):
        part = part & ~other if level % 2 else part | other
    return part


NAMES = {"Q": Q, "dt": dt, "uuid": uuid, "re": re, "Decimal": Decimal, "deep": deep}


@dataclass(frozen=True)
class Case:
    """The comments above a case, its first line, and what the file says it becomes."""

    comments: tuple[str, ...]
    asked: str
    told: tuple[str, ...]

    def become(self) -> tuple[str, ...]:
        return tuple(f"    {name:<7} {value}".rstrip() for name, value in becomes(self.asked))


def becomes(asked: str) -> list[tuple[str, str]]:
    """The lines of a case: ``Model.filter(…)`` or ``Model.filter(…).order_by(…)``."""
    try:
        plan = make_plan(eval(asked, {**NAMES, "IceCream": Asking(IceCream), "Everything": Asking(Everything)}), None)
    except RedisMixinException as error:
        return [("raises", f"{type(error).__name__}: {error}")]
    return [*_fetched(plan), *_checked(plan), *_ordered(plan)]


class Asking:
    """``filter`` and ``order_by`` as the models have them, giving the `Select` instead of asking a server."""

    def __init__(self, model: Any, select: Select | None = None) -> None:
        self.model, self.select = model, select or Select(model)

    def filter(self, *conditions: Q, **lookups: Any) -> Any:
        return Selected(self.model, bind(self.model, Q(*conditions, **lookups)))

    def exclude(self, *conditions: Q, **lookups: Any) -> Any:
        return Selected(self.model, bind(self.model, ~Q(*conditions, **lookups)))


class Selected(Select):
    """A `Select` that can be ordered."""

    def order_by(self, *names: str) -> Select:
        return Select(self.model, self.where, bind_order(self.model, names))


def _fetched(plan: Plan) -> list[tuple[str, str]]:
    if plan.access == NONE:
        return [("none", "nothing can match")]
    if plan.access != INDEX:
        return [("scan", str(plan.why))]
    lines = [("index", plan.query)]
    if plan.widened != plan.query:
        lines.append(("wide", plan.widened))
    lines += [(f"${name}", repr(value)) for name, value in plan.named_in(plan.widened)]
    return lines + ([("filter", plan.filter)] if plan.filter else [])


def _checked(plan: Plan) -> list[tuple[str, str]]:
    if plan.access == NONE:
        return []
    lines = [("check", "nothing" if plan.check is None else describe(plan.check))]
    return lines + ([("doubts", ", ".join(sorted(plan.doubts)))] if plan.doubts else [])


def _ordered(plan: Plan) -> list[tuple[str, str]]:
    return [("order", "in the index" if plan.server_order else "in Python")] if plan.select.order else []


def read() -> list[Case]:
    blocks = FILE.read_text(encoding="utf-8").strip().split("\n\n")
    return [_case(block.split("\n")) for block in blocks]


def _case(lines: list[str]) -> Case:
    count = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    asked = lines[count] if count < len(lines) else ""
    return Case(tuple(lines[:count]), asked, tuple(lines[count + 1 :]))


def write(cases: list[Case]) -> None:
    blocks = [[*case.comments, *([case.asked, *case.become()] if case.asked else [])] for case in cases]
    FILE.write_text("\n\n".join("\n".join(block) for block in blocks) + "\n", encoding="utf-8")


if UPDATE:
    write(read())
CASES = [case for case in read() if case.asked]


@pytest.mark.parametrize("case", CASES, ids=[case.asked for case in CASES])
def test_a_lookup_becomes_what_the_golden_file_says(case: Case) -> None:
    assert "\n".join(case.become()) == "\n".join(case.told)


def test_the_golden_file_has_no_case_twice() -> None:
    asked = [case.asked for case in CASES]
    assert sorted(set(asked)) == sorted(asked)


def test_the_golden_file_has_every_lookup_by_every_name() -> None:
    used = {name for name in NAMES_OF_LOOKUPS if any(f"__{name}=" in case.asked for case in CASES)}
    assert used == set(NAMES_OF_LOOKUPS)


@pytest.mark.parametrize("part", [part.name for part in PARTS])
def test_the_golden_file_has_every_part_compared(part: str) -> None:
    assert any(f"__{part}__" in case.asked for case in CASES)

"""Plans for readers: what ran where, with which text, what was checked in Python and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import StrictPerformanceException
from ..options import options_of
from ..query.tree import AllOf, AnyOf, Bound, Condition, Negation, Parity, describe
from ..query.values import brief
from . import ft
from .plan import NONE, SCAN, Part, Plan, sort_arguments

#: Of a text, and of parameters, more than that are not printed.
MOST_SIGNS = 2000
MOST_PARAMETERS = 24
_TOO_DEEP = "it is nested too deep for the server's parser"
_WHY = {
    "regex": "RediSearch has no regular expressions",
    "part": "the index holds the whole value only",
    "match": "the index does not know which values belong to one element",
    "area": "the index keeps points to a metre, and loses some of large circles and near the poles",
    "search": "the index has no exact answer for phrases, prefixes, words left out, or words of one element of a list",
    "like": "the index has whole words only, or the part holds a backslash or control character",
    "between": "the index has no order for it",
    "in": "the index would stop at a NUL, and keeps points to a metre",
    "all in": "the index does not know which elements belong to one list",
    "missing": "the index cannot tell whether it is there",
}


class Ran(NamedTuple):
    """What happened when the question was last asked: documents read to be checked or returned, and rows found."""

    examined: int
    found: int
    milliseconds: float


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """How a question is answered; prints as a tree, long texts and lists of parameters without their middle.

    ``query`` is the text that the index is asked (None if it is not), ``parameters`` its PARAMS, ``filter`` the
    FILTER of FT.AGGREGATE, ``checked`` the conditions left to Python, ``ran`` what happened (None if it was not
    asked yet), ``first`` the questions for the keys of what is referred to.
    """

    plan: Plan
    server: str | None = None
    ran: Ran | None = None
    run_profile: Callable[[], Any] | None = None
    await_profile: Callable[[], Any] | None = None
    first: tuple[Explanation, ...] = ()

    @property
    def access(self) -> str:
        """``index``, ``scan`` (every document is read) or ``none`` (nothing can match)."""
        return self.plan.access

    @property
    def query(self) -> str | None:
        """The query text."""
        return None if self.plan.access in (SCAN, NONE) else self.plan.candidates

    @property
    def parameters(self) -> dict[str, str]:
        """The values of the query text."""
        return dict(self.plan.named_in(self.plan.candidates))

    @property
    def filter(self) -> str | None:
        """What FT.AGGREGATE filters by."""
        return self.plan.filter

    @property
    def checked(self) -> str | None:
        """The conditions that are checked in Python, in words."""
        return None if self.plan.check is None else describe(self.plan.check)

    def profile(self) -> Any:
        """The server's own FT.PROFILE of the query; None where the index is not asked. Runs the query."""
        return None if self.run_profile is None or self.query is None else self.run_profile()

    async def aprofile(self) -> Any:
        """`profile`, awaited."""
        return None if self.await_profile is None or self.query is None else await self.await_profile()

    def __str__(self) -> str:
        return "\n".join(_lines(self.plan, self.server, self.ran, self.first))

    __repr__ = __str__


def refuse_scan(plan: Plan) -> None:
    """Raise `StrictPerformanceException` for a scan that the model forbids."""
    model = plan.select.model
    if plan.access == SCAN and options_of(model).strict:
        raise StrictPerformanceException(
            f"{model.__name__}.__strict_performance__ forbids a query that reads the whole collection:\n"
            + str(Explanation(plan))
        )


def why(bound: Bound, plan: Plan, depth: int = 0) -> str:
    """Why a condition is left to Python."""
    if depth > ft.DEEPEST:
        return _TOO_DEEP
    if isinstance(bound, Negation):
        if isinstance(bound.child, Condition) and bound.child.operator == "search":
            return "below NOT the server loses rows"
        return why(bound.child, plan, depth)
    if isinstance(bound, Condition):
        if bound.operator not in ("match", "part") and ft.leaf_of(bound, plan.schema) is None:
            return f"{bound.path} is not indexed"
        return _WHY[bound.operator]
    if isinstance(bound, Parity):
        return "RediSearch has no exclusive or"
    return _why_joined(bound, plan, depth)


def _why_joined(bound: AllOf | AnyOf, plan: Plan, depth: int) -> str:
    left = (child for child in bound.children if (pushed := ft.push(child, plan.schema, ft.Parameters(), 1)) is None
            or not pushed.exact)  # fmt: skip
    first = next(left, None)
    return _TOO_DEEP if first is None else why(first, plan, depth + 1)


def _lines(plan: Plan, server: str | None, ran: Ran | None, first: tuple[Explanation, ...]) -> list[str]:
    lines = [f"{plan.select.model.__name__}: {_shortened(describe(plan.where))}"]
    for place, line in ((place, line) for one in first for place, line in enumerate(str(one).splitlines())):
        lines.append(f"          {line}" if place else f"  first   the keys of {line}")
    if plan.access == NONE:
        lines.append("  nothing can match; the server is not asked")
    elif plan.access == SCAN:
        lines += [f"  scan    every key {plan.schema.prefix}* is read: {plan.why}"]
    else:
        lines += _index_lines(plan)
    lines += [line for part in _checked_parts(plan) for line in _check_lines(part, plan)]
    lines += _order_lines(plan)
    if ran is not None:
        rows = "row" if ran.found == 1 else "rows"
        lines.append(f"  ran     {ran.examined} examined, {ran.found} {rows} found, {ran.milliseconds:.1f} ms")
    return lines + ([f"  server  {server}"] if server else [])


def _shortened(text: str) -> str:
    """A text that is read, without its middle: an ``in`` may have 100,000 values."""
    half = MOST_SIGNS // 2
    return text if len(text) <= MOST_SIGNS else f"{text[:half]} … {text[-half:]}"


def _index_lines(plan: Plan) -> list[str]:
    command = "FT.AGGREGATE" if plan.sorted_there or plan.filter else "FT.SEARCH"
    order = " " + " ".join(sort_arguments(plan)) if plan.sorted_there else ""
    lines = [f"  index   {command} {plan.schema.name} '{_shortened(plan.candidates)}'{order}"]
    named = plan.named_in(plan.candidates)
    lines += [f"          ${name} = {brief(value)}" for name, value in named[:MOST_PARAMETERS]]
    if len(named) > MOST_PARAMETERS:
        lines.append(f"          … and {len(named) - MOST_PARAMETERS:,} more")
    if plan.filter:
        lines.append(f"  filter  in the index: {_shortened(plan.filter)}")
    if plan.doubts:
        lines.append(
            f"  if      a document keeps {', '.join(sorted(plan.doubts))} beyond doubles: those are checked in Python"
        )
    return lines


def _checked_parts(plan: Plan) -> tuple[Part, ...]:
    if plan.check is None:
        return ()
    if plan.parts and not plan.doubts:
        return tuple(part for part in plan.parts if part.checked)
    return (Part(plan.check, "check", checked=True),)


def _check_lines(part: Part, plan: Plan) -> list[str]:
    lines = [f"  check   in Python: {_shortened(describe(part.condition))}"]
    return lines + ([f"    why   {why(part.condition, plan)}"] if plan.parts else [])


def _order_lines(plan: Plan) -> list[str]:
    select, lines = plan.select, []
    if select.order or select.keys_down:
        keys = [("-" if key.descending else "") + str(key.path) for key in select.order]
        names = ", ".join([*keys, "-key" if select.keys_down else "key"])
        lines.append(f"  order   by {names}, {'in the index' if plan.server_order else 'in Python'}")
    if select.distinct is not None:
        names = ", ".join(map(str, select.distinct)) or "key"
        lines.append(f"  only    the first of each {names}, in Python")
    if select.sliced:
        lines.append(f"  slice   rows {select.start} to {select.stop if select.stop is not None else 'the last'}")
    return lines

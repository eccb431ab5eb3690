"""How far a sorted slice reached when such a one was last asked for.

To find the first ten of a hundred thousand by price, RediSearch looks at all of them: 15 ms, where a range of twenty
takes 0.2. What the first ten cost last time tells where to look first, and about how far the next ten reach. It is a
guess that can cost time only: a slice that is full although nothing beyond the guess was looked at is the slice of
everything, for all else comes after it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, isfinite
from typing import Any, NamedTuple

from ..memo import once_per_class
from ..query.tree import AllOf, Bounds, Condition
from ..reading import Row
from . import templates
from .plan import Plan, conjuncts, make_plan

#: Questions that are remembered of a model.
MOST_QUESTIONS = 1000


class _Reached(NamedTuple):
    """Where a slice ended: before the row ``stop``, with the value ``last``; ``step`` is about that from row to row."""

    stop: int
    last: Any
    step: float | None


def within(plan: Plan) -> Plan | None:
    """The plan of the same slice of what lies no further than it may reach; None where nobody knows."""
    reached, (first, *_) = _known(plan.select.model).get(_question(plan)), plan.select.order
    end = None if reached is None else _end(reached, plan.select.start, plan.select.stop or 0)
    if end is None:
        return None
    near = Condition(first.path, "between", Bounds(low=end) if first.descending else Bounds(high=end), "")
    select = plan.select._replace(where=AllOf((*conjuncts(plan.where), near)))
    found = templates.recall(select)
    if found is None:
        found = make_plan(select, None)
        templates.keep(found)
    return found if found.sorted_there else None


def note(plan: Plan, rows: list[Row], rank: Callable[[Row], tuple[Any, ...]]) -> None:
    """Remember how far a slice that is full reaches; ``rank`` gives what a row is ordered by."""
    leaf = plan.schema.leaves.get(plan.select.order[0].path.names)
    if leaf is None or not leaf.numeric:
        return
    known, question = _known(plan.select.model), _question(plan)
    first, last = rank(rows[0])[0], rank(rows[-1])[0]
    if last is None:
        # Nothing has no place, and comes after all that has one.
        known.pop(question, None)
        return
    if len(known) >= MOST_QUESTIONS:
        known.clear()
    step = (last - first) / max(1, len(rows) - 1) if type(first) is type(last) in (int, float) else None
    known[question] = _Reached(plan.select.start + len(rows), last, step)


def _end(reached: _Reached, start: int, stop: int) -> Any:
    """Where a slice may end, with room for as many rows again: some of them may be gone by now."""
    more = max(0, stop - reached.stop)
    if reached.step is None:
        return None if more else reached.last
    further = reached.step * (2 * more + stop - start)
    if not isfinite(further):
        return reached.last
    end = reached.last + (further if isinstance(reached.last, float) else ceil(further))
    return end if isfinite(end) else reached.last


def _question(plan: Plan) -> tuple[Any, ...]:
    """What tells a question from others, whichever slice of its rows is asked for."""
    order = tuple((key.path.names, key.descending) for key in plan.select.order)
    return plan.query, plan.filter, plan.parameters, order


@once_per_class
def _known(model: type[Any]) -> dict[tuple[Any, ...], _Reached]:
    return {}

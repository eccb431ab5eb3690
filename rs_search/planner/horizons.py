"""How far a sorted slice reached when it was last asked for.

To find the first ten of a hundred thousand by price, RediSearch looks at all of them: 15 ms, where a range of twenty
takes 0.2. What the first ten cost last time tells where to look first. It is a guess that can cost time only: a slice
that is full although nothing beyond the guess was looked at is the slice of everything, for all else comes after it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from ..memo import once_per_class
from ..query.tree import AllOf, Bounds, Condition
from ..reading import Row
from . import templates
from .plan import Plan, make_plan

#: Slices that are remembered of a model.
MOST_SLICES = 1000


def within(plan: Plan) -> Plan | None:
    """The plan of the same slice of what lies no further than it reached last time; None where nobody knows."""
    bounds = _ends(plan.select.model).get(_slice(plan))
    if bounds is None:
        return None
    near = Condition(plan.select.order[0].path, "between", bounds, "")
    select = plan.select._replace(where=AllOf((*_conjuncts(plan), near)))
    found = templates.recall(select)
    if found is None:
        found = make_plan(select, None)
        templates.keep(found)
    return found if found.sorted_there else None


def note(plan: Plan, rows: list[Row], rank: Callable[[Row], tuple[Any, ...]]) -> None:
    """Remember how far a slice that is full reaches; ``rank`` gives what a row is ordered by."""
    order = plan.select.order
    if (leaf := plan.schema.leaves.get(order[0].path.names)) is None or not leaf.numeric:
        return
    ends = _ends(plan.select.model)
    first, last = rank(rows[0])[0], rank(rows[-1])[0]
    if last is None:
        ends.pop(_slice(plan), None)
        return
    if len(ends) >= MOST_SLICES:
        ends.clear()
    end = _beyond(first, last)
    ends[_slice(plan)] = Bounds(low=end) if order[0].descending else Bounds(high=end)


def _beyond(first: Any, last: Any) -> Any:
    """As far again as from the first to the last: some of the rows may be gone by then."""
    if type(first) is not type(last) or type(last) not in (int, float):
        return last
    end = last + (last - first)
    return end if isfinite(end) else last


def _conjuncts(plan: Plan) -> tuple[Any, ...]:
    return plan.where.children if isinstance(plan.where, AllOf) else (plan.where,)


def _slice(plan: Plan) -> tuple[Any, ...]:
    """What tells a slice from others."""
    select = plan.select
    order = tuple((key.path.names, key.descending) for key in select.order)
    return plan.query, plan.filter, plan.parameters, order, select.keys_down, select.start, select.stop


@once_per_class
def _ends(model: type[Any]) -> dict[tuple[Any, ...], Bounds]:
    return {}

"""The order of clauses: cheap checks first, which often save the others.

For checks in Python and FILTER expressions, which are worked out from left to right; the clauses of a query text the
server puts in order by itself (tried: as fast either way).
"""

from __future__ import annotations

from ..query.tree import AllOf, AnyOf, Bound, Condition, Negation, Parity, fold, inner

#: Of one document, in microseconds as measured; a search grows with the text.
_COSTS = {"in": 1, "between": 1, "like": 1, "missing": 1, "part": 1, "all in": 4, "regex": 4, "area": 5, "match": 10,
          "search": 20}  # fmt: skip
#: Primitives of dates and the like are read by schematics before they can be compared.
_READING = 10

_Costed = tuple[int, Bound]


def cheapest_first(bound: Bound) -> Bound:
    """The same conditions, in each conjunction and union the cheap ones first, as given where they cost the same.

    O(n log n) of the conditions.
    """
    if isinstance(bound, Condition):
        return bound
    root: Bound = bound
    return fold(root, inner, _ordered)[1]


def _ordered(node: Bound, children: list[_Costed]) -> _Costed:
    if isinstance(node, Condition):
        reads = node.operator in ("in", "between", "part") and not node.path.field.kind.plain
        return _COSTS[node.operator] + _READING * reads, node
    if isinstance(node, (AllOf, AnyOf)):
        children.sort(key=lambda child: child[0])
    total, parts = sum(cost for cost, _ in children), tuple(part for _, part in children)
    if all(part is before for part, before in zip(parts, inner(node), strict=True)):
        return total, node
    if isinstance(node, Negation):
        return total, Negation(parts[0])
    return total, Parity(parts, node.odd) if isinstance(node, Parity) else type(node)(parts)

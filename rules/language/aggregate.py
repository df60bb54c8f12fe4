"""any, all, sum, count, distinct, min and max over the items of a list that pass the conditions.

Most look at nothing but the item, and then Python's own `map` and `filter` walk over the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rules.language.arithmetic import ADD
from rules.language.tree import Environment, Run

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk over a list.

    Attributes:
        source: Gives the list.
        element: What is worked out of each item.
        conditions: What an item has to pass.
        slot: Where an item stands while it is looked at; None where element and conditions look
            at nothing else, and take the item itself in place of the environment.
    """

    source: Run
    element: Run
    conditions: Sequence[Run]
    slot: int | None


def aggregate(function: str, walk: Walk) -> Run:
    """The closure of an aggregate."""
    values, reduce = _values(walk), _REDUCE[function]
    return lambda env: reduce(values(env))


def _values(walk: Walk) -> Callable[[Environment], Iterable[Any]]:
    source, slot, element = walk.source, walk.slot, walk.element
    passing = _all_of(walk.conditions)
    if slot is None:
        if passing is None:
            return lambda env: map(element, source(env))
        return lambda env: map(element, filter(passing, source(env)))

    def values(env: Environment) -> Iterator[Any]:
        for item in source(env):
            env[slot] = item
            if passing is None or passing(env):
                yield element(env)

    return values


def _all_of(conditions: Sequence[Run]) -> Run | None:
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return lambda env: all(condition(env) for condition in conditions)


def _total(values: Iterable[Any]) -> Decimal:
    whole, total = 0, _NOTHING
    for value in values:
        if type(value) is int:
            whole += value
        else:
            total = ADD(total, value)
    return ADD(total, whole)


def _count(values: Iterable[Any]) -> int:
    return sum(1 for _ in values)


_REDUCE: dict[str, Callable[[Iterable[Any]], Any]] = {
    "any": any,
    "all": all,
    "sum": _total,
    "count": _count,
    "distinct": lambda values: len(set(values)),
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}

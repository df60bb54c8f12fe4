"""any, all, sum, count, min and max over the items of a list that pass the conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from rules.language.arithmetic import EXACT
from rules.language.tree import Environment, Run


def aggregate(
    function: str, source: Run, slot: int, element: Run, conditions: tuple[Run, ...]
) -> Run:
    """The closure of an aggregate; the item stands in its own slot while it is looked at."""

    def values(env: Environment) -> Iterator[Any]:
        for item in source(env):
            env[slot] = item
            if all(condition(env) for condition in conditions):
                yield element(env)

    return _REDUCE[function](values)


Values = Callable[[Environment], Iterator[Any]]


def _total(values: Values) -> Run:
    def run(env: Environment) -> Decimal:
        total = Decimal(0)
        for value in values(env):
            total = EXACT.add(total, value)
        return total

    return run


_REDUCE: dict[str, Callable[[Values], Run]] = {
    "any": lambda values: lambda env: any(values(env)),
    "all": lambda values: lambda env: all(values(env)),
    "count": lambda values: lambda env: sum(1 for _ in values(env)),
    "sum": _total,
    "min": lambda values: lambda env: min(values(env), default=None),
    "max": lambda values: lambda env: max(values(env), default=None),
}

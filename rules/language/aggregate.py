"""any, all, sum, count, distinct, min and max over the items of a list that pass the conditions.

Written as plain loops: orders have many lines, and a loop costs a third of a generator.
"""

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
    passing = _all_of(conditions)
    if function in {"any", "all"}:
        return _search(source, slot, element, passing, stop_at=function == "any")
    if function == "sum":
        return _total(source, slot, element, passing)

    def values(env: Environment) -> Iterator[Any]:
        for item in source(env):
            env[slot] = item
            if passing is None or passing(env):
                yield element(env)

    if function == "count":
        return lambda env: sum(1 for _ in values(env))
    if function == "distinct":
        return lambda env: len(set(values(env)))
    choose = min if function == "min" else max
    return lambda env: choose(values(env), default=None)


Test = Callable[[Environment], bool] | None


def _all_of(conditions: tuple[Run, ...]) -> Test:
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return lambda env: all(condition(env) for condition in conditions)


def _search(source: Run, slot: int, element: Run, passing: Test, *, stop_at: bool) -> Run:
    if passing is None:

        def run_all(env: Environment) -> bool:
            for item in source(env):
                env[slot] = item
                if element(env) is stop_at:
                    return stop_at
            return not stop_at

        return run_all

    def run(env: Environment) -> bool:
        for item in source(env):
            env[slot] = item
            if passing(env) and element(env) is stop_at:
                return stop_at
        return not stop_at

    return run


def _total(source: Run, slot: int, element: Run, passing: Test) -> Run:
    def run(env: Environment) -> Decimal:
        whole, total = 0, Decimal(0)
        for item in source(env):
            env[slot] = item
            if passing is None or passing(env):
                value = element(env)
                if type(value) is int:
                    whole += value
                else:
                    total = EXACT.add(total, value)
        return EXACT.add(total, whole)

    return run

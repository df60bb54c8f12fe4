"""Holds what a step expects against what is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from deployments.scenario.acts import ANSWERS, referrals
from deployments.scenario.compare import differs, includes, parts_differ, row_shown, rows_differ
from deployments.scenario.expectations import Expectation
from deployments.scenario.happening import Happening
from deployments.scenario.observe import Observer
from deployments.scenario.world import World

_ANSWERS = (
    "major", "outstanding", "pending", "gross", "expected", "deferred", "recognised",
    "actual_points", "simulated_points", "difference", *ANSWERS,
)  # fmt: skip


async def differences(world: World, expected: Expectation, happened: Happening) -> list[str]:
    """What differs, in words; nothing where all holds."""
    told: list[str] = []
    async with world.window.open() as connection:
        judge = _Judge(world, happened, world.observer(connection))
        for key, value in expected.given.items():
            if value is not None:
                told += await judge.compare(key, value)
    return told


def _answered(key: str, expected: Any, found: Any) -> list[str]:
    """Of an answer by name only the names that the file gives are compared."""
    if not (isinstance(expected, dict) and isinstance(found, dict)):
        return differs(key, expected, found)
    return [
        told
        for name, value in expected.items()
        for told in differs(f"{key}.{name}", value, found.get(name))
    ]


class _Judge:
    def __init__(self, world: World, happened: Happening, observer: Observer) -> None:
        self.world = world
        self.happened = happened
        self.observer = observer

    async def compare(self, key: str, expected: Any) -> list[str]:
        if key in _ANSWERS:
            return _answered(key, expected, self.happened.values.get(key))
        by_member = self._by_member().get(key)
        if by_member is not None:
            return [
                told
                for name, value in expected.items()
                for told in differs(f"{key}.{name}", value, await by_member(name))
            ]
        method: Any = getattr(self, f"_{key}", None)
        if method is None:
            return [f"{key}: no step of this kind answers it"]
        found: list[str] = await method(expected)
        return found

    def _by_member(self) -> dict[str, Callable[[str], Awaitable[Any]]]:
        return {
            "held": self.observer.held,
            "tier": self.observer.tier,
            "budget_spent": self.observer.budget_spent,
            "ledger_sum": self._sum,
            "written_off": self._let_off,
        }

    async def _sum(self, name: str) -> Any:
        return sum((await self.observer.ledger(name))[0])

    async def _let_off(self, name: str) -> Any:
        return self.observer.shown(self.happened.written_off[name])

    # --- how the step ended

    async def _result(self, expected: str) -> list[str]:
        why = f" ({self.happened.reason})" if self.happened.reason else ""
        return [told + why for told in differs("result", expected, self.happened.result)]

    async def _code(self, expected: str) -> list[str]:
        return differs("code", expected, self.happened.code or None)

    async def _results(self, expected: dict[str, int]) -> list[str]:
        return self._counts("results", expected)

    async def _results_any(self, expected: tuple[dict[str, int], ...]) -> list[str]:
        if any(not self._counts("", one) for one in expected):
            return []
        return differs("results_any", expected, dict(self.happened.results))

    def _counts(self, what: str, expected: dict[str, int]) -> list[str]:
        return [
            told
            for name, count in expected.items()
            for told in differs(f"{what}.{name}", count, self.happened.results[name])
        ]

    async def _alerts(self, expected: tuple[str, ...]) -> list[str]:
        return differs("alerts", sorted(expected), sorted(self.happened.alerts))

    # --- the books

    async def _balance(self, expected: dict[str, Any]) -> list[str]:
        return [
            told
            for name, value in expected.items()
            for told in parts_differ(f"balance.{name}", value, await self.observer.balance(name))
        ]

    async def _lots(self, expected: dict[str, Any]) -> list[str]:
        return [
            told
            for name, rows in expected.items()
            for told in rows_differ(f"lots.{name}", rows, await self.observer.lots(name))
        ]

    async def _ledger(self, expected: dict[str, Any]) -> list[str]:
        told = []
        for name, changes in expected.items():
            single, together = await self.observer.ledger(name)
            if differs("", changes, single):
                told += differs(f"ledger.{name}", changes, together)
        return told

    async def _referral(self, expected: dict[str, str]) -> list[str]:
        await self.observer.rows()
        found = await referrals.states(self.observer.connection, self.world.members.ids)
        return [
            told
            for name, state in expected.items()
            for told in differs(f"referral.{name}", state, found.get(name))
        ]

    async def _stats(self, expected: Any) -> list[str]:
        return parts_differ("stats", expected, self.happened.values.get("stats", {}))

    async def _parked(self, expected: int) -> list[str]:
        return differs("parked", expected, await self.observer.parked())

    async def _total_available(self, expected: Any) -> list[str]:
        return differs("total_available", expected, await self.observer.total_available())

    async def _liability_points(self, expected: Any) -> list[str]:
        return differs("liability_points", expected, await self.observer.outstanding())

    async def _applied_rules(self, expected: dict[str, Any]) -> list[str]:
        found = await self.observer.applied_rules(expected)
        return [
            told
            for order, rules in expected.items()
            for told in differs(
                f"applied_rules.{order}", sorted(rules), sorted(found.get(order, []))
            )
        ]

    async def _pii(self, expected: dict[str, str]) -> list[str]:
        told = []
        for name in expected:
            values = self.world.personal.get(name, ())
            found = await self.observer.personal_data(values)
            told += differs(f"pii.{name}", "none", ", ".join(found) or "none")
        return told

    async def _consent(self, expected: dict[str, dict[str, Any]]) -> list[str]:
        return [
            told
            for name, channels in expected.items()
            for channel, state in channels.items()
            for told in differs(
                f"consent.{name}.{channel}", state, await self.observer.consent(name, channel)
            )
        ]

    # --- messages

    async def _messages(self, expected: tuple[Any, ...]) -> list[str]:
        found = self.happened.messages
        if not any(one.status == "suppressed" for one in expected):
            found = [one for one in found if one["status"] != "suppressed"]
        return rows_differ("messages", expected, found)

    async def _messages_include(self, expected: tuple[Any, ...]) -> list[str]:
        found = Counter(row_shown(one) for one in self.happened.messages)
        return [
            f"messages_include: none is {row_shown(one.model_dump(exclude_unset=True))}; "
            f"found {'; '.join(found) or 'none'}"
            for one in expected
            if not any(includes(one, row) for row in self.happened.messages)
        ]

"""The tables that runs leave: what came in, which rule fired or not and why, points, deliveries.

Prefect's UI shows a table's cells on one line, so that each fact gets a row of its own with the
short columns first. A large batch gets one row per event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.kit.redact import without_people
from flows.booking import Terms
from loyalty.store.deliveries import Delivery
from loyalty.store.inbox import Claimed, Closing
from rules import decide
from rules.decision import RuleTrace

EXPLAINED = 10
"""Up to how many events a run explains rule by rule; an order takes about a millisecond."""

MOST_ROWS = 200
"""Rows of one table; a larger batch says how many events were left out."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An event that was worked off.

    Attributes:
        sent: What it asked to be sent, as it stands at the end of the run.
        traces: Why each rule fired or not; empty where that is not told.
    """

    item: Claimed
    closing: Closing
    sent: Sequence[Delivery] = ()
    traces: Sequence[RuleTrace] = ()

    @property
    def points(self) -> int:
        """What the event changed in the books."""
        return int((self.closing.outcome or {}).get("points", 0))

    @property
    def entries(self) -> Sequence[tuple[str, int, str]]:
        """What was booked: rule, points, and how they were reckoned."""
        return [(rule, points, why) for rule, points, why in self._outcome("entries")]

    @property
    def errors(self) -> Sequence[str]:
        """What rules failed over."""
        return [str(one) for one in self._outcome("errors")]

    def _outcome(self, name: str) -> Sequence[Any]:
        found: Sequence[Any] = (self.closing.outcome or {}).get(name, [])
        return found


def traces_of(item: Claimed, closing: Closing, terms: Terms) -> Sequence[RuleTrace]:
    """Decides again from what was known, this time in words; nothing where no rule was asked."""
    outcome = closing.outcome
    if outcome is None:
        return ()
    version = outcome["version"]
    rules = terms.rules if version == terms.rules.version else terms.older.get(version)
    if rules is None:
        return ()
    return decide(item.event, outcome["facts"], terms.programme, rules, explain=True).traces


def event_rows(told: Sequence[Told]) -> tuple[list[Row], int]:
    """The rows of a batch, and how many events they leave out."""
    if len(told) <= EXPLAINED:
        return [row for one in told for row in _in_full(one)], 0
    return [_in_short(one) for one in told[:MOST_ROWS]], max(0, len(told) - MOST_ROWS)


def delivery_rows(sent: Sequence[Delivery]) -> list[Row]:
    """The rows of a run that only sent."""
    return [
        _delivery(one) | {"attempts": one.attempts, "vendor id": one.vendor_id, "key": one.key}
        for one in sent[:MOST_ROWS]
    ]


def summary(trigger: str, told: Sequence[Told], states: Mapping[str, int]) -> str:
    """A run in one line: `orders: 2 events (1 done, 1 parked), +58 points, 4 deliveries (4 sent)`.

    Args:
        states: How many deliveries ended in which state.
    """
    points = sum(one.points for one in told)
    parts = [
        _tally("event", "events", Counter(one.closing.state for one in told)),
        f"{points:+d} points" if points else "no points",
        delivery_summary(states),
    ]
    return f"{trigger}: {', '.join(parts)}"


def delivery_summary(states: Mapping[str, int]) -> str:
    """How deliveries ended: `3 deliveries (1 parked, 2 sent)`."""
    return _tally("delivery", "deliveries", states)


def _in_full(told: Told) -> Iterator[Row]:
    key = without_people(told.item.event.business_key)
    for row in (_event(told), *_rules(told), *map(_delivery, told.sent)):
        yield row | {"event": key}


def _in_short(told: Told) -> Row:
    booked = [f"{rule or 'redeemed'} {points:+d} ({why})" for rule, points, why in told.entries]
    asked = [f"{one.capability} {one.state}" for one in told.sent]
    row = _event(told)
    row["why"] = without_people("; ".join([*booked, *told.errors, *asked, row["why"]]))
    return row | {"event": without_people(told.item.event.business_key)}


def _event(told: Told) -> Row:
    event, closing = told.item.event, told.closing
    why = closing.reason
    if not why and closing.outcome is not None:
        fired = "" if closing.outcome["fired"] or told.entries else "no rule fired; "
        why = f"{fired}balance now {closing.outcome['balance']}, member {closing.member_id}"
    return _row(f"{event.type.value} from {event.store}", closing.state, told.points, why)


def _rules(told: Told) -> Iterator[Row]:
    """Each rule that was asked, then what was booked without one, then what failed."""
    booked = {rule: (points, why) for rule, points, why in told.entries}
    for trace in told.traces:
        points, reckoning = booked.pop(trace.rule, (0, ""))
        result = "fired" if trace.fired else "did not fire"
        why = trace.why.removeprefix("Fired: ").removeprefix("Did not fire: ")
        yield _row(f"rule {trace.rule}", result, points, "; ".join(filter(None, [reckoning, why])))
    for rule, (points, why) in booked.items():
        why = why or ("no longer earned" if rule and points < 0 else "")
        yield _row(f"rule {rule}" if rule else "redeemed", "booked", points, why)
    for error in told.errors:
        yield _row("rules", "failed", 0, error)


def _delivery(one: Delivery) -> Row:
    through = f" through {one.route}" if one.route else ""
    return _row(f"{one.capability}{through}", one.state, 0, one.reason)


def _row(what: str, result: str, points: int, why: str) -> Row:
    return {
        "what": what,
        "result": result,
        "points": f"{points:+d}" if points else "",
        "why": without_people(why),
    }


def _tally(one: str, many: str, states: Mapping[str, int]) -> str:
    total = sum(states.values())
    if not total:
        return f"no {many}"
    ended = ", ".join(f"{count} {state}" for state, count in sorted(states.items()) if count)
    return f"{total} {one if total == 1 else many} ({ended})"

"""What is told of an event that was decided: for machines, and in sentences for people."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty.events import Frozen
from rules.decision import ClauseTrace, LineTrace


class RuleTold(Frozen):
    """One rule: how it came out, why, and what it gave.

    `capped` is None where no cap or limit bit, else what was wanted, granted, and by which.
    """

    rule: str
    description: str = ""
    verdict: str
    fired: bool
    why: str
    points: int = 0
    arithmetic: str = ""
    clauses: tuple[ClauseTrace, ...] = ()
    lines: tuple[LineTrace, ...] = ()
    capped: dict[str, Any] | None = None


class LineTold(Frozen):
    """One line of the order, what of it counted, and why not all of it."""

    line: str
    title: str = ""
    net: Decimal
    counts: Decimal
    why: str = ""


class LaterTold(Frozen):
    """Something that happened to the sale since, and what it did to its points."""

    at: datetime
    what: str
    key: str = ""
    points: int = 0
    stands: int = 0
    says: str


class Explanation(Frozen):
    """Everything that is to be said, for machines; `says` is the same for people."""

    event: str
    kind: str
    order: str = ""
    store: str
    member: str = ""
    occurred_at: datetime
    state: str
    reason: str = ""
    rules: str = ""
    programme: str = ""
    tier: str = ""
    factor: str = "1"
    points: int = 0
    rule_stories: tuple[RuleTold, ...] = ()
    lines: tuple[LineTold, ...] = ()
    left_out: tuple[str, ...] = ()
    later: tuple[LaterTold, ...] = ()
    points_now: int | None = None
    says: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

"""What the gate said of messages, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty.gate import Reason, told
from loyalty.store.deliveries import Delivery

_OUTCOMES = {"send": "may go", "defer": "waits", "suppress": "may not go"}


@dataclass(frozen=True, slots=True)
class Told:
    """One verdict.

    Attributes:
        because: The reason's code and sentence; empty where the message may simply go.
        known: What it rests on, as the gate wrote it down.
    """

    at: datetime
    outcome: str
    because: str
    send_at: datetime | None
    known: dict[str, Any]


def verdicts_in_words(rows: Iterable[Any], messages: Iterable[Delivery]) -> dict[UUID, list[Told]]:
    """The verdicts on these messages, by delivery, oldest first."""
    channels = {one.id: one.capability for one in messages}
    found: dict[UUID, list[Told]] = {}
    for row in rows:
        because = _because(row.reason, channels.get(row.delivery_id, ""))
        outcome = _OUTCOMES.get(row.outcome, row.outcome)
        one = Told(row.at, outcome, because, row.send_at, dict(row.known or {}))
        found.setdefault(row.delivery_id, []).append(one)
    return found


def _because(code: str, channel: str) -> str:
    if not code:
        return ""
    return told(Reason(code), channel) if code in set(Reason) else code

"""What a step may expect. Only the keys that are given are compared."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from deployments.scenario.parts import Count, Moment, Name, Part, Points, Target
from loyalty.events import ConsentState
from loyalty.gate import Intent

Result = Literal["applied", "duplicate", "parked", "rejected", "ignored"]


class Balance(Part):
    """What a member has; `available` may be below zero where the programme allows debts."""

    available: Points | None = None
    pending: Points | None = None


class LotSeen(Part):
    """Points that came together; `remaining` includes what is held."""

    remaining: Points | None = None
    available_at: Moment | None = None
    expires_at: Moment | None = None


class MessageSeen(Part):
    """A message that was sent, put off or held back in this step."""

    status: Literal["sent", "deferred", "suppressed"] | None = None
    member: Name | None = None
    template: Name | None = None
    channel: Name | None = None
    reason: str | None = None
    send_at: Moment | None = None
    tier: str | None = None
    points: Points | None = None
    balance: Points | None = None
    message_class: str | None = Field(None, alias="class")
    last_day: str | None = None


class Stats(Part):
    """How a mailing did; people and machines apart, rates over what was delivered."""

    sent: Count | None = None
    delivered: Count | None = None
    bounced: Count | None = None
    opens_human: Count | None = None
    opens_machine: Count | None = None
    clicks_human: Count | None = None
    clicks_machine: Count | None = None
    open_rate: str | None = None
    click_rate: str | None = None


class Expectation(Part):
    """What must hold right after the step."""

    result: Result | None = None
    code: str | None = None
    results: dict[Result, Count] | None = None
    results_any: tuple[dict[Result, Count], ...] | None = None
    balance: dict[Name, Balance] | None = None
    ledger: dict[Name, tuple[Points, ...]] | None = None
    ledger_sum: dict[Name, Points] | None = None
    lots: dict[Name, tuple[LotSeen, ...]] | None = None
    held: dict[Name, Points] | None = None
    tier: dict[Name, str | None] | None = None
    messages: tuple[MessageSeen, ...] | None = None
    messages_include: tuple[MessageSeen, ...] | None = None
    written_off: dict[Name, Points] | None = None
    parked: Count | None = None
    alerts: tuple[str, ...] | None = None
    applied_rules: dict[Name, tuple[str, ...]] | None = None
    budget_spent: dict[Name, Points] | None = None
    total_available: Points | None = None
    liability_points: Points | None = None
    pii: dict[Name, Literal["none"]] | None = None
    major: str | None = None
    outstanding: Points | None = None
    pending: Points | None = None
    gross: str | None = None
    expected: str | None = None
    deferred: str | None = None
    recognised: str | None = None
    actual_points: Points | None = None
    simulated_points: Points | None = None
    difference: Points | None = None
    created: Count | None = None
    rejected_rows: tuple[Count, ...] | None = None
    referral: dict[Name, str] | None = None
    consent: dict[Name, dict[Literal["email", "sms"], ConsentState | None]] | None = None
    intent: Intent | None = None
    link_expires_at: Moment | None = None
    bound: dict[Name, Name | None] | None = None
    invited: tuple[Name, ...] | None = None
    waiting: Count | None = None
    stats: Stats | None = None
    deliveries: dict[Target, Count] | None = None
    attempts: dict[Target, Count] | None = None
    encoding: Literal["GSM-7", "UCS-2"] | None = None
    segments: Count | None = None
    picked: str | None = None
    balance_shown: Points | None = None
    notified: bool | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The keys that the file gives, with what they expect."""
        found = type(self).model_fields
        return {name: getattr(self, name) for name in found if name in self.model_fields_set}

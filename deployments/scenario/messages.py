"""Plays the vendor: whatever is planned and ready is handed over; and says what became of it.

A message is `sent` once it was planned, passed the gate and was handed over, `deferred` while it
waits for its hour, `suppressed` where the gate said no.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deployments.scenario.engine import OWNER
from deployments.scenario.observe import Members
from deployments.scenario.rule_documents import NOTICE
from deployments.scenario.texts import said
from deployments.scenario.window import Window
from flows.gatekeeping import judge_again
from flows.terms import Terms
from loyalty.store import deliveries
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery, Outcome

_CHANNELS = ("email", "sms")
_STATUS = {"sent": "sent", "parked": "deferred", "suppressed": "suppressed"}
_ALL = text("""
select * from deliveries where capability in ('email', 'sms')
order by coalesce(sent_at, created_at), id
""")

State = tuple[str, datetime | None]


class Vendor:
    """Takes messages and remembers which it was told of already."""

    def __init__(self, database: Database, window: Window) -> None:
        self.database = database
        self.window = window
        self._known: dict[UUID, State] = {}

    async def hand_over(self, terms: Terms) -> None:
        """Sends what is planned for now, and with it what was put off until now."""
        if not await self._has_open():
            return
        now = terms.now
        async with self.database.begin() as connection:
            ready = {one.id: one for one in await self.ready(connection, terms)}
            begun = await deliveries.begin(connection, list(ready), owner=OWNER, now=now)
            sent = [Outcome(ready[one], "sent", now, now, vendor_id=str(one)) for one in begun]
            sent.sort(key=lambda outcome: outcome.delivery.id)
            for outcome in sent:
                outcome.delivery.attempts += 1
            await deliveries.finish(connection, sent)

    async def _has_open(self) -> bool:
        async with self.window.open() as connection:
            return (await connection.execute(_OPEN)).first() is not None

    async def ready(self, connection: AsyncConnection, terms: Terms) -> list[Delivery]:
        """What is to be sent at `terms.now`: planned for it, or put off until then and judged."""
        taken = await deliveries.take_due(connection, owner=OWNER, limit=10_000, now=terms.now)
        due = await judge_again(connection, taken, terms)
        rows = await connection.execute(_READY, {"owner": OWNER})
        found = [*due, *(deliveries.delivery_of(row) for row in rows)]
        return list({one.id: one for one in found}.values())

    @property
    def figures(self) -> dict[str, Any]:
        """What the story may ask of the vendor; nothing of one that takes whatever comes."""
        return {}

    async def news(self, members: Members) -> list[dict[str, Any]]:
        """The messages whose state was set since this was asked last, in order."""
        async with self.window.open() as connection:
            found = [deliveries.delivery_of(row) for row in await connection.execute(_ALL)]
        new = [one for one in found if self._known.get(one.id) != _state(one)]
        self._known = {one.id: _state(one) for one in found}
        return [_message(one, members) for one in new]


_OPEN = text("""
select 1 from deliveries where state in ('pending', 'sending', 'parked', 'held') limit 1
""")
_READY = text("select * from deliveries where owner = :owner and state = 'pending'")


def _state(delivery: Delivery) -> State:
    return delivery.state, delivery.next_attempt_at


def _message(delivery: Delivery, members: Members) -> dict[str, Any]:
    content = said(delivery.input)
    return {
        "status": _STATUS.get(delivery.state, delivery.state),
        "member": members.name_of(delivery.member_id),
        "template": content.get("template") or template_of(delivery.rule),
        "channel": delivery.capability,
        "class": delivery.purpose,
        "reason": delivery.reason.partition(":")[0],
        "send_at": delivery.next_attempt_at if delivery.state == "parked" else None,
        **_facts(content),
    }


def template_of(rule: str) -> str:
    """The template of a message by the rule that sent it."""
    return rule.removeprefix(NOTICE).replace("-", "_") if rule.startswith(NOTICE) else rule


def _facts(content: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: content[name] for name in ("points", "balance", "tier", "last_day") if name in content
    }

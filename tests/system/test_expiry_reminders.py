"""The deployment `expiry-reminders`: whoever's points lapse soon hears of it once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import orjson

from connectors.kit.registry import manifest
from connectors.kit.webhook import InboundRequest
from deployments.demo.stage import account_fields
from loyalty.lifecycle_policy import ReminderPolicy
from loyalty.store import rulebook
from tests.system.flow_runs import reaches, start
from tests.system.watch import Watch

EARNED_DAYS_AGO = 20
DISTANCES = (7, 1)


@asynccontextmanager
async def reminding(watch: Watch) -> AsyncIterator[ZoneInfo]:
    """Has the programme remind people, in its zone; as it was, afterwards."""
    async with watch.books.begin() as connection:
        before = await rulebook.programme(connection)
        changed = before.model_copy(update={"reminders": ReminderPolicy(days=DISTANCES)})
        await rulebook.save_programme(connection, changed, now=datetime.now(UTC))
    try:
        yield ZoneInfo(before.zone)
    finally:
        async with watch.books.begin() as connection:
            await rulebook.save_programme(connection, before, now=datetime.now(UTC))


async def tell(watch: Watch, kind: str, key: str, **fields: Any) -> None:
    """An event as a shop's own software sends it, in the hub's words, signed."""
    one = manifest("webhook")
    assert one.webhook is not None
    account = one.account.model_validate(account_fields("webhook", watch.hub.settings))
    now = datetime.now(UTC)
    told = now - timedelta(days=EARNED_DAYS_AGO)
    body = orjson.dumps({"type": kind, "key": key, "time": told.isoformat(), **fields})
    hook = f"{watch.hub.settings.base_url}/hooks/webhook/main"
    bare = InboundRequest("POST", hook, {"content-type": "application/json"}, body, now)
    signed = replace(bare, headers={**bare.headers, **one.webhook.sign(bare, account)})
    async with httpx.AsyncClient(timeout=15) as client:
        answer = await client.post(hook, content=signed.body, headers=dict(signed.headers))
    assert answer.status_code == 202, answer.text


async def member(watch: Watch, mark: str, *, lapse_in_days: int) -> str:
    """Somebody who was given 40 points long ago, which lapse in so many days; their address."""
    email = f"{mark}@buyer.example"
    who = {"id": mark, "email": email, "first_name": "Ada", "consents": {"email": "granted"}}
    await tell(watch, "customer.created", mark, customer=who)
    given = {
        "id": f"{mark}-a",
        "points": 40,
        "reason": "a fair",
        "by": "Kim",
        "expires_days": EARNED_DAYS_AGO + lapse_in_days,
    }
    await tell(watch, "points.adjusted", f"{mark}-a", customer=who, data=given)
    return email


async def test_points_that_lapse_soon_are_told_of_once_however_often_it_runs(watch: Watch) -> None:
    mark = f"exp{uuid4().hex[:8]}"
    soon = await member(watch, f"{mark}soon", lapse_in_days=5)
    late = await member(watch, f"{mark}late", lapse_in_days=40)
    await watch.worked_off()
    async with reminding(watch) as zone:
        for _ in range(2):
            await reaches(watch, await start(watch, "expiry-reminders"), "COMPLETED")
    await watch.worked_off()
    last_day = datetime.now(zone).date() + timedelta(days=5)
    told = [one for one in await watch.records("smtp") if "can be used until" in one["subject"]]
    assert [one["subject"] for one in told if one["to"] == soon] == [
        f"40 points can be used until {last_day:%B} {last_day.day}, {last_day.year}"
    ]
    assert [one for one in told if one["to"] == late] == []
    rows = await watch.rows(
        "select r.days, r.last_day from expiry_reminders r join members m on m.id = r.member_id"
        " where m.email = :email",
        email=soon,
    )
    assert [(row.days, row.last_day) for row in rows] == [(7, last_day)]
    assert await watch.wrong_messages() == []

"""Plays the demo's day: sends every webhook over HTTP, then waits until all has been worked off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any

from sqlalchemy import text

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.registry import manifest
from deployments.demo.cast import DemoDay
from deployments.demo.check import Findings, check
from deployments.demo.day import day as the_day
from deployments.demo.stage import CONNECTION, account_fields, schedule_anniversaries, set_stage
from deployments.demo.storefront import open_site
from deployments.demo.story import DemoWebhook
from loyalty.settings import HubSettings
from loyalty.store.database import Database

QUIET_SECONDS = 90
"""How long the day's work may take before the demo gives up and says what is still open."""


@dataclass
class Played:
    """What the demo did and found."""

    webhooks: int = 0
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0
    findings: Findings = field(default_factory=Findings)

    @property
    def is_well(self) -> bool:
        """Whether every expected effect is there exactly once."""
        return not (self.refused or self.findings.problems)

    def summary(self) -> dict[str, Any]:
        """The last line of `hub demo --once --json`."""
        return {
            "ok": self.is_well,
            "webhooks": self.webhooks,
            "effects": self.findings.effects,
            "problems": [*self.refused, *self.findings.problems],
            "seconds": round(self.seconds, 1),
        }


async def play(
    settings: HubSettings, url: str, *, now: datetime, say: Callable[[str], None]
) -> Played:
    """Plays the day that ended before `now`.

    Args:
        url: The hub's database, to look at the books.
        say: Tells people what happens.
    """
    database = Database(url)
    played = Played()
    started = time.monotonic()
    try:
        await set_stage(settings, database)
        await open_site(settings, database, now=now)
        say("the vendors of the story have connections to their stand-ins")
        for webhook in the_day(now):
            await _send(settings, webhook, played, say)
        say(f"{played.webhooks} webhooks sent; the anniversaries are looked for by their schedule")
        await schedule_anniversaries()
        await _until_quiet(database, now, say)
        played.findings = await check(settings, database, DemoDay.of(now))
    finally:
        await database.aclose()
    played.seconds = time.monotonic() - started
    return played


async def _send(
    settings: HubSettings, webhook: DemoWebhook, played: Played, say: Callable[[str], None]
) -> None:
    sender = _sender(webhook.connector)
    hook = f"{settings.base_url}/hooks/{webhook.connector}/{CONNECTION}"
    model = manifest(webhook.connector).account
    status = await sender.deliver(
        hook,
        webhook.topic,
        webhook.payload,
        account=model.model_validate(account_fields(webhook.connector, settings)),
        delivery_id=webhook.delivery_id,
    )
    played.webhooks += 1
    if status != 202:
        played.refused.append(f"{webhook.connector} {webhook.topic} was answered with {status}")
    say(f"  {webhook.at:%H:%M}  {webhook.connector:<11}  {webhook.comment}")


def _sender(slug: str) -> SendingSandbox:
    module = import_module(f"connectors.{slug}.sandbox")
    kinds = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, SendingSandbox) and value.slug == slug
    ]
    return kinds[0]()


_OPEN = text("""
select (select count(*) from inbox where state = 'waiting') as events,
       (select count(*) from deliveries where state in ('pending', 'sending', 'parked')) as sending,
       (select count(*) from inbox where type = 'anniversary.due' and state = 'done'
          and done_at > :since) as anniversaries,
       (select count(*) from inbox where type = 'anniversary.due' and occurred_at <= :since
          and done_at <= :since) as earlier
""")


async def _until_quiet(database: Database, since: datetime, say: Callable[[str], None]) -> None:
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        async with database.begin() as connection:
            row = (await connection.execute(_OPEN, {"since": since})).one()
        if not row.events and not row.sending and row.anniversaries + row.earlier:
            return
        await asyncio.sleep(0.25)
    say(f"still open after {QUIET_SECONDS} s: {row.events} events, {row.sending} deliveries")

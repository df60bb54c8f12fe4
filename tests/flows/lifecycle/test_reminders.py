"""Members hear once of each day on which points expire, and of what is left then."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from flows.reminders import Reminded, remind
from loyalty.lifecycle_policy import ReminderPolicy
from loyalty.policies import ExpiryPolicy
from loyalty.store.database import Database
from loyalty.texts import Texts
from rules import RuleSet
from tests.flows.booking.desk import ADA, CONSENTING, Desk, paid, redeemed, signed_up
from tests.flows.lifecycle.post import NOON, rows

RULES = RuleSet.load(
    [
        {
            "id": "earn",
            "on": ["order.paid"],
            "then": [{"earn": {"points": "1", "per": "1.00", "steps": "proportional"}}],
        }
    ]
)
TEXT = "{{ values.points }} until {{ values.last_day }}, {{ values.balance }} in all"
LAST = datetime(2026, 4, 1, tzinfo=UTC)
"""The last day of what is earned at noon of 2 March and lives for 30 days."""


@pytest_asyncio.fixture
async def desk(database: Database) -> Desk:
    """Points live for 30 days; people are reminded a week and a day before."""
    text = {"email": {"subject": "Points", "text": TEXT}, "sms": TEXT}
    found = Desk(database, rules=RULES, texts=Texts({"expiry_reminder": text}))
    found.programme = found.programme.model_copy(
        update={
            "expiry": ExpiryPolicy(mode="days", n=30),
            "reminders": ReminderPolicy(days=(1, 7)),
        }
    )
    await found.take(signed_up(CONSENTING))
    return found


async def at(desk: Desk, days_before: int, **more: Any) -> Reminded:
    """Looks who is to be reminded, so many days before the last one."""
    desk.now = LAST - timedelta(days=days_before) + timedelta(**more)
    return await remind(desk.database, desk.terms())


async def said(desk: Desk) -> list[str]:
    found = await rows(desk.database, "select input from deliveries order by id")
    return [one.input.get("text") or one.input.get("body") for one in found]


async def test_each_reminder_tells_what_is_left_then(desk: Desk) -> None:
    await desk.take(paid("100.00", id="o1"), paid("20.00", id="o2"))
    assert (await at(desk, 8, hours=23, minutes=59)).messages == 0
    assert (await at(desk, 7)).messages == 1
    desk.now = LAST - timedelta(days=4)
    await desk.take(redeemed("q1", 30))
    assert (await at(desk, 1)).messages == 1
    assert await said(desk) == [
        "120 until 2026-04-01, 120 in all",
        "90 until 2026-04-01, 90 in all",
    ]


async def test_looking_again_says_nothing_again(desk: Desk) -> None:
    await desk.take(paid("100.00"))
    for hour in range(5):
        await at(desk, 7, hours=hour)
    assert len(await said(desk)) == 1
    assert (await at(desk, 7, hours=6)).expected == 0


async def test_after_an_outage_only_the_nearest_is_said(desk: Desk) -> None:
    await desk.take(paid("100.00"))
    await at(desk, 1, hours=3)
    assert await said(desk) == ["100 until 2026-04-01, 100 in all"]
    (one,) = await rows(desk.database, "select days from expiry_reminders")
    assert one.days == 1


async def test_what_was_spent_is_no_reminder(desk: Desk) -> None:
    await desk.take(paid("100.00"), redeemed("q1", 100))
    await at(desk, 7)
    await at(desk, 1)
    assert await said(desk) == []


async def test_nobody_is_reminded_while_the_programme_reminds_nobody(desk: Desk) -> None:
    await desk.take(paid("100.00"))
    desk.programme = desk.programme.model_copy(update={"reminders": ReminderPolicy()})
    assert (await at(desk, 7)).members == 0


async def test_workers_at_the_same_moment_remind_once(desk: Desk) -> None:
    for number in range(10):
        who = {**ADA, "id": f"c{number}", "email": f"m{number}@example.com", "phone": None}
        consenting = {**who, "consents": {"email": "granted"}}
        await desk.take(signed_up(consenting), paid("5.00", id=f"o{number}", customer=who, at=NOON))
    desk.now = LAST - timedelta(days=7)
    terms = desk.terms()
    await asyncio.gather(*(remind(desk.database, terms) for _ in range(3)))
    assert await said(desk) == ["5 until 2026-04-01, 5 in all"] * 10


async def test_a_reminder_waits_no_longer_than_the_points_live(desk: Desk) -> None:
    await desk.take(paid("100.00"))
    await at(desk, 1)
    (one,) = await rows(desk.database, "select valid_until, purpose from deliveries")
    assert (one.valid_until, one.purpose) == (LAST + timedelta(days=1), "marketing")


@pytest.mark.parametrize(
    ("expiry", "since", "last"),
    [
        (ExpiryPolicy(mode="inactivity_months", n=1), None, datetime(2026, 4, 2, tzinfo=UTC)),
        (
            ExpiryPolicy(mode="inactivity_months", n=1, boundary="end_of_month"),
            None,
            datetime(2026, 4, 30, tzinfo=UTC),
        ),
        (
            ExpiryPolicy(mode="days", n=30),
            datetime(2026, 3, 11, 8, tzinfo=UTC),
            datetime(2026, 4, 10, tzinfo=UTC),
        ),
        (
            ExpiryPolicy(mode="calendar", month=6, day=30),
            datetime(2026, 3, 11, 8, tzinfo=UTC),
            datetime(2026, 6, 30, tzinfo=UTC),
        ),
    ],
)
async def test_points_without_a_day_of_their_own_are_found_too(
    desk: Desk, expiry: ExpiryPolicy, since: datetime | None, last: datetime
) -> None:
    """Those that an activity keeps alive, and those that are older than the expiry."""
    desk.programme = desk.programme.model_copy(update={"expiry": ExpiryPolicy()})
    await desk.take(paid("100.00"))
    desk.programme = desk.programme.model_copy(update={"expiry": expiry})
    desk.expiry_since = since
    for days in (8, 7, 7, 2, 1):
        desk.now = last - timedelta(days=days)
        await remind(desk.database, desk.terms())
    day = last.date().isoformat()
    assert await said(desk) == [f"100 until {day}, 100 in all"] * 2

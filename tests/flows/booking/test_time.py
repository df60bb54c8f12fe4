"""What time alone brings: yearly days, expiries, debts that are paid, tiers that end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows import upkeep, yearly
from flows.upkeep import Kept, keep_up
from flows.yearly import celebrate
from loyalty.texts import Texts
from rules import RuleSet
from tests.flows.booking.accounts import DAY, PLAIN, balance, ledger, programme, spent
from tests.flows.booking.desk import CONSENTING, NOON, Desk, event, paid, refunded, signed_up

YEARLY = RuleSet.load(
    [
        *PLAIN.documents(),
        {
            "id": "anniversary",
            "on": ["anniversary.due"],
            "then": [
                {"award": {"points": "50", "flat": True}},
                {"send_message": {"channel": "email", "template": "hello"}},
            ],
        },
        {
            "id": "birthday",
            "on": ["birthday.due"],
            "then": [{"award": {"points": "200", "flat": True}}],
        },
    ]
)
HELLO = Texts({"hello": {"email": {"subject": "Hello", "text": "Hello"}}})


def day(text: str) -> datetime:
    """An instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def tick(desk: Desk, text: str) -> int:
    """Moves the clock, does what is due, and says what is available."""
    desk.now = day(text)
    await celebrate(desk.database, desk.programme, now=desk.now)
    await keep_up(desk.database, desk.terms())
    await desk.work_off()
    return (await balance(desk))[0]


async def joins(desk: Desk, text: str, **more: Any) -> None:
    """Ada signs up at an instant."""
    desk.rules, desk.texts, desk.now = YEARLY, HELLO, day(text)
    await desk.take(signed_up({**CONSENTING, **more}, at=desk.now))


async def messages(desk: Desk) -> list[tuple[str, datetime | None]]:
    """(state, next attempt) of what was planned, in order."""
    rows = await desk.rows("select state, next_attempt_at from deliveries order by id")
    return [tuple(row) for row in rows]


async def test_days_that_passed_while_the_hub_was_down_are_paid_once_and_not_told(
    desk: Desk,
) -> None:
    desk.programme = programme(max_lateness_hours=48)
    await joins(desk, "2024-02-29T10:00")
    assert await tick(desk, "2025-02-27T00:00") == 0
    assert await tick(desk, "2025-03-10T00:00") == 50
    assert await tick(desk, "2025-03-10T01:00") == 50
    assert await messages(desk) == [("suppressed", None)]
    assert await tick(desk, "2026-02-28T00:00") == 100
    assert (await messages(desk))[1:] == [("parked", day("2026-02-28T09:00"))]


@pytest.mark.parametrize(("leap", "paid_on"), [("feb28", "2025-02-28"), ("mar1", "2025-03-01")])
async def test_a_29th_of_february_falls_where_the_policy_says(
    desk: Desk, leap: str, paid_on: str
) -> None:
    desk.programme = programme(anniversary={"leap": leap})
    await joins(desk, "2024-02-29T10:00")
    assert await tick(desk, (day(paid_on) - timedelta(seconds=1)).isoformat()[:19]) == 0
    assert await tick(desk, paid_on) == 50


@pytest.mark.parametrize(
    ("whose", "begins"),
    [("program", "2026-06-30T22:00"), ("member", "2026-07-01T07:00")],
)
async def test_the_day_begins_at_midnight_of_the_programme_or_the_member(
    desk: Desk, whose: str, begins: str
) -> None:
    """And is spoken of at nine where the member lives."""
    desk.programme = programme(zone="Europe/Berlin", anniversary={"zone": whose})
    await joins(desk, "2025-07-01T10:00", zone="America/Los_Angeles")
    assert await tick(desk, (day(begins) - timedelta(seconds=1)).isoformat()[:19]) == 0
    assert await tick(desk, begins) == 50
    assert await messages(desk) == [("parked", day("2026-07-01T16:00"))]


async def test_a_zone_that_is_none_is_the_programmes(desk: Desk) -> None:
    desk.programme = programme(zone="Europe/Berlin", anniversary={"zone": "member"})
    await joins(desk, "2025-07-01T10:00", zone="Europe")
    assert await tick(desk, "2026-06-30T22:00") == 50


async def test_a_birthday_that_moves_is_paid_once_in_its_time(desk: Desk) -> None:
    desk.programme = programme(
        birthday={"min_lead_days": 30, "min_gap_days": 350, "zone": "member"}
    )
    desk.rules = RuleSet.load([one for one in YEARLY.documents() if one["id"] != "anniversary"])
    desk.now = day("2026-01-01T10:00")
    await desk.take(signed_up({**CONSENTING, "birthday": "1990-03-15"}, at=desk.now))
    assert await tick(desk, "2026-03-15T00:00") == 200
    for told, birthday, when, points in (
        ("2026-04-01T10:00", "1990-11-15", "2026-11-15", 200),
        ("2027-01-02T10:00", "1990-02-10", "2027-02-10", 200),
    ):
        desk.now = day(told)
        changed = {**CONSENTING, "birthday": birthday}
        await desk.take(event("customer.updated", told, changed, at=desk.now))
        assert await tick(desk, when) == points
    assert await tick(desk, "2028-02-10") == 400


async def test_a_birthday_told_too_late_does_not_count(desk: Desk) -> None:
    desk.programme = programme(birthday={"min_lead_days": 30})
    await joins(desk, "2026-03-01T10:00", birthday="1990-03-15")
    assert await tick(desk, "2026-03-15T00:00") == 0


async def test_two_looks_at_once_and_in_small_batches_find_each_day_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    monkeypatch.setattr(yearly, "BATCH", 2)
    desk.rules, desk.texts, desk.now = YEARLY, HELLO, day("2025-07-01T10:00")
    for number in range(5):
        customer = {"id": f"c{number}", "email": f"c{number}@example.com"}
        await desk.take(signed_up(customer, at=desk.now))
    desk.now = day("2026-07-01T00:00")
    looks = [celebrate(desk.database, desk.programme, now=desk.now) for _ in range(3)]
    found = await asyncio.gather(*looks)
    assert [one.members for one in found] == [5, 5, 5]
    assert sum(one.new for one in found) == 5
    await desk.work_off()
    rows = await desk.rows("select points from members")
    assert [row.points for row in rows] == [50] * 5


# --- what is written down for those who do nothing -----------------------------------------------


async def test_expiries_are_written_down_when_they_are_true_and_never_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    desk.rules, desk.programme = PLAIN, programme(expiry={"mode": "days", "n": 30})
    for number in range(5):
        customer = {"id": f"c{number}", "email": f"c{number}@example.com"}
        await desk.take(paid("10.00", id=f"{number}", customer=customer))
    gone = (NOON + 31 * DAY).replace(hour=0)
    desk.now = gone - timedelta(microseconds=1)
    assert (await keep_up(desk.database, desk.terms())).expiries == 0
    desk.now = gone + 3 * DAY
    told: list[int] = []
    kept = await keep_up(desk.database, desk.terms(), progress=lambda k: told.append(k.members))
    assert (kept.expiries, kept.points_expired, told[:3]) == (5, 50, [2, 4, 5])
    assert await keep_up(desk.database, desk.terms()) == Kept()
    rows = await desk.rows("select occurred_at, posted_at from entries where kind = 'expire'")
    assert {tuple(row) for row in rows} == {(gone, desk.now)}


async def test_points_without_a_day_lapse_under_the_policy_that_came_later(desk: Desk) -> None:
    desk.rules = PLAIN
    await desk.take(paid("100.00"))
    desk.programme = programme(expiry={"mode": "months", "n": 1})
    desk.expiry_since = NOON + 60 * DAY
    for after, expiries in ((60, 0), (90, 0), (92, 1)):
        desk.now = NOON + after * DAY
        assert (await keep_up(desk.database, desk.terms())).expiries == expiries, after


async def test_a_quiet_balance_lapses_as_a_whole(desk: Desk) -> None:
    desk.rules = PLAIN
    desk.programme = programme(expiry={"mode": "inactivity_months", "n": 6})
    await desk.take(paid("100.00"))
    desk.now = NOON + 150 * DAY
    await desk.take(spent("q1", 10, at=desk.now))
    desk.now = NOON + 200 * DAY
    assert (await keep_up(desk.database, desk.terms())).expiries == 0
    desk.now = NOON + 340 * DAY
    assert (await keep_up(desk.database, desk.terms())).points_expired == 90


async def test_released_points_pay_what_is_owed(desk: Desk) -> None:
    desk.rules = PLAIN
    await desk.take(paid("50.00", id="1"), spent("q1", 50))
    desk.programme = programme(pending_days=7)
    await desk.take(paid("80.00", id="2"), refunded("r1", order="1", full=True))
    assert await balance(desk) == (-50, 80, 0)
    desk.now = NOON + 7 * DAY
    kept = await keep_up(desk.database, desk.terms())
    assert kept.debts_paid == 50
    assert await balance(desk) == (30, 0, 0)
    assert (await desk.rows("select sum(remaining) as owed from debts"))[0].owed == 0


async def test_a_tier_ends_for_somebody_who_does_nothing(desk: Desk) -> None:
    levels = [{"name": "bronze", "at": 0}, {"name": "silver", "at": 500}]
    tiers = {"metric": "spend", "window": "rolling_months", "months": 1, "levels": levels}
    desk.rules, desk.programme = PLAIN, programme(tiers=tiers)
    await desk.take(paid("500.00"))
    end = day("2026-04-03T00:00")
    desk.now = end - timedelta(seconds=1)
    assert (await keep_up(desk.database, desk.terms())).tiers_changed == 0
    desk.now = end
    assert (await keep_up(desk.database, desk.terms())).tiers_changed == 1
    assert (await keep_up(desk.database, desk.terms())).tiers_changed == 0
    (ada,) = await desk.rows("select tier from members")
    assert ada.tier == "bronze"
    assert await ledger(desk) == [("earn", 500)]

"""Points that the team gives and takes, and activities that are rewarded only so often."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules import RuleSet
from tests.flows.booking.accounts import (
    DAY,
    PLAIN,
    activity,
    adjusted,
    approved,
    balance,
    ending,
    ledger,
    programme,
)
from tests.flows.booking.desk import NOON, Desk, paid

REVIEWS = RuleSet.load(
    [
        *PLAIN.documents(),
        {
            "id": "review",
            "on": ["activity.reported"],
            "when": ["activity.name == 'review'"],
            "then": [{"award": {"points": "10", "flat": True}}],
            "limits": [{"times": 2, "every": "iso_week", "zone": "program"}],
        },
    ]
)


@pytest.fixture
async def team(desk: Desk) -> Desk:
    """Ada has 300 points; above 1000 two people have to agree."""
    desk.rules = PLAIN
    desk.programme = programme(adjust={"negative": "refuse", "approval_above": 1000})
    await desk.take(paid("300.00"))
    return desk


@pytest.mark.parametrize(
    ("points", "more", "code"),
    [
        pytest.param(-301, {}, "would_go_negative", id="more than there are"),
        pytest.param(50, {"reason": "  "}, "reason_required", id="no reason"),
        pytest.param(0, {}, "no_points", id="nothing"),
        pytest.param(50, {"customer": {"email": "who@example.com"}}, "unknown_member", id="nobody"),
    ],
)
async def test_what_may_not_be_adjusted_is_refused(
    team: Desk, points: int, more: dict[str, object], code: str
) -> None:
    asked = adjusted("a1", points, **more)
    await team.take(asked)
    assert await ending(team, asked) == ("refused", code)
    assert await balance(team) == (300, 0, 0)
    assert await team.rows("select 1 from adjustments") == []


async def test_a_big_adjustment_needs_somebody_else_once(team: Desk) -> None:
    asked = adjusted("a3", 5000)
    own, other, late = approved("a3", " Anna "), approved("a3", "boris"), approved("a3", "carla")
    await team.take(asked)
    assert await ending(team, asked) == ("parked", "needs_approval")
    await team.take(own, other, late)
    assert await ending(team, own) == ("refused", "same_person")
    assert await ending(team, other) == ("done", "")
    assert await ending(team, late) == ("done", "already_approved")
    assert await ending(team, asked) == ("done", "already_booked")
    assert await balance(team) == (5300, 0, 0)
    (row,) = await team.rows("select state, asked_by, approved_by, reason from adjustments")
    assert tuple(row) == ("booked", "anna", "boris", "lost parcel")


async def test_an_approval_may_come_before_the_asking(team: Desk) -> None:
    early, asked = approved("a3", "boris"), adjusted("a3", 5000)
    await team.take(early)
    assert await ending(team, early) == ("parked", "unknown_adjustment")
    await team.take(asked)
    assert await balance(team) == (5300, 0, 0)


async def test_asking_and_agreeing_in_one_batch_books_once(team: Desk) -> None:
    await team.accept(adjusted("a3", 5000), approved("a3", "boris"), approved("a3", "carla"))
    await team.work_off()
    assert await balance(team) == (5300, 0, 0)


async def test_what_is_approved_too_late_to_be_taken_is_refused(team: Desk) -> None:
    team.programme = programme(adjust={"negative": "refuse", "approval_above": 100})
    asked, agreed = adjusted("a1", -250), approved("a1", "boris")
    await team.take(asked, adjusted("a2", -90), agreed)
    assert await ending(team, agreed) == ("refused", "would_go_negative")
    assert await ending(team, asked) == ("parked", "needs_approval")
    assert await balance(team) == (210, 0, 0)


async def test_points_may_be_taken_into_debt_where_the_policy_says_so(team: Desk) -> None:
    team.programme = programme(adjust={"negative": "allow"})
    await team.take(adjusted("a1", -500))
    assert await balance(team) == (-200, 0, 0)


async def test_given_points_live_as_long_as_was_said(team: Desk) -> None:
    await team.take(adjusted("a1", 50, expires_days=30))
    rows = await team.rows("select expires_at from lots where points = 50")
    assert [row.expires_at for row in rows] == [(NOON + 31 * DAY).replace(hour=0)]


@pytest.mark.parametrize(("qualifies", "tier"), [(False, "bronze"), (True, "silver")])
async def test_adjustments_count_towards_tiers_only_when_marked_so(
    team: Desk, qualifies: bool, tier: str
) -> None:
    levels = [{"name": "bronze", "at": 0}, {"name": "silver", "at": 500}]
    team.programme = programme(tiers={"metric": "earned_points", "levels": levels})
    await team.take(paid("1.00", id="1002"), adjusted("a1", 600, is_qualifying=qualifies))
    (ada,) = await team.rows("select tier from members")
    assert ada.tier == tier


async def test_the_words_of_an_adjustment_are_not_in_the_ledger(team: Desk) -> None:
    await team.take(adjusted("a1", 50, reason="for Ada's trouble"))
    rows = await team.rows("select reason, snapshot::text as snapshot from entries")
    assert not any("Ada" in row.reason + row.snapshot for row in rows)
    assert (await ledger(team))[-1] == ("adjust", 50)


async def test_an_activity_is_rewarded_once_each_and_so_often_a_week(desk: Desk) -> None:
    desk.rules, desk.programme = REVIEWS, programme(zone="Europe/Berlin")
    monday = NOON.replace(hour=9)
    sunday = monday.replace(day=8, hour=22, minute=59, second=59)
    turn = sunday + timedelta(seconds=1)
    await desk.take(paid("1.00", at=monday))
    again = activity("review", "p1", at=monday + DAY)
    barred = activity("review", "p3", at=sunday)
    for one in (activity("review", "p1", at=monday), again, activity("review", "p2", at=sunday),
                barred, activity("review", "p4", at=turn)):  # fmt: skip
        desk.now = one.time
        await desk.take(one)
    assert await ending(desk, barred) == ("refused", "limit_reached")
    assert await balance(desk) == (1 + 30, 0, 0)


async def test_an_activity_that_nothing_rewards_is_just_done(team: Desk) -> None:
    visit = activity("visit", "monday")
    await team.take(visit)
    assert await ending(team, visit) == ("done", "")
    assert await balance(team) == (300, 0, 0)

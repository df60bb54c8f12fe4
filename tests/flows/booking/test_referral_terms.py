"""Recommendations: orders that are told before the sign-up, and terms that change meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loyalty.events import Event
from tests.flows.booking.accounts import BO, DAY, PLAIN, balance, programme
from tests.flows.booking.desk import ADA, NOON, Desk, event
from tests.flows.booking.test_referrals import (
    HOME,
    TERMS,
    bought,
    decided,
    joined,
    link,
    refunded,
    states,
)

HOUR = timedelta(hours=1)


@pytest.fixture
async def friends(desk: Desk) -> Desk:
    """Ada is a member of long and has a link."""
    desk.rules, desk.programme = PLAIN, programme(referral=TERMS)
    await desk.take(joined(ADA, at=NOON - 100 * DAY))
    return desk


def attached(code: str, *, at: Any = NOON) -> Event:
    """referral.attached: Bo came by the link, and the shop did not say so."""
    return event("referral.attached", f"{code}:{at.isoformat()}", {"code": code, "customer": BO})


# --- told in another order -----------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "apart"])
@pytest.mark.parametrize("told", ["by the sign-up", "by the link"])
async def test_an_order_told_before_the_recommendation_counts(
    friends: Desk, told: str, together: bool
) -> None:
    code = await link(friends)
    names = joined(BO, referred_by=code) if told == "by the sign-up" else attached(code)
    events = [bought("10.00", "0"), bought("40.00"), names]
    for batch in [events] if together else [[one] for one in events]:
        await friends.take(*batch)
    assert await states(friends) == [("earned", [])]
    assert await balance(friends) == (0, 500, 0)
    assert await balance(friends, BO["email"]) == (50, 200, 0)
    [row] = await friends.rows("select sale, counted_at from referrals")
    assert (row.sale, row.counted_at) == ("shopify/main:1", NOON)


async def test_what_was_given_back_before_does_not_count_and_the_next_order_does(
    friends: Desk,
) -> None:
    await friends.take(bought("40.00"), refunded("40.00", at=NOON))
    await friends.take(joined(BO, referred_by=await link(friends)))
    assert await states(friends) == [("attached", [])]
    await friends.take(bought("50.00", "2", at=NOON + DAY))
    assert await balance(friends) == (0, 500, 0)


async def test_an_order_before_a_doubtful_recommendation_is_paid_when_approved(
    friends: Desk,
) -> None:
    await friends.take(event("customer.updated", "c1:1", {**ADA, "traits": HOME}))
    await friends.take(bought("40.00"))
    await friends.take(joined(BO, referred_by=await link(friends), traits=HOME))
    assert await states(friends) == [("held", ["same address"])]
    assert await balance(friends) == (0, 0, 0)
    [bo] = await friends.rows("select friend_id from referrals")
    await friends.take(decided(bo.friend_id, approved=True, at=NOON + HOUR))
    assert await balance(friends) == (0, 500, 0)


async def test_a_customer_who_ordered_days_before_is_no_friend(friends: Desk) -> None:
    await friends.take(bought("40.00", at=NOON - 2 * DAY))
    await friends.take(joined(BO, referred_by=await link(friends)))
    assert [one for one, _ in await states(friends)] == ["already_member"]
    assert await balance(friends) == (0, 0, 0)


# --- under other terms ---------------------------------------------------------------------------

CHANGES: list[Any] = [
    pytest.param(None, 13, "40.00", 0, id="switched off"),
    pytest.param(None, 15, "40.00", 500, id="switched off, after the window"),
    pytest.param({**TERMS, "hold_days": 1}, 13, "40.00", 0, id="a shorter window since"),
    pytest.param({**TERMS, "hold_days": 90}, 15, "40.00", 500, id="a longer window since"),
    pytest.param({**TERMS, "min_order": "40.00"}, 13, "5.00", 500, id="more has to be left since"),
    pytest.param({**TERMS, "min_order": "0"}, 13, "15.00", 0, id="less has to be left since"),
    pytest.param({"friend_points": 10}, 13, "40.00", 0, id="one side gets nothing since"),
]


@pytest.mark.parametrize(("terms", "days", "amount", "left"), CHANGES)
async def test_a_refund_is_judged_by_the_terms_of_the_time(
    friends: Desk, terms: dict[str, Any] | None, days: int, amount: str, left: int
) -> None:
    await friends.take(joined(BO, referred_by=await link(friends)), bought("40.00"))
    friends.programme = programme(referral=terms)
    friends.now = NOON + days * DAY
    await friends.take(refunded(amount, at=friends.now))
    assert sum(await balance(friends)) == left
    assert [one for one, _ in await states(friends)] == ["earned" if left else "cancelled"]


async def test_what_was_held_is_paid_as_it_was_promised(friends: Desk) -> None:
    await friends.take(event("customer.updated", "c1:1", {**ADA, "traits": HOME}))
    await friends.take(joined(BO, referred_by=await link(friends), traits=HOME), bought("40.00"))
    [bo] = await friends.rows("select friend_id from referrals")
    friends.programme = programme(referral=None)
    await friends.take(decided(bo.friend_id, approved=True, at=NOON + HOUR))
    assert await states(friends) == [("earned", ["same address"])]
    assert await balance(friends) == (0, 500, 0)
    friends.now = NOON + 14 * DAY
    assert await balance(friends) == (500, 0, 0)


async def test_what_counts_for_nobody_any_more_earns_nothing(friends: Desk) -> None:
    await friends.take(joined(BO, referred_by=await link(friends)))
    friends.programme = programme(referral=None)
    await friends.take(bought("40.00"))
    assert await balance(friends) == (0, 0, 0)
    assert await states(friends) == [("attached", [])]

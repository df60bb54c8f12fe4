"""Recommendations in the books: pending, then spendable, taken back, looked at, once for ever."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from loyalty.events import Event
from loyalty.store import referrals
from tests.flows.booking.accounts import BO, DAY, PLAIN, balance, ending, erased, merged, programme
from tests.flows.booking.desk import ADA, NOON, Desk, event

TERMS = {"referrer_points": 500, "friend_points": 200, "min_order": "30.00", "hold_days": 14}
HOME = {"address": "1 Main St, 12345"}


@pytest.fixture
async def friends(desk: Desk) -> Desk:
    """Ada is a member of long and has a link."""
    desk.rules, desk.programme = PLAIN, programme(referral=TERMS)
    await desk.take(joined(ADA, at=NOON - 100 * DAY))
    return desk


async def link(desk: Desk) -> str:
    """The code in Ada's link."""
    [ada] = await desk.rows("select member_id from identities where value = :it", it=ADA["email"])
    async with desk.database.begin() as connection:
        return await referrals.code_of(connection, ada.member_id, now=desk.now)


def joined(customer: dict[str, Any], *, at: datetime = NOON, **more: Any) -> Event:
    """customer.created."""
    return event("customer.created", customer["id"], {**customer, **more}, at=at)


def bought(total: str, id: str = "1", *, at: datetime = NOON, who: dict[str, Any] = BO) -> Event:
    """order.paid, by Bo unless told."""
    line = {"id": "L1", "quantity": 1, "unit_price": total}
    data = {"id": id, "currency": "EUR", "total": total, "lines": [line], "customer": who}
    return event("order.paid", id, data, at=at)


def refunded(amount: str, *, at: datetime, order: str = "1") -> Event:
    """order.refunded."""
    data = {"id": f"r-{amount}", "order_id": order, "currency": "EUR", "amount": amount}
    return event("order.refunded", f"{order}:r-{amount}", data, at=at)


def decided(friend: Any, *, approved: bool, at: datetime, by: str = "anna") -> Event:
    """referral.decided."""
    data = {"member_id": str(friend), "approved": approved, "by": by}
    return event("referral.decided", f"{friend}:{at.isoformat()}", data, at=at)


async def states(desk: Desk) -> list[tuple[str, list[str]]]:
    """How far each recommendation is, and why."""
    rows = await desk.rows("select state, reasons from referrals order by joined_at")
    return [(row.state, row.reasons) for row in rows]


async def test_both_sides_have_their_reward_when_the_return_window_is_over(friends: Desk) -> None:
    await friends.take(joined(BO, referred_by=(await link(friends)).upper()), bought("40.00"))
    assert await balance(friends) == (0, 500, 0)
    assert await balance(friends, BO["email"]) == (40, 200, 0)
    friends.now = NOON + 14 * DAY - timedelta(seconds=1)
    assert await balance(friends) == (0, 500, 0)
    friends.now = NOON + 14 * DAY
    assert await balance(friends) == (500, 0, 0)
    assert await balance(friends, BO["email"]) == (240, 0, 0)


async def test_it_is_earned_once_whatever_is_bought_and_told_again(friends: Desk) -> None:
    signed_up = joined(BO, referred_by=await link(friends))
    await friends.take(signed_up, bought("40.00"), signed_up, bought("50.00", "2"))
    assert (await balance(friends))[1] == 500
    assert await states(friends) == [("earned", [])]


async def test_two_orders_at_once_earn_it_once(friends: Desk) -> None:
    await friends.take(joined(BO, referred_by=await link(friends)))
    await friends.accept(bought("40.00"), bought("50.00", "2"))
    await asyncio.gather(
        *(asyncio.wait_for(friends.book("orders", limit=1), 20) for _ in range(2)),
        return_exceptions=False,
    )
    await friends.work_off()
    assert (await balance(friends))[1] == 500


@pytest.mark.parametrize(
    ("amount", "days", "left"),
    [
        pytest.param("40.00", 13, 0, id="whole within the window"),
        pytest.param("15.00", 13, 0, id="below what counts"),
        pytest.param("5.00", 13, 500, id="enough is left"),
        pytest.param("40.00", 14, 500, id="after the window"),
    ],
)
async def test_what_is_given_back_in_time_takes_the_reward_with_it(
    friends: Desk, amount: str, days: int, left: int
) -> None:
    await friends.take(joined(BO, referred_by=await link(friends)), bought("40.00"))
    friends.now = NOON + days * DAY
    await friends.take(refunded(amount, at=friends.now))
    available, pending, _ = await balance(friends)
    assert available + pending == left
    [(state, _)] = await states(friends)
    assert state == ("earned" if left else "cancelled")
    await friends.take(bought("90.00", "2", at=friends.now))
    assert sum(await balance(friends)) == left, "a cancelled recommendation stays cancelled"


async def test_a_shared_address_is_held_until_somebody_has_looked(friends: Desk) -> None:
    await friends.take(event("customer.updated", "c1:1", {**ADA, "traits": HOME}))
    await friends.take(
        joined(BO, referred_by=await link(friends), traits={"address": "1  main st, 12345 "}),
        bought("40.00"),
    )
    assert await states(friends) == [("held", ["same address"])]
    assert await balance(friends) == (0, 0, 0)
    [bo] = await friends.rows("select friend_id from referrals")

    friends.now = NOON + 5 * DAY
    await friends.take(decided(bo.friend_id, approved=True, at=friends.now))
    assert await balance(friends) == (0, 500, 0)
    friends.now = NOON + 14 * DAY
    assert await balance(friends) == (500, 0, 0), "the window began with the order"

    again = decided(bo.friend_id, approved=False, at=friends.now)
    await friends.take(again)
    assert await ending(friends, again) == ("done", "already_decided")
    stored = await friends.rows("select value from traits")
    assert [len(row.value) for row in stored] == [32, 32], "fingerprints, not addresses"


async def test_what_is_refused_earns_nothing_though_orders_come(friends: Desk) -> None:
    await friends.take(event("customer.updated", "c1:1", {**ADA, "traits": HOME}))
    await friends.take(joined(BO, referred_by=await link(friends), traits=HOME))
    [bo] = await friends.rows("select friend_id from referrals")
    nameless = decided(bo.friend_id, approved=True, at=NOON, by=" ")
    await friends.take(nameless)
    assert await ending(friends, nameless) == ("refused", "reason_required")
    later = NOON + timedelta(minutes=1)
    await friends.take(decided(bo.friend_id, approved=False, at=later), bought("40.00", at=later))
    assert await balance(friends) == (0, 0, 0)
    assert (await states(friends))[0][0] == "refused"


async def test_a_sign_up_counts_where_the_programme_says_so(friends: Desk) -> None:
    friends.programme = programme(referral={**TERMS, "reward_on": "sign_up"})
    await friends.take(joined(BO, referred_by=await link(friends)))
    assert await balance(friends, BO["email"]) == (0, 200, 0)
    friends.now = NOON + 14 * DAY
    assert await balance(friends) == (500, 0, 0)


@pytest.mark.parametrize(
    ("more", "state"),
    [
        pytest.param({"created_at": NOON - 2 * DAY}, "already_member", id="a customer of long"),
        pytest.param({"email": "ADA+x@example.com"}, "blocked_self", id="herself"),
    ],
)
async def test_who_is_no_newcomer_joins_and_nobody_is_rewarded(
    friends: Desk, more: dict[str, Any], state: str
) -> None:
    assert ADA["email"] == "ada@example.com"
    who = {**BO, **more}
    await friends.take(joined(who, referred_by=await link(friends)), bought("40.00", who=who))
    assert [one for one, _ in await states(friends)] == [state]
    assert await balance(friends) == (0, 0, 0)


async def test_an_unknown_code_hinders_nobody_from_joining(friends: Desk) -> None:
    signed_up = joined(BO, referred_by="nobodys1")
    await friends.take(signed_up)
    assert await ending(friends, signed_up) == ("done", "")
    assert await states(friends) == []


async def test_a_merge_that_shows_it_was_herself_takes_it_back(friends: Desk) -> None:
    await friends.take(joined(BO, referred_by=await link(friends)), bought("40.00"))
    friends.now = NOON + 20 * DAY
    await friends.take(merged(at=friends.now))
    assert await balance(friends) == (40, 0, 0)
    assert await states(friends) == [("blocked_self", ["one account by now"])]


async def test_a_merged_friend_still_counts_as_who_came_by_the_link(friends: Desk) -> None:
    await friends.take(joined(BO, referred_by=await link(friends)))
    cleo = {"id": "c3", "email": "cleo@example.com"}
    await friends.take(joined(cleo), merged(BO, cleo))
    await friends.take(bought("40.00", who=cleo))
    assert await balance(friends) == (0, 500, 0)


async def test_a_person_who_is_forgotten_leaves_no_trait_and_no_code(friends: Desk) -> None:
    await friends.take(event("customer.updated", "c1:1", {**ADA, "traits": HOME}))
    code = await link(friends)
    await friends.take(erased())
    assert await friends.rows("select 1 from traits") == []
    await friends.take(joined(BO, referred_by=code))
    assert await states(friends) == []

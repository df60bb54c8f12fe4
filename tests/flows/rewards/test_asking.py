"""Asking for a reward holds the points once; they are spent when it is issued, and never else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from loyalty.store import deliveries, delivery_lists, reward_ends
from tests.flows.booking.desk import ADA, NOON
from tests.flows.rewards.shelf import RewardDesk, item

BO = {**ADA, "id": "c2", "email": "bo@example.com", "phone": "+491511234999"}


async def test_points_are_held_until_the_shop_has_issued_it(desk: RewardDesk) -> None:
    await desk.offer(item())
    member = await desk.member(250)
    assert await desk.ask(member) == ""
    assert await desk.balance() == (150, 100)
    reward = await desk.the_one()
    assert (reward.state, reward.points, reward.store) == ("held", 100, "shopify/main")
    (delivery,) = await desk.issuing()
    assert delivery.input["code"] == reward.code
    assert delivery.input["value"] == "5.00"

    await desk.end("sent")
    reward = await desk.the_one()
    assert (reward.state, reward.issued_at) == ("issued", NOON)
    assert await desk.balance() == (150, 0)
    assert await desk.points() == 150


@pytest.mark.parametrize("ending", ["dead", "cancelled"])
async def test_points_come_back_where_the_shop_never_will(desk: RewardDesk, ending: str) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    await desk.end(ending)
    assert (await desk.the_one()).state == "failed"
    assert await desk.balance() == (100, 0)
    # An answer may have been lost on the way: the code nobody was told of is disabled.
    assert [one.capability for one in await desk.issuing()] == ["coupon", "coupon_end"]


async def test_what_failed_cannot_be_sent_again_for_nothing(desk: RewardDesk) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    await desk.end("dead")
    (issue, _) = await desk.issuing()
    async with desk.database.begin() as connection:
        changed = await delivery_lists.decide(
            connection, [issue.id], state="pending", reason="again"
        )
    assert changed == []


async def test_a_resend_before_the_failure_is_booked_keeps_the_points_held(
    desk: RewardDesk,
) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    (issue,) = await desk.issuing()
    dead = deliveries.Outcome(issue, "dead", NOON, NOON, reason="no such customer")
    async with desk.database.begin() as connection:
        await deliveries.finish(connection, [dead])
        await delivery_lists.decide(connection, [issue.id], state="pending", reason="try again")
    await desk.work_off()
    assert (await desk.the_one()).state == "held"
    assert await desk.balance() == (0, 100)
    (issue,) = await desk.issuing()
    await desk.end("dead", of=[issue])
    assert (await desk.the_one()).state == "failed"
    assert await desk.balance() == (100, 0)


async def test_an_unknown_outcome_stays_held_until_a_person_decides(desk: RewardDesk) -> None:
    await desk.offer(item(kind="store_credit"))
    await desk.ask(await desk.member(100))
    await desk.end("unknown")
    assert (await desk.the_one()).state == "held"
    assert await desk.balance() == (0, 100)
    (issue,) = await desk.issuing()
    async with desk.database.begin() as connection:
        await delivery_lists.decide(connection, [issue.id], state="sent", reason="it is there")
        assert await reward_ends.tell_all(connection, now=NOON) == 1
    await desk.work_off()
    assert (await desk.the_one()).state == "issued"
    assert await desk.balance() == (0, 0)


async def test_the_same_request_counts_once(desk: RewardDesk) -> None:
    await desk.offer(item())
    member = await desk.member(500)
    for _ in range(3):
        await desk.ask(member, id="same")
    assert len(await desk.all()) == 1
    assert await desk.balance() == (400, 100)


async def test_two_at_once_with_points_for_one_get_one(desk: RewardDesk) -> None:
    await desk.offer(item(), item("mug", kind="product", product="MUG-1"))
    member = await desk.member(150)
    await desk.accept(desk.request(member, "five-off", "a"), desk.request(member, "mug", "b"))
    await asyncio.gather(*(desk.book("redemptions", limit=1) for _ in range(2)))
    await desk.work_off()
    assert len(await desk.all()) == 1
    assert await desk.balance() == (50, 100)
    rows = await desk.rows("select outcome ->> 'code' as code from inbox where state = 'refused'")
    assert [row.code for row in rows] == ["insufficient_points"]


async def test_the_last_one_goes_to_one_of_two_members_who_ask_at_once(desk: RewardDesk) -> None:
    await desk.offer(item(stock=1))
    ada, bo = await desk.member(100), await desk.member(100, BO)
    await desk.accept(desk.request(ada), desk.request(bo))
    await asyncio.gather(*(desk.book("redemptions", limit=1) for _ in range(2)))
    await desk.work_off()
    assert len(await desk.all()) == 1
    rows = await desk.rows("select outcome ->> 'code' as code from inbox where state = 'refused'")
    assert [row.code for row in rows] == ["sold_out"]


async def test_what_failed_goes_back_on_the_shelf(desk: RewardDesk) -> None:
    await desk.offer(item(stock=1, per_member=1))
    member = await desk.member(100)
    await desk.ask(member)
    await desk.end("dead")
    assert await desk.ask(member, id="again") == ""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"points": 101}, "insufficient_points"),
        ({"is_active": False}, "not_offered"),
        ({"starts": "2026-04-01T00:00:00Z"}, "not_yet"),
        ({"ends": "2026-03-01T00:00:00Z"}, "over"),
        ({"tiers": ["gold"]}, "tier"),
        ({"stock": 0}, "sold_out"),
        ({"kind": "gift_card", "code_prefix": "A", "connection": "woocommerce/x"}, ""),
    ],
)
async def test_a_request_that_does_not_fit_is_refused_and_touches_nothing(
    desk: RewardDesk, changes: dict[str, object], code: str
) -> None:
    await desk.offer(item(**changes))
    assert await desk.ask(await desk.member(100)) == code
    if code:
        assert await desk.all() == []
        assert await desk.balance() == (100, 0)


async def test_once_per_member_is_once(desk: RewardDesk) -> None:
    await desk.offer(item(per_member=1))
    member = await desk.member(500)
    assert await desk.ask(member, id="a") == ""
    assert await desk.ask(member, id="b") == "once"


@pytest.mark.parametrize(
    ("amount", "points"),
    [("10", 200), ("7.33", 147), ("4.99", None), ("50.01", None), (None, None)],
)
async def test_a_chosen_amount_costs_by_the_unit(
    desk: RewardDesk, amount: str | None, points: int | None
) -> None:
    card = {"kind": "gift_card", "points": None, "value": None, "points_per_unit": 20}
    await desk.offer(item(**card, least_amount="5", most_amount="50"))
    member = await desk.member(5000)
    code = await desk.ask(member, amount=Decimal(amount) if amount else None)
    if points is None:
        assert code == "amount"
        return
    reward = await desk.the_one()
    assert (reward.points, reward.value) == (points, Decimal(str(amount)))
    (delivery,) = await desk.issuing()
    assert Decimal(delivery.input["amount"]) == Decimal(str(amount))


async def test_it_is_good_through_the_whole_of_its_last_day(desk: RewardDesk) -> None:
    desk.programme = desk.programme.model_copy(update={"zone": "Europe/Berlin"})
    await desk.offer(item(valid_days=30))
    await desk.ask(await desk.member(100))
    expires_at = (await desk.the_one()).expires_at
    # The clocks go forward on 29 March 2026; the last day is 1 April.
    assert expires_at is not None
    assert expires_at.isoformat() == "2026-04-01T22:00:00+00:00"
    assert expires_at - NOON > timedelta(days=30)


async def test_a_changed_item_leaves_what_was_asked_for_as_it_was(desk: RewardDesk) -> None:
    await desk.offer(item(returns_on_expiry=True))
    await desk.ask(await desk.member(100))
    await desk.offer(item(points=900, returns_on_expiry=False), seen=1)
    reward = await desk.the_one()
    assert (reward.points, reward.item_version, reward.terms.returns_on_expiry) == (100, 1, True)

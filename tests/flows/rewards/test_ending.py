"""Used, expired, voided, merged, forgotten: what becomes of a reward, once and in any order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty import reward_events
from loyalty.events import Event
from loyalty.store import deliveries, reward_ends
from loyalty.store.connections import StoredConnection
from loyalty.store.rewards import Reward
from rules import RuleSet
from tests.flows.booking.accounts import BO, PLAIN, balance, check, erased, merged
from tests.flows.booking.desk import cancelled, edited, paid, refunded
from tests.flows.rewards.shelf import SHELF_ROUTES, RewardDesk, item, programme

LATER = timedelta(days=40)
THREE_POINTS = {"points": "3", "flat": True}
RETURNING = {"return_on": "full_refund", "grace_days": 10}


async def issued(desk: RewardDesk, points: int = 100, **changes: object) -> Reward:
    """A reward that Ada has, with her other points."""
    await desk.offer(item(**changes))
    await desk.ask(await desk.member(points))
    await desk.end("sent")
    return await desk.the_one()


def void(reward: Reward, desk: RewardDesk, *, gives_back: bool = True) -> Event:
    return reward_events.voided(
        reward, by="anna", reason="a mistake", gives_back=gives_back, now=desk.now
    )


async def expire(desk: RewardDesk) -> int:
    async with desk.database.begin() as connection:
        found = await reward_ends.expire(connection, now=desk.now)
    await desk.work_off()
    return found


# --- used ----------------------------------------------------------------------------------------


async def test_an_order_with_the_code_marks_it_used(desk: RewardDesk) -> None:
    reward = await issued(desk)
    await desk.take(paid("20.00", id="77", codes=[f" {reward.code.lower()} ", "OTHER"]))
    reward = await desk.the_one()
    assert (reward.state, reward.used_on) == ("used", "shopify/main:77")
    rows = await desk.rows("select used_on from redemptions")
    assert [row.used_on for row in rows] == ["shopify/main:77"]


async def test_the_same_code_at_another_shop_means_nothing(desk: RewardDesk) -> None:
    reward = await issued(desk)
    await desk.take(paid("20.00", id="77", codes=[reward.code], store="woocommerce/main"))
    assert (await desk.the_one()).state == "issued"


async def test_a_shop_that_was_connected_only_afterwards_is_remembered(desk: RewardDesk) -> None:
    desk.programme, routes = programme(routes={}), desk.programme.routes
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    reward = await desk.the_one()
    assert (reward.state, reward.store) == ("held", "")
    desk.programme = programme(routes=routes)
    async with desk.database.begin() as connection:
        await deliveries.assign(
            connection, "coupon", connector="shopify", name="main", action="issue_coupon"
        )
    await desk.end("sent")
    assert (await desk.the_one()).store == "shopify/main"
    await desk.take(paid("20.00", id="77", codes=[reward.code]))
    assert (await desk.the_one()).state == "used"


async def test_a_trial_order_uses_nothing(desk: RewardDesk) -> None:
    reward = await issued(desk)
    await desk.take(paid("20.00", id="77", codes=[reward.code], is_test=True))
    assert (await desk.the_one()).state == "issued"


async def test_an_order_that_came_before_the_shops_answer_proves_that_it_is_there(
    desk: RewardDesk,
) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    reward = await desk.the_one()
    await desk.take(paid("20.00", id="77", codes=[reward.code]))
    assert (await desk.the_one()).state == "used"
    assert (await desk.balance()) == (20, 0)
    await desk.end("sent")
    assert (await desk.the_one()).state == "used"
    assert await desk.balance() == (20, 0)


@pytest.mark.parametrize("is_late", [False, True], ids=["in order", "news of the code last"])
async def test_a_full_refund_gives_the_points_back_once(desk: RewardDesk, is_late: bool) -> None:
    desk.programme = programme(rewards=RETURNING)
    reward = await issued(desk)
    await desk.accept(paid("20.00", id="77", codes=[reward.code]))
    await desk.book("orders")
    if not is_late:
        await desk.work_off()
    await desk.accept(refunded("r1", order="77", full=True))
    await desk.book("refunds")
    await desk.work_off()
    await desk.take(cancelled("77"))
    assert await desk.balance() == (100, 0)
    reward = await desk.the_one()
    assert (reward.state, reward.is_returned) == ("used", True)


async def test_a_part_refund_gives_nothing_back(desk: RewardDesk) -> None:
    desk.programme = programme(rewards=RETURNING)
    reward = await issued(desk)
    await desk.take(paid("20.00", id="77", codes=[reward.code]), refunded("r1", "5", order="77"))
    assert await desk.balance() == (15, 0)


async def test_a_code_told_by_an_edit_counts_once(desk: RewardDesk) -> None:
    reward = await issued(desk)
    await desk.take(
        paid("20.00", id="77"),
        edited("20.00", 1, id="77", codes=[reward.code]),
        edited("20.00", 2, id="77", codes=[reward.code]),
    )
    assert (await desk.the_one()).used_on == "shopify/main:77"
    assert len(await desk.rows("select 1 from inbox where type = 'reward.used'")) == 1


async def test_a_person_can_say_that_it_was_handed_out(desk: RewardDesk) -> None:
    reward = await issued(desk, kind="product", product="MUG-1")
    for _ in range(2):
        await desk.take(reward_events.handed_out(reward, by="bo", now=desk.now))
    assert (await desk.the_one()).state == "used"


# --- expired -------------------------------------------------------------------------------------


async def test_it_is_expired_at_its_instant_whether_or_not_a_job_has_run(desk: RewardDesk) -> None:
    reward = await issued(desk)
    assert reward.expires_at is not None
    assert reward.state_at(reward.expires_at - timedelta(microseconds=1)) == "issued"
    assert reward.state_at(reward.expires_at) == "expired"


@pytest.mark.parametrize(("gives_back", "points"), [(True, 100), (False, 0)])
async def test_an_unused_one_gives_back_what_the_catalogue_says(
    desk: RewardDesk, gives_back: bool, points: int
) -> None:
    await issued(desk, returns_on_expiry=gives_back)
    assert await expire(desk) == 0
    desk.now += LATER
    assert await expire(desk) == 1
    assert await expire(desk) == 0
    reward = await desk.the_one()
    assert (reward.state, reward.is_returned) == ("expired", gives_back)
    assert await desk.balance() == (points, 0)


async def test_an_order_made_in_time_and_told_late_still_counts(desk: RewardDesk) -> None:
    reward = await issued(desk)
    desk.now += LATER
    await expire(desk)
    await desk.take(paid("20.00", id="77", codes=[reward.code]))
    assert (await desk.the_one()).state == "used"


async def test_a_use_after_the_points_went_back_is_told_to_a_person(desk: RewardDesk) -> None:
    reward = await issued(desk, returns_on_expiry=True)
    desk.now += LATER
    await expire(desk)
    await desk.take(paid("20.00", id="77", codes=[reward.code]))
    reward = await desk.the_one()
    assert (reward.state, reward.used_on) == ("expired", "shopify/main:77")
    rows = await desk.rows("select outcome -> 'alerts' as a from inbox where type = 'reward.used'")
    assert [row.a for row in rows] == [["reward_used_after_end"]]


async def test_what_a_rule_awards_for_a_step_is_booked_once(desk: RewardDesk) -> None:
    thanks = {"id": "thanks", "on": ["reward.issued"], "then": [{"award": THREE_POINTS}]}
    await desk.offer(item())
    member = await desk.member(100)
    desk.rules = RuleSet.load([*PLAIN.documents(), thanks])
    await desk.ask(member)
    await desk.end("sent")
    assert await desk.balance() == (3, 0)


# --- voided --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gives_back", "points"), [(True, 100), (False, 0)])
async def test_a_void_disables_the_code_and_gives_back_where_asked(
    desk: RewardDesk, gives_back: bool, points: int
) -> None:
    reward = await issued(desk)
    for _ in range(2):
        await desk.take(void(reward, desk, gives_back=gives_back))
    reward = await desk.the_one()
    assert (reward.state, reward.reason) == ("voided", "voided by anna: a mistake")
    ends = [one for one in await desk.issuing() if one.capability == "coupon_end"]
    assert [one.id for one in ends] == [reward.disable_id]
    assert ends[0].input["code"] == reward.code
    assert ends[0].route == "shopify/main"
    assert await desk.balance() == (points, 0)


async def test_a_void_before_it_is_issued_calls_it_off(desk: RewardDesk) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    reward = await desk.the_one()
    await desk.rows("update deliveries set owner = '', lease_until = null returning id")
    await desk.take(void(reward, desk))
    assert (await desk.the_one()).state == "voided"
    assert [(d.capability, d.state) for d in await desk.issuing()] == [("coupon", "cancelled")]
    assert await desk.balance() == (100, 0)


@pytest.mark.parametrize(("ending", "ends"), [("sent", 1), ("dead", 1)])
async def test_a_void_while_it_is_on_its_way_waits_for_the_end(
    desk: RewardDesk, ending: str, ends: int
) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    await desk.take(void(await desk.the_one(), desk))
    assert (await desk.the_one()).state == "held"
    await desk.end(ending)
    assert (await desk.the_one()).state == "voided"
    assert await desk.balance() == (100, 0)
    assert len([d for d in await desk.issuing() if d.capability == "coupon_end"]) == ends


async def test_a_void_of_what_was_used_changes_nothing(desk: RewardDesk) -> None:
    reward = await issued(desk)
    await desk.take(paid("20.00", id="77", codes=[reward.code]), void(reward, desk))
    assert (await desk.the_one()).state == "used"
    assert await desk.balance() == (20, 0)


@pytest.mark.parametrize(
    ("kind", "capability"),
    [("gift_card", "gift_card_end"), ("store_credit", "store_credit_end")],
)
async def test_cards_and_credit_are_ended_by_what_the_shop_called_them(
    desk: RewardDesk, kind: str, capability: str
) -> None:
    reward = await issued(desk, kind=kind)
    await desk.take(void(reward, desk))
    kinds = (kind, capability)
    [issue, ending] = [one for one in await desk.issuing() if one.capability in kinds]
    assert (ending.capability, ending.route, ending.state) == (
        capability, "shopify/main", "pending",
    )  # fmt: skip
    assert ending.input["issued_id"] == "v1"
    known = {"code": reward.code, "issued_by": issue.key}
    if kind == "store_credit":
        known = {"email": "ada@example.com", "amount": "5.00", "currency": "EUR"}
    assert known.items() <= ending.input.items()
    assert (await desk.the_one()).disable_id == ending.id


async def test_credit_whose_grant_failed_is_not_taken(desk: RewardDesk) -> None:
    await desk.offer(item(kind="store_credit"))
    await desk.ask(await desk.member(100))
    await desk.take(void(await desk.the_one(), desk))
    await desk.end("dead")
    assert (await desk.the_one()).state == "voided"
    assert [one.capability for one in await desk.issuing()] == ["store_credit"]
    assert await desk.balance() == (100, 0)


@pytest.mark.parametrize(("kind", "shop"), [("discount", "wix/main"), ("store_credit", "")])
async def test_what_no_shop_can_end_is_told_to_a_person(
    desk: RewardDesk, kind: str, shop: str
) -> None:
    wix = StoredConnection("wix", "main", "active", "", b"x", "f")
    desk.directory.connections["wix/main"] = wix  # type: ignore[index]
    desk.programme = programme(routes={**SHELF_ROUTES, "coupon": ("wix/main",)})
    reward = await issued(desk, kind=kind)
    if not shop:
        # Its delivery says nothing any more, as after a person was forgotten.
        await desk.rows(
            "update deliveries set input = '{}' where id = :id returning 1", id=reward.delivery_id
        )
    await desk.take(void(reward, desk))
    rows = await desk.rows(
        "select outcome -> 'alerts' as a from inbox where type = 'reward.voided'"
    )
    assert [row.a for row in rows] == [["reward_code_still_in_shop"]]


# --- people --------------------------------------------------------------------------------------


async def test_rewards_move_with_the_account_and_are_settled_there(desk: RewardDesk) -> None:
    await desk.offer(item())
    bo = await desk.member(100, BO)
    ada = await desk.member(50)
    await desk.ask(bo)
    await desk.take(merged())
    await desk.end("sent")
    reward = await desk.the_one()
    assert (reward.state, reward.member_id, reward.origin_id) == ("issued", ada, bo)
    await desk.take(void(reward, desk))
    await check(desk)
    assert await balance(desk) == (150, 0, 0)


async def test_a_forgotten_person_is_in_no_reward(desk: RewardDesk) -> None:
    reward = await issued(desk)
    await desk.take(erased())
    reward = await desk.the_one()
    assert (reward.code, reward.reason, reward.void) == ("", "", None)
    desk.now += LATER
    await expire(desk)
    await desk.check_books()

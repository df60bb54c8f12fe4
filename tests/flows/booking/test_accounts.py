"""Two accounts that become one, one that becomes two again, and whose points are whose."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.booking.accounts import (
    BO,
    DAY,
    PLAIN,
    RULES,
    adjusted,
    balance,
    ending,
    held,
    merged,
    programme,
    released,
    spent,
)
from tests.flows.booking.desk import ADA, NOON, Desk, paid, refunded, signed_up

UNMERGED = "member.unmerged"


@pytest.fixture
async def pair(desk: Desk) -> Desk:
    """Ada and Bo signed up for 100 points each, and bought for 30 and 50."""
    desk.rules = RULES
    await desk.take(signed_up(ADA), signed_up(BO))
    await desk.take(paid("30.00"), paid("50.00", id="1002", customer=BO))
    return desk


async def lots(desk: Desk) -> list[tuple[int, Any]]:
    """(remaining, expires_at) of open lots, soonest first."""
    rows = await desk.rows(
        "select remaining, expires_at from lots where remaining > 0 order by expires_at"
    )
    return [tuple(row) for row in rows]


async def test_lots_keep_their_dates_and_old_names_follow(desk: Desk) -> None:
    desk.rules = PLAIN
    desk.programme = programme(pending_days=7, expiry={"mode": "days", "n": 60})
    for day, amount, order, whom in ((0, "120.00", "1", ADA), (9, "80.00", "2", BO),
                                     (17, "50.00", "3", ADA)):  # fmt: skip
        desk.now = NOON + day * DAY
        await desk.take(paid(amount, id=order, customer=whom, at=desk.now))
    before = await lots(desk)
    desk.now = NOON + 19 * DAY
    again = merged(key="again", at=desk.now)
    await desk.take(merged(at=desk.now), again)
    assert await balance(desk) == (200, 50, 0)
    assert await lots(desk) == before
    assert await ending(desk, again) == ("done", "already_merged")
    await desk.take(paid("10.00", id="4", customer=BO, at=desk.now))
    await desk.take(spent("q1", 130, customer=BO, at=desk.now))
    assert await balance(desk) == (70, 60, 0)
    await desk.take(refunded("r1", order="2", full=True))
    assert await balance(desk) == (-10, 60, 0)


async def test_debts_are_paid_by_what_the_other_account_has(desk: Desk) -> None:
    desk.rules, desk.programme = PLAIN, programme(adjust={"negative": "allow"})
    await desk.take(paid("30.00"), paid("50.00", id="1002", customer=BO))
    await desk.take(adjusted("a1", -80, customer=BO))
    await desk.take(merged())
    assert await balance(desk) == (0, 0, 0)


async def test_a_person_is_welcomed_once_and_unmerging_gives_everything_back(pair: Desk) -> None:
    assert (await balance(pair), await balance(pair, BO["email"])) == ((130, 0, 0), (150, 0, 0))
    await pair.take(merged())
    assert await balance(pair) == (180, 0, 0)
    await pair.take(paid("5.00", id="1003", customer=BO))
    assert await balance(pair) == (185, 0, 0)
    await pair.take(merged(kind=UNMERGED))
    assert (await balance(pair), await balance(pair, BO["email"])) == ((130, 0, 0), (155, 0, 0))
    await pair.take(paid("1.00", id="1004", customer=BO))
    assert (await balance(pair), await balance(pair, BO["email"])) == ((130, 0, 0), (156, 0, 0))
    rows = await pair.rows(
        "select orders_count, lifetime_spend, lifetime_points, state from members order by id"
    )
    assert [tuple(row) for row in rows] == [(1, 30, 130, "enrolled"), (3, 56, 156, "enrolled")]


async def test_a_refund_after_the_unmerging_takes_from_the_right_account(pair: Desk) -> None:
    await pair.take(merged(), paid("5.00", id="1003", customer=BO))
    await pair.take(merged(kind=UNMERGED), refunded("r1", order="1003", full=True))
    await pair.take(refunded("r2", order="1002", full=True))
    assert (await balance(pair), await balance(pair, BO["email"])) == ((130, 0, 0), (100, 0, 0))


async def test_merging_again_after_unmerging_works(pair: Desk) -> None:
    await pair.take(merged(), merged(kind=UNMERGED), merged(key="second"))
    assert await balance(pair) == (180, 0, 0)
    await pair.take(merged(kind=UNMERGED, key="second"))
    assert (await balance(pair), await balance(pair, BO["email"])) == ((130, 0, 0), (150, 0, 0))


@pytest.mark.parametrize("how", ["spent", "held", "owed"])
async def test_a_merge_stands_once_points_were_used_since(pair: Desk, how: str) -> None:
    pair.programme = programme(adjust={"negative": "allow"})
    uses = {
        "spent": [spent("q1", 10)],
        "held": [held("h1", 10)],
        "owed": [adjusted("a1", -170, customer=BO)],
    }
    await pair.take(merged(), *uses[how])
    parting = merged(kind=UNMERGED)
    await pair.take(parting)
    assert await ending(pair, parting) == ("refused", "spent_since_merge")
    (bo,) = await pair.rows("select state from members where email = :e", e=BO["email"])
    assert bo.state == "merged"


async def test_a_hold_of_the_source_goes_on_after_the_merge(pair: Desk) -> None:
    await pair.take(held("h1", 40, customer=BO), merged())
    assert await balance(pair) == (140, 0, 40)
    await pair.take(released("h1"))
    assert await balance(pair) == (180, 0, 0)


async def test_chains_are_followed_and_come_apart_link_by_link(pair: Desk) -> None:
    cleo = {"id": "c3", "email": "cleo@example.com"}
    await pair.take(signed_up(cleo))
    await pair.take(merged(cleo, BO, key="1"), merged(BO, ADA, key="2"))
    await pair.take(paid("7.00", id="1005", customer=cleo))
    assert await balance(pair) == (187, 0, 0)
    await pair.take(merged(BO, ADA, kind=UNMERGED, key="2"))
    assert (await balance(pair), await balance(pair, BO["email"])) == ((130, 0, 0), (157, 0, 0))
    await pair.take(merged(cleo, BO, kind=UNMERGED, key="1"))
    assert await balance(pair, BO["email"]) == (150, 0, 0)
    assert await balance(pair, cleo["email"]) == (107, 0, 0)


async def test_a_known_account_takes_the_name_of_an_unknown_one(pair: Desk) -> None:
    stranger = {"id": "c9", "email": "x@example.com"}
    link = merged(stranger)
    await pair.take(link, paid("5.00", id="1009", customer=stranger))
    assert await ending(pair, link) == ("done", "linked")
    assert await balance(pair) == (135, 0, 0)


@pytest.mark.parametrize(
    ("kind", "source", "code"),
    [
        pytest.param(UNMERGED, BO, "not_merged", id="never merged"),
        pytest.param(UNMERGED, {"id": "nobody"}, "unknown_member", id="unknown"),
    ],
)
async def test_what_cannot_be_undone_is_refused(
    pair: Desk, kind: str, source: dict[str, Any], code: str
) -> None:
    one = merged(source, kind=kind)
    await pair.take(one)
    assert await ending(pair, one) == ("refused", code)


async def test_neither_account_known_is_refused(pair: Desk) -> None:
    one = merged({"id": "x"}, {"id": "y"})
    await pair.take(one)
    assert await ending(pair, one) == ("refused", "unknown_member")


async def test_a_merge_lifts_the_tier_and_its_undoing_lowers_it(pair: Desk) -> None:
    levels = [{"name": "bronze", "at": 0}, {"name": "silver", "at": 100}]
    pair.programme = programme(tiers={"metric": "spend", "levels": levels})
    await pair.take(paid("30.00", id="1010"))
    await pair.take(merged())
    assert await tiers(pair) == {"ada@example.com": "silver"}
    await pair.take(merged(kind=UNMERGED))
    assert await tiers(pair) == {"ada@example.com": "bronze", "bo@example.com": "bronze"}


async def tiers(desk: Desk) -> dict[str, str]:
    """Tiers of those who stand for themselves."""
    rows = await desk.rows("select email, tier from members where state = 'enrolled'")
    return {row.email: row.tier for row in rows}


async def test_who_signs_up_again_under_the_other_name_is_not_welcomed_again(pair: Desk) -> None:
    await pair.take(merged())
    again = signed_up({**BO, "id": "77"}, store="woocommerce/main")
    await pair.take(again)
    assert await ending(pair, again) == ("done", "already_member")
    assert await balance(pair) == (180, 0, 0)

"""Sales of people who are no members yet: they wait, and count from the sign-up on."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.store import inbox
from tests.flows.booking.accounts import DAY, PLAIN, balance, ending, programme
from tests.flows.booking.desk import ADA, NOON, Desk, paid, refunded, signed_up


@pytest.mark.parametrize(
    "buyer",
    [
        pytest.param(ADA, id="with an address"),
        pytest.param({"id": "c1"}, id="with the shop's id alone"),
        pytest.param({"card": "k1"}, id="with a card"),
    ],
)
async def test_who_only_buys_is_no_member_where_people_have_to_ask(
    desk: Desk, buyer: dict[str, Any]
) -> None:
    desk.rules, desk.programme = PLAIN, programme(enrols="on_request")
    sale = paid("80.00", customer=buyer)
    await desk.take(sale)
    assert (await desk.state_of(sale))[0] == "parked"
    assert await desk.rows("select 1 from members") == []
    await desk.take(signed_up({**ADA, "card": "k1"}))
    assert await balance(desk) == (80, 0, 0)


async def test_orders_of_long_before_the_sign_up_earn_nothing_and_take_nothing(
    desk: Desk,
) -> None:
    desk.rules, desk.programme = PLAIN, programme(retro_days=30)
    guest = {"email": ADA["email"]}
    old, new = (
        paid("70.00", id="g1", customer=guest),
        paid("100.00", id="g2", customer=guest, at=NOON + 60 * DAY),
    )
    await desk.take(old, new, refunded("r1", "40.00", order="g2"))
    desk.now = NOON + 75 * DAY
    await desk.take(signed_up(ADA, at=desk.now))
    assert await balance(desk) == (60, 0, 0)
    assert await ending(desk, old) == ("done", "too_old")
    await desk.take(refunded("r2", order="g1", full=True))
    assert await balance(desk) == (60, 0, 0)


@pytest.mark.parametrize(
    "lost", ["customer:shopify/main:c1", "card::k1", "contact:ada@example.com"]
)
async def test_what_was_parked_and_missed_the_sign_up_is_found_later(desk: Desk, lost: str) -> None:
    """As after a process that died between the parking and the release."""
    desk.rules = PLAIN
    sale = paid("80.00", customer={"email": "late@example.com"})
    await desk.take(signed_up({**ADA, "card": "k1"}), sale)
    await desk.rows(
        "update inbox set waits_for = :lost where state = 'parked' returning 1", lost=lost
    )
    async with desk.database.begin() as connection:
        assert await inbox.release_ready(connection) == 1

"""A blocked member spends nothing and goes on earning; the block outlasts a merge."""

from __future__ import annotations

from typing import Any

from loyalty.events import Event
from loyalty.programme import Programme
from tests.flows.booking.accounts import merged
from tests.flows.booking.desk import ADA, Desk, event, paid, redeemed, signed_up

BOB: dict[str, Any] = {"id": "c2", "email": "bob@example.com", "first_name": "Bob"}


def _block(key: str, *, customer: dict[str, Any] = ADA, reason: str = "stolen cards") -> Event:
    return event("member.blocked", key, {"customer": customer, "reason": reason, "by": "Ines"})


def _unblock(key: str) -> Event:
    return event("member.unblocked", key, {"customer": ADA, "by": "Ines"})


async def _endings(desk: Desk) -> dict[str, tuple[str, str]]:
    """State and code of every event, by key."""
    async with desk.database.begin() as connection:
        rows = await connection.exec_driver_sql(
            "select key, state, coalesce(outcome ->> 'code', '') as code from inbox"
        )
        return {row.key: (row.state, row.code) for row in rows}


async def test_a_blocked_member_earns_and_spends_nothing_until_let_again(desk: Desk) -> None:
    await desk.take(signed_up(), paid("50.00"), _block("b1"), _block("b2"))
    await desk.take(paid("50.00", id="1002"), redeemed("r1", 10))
    held = {"id": "h1", "points": 10, "customer": ADA}
    await desk.take(event("reward.held", "h1", held))
    endings = await _endings(desk)
    assert endings["b2"] == ("done", "already_blocked")
    assert endings["1002"][0] == "done"
    assert endings["r1"] == ("refused", "member_blocked")
    assert endings["h1"] == ("refused", "member_blocked")
    await desk.take(_unblock("u1"), _unblock("u2"), redeemed("r2", 10))
    endings = await _endings(desk)
    assert endings["u2"] == ("done", "not_blocked")
    assert endings["r2"][0] == "done"


async def test_what_a_till_took_offline_is_booked_all_the_same(desk: Desk) -> None:
    till = {"offline": {"max_points": 100}}
    desk.programme = Programme.model_validate(desk.programme.model_dump() | till)
    offline = {"id": "r1", "points": 10, "customer": ADA, "is_offline": True}
    await desk.take(
        signed_up(), paid("50.00"), _block("b1"), event("reward.redeemed", "r1", offline)
    )
    assert (await _endings(desk))["r1"][0] == "done"


async def test_a_block_needs_a_member_and_a_reason(desk: Desk) -> None:
    await desk.take(signed_up(), _block("b1", reason=" "), _block("b2", customer=BOB))
    endings = await _endings(desk)
    assert endings["b1"] == ("refused", "reason_required")
    assert endings["b2"] == ("refused", "unknown_member")


async def test_joining_accounts_keeps_the_block(desk: Desk) -> None:
    await desk.take(signed_up(), signed_up(BOB), paid("50.00"), _block("b1"))
    await desk.take(merged(ADA, BOB), redeemed("r1", 10, BOB))
    assert (await _endings(desk))["r1"] == ("refused", "member_blocked")

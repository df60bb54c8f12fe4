"""`hub referrals`: what waits for a decision, and deciding."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from loyalty.store import referrals
from loyalty.store.database import Database
from rules import RuleSet
from tests.flows.booking.accounts import BO, programme
from tests.flows.booking.desk import ADA, Desk, event

HOME = {"address": "1 Main St"}
TERMS = {"referrer_points": 500, "reward_on": "sign_up"}


def at_desk(shop: Any, work: Any) -> Any:
    """Does something at a booking desk on the installation's database."""

    async def run() -> Any:
        database = Database(shop.url)
        desk = Desk(
            database,
            programme=programme(referral=TERMS),
            rules=RuleSet.load([]),
            now=datetime.now(UTC),
        )
        try:
            return await work(desk)
        finally:
            await database.aclose()

    return asyncio.run(run())


@pytest.fixture
def held(shop: Any) -> UUID:
    """A friend who lives where Ada lives."""

    async def fill(desk: Desk) -> UUID:
        ada = {**ADA, "traits": HOME}
        await desk.take(event("customer.created", "c1", ada, at=desk.now))
        await desk.take(event("customer.updated", "c1:2", ada, at=desk.now))
        [row] = await desk.rows("select id from members")
        async with desk.database.begin() as connection:
            code = await referrals.code_of(connection, row.id, now=desk.now)
        friend = {**BO, "traits": HOME, "referred_by": code}
        await desk.take(event("customer.created", "c2", friend, at=desk.now))
        [row] = await desk.rows("select friend_id from referrals where state = 'held'")
        return UUID(str(row.friend_id))

    found: UUID = at_desk(shop, fill)
    return found


def test_what_waits_is_listed_and_approved_by_name(hub: Any, shop: Any, held: UUID) -> None:
    [one] = hub("referrals", "list", "--state", "held", "--json").json["referrals"]
    assert (one["friend"], one["reasons"]) == (str(held), ["same address"])
    answer = hub("referrals", "decide", str(held), "--approve", "--json")
    assert answer.json["decision"] == "approved"

    async def book(desk: Desk) -> list[str]:
        await desk.work_off()
        return [row.state for row in await desk.rows("select state from referrals")]

    assert at_desk(shop, book) == ["earned"]
    again = hub("referrals", "decide", str(held), "--refuse")
    assert (again.code, "nothing to decide: earned" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("list", "--state", "unheard"), 2, "there is no state 'unheard'"),
        (("decide", "x", "--approve"), 2, "'x' is no id of a member"),
        (("decide", str(uuid4()), "--refuse"), 1, "nobody recommended this member"),
    ],
)
def test_what_cannot_be_is_told(
    hub: Any, shop: Any, arguments: tuple[str, ...], code: int, says: str
) -> None:
    found = hub("referrals", *arguments)
    assert (found.code, says in found.err) == (code, True), found.err

"""What an invitation promised is paid once: to whoever it was for, or who signs up through it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from flows.campaigns import line_up
from flows.customer_import import take_in
from loyalty.campaigns import CampaignState, claim_event
from loyalty.events import Customer, Erasure, Event, EventType, MemberMerge
from loyalty.invitation_links import invitation_in, join_link
from loyalty.links import LinkInvalid
from tests.flows.campaigns.drive import LINKS, SHOP, Drive, person

MILA = person(1)
OTHER = Customer(email="tom@elsewhere.example", first_name="Tom")


async def _points(drive: Drive, email: str) -> int:
    return await drive.desk.points(email)


async def test_joining_through_the_link_enrols_pays_once_and_is_attributed(drive: Drive) -> None:
    await drive.send(MILA)
    assert await drive.claim("c1", MILA) == ("done", "")
    assert await _points(drive, "c1@shop.example") == 10
    assert await drive.states() == {"c1": "joined"}
    (claim,) = await drive.desk.rows("select * from claims")
    assert (claim.amount, claim.via) == (10, "link")
    (entry,) = await drive.desk.rows("select rule, reason from entries")
    assert entry.rule == "campaign:Spring"
    assert (
        await drive.desk.accept(
            claim_event(await drive.invitation("c1"), at=drive.now, customer=MILA)
        )
        == set()
    ), "the same claim again is no new fact"


async def test_a_forwarded_link_pays_the_first_who_signs_up_through_it_and_nobody_else(
    drive: Drive,
) -> None:
    await drive.send(MILA)
    drive.desk.now += timedelta(hours=1)
    assert await drive.claim("c1", OTHER) == ("done", "")
    assert await drive.claim("c1", MILA) == ("refused", "already_claimed")
    assert await _points(drive, "tom@elsewhere.example") == 10
    assert await _points(drive, "c1@shop.example") == 0


async def test_a_forwarded_link_is_worth_nothing_to_somebody_who_was_a_member(
    drive: Drive,
) -> None:
    await drive.sign_up(Customer(id="t1", email="tom@elsewhere.example"), store="square/main")
    drive.desk.now += timedelta(hours=1)
    await drive.send(MILA)
    assert await drive.claim("c1", OTHER) == ("refused", "member_before")
    assert await drive.claim("c1", MILA) == ("done", ""), "it stays open for whom it was for"


async def test_two_people_at_once_with_one_link_are_paid_once(drive: Drive) -> None:
    await drive.send(MILA)
    invitation = await drive.invitation("c1")
    people = [Customer(email=f"p{number}@elsewhere.example") for number in range(6)]
    for one in people:
        await drive.desk.accept(claim_event(invitation, at=drive.now, customer=one))
    # Six subjects would be six batches; these share the invitation's row.
    await asyncio.gather(*(drive.desk.book("sign-ups", limit=1) for _ in people))
    await drive.desk.work_off()
    rows = await drive.desk.rows("select points from entries")
    assert [row.points for row in rows] == [10]
    assert len(await drive.desk.rows("select 1 from claims")) == 1


async def test_an_invitation_that_is_over_or_was_never_sent_pays_nothing(drive: Drive) -> None:
    await drive.send(MILA, valid_days=30)
    drive.desk.now += timedelta(days=30)
    assert await drive.claim("c1", MILA) == ("refused", "expired")
    await drive.create("Autumn", points=5)
    await drive.bring(person(2))
    await line_up(drive.database, "Autumn", now=drive.now)
    event = claim_event(await drive.invitation("c2", "Autumn"), at=drive.now, customer=person(2))
    assert await drive.take(event) == ("refused", "not_invited")


async def test_a_person_is_paid_for_joining_once_whatever_campaigns_say(drive: Drive) -> None:
    await drive.send(MILA)
    await drive.create("Autumn", points=99)
    await drive.switch(CampaignState.ACTIVE, "Autumn")
    await drive.invite("Autumn")
    assert await drive.claim("c1", MILA) == ("done", "")
    event = claim_event(await drive.invitation("c1", "Autumn"), at=drive.now, customer=MILA)
    assert await drive.take(event) == ("refused", "already_joined")
    assert await _points(drive, "c1@shop.example") == 10


@pytest.mark.parametrize(
    ("store", "customer", "points"),
    [
        pytest.param(SHOP, MILA, 10, id="the customer of the shop who was invited"),
        pytest.param("widget/main", Customer(email="c1@shop.example"), 10, id="at our own door"),
        pytest.param("square/main", person("x", email="c1@shop.example"), 0, id="unproven address"),
        pytest.param(SHOP, person(5), 0, id="somebody else"),
    ],
)
async def test_signing_up_without_the_link_pays_where_the_address_is_proven(
    drive: Drive, store: str, customer: Customer, points: int
) -> None:
    await drive.send(MILA)
    drive.desk.now += timedelta(hours=1)
    await drive.sign_up(customer, store=store)
    assert await _points(drive, customer.email or "") == points
    claims = await drive.desk.rows("select via from claims")
    assert [row.via for row in claims] == (["address"] if points else [])


async def test_whoever_joins_before_the_message_goes_is_not_invited(drive: Drive) -> None:
    await drive.create()
    await drive.bring(MILA, person(2))
    await line_up(drive.database, "Spring", now=drive.now)
    await drive.sign_up(MILA)
    assert await drive.waiting() == 1
    await drive.switch(CampaignState.ACTIVE)
    await drive.invite()
    assert await drive.states() == {"c1": "joined", "c2": "invited"}
    assert await _points(drive, "c1@shop.example") == 0, "nothing was promised"


@pytest.mark.parametrize("where", ["front", "middle", "end"])
def test_a_link_that_was_altered_names_nothing(where: str) -> None:
    invitation = uuid4()
    token = join_link(LINKS, invitation).rpartition("/")[2]
    assert invitation_in(LINKS, token) == invitation
    place = {"front": 0, "middle": len(token) // 2, "end": len(token) - 1}[where]
    other = "A" if token[place] != "A" else "B"
    with pytest.raises(LinkInvalid):
        invitation_in(LINKS, token[:place] + other + token[place + 1 :])


async def test_somebody_who_asks_to_be_forgotten_vanishes_and_stays_uninvited(
    drive: Drive,
) -> None:
    await drive.send(MILA, person(2))
    erasure = Event(
        type=EventType.MEMBER_ERASED,
        store=SHOP,
        key="e1",
        time=drive.now,
        subject="x",
        data=Erasure(customer=Customer(id="c1", email="c1@shop.example")),
    )
    await drive.desk.take(erasure)
    rows = await drive.desk.rows("select * from shop_customers where customer_id = 'c1'")
    assert (rows[0].email, rows[0].first_name, rows[0].is_forgotten) == (None, "", True)
    addresses = await drive.desk.rows("select address from invitations order by address")
    assert [row.address for row in addresses] == ["", "c2@shop.example"]
    async with drive.database.begin() as connection:
        await take_in(connection, SHOP, [MILA], now=drive.now)
    await drive.create("Again", points=1)
    await drive.switch(CampaignState.ACTIVE, "Again")
    await drive.invite("Again")
    targets = await drive.desk.rows("select target from deliveries where target like 'c1%'")
    assert targets == []


async def test_the_one_payment_for_joining_follows_a_merge(drive: Drive) -> None:
    await drive.send(MILA)
    await drive.claim("c1", MILA)
    await drive.sign_up(Customer(id="t1", email="tom@elsewhere.example"), store="square/main")
    merge = Event(
        type=EventType.MEMBER_MERGED,
        store="crm/main",
        key="m1",
        time=drive.now,
        subject="x",
        data=MemberMerge(
            source=Customer(email="c1@shop.example"),
            target=Customer(email="tom@elsewhere.example"),
        ),
    )
    await drive.desk.take(merge)
    (row,) = await drive.desk.rows(
        "select i.value from claims c join identities i on i.member_id = c.member_id"
        " where i.value like 'tom%'"
    )
    assert row.value == "tom@elsewhere.example"

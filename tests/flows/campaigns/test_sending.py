"""Everybody in the line gets one invitation or a reason why not, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from flows.campaigns import CHUNK, Sent, invite_next, line_up
from loyalty.campaigns import CampaignState
from loyalty.events import Channel, ConsentState
from loyalty.store import campaigns, invitations, shop_customers
from loyalty.store.campaign_preview import preview_invitation
from tests.flows.campaigns.drive import LINKS, NAME, SHOP, Drive, person

MANY = CHUNK * 3 + 7


async def _targets(drive: Drive) -> Counter[str]:
    rows = await drive.desk.rows("select target from deliveries where campaign <> ''")
    return Counter(row.target for row in rows)


async def test_everybody_is_invited_once_with_a_promise_that_stays(drive: Drive) -> None:
    sent = await drive.send(person(1), person(2), points=10)
    assert (sent.invited, sent.total) == (2, 2)
    async with drive.database.begin() as connection:
        await campaigns.change(connection, NAME, {"points": 5}, by="kim", now=drive.now)
    await drive.bring(person(1), person(3))
    assert (await drive.invite()).invited == 1
    rows = await drive.desk.rows(
        "select i.amount, d.input ->> 'text' as text, d.owner from invitations i"
        " join deliveries d on d.id = i.delivery_id order by d.target"
    )
    assert [row.amount for row in rows] == [10, 10, 5]
    assert "https://hub.example/j/" in rows[0].text
    assert {row.owner for row in rows} == {""}, "the ordinary sender takes them up"
    assert set((await _targets(drive)).values()) == {1}


async def test_a_campaign_that_is_killed_twice_invites_everybody_once(drive: Drive) -> None:
    await drive.create()
    await drive.bring(*(person(number) for number in range(MANY)))
    await drive.switch(CampaignState.ACTIVE)
    await line_up(drive.database, NAME, now=drive.now)
    for _ in range(2):
        # The process dies with the chunk planned and not committed.
        with pytest.raises(RuntimeError, match="killed"):
            await _die_before_the_commit(drive)
        # And another one just after a commit.
        async with drive.database.begin() as connection:
            assert await invite_next(connection, NAME, terms=drive.desk.terms(), links=LINKS)
    await drive.invite()
    targets = await _targets(drive)
    assert (len(targets), set(targets.values())) == (MANY, {1})
    assert set((await drive.states()).values()) == {"invited"}


async def _die_before_the_commit(drive: Drive) -> None:
    async with drive.database.begin() as connection:
        assert await invite_next(connection, NAME, terms=drive.desk.terms(), links=LINKS)
        raise RuntimeError("killed")


async def test_two_workers_on_one_campaign_share_it(drive: Drive) -> None:
    await drive.create()
    await drive.bring(*(person(number) for number in range(MANY)))
    await drive.switch(CampaignState.ACTIVE)
    first, second = await asyncio.gather(drive.invite(), drive.invite())
    assert first.invited + second.invited == MANY
    targets = await _targets(drive)
    assert (len(targets), set(targets.values())) == (MANY, {1})


async def test_switched_off_the_rest_waits_and_switched_on_it_goes_on(drive: Drive) -> None:
    await drive.create()
    await drive.bring(*(person(number) for number in range(CHUNK + 5)))
    await drive.switch(CampaignState.ACTIVE)

    async def off(sent: Sent) -> None:
        await drive.switch(CampaignState.INACTIVE)

    sent = await drive.invite(progress=off)
    assert (sent.invited, sent.is_active) == (CHUNK, False)
    assert await drive.waiting() == 5
    assert await drive.switch(CampaignState.ACTIVE)
    assert not await drive.switch(CampaignState.ACTIVE), "it is on already"
    assert (await drive.invite()).invited == 5


async def test_who_may_not_be_written_to_is_not_and_the_reason_is_kept(drive: Drive) -> None:
    no = {Channel.EMAIL: ConsentState.WITHDRAWN}
    sent = await drive.send(
        person(1),
        person(2, consents={}),
        person(3, consents=no),
        person(4, email=None, phone="+4915123456789"),
    )
    assert (sent.invited, sent.refused) == (1, 1)
    assert await drive.states() == {"c1": "invited", "c2": "refused"}
    (reason,) = sent.reasons
    assert reason.startswith("no_consent")
    async with drive.database.begin() as connection:
        reach = await shop_customers.reach(connection, SHOP, "email")
    assert (reach.customers, reach.unreachable, reach.opted_out) == (4, 1, 1)


async def test_who_opts_out_while_waiting_is_not_invited(drive: Drive) -> None:
    await drive.create()
    await drive.bring(person(1), person(2))
    await line_up(drive.database, NAME, now=drive.now)
    assert await drive.waiting() == 2
    drive.desk.now += timedelta(hours=1)
    await drive.bring(person(2, consents={Channel.EMAIL: ConsentState.WITHDRAWN}))
    assert await drive.waiting() == 1
    await drive.switch(CampaignState.ACTIVE)
    sent = await drive.invite()
    assert (sent.invited, sent.opted_out) == (1, 1)
    assert await drive.states() == {"c1": "invited", "c2": "opted_out"}


async def test_a_person_who_is_a_customer_of_two_shops_is_invited_once(drive: Drive) -> None:
    await drive.create()
    await drive.bring(person(1))
    await drive.bring(person(1, id="w77"), store="woocommerce/main")
    await drive.switch(CampaignState.ACTIVE)
    assert (await drive.invite()).invited == 1
    async with drive.database.begin() as connection:
        assert (await shop_customers.reach(connection, "", "email")).invitable == 1


async def test_members_are_not_invited_by_whatever_key_they_are_known(drive: Drive) -> None:
    await drive.sign_up(person(1))
    await drive.sign_up(person(9, id="other", email="c2@shop.example"), store="square/main")
    await drive.sign_up(person(8, email="x@shop.example", phone="+4915123456789"))
    sent = await drive.send(
        person(1, email="new@shop.example"), person(2), person(3, phone="+4915123456789"), person(4)
    )
    assert (sent.invited, sent.total) == (1, 1)
    assert await drive.states() == {"c4": "invited"}


async def test_a_preview_says_what_would_be_sent_and_plans_nothing(drive: Drive) -> None:
    await drive.create(points=1250, channel="sms", template="invitation", shop_name="Tea House")
    yes = {Channel.SMS: ConsentState.GRANTED}
    mila = person(1, phone="+4915123456789", locale="de-AT", zone="Europe/Vienna", consents=yes)
    await drive.bring(mila, person(2, phone="+4915123456780", consents={}))
    async with drive.database.begin() as connection:
        campaign = await campaigns.find(connection, NAME)
        found = [
            await preview_invitation(
                connection,
                campaign.plan,
                customer,
                programme=drive.desk.programme,
                texts=drive.desk.texts,
                links=LINKS,
                now=drive.now,
            )
            for one in ("c1", "c2")
            if (customer := await shop_customers.find(connection, SHOP, one))
        ]
    first, second = found
    assert "Tea House" in first.message.text
    assert "1.250" in first.message.text, "the amount in the customer's language"
    assert first.message.segments >= 1
    assert first.verdict.startswith("would be sent at 2026-03-02")
    assert not second.may_go
    assert "no consent" in second.verdict
    assert await drive.desk.rows("select 1 from deliveries") == []


async def test_a_whole_shop_is_lined_up_in_one_statement_and_once(drive: Drive) -> None:
    campaign = await drive.create()
    count = 20_000
    async with drive.database.begin() as connection:
        await connection.execute(
            text("""
                insert into shop_customers (id, store, customer_id, email, imported_at, updated_at)
                select gen_random_uuid(), 'shopify/main', n::text, n || '@shop.example', :now, :now
                from generate_series(1, :count) n
            """),
            {"now": drive.now, "count": count},
        )
        assert await invitations.line_up(connection, campaign, now=drive.now) == count
        assert await invitations.line_up(connection, campaign, now=drive.now) == 0
        assert await invitations.waiting(connection, campaign) == count

"""The page behind the link of an invitation: opening it joins nobody, one press does, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from flows.campaigns import line_up, work_off
from flows.customer_import import take_in
from flows.terms import Terms
from gateway import outcomes
from gateway.widget.sessions import Person, Sessions
from loyalty.campaigns import CampaignPlan, CampaignState
from loyalty.events import Channel, ConsentState, Customer, Event, EventType
from loyalty.invitation_links import join_link
from loyalty.links import Links
from loyalty.programme import Programme
from loyalty.store import campaigns, rulebook
from rules import RuleSet
from tests.flows.booking.desk import FLAT, NOON, Desk
from tests.gateway.conftest import PUBLIC, Running

SHOP = "shopify/main"
MILA = Customer(
    id="c1",
    email="mila@shop.example",
    first_name="Mila",
    locale="de",
    consents={Channel.EMAIL: ConsentState.GRANTED},
)
SITE = {"id": "tea", "name": "Tea House", "origins": ["https://tea.example"], "connection": SHOP}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody books while the page waits."""
    monkeypatch.setattr(outcomes, "PAUSES", (0.001,))


@pytest_asyncio.fixture
async def desk(hub: Running) -> Desk:
    """Books what the page put into the inbox."""
    # The clock stands still so that it can be set forward.
    hub.clock.fixed = NOON
    found = Desk(hub.database, programme=FLAT, rules=RuleSet.load([]), now=NOON)
    await _save(hub, found.programme)
    return found


async def _save(hub: Running, programme: Programme) -> None:
    async with hub.database.begin() as connection:
        await rulebook.save_programme(connection, programme, now=hub.clock())


async def _invite(hub: Running, desk: Desk, **plan: Any) -> str:
    """Sends Mila's invitation; the path of its link."""

    async def terms() -> Terms:
        return desk.terms()

    links = Links(hub.vault.derived("links"), PUBLIC)
    async with hub.database.begin() as connection:
        made = CampaignPlan.model_validate({"name": "Spring", "points": 50, **plan})
        await campaigns.create(connection, made, by="kim", now=desk.now)
        await take_in(connection, SHOP, [MILA], now=desk.now)
        await campaigns.switch(connection, "Spring", CampaignState.ACTIVE, by="kim", now=desk.now)
    await line_up(hub.database, "Spring", now=desk.now)
    await work_off(hub.database, "Spring", terms=terms, links=links)
    (row,) = await hub.rows("select id from invitations")
    return join_link(links, row.id).removeprefix(PUBLIC)


async def _press(
    hub: Running, path: str, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    return await hub.client.post(path, data={"join": "yes"}, headers=headers)


async def _claims(hub: Running) -> list[Any]:
    return await hub.rows("select * from claims")


async def test_a_scanner_that_opens_every_link_joins_nobody(hub: Running, desk: Desk) -> None:
    path = await _invite(hub, desk)
    for _ in range(5):
        page = await hub.client.get(path)
    assert page.status_code == 200
    assert "Hallo Mila" in page.text, "in the customer's language"
    assert ">50<" in page.text or "50 Punkte" in page.text
    assert await hub.rows("select 1 from inbox") == []
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_one_press_enrols_and_pays_once(hub: Running, desk: Desk) -> None:
    path = await _invite(hub, desk)
    assert (await _press(hub, path)).status_code == 200
    assert (await _press(hub, path)).status_code == 200, "a double press is one claim"
    await desk.work_off()
    assert await desk.points("mila@shop.example") == 50
    assert len(await hub.rows("select 1 from inbox")) == 1
    hub.clock.fixed = NOON + timedelta(minutes=5)
    again = await hub.client.get(path)
    assert again.status_code == 410
    assert (await _press(hub, path)).status_code == 410


async def test_a_form_without_the_button_joins_nobody(hub: Running, desk: Desk) -> None:
    path = await _invite(hub, desk)
    answer = await hub.client.post(path, data={"something": "else"})
    assert answer.status_code == 400
    assert await hub.rows("select 1 from inbox") == []


@pytest.mark.parametrize("place", [4, 20, -1])
async def test_a_link_altered_by_one_character_is_refused_kindly(
    hub: Running, desk: Desk, place: int
) -> None:
    path = await _invite(hub, desk)
    other = "A" if path[place] != "A" else "B"
    altered = path[:place] + other + (path[place + 1 :] if place != -1 else "")
    for answer in (await hub.client.get(altered), await _press(hub, altered)):
        assert answer.status_code == 404
        assert "not complete" in answer.text


async def test_an_expired_link_is_refused_kindly(hub: Running, desk: Desk) -> None:
    path = await _invite(hub, desk, valid_days=30)
    hub.clock.fixed = desk.now + timedelta(days=31)
    assert (await hub.client.get(path)).status_code == 410
    assert (await _press(hub, path)).status_code == 410


async def test_whoever_is_not_signed_in_goes_to_the_portal_with_the_link(
    hub: Running, desk: Desk
) -> None:
    desk.programme = Programme.model_validate({**FLAT.model_dump(), "sites": [SITE]})
    await _save(hub, desk.programme)
    path = await _invite(hub, desk)
    answer = await _press(hub, path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/portal/tea?carries=%2Fj%2F")
    assert await hub.rows("select 1 from inbox") == []


async def test_a_shop_with_its_own_sign_up_page_is_linked_to(hub: Running, desk: Desk) -> None:
    path = await _invite(hub, desk, join_url="https://tea.example/account?a=1")
    answer = await _press(hub, path)
    assert answer.status_code == 200
    assert 'href="https://tea.example/account?a=1&amp;invitation=' in answer.text


async def _signed_in(hub: Running, person: Person) -> dict[str, str]:
    sessions = Sessions(hub.database, clock=hub.clock, base_url=PUBLIC)
    token = await sessions.begin(person, "tea", lasts=timedelta(hours=1))
    return {"authorization": f"Bearer {token}"}


async def test_a_forwarded_link_is_refused_to_a_member_and_stays_open(
    hub: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tom = Customer(id="t", email="tom@elsewhere.example")
    await desk.take(_created(tom, desk))
    desk.now = hub.clock.fixed = desk.now + timedelta(hours=1)
    path = await _invite(hub, desk)
    headers = await _signed_in(hub, Person(("", "email", tom.email or ""), email=tom.email or ""))
    await _press(hub, path, headers)
    await desk.work_off()
    refused = await _press(hub, path, headers)
    assert refused.status_code == 403
    assert "somebody else" in refused.text
    assert await _claims(hub) == []
    assert (await hub.client.get(path)).status_code == 200


async def test_somebody_who_signs_up_through_it_is_paid_and_sees_it(
    hub: Running, desk: Desk
) -> None:
    path = await _invite(hub, desk)
    address = "tom@elsewhere.example"
    headers = await _signed_in(hub, Person(("", "email", address), email=address))
    await _press(hub, path, headers)
    await desk.work_off()
    assert await desk.points(address) == 50
    page = await hub.client.get(path, headers=headers)
    assert page.status_code == 200
    assert "Willkommen" in page.text
    assert (await hub.client.get(path)).status_code == 410, "for everybody else it is used"


def _created(customer: Customer, desk: Desk) -> Event:
    return Event(
        type=EventType.CUSTOMER_CREATED,
        store="square/main",
        key=str(customer.id),
        time=desk.now,
        subject=f"square/main:customer:{customer.id}",
        data=customer,
    )


def test_an_invitation_is_named_by_its_id_alone() -> None:
    """What stands in the link is nobody's name or address."""
    link = join_link(Links(b"k" * 32, PUBLIC), UUID(int=7))
    assert len(link) < 130, "it fits into one SMS with a sentence beside it"

"""Campaigns at the console: made as a draft, looked at, sent after asking, switched."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from flows.campaigns import line_up, work_off
from flows.customer_import import take_in
from flows.terms import Terms
from loyalty.events import Channel, ConsentState, Customer
from loyalty.links import Links
from loyalty.store import rulebook
from rules import RuleSet
from tests.flows.booking.desk import FLAT, Desk
from tests.gateway.conftest import PUBLIC
from tests.gateway.visitor import Visitor

HOME = "/console/campaigns"
SHOP = "shopify/main"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def customer(number: int, **more: Any) -> Customer:
    """Somebody who agreed to e-mail."""
    known = {"email": f"c{number}@shop.example", "consents": {Channel.EMAIL: ConsentState.GRANTED}}
    return Customer.model_validate(
        {"id": f"c{number}", "first_name": "<b>Zoë</b>", **known, **more}
    )


@pytest_asyncio.fixture
async def desk(visitor: Visitor) -> Desk:
    """Plans what the campaign sends; two customers are imported."""
    database = visitor.running.database
    async with database.begin() as connection:
        await rulebook.save_programme(connection, FLAT, now=NOW)
        await take_in(connection, SHOP, [customer(1), customer(2)], now=NOW)
    return Desk(database, programme=FLAT, rules=RuleSet.load([]), now=NOW)


async def _make(visitor: Visitor, **fields: str) -> str:
    given = {"name": "Spring", "points": "50", "channel": "email", **fields}
    answer = await visitor.post(f"{HOME}/new", given)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def _errands(visitor: Visitor) -> list[Any]:
    return await visitor.running.rows(
        "select deployment, parameters from errands order by asked_at"
    )


async def test_a_new_campaign_is_a_draft_and_nothing_is_sent(visitor: Visitor, desk: Desk) -> None:
    page = await visitor.get(await _make(visitor, shop=SHOP))
    assert "draft" in page.text
    assert re.search(r"Can be invited</dt><dd>2 of 2", page.text)
    assert await _errands(visitor) == []
    twice = await visitor.post(f"{HOME}/new", {"name": "Spring", "points": "1"})
    assert twice.status_code == 422
    assert "choose another name" in twice.text
    bad = await visitor.post(f"{HOME}/new", {"name": "Other", "points": "many"})
    assert bad.status_code == 422


async def test_sending_asks_first_with_the_number(visitor: Visitor, desk: Desk) -> None:
    here = await _make(visitor)
    asked = await visitor.post(f"{here}/on", {})
    assert "Send 2 invitations?" in asked.text
    assert await _errands(visitor) == []
    said = await visitor.said(await visitor.post(f"{here}/on", {"confirmed": "yes"}))
    assert "on their way" in said
    (errand,) = await _errands(visitor)
    assert (errand.deployment, errand.parameters["mode"]) == ("invite-customers", "send")


async def test_switched_off_new_customers_wait_and_are_counted(
    visitor: Visitor, desk: Desk
) -> None:
    here = await _make(visitor)
    await visitor.post(f"{here}/on", {"confirmed": "yes"})
    await _work_off(visitor, desk)
    await visitor.post(f"{here}/off", {})
    async with visitor.running.database.begin() as connection:
        await take_in(connection, SHOP, [customer(3)], now=NOW)
    await line_up(visitor.running.database, "Spring", now=NOW)
    assert "1 is waiting for their invitation" in (await visitor.get(HOME)).text
    page = (await visitor.get(here)).text
    assert "1 is waiting for their invitation" in page
    assert "c1@shop.example" in page, "per person"
    assert "Send 1 invitation?" in (await visitor.post(f"{here}/on", {})).text


async def _work_off(visitor: Visitor, desk: Desk) -> None:
    async def terms() -> Terms:
        return desk.terms()

    links = Links(visitor.running.vault.derived("links"), PUBLIC)
    await line_up(visitor.running.database, "Spring", now=NOW)
    await work_off(visitor.running.database, "Spring", terms=terms, links=links)


async def test_a_preview_is_for_a_customer_and_says_when(visitor: Visitor, desk: Desk) -> None:
    here = await _make(visitor, shop=SHOP)
    page = await visitor.get(f"{here}/preview?customer=c1&locale=de")
    assert "would be sent at" in page.text
    assert "50 Punkte" in page.text
    mail = await visitor.get(f"{here}/preview/mail?customer=c1")
    assert "&lt;b&gt;Zo" in mail.text, "a name is text and never HTML"
    assert "sandbox" in mail.headers["content-security-policy"]
    unknown = await visitor.get(f"{here}/preview?customer=nobody")
    assert "was not imported" in unknown.text
    missing = await visitor.get(f"{HOME}/00000000-0000-7000-8000-000000000000/preview")
    assert missing.status_code == 404


async def test_an_import_is_asked_for_and_points_change_for_later(
    visitor: Visitor, desk: Desk
) -> None:
    here = await _make(visitor)
    await visitor.post(f"{here}/import", {})
    (errand,) = await _errands(visitor)
    assert errand.parameters == {"campaign": "Spring", "mode": "import"}
    said = await visitor.said(await visitor.post(f"{here}/points", {"points": "5"}))
    assert "from now on" in said
    rows = await visitor.running.rows("select points from campaigns")
    assert [row.points for row in rows] == [5]

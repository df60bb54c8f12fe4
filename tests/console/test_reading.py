"""What the console shows of consents, verdicts and the log, and what people decide there."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from loyalty.events import ConsentState
from loyalty.store import people
from tests.console.conftest import BusyDesk
from tests.flows.booking.desk import ADA, signed_up, texted
from tests.gateway.visitor import Visitor


async def _address(visitor: Visitor) -> str:
    page = await visitor.get(f"/console/members?q={ADA['email']}")
    found = re.search(r'href="(/console/members/[0-9a-f-]{36})"', page.text)
    assert found, page.text
    return found[1]


async def test_a_member_shows_consents_and_what_the_gate_said_of_each_message(
    visitor: Visitor, desk: BusyDesk
) -> None:
    await desk.take(signed_up())
    page = (await visitor.get(await _address(visitor))).text
    assert "shopify/main customer.created" in page
    assert "The gate, " in page
    row = next(row for row in page.split("<tr>") if "The gate, " in row)
    delivery = re.search(r'href="(/console/deliveries/[0-9a-f-]{36})"', row)
    assert delivery
    assert "What the gate said" in (await visitor.get(delivery[1])).text


async def test_messages_are_stopped_after_a_question(visitor: Visitor, desk: BusyDesk) -> None:
    await desk.take(signed_up())
    address = await _address(visitor)
    asked = await visitor.post(f"{address}/stop", {})
    assert asked.status_code == 200
    assert "until they agree again themselves" in asked.text
    assert await visitor.running.rows("select 1 from consents where state = 'withdrawn'") == []
    done = await visitor.post(f"{address}/stop", {"confirmed": "yes"})
    assert await visitor.said(done) == "They get no more news and offers."
    rows = await visitor.running.rows("select channel from consents where state = 'withdrawn'")
    assert {row.channel for row in rows} == {"email", "sms"}


@pytest.mark.parametrize(("decision", "may_go_on"), [("stop", False), ("continue", True)])
async def test_a_wish_to_stop_is_read_and_decided_once(
    visitor: Visitor, desk: BusyDesk, decision: str, may_go_on: bool
) -> None:
    await desk.take(signed_up(), texted("m-1", "please don't text me any more <b>"))
    page = (await visitor.get("/console/reviews")).text
    assert "any more &lt;b&gt;" in page
    id = re.search(r'name="id" value="([^"]+)"', page)
    assert id
    answer = await visitor.post("/console/reviews", {"id": id[1], "decision": decision})
    await visitor.said(answer)
    assert "Nothing waits to be read" in (await visitor.get("/console/reviews")).text
    async with desk.database.begin() as connection:
        words = await people.words_on(connection, [("sms", ADA["phone"])])
    stopped = words.is_stopped("sms", ADA["phone"], only_by_keyword=False)
    is_granted = words.state("sms", ADA["phone"]) is ConsentState.GRANTED
    assert (is_granted and not stopped) is may_go_on


async def test_a_review_needs_a_decision(visitor: Visitor, desk: BusyDesk) -> None:
    for fields in ({"id": "x", "decision": "stop"}, {"id": "", "decision": ""}):
        assert (await visitor.post("/console/reviews", fields)).status_code == 400


async def test_the_log_tells_who_did_what(visitor: Visitor, desk: BusyDesk) -> None:
    await desk.take(signed_up())
    await visitor.post(f"{await _address(visitor)}/stop", {"confirmed": "yes"})
    page = (await visitor.get("/console/log?who=ines&what=consent")).text
    assert "consent.withdrawn" in page
    assert "console:Ines Ops" in page
    assert "console.signed_in" not in page
    assert "Nothing like this was done" in (await visitor.get("/console/log?who=100%25")).text
    for odd in ("before=abc", "before=99999999999999999999", "who=%00", "before=-1"):
        assert (await visitor.get(f"/console/log?{odd}")).status_code == 200
    assert datetime.now(UTC).strftime("%d %b %Y") in page


async def test_a_member_is_blocked_after_a_question_and_let_again(
    visitor: Visitor, desk: BusyDesk
) -> None:
    await desk.take(signed_up())
    address = await _address(visitor)
    nothing = await visitor.post(f"{address}/block", {"reason": ""})
    assert await visitor.said(nothing) == "Say why the member is blocked."
    asked = await visitor.post(f"{address}/block", {"reason": "stolen cards"})
    assert "go on earning" in asked.text
    sure = {"reason": "stolen cards", "confirmed": "yes"}
    done = await visitor.post(f"{address}/block", sure)
    assert await visitor.said(done) == "They can spend no points now."
    assert "Blocked since" in (await visitor.get(address)).text
    again = await visitor.post(f"{address}/block", {})
    assert await visitor.said(again) == "They can spend points again."
    assert "Blocked since" not in (await visitor.get(address)).text

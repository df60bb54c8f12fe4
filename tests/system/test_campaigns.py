"""A campaign on the running hub: looked at, sent by two runs at once, and one person joins."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from flows.customer_import import take_in
from loyalty.events import Channel, ConsentState, Customer
from tests.system.flow_runs import artifact, reaches, start, table
from tests.system.watch import Watch

SHOP = "woocommerce/main"
POINTS = 77


def customers(mark: str, count: int) -> list[Customer]:
    """Customers of the shop who agreed to e-mail, and a last one who never said."""
    granted = {Channel.EMAIL: ConsentState.GRANTED}
    found = [
        Customer(
            id=f"{mark}-{number}",
            email=f"{mark}-{number}@shop.example",
            first_name=f"Mila {number}",
            consents=granted,
        )
        for number in range(count)
    ]
    return [*found, Customer(id=f"{mark}-silent", email=f"{mark}-silent@shop.example")]


async def test_a_dozen_are_invited_once_each_and_whoever_joins_is_paid(watch: Watch) -> None:
    mark = f"camp{uuid4().hex[:8]}"
    name = f"System {mark}"
    async with watch.books.begin() as connection:
        await take_in(connection, SHOP, customers(mark, 12), now=datetime.now(UTC))

    run = await start(watch, "invite-customers", campaign=name, shop=SHOP, points=POINTS)
    await reaches(watch, run, "COMPLETED")
    told = await artifact(watch, run, "invite-customers-preview")
    assert f"# {name}: draft" in told
    assert "would be sent at" in told
    assert await mails(watch, mark) == []

    sending = [await start(watch, "invite-customers", campaign=name, mode="send") for _ in "ab"]
    await asyncio.gather(*(reaches(watch, one, "COMPLETED") for one in sending))
    await watch.worked_off()
    sent = await mails(watch, mark)
    assert sorted(one["to"] for one in sent) == sorted(
        f"{mark}-{number}@shop.example" for number in range(12)
    )
    assert all(f"{POINTS} points are waiting" in one["subject"] for one in sent)
    assert await states(watch, name) == {"invited": 12, "refused": 1}
    reasons = [row for one in sending for row in await not_invited(watch, one)]
    assert [row["people"] for row in reasons] == [1]

    await join(sent[0])
    await watch.worked_off()
    assert await states(watch, name) == {"invited": 11, "joined": 1, "refused": 1}
    rows = await watch.rows(
        "select e.points from entries e join members m on m.id = e.member_id"
        " where m.email = :email and e.rule = :rule",
        email=sent[0]["to"],
        rule=f"campaign:{name}",
    )
    assert [row.points for row in rows] == [POINTS]
    assert await watch.wrong_messages() == []


async def mails(watch: Watch, mark: str) -> list[dict[str, Any]]:
    """What arrived at this test's customers, but for what members get."""
    found = await watch.records("smtp")
    return [one for one in found if one["to"].startswith(mark) and "waiting" in one["subject"]]


async def states(watch: Watch, campaign: str) -> dict[str, int]:
    rows = await watch.rows(
        "select i.state, count(*) as n from invitations i join campaigns c on c.id = i.campaign_id"
        " where c.name = :name group by i.state",
        name=campaign,
    )
    return {row.state: row.n for row in rows}


async def not_invited(watch: Watch, run: str) -> list[dict[str, Any]]:
    """The run's table of reasons; none where it had nothing left to send."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [run]},
                            "key": {"any_": ["invite-customers-not-invited"]}}}  # fmt: skip
    found = (await watch.api.post("/artifacts/filter", json=wanted)).json()
    return await table(watch, run, "invite-customers-not-invited") if found else []


async def join(mail: dict[str, Any]) -> None:
    """Follows the mail's link and presses the button of its page."""
    link = re.search(r"https?://127\.0\.0\.1\S+/j/[\w.~-]+", mail["text"])
    assert link, mail["text"]
    async with httpx.AsyncClient(follow_redirects=True, timeout=15) as client:
        page = await client.get(link[0])
        assert page.status_code == 200, page.text
        answer = await client.post(str(page.url), data={"join": "yes"})
    assert answer.status_code == 200, answer.text

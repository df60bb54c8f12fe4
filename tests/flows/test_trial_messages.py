"""Test messages: on the way of every message, once, to whom the gate allows it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.logging import disable_run_logger

from flows.planning import Planner
from flows.runtime import install, open_hub
from flows.send_test_message import send_test_message
from flows.trial_messages import CannotTry, Trial, try_out
from loyalty.programme import Programme
from loyalty.settings import HubSettings
from loyalty.store import deliveries, delivery_lists, rulebook
from loyalty.store.connections import put
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from loyalty.store.delivery_lists import Search
from loyalty.store.opt_ins import Suppression, suppress
from rules.shipped import shipped_rules, shipped_templates
from rules.text_checks import texts_of
from tests.flows.booking.desk import ROUTES, connected

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
TEXTS = texts_of(shipped_templates())
PROGRAMME = Programme(name="Tea Club", routes=ROUTES, zone="Europe/Berlin")


async def tried(database: Database, template: str, to: str, **more: Any) -> Delivery | None:
    """The delivery of a test."""
    planner = Planner(PROGRAMME, TEXTS, connected(), "", NOW)
    trial = Trial(**{"key": "k1", "template": template, "to": to, **more})
    async with database.begin() as connection:
        return await try_out(connection, trial, planner, shipped_rules())


async def test_a_test_can_be_sent_by_any_worker_at_once(database: Database) -> None:
    planned = await tried(database, "invitation", "Me@Shop.example", locale="de", name="Zoë A")
    assert planned is not None
    assert planned.input["subject"] == "100 Punkte warten auf dich bei Tea Club"
    assert planned.input["to"] == "me@shop.example"
    assert "Hallo Zoë," in planned.input["text"]
    async with database.begin() as connection:
        for one in connected().connections.values():
            await put(connection, one, now=NOW)
        due = await deliveries.take_due(connection, owner="worker", limit=9, now=NOW)
    assert [one.id for one in due] == [planned.id]


async def test_a_key_sends_one_test_also_where_two_ask_at_once(database: Database) -> None:
    found = await asyncio.gather(
        *(tried(database, "magic_link", "me@shop.example") for _ in range(4))
    )
    assert sum(one is not None for one in found) == 1


async def test_a_number_gets_the_sms_with_the_values_that_were_given(database: Database) -> None:
    planned = await tried(
        database, "points_earned", "+44 20 7946 0958", values={"number": "#9"}, locale="en"
    )
    assert planned is not None
    assert planned.target == "+442079460958"
    assert planned.input["body"].startswith("Hi Ada, you earned 150 points with order #9.")


async def test_an_address_that_bounced_gets_no_test_either(database: Database) -> None:
    async with database.begin() as connection:
        bounced = Suppression("email", "gone@shop.example", "hard_bounce", NOW - timedelta(days=1))
        await suppress(connection, [bounced])
    planned = await tried(database, "invitation", "gone@shop.example")
    assert planned is not None
    assert planned.state == "suppressed"
    assert planned.reason.startswith("hard_bounce")


@pytest.mark.parametrize(
    ("template", "to", "told"),
    [
        ("invitation", "0170 1234567", "neither an e-mail address nor a number"),
        ("invitation", "nobody@", "neither an e-mail address nor a number"),
        ("nothing", "me@shop.example", "nothing sends the email text 'nothing'"),
        ("magic_link", "+44 20 7946 0958", "nothing sends the sms text 'magic_link'"),
    ],
)
async def test_what_cannot_be_tried_is_told(
    database: Database, template: str, to: str, told: str
) -> None:
    with pytest.raises(CannotTry, match=told):
        await tried(database, template, to)


async def test_the_flow_plans_the_test_that_the_console_asks_for_once(
    database: Database, tmp_path: Path
) -> None:
    hub = await open_hub(HubSettings(home=tmp_path, database_url=database.url))
    rules = shipped_rules()
    async with database.begin() as connection:
        await rulebook.activate(
            connection, rules.version, rules.documents(), author="t", reason="", now=NOW
        )
        await rulebook.save_programme(connection, PROGRAMME, now=NOW)
    install(hub)
    try:
        with disable_run_logger():
            for _ in range(2):
                await send_test_message.fn("welcome", "me@shop.example", locale="fr", key="e1")
    finally:
        install(None)
        await hub.aclose()
    async with database.begin() as connection:
        found = await delivery_lists.search(connection, Search(key="test-message:e1"))
    # There is no such connection here: the test is kept until there is one, and says so.
    assert [(one.state, one.input["subject"]) for one in found] == [
        ("held", "Bienvenue chez Tea Club")
    ]

"""`hub campaigns`: drafts, previews, the switch that says how many it is for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.customer_import import take_in
from loyalty.events import Channel, ConsentState, Customer
from loyalty.store.database import Database

AGREED = {Channel.EMAIL: ConsentState.GRANTED}


async def _bring(url: str) -> None:
    database = Database(url)
    people = [
        Customer(id="c1", email="mila@shop.example", first_name="Mila", consents=AGREED),
        Customer(id="c2", email="tom@shop.example"),
    ]
    async with database.begin() as connection:
        await take_in(connection, "shopify/main", people, now=datetime.now(UTC))
    await database.aclose()


def test_a_draft_is_made_looked_at_and_sent_only_with_yes(hub: Any) -> None:
    made = hub("campaigns", "create", "Spring", "--points", "50", "--json")
    assert (made.code, made.json["state"]) == (0, "draft")
    assert hub("campaigns", "create", "Spring", "--points", "5").code == 2
    shown = hub("campaigns", "show", "Spring", "--json").json
    assert (shown["state"], shown["plan"]["points"]) == ("draft", 50)
    asked = hub("campaigns", "send", "Spring")
    assert (asked.code, "say --yes" in asked.err) == (1, True)
    assert hub("campaigns", "send", "Spring", "--yes").code == 0
    assert hub("campaigns", "list", "--json").json["campaigns"][0]["state"] == "active"
    assert hub("campaigns", "deactivate", "Spring").code == 0
    assert "inactive" in hub("campaigns", "list").out


def test_a_campaign_that_is_not_there_is_named_with_those_that_are(hub: Any) -> None:
    hub("campaigns", "create", "Spring", "--points", "50")
    answer = hub("campaigns", "show", "Sprong")
    assert answer.code == 2
    assert "'Spring'" in answer.err


@pytest.mark.parametrize("options", [("--points", "-1"), ("--points", "5", "--channel", "fax")])
def test_a_plan_that_does_not_fit_is_unusable(hub: Any, options: tuple[str, ...]) -> None:
    assert hub("campaigns", "create", "Spring", *options).code == 2


def test_a_preview_says_what_a_customer_would_get_and_fails_where_they_would_not(
    hub: Any, database_url: str
) -> None:
    asyncio.run(_bring(database_url))
    hub("campaigns", "create", "Spring", "--points", "50", "--shop", "shopify/main")
    found = hub("campaigns", "preview", "Spring", "--customer", "c1", "--json")
    assert found.code == 0, found.out
    assert found.json["verdict"].startswith("would be sent at")
    assert "50" in found.json["subject"]
    assert hub("campaigns", "preview", "Spring", "--customer", "c2").code == 1
    assert hub("campaigns", "preview", "Spring", "--customer", "c9").code == 2

"""What HubSpot tells: webhooks that ring, and contacts that the poll asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from connectors.hubspot import client as client_module
from connectors.hubspot.account import HubSpotAccount
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.polling import POLL
from connectors.hubspot.sandbox import SANDBOX_ACCOUNT, HubSpotSandbox, stamp_of
from connectors.hubspot.triggers import WEBHOOK
from connectors.kit.webhook import BadSignature, InboundRequest, Source, hmac_base64
from loyalty.events import Activity, Channel, ConsentState, Customer, Event, EventType
from tests.connectors.conftest import Serve

NOW = datetime.now(UTC).replace(microsecond=0)
AT = NOW - timedelta(hours=1)
LONG_AGO = "2024-02-01T09:00:00.000Z"
SOURCE = Source("hubspot", "main")
HERE = "https://hub.example/hooks/hubspot/main"
VENDORS = Path(__file__).resolve().parents[4] / "shared" / "vendors"
ACCOUNT = HubSpotAccount.model_validate(SANDBOX_ACCOUNT)


@pytest.fixture
def sandbox() -> HubSpotSandbox:
    return HubSpotSandbox()


@pytest_asyncio.fixture
async def client(sandbox: HubSpotSandbox, serve: Serve) -> AsyncIterator[HubSpotClient]:
    account = HubSpotAccount.model_validate(sandbox.account_at(await serve(sandbox)))
    made = HubSpotClient(account, timeout=httpx.Timeout(1.0))
    yield made
    await made.aclose()


async def polled(client: HubSpotClient, cursor: str = "") -> tuple[list[Event], list[str], str]:
    events: list[Event] = []
    bad: list[str] = []
    last = cursor
    async for page in POLL.changed_since(client, SOURCE, cursor=cursor, now=NOW):
        events += page.events
        bad += page.unreadable
        last = page.cursor
    return events, bad, last


# --- the poll --------------------------------------------------------------------------------


async def test_a_new_contact_is_created_once_and_an_old_one_updated_each_time(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    sandbox.happen("1", AT, firstname="Ada", phone="+4366012345678")
    sandbox.happen("2", AT + timedelta(minutes=1), createdate=LONG_AGO)
    (new, old), bad, _ = await polled(client)
    assert bad == []
    assert (new.type, new.key) == (EventType.CUSTOMER_CREATED, "1")
    assert isinstance(new.data, Customer)
    assert (new.data.first_name, new.data.phone) == ("Ada", "+4366012345678")
    changed = AT + timedelta(minutes=1)
    assert (old.type, old.key) == (EventType.CUSTOMER_UPDATED, f"2:{changed.isoformat()}")


async def test_a_form_is_an_activity_and_is_told_once(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    form = {"recent_conversion_date": stamp_of(AT), "recent_conversion_event_name": "Loyalty: Join"}
    sandbox.happen("1", AT, createdate=LONG_AGO, **form)
    events, _, cursor = await polled(client)
    told = events[1]
    assert isinstance(told.data, Activity)
    assert told.data.name == "hubspot.form_submitted"
    assert told.data.ref == f"1:{AT.isoformat()} Loyalty: Join"
    assert told.data.customer is not None
    assert told.data.customer.email == "p1@customer.example"
    sandbox.happen("1", AT + timedelta(minutes=30), createdate=LONG_AGO, **form)
    again, _, _ = await polled(client, cursor)
    later, _, _ = await polled(client, (AT + timedelta(minutes=20)).isoformat())
    assert {one.key for one in again if one.type is told.type} == {told.key}
    assert [one.type for one in later] == [EventType.CUSTOMER_UPDATED]


@pytest.mark.parametrize(
    ("optout", "consents"),
    [("true", {Channel.EMAIL: ConsentState.WITHDRAWN}), ("false", {}), ("", {})],
)
async def test_an_opt_out_withdraws_and_nothing_grants(
    client: HubSpotClient, sandbox: HubSpotSandbox, optout: str, consents: dict[str, str]
) -> None:
    sandbox.happen("1", AT, hs_email_optout=optout)
    [event] = (await polled(client))[0]
    assert isinstance(event.data, Customer)
    assert event.data.consents == consents


async def test_what_cannot_be_read_is_told_and_does_not_stop_the_rest(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    sandbox.happen("1", AT, createdate="yesterday")
    sandbox.happen("2", AT + timedelta(minutes=1))
    events, bad, cursor = await polled(client)
    assert [event.key for event in events] == ["2"]
    assert len(bad) == 1
    assert "contact 1" in bad[0]
    assert datetime.fromisoformat(cursor) == AT + timedelta(minutes=1)


async def test_a_search_that_is_full_goes_on_from_the_last_change(
    client: HubSpotClient, sandbox: HubSpotSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_FOUND", 3)
    for number in range(8):
        sandbox.happen(str(number), AT + timedelta(minutes=number))
    events, bad, _ = await polled(client)
    assert bad == []
    assert {event.key for event in events} == {str(number) for number in range(8)}


async def test_a_look_that_finds_nothing_leaves_the_cursor(client: HubSpotClient) -> None:
    cursor = AT.isoformat()
    for _ in range(3):
        events, _, cursor = await polled(client, cursor)
        assert events == []
    assert cursor == AT.isoformat()


# --- webhooks --------------------------------------------------------------------------------


def request(payload: Any, url: str = HERE) -> InboundRequest:
    return InboundRequest("POST", url, {}, json.dumps(payload).encode(), NOW)


def test_the_address_and_the_method_are_signed() -> None:
    unsigned = request([{"subscriptionType": "contact.creation"}])
    genuine = replace(unsigned, headers=dict(WEBHOOK.sign(unsigned, ACCOUNT)))
    WEBHOOK.verify(genuine, ACCOUNT)
    for odd in (
        replace(genuine, url=HERE.replace("https", "http")),
        replace(genuine, url=f"{HERE}?a=1"),
        replace(genuine, method="PUT"),
    ):
        with pytest.raises(BadSignature, match="does not match"):
            WEBHOOK.verify(odd, ACCOUNT)


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "1" * 15, "\u0661\u0662"])
def test_a_time_that_is_none_is_refused_even_if_it_is_signed(stamp: str) -> None:
    unsigned = request([])
    signed = b"POST" + HERE.encode() + unsigned.body + stamp.encode()
    signature = hmac_base64(SecretStr(str(SANDBOX_ACCOUNT["client_secret"])), signed)
    headers = {"x-hubspot-request-timestamp": stamp, "x-hubspot-signature-v3": signature}
    with pytest.raises(BadSignature, match="milliseconds"):
        WEBHOOK.verify(replace(unsigned, headers=headers), ACCOUNT)


def test_without_a_client_secret_nothing_is_believed() -> None:
    account = HubSpotAccount(access_token="pat-1", client_secret="")
    with pytest.raises(BadSignature, match="no webhook secret"):
        WEBHOOK.verify(request([]), account)


def test_the_published_vectors_of_older_signatures_are_not_taken() -> None:
    """They are right by the vendor's own rule, and say nothing of the time."""
    file = VENDORS / "vectors" / "hubspot.json"
    if not file.is_file():
        pytest.skip("the published vectors are not beside this project")
    for one in json.loads(file.read_text())["vectors"]:
        url, method = one.get("url", HERE), one.get("method", "POST")
        signed = one["secret"] + (f"{method}{url}" if one["version"] == "v2" else "") + one["body"]
        assert sha256(signed.encode()).hexdigest() == one["expected_signature"]
        headers = {
            "x-hubspot-signature": one["expected_signature"],
            "x-hubspot-signature-version": one["version"],
        }
        found = InboundRequest(method, url, headers, one["body"].encode(), NOW)
        account = ACCOUNT.model_copy(update={"client_secret": SecretStr(one["secret"])})
        with pytest.raises(BadSignature):
            WEBHOOK.verify(found, account)


def test_the_published_sample_rings() -> None:
    file = VENDORS / "samples" / "hubspot" / "contact_creation.json"
    if not file.is_file():
        pytest.skip("the published samples are not beside this project")
    payload = json.loads(file.read_text())["body"]
    found = request(payload)
    assert WEBHOOK.topic(found, payload) == "contact.creation"
    assert WEBHOOK.triggers["contact.creation"].rings
    assert WEBHOOK.delivery_id(found, payload) == "1"


def test_of_a_mixed_delivery_the_first_that_matters_rings() -> None:
    payload: list[Any] = [3, {"subscriptionType": "company.creation"}]
    assert WEBHOOK.topic(request(payload), payload) == ""
    payload.append({"subscriptionType": "contact.propertyChange"})
    assert WEBHOOK.topic(request(payload), payload) == "contact.propertyChange"
    strange: list[Any] = [{}, [], None, "x", [{"subscriptionType": {}}]]
    assert [WEBHOOK.topic(request(odd), odd) for odd in strange] == [""] * 5

"""What Mailchimp tells: signed forms, and the webhook that brings them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.kit.errors import ConnectorBug
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.mailchimp.account import MailchimpAccount
from connectors.mailchimp.client import MailchimpClient
from connectors.mailchimp.members import member_id
from connectors.mailchimp.sandbox import SANDBOX_ACCOUNT, MailchimpSandbox
from connectors.mailchimp.subscriptions import SUBSCRIPTIONS
from connectors.mailchimp.triggers import WEBHOOK
from loyalty.events import Channel, ConsentState, Customer, Event, EventType, MessageReport
from tests.connectors.conftest import Serve

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SOURCE = Source("mailchimp", "main")
PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "samples" / "mailchimp"
HERE = "https://hub.example/hooks/mailchimp/main"


def request(fields: Mapping[str, str], at: datetime = NOW) -> InboundRequest:
    return InboundRequest("POST", HERE, {}, urlencode(fields).encode(), at)


def told(fields: Mapping[str, str], at: datetime = NOW) -> Event:
    found = request(fields, at)
    payload = WEBHOOK.decode(found.body)
    (event,) = WEBHOOK.triggers[WEBHOOK.topic(found, payload)].parse(payload, found, SOURCE)
    return event


def form(kind: str, **data: str) -> dict[str, str]:
    given = {"email": "Ada@customer.example", "id": "5f2c0a91be", **data}
    return {
        "type": kind,
        "fired_at": "2026-11-21 11:59:00",
        **{f"data[{name}]": text for name, text in given.items()},
    }


def _php(value: Any, name: str = "") -> dict[str, str]:
    """A tree as PHP writes it into a form: `data[merges][FNAME]`."""
    if not isinstance(value, dict):
        return {name: str(value)}
    found: dict[str, str] = {}
    for key, inner in value.items():
        found |= _php(inner, f"{name}[{key}]" if name else key)
    return found


def test_subscribing_is_consent_and_a_change_of_fields_is_none() -> None:
    joined, changed = told(form("subscribe")), told(form("profile"))
    assert isinstance(joined.data, Customer)
    assert joined.data.consents == {Channel.EMAIL: ConsentState.GRANTED}
    assert joined.data.id == member_id("ada@customer.example")
    assert isinstance(changed.data, Customer)
    assert (changed.type, changed.data.consents) == (EventType.CUSTOMER_UPDATED, {})


@pytest.mark.parametrize(
    ("fields", "kind", "detail"),
    [
        (form("unsubscribe", action="unsub", reason="abuse"), "message.unsubscribed",
         "unsub abuse"),
        (form("unsubscribe", action="delete"), "message.unsubscribed", "delete"),
        (form("cleaned", reason="hard"), "message.bounced", "cleaned hard"),
        (form("cleaned", reason="abuse"), "message.complained", "cleaned abuse"),
    ],
)  # fmt: skip
def test_who_leaves_is_left_alone(fields: dict[str, str], kind: str, detail: str) -> None:
    event = told(fields)
    assert event.type == kind
    assert event.data == MessageReport(
        channel=Channel.EMAIL, address="Ada@customer.example", detail=detail, permanent=True
    )


@pytest.mark.parametrize(
    ("fired_at", "expected"),
    [
        ("2026-11-21 11:59:00", NOW - timedelta(minutes=1)),
        ("2026-11-21 10:45:00", NOW - timedelta(minutes=75)),
        ("2026-11-21 06:59:00", NOW),
        ("2026-11-21 13:00:00", NOW),
        ("soon", NOW),
    ],
)
def test_a_time_without_zone_is_believed_where_it_can_be_utc(
    fired_at: str, expected: datetime
) -> None:
    assert told({**form("profile"), "fired_at": fired_at}).time == expected


def test_the_key_is_type_member_and_moment_as_mailchimp_advises() -> None:
    first = told(form("unsubscribe"))
    assert first.key == "unsubscribe:5f2c0a91be:2026-11-21 11:59:00"
    assert told(form("unsubscribe"), NOW + timedelta(hours=1)).business_key == first.business_key
    later = {**form("unsubscribe"), "fired_at": "2026-11-21 12:30:00"}
    assert told(later).business_key != first.business_key


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({**form("cleaned"), "data[email]": ""}, id="no address"),
        pytest.param({**form("profile"), "fired_at": ""}, id="no time"),
    ],
)
def test_what_says_too_little_is_refused_with_a_reason(fields: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        told(fields)


def test_an_unsubscribe_sent_under_another_name_is_refused() -> None:
    found = request(form("unsubscribe"))
    with pytest.raises(Unreadable, match="calls itself 'unsubscribe'"):
        WEBHOOK.triggers["subscribe"].parse(WEBHOOK.decode(found.body), found, SOURCE)


@pytest.mark.parametrize("name", ["subscribe", "unsubscribe"])
def test_the_published_samples_are_understood(name: str) -> None:
    file = PUBLISHED / f"{name}.json"
    if not file.is_file():
        pytest.skip("the published samples are not beside this project")
    body = json.loads(file.read_text())["body"]
    event = told(_php(body))
    assert event.type is WEBHOOK.triggers[name].event_types[0]
    assert event.key == f"{name}:8a25ff1d98:{body['fired_at']}"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("t=", "t=0"), id="another spelling of the time"),
        pytest.param(lambda text: text.split(",")[1], id="no time"),
        pytest.param(lambda text: text.replace("v1=", "v0="), id="another version"),
        pytest.param(lambda text: text + "," + text, id="twice"),
    ],
)
def test_a_header_of_another_form_proves_nothing(change: Any) -> None:
    account = MailchimpAccount(**SANDBOX_ACCOUNT)
    unsigned = request(form("subscribe"))
    headers = dict(WEBHOOK.sign(unsigned, account))
    WEBHOOK.verify(replace(unsigned, headers=headers), account)
    odd = {name: change(text) for name, text in headers.items()}
    with pytest.raises(BadSignature):
        WEBHOOK.verify(replace(unsigned, headers=odd), account)


def test_before_the_hub_made_its_webhook_nothing_is_believed() -> None:
    account = MailchimpAccount(**{**SANDBOX_ACCOUNT, "webhook_secret": ""})
    with pytest.raises(BadSignature, match="no webhook secret"):
        WEBHOOK.verify(request(form("subscribe")), account)


def test_a_get_is_answered_and_a_post_is_not_let_through() -> None:
    assert WEBHOOK.handshake is not None
    account = MailchimpAccount(**SANDBOX_ACCOUNT)
    asked = InboundRequest("GET", HERE, {}, b"", NOW)
    reply = WEBHOOK.handshake(asked, account)
    assert reply is not None
    assert (reply.status, reply.body) == (200, b"")
    assert WEBHOOK.handshake(request(form("subscribe")), account) is None


# --- the webhook -----------------------------------------------------------------------------


async def test_the_webhook_hears_people_and_the_team_and_never_the_hub_itself(
    serve: Serve,
) -> None:
    sandbox = MailchimpSandbox()
    client = MailchimpClient(MailchimpAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    wanted = Wanted(HERE, SUBSCRIPTIONS.topics)
    done = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert done.secret is not None
    [hook] = sandbox.hooks.values()
    assert hook["sources"] == {"user": True, "admin": True, "api": False}
    assert {name for name, is_on in hook["events"].items() if is_on} == set(WEBHOOK.triggers)
    hook["sources"] = {"user": True, "admin": True, "api": True}
    again = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert (len(again.removed), len(again.created), len(sandbox.hooks)) == (1, 1, 1)
    await client.aclose()


async def test_a_webhook_without_a_secret_is_taken_back(serve: Serve) -> None:
    class Unsigned(MailchimpSandbox):
        async def _hooked(self, request: Request) -> Response:
            made = json.loads(bytes((await super()._hooked(request)).body))
            return JSONResponse({**made, "signing_secret": None, "signing_enabled": False})

    sandbox = Unsigned()
    client = MailchimpClient(MailchimpAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox)))
    with pytest.raises(ConnectorBug, match="no signing secret"):
        await ensure(SUBSCRIPTIONS, client, Wanted(HERE, SUBSCRIPTIONS.topics), now=NOW)
    assert sandbox.hooks == {}
    await client.aclose()

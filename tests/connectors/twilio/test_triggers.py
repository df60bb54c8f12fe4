"""What Twilio sends to the hub: genuine or not, and what it means."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.twilio.account import TwilioAccount
from connectors.twilio.sandbox import SANDBOX_ACCOUNT
from connectors.twilio.triggers import WEBHOOK
from loyalty.events import Event, EventType

ACCOUNT = TwilioAccount(**SANDBOX_ACCOUNT)
SOURCE = Source("twilio", "main")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "connectors" / "twilio" / "samples"
VECTORS = ROOT.parent / "shared" / "vendors" / "vectors" / "twilio.json"
URL = "https://hub.example/hooks/twilio/main"


def request(body: bytes, url: str = URL, **headers: str) -> InboundRequest:
    return InboundRequest("POST", url, headers, body, NOW)


def signed(body: bytes, url: str = URL, account: TwilioAccount = ACCOUNT) -> InboundRequest:
    unsigned = request(body, url)
    return replace(unsigned, headers=WEBHOOK.sign(unsigned, account))


def events(body: bytes) -> list[Event]:
    found = signed(body)
    WEBHOOK.verify(found, ACCOUNT)
    payload = WEBHOOK.decode(found.body)
    trigger = WEBHOOK.triggers.get(WEBHOOK.topic(found, payload))
    return list(trigger.parse(payload, found, SOURCE)) if trigger else []


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


@pytest.mark.parametrize("index", [0, 1])
def test_twilios_published_signatures_pass(index: int) -> None:
    if not VECTORS.exists():
        pytest.skip("the published signature vectors are not beside this checkout")
    vector = json.loads(VECTORS.read_text())["vectors"][index]
    pairs = [tuple(one) for one in vector.get("params_list") or vector["params"].items()]
    account = ACCOUNT.model_copy(update={"auth_token": SecretStr(vector["secret"])})
    headers = {"x-twilio-signature": vector["expected_signature"]}
    genuine = InboundRequest("POST", vector["url"], headers, urlencode(pairs).encode(), NOW)
    WEBHOOK.verify(genuine, account)
    with pytest.raises(BadSignature):
        WEBHOOK.verify(replace(genuine, body=genuine.body + b"&x=1"), account)


@pytest.mark.parametrize(
    ("seen_by_twilio", "configured"),
    [
        (URL, "https://hub.example:443/hooks/twilio/main"),
        ("https://hub.example:443/hooks/twilio/main", URL),
        ("http://hub.example:80/x?a=1", "http://hub.example/x?a=1"),
        ("https://[::1]/x", "https://[::1]:8443/x"),
    ],
)
def test_the_port_may_or_may_not_be_signed(seen_by_twilio: str, configured: str) -> None:
    genuine = signed(form(Body="hi"), seen_by_twilio)
    WEBHOOK.verify(replace(genuine, url=configured), ACCOUNT)


def test_a_query_given_apart_from_the_address_is_signed_too() -> None:
    genuine = signed(form(Body="hi"), f"{URL}?shop=1&x=a+b")
    WEBHOOK.verify(replace(genuine, url=URL, query={"shop": "1", "x": "a b"}), ACCOUNT)
    with pytest.raises(BadSignature):
        WEBHOOK.verify(replace(genuine, url=URL, query={"shop": "2"}), ACCOUNT)


def test_a_json_body_is_bound_by_its_hash_in_the_address() -> None:
    body = b'{"MessageSid": "SM1"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    genuine = signed(body, url)
    WEBHOOK.verify(genuine, ACCOUNT)
    for forged in (replace(genuine, body=b'{"MessageSid": "SM2"}'), signed(body)):
        with pytest.raises(BadSignature, match="bodySHA256"):
            WEBHOOK.verify(forged, ACCOUNT)


def forgeries() -> dict[str, InboundRequest]:
    genuine = signed(form(Body="hi", From="+15005550006"))
    other = ACCOUNT.model_copy(update={"auth_token": SecretStr("old-token")})
    return {
        "altered body": replace(genuine, body=genuine.body.replace(b"hi", b"ho")),
        "added field": replace(genuine, body=genuine.body + b"&Points=9"),
        "other address": replace(genuine, url=URL.replace("main", "test")),
        "missing header": replace(genuine, headers={}),
        "empty header": replace(genuine, headers={"x-twilio-signature": ""}),
        "wrong secret": signed(genuine.body, account=other),
        "not ASCII": replace(genuine, body="Body=é".encode("latin-1")),
        "not UTF-8": replace(genuine, body=b"Body=%ff"),
        "too many fields": replace(genuine, body=b"a=1&" * 500),
    }


@pytest.mark.parametrize("name", forgeries())
def test_a_forgery_is_refused(name: str) -> None:
    with pytest.raises(BadSignature):
        WEBHOOK.verify(forgeries()[name], ACCOUNT)


def test_an_empty_secret_lets_nothing_pass() -> None:
    empty = ACCOUNT.model_copy(update={"auth_token": SecretStr("")})
    with pytest.raises(BadSignature, match="no webhook secret"):
        WEBHOOK.verify(signed(form(Body="hi")), empty)


@pytest.mark.parametrize("trigger", WEBHOOK.triggers.values(), ids=lambda one: one.vendor_event)
def test_each_sample_becomes_the_event_it_stands_for(trigger: Any) -> None:
    (event,) = events((SAMPLES / trigger.sample).read_bytes())
    assert event.type in trigger.event_types


def test_a_reply_is_told_with_its_words_and_sender() -> None:
    (event,) = events((SAMPLES / "sms.received.txt").read_bytes())
    assert event.type is EventType.SMS_RECEIVED
    assert event.key == event.data.id
    assert event.data.body == "STOP please, thanks & bye 🎁"
    assert event.data.sender == "+4915550100200"
    assert event.subject == "contact:+4915550100200"
    assert event.time == NOW


def test_a_stop_that_only_twilio_knows_is_told_as_leaving_too() -> None:
    fields = {"MessageSid": "SM1", "From": "+4915550100200", "To": "+15005550006", "Body": "ARRET"}
    text, left = events(form(**fields, OptOutType="STOP"))
    assert (text.type, left.type) == (EventType.SMS_RECEIVED, EventType.MESSAGE_UNSUBSCRIBED)
    assert (left.data.address, left.data.permanent) == ("+4915550100200", True)
    assert left.key == "SM1:stop"


@pytest.mark.parametrize("kind", ["START", "HELP", ""])
def test_other_words_of_twilios_are_texts_alone(kind: str) -> None:
    fields = {"MessageSid": "SM1", "From": "+4915550100200", "Body": "AIDE", "OptOutType": kind}
    (text,) = events(form(**fields))
    assert text.type is EventType.SMS_RECEIVED


def test_the_published_callback_of_a_call_is_ignored() -> None:
    file = ROOT.parent / "shared" / "vendors" / "samples" / "twilio" / "status_callback_params.json"
    if not file.exists():
        pytest.skip("the published samples are not beside this checkout")
    assert events(urlencode(json.loads(file.read_text())["body"]).encode()) == []


@pytest.mark.parametrize(
    ("status", "code", "expected", "permanent"),
    [
        ("delivered", "", EventType.MESSAGE_DELIVERED, False),
        ("undelivered", "30003", EventType.MESSAGE_BOUNCED, False),
        ("undelivered", "30008", EventType.MESSAGE_BOUNCED, False),
        ("failed", "30006", EventType.MESSAGE_BOUNCED, True),
        ("failed", "", EventType.MESSAGE_BOUNCED, False),
    ],
)
def test_a_report_says_what_became_of_the_text(
    status: str, code: str, expected: EventType, permanent: bool
) -> None:
    body = form(MessageSid="SM1", To="+4915550100200", MessageStatus=status, ErrorCode=code)
    (event,) = events(body)
    assert (event.type, event.data.permanent) == (expected, permanent)
    assert event.key == f"SM1:{status}"
    assert event.business_key == events(body)[0].business_key
    assert event.data.vendor_message_id == "SM1"


@pytest.mark.parametrize(
    "fields",
    [
        {"MessageSid": "SM1", "To": "+1500", "MessageStatus": "sent"},
        {"MessageSid": "SM1", "To": "+1500", "MessageStatus": "queued"},
        {"MessageSid": "SM1", "From": "whatsapp:+4915550100200", "Body": "hi"},
        {"CallSid": "CA1", "From": "+4915550100200"},
        {},
    ],
)
def test_what_is_of_no_interest_is_ignored(fields: dict[str, str]) -> None:
    assert events(form(**fields)) == []


@pytest.mark.parametrize("missing", ["MessageSid", "To"])
def test_a_report_without_a_field_names_it(missing: str) -> None:
    fields = {"MessageSid": "SM1", "To": "+4915550100200", "MessageStatus": "delivered"}
    del fields[missing]
    with pytest.raises(Unreadable, match=missing):
        events(form(**fields))


@given(st.dictionaries(st.sampled_from(["MessageSid", "To", "From", "Body", "MessageStatus"]),
                       st.text(max_size=40)))  # fmt: skip
def test_reading_any_form_ends_in_events_or_in_a_reason(fields: dict[str, str]) -> None:
    try:
        found = events(form(**fields))
    except (Unreadable, ValueError):
        return
    assert all(isinstance(one, Event) for one in found)

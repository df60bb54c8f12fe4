"""Events in: genuine or not, and what they become."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks import Webhook

from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable, decode_json
from connectors.webhook.account import WebhookAccount
from connectors.webhook.sandbox import SANDBOX_ACCOUNT
from connectors.webhook.triggers import CONCLUDED, WEBHOOK
from loyalty.events import Event, EventType

ACCOUNT = WebhookAccount(**SANDBOX_ACCOUNT)
SOURCE = Source("webhook", "main")
NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
SAMPLES = Path(__file__).resolve().parents[3] / "connectors" / "webhook" / "samples"
ORDER: dict[str, Any] = {
    "type": "order.paid",
    "key": "1001",
    "time": "2026-11-21T12:00:00Z",
    "data": {"id": "1001", "currency": "EUR", "total": "59.90"},
}


def signed(body: bytes, account: WebhookAccount = ACCOUNT) -> InboundRequest:
    unsigned = InboundRequest("POST", "https://hub.example/hooks/webhook/main", {}, body, NOW)
    return replace(unsigned, headers=WEBHOOK.sign(unsigned, account))


def events(payload: Any) -> list[Event]:
    request = signed(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    WEBHOOK.verify(request, ACCOUNT)
    decoded = WEBHOOK.decode(request.body)
    trigger = WEBHOOK.triggers[WEBHOOK.topic(request, decoded)]
    return list(trigger.parse(decoded, request, SOURCE))


def test_a_body_signed_by_the_reference_library_passes() -> None:
    body = json.dumps(ORDER)
    signature = Webhook(SANDBOX_ACCOUNT["secret"]).sign("msg_1", NOW, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": f"v1a,xyz v1,{'A' * 44} {signature}",
    }
    request = InboundRequest("POST", "https://x", headers, body.encode(), NOW)
    WEBHOOK.verify(request, ACCOUNT)
    assert WEBHOOK.delivery_id(request, ORDER) == "msg_1"


def forgeries() -> dict[str, InboundRequest]:
    genuine = signed(json.dumps(ORDER).encode())
    other = ACCOUNT.model_copy(
        update={"secret": SecretStr("whsec_b3RoZXItd2ViaG9vay1zZWNyZXQta2V5ISE=")}
    )

    def header(name: str, value: str | None) -> InboundRequest:
        headers = {k: v for k, v in genuine.headers.items() if k != name}
        return replace(genuine, headers=headers if value is None else {**headers, name: value})

    unsigned = genuine.headers["webhook-signature"]
    return {
        "altered body": replace(genuine, body=genuine.body.replace(b"59", b"99")),
        "old secret": signed(genuine.body, other),
        "other id": header("webhook-id", "msg_2"),
        "no id": header("webhook-id", None),
        "empty id": header("webhook-id", ""),
        "other time": header("webhook-timestamp", str(int(NOW.timestamp()) + 1)),
        "no time": header("webhook-timestamp", None),
        "time in words": header("webhook-timestamp", "now"),
        "time as power": header("webhook-timestamp", "²"),
        "endless time": header("webhook-timestamp", "9" * 99),
        "no signature": header("webhook-signature", None),
        "blank signature": header("webhook-signature", "  "),
        "other version": header("webhook-signature", unsigned.replace("v1,", "v2,")),
        "not ASCII": header("webhook-signature", "v1,é\udcff"),
        "too many": header("webhook-signature", "v1,x " * 50 + unsigned),
        "replayed": replace(genuine, received_at=NOW + timedelta(seconds=301)),
        "from the future": replace(genuine, received_at=NOW - timedelta(seconds=301)),
    }


@pytest.mark.parametrize("name", forgeries())
def test_a_forgery_is_refused(name: str) -> None:
    with pytest.raises(BadSignature):
        WEBHOOK.verify(forgeries()[name], ACCOUNT)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64"])
def test_a_secret_that_is_no_key_lets_nothing_pass(secret: str) -> None:
    broken = ACCOUNT.model_copy(update={"secret": SecretStr(secret)})
    with pytest.raises(BadSignature, match="secret"):
        WEBHOOK.verify(signed(b"{}"), broken)


@pytest.mark.parametrize("kind", list(EventType))
def test_every_kind_of_event_is_taken_or_refused_with_the_reason(kind: EventType) -> None:
    if kind in CONCLUDED:
        with pytest.raises(Unreadable, match="the hub finds out"):
            events({**ORDER, "type": kind.value})
        return
    body = (SAMPLES / WEBHOOK.triggers[kind.value].sample).read_bytes()
    (event,) = events(body)
    assert event.type is kind
    assert event.store == "webhook/main"
    assert event.key == decode_json(body)["key"]
    assert event.business_key == events(body)[0].business_key


def test_an_order_keeps_its_exact_amounts_and_its_customer() -> None:
    (event,) = events((SAMPLES / "order.paid.json").read_bytes())
    assert event.data.total == Decimal("64.80")
    assert event.data.customer.email == "ann@buyer.example"
    assert event.subject == "webhook/main:customer:c-42"
    assert event.time == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_an_amount_written_as_a_number_is_read_exactly() -> None:
    body = json.dumps(ORDER).replace('"59.90"', "59.90").encode()
    assert str(events(body)[0].data.total) == "59.90"


def test_the_specifications_timestamp_stands_for_the_time() -> None:
    payload = {k: v for k, v in ORDER.items() if k != "time"}
    (event,) = events({**payload, "timestamp": "2026-11-21T13:00:00+01:00"})
    assert event.time == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "subject"),
    [
        ({}, "webhook/main:1001"),
        ({"subject": "table-4"}, "webhook/main:table-4"),
        ({"customer": {"email": "Ann@Buyer.example"}}, "contact:ann@buyer.example"),
        ({"customer": {"id": "c-1"}}, "webhook/main:customer:c-1"),
    ],
)
def test_events_of_one_person_share_a_subject(more: dict[str, Any], subject: str) -> None:
    assert events({**ORDER, **more})[0].subject == subject


def test_a_refund_without_customer_keeps_its_order_with_the_order() -> None:
    data = {"id": "r-7", "order_id": "1001", "currency": "EUR", "full": True}
    (event,) = events({**ORDER, "type": "order.refunded", "key": "r-7", "data": data})
    assert event.subject == "webhook/main:1001"


def wrong(**changes: Any) -> dict[str, Any]:
    changed = {**ORDER, **changes}
    return {name: value for name, value in changed.items() if value is not None}


def wrong_order(**changes: Any) -> dict[str, Any]:
    return wrong(data={**ORDER["data"], **changes})


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (wrong(type=None), "`type` is missing"),
        (wrong(type=7), "`type` is missing"),
        (wrong(type="order.payed"), "'order.payed' is not one of .*order.paid"),
        (wrong(key=None), "`key`: Field required"),
        (wrong(key=""), "`key`"),
        (wrong(key="x" * 201), "`key`"),
        (wrong(time=None), "`time` is missing"),
        (wrong(timestamp="2026-11-21T12:00:00Z"), "given twice"),
        (wrong(time="yesterday"), "`time`"),
        (wrong(time="2026-11-21T12:00:00"), "`time`.*timezone"),
        (wrong(points=5), "`points`"),
        (wrong(data=None), "`data.id`: Field required"),
        (wrong(data=[]), "`data`"),
        (wrong(customer="ann"), "`customer`"),
        (wrong(subject="x" * 190), "`subject`"),
        (wrong(subject=""), "`subject`"),
        (wrong_order(total="-1"), "`data.total`"),
        (wrong_order(total="a lot"), "`data.total`"),
        (wrong_order(currency="EURO"), "unknown currency"),
        (wrong_order(total="1.999"), "more decimals"),
        (wrong_order(lines=[{"id": "1", "quantity": 1}]), r"`data.lines.0.unit_price`"),
        (wrong_order(loyalty=1), "`data.loyalty`"),
        (wrong(data={**ORDER["data"], "customer": {}}, customer={"id": "1"}), "`customer`"),
        (wrong(type="sms.received", customer={"id": "1"}), "`customer` has no place"),
        ([ORDER], "JSON object"),
    ],
)
def test_a_body_that_does_not_fit_names_the_field(payload: Any, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        events(payload)


def test_a_complaint_never_repeats_what_was_sent() -> None:
    with pytest.raises(Unreadable) as caught:
        events(wrong_order(customer={"email": {"x": "ann@buyer.example"}}))
    assert "ann@" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from([*WEBHOOK.triggers]) | JSON},
        optional={"key": JSON, "time": JSON, "data": JSON, "customer": JSON, "subject": JSON},
    )
)
def test_reading_anything_ends_in_an_event_or_in_a_reason(payload: dict[str, Any]) -> None:
    try:
        found = events(payload)
    except Unreadable as error:
        assert str(error)  # noqa: PT017 - both ways out are right
        return
    assert all(isinstance(one, Event) for one in found)

"""A small connector for tests: a till that signs, greets, and can be made to misbehave."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field, SecretStr

from connectors.kit.account import Account
from connectors.kit.manifest import Client, Limit, Manifest
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Notice,
    NoticeKind,
    Reply,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_hex,
    no_events,
    require_fresh,
    require_match,
    require_object,
)
from loyalty.events import Cancellation, Event, EventType

SECRET = "till-canary-secret-5f3a"
TOKEN = "till-canary-token-77b1"


class TillAccount(Account):
    """A till."""

    signing_secret: SecretStr = Field(description="Signs the webhooks.")
    token: SecretStr = Field(description="Proves a handshake.")


def _signature(request: InboundRequest, account: Any, stamp: str) -> str:
    content = f"{stamp}.{request.url}.".encode() + request.body
    return hmac_hex(account.signing_secret, content)


def verify(request: InboundRequest, account: Any) -> None:
    if request.headers.get("x-till-crash"):
        raise RuntimeError("the check is broken")
    stamp = request.headers.get("x-till-timestamp", "")
    if not stamp.isdigit():
        raise BadSignature("the X-Till-Timestamp header is missing")
    given = request.headers.get("x-till-signature")
    require_match(given, [_signature(request, account, stamp)], "X-Till-Signature")
    signed_at = datetime.fromtimestamp(int(stamp), UTC)
    require_fresh(signed_at, request.received_at, timedelta(minutes=5))


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    stamp = str(int(request.received_at.timestamp()))
    return {
        "x-till-timestamp": stamp,
        "x-till-signature": _signature(request, account, stamp),
    }


def handshake(request: InboundRequest, account: Any) -> Reply | None:
    if request.headers.get("x-till-crash") == "handshake":
        raise RuntimeError("the handshake is broken")
    if request.method == "POST":
        found = decode_json(request.body)
        if isinstance(found, dict) and found.get("type") == "url_verification":
            return Reply(200, str(found["challenge"]).encode())
        return None
    if "hub.challenge" not in request.query:
        return None
    if not hmac.compare_digest(
        request.query.get("hub.verify_token", "").encode(),
        account.token.get_secret_value().encode(),
    ):
        raise BadSignature("the verify token is wrong")
    return Reply(200, request.query["hub.challenge"].encode())


def parse_sales(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    numbers = require_object(payload).get("sales")
    if not isinstance(numbers, list):
        raise Unreadable("sales: a list was expected")
    return [
        Event(
            type=EventType.ORDER_CANCELLED,
            store=source.store,
            key=str(number),
            time=request.received_at,
            subject=f"{source.store}:{number}",
            data=Cancellation(order_id=str(number), reason=str(payload.get("note", ""))),
        )
        for number in numbers
    ]


def parse_broken(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    raise KeyError(payload["email"])


def parse_mismatch(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    Cancellation.model_validate({"order_id": payload["email"], "surprise": payload["email"]})
    raise AssertionError


def goodbye(payload: Any, request: InboundRequest) -> Notice:
    return Notice(NoticeKind.REVOKED, "the till was taken away", {"till": str(payload["till"])})


def _trigger(name: str, parse: Any) -> Trigger:
    return Trigger(name, (EventType.ORDER_CANCELLED,), "A sale was called off.", parse, "sale.json")


def connect(account: Any) -> Client:
    raise NotImplementedError


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=lambda request, payload: request.headers.get("x-till-topic", ""),
    triggers={
        "sales": _trigger("sales", parse_sales),
        "broken": _trigger("broken", parse_broken),
        "mismatch": _trigger("mismatch", parse_mismatch),
        "bell": Trigger("bell", (), "Something changed.", no_events, "bell.json", rings=True),
        "goodbye": Trigger(
            "goodbye", (), "The till was taken away.", no_events, "goodbye.json", notice=goodbye
        ),
    },
    sign=sign,
    delivery_id=lambda request, payload: request.headers.get("x-till-delivery"),
    handshake=handshake,
)

MANIFEST = Manifest(
    slug="till",
    name="Till",
    docs_url="https://till.example/docs",
    api_version="1",
    owner="tests",
    account=TillAccount,
    limit=Limit(burst=1, per_second=1.0, source="tests"),
    connect=connect,
    webhook=WEBHOOK,
)

TERSE = replace(
    MANIFEST, slug="terse", webhook=replace(WEBHOOK, acknowledge=Reply(200, b"OK", "text/plain"))
)
SILENT = replace(MANIFEST, slug="silent", webhook=None)


def manifests(slug: str) -> Manifest:
    """A registry of the test connectors."""
    return {"till": MANIFEST, "silent": SILENT, "terse": TERSE}[slug]


ACCOUNT = TillAccount(signing_secret=SecretStr(SECRET), token=SecretStr(TOKEN))

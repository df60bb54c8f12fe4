"""What Slack sends to the hub: genuine or not, and the handshake."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.kit.webhook import BadSignature, InboundRequest, Reply, Unreadable
from connectors.slack.account import SlackAccount
from connectors.slack.sandbox import SANDBOX_ACCOUNT
from connectors.slack.triggers import WEBHOOK, handshake

ACCOUNT = SlackAccount(**SANDBOX_ACCOUNT)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
VECTORS = (
    Path(__file__).resolve().parents[3].parent / "shared" / "vendors" / "vectors" / "slack.json"
)
MESSAGE = json.dumps(
    {
        "type": "event_callback",
        "event_id": "Ev0SANDBOX1",
        "team_id": "T0SANDBOX",
        "event": {"type": "message", "text": "what is url_verification?", "channel": "C0SANDBOX"},
    }
).encode()
CHALLENGE = b'{"type": "url_verification", "challenge": "3eZbrw1aB"}'


def signed(body: bytes, account: SlackAccount = ACCOUNT) -> InboundRequest:
    unsigned = InboundRequest("POST", "https://hub.example/hooks/slack/main", {}, body, NOW)
    return replace(unsigned, headers=WEBHOOK.sign(unsigned, account))


def test_slacks_published_signature_passes() -> None:
    if not VECTORS.exists():
        pytest.skip("the published signature vectors are not beside this checkout")
    (vector,) = json.loads(VECTORS.read_text())["vectors"]
    headers = {
        "x-slack-signature": vector["expected_signature"],
        "x-slack-request-timestamp": vector["timestamp"],
    }
    when = datetime.fromtimestamp(int(vector["timestamp"]) + 60, UTC)
    genuine = InboundRequest("POST", "https://x", headers, vector["body"].encode(), when)
    account = ACCOUNT.model_copy(update={"signing_secret": SecretStr(vector["secret"])})
    WEBHOOK.verify(genuine, account)
    with pytest.raises(BadSignature, match="timestamp"):
        WEBHOOK.verify(replace(genuine, received_at=when + timedelta(minutes=5)), account)


def forgeries(body: bytes) -> dict[str, InboundRequest]:
    genuine = signed(body)
    stamp = genuine.headers["x-slack-request-timestamp"]
    headers = dict(genuine.headers)
    old = ACCOUNT.model_copy(update={"signing_secret": SecretStr("old-secret")})
    return {
        "altered body": replace(genuine, body=body + b" "),
        "other time": replace(
            genuine, headers={**headers, "x-slack-request-timestamp": str(int(stamp) + 1)}
        ),
        "old secret": signed(body, old),
        "no headers": replace(genuine, headers={}),
        "no signature": replace(genuine, headers={"x-slack-request-timestamp": stamp}),
        "no timestamp": replace(
            genuine, headers={"x-slack-signature": headers["x-slack-signature"]}
        ),
        "no number": replace(genuine, headers={**headers, "x-slack-request-timestamp": "²"}),
        "huge number": replace(genuine, headers={**headers, "x-slack-request-timestamp": "9" * 40}),
        "replayed": replace(genuine, received_at=NOW + timedelta(seconds=301)),
        "from the future": replace(genuine, received_at=NOW - timedelta(seconds=301)),
    }


@pytest.mark.parametrize("name", forgeries(MESSAGE))
def test_a_forgery_is_refused_and_its_challenge_is_not_answered(name: str) -> None:
    with pytest.raises(BadSignature):
        WEBHOOK.verify(forgeries(MESSAGE)[name], ACCOUNT)
    with pytest.raises(BadSignature):
        handshake(forgeries(CHALLENGE)[name], ACCOUNT)


@pytest.mark.parametrize("secret", [None, SecretStr("")])
def test_without_a_signing_secret_nothing_passes(secret: SecretStr | None) -> None:
    account = ACCOUNT.model_copy(update={"signing_secret": secret})
    with pytest.raises(BadSignature, match="no webhook secret"):
        WEBHOOK.verify(signed(MESSAGE), account)
    with pytest.raises(BadSignature, match="no webhook secret"):
        handshake(signed(CHALLENGE), account)


def test_a_proven_challenge_is_returned() -> None:
    assert handshake(signed(CHALLENGE), ACCOUNT) == Reply(200, b"3eZbrw1aB", "text/plain")


@pytest.mark.parametrize("body", [MESSAGE, b"{}", b'{"type": "app_rate_limited"}'])
def test_other_requests_are_no_handshake(body: bytes) -> None:
    assert handshake(signed(body), ACCOUNT) is None


@pytest.mark.parametrize(
    "body", [b'{"type": "url_verification"}', b'["url_verification"]', b"url_verification"]
)
def test_a_challenge_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        handshake(signed(body), ACCOUNT)


def test_an_event_is_verified_named_and_ignored() -> None:
    request = signed(MESSAGE)
    WEBHOOK.verify(request, ACCOUNT)
    payload = WEBHOOK.decode(request.body)
    assert WEBHOOK.topic(request, payload) == "message"
    assert WEBHOOK.delivery_id(request, payload) == "Ev0SANDBOX1"
    assert WEBHOOK.triggers == {}

"""What Meta's platforms share, tried as each of their connectors declares it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.kit.account import Account
from connectors.kit.errors import InvalidRequest, OutcomeUnknown, RateLimited, Transient
from connectors.kit.meta import asks_to_stop
from connectors.kit.meta_refusals import error_of, refusal
from connectors.kit.webhook import BadSignature, InboundRequest, Webhook
from connectors.messenger.account import MessengerAccount
from connectors.messenger.sandbox import SANDBOX_ACCOUNT as PAGE
from connectors.messenger.triggers import WEBHOOK as MESSENGER
from connectors.whatsapp.account import WhatsappAccount
from connectors.whatsapp.sandbox import SANDBOX_ACCOUNT as NUMBER
from connectors.whatsapp.triggers import WEBHOOK as WHATSAPP

NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
VECTORS = Path(__file__).parents[4] / "shared" / "vendors" / "vectors" / "meta.json"
PLATFORMS = [
    pytest.param(MESSENGER, MessengerAccount.model_validate(PAGE), id="messenger"),
    pytest.param(WHATSAPP, WhatsappAccount.model_validate(NUMBER), id="whatsapp"),
]
each_platform = pytest.mark.parametrize(("webhook", "account"), PLATFORMS)


def request(
    body: bytes = b"", *, method: str = "POST", query: dict[str, str] | None = None
) -> InboundRequest:
    return InboundRequest(method, "https://hub.example/hooks/x/main", {}, body, NOW, query or {})


def greeting(account: Any, **change: str) -> InboundRequest:
    """Meta's request for set-up; `change` names its parts without `hub.`."""
    said = {
        "mode": "subscribe",
        "challenge": "1158201444",
        "verify_token": account.verify_token.get_secret_value(),
    }
    query = {f"hub.{name}": value for name, value in (said | change).items()}
    return request(method="GET", query=query)


# --- being set up ----------------------------------------------------------------------------


@each_platform
def test_meta_gets_its_challenge_back(webhook: Webhook, account: Account) -> None:
    assert webhook.handshake is not None
    reply = webhook.handshake(greeting(account), account)
    assert reply is not None
    assert (reply.status, reply.body, reply.content_type) == (200, b"1158201444", "text/plain")


@each_platform
@pytest.mark.parametrize(
    "change",
    [
        {"verify_token": "another"},
        {"verify_token": ""},
        {"mode": "unsubscribe"},
        {"challenge": "<script>"},
        {"challenge": ""},
        {"challenge": "1" * 201},
    ],
    ids=str,
)
def test_another_greeting_is_refused(
    webhook: Webhook, account: Account, change: dict[str, str]
) -> None:
    assert webhook.handshake is not None
    with pytest.raises(BadSignature):
        webhook.handshake(greeting(account, **change), account)


@each_platform
def test_an_empty_verify_token_proves_nothing(webhook: Webhook, account: Account) -> None:
    assert webhook.handshake is not None
    blank = account.model_copy(update={"verify_token": SecretStr("")})
    with pytest.raises(BadSignature):
        webhook.handshake(greeting(blank), blank)


@each_platform
def test_what_is_no_greeting_goes_on_to_the_signature(webhook: Webhook, account: Account) -> None:
    assert webhook.handshake is not None
    posted = replace(greeting(account), method="POST")
    assert webhook.handshake(posted, account) is None
    assert webhook.handshake(request(method="GET"), account) is None


# --- what is signed --------------------------------------------------------------------------


@each_platform
def test_the_published_vectors_verify_and_tampered_ones_do_not(
    webhook: Webhook, account: Account
) -> None:
    if not VECTORS.is_file():
        pytest.skip("the vendors' vectors are not beside this project")
    for one in json.loads(VECTORS.read_text("utf-8"))["vectors"]:
        theirs = account.model_copy(update={"app_secret": SecretStr(one["secret"])})
        headers = {"x-hub-signature-256": one["header_value"]}
        good = replace(request(one["body"].encode()), headers=headers)
        webhook.verify(good, theirs)
        with pytest.raises(BadSignature):
            webhook.verify(replace(good, body=good.body + b" "), theirs)
        bare = {"x-hub-signature-256": one["expected_signature_hex"]}
        with pytest.raises(BadSignature):
            webhook.verify(replace(good, headers=bare), theirs)


@pytest.mark.parametrize("text", ["STOP", "stop.", " Stop! ", "Opt out", "unsubscribe"])
def test_a_whole_message_that_says_stop_asks_to_stop(text: str) -> None:
    assert asks_to_stop(text)


@pytest.mark.parametrize("text", ["", "Cancel", "do not stop", "stop by tomorrow"])
def test_a_word_in_passing_does_not(text: str) -> None:
    assert not asks_to_stop(text)


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"error": "text"}'], ids=repr)
def test_a_body_that_names_no_error_is_none(body: bytes) -> None:
    assert error_of(body) == {}


def test_a_refusal_keeps_metas_codes_and_the_number_to_ask_meta_about() -> None:
    error = error_of(b'{"error": {"code": 10, "error_subcode": 2018278, "fbtrace_id": "Ab1"}}')
    found = refusal(InvalidRequest, "too late", error, status=400, headers={}, writes=True)
    assert type(found) is InvalidRequest
    assert (found.status, found.vendor_code, found.request_id) == (400, "10.2018278", "Ab1")


def test_a_limit_waits_as_long_as_meta_says_or_else_as_the_connector_knows() -> None:
    def wait(headers: dict[str, str]) -> timedelta | None:
        pause = timedelta(seconds=6)
        found = refusal(
            RateLimited,
            "slower",
            {"code": 4},
            status=429,
            headers=headers,
            writes=True,
            pause=pause,
        )
        assert isinstance(found, RateLimited)
        return found.retry_after

    assert wait({"Retry-After": "90"}) == timedelta(seconds=90)
    assert wait({}) == timedelta(seconds=6)


@pytest.mark.parametrize(("writes", "kind"), [(True, OutcomeUnknown), (False, Transient)])
def test_after_a_failure_of_metas_own_only_a_read_is_safe_to_repeat(
    writes: bool, kind: type[Exception]
) -> None:
    found = refusal(OutcomeUnknown, "it failed", {}, status=500, headers={}, writes=writes)
    assert type(found) is kind

"""Signed calls: a receiver with the specification's own library takes them."""

from __future__ import annotations

import base64
import time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from connectors.kit.errors import InvalidRequest
from connectors.kit.fields import SigningSecret
from connectors.kit.http import HttpReply
from connectors.kit.standard_webhooks import Signer, content_of, is_page, webhook_id

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY = "shopify/main:order.paid:1001:vip:webhook/main:call:1001"
SECRETS: TypeAdapter[Any] = TypeAdapter(SigningSecret)


def test_a_receiver_with_the_same_secret_takes_the_call_and_no_other_does() -> None:
    content = content_of({"points": Decimal("64.50")}, "the event")
    headers = dict(Signer(SecretStr(SECRET), time.time).headers("42", content))
    assert Webhook(SECRET).verify(content, headers) == {"points": "64.50"}
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(content, headers)


def test_the_time_that_is_signed_is_that_of_each_attempt() -> None:
    moments = iter((1793616300.9, 1793616360.0))
    signer = Signer(SecretStr(SECRET), lambda: next(moments))
    first, second = (signer.headers("42", b"{}") for _ in range(2))
    stamps = (first["webhook-timestamp"], second["webhook-timestamp"])
    assert stamps == ("1793616300", "1793616360")
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("key", ["zoë", "a b", "line\nbreak", "x" * 257, ""], ids=repr)
def test_a_key_that_cannot_stand_in_a_header_becomes_a_digest(key: str) -> None:
    assert webhook_id(key).startswith("msg_")
    assert webhook_id(key) == webhook_id(key) != webhook_id(key + "2")
    assert webhook_id(KEY) == KEY


def test_what_is_not_json_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequest, match="the field `data` cannot be written as JSON"):
        content_of({"data": {1, 2}}, "the field `data`")


@pytest.mark.parametrize(
    ("body", "is_one"),
    [(b"\n <!DOCTYPE html><p>", True), (b"<html>", True), (b"{}", False), (b"", False)],
    ids=repr,
)
def test_a_page_for_people_is_told_from_a_receipt(body: bytes, is_one: bool) -> None:
    assert is_page(HttpReply(200, {}, body)) is is_one


@pytest.mark.parametrize("secret", ["whsec_!!", "whsec_" + "YQ==", "whsec_"], ids=repr)
def test_a_secret_that_is_too_short_or_no_base64_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError, match="base64"):
        SECRETS.validate_python(secret)


def test_a_secret_may_stand_without_its_prefix_and_padding() -> None:
    bare = SECRET.removeprefix("whsec_").rstrip("=")
    headers = dict(Signer(SecretStr(bare), time.time).headers("42", b"{}"))
    assert Webhook(SECRET).verify(b"{}", headers) == {}

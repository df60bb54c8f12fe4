"""What proves a webhook, and all the ways in which it can fail to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.kit.webhook import BadSignature, InboundRequest
from connectors.shopify.account import ShopifyAccount
from connectors.shopify.triggers import WEBHOOK as SHOPIFY

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "vectors"


def test_a_signed_sample_becomes_the_declared_events(shop: Any, topic: str) -> None:
    events = shop.events(shop.request(topic, shop.sample(topic)))
    declared = shop.manifest.webhook.triggers[topic].event_types
    assert bool(events) == bool(declared)
    assert {event.type for event in events} <= set(declared)


def test_a_redelivery_becomes_the_same_facts(shop: Any, topic: str) -> None:
    first = shop.request(topic, shop.sample(topic))
    sandbox = shop.sandbox_class()
    second = sandbox.prepare(
        first.url, topic, shop.sample(topic), account=shop.account(), delivery_id="d-2"
    )
    keys = [[event.business_key for event in shop.events(one)] for one in (first, second)]
    assert keys[0] == keys[1]


def test_the_delivery_id_is_the_vendors(shop: Any, topic: str) -> None:
    request = shop.request(topic, shop.sample(topic))
    webhook = shop.manifest.webhook
    assert webhook.delivery_id(request, webhook.decode(request.body)) == "d-1"


def _with_header(request: Any, name: str, value: str | None) -> Any:
    headers = {key: one for key, one in request.headers.items() if key != name}
    return replace(request, headers=headers if value is None else {**headers, name: value})


def _is_accepted(shop: Any, request: Any) -> bool:
    try:
        shop.manifest.webhook.verify(request, shop.account())
    except BadSignature:
        return False
    return True


def test_whatever_is_not_proven_is_refused(shop: Any, topic: str) -> None:
    good = shop.request(topic, shop.sample(topic))
    name = shop.signature_header
    signature = good.headers[name]
    bad = {
        "missing": _with_header(good, name, None),
        "empty": _with_header(good, name, ""),
        "cut": _with_header(good, name, signature[:-2]),
        "other": _with_header(good, name, "A" * len(signature)),
        "odd": _with_header(good, name, "sig\udc80ned"),
        "body": replace(good, body=good.body.replace(b"{", b"{ ", 1)),
        "appended": replace(good, body=good.body + b" "),
        "emptied": replace(good, body=b""),
    }
    accepted = [what for what, request in bad.items() if _is_accepted(shop, request)]
    assert accepted == []


def test_another_secret_is_refused(shop: Any) -> None:
    topic = next(iter(shop.manifest.webhook.triggers))
    request = shop.request(topic, shop.sample(topic))
    account = shop.account(**{shop.signing_field: "another-secret"})
    with pytest.raises(BadSignature, match="does not match"):
        shop.manifest.webhook.verify(request, account)


def test_an_empty_secret_proves_nothing(shop: Any) -> None:
    """Prefect's UI saves blocks without validating, so an empty secret can reach us.

    Square's may be left empty: its key comes with the subscription that the hub makes.
    """
    topic = next(iter(shop.manifest.webhook.triggers))
    request = shop.request(topic, shop.sample(topic))
    if shop.slug == "square":
        assert getattr(shop.account(**{shop.signing_field: ""}), shop.signing_field) is None
    else:
        with pytest.raises(ValueError, match="unbroken line"):
            shop.account(**{shop.signing_field: ""})
    blank = shop.account().model_copy(update={shop.signing_field: SecretStr("")})
    with pytest.raises(BadSignature, match="no webhook secret"):
        shop.manifest.webhook.verify(request, blank)


def test_secrets_stay_out_of_texts(shop: Any) -> None:
    account = shop.account()
    secrets = [value for name, value in shop.fields.items() if name != "shop_domain"]
    client = shop.manifest.connect(account)
    topic = next(iter(shop.manifest.webhook.triggers))
    request = shop.request(topic, shop.sample(topic))
    try:
        shop.manifest.webhook.verify(replace(request, body=b"{}"), account)
    except BadSignature as error:
        texts = [repr(account), str(account), repr(client), repr(error), str(error)]
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_shopifys_published_vector_verifies_and_its_forgeries_do_not() -> None:
    path = VECTORS / "shopify.json"
    if not path.exists():
        pytest.skip("the published signature vectors are not on this machine")
    for vector in json.loads(path.read_text("utf-8"))["vectors"]:
        headers = {name.lower(): value for name, value in vector["headers"].items()}
        headers["x-shopify-hmac-sha256"] = vector["expected_signature"]
        account = ShopifyAccount.model_validate(
            {
                "shop_domain": headers["x-shopify-shop-domain"],
                "access_token": "shpat_x",
                "client_secret": vector["secret"],
            }
        )
        body = vector["body"].encode()
        request = InboundRequest("POST", "https://h/x", headers, body, datetime.now(UTC))
        SHOPIFY.verify(request, account)
        forged = account.model_copy(update={"shop_domain": "other.myshopify.com"})
        for bad, known in (
            (replace(request, body=body + b" "), account),
            (replace(request, body=body.replace(b"bar", b"baz")), account),
            (request, forged),
        ):
            with pytest.raises(BadSignature):
                SHOPIFY.verify(bad, known)

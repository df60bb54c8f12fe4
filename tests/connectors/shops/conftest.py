"""The three shop connectors, each with its sandbox and an account, for tests of all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.kit.account import Account
from connectors.kit.manifest import Manifest
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.registry import HOUSE, manifest
from connectors.kit.webhook import InboundRequest, Source
from connectors.shopify.sandbox import SANDBOX_ACCOUNT as SHOPIFY
from connectors.shopify.sandbox import ShopifySandbox
from connectors.square.sandbox import SANDBOX_ACCOUNT as SQUARE
from connectors.square.sandbox import SquareSandbox
from connectors.woocommerce.sandbox import SANDBOX_ACCOUNT as WOOCOMMERCE
from connectors.woocommerce.sandbox import WooCommerceSandbox
from loyalty.events import Event

HOOK = "https://hub.example/hooks/shop/main"


@dataclass(frozen=True)
class Shop:
    """One connector as the tests use it."""

    slug: str
    sandbox_class: type[SendingSandbox]
    fields: dict[str, str]
    signing_field: str
    signature_header: str

    @property
    def manifest(self) -> Manifest:
        return manifest(self.slug)

    def account(self, base_url: str = "https://shop.example", **changes: Any) -> Account:
        return self.manifest.account.model_validate(
            {**self.fields, "base_url": base_url, **changes}
        )

    def sample(self, topic: str) -> dict[str, Any]:
        trigger = self.manifest.webhook.triggers[topic]
        return json.loads(Path(HOUSE, self.slug, "samples", trigger.sample).read_text("utf-8"))

    def request(self, topic: str, payload: dict[str, Any]) -> InboundRequest:
        """A signed request as the vendor would send it."""
        sandbox = self.sandbox_class()
        return sandbox.prepare(HOOK, topic, payload, account=self.account(), delivery_id="d-1")

    def events(self, request: InboundRequest) -> list[Event]:
        """The whole way in: verify, decode, topic, parse."""
        webhook = self.manifest.webhook
        webhook.verify(request, self.account())
        payload = webhook.decode(request.body)
        trigger = webhook.triggers[webhook.topic(request, payload)]
        return list(trigger.parse(payload, request, Source(self.slug, "main")))


SHOPS = (
    Shop("shopify", ShopifySandbox, SHOPIFY, "client_secret", "x-shopify-hmac-sha256"),
    Shop(
        "woocommerce", WooCommerceSandbox, WOOCOMMERCE, "webhook_secret", "x-wc-webhook-signature"
    ),
    Shop("square", SquareSandbox, SQUARE, "signature_key", "x-square-hmacsha256-signature"),
)


def pytest_generate_tests(metafunc: Any) -> None:
    """Gives every test its shop, or every topic of every shop."""
    if {"shop", "topic"} <= set(metafunc.fixturenames):
        pairs = [(shop, topic) for shop in SHOPS for topic in shop.manifest.webhook.triggers]
        names = [f"{shop.slug}-{topic}" for shop, topic in pairs]
        metafunc.parametrize(("shop", "topic"), pairs, ids=names)
    elif "shop" in metafunc.fixturenames:
        metafunc.parametrize("shop", SHOPS, ids=[shop.slug for shop in SHOPS])

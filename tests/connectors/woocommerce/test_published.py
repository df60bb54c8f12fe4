"""What WooCommerce publishes is read where it lies, never copied."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.kit.webhook import InboundRequest, Source, Unreadable, decode_json
from connectors.woocommerce.coupons import MARK
from connectors.woocommerce.customers import meta_of
from connectors.woocommerce.records import id_of
from connectors.woocommerce.subscriptions import SUBSCRIPTIONS
from connectors.woocommerce.triggers import WEBHOOK

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "samples" / "woocommerce"
REQUEST = InboundRequest("POST", "https://h/x", {}, b"", datetime(2026, 1, 15, tzinfo=UTC))


def published(name: str) -> Any:
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip("the published payloads are not on this machine")
    return decode_json(path.read_bytes())["body"]


OTHERS = [
    "coupons_create_a_coupon",
    "order-refunds_create_a_refund",
    "order-refunds_retrieve_a_refund",
    "webhooks_create_a_webhook",
    "customers_retrieve_customer_downloads",
]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("topic", ["order.created", "order.updated"])
def test_what_is_no_order_is_refused_as_one(topic: str, name: str) -> None:
    """The topic's header is not signed, so any of the shop's bodies may come under it."""
    payload = published(name)
    with pytest.raises(Unreadable):
        WEBHOOK.triggers[topic].parse(payload, REQUEST, Source("woocommerce", "main"))


@pytest.mark.parametrize("name", ["webhooks_create_a_webhook", "webhooks_retrieve_a_webhook"])
async def test_a_published_webhook_is_read(name: str) -> None:
    payload = published(name)

    class Shop:
        async def webhooks(self) -> list[Any]:
            return [payload]

    [found] = await SUBSCRIPTIONS.listed(Shop())
    assert (found.id, found.topics) == (str(payload["id"]), ("order.updated",))
    assert found.address == payload["delivery_url"]
    assert found.is_active


@pytest.mark.parametrize("name", ["coupons_create_a_coupon", "coupons_retrieve_a_coupon"])
def test_a_published_coupon_has_an_id_and_no_mark_of_ours(name: str) -> None:
    payload = published(name)
    assert id_of(payload) == str(payload["id"])
    assert meta_of(payload, MARK) is None

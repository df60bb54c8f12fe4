"""Where a member uses a reward: "Use it now", and what to do where no link can apply the code.

Shopify applies a code by its own address `/discount/CODE` and goes on to a page
(https://help.shopify.com/en/manual/discounts/discount-methods/discount-codes: shareable links).
WooCommerce, BigCommerce, Wix and SHOPLINE have no such address of their own (WooCommerce only
with an extension), so members copy the code and enter it at the checkout.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from loyalty.catalogue import RewardItem, RewardKind

_APPLIES = {"shopify": "/discount/{code}?redirect=%2F"}
ASKS_A_PERSON = (RewardKind.PRODUCT, RewardKind.CUSTOM)


@dataclass(frozen=True, slots=True)
class UseTarget:
    """What the button leads to.

    Attributes:
        url: The shop's page; empty where no address is known.
        applies_code: Whether following the link is enough. Otherwise the code is to be copied.
        words: What the member does, as a sentence.
    """

    url: str
    applies_code: bool
    words: str


def use_target(item: RewardItem, *, store: str, code: str) -> UseTarget:
    """Where and how to use an issued reward.

    Args:
        store: The connection that issued it, `shopify/main`.
    """
    site = item.shop_url.rstrip("/")
    if item.kind is RewardKind.STORE_CREDIT:
        return UseTarget(site, True, "the credit is in your account at the shop already")
    if item.kind in ASKS_A_PERSON:
        return UseTarget(site, False, "show this code to the shop's team, who hand it out to you")
    path = _APPLIES.get(store.partition("/")[0], "")
    if site and path and item.kind is not RewardKind.GIFT_CARD:
        return UseTarget(
            site + path.format(code=quote(code, safe="")), True, "the code is applied by the link"
        )
    return UseTarget(site, False, "copy the code and enter it at the checkout")

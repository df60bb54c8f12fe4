"""WooCommerce's REST API (wc/v3).

Follows https://woocommerce.github.io/woocommerce-rest-api-docs. Key and secret travel as HTTP
Basic, which is for https only: over plain http WooCommerce itself asks for OAuth 1.0a.
"""

from __future__ import annotations

from base64 import b64encode

import httpx

from connectors.kit.errors import ConnectorBug
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.woocommerce.account import WooCommerceAccount

CURRENCY = "/wp-json/wc/v3/data/currencies/current"


class WooCommerceClient:
    """Speaks to one shop."""

    def __init__(self, account: WooCommerceAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        key = account.consumer_key.get_secret_value()
        secret = account.consumer_secret.get_secret_value()
        basic = b64encode(f"{key}:{secret}".encode()).decode("ascii")
        self._site = account.base_url
        self._http = HttpClient(
            account.base_url, headers={"Authorization": f"Basic {basic}"}, timeout=timeout
        )

    async def check(self) -> str:
        """The shop's currency in a sentence; AuthError where the key is refused."""
        reply = (await self._http.send("GET", CURRENCY)).json()
        if not isinstance(reply, dict) or not isinstance(reply.get("code"), str):
            raise ConnectorBug("WooCommerce's answer names no currency: is the address a shop's?")
        return f"The shop at {self._site} answers; its currency is {reply['code'][:3]}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

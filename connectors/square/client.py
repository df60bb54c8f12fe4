"""Square's REST API (https://developer.squareup.com/reference/square)."""

from __future__ import annotations

import httpx

from connectors.kit.errors import ConnectorBug
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.square.account import SquareAccount

API_VERSION = "2025-08-20"
LOCATIONS = "/v2/locations"


class SquareClient:
    """Speaks for one seller."""

    def __init__(self, account: SquareAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._http = HttpClient(
            account.base_url,
            headers={
                "Authorization": f"Bearer {account.access_token.get_secret_value()}",
                "Square-Version": API_VERSION,
            },
            timeout=timeout,
        )

    async def check(self) -> str:
        """The seller's locations in a sentence; AuthError where the token is refused."""
        reply = (await self._http.send("GET", LOCATIONS)).json()
        # A seller without locations gets an empty object (ListLocationsResponse).
        found = reply.get("locations", []) if isinstance(reply, dict) else None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ConnectorBug("Square's answer is not a list of locations")
        names = ", ".join(str(one.get("name", ""))[:40] for one in found[:3]) or "none yet"
        return f"The seller answers; locations: {names}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

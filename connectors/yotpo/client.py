"""Yotpo Loyalty's REST API, version 2.

Follows https://loyaltyapi.yotpo.com/reference: JSON below `/api/v2`, two headers. A customer is
named by the shop's own id or by e-mail. 423 says that the customer's record is busy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx

from connectors.kit.capabilities import Whom
from connectors.kit.errors import ConnectorBug, ConnectorError, NotFound, Transient
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import listed, walk
from connectors.yotpo.account import YotpoAccount

V2 = "/api/v2"
RECENT = f"{V2}/customers/recent"
PAGE_SIZE = 100
BUSY = 423


class YotpoClient:
    """Speaks to one programme.

    Attributes:
        account: Its settings, of which polling and actions ask.
    """

    def __init__(self, account: YotpoAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.account = account
        self._http = HttpClient(
            account.base_url,
            headers={"x-guid": account.guid, "x-api-key": account.api_key.get_secret_value()},
            timeout=timeout,
            explain=_explain,
        )

    async def write(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Posts the body; what Yotpo answers, which may be nothing."""
        reply = await self._http.send("POST", f"{V2}{path}", json=body)
        found = reply.json() if reply.body.strip() else {}
        if not isinstance(found, dict):
            raise ConnectorBug("Yotpo's answer is no object")
        return found

    async def customer(
        self, query: Mapping[str, str], *, with_history: bool = False
    ) -> dict[str, Any]:
        """A customer's record, with what they earned and spent where asked for.

        Raises:
            NotFound: The programme has no such customer.
        """
        asked = {**query, "with_history": "true"} if with_history else dict(query)
        found = (await self._http.send("GET", f"{V2}/customers", params=asked)).json()
        if not isinstance(found, dict):
            raise ConnectorBug("Yotpo's answer is no customer")
        if not found.get("email"):
            raise NotFound("Yotpo has no such customer")
        return found

    async def naming(self, whom: Whom) -> dict[str, str]:
        """How Yotpo is told who is meant: the shop's id, else the e-mail address.

        Raises:
            NotFound: Neither is known, and the telephone number belongs to nobody.
        """
        if whom.customer_id:
            return {"customer_id": whom.customer_id}
        if whom.email:
            return {"customer_email": whom.email}
        if whom.phone:
            found = await self.customer({"customer_phone": whom.phone})
            return {"customer_email": str(found["email"])}
        raise NotFound("Yotpo knows customers by the shop's id, e-mail or telephone only")

    async def recent_customers(self) -> AsyncIterator[Sequence[Any]]:
        """Customers that changed recently, as Yotpo orders them, page by page."""

        async def fetch(step: str) -> tuple[Sequence[Any], str | None]:
            query = {"per_page": str(PAGE_SIZE), **({"page_info": step} if step else {})}
            reply = (await self._http.send("GET", RECENT, params=query)).json()
            return listed(reply, "customers"), _next_page(reply)

        async for page in walk(fetch, ""):
            yield page

    async def check(self) -> str:
        """How many rewards are on offer, in a sentence; AuthError where the key is refused."""
        found = (await self._http.send("GET", f"{V2}/redemption_options")).json()
        if not isinstance(found, list):
            raise ConnectorBug("Yotpo's answer is no list of redemption options")
        return f"Yotpo Loyalty answers and offers {len(found)} ways to redeem points."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()


def _next_page(reply: Any) -> str | None:
    metadata = reply.get("metadata") if isinstance(reply, dict) else None
    found = metadata.get("next_page_info") if isinstance(metadata, dict) else None
    return str(found) if found else None


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    if status == BUSY:
        return Transient("Yotpo is busy with this customer's record: try again", status=status)
    return None

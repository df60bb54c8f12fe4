"""Marketing Cloud's REST API, under a token of twenty minutes.

https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/apis-overview.html. A
token is asked for once in its life: the vendor wants no more than one in twenty minutes, so
the hub's store keeps it for all workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import orjson

from connectors.kit.capabilities import Whom
from connectors.kit.errors import (
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    RateLimited,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.http_errors import retry_after
from connectors.kit.oauth import TokenGrant, TokenKeeper, TokenStore
from connectors.kit.redact import without_people
from connectors.salesforce.account import SalesforceAccount

BLOCKED = timedelta(minutes=1)
"""How long to wait after 50200, which says `temporarily blocked` and not for how long."""

LIFETIME = timedelta(minutes=20)


class SalesforceClient:
    """Speaks to one business unit."""

    def __init__(
        self,
        account: SalesforceAccount,
        tokens: TokenStore | None = None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.account = account
        grant = TokenGrant(
            f"{account.auth_url}/v2/token",
            account.client_id,
            account.client_secret,
            client_in="json",
            fields={"account_id": account.account_id} if account.account_id else {},
            lifetime=LIFETIME,
            timeout=timeout,
        )
        keeper = TokenKeeper(grant, tokens)
        self._http = HttpClient(account.base_url, auth=keeper, timeout=timeout, explain=_explain)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call; None where the answer has no content."""
        reply = await self._http.send(method, path, json=body)
        return reply.json() if reply.body else None

    async def check(self) -> str:
        """That the package's token is good; AuthError where it is not."""
        reply = await self.call("GET", "/platform/v1/tokenContext")
        if not isinstance(reply, dict):
            raise ConnectorBug("Marketing Cloud's answer tells nothing of the token")
        unit = reply.get("organization")
        found = unit.get("id") if isinstance(unit, dict) else None
        named = str(found or self.account.account_id or "of the package")[:40]
        return f"Marketing Cloud answers for the business unit {named}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    def key_of(self, whom: Whom) -> str:
        """The contact key of a person.

        Raises:
            NotFound: What is known of them is not what contact keys are made of.
        """
        if whom.customer_id:
            return whom.customer_id
        found = whom.email.lower() if self.account.contacts_by == "email" else whom.external_id
        if not found:
            raise NotFound(
                f"contact keys are the {self.account.contacts_by} here, and this person has none"
            )
        return found


def text_of(record: Any, name: str) -> str:
    """A text of a reply; ConnectorBug where it is not there."""
    found = record.get(name) if isinstance(record, dict) else None
    if not isinstance(found, str) or not found:
        raise ConnectorBug(f"Marketing Cloud's answer has no {name}")
    return found


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(reply, dict):
        return None
    code = str(reply.get("errorcode") or reply.get("errorCode") or "")[:20]
    says = without_people(str(reply.get("message") or "")[:200])
    if status == 429:
        wait = retry_after(headers) or (BLOCKED if code == "50200" else None)
        text = f"Marketing Cloud asks for a pause ({code or 429}): {says}"
        return RateLimited(text, retry_after=wait, vendor_code=code or None, status=status)
    if status in (400, 422) and code:
        return InvalidRequest(
            f"Marketing Cloud refuses it ({code}): {says}", vendor_code=code, status=status
        )
    return None

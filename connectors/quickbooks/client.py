"""QuickBooks Online's Accounting API, version 3.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting: everything below a company,
lists by a query language. Numbers are read as Decimals, never as floats.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from connectors.kit.capabilities import Whom
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    RateLimited,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.oauth import TokenGrant, TokenKeeper, TokenStore
from connectors.kit.paging import dig, walk
from connectors.kit.redact import without_people
from connectors.quickbooks.account import QuickbooksAccount

MINOR_VERSION = "75"
PAGE_SIZE = 500
PAUSE = timedelta(seconds=60)
"""Intuit's own advice after a 429; it sends no header."""

STALE, DOUBLE_NAME, DOUBLE_NUMBER, NOT_THERE = "5010", "6240", "6140", "610"
Record = dict[str, Any]


class QuickbooksClient:
    """Speaks to one company."""

    def __init__(
        self,
        account: QuickbooksAccount,
        tokens: TokenStore | None = None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.account = account
        grant = TokenGrant(
            f"{account.auth_url}/oauth2/v1/tokens/bearer",
            account.client_id,
            account.client_secret,
            account.refresh_token,
            client_in="basic",
            timeout=timeout,
        )
        self._root = f"/v3/company/{account.realm_id}"
        self._http = HttpClient(
            account.base_url,
            headers={"Accept": "application/json"},
            auth=TokenKeeper(grant, tokens),
            timeout=timeout,
            explain=_explain,
        )

    async def query(self, entity: str, rest: str) -> Sequence[Any]:
        """`select * from …`: one page of records."""
        text = f"select * from {entity} {rest}"  # noqa: S608 - Intuit's language; texts are quoted
        params = {"query": text, "minorversion": MINOR_VERSION}
        reply = (await self._http.send("GET", f"{self._root}/query", params=params)).exact_json()
        answer = dig(reply, "QueryResponse")
        if not isinstance(answer, dict):
            raise ConnectorBug("QuickBooks' answer to a query holds no QueryResponse")
        found = answer.get(entity, [])  # nothing found is told by leaving the list out
        if not isinstance(found, list):
            raise ConnectorBug(f"QuickBooks' answer to a query holds no list of {entity}")
        return found

    async def changed(self, entity: str, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """What changed since, the oldest change first."""
        moment = start.astimezone(UTC).isoformat(timespec="seconds")
        where = f"where MetaData.LastUpdatedTime >= '{moment}'"

        async def fetch(place: int) -> tuple[Sequence[Any], int | None]:
            order = f"orderby MetaData.LastUpdatedTime startposition {place}"
            found = await self.query(entity, f"{where} {order} maxresults {PAGE_SIZE}")
            return found, place + PAGE_SIZE if len(found) == PAGE_SIZE else None

        async for page in walk(fetch, 1):
            yield page

    async def customer_of(self, whom: Whom) -> Record | None:
        """An active customer by number or e-mail; None where there is none, or several.

        An id that is no number is another vendor's.
        """
        if whom.customer_id.isdecimal():
            found = await self.query("Customer", f"where Id = '{whom.customer_id}'")
        elif whom.email:
            found = await self.query("Customer", f"where PrimaryEmailAddr = '{quoted(whom.email)}'")
        else:
            return None
        people = [one for one in found if isinstance(one, dict) and one.get("Active", True)]
        return people[0] if len(people) == 1 else None

    async def create_receipt(self, body: Record, request_id: str) -> Record:
        """Books a sales receipt; the same request id twice is booked once."""
        params = {"requestid": request_id, "minorversion": MINOR_VERSION}
        path = f"{self._root}/salesreceipt"
        reply = (await self._http.send("POST", path, json=body, params=params)).exact_json()
        found = dig(reply, "SalesReceipt")
        if not isinstance(found, dict) or not isinstance(found.get("Id"), str):
            raise ConnectorBug("QuickBooks' answer holds no sales receipt")
        return found

    async def check(self) -> str:
        """The company's name in a sentence; AuthError where the authorisation has ended."""
        found = await self.query("CompanyInfo", "")
        name = (
            str(found[0].get("CompanyName") or "") if found and isinstance(found[0], dict) else ""
        )
        return f"The books of {name[:100]!r} answer."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()


def quoted(text: str) -> str:
    """Text as it stands between the quotes of a query."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """What a Fault says; QuickBooks answers 400 to nearly everything."""
    if status == 429:
        return RateLimited("QuickBooks asks for a minute's pause", retry_after=PAUSE, status=429)
    if status != 400:
        return None
    code, says, kind = _fault(body)
    if not code:
        return None
    known: dict[str, Any] = {"vendor_code": code, "status": status}
    text = f"QuickBooks refuses it ({code}): {without_people(says)}"
    if kind.upper().startswith("AUTH"):
        return AuthError(text, **known)
    if code == NOT_THERE:
        return NotFound(text, **known)
    if code in (STALE, DOUBLE_NAME, DOUBLE_NUMBER):
        return Conflict(text, **known)
    return InvalidRequest(text, **known)


def _fault(body: bytes) -> tuple[str, str, str]:
    try:
        fault = orjson.loads(body).get("Fault")
        one = fault["Error"][0]
        says = f"{one.get('Message', '')}: {one.get('Detail', '')}"[:300]
        return str(one.get("code") or "")[:20], says, str(fault.get("type", ""))
    except (orjson.JSONDecodeError, AttributeError, KeyError, IndexError, TypeError):
        return "", "", ""

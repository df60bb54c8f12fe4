"""Airtable's Web API.

Follows https://airtable.com/developers/web/api/errors: a refusal's `error` is an object of type
and message, or a word alone. After 429 nothing is answered for 30 seconds, which no header says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from connectors.airtable.account import AirtableAccount
from connectors.kit.errors import (
    ConnectorBug,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.http_errors import error_for_status, retry_after
from connectors.kit.paging import by_cursor, listed, walk
from connectors.kit.redact import without_people

PAGE_SIZE = 100
PAYLOADS = 50
PENALTY = timedelta(seconds=30)
Fields = Mapping[str, Any]


class AirtableClient:
    """Speaks to one base."""

    def __init__(self, account: AirtableAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.account = account
        self._user = ""
        self._base = f"/v0/{account.base_id}"
        self._hooks = f"/v0/bases/{account.base_id}/webhooks"
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Bearer {account.access_token.get_secret_value()}"},
            timeout=timeout,
            explain=_explain,
        )

    # --- records -----------------------------------------------------------------------------

    async def upsert(self, table: str, by: str, rows: Sequence[Fields]) -> list[str]:
        """Writes up to ten rows found by a column, or makes them; their ids, in order."""
        return await self._written(
            "PATCH",
            table,
            {"performUpsert": {"fieldsToMergeOn": [by]}, "records": [{"fields": r} for r in rows]},
        )

    async def update(self, table: str, rows: Sequence[tuple[str, Fields]]) -> list[str]:
        """Writes fields of up to ten records that are there; the other fields stay."""
        records = [{"id": record_id, "fields": fields} for record_id, fields in rows]
        return await self._written("PATCH", table, {"records": records})

    async def records(self, table: str, formula: str) -> AsyncIterator[Sequence[Any]]:
        """The records of which a formula is true, a page at a time."""
        params = {"filterByFormula": formula, "pageSize": str(PAGE_SIZE)}
        walk_on = by_cursor(
            self._http,
            self._table(table),
            items="records",
            cursor="offset",
            param="offset",
            params=params,
        )
        async for page in walk_on:
            yield page

    # --- webhooks ----------------------------------------------------------------------------

    async def webhooks(self) -> Sequence[Mapping[str, Any]]:
        """Every webhook of the base that the token may see; the list has no pages."""
        found = listed((await self._http.send("GET", self._hooks)).json(), "webhooks")
        for one in found:
            if not isinstance(one, dict) or not isinstance(one.get("id"), str):
                raise ConnectorBug("Airtable's webhook has no id")
        return found

    async def create_webhook(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Makes one; the answer alone holds its secret."""
        reply = (await self._http.send("POST", self._hooks, json=body)).json()
        if not isinstance(reply, dict) or not reply.get("id") or not reply.get("macSecretBase64"):
            raise OutcomeUnknown("Airtable made a webhook and does not tell its id or secret")
        return reply

    async def refresh_webhook(self, webhook_id: str) -> Mapping[str, Any]:
        """Gives one another week; the answer holds its end."""
        reply = (await self._http.send("POST", f"{self._hooks}/{webhook_id}/refresh")).json()
        if not isinstance(reply, dict):
            raise ConnectorBug("Airtable does not say until when the webhook lives")
        return reply

    async def delete_webhook(self, webhook_id: str) -> None:
        """Removes one; NotFound where it is gone."""
        await self._http.send("DELETE", f"{self._hooks}/{webhook_id}")

    async def payloads(
        self, webhook_id: str, number: int
    ) -> AsyncIterator[tuple[Sequence[Any], int]]:
        """What a webhook noted from a number on: the changes, and the number to go on from."""

        async def fetch(step: int) -> tuple[Sequence[tuple[Sequence[Any], int]], int | None]:
            params = {"cursor": str(step), "limit": str(PAYLOADS)}
            path = f"{self._hooks}/{webhook_id}/payloads"
            reply = (await self._http.send("GET", path, params=params)).json()
            found = listed(reply, "payloads")
            following = reply.get("cursor")
            if type(following) is not int:
                raise ConnectorBug("Airtable does not say where its payloads go on")
            more = reply.get("mightHaveMore") is True
            return [(found, following)], following if more else None

        async for page in walk(fetch, number):
            for one in page:
                yield one

    async def user(self) -> str:
        """The id of the token's own user: what it writes comes back as a change."""
        if not self._user:
            reply = (await self._http.send("GET", "/v0/meta/whoami")).json()
            found = reply.get("id") if isinstance(reply, dict) else None
            if not isinstance(found, str) or not found:
                raise ConnectorBug("Airtable does not say whose token it is")
            self._user = found
        return self._user

    async def check(self) -> str:
        """One record of the table is asked for; AuthError where the token is refused."""
        await self.user()
        params = {"pageSize": "1", "maxRecords": "1"}
        reply = await self._http.send("GET", self._table(self.account.table), params=params)
        listed(reply.json(), "records")
        return f"The base {self.account.base_id} answers, and its table can be read."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    def _table(self, table: str) -> str:
        return f"{self._base}/{quote(table, safe='')}"

    async def _written(self, method: str, table: str, body: dict[str, Any]) -> list[str]:
        content = {**body, "typecast": self.account.typecast}
        reply = (await self._http.send(method, self._table(table), json=content)).json()
        found = [
            str(one["id"])
            for one in listed(reply, "records")
            if isinstance(one, dict) and one.get("id")
        ]
        if len(found) != len(body["records"]):
            raise OutcomeUnknown("Airtable answered for another number of records than it was told")
        return found


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    code, message = _told(body)
    says = without_people(f"{message[:200]} ({code})" if message else code)
    if status == 429 and "BILLING_LIMIT" in code:
        text = f"the workspace's calls of this month are used up: {says}"
        return QuotaExceeded(text, vendor_code=code, status=status)
    if status == 429:
        asked = retry_after(headers)
        return RateLimited(
            f"Airtable answers nothing for 30 seconds: {says}",
            retry_after=max(asked or PENALTY, PENALTY),
            vendor_code=code or None,
            status=status,
        )
    if status == 403 and code == "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND":
        text = "the token may not open this base or table, or there is none of that id or name"
        return error_for_status(
            status, headers=headers, writes=writes, detail=text, vendor_code=code
        )
    if status == 404:
        return NotFound(f"Airtable has no such base, table, record or webhook: {says}",
                        vendor_code=code or None, status=status)  # fmt: skip
    if not code:
        return None
    return error_for_status(
        status, headers=headers, body=body, writes=writes, detail=says, vendor_code=code
    )


def _told(body: bytes) -> tuple[str, str]:
    """The type and the message of a refusal; empty where there are none."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    error = reply.get("error") if isinstance(reply, dict) else None
    if isinstance(error, dict):
        return str(error.get("type", ""))[:80], str(error.get("message", ""))
    return (error[:80], "") if isinstance(error, str) else ("", "")

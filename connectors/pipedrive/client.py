"""Pipedrive's REST API.

Follows https://developers.pipedrive.com/docs/api/v1: `{"success": …, "data": …}` around every
answer, `error` and `error_info` in a refusal. A deleted record answers 410. Whoever goes on
asking after 429 is locked out by a page for people with status 403.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from connectors.kit.errors import ConnectorBug, ConnectorError, NotFound, RateLimited
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.http_errors import error_for_status
from connectors.kit.paging import by_cursor, dig, listed
from connectors.kit.redact import without_people
from connectors.pipedrive.account import PipedriveAccount
from connectors.pipedrive.version import V1, V2

PAGE_SIZE = 500
NEWEST = 100
"""How many of a person's deals, activities or notes are looked through after a lost answer."""
LOCKED_OUT = timedelta(minutes=5)


class PipedriveClient:
    """Speaks to one company."""

    def __init__(self, account: PipedriveAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.account = account
        self._fields: Sequence[Mapping[str, Any]] | None = None
        self._http = HttpClient(
            account.base_url,
            headers={"x-api-token": account.api_token.get_secret_value()},
            timeout=timeout,
            explain=_explain,
        )

    async def search(self, term: str, field: str) -> Sequence[Any]:
        """Persons that have exactly this e-mail, telephone or custom field."""
        params = {"term": term, "fields": field, "exact_match": "true", "limit": "10"}
        reply = (await self._http.send("GET", f"{V2}/persons/search", params=params)).json()
        return [dig(one, "item") for one in listed(reply, "data.items")]

    async def person(self, person_id: int) -> Mapping[str, Any]:
        """One person; NotFound where there is none, or it was deleted."""
        found = await self._data("GET", f"{V2}/persons/{person_id}")
        if found.get("is_deleted") is True:
            raise NotFound("Pipedrive's person was deleted")
        return found

    async def write_person(self, body: Mapping[str, Any], person_id: int | None = None) -> int:
        """Makes a person, or changes one; its id."""
        if person_id is None:
            return _id(await self._data("POST", f"{V2}/persons", body))
        return _id(await self._data("PATCH", f"{V2}/persons/{person_id}", body))

    async def create(self, resource: str, body: Mapping[str, Any]) -> int:
        """Makes a deal or an activity; its id."""
        return _id(await self._data("POST", f"{V2}/{resource}", body))

    async def create_note(self, body: Mapping[str, Any]) -> int:
        """Makes a note; its id."""
        return _id(await self._data("POST", f"{V1}/notes", body))

    async def newest(self, resource: str, person_id: int) -> Sequence[Any]:
        """The newest deals or activities of a person."""
        params = {"person_id": str(person_id), "sort_by": "add_time", "sort_direction": "desc"}
        params["limit"] = str(NEWEST)
        reply = await self._http.send("GET", f"{V2}/{resource}", params=params)
        return _list(reply.json())

    async def newest_notes(self, person_id: int) -> Sequence[Any]:
        """The newest notes of a person."""
        params = {"person_id": str(person_id), "sort": "add_time DESC", "limit": str(NEWEST)}
        return _list((await self._http.send("GET", f"{V1}/notes", params=params)).json())

    async def person_fields(self) -> Sequence[Mapping[str, Any]]:
        """The fields of persons, asked once: their names are what rules use."""
        if self._fields is None:
            found: list[Mapping[str, Any]] = []
            walk = by_cursor(
                self._http,
                f"{V2}/personFields",
                items="data",
                cursor="additional_data.next_cursor",
                params={"limit": str(PAGE_SIZE)},
            )
            async for page in walk:
                found += [one for one in page if isinstance(one, dict)]
            self._fields = found
        return self._fields

    def forget_fields(self) -> None:
        """Asks for the fields anew at the next use: somebody may have made one meanwhile."""
        self._fields = None

    async def changed(
        self, resource: str, start: datetime, **narrowed: str
    ) -> AsyncIterator[Sequence[Any]]:
        """Persons, deals or activities that changed since, oldest change first."""
        params = {
            "updated_since": start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sort_by": "update_time",
            "sort_direction": "asc",
            "limit": str(PAGE_SIZE),
            **narrowed,
        }
        walk = by_cursor(
            self._http,
            f"{V2}/{resource}",
            items="data",
            cursor="additional_data.next_cursor",
            params=params,
        )
        async for page in walk:
            yield page

    async def webhooks(self) -> Sequence[Any]:
        """Every webhook of the company that the user may see; the list has no pages."""
        return _list((await self._http.send("GET", f"{V1}/webhooks")).json())

    async def create_webhook(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Makes one and returns it."""
        return await self._data("POST", f"{V1}/webhooks", body)

    async def delete_webhook(self, webhook_id: str) -> None:
        """Removes one; NotFound where it is gone."""
        await self._http.send("DELETE", f"{V1}/webhooks/{webhook_id}")

    async def check(self) -> str:
        """The company's name in a sentence; AuthError where the token is refused."""
        found = await self._data("GET", f"{V1}/users/me")
        return f"The company {str(found.get('company_name', ''))[:100]!r} answers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _data(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        found = dig((await self._http.send(method, path, json=body)).json(), "data")
        if not isinstance(found, dict):
            raise ConnectorBug("Pipedrive answered without data")
        return found


def _id(found: Mapping[str, Any]) -> int:
    identity = found.get("id")
    if type(identity) is not int:
        raise ConnectorBug("Pipedrive's answer has no id")
    return identity


def _list(reply: Any) -> Sequence[Any]:
    """The data of a list, which the first API spells null where there is nothing."""
    if isinstance(reply, dict) and "data" in reply and reply["data"] is None:
        return ()
    return listed(reply, "data")


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    lower = {name.lower(): value for name, value in headers.items()}
    if status == 403 and "html" in lower.get("content-type", ""):
        return RateLimited(
            "Pipedrive locked this address out for calling too often",
            retry_after=LOCKED_OUT,
            status=status,
        )
    if status == 429 and "retry-after" not in lower and "x-ratelimit-reset" in lower:
        lower["retry-after"] = lower["x-ratelimit-reset"]
        return error_for_status(status, headers=lower, body=body, writes=writes)
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    error = reply.get("error") if isinstance(reply, dict) else None
    if not isinstance(error, str):
        return NotFound("Pipedrive's record was deleted", status=status) if status == 410 else None
    code = str(reply.get("code") or "")[:60] or None
    says = without_people(error[:200])
    if status == 410:
        return NotFound(f"Pipedrive's record was deleted: {says}", status=status, vendor_code=code)
    return error_for_status(
        status, headers=headers, body=body, writes=writes, detail=says, vendor_code=code
    )

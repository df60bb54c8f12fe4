"""ActiveCampaign's API, version 3, and its address for events.

https://developers.activecampaign.com/reference/overview. A key that is wrong and a user who may
not do something are both answered with 403, so either pauses the connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from connectors.activecampaign.account import ActiveCampaignAccount
from connectors.kit.capabilities import Properties, Whom
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import dig, listed, walk
from connectors.kit.redact import without_people
from connectors.kit.values import as_text

API = "/api/3"
PAGE_SIZE = "100"


class ActiveCampaignClient:
    """Speaks to one account. Ids of tags and fields are kept: they do not change."""

    def __init__(self, account: ActiveCampaignAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.list_id = account.list_id
        self._account = account
        self._fields: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._http = HttpClient(
            account.base_url,
            headers={"Api-Token": account.api_token.get_secret_value()},
            timeout=timeout,
            explain=_explain,
        )
        self._events = HttpClient(account.events_url, timeout=timeout, connections=4)

    async def get(self, path: str, **params: str) -> Any:
        """What stands at a path below the API's root."""
        return (await self._http.send("GET", f"{API}{path}", params=params or None)).json()

    async def write(self, method: str, path: str, body: Any) -> Any:
        """Writes, and gives the answer."""
        return (await self._http.send(method, f"{API}{path}", json=body)).json()

    async def delete(self, path: str) -> None:
        """Deletes; NotFound where it is gone."""
        await self._http.send("DELETE", f"{API}{path}")

    async def check(self) -> str:
        """The account's host and how many lists it has; AuthError where the key is refused."""
        reply = await self.get("/lists", limit="1")
        listed(reply, "lists")
        total = str(dig(reply, "meta.total") or 0)[:12]
        host = urlsplit(self._account.base_url).hostname
        return f"The account at {host} answers; lists: {total}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()
        await self._events.aclose()

    async def contact_id(self, whom: Whom) -> str:
        """ActiveCampaign's number of a person: as given, else by e-mail, telephone, member id.

        An id that is no number is another vendor's.

        Raises:
            NotFound: The account has no such contact.
        """
        if whom.customer_id.isdecimal():
            return whom.customer_id
        if whom.email:
            found = listed(await self.get("/contacts", email=whom.email), "contacts")
            if found:
                return text_of(found[0], "id")
        if whom.phone:
            found = listed(await self.get("/contacts", search=whom.phone), "contacts")
            same = [one for one in found if _digits(one.get("phone")) == _digits(whom.phone)]
            if len(same) == 1:
                return text_of(same[0], "id")
        identity = await self._by_member(whom.external_id) if whom.external_id else None
        if identity is not None:
            return identity
        raise NotFound("ActiveCampaign has no contact with this e-mail, telephone or member id")

    async def _by_member(self, member: str) -> str | None:
        if not self._account.member_field:
            return None
        field = await self.field_id(self._account.member_field)
        query = {"filters[fieldid]": field, "filters[val]": member}
        for one in listed(await self.get("/fieldValues", **query), "fieldValues"):
            if one.get("value") == member:
                return text_of(one, "contact")
        return None

    async def field_values(self, properties: Properties) -> list[dict[str, str]]:
        """Custom fields as a contact takes them; None clears one."""
        return [
            {"field": await self.field_id(name), "value": as_text(value)}
            for name, value in properties.items()
        ]

    async def field_id(self, name: str) -> str:
        """The number of a custom field, by its personalisation tag.

        Raises:
            InvalidRequest: There is none; a person has to make it.
        """
        tag = "".join(letter if letter.isalnum() else "_" for letter in name).upper()
        if tag not in self._fields:
            query = {"filters[perstag]": tag, "limit": PAGE_SIZE}
            found = listed(await self.get("/fields", **query), "fields")
            ids = [text_of(one, "id") for one in found if one.get("perstag") == tag]
            if not ids:
                raise InvalidRequest(
                    f"ActiveCampaign has no contact field with the personalisation tag %{tag}%: "
                    "make it under Contacts, Fields"
                )
            self._fields[tag] = ids[0]
        return self._fields[tag]

    async def tag_id(self, name: str, *, make: bool) -> str | None:
        """The number of a tag; made where it is missing and may be."""
        if name not in self._tags:
            found = await self._tag(name)
            if found is None and make:
                try:
                    body = {"tag": {"tag": name, "tagType": "contact", "description": ""}}
                    found = text_of((await self.write("POST", "/tags", body)).get("tag"), "id")
                except (InvalidRequest, Conflict):
                    found = await self._tag(name)  # another worker may have been faster
                    if found is None:
                        raise
            if found is None:
                return None
            self._tags[name] = found
        return self._tags[name]

    async def _tag(self, name: str) -> str | None:
        for one in listed(await self.get("/tags", search=name), "tags"):
            if str(one.get("tag", "")).casefold() == name.casefold():
                return text_of(one, "id")
        return None

    async def changed(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Contacts that changed since, by number.

        The vendor's page says `date` of this filter, so it may be read by the day: the caller
        leaves out what is older. A page of any length is followed by another until one is
        empty, since the length of a page is the vendor's.
        """
        query = {
            "filters[updated_after]": start.isoformat(timespec="seconds"),
            "orders[id]": "ASC",
            "limit": PAGE_SIZE,
        }

        async def fetch(after: int) -> tuple[Sequence[Any], int | None]:
            more = {"id_greater": str(after)} if after else {}
            found = listed(await self.get("/contacts", **query, **more), "contacts")
            return found, max(_number(one) for one in found) if found else None

        async for page in walk(fetch, 0):
            yield page

    async def standings(self, contact: str) -> Sequence[Any]:
        """The lists that a contact is or was on."""
        return listed(await self.get(f"/contacts/{contact}/contactLists"), "contactLists")

    async def track(self, form: Mapping[str, str]) -> None:
        """Sends an event; refusals come with status 200 and `success` 0."""
        key = self._account.event_key
        if key is None or not self._account.event_actid:
            raise InvalidRequest(
                "events need the event key and the account's number (actid): enter them in the "
                "connection's block"
            )
        account = {"key": key.get_secret_value(), "actid": self._account.event_actid}
        reply = (await self._events.send("POST", "/event", form={**account, **form})).json()
        if not isinstance(reply, dict) or str(reply.get("success")) != "1":
            says = str(reply.get("message", ""))[:200] if isinstance(reply, dict) else ""
            raise InvalidRequest(f"ActiveCampaign did not take the event: {without_people(says)}")


def text_of(record: Any, name: str) -> str:
    """A text or number of a reply, as text; ConnectorBug where it is not there."""
    found = record.get(name) if isinstance(record, dict) else None
    if not isinstance(found, (str, int)) or isinstance(found, bool) or found == "":
        raise ConnectorBug(f"ActiveCampaign's answer has no {name}")
    return str(found)


def _number(contact: Any) -> int:
    text = text_of(contact, "id")
    if not text.isdecimal():
        raise ConnectorBug("ActiveCampaign's contact has an id that is no number")
    return int(text)


def _digits(phone: Any) -> str:
    return "".join(letter for letter in str(phone or "") if letter.isdigit())


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    if status == 403:
        return AuthError(
            "ActiveCampaign refuses the API key, or its user's group may not do this: enter the "
            "key of a user with permission for contacts, lists, tags and automations",
            status=status,
        )
    if status not in (400, 422):
        return None
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    errors = reply.get("errors") if isinstance(reply, dict) else None
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return None
    says = " ".join(str(errors[0].get(name) or "") for name in ("title", "detail")).strip()
    code = str(errors[0].get("code") or "")[:60]
    kind = Conflict if code == "duplicate" else InvalidRequest
    return kind(
        f"ActiveCampaign refuses it: {without_people(says[:200])}",
        vendor_code=code or None,
        status=status,
    )

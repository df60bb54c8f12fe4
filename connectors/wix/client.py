"""Wix's REST API.

Follows https://dev.wix.com/docs/rest: questions are posted as queries, pages go by cursor
(contacts by offset). Numbers are read as Decimals.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from connectors.kit.customers import EVERYTHING
from connectors.kit.errors import ConnectorBug
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.oauth import TokenGrant, TokenKeeper, TokenStore
from connectors.kit.paging import BOUNDS, Bounds, dig, listed, walk
from connectors.wix.account import WixAccount

PAGE_SIZE = 100
CONTACTS = "/contacts/v4/contacts"
LABELS = "/contacts/v4/labels"
FIELDS = "/contacts/v4/extended-fields"
ACCOUNTS = "/loyalty-accounts/v1/accounts"
TRANSACTIONS = "/loyalty-transactions/v1/loyalty-transactions"
ORDERS = "/ecom/v1/orders/search"
PAYMENTS = "/ecom/v1/payments/orders"
COUPONS = "/stores/v2/coupons"


class WixClient:
    """Speaks to one site."""

    def __init__(
        self,
        account: WixAccount,
        tokens: TokenStore | None = None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.app_id = account.app_id
        self.currency = account.currency
        self.tells_redemptions = account.tells_redemptions
        headers: dict[str, str] = {}
        keeper = None
        if account.app_secret is not None and account.instance_id:
            grant = TokenGrant(
                f"{account.api_url}/oauth2/token",
                account.app_id,
                account.app_secret,
                client_in="json",
                fields={"instance_id": account.instance_id},
                lifetime=timedelta(hours=1),  # it says its own as a rule
                timeout=timeout,
            )
            keeper = TokenKeeper(grant, tokens, scheme="")
        else:
            assert account.api_key is not None
            headers["Authorization"] = account.api_key.get_secret_value()
            headers["wix-site-id"] = account.site_id
        self._http = HttpClient(account.api_url, headers=headers, auth=keeper, timeout=timeout)

    # --- what changed ------------------------------------------------------------------------

    def changed_contacts(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Contacts that changed since, in the order of their creation, which never changes."""
        return self._contacts("updatedDate", start, BOUNDS)

    def contacts_made(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """All contacts that were made since, in that order."""
        return self._contacts("createdDate", start, EVERYTHING)

    async def _contacts(
        self, field: str, start: datetime, bounds: Bounds
    ) -> AsyncIterator[Sequence[Any]]:

        async def fetch(step: int) -> tuple[Sequence[Any], int | None]:
            query = {
                "filter": {field: {"$gte": _iso(start)}},
                "sort": [{"fieldName": "createdDate", "order": "ASC"}],
                "paging": {"limit": PAGE_SIZE, "offset": step},
            }
            reply = await self._asked(f"{CONTACTS}/query", {"query": query})
            found = listed(reply, "contacts")
            return found, step + len(found) if len(found) >= PAGE_SIZE else None

        async for page in walk(fetch, 0, bounds=bounds):
            yield page

    async def changed_orders(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Orders that changed since, oldest change first."""
        search = {
            "filter": {"updatedDate": {"$gte": _iso(start)}},
            "sort": [{"fieldName": "updatedDate", "order": "ASC"}],
        }
        async for page in self._pages(ORDERS, "search", search, items="orders", meta="metadata"):
            yield page

    async def transactions(self, query: dict[str, Any]) -> AsyncIterator[Sequence[Any]]:
        """Loyalty transactions."""
        path, items = f"{TRANSACTIONS}/query", "loyaltyTransactions"
        async for page in self._pages(path, "query", query, items=items, meta="pagingMetadata"):
            yield page

    async def redemptions(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Loyalty transactions since, oldest first."""
        query = {
            "filter": {"createdDate": {"$gte": _iso(start)}},
            "sort": [{"fieldName": "createdDate", "order": "ASC"}],
        }
        async for page in self.transactions(query):
            yield page

    async def refunds(self, order_id: str) -> Sequence[Any]:
        """The refunds of an order."""
        reply = (
            await self._http.send("GET", f"{PAYMENTS}/{quote(order_id, safe='')}")
        ).exact_json()
        found = dig(reply, "orderTransactions.refunds")
        return found if isinstance(found, list) else ()

    # --- contacts ----------------------------------------------------------------------------

    async def contacts(self, attribute: str, value: str) -> Sequence[Any]:
        """Contacts by `info.emails.email` or `info.phones.phone`."""
        query = {"filter": {attribute: value}, "paging": {"limit": 10}}
        return listed(await self._asked(f"{CONTACTS}/query", {"query": query}), "contacts")

    async def contact(self, contact_id: str) -> dict[str, Any]:
        """One contact; NotFound where there is none."""
        path = f"{CONTACTS}/{quote(contact_id, safe='')}"
        return _part((await self._http.send("GET", path)).exact_json(), "contact")

    async def label(self, name: str) -> str:
        """The key of the label with this name, made where there is none."""
        reply = await self._did("POST", LABELS, {"displayName": name})
        return _text(_part(reply, "label"), "key")

    async def field(self, name: str) -> str:
        """The key of the custom field with this name, made where there is none."""
        reply = await self._did("POST", FIELDS, {"displayName": name, "dataType": "TEXT"})
        return _text(_part(reply, "field"), "key")

    async def set_labels(self, contact_id: str, keys: Sequence[str], *, given: bool) -> None:
        """Gives a contact labels, or takes them away."""
        body = {"contactId": contact_id, "labelKeys": list(keys)}
        path = f"{CONTACTS}/{quote(contact_id, safe='')}/labels"
        await self._http.send("POST" if given else "DELETE", path, json=body)

    async def write_contact(self, contact_id: str, revision: int, info: dict[str, Any]) -> None:
        """Changes a contact that is still at this revision; Conflict where it is not."""
        body = {"contactId": contact_id, "revision": revision, "info": info}
        await self._http.send("PATCH", f"{CONTACTS}/{quote(contact_id, safe='')}", json=body)

    # --- loyalty and coupons -----------------------------------------------------------------

    async def loyalty_accounts(self, contact_id: str) -> Sequence[Any]:
        """The loyalty account of a contact: one or none."""
        query = {"query": {"filter": {"contactId": contact_id}}}
        return listed(await self._asked(f"{ACCOUNTS}/query", query), "loyaltyAccounts")

    async def loyalty_account(self, account_id: str) -> dict[str, Any]:
        """A loyalty account by its id."""
        path = f"{ACCOUNTS}/{quote(account_id, safe='')}"
        return _part((await self._http.send("GET", path)).exact_json(), "account")

    async def create_loyalty_account(self, contact_id: str) -> dict[str, Any]:
        """Makes a contact a member of the site's loyalty programme."""
        return _part(await self._did("POST", ACCOUNTS, {"contactId": contact_id}), "account")

    async def change_points(self, account_id: str, how: str, body: dict[str, Any]) -> Any:
        """`earn-points` or `adjust-points`."""
        path = f"{ACCOUNTS}/{quote(account_id, safe='')}/{how}"
        return await self._did("POST", path, {"accountId": account_id, **body})

    async def coupons(self, code: str) -> Sequence[Any]:
        """Coupons with this code."""
        # This older service takes its filter as a text of JSON.
        query = {"filter": json.dumps({"specification.code": code}), "paging": {"limit": 10}}
        return listed(await self._asked(f"{COUPONS}/query", {"query": query}), "coupons")

    async def create_coupon(self, specification: dict[str, Any]) -> str:
        """Makes a coupon and returns its id."""
        return _text(await self._did("POST", COUPONS, {"specification": specification}), "id")

    async def check(self) -> str:
        """Whether the site's contacts can be read; AuthError where the token is refused."""
        query = {"query": {"paging": {"limit": 1}}}
        listed(await self._asked(f"{CONTACTS}/query", query), "contacts")
        return "The site answers: its contacts can be read."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _asked(self, path: str, body: dict[str, Any]) -> Any:
        return (await self._http.send("POST", path, json=body, writes=False)).exact_json()

    async def _did(self, method: str, path: str, body: dict[str, Any]) -> Any:
        return (await self._http.send(method, path, json=body)).exact_json()

    async def _pages(
        self, path: str, name: str, query: dict[str, Any], *, items: str, meta: str
    ) -> AsyncIterator[Sequence[Any]]:
        async def fetch(step: str) -> tuple[Sequence[Any], str | None]:
            paging = {"limit": PAGE_SIZE, **({"cursor": step} if step else {})}
            # A cursor holds the question: asking it again beside the cursor is refused.
            asked = {**({} if step else query), "cursorPaging": paging}
            reply = await self._asked(path, {name: asked})
            following = dig(reply, f"{meta}.cursors.next")
            has_next = dig(reply, f"{meta}.hasNext") is not False and following
            return listed(reply, items), str(following) if has_next else None

        async for page in walk(fetch, ""):
            yield page


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _part(reply: Any, name: str) -> dict[str, Any]:
    found = reply.get(name) if isinstance(reply, dict) else None
    if not isinstance(found, dict):
        raise ConnectorBug(f"Wix's answer has no {name}")
    return found


def _text(record: Any, name: str) -> str:
    found = record.get(name) if isinstance(record, dict) else None
    if not isinstance(found, str) or not found:
        raise ConnectorBug(f"Wix's answer has no {name}")
    return found

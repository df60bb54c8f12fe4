"""Speaks to Mailchimp through its own SDK, mailchimp-marketing.

https://mailchimp.com/developer/marketing/api/ and, for errors,
https://mailchimp.com/developer/marketing/docs/errors/

The SDK opens a connection per call, follows redirects and drops the status and headers of an
empty reply, so its one `request` method is replaced by ours on a kept session; building paths
and bodies stays with the SDK.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import orjson

from connectors.kit.blocking import CONNECT_SECONDS, READ_SECONDS, Threads, lost_connection
from connectors.kit.errors import ConnectorBug, ConnectorError, RateLimited
from connectors.kit.http_errors import error_for_status, retry_after
from connectors.kit.redact import secrets_of, without_secrets
from connectors.mailchimp.account import MailchimpAccount

CONCURRENCY = 8
PAGE_SIZE = 1000


class MailchimpClient:
    """One audience. Calls run in a few threads of the client's own.

    Args:
        read_seconds: How long to wait for an answer.
    """

    def __init__(self, account: MailchimpAccount, *, read_seconds: float = READ_SECONDS) -> None:
        self._account = account
        self._timeout = (CONNECT_SECONDS, read_seconds)
        self._threads = Threads("mailchimp", CONCURRENCY)
        self._opening = Lock()
        self._groups: dict[str, Any] = {}
        self._session: Any = None

    async def check(self) -> str:
        """Pings the API and looks the audience up."""
        await self._call("ping", "get")
        audience = await self._list("get_list", fields="id,name")
        return f"Mailchimp answers for the audience {str(audience.get('name', ''))!r}."

    async def put_member(self, member_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Adds or updates one member; merge fields the audience requires are not insisted on."""
        return await self._list("set_list_member", member_id, body, skip_merge_validation="true")

    async def add_members(self, members: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Adds up to 500 new members and leaves existing ones alone; answers those it added."""
        reply = await self._list(
            "batch_list_members",
            {"members": members, "update_existing": False},
            skip_merge_validation="true",
        )
        return _objects(reply, "new_members")

    async def change_member(self, member_id: str, body: dict[str, Any]) -> None:
        """Changes a member that is there; NotFound where there is none."""
        await self._list("update_list_member", member_id, body, skip_merge_validation="true")

    async def set_tags(
        self, member_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> None:
        """Adds and removes tags of a member; the others stay as they are."""
        tags = [{"name": tag, "status": "active"} for tag in add]
        tags += [{"name": tag, "status": "inactive"} for tag in remove]
        await self._list("update_list_member_tags", member_id, {"tags": tags})

    async def add_event(self, member_id: str, body: dict[str, Any]) -> None:
        """Adds an event to a member that is there."""
        await self._list("create_list_member_event", member_id, body)

    async def events(self, member_id: str) -> list[dict[str, Any]]:
        """The newest thousand events of a member."""
        reply = await self._list("get_list_member_events", member_id, count=PAGE_SIZE)
        return _objects(reply, "events")

    async def webhooks(self) -> list[dict[str, Any]]:
        """Every webhook of the audience."""
        return _objects(await self._list("get_list_webhooks"), "webhooks")

    async def create_webhook(self, body: dict[str, Any]) -> dict[str, Any]:
        """Makes a webhook; its signing secret stands in this answer alone."""
        return await self._list("create_list_webhook", body)

    async def delete_webhook(self, webhook_id: str) -> None:
        """Removes a webhook; NotFound where it is gone."""
        await self._list("delete_list_webhook", webhook_id)

    async def aclose(self) -> None:
        """Closes the connections and lets the threads end."""
        self._threads.close()
        if self._session is not None:
            self._session.close()

    async def _list(self, method: str, *args: Any, **params: Any) -> dict[str, Any]:
        return await self._call("lists", method, self._account.audience_id, *args, **params)

    async def _call(self, group: str, method: str, *args: Any, **params: Any) -> dict[str, Any]:
        return await self._threads.run(self._blocking, group, method, *args, **params)

    def _blocking(self, group: str, method: str, *args: Any, **params: Any) -> dict[str, Any]:
        from mailchimp_marketing.api_client import ApiClientError

        try:
            reply = getattr(self._group(group), method)(*args, **params)
        except ApiClientError as error:
            # The SDK wraps whatever `request` raised: ours is already of the tree.
            raise _unwrapped(error) from None
        if isinstance(reply, dict):
            return reply
        if getattr(reply, "status_code", 0) == 204:
            return {}
        raise ConnectorBug("Mailchimp answered with something that is not JSON")

    def _group(self, name: str) -> Any:
        with self._opening:
            if not self._groups:
                self._groups = self._open()
            return self._groups[name]

    def _open(self) -> dict[str, Any]:
        import requests
        from mailchimp_marketing import ApiClient, ListsApi, PingApi

        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = ("hub", self._account.api_key.get_secret_value())
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=CONCURRENCY, max_retries=0)
        self._session.mount(self._account.host, adapter)
        api = ApiClient()
        api.host, api.server = self._account.host, ""
        api.request = self._request
        return {"ping": PingApi(api), "lists": ListsApi(api)}

    def _request(
        self, method: str, url: str, query_params: Any = None, headers: Any = None, body: Any = None
    ) -> Any:
        import requests

        try:
            response = self._session.request(
                method,
                url,
                params=query_params,
                headers=headers,
                data=None if body is None else orjson.dumps(body),
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise lost_connection(error, writes=method != "GET") from None
        if response.status_code in (200, 204):
            return response
        raise self._refusal(response, writes=method != "GET")

    def _refusal(self, response: Any, *, writes: bool) -> ConnectorError:
        status, headers = response.status_code, response.headers
        if 200 <= status < 300:
            return ConnectorBug(f"Mailchimp does not document the status {status}", status=status)
        problem = _problem(response.content)
        if status == 403 and not problem:
            # https://mailchimp.com/developer/marketing/docs/fundamentals/#throttling
            return RateLimited(
                "Mailchimp throttles (403 without an explanation): slow down",
                retry_after=retry_after(headers),
                status=status,
            )
        return error_for_status(
            status,
            headers={**headers, "x-request-id": str(problem.get("instance") or "")},
            body=without_secrets(response.text[:1000], secrets_of(self._account)).encode(),
            detail=without_secrets(_sentence(problem), secrets_of(self._account)),
            vendor_code=str(problem.get("title") or "") or None,
            writes=writes,
        )


def _objects(reply: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = reply.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConnectorBug(f"Mailchimp's reply does not list {name}")
    return found


def _unwrapped(error: Any) -> ConnectorError:
    if isinstance(error.text, ConnectorError):
        return error.text
    return ConnectorBug(f"the Mailchimp SDK failed ({type(error.text).__name__})")


def _problem(body: bytes) -> dict[str, Any]:
    """The problem document (RFC 7807) of a refusal, empty where there is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _sentence(problem: dict[str, Any]) -> str:
    """`Invalid Resource: … (merge_fields.FNAME: too long)`: title, detail and fields."""
    said = ": ".join(str(problem[name]) for name in ("title", "detail") if problem.get(name))
    errors = problem.get("errors")
    fields = [
        f"{one.get('field') or 'member'}: {one.get('message')}"
        for one in (errors if isinstance(errors, list) else [])[:5]
        if isinstance(one, dict)
    ]
    return (f"{said} ({'; '.join(fields)})" if fields else said)[:400]

"""Speaks to Klaviyo through its own SDK, klaviyo-api, which pins the revision 2026-07-15.

https://developers.klaviyo.com/en/reference/api_overview and, for errors,
https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling

The SDK is imported at the first call, in the client's thread: with the models of profiles it
takes a second and 27 MiB. Its retries (its own and urllib3's) are off, and replies are taken
raw, because its own error objects carry a whole reply in their text.
"""

from __future__ import annotations

from importlib import import_module
from threading import Lock
from typing import Any

import orjson

from connectors.kit.blocking import CONNECT_SECONDS, READ_SECONDS, Threads, lost_connection
from connectors.kit.errors import ConnectorBug, ConnectorError, InvalidRequest
from connectors.kit.http_errors import error_for_status
from connectors.kit.redact import secrets_of, without_secrets
from connectors.klaviyo.account import KlaviyoAccount

CONCURRENCY = 8


class BatchRefused(InvalidRequest):
    """Klaviyo took nothing of a batch. `suspects` are the places its errors point at."""

    def __init__(self, error: InvalidRequest, suspects: frozenset[int] = frozenset()) -> None:
        super().__init__(error.message, vendor_code=error.vendor_code, status=error.status)
        self.suspects = suspects


class KlaviyoClient:
    """One account. Calls run in a few threads of the client's own.

    Args:
        read_seconds: How long to wait for an answer.
    """

    def __init__(self, account: KlaviyoAccount, *, read_seconds: float = READ_SECONDS) -> None:
        self._account = account
        self._timeout = (CONNECT_SECONDS, read_seconds)
        self._threads = Threads("klaviyo", CONCURRENCY)
        self._opening = Lock()
        self._api: Any = None
        self._groups: dict[str, Any] = {}

    async def check(self) -> str:
        """Reads the account the key belongs to."""
        _, reply = await self.call("Accounts", "get_accounts", writes=False, expect=(200,))
        try:
            name = reply["data"][0]["attributes"]["contact_information"]["organization_name"]
        except (KeyError, IndexError, TypeError):
            raise ConnectorBug("Klaviyo's reply does not name the account") from None
        return f"Klaviyo answers for the account {str(name)!r}."

    async def create_event(self, event: dict[str, Any]) -> None:
        """Hands over one event; a repeated `unique_id` is accepted and recorded once."""
        await self.call("Events", "create_event", {"data": event}, expect=(202,))

    async def create_events(self, entries: list[dict[str, Any]]) -> None:
        """Hands over up to 1,000 events in one call, all or none.

        Raises:
            BatchRefused: Nothing was taken: one of them is wrong or known already.
        """
        attributes = {"events-bulk-create": {"data": entries}}
        body = {"data": {"type": "event-bulk-create-job", "attributes": attributes}}
        try:
            await self.call("Events", "bulk_create_events", body, expect=(202,))
        except BatchRefused:
            raise
        except InvalidRequest as error:
            raise BatchRefused(error) from None

    async def import_profile(self, attributes: dict[str, Any]) -> tuple[str, bool]:
        """Creates or updates a profile; its id, and whether it is new."""
        body = {"data": {"type": "profile", "attributes": attributes}}
        status, reply = await self.call(
            "Profiles", "create_or_update_profile", body, expect=(200, 201)
        )
        try:
            return str(reply["data"]["id"]), status == 201
        except (KeyError, TypeError):
            raise ConnectorBug("Klaviyo's reply does not name the profile") from None

    async def aclose(self) -> None:
        """Closes the connections and lets the threads end."""
        self._threads.close()
        if self._api is not None:
            self._api.rest_client.pool_manager.clear()

    @property
    def account(self) -> KlaviyoAccount:
        """Whom this client speaks for, with its settings."""
        return self._account

    async def call(
        self,
        group: str,
        method: str,
        *args: Any,
        expect: tuple[int, ...],
        writes: bool = True,
        **params: Any,
    ) -> tuple[int, Any]:
        """One method of the SDK; status and decoded reply, None where it is empty.

        Args:
            group: The SDK's class without `Api`, `Events`.
            expect: The statuses that Klaviyo documents; any other is an error.
        """
        status, headers, content = await self._threads.run(
            self._blocking, group, method, args, params, writes
        )
        if status not in expect:
            raise self._refusal(status, headers, content, writes=writes)
        if status in (202, 204) and not content:
            return status, None
        try:
            return status, orjson.loads(content)
        except orjson.JSONDecodeError:
            raise ConnectorBug(
                "Klaviyo answered with something that is not JSON", status=status
            ) from None

    def _blocking(
        self,
        group: str,
        method: str,
        args: tuple[Any, ...],
        params: dict[str, Any],
        writes: bool,
    ) -> tuple[int, dict[str, str], bytes]:
        from openapi_client.exceptions import OpenApiException
        from pydantic import ValidationError
        from urllib3.exceptions import HTTPError

        call = getattr(self._group(group), f"{method}_without_preload_content")
        try:
            response = call(*args, **params, _request_timeout=self._timeout)
            return response.status, dict(response.headers), response.data
        except HTTPError as error:
            raise lost_connection(error, writes=writes) from None
        except OpenApiException as error:
            # The SDK replaces a TLS failure by an exception of its own, with status 0.
            raise lost_connection(error.__context__ or error, writes=writes) from None
        except ValidationError as error:
            fields = {".".join(map(str, one["loc"])) for one in error.errors(include_input=False)}
            raise InvalidRequest(
                f"Klaviyo's SDK refuses these fields: {', '.join(sorted(fields)[:5])}"
            ) from None

    def _group(self, name: str) -> Any:
        with self._opening:
            if self._api is None:
                self._api = self._open()
            if name not in self._groups:
                module = import_module(f"openapi_client.api.{name.lower()}_api")
                self._groups[name] = getattr(module, f"{name}Api")(self._api)
            return self._groups[name]

    def _open(self) -> Any:
        from klaviyo_api import KlaviyoAPI
        from openapi_client.rest import RESTClientObject
        from urllib3 import Retry

        key = self._account.api_key.get_secret_value()
        sdk = KlaviyoAPI(key, max_retries=1, test_host=self._account.base_url)
        sdk.configuration.retries = Retry(total=False)
        sdk.configuration.connection_pool_maxsize = CONCURRENCY
        sdk.api_client.rest_client = RESTClientObject(sdk.configuration)
        # The KlaviyoAPI object itself is let go: its repr shows the key.
        return sdk.api_client

    def _refusal(
        self, status: int, headers: dict[str, str], content: bytes, *, writes: bool
    ) -> ConnectorError:
        if 200 <= status < 300:
            return ConnectorBug(f"Klaviyo does not document the status {status}", status=status)
        errors, secrets = _errors(content), secrets_of(self._account)
        code = str(errors[0].get("code") or "") if errors else ""
        found = error_for_status(
            status,
            headers=headers,
            body=without_secrets(content[:1000].decode("utf-8", "replace"), secrets).encode(),
            detail=without_secrets(_sentence(errors), secrets),
            vendor_code=code or None,
            writes=writes,
        )
        places = frozenset(_places(errors))
        return BatchRefused(found, places) if places and type(found) is InvalidRequest else found


def _errors(content: bytes) -> list[dict[str, Any]]:
    """The JSON:API error objects of a refusal, empty where there are none."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return []
    errors = found.get("errors") if isinstance(found, dict) else None
    return [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []


def _pointer(error: dict[str, Any]) -> str:
    source = error.get("source")
    return str(source.get("pointer") or "") if isinstance(source, dict) else ""


def _sentence(errors: list[dict[str, Any]]) -> str:
    said = [
        f"{one.get('detail') or one.get('title')} ({_pointer(one) or 'no field named'})"
        for one in errors[:3]
    ]
    return "; ".join(said)[:400]


def _places(errors: list[dict[str, Any]]) -> list[int]:
    """Which entries of a bulk job the errors point at: `/data/…/events-bulk-create/data/7/…`."""
    found = []
    for one in errors:
        place = _pointer(one).partition("/events-bulk-create/data/")[2].split("/")[0]
        if place.isdecimal():
            found.append(int(place))
    return found

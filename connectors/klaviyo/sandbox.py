"""A stand-in for Klaviyo: events that are recorded once per key, and profiles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox
from connectors.kit.window import Window

SANDBOX_ACCOUNT = {"api_key": "pk_sandbox-klaviyo-key"}

REVISION = "2026-07-15"
JSON_API = "application/vnd.api+json"
BULK = "/data/attributes/events-bulk-create/data"

Handler = Callable[[Request], Awaitable[Response]]


class KlaviyoSandbox(VendorSandbox):
    """Records `event` (once per profile, metric and unique_id) and `profile`.

    Args:
        bulk_per_second: Bulk jobs in any second; the vendor allows 10.
        singles_per_second: Single events in any second; the vendor allows 350.
        points: Whether a refused bulk job says which of its events are wrong.
    """

    slug = "klaviyo"

    def __init__(
        self, *, bulk_per_second: int = 10, singles_per_second: int = 350, points: bool = True
    ) -> None:
        super().__init__()
        self._profiles: dict[str, dict[str, Any]] = {}
        self._seen: set[tuple[str, str, str]] = set()
        self._windows = {
            "/api/event-bulk-create-jobs": Window(bulk_per_second, 1.0),
            "/api/events": Window(singles_per_second, 1.0),
        }
        self._points = points

    def routes(self) -> list[BaseRoute]:
        """The addresses the connector calls."""
        calls: list[tuple[str, str, Handler]] = [
            ("GET", "/api/accounts", self._accounts),
            ("POST", "/api/events", self._create_event),
            ("POST", "/api/event-bulk-create-jobs", self._create_events),
            ("POST", "/api/profile-import", self._import),
        ]
        return [
            Route(path, self._guarded(path, handler), methods=[method])
            for method, path, handler in calls
        ]

    def _guarded(self, path: str, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            wanted = f"Klaviyo-API-Key {SANDBOX_ACCOUNT['api_key']}"
            if request.headers.get("authorization") != wanted:
                return _error(401, "not_authenticated", "Incorrect authentication credentials.")
            if request.headers.get("revision") != REVISION:
                return _error(400, "invalid", f"The sandbox speaks revision {REVISION} only.")
            window = self._windows.get(path)
            wait = window.take() if window else 0.0
            if wait:
                reply = _error(429, "throttled", "Request was throttled.")
                reply.headers["Retry-After"] = str(int(wait) + 1)
                return reply
            return await handler(request)

        return guarded

    async def _accounts(self, request: Request) -> Response:
        contact = {
            "default_sender_name": "Sandbox shop",
            "default_sender_email": "hello@shop.example",
            "organization_name": "Sandbox shop",
            "street_address": {"city": "Vienna"},
        }
        attributes = {
            "test_account": True,
            "contact_information": contact,
            "timezone": "Europe/Vienna",
            "preferred_currency": "EUR",
            "public_api_key": "SANDBX",
            "locale": "en-US",
        }
        link = {"self": "https://a.klaviyo.com/api/accounts/SANDBX/"}
        account = {"type": "account", "id": "SANDBX", "attributes": attributes, "links": link}
        return JSONResponse({"data": [account], "links": link}, media_type=JSON_API)

    async def _create_event(self, request: Request) -> Response:
        attributes = (await request.json())["data"]["attributes"]
        profile = attributes["profile"]["data"]["attributes"]
        wrong = _why_not(profile, attributes)
        if wrong:
            return _error(400, "invalid", wrong, "/data/attributes")
        if _key(profile, attributes) not in self._seen:
            self._keep(profile, attributes)
        return Response(status_code=202)

    async def _create_events(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > 5_000_000:
            return _error(413, "payload_too_large", "The payload is larger than 5 MB.")
        entries = (await request.json())["data"]["attributes"]["events-bulk-create"]["data"]
        found = [
            (place, entry["attributes"]["profile"]["data"]["attributes"], event["attributes"])
            for place, entry in enumerate(entries)
            for event in entry["attributes"]["events"]["data"]
        ]
        if len(found) > 1000:
            return _error(400, "invalid", "No more than 1000 events may be given.", BULK)
        seen = set(self._seen)
        for place, profile, event in found:
            wrong = _why_not(profile, event)
            if _key(profile, event) in seen:
                wrong = "The unique_id is repeated."
            if wrong:
                return _error(400, "invalid", wrong, f"{BULK}/{place}" if self._points else "")
            seen.add(_key(profile, event))
        for _, profile, event in found:
            self._keep(profile, event)
        return Response(status_code=202)

    def _keep(self, profile: dict[str, Any], event: dict[str, Any]) -> None:
        self._seen.add(_key(profile, event))
        self.record(
            "event",
            name=event["metric"]["data"]["attributes"]["name"],
            unique_id=event.get("unique_id"),
            email=profile.get("email", ""),
            value=event.get("value"),
            properties=event["properties"],
        )

    async def _import(self, request: Request) -> Response:
        attributes = (await request.json())["data"]["attributes"]
        identity = _identity(attributes)
        if not identity or _why_not(attributes, None):
            return _error(400, "invalid", "One identifier is needed.", "/data/attributes")
        created = identity not in self._profiles
        if created:
            number = f"01SANDBOX{len(self._profiles) + 1:017d}"
            self._profiles[identity] = self.record("profile", id=number, properties={})
        profile = self._profiles[identity]
        more = attributes.pop("properties", None) or {}
        profile.update(attributes)
        profile["properties"].update(more)
        shown = {name: one for name, one in profile.items() if name not in ("kind", "id")}
        link = {"self": f"https://a.klaviyo.com/api/profiles/{profile['id']}/"}
        data = {"type": "profile", "id": profile["id"], "attributes": shown, "links": link}
        body = {"data": data, "links": link}
        return JSONResponse(body, status_code=201 if created else 200, media_type=JSON_API)


def _identity(profile: dict[str, Any]) -> str:
    found = profile.get("email") or profile.get("phone_number") or profile.get("external_id")
    return str(found or "").lower()


def _key(profile: dict[str, Any], event: dict[str, Any]) -> tuple[str, str, str]:
    metric = event["metric"]["data"]["attributes"]["name"]
    return _identity(profile), metric, event.get("unique_id") or event.get("time", "")


def _why_not(profile: dict[str, Any], event: dict[str, Any] | None) -> str:
    if not _identity(profile):
        return "One profile identifier is needed."
    if "@" not in profile.get("email", "@"):
        return "Invalid email address."
    if not profile.get("phone_number", "+").startswith("+"):
        return "Invalid phone number format (Example of a valid format: +12345678901)."
    return "" if event is None or len(event["properties"]) <= 400 else "Too many properties."


def _error(status: int, code: str, detail: str, pointer: str = "") -> Response:
    error = {
        "id": "5c0f5c52-0000-4000-8000-000000000000",
        "status": status,
        "code": code,
        "title": "Invalid input." if status == 400 else "Refused.",
        "detail": detail,
        "source": {"pointer": pointer} if pointer else {},
    }
    return JSONResponse({"errors": [error]}, status_code=status, media_type=JSON_API)

"""A stand-in for Klaviyo: events that are recorded once per key, and what `stand_in` holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.klaviyo.actions import ProfileInput
from connectors.klaviyo.replies import JSON_API, identity_of, refusal, why_not
from connectors.klaviyo.stand_in import KlaviyoStandIn
from connectors.klaviyo.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "api_key": "pk_sandbox-klaviyo-key",
    "webhook_secret": "sandbox-klaviyo-webhook-secret",
    "activity_metrics": ("Submitted Review",),
}

REVISION = "2026-07-15"
BULK = "/data/attributes/events-bulk-create/data"

Handler = Callable[[Request], Awaitable[Response]]


class KlaviyoSandbox(KlaviyoStandIn):
    """Records `event` (once per profile, metric and unique_id) and `profile`.

    Args:
        bulk_per_second: Bulk jobs in any second; the vendor allows 10.
        singles_per_second: Single events in any second; the vendor allows 350.
        points: Whether a refused bulk job says which of its events are wrong.
    """

    slug = "klaviyo"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "upsert_profile": tuple(
            ProfileInput(email=f"{name}@customer.example", properties={"points": 120})
            for name in ("ada", "ben", "eva")
        )
    }
    wrong: ClassVar[Mapping[str, Any]] = {"api_key": "pk_another-klaviyo-key"}

    def __init__(
        self, *, bulk_per_second: int = 10, singles_per_second: int = 350, points: bool = True
    ) -> None:
        super().__init__()
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
            *self.more_calls(),
        ]
        return [
            Route(path, self._guarded(path, handler), methods=[method])
            for method, path, handler in calls
        ]

    def _guarded(self, path: str, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            wanted = f"Klaviyo-API-Key {SANDBOX_ACCOUNT['api_key']}"
            if request.headers.get("authorization") != wanted:
                return refusal(401, "not_authenticated", "Incorrect authentication credentials.")
            if request.headers.get("revision") != REVISION:
                return refusal(400, "invalid", f"The sandbox speaks revision {REVISION} only.")
            window = self._windows.get(path)
            wait = window.take() if window else 0.0
            if wait:
                reply = refusal(429, "throttled", "Request was throttled.")
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
        wrong = why_not(profile, attributes)
        if wrong:
            return refusal(400, "invalid", wrong, "/data/attributes")
        if _key(profile, attributes) not in self._seen:
            self._keep(profile, attributes)
        return Response(status_code=202)

    async def _create_events(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > 5_000_000:
            return refusal(413, "payload_too_large", "The payload is larger than 5 MB.")
        entries = (await request.json())["data"]["attributes"]["events-bulk-create"]["data"]
        found = [
            (place, entry["attributes"]["profile"]["data"]["attributes"], event["attributes"])
            for place, entry in enumerate(entries)
            for event in entry["attributes"]["events"]["data"]
        ]
        if len(found) > 1000:
            return refusal(400, "invalid", "No more than 1000 events may be given.", BULK)
        seen = set(self._seen)
        for place, profile, event in found:
            wrong = why_not(profile, event)
            if _key(profile, event) in seen:
                wrong = "The unique_id is repeated."
            if wrong:
                return refusal(400, "invalid", wrong, f"{BULK}/{place}" if self._points else "")
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


def _key(profile: dict[str, Any], event: dict[str, Any]) -> tuple[str, str, str]:
    metric = event["metric"]["data"]["attributes"]["name"]
    return identity_of(profile), metric, event.get("unique_id") or event.get("time", "")

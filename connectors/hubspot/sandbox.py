"""A stand-in for HubSpot's CRM: contacts by e-mail address, events, forms, webhooks."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.hubspot.activity import FormSubmission
from connectors.hubspot.triggers import WEBHOOK
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window

SANDBOX_ACCOUNT = {
    "access_token": "pat-sandbox-hubspot-token",
    "client_secret": "sandbox-hubspot-client-secret",
    "portal_id": "62515",
    "event_prefix": "pe62515_",
}
FORM = "5d0c1f6e-2a3b-4c4d-9e8f-0a1b2c3d4e5f"

FORMS = "/submissions/v3/integration/secure/submit"
PAGE_SIZE = 1
NOW = "2026-11-02T10:15:00.000Z"

Handler = Callable[[Request], Awaitable[Response]]


class HubSpotSandbox(SendingSandbox):
    """Records `contact` for every write, with `created`; `contacts` holds the state by address.

    Args:
        calls_per_10_seconds: 0 means no limit.
        multi_status: Whether a batch in which some are wrong is answered with 207; otherwise
            it is refused as a whole.
    """

    slug = "hubspot"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "submit_form": (
            FormSubmission(
                form=FORM,
                email="mila.brandt@shop.example",
                fields={"firstname": "Mila"},
                time=datetime(2026, 11, 2, 10, 15, tzinfo=UTC),
                page="Loyalty",
            ),
        )
    }

    def account_at(self, base_url: str) -> dict[str, Any]:
        return {**super().account_at(base_url), "forms_url": base_url}

    def __init__(self, *, calls_per_10_seconds: int = 190, multi_status: bool = True) -> None:
        super().__init__()
        self.contacts: dict[str, dict[str, Any]] = {}
        self._window = Window(calls_per_10_seconds, 10.0)
        self._calls = calls_per_10_seconds
        self._multi_status = multi_status

    def routes(self) -> list[BaseRoute]:
        """The addresses the connector calls."""
        path = "/crm/v3/objects/contacts"
        return [
            Route(path, self._guarded(self._list), methods=["GET"]),
            Route(f"{path}/batch/upsert", self._guarded(self._upsert), methods=["POST"]),
            Route(f"{path}/search", self._guarded(self._search), methods=["POST"]),
            Route("/events/v3/send/batch", self._guarded(self._events), methods=["POST"]),
            Route(f"{FORMS}/{{portal}}/{{form}}", self._guarded(self._form), methods=["POST"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            wanted = f"Bearer {SANDBOX_ACCOUNT['access_token']}"
            if request.headers.get("authorization") != wanted:
                return _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found")
            if self._window.take():
                reply = _error(
                    429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit."
                )
            else:
                reply = await handler(request)
            reply.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
            reply.headers["X-HubSpot-RateLimit-Max"] = str(self._calls)
            return reply

        return guarded

    async def _list(self, request: Request) -> Response:
        limit = int(request.query_params.get("limit", "10"))
        shown = [_shown(one) for one in list(self.contacts.values())[:limit]]
        return JSONResponse({"results": shown})

    async def _upsert(self, request: Request) -> Response:
        inputs = (await request.json())["inputs"]
        names = [one["id"].lower() for one in inputs]
        if len(inputs) > 100:
            return _error(400, "VALIDATION_ERROR", "The maximum number of inputs is 100")
        if len(set(names)) < len(names):
            return _error(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")
        wrong = [(one, says) for one in inputs if (says := _why_not(one))]
        if wrong and (not self._multi_status or len(inputs) == 1):
            return _error(400, "VALIDATION_ERROR", wrong[0][1])
        refused = [one["id"] for one, _ in wrong]
        results = [self._write(one) for one in inputs if one["id"] not in refused]
        body = {"status": "COMPLETE", "startedAt": NOW, "completedAt": NOW, "results": results}
        if not wrong:
            return JSONResponse(body)
        errors = [
            {
                "status": "error",
                "category": "VALIDATION_ERROR",
                "message": says,
                "context": {"objectWriteTraceId": [one["objectWriteTraceId"]]}
                if one.get("objectWriteTraceId")
                else {"ids": [one["id"]]},
            }
            for one, says in wrong
        ]
        return JSONResponse(body | {"numErrors": len(errors), "errors": errors}, status_code=207)

    async def _search(self, request: Request) -> Response:
        """One contact a page, oldest change first."""
        asked = await request.json()
        [only] = asked["filterGroups"][0]["filters"]
        if (only["propertyName"], only["operator"]) != ("lastmodifieddate", "GTE"):
            return _error(400, "VALIDATION_ERROR", "The sandbox knows one filter only")
        found = [
            one
            for one in sorted(self.contacts.values(), key=_changed)
            if _changed(one).timestamp() * 1000 >= int(only["value"])
        ]
        place = int(asked["after"])
        end = place + PAGE_SIZE
        body = {"total": len(found), "results": [_shown(one) for one in found[place:end]]}
        if end < len(found):
            body["paging"] = {"next": {"after": str(end)}}
        return JSONResponse(body)

    async def _events(self, request: Request) -> Response:
        inputs = (await request.json())["inputs"]
        for one in inputs:
            if not re.fullmatch(r"pe62515_[a-z0-9_]+", one["eventName"]):
                message = f"Event definition {one['eventName']} does not exist"
                return _error(400, "VALIDATION_ERROR", message)
        for one in inputs:
            self.record("event", **one)
        return Response(status_code=204)

    async def _form(self, request: Request) -> Response:
        body, asked = await request.json(), request.path_params
        if (asked["portal"], asked["form"]) != (SANDBOX_ACCOUNT["portal_id"], FORM):
            return _error(404, "OBJECT_NOT_FOUND", "There is no such form")
        fields = {one["name"]: one["value"] for one in body["fields"]}
        self.record("form", form=asked["form"], fields=fields, at=body.get("submittedAt"))
        return JSONResponse({"inlineMessage": "Thanks for submitting the form."})

    def happen(self, number: str, changed: datetime, **properties: str) -> None:
        """A contact as the poll finds it."""
        times = {"createdate": stamp_of(changed), "lastmodifieddate": stamp_of(changed)}
        email = properties.get("email", f"p{number}@customer.example")
        known = {"email": email, **times, **properties}
        self.contacts[email] = {"id": number, "properties": known}

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Mila comes by a form; Ben, who is known for long, changes. Both ring."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        self.happen(
            "8801",
            at,
            email="mila.brandt@shop.example",
            firstname="Mila",
            recent_conversion_date=stamp_of(at),
            recent_conversion_event_name="Loyalty: Join",
        )
        self.happen("8802", at + timedelta(minutes=5), createdate="2024-02-01T09:00:00.000Z")
        change = {"propertyName": "firstname", "propertyValue": "Ben"}
        return [
            ("contact.creation", {"eventId": 101, "objectId": 8801, "changeFlag": "NEW"}),
            ("contact.propertyChange", {"eventId": 102, "objectId": 8802, **change}),
        ]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> Any:
        """A list, as HubSpot sends its changes."""
        at = int(datetime.now(UTC).timestamp() * 1000)
        about = {"portalId": 62515, "appId": 54321, "subscriptionId": 12345, "attemptNumber": 0}
        return [{**about, "occurredAt": at, "subscriptionType": topic, **payload}]

    def _write(self, given: dict[str, Any]) -> dict[str, Any]:
        email = given["id"].lower()
        created = email not in self.contacts
        number = str(8001 + len(self.contacts))
        contact = self.contacts.setdefault(
            email, {"id": number, "properties": {"email": given["id"]}}
        )
        contact["properties"].update(given["properties"])
        self.record(
            "contact",
            id=contact["id"],
            email=given["id"],
            properties=dict(given["properties"]),
            created=created,
        )
        trace = given.get("objectWriteTraceId")
        return {**_shown(contact), "new": created} | (
            {"objectWriteTraceId": trace} if trace else {}
        )


def stamp_of(when: datetime) -> str:
    """A time as HubSpot writes it."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _changed(contact: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(contact["properties"].get("lastmodifieddate", NOW))


def _shown(contact: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": contact["id"],
        "archived": False,
        "createdAt": NOW,
        "updatedAt": NOW,
        "properties": dict(contact["properties"]),
    }


def _why_not(given: dict[str, Any]) -> str:
    if given.get("idProperty") != "email" or "@" not in given["id"]:
        return f"Email address {given['id']} is invalid"
    for name, value in given["properties"].items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            return f'Property "{name}" does not exist'
        if not isinstance(value, str):
            return f'Property "{name}" is not a text'
    return ""


def _error(status: int, category: str, message: str) -> Response:
    body: dict[str, Any] = {
        "status": "error",
        "message": message,
        "correlationId": "aeb5f871-0000-4000-8000-000000000000",
        "category": category,
    }
    if status == 429:
        body["policyName"] = "TEN_SECONDLY_ROLLING"
    return JSONResponse(body, status_code=status)

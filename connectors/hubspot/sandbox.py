"""A stand-in for HubSpot's CRM: contacts by e-mail address."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox
from connectors.kit.window import Window

SANDBOX_ACCOUNT = {"access_token": "pat-sandbox-hubspot-token"}

NOW = "2026-11-02T10:15:00.000Z"

Handler = Callable[[Request], Awaitable[Response]]


class HubSpotSandbox(VendorSandbox):
    """Records `contact` for every write, with `created`; `contacts` holds the state by address.

    Args:
        calls_per_10_seconds: 0 means no limit.
        multi_status: Whether a batch in which some are wrong is answered with 207; otherwise
            it is refused as a whole.
    """

    slug = "hubspot"

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

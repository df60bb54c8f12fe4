"""A stand-in for a Pipedrive company: persons, deals, activities, notes, webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import CrmContact, CustomerChange
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.pipedrive.records import ActivityAdd, DealOpen, NoteAdd
from connectors.pipedrive.triggers import WEBHOOK
from connectors.pipedrive.version import V1, V2

SANDBOX_ACCOUNT = {
    "api_token": "sandbox-pipedrive-token",
    "hook_password": "sandbox-pipedrive-hook-password",
    "member_field": "Member",
}
EMAIL = "mila.brandt@shop.example"
TIER, POINTS, MEMBER = "a" * 40, "b" * 40, "c" * 40
PAGE = 2
"""Small, so that every walk has to follow a cursor."""
Reply = dict[str, Any]


class PipedriveSandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Attributes:
        resources: `persons`, `deals`, `activities` and `notes`, by id.
        webhooks: By id.
    """

    slug = "pipedrive"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[Any]]] = {
        "upsert_contact": (
            CrmContact(email="new@shop.example", phone="+4930123", properties={"Tier": "Gold"}),
            CrmContact(email=EMAIL, phone="+4930124", first_name="Mila"),
        ),
        "update_customer": (
            CustomerChange(
                email=EMAIL,
                add_tags=("gold",),
                remove_tags=("silver",),
                fields={"Points": 120, "Tier": "Gold"},
            ),
        ),
        "create_deal": (
            DealOpen(email=EMAIL, title="Tea", value=Decimal("480.50"), currency="EUR"),
        ),
        "add_activity": (ActivityAdd(email=EMAIL, subject="Call Mila", type="call"),),
        "add_note": (NoteAdd(email=EMAIL, text="Reached Gold & more."),),
    }

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(8001)
        self.resources: dict[str, dict[int, Reply]] = {
            name: {} for name in ("persons", "deals", "activities", "notes")
        }
        self.webhooks: dict[int, Reply] = {}
        mila: Reply = {"id": 7001, "name": "Mila Brandt", "label_ids": [2]}
        mila["emails"] = [{"value": EMAIL, "primary": True, "label": "work"}]
        mila["phones"] = [{"value": "+15005550123", "primary": True, "label": "mobile"}]
        mila["custom_fields"] = {MEMBER: "m-1"}
        self.put("persons", mila, at=datetime(2024, 3, 1, 8, tzinfo=UTC))

    def put(self, resource: str, record: Reply, *, at: datetime | None = None) -> Reply:
        """Keeps a record, new or changed."""
        when = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        number = record.get("id") or next(self._numbers)
        there = self.resources[resource].get(number, {"add_time": when, "is_deleted": False})
        kept = {**there, **record, "id": number, "update_time": when}
        if "custom_fields" in there:
            kept["custom_fields"] = {**there["custom_fields"], **record.get("custom_fields", {})}
        self.resources[resource][number] = kept
        return kept

    def routes(self) -> Sequence[BaseRoute]:
        def route(path: str, answer: Any, *methods: str) -> Route:
            return Route(path, self._guarded(answer), methods=list(methods))

        return [
            route(f"{V2}/persons/search", self._search, "GET"),
            route(f"{V2}/personFields", self._fields, "GET"),
            route(f"{V2}/{{resource}}/{{id:int}}", self._one, "GET", "PATCH"),
            route(f"{V2}/{{resource}}", self._changed, "GET"),
            route(f"{V2}/{{resource}}", self._create, "POST"),
            route(f"{V1}/notes", self._notes, "GET"),
            route(f"{V1}/notes", self._note, "POST"),
            route(f"{V1}/webhooks", self._hooks, "GET", "POST"),
            route(f"{V1}/webhooks/{{id:int}}", self._unhook, "DELETE"),
            route(f"{V1}/users/me", self._me, "GET"),
        ]

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("x-api-token") != SANDBOX_ACCOUNT["api_token"]:
                return _refused(401, "unauthorized access")
            if request.path_params.get("resource", "notes") not in self.resources:
                return _refused(404, "unknown path")
            found: Response = await answer(request)
            return found

        return guarded

    async def _me(self, request: Request) -> Response:
        return _data({"id": 880022, "name": "Hub", "company_name": "Aroma House"})

    # --- records -----------------------------------------------------------------------------

    async def _search(self, request: Request) -> Response:
        term, field = request.query_params["term"].lower(), request.query_params["fields"]
        items = []
        for one in self.resources["persons"].values():
            emails = [entry["value"] for entry in one.get("emails", ())]
            phones = [entry["value"] for entry in one.get("phones", ())]
            custom = [str(value) for value in one.get("custom_fields", {}).values()]
            held = {"email": emails, "phone": phones, "custom_fields": custom}[field]
            if term in [value.lower() for value in held]:
                item = {"id": one["id"], "type": "person", "name": one["name"]}
                item |= {"emails": emails, "phones": phones}
                items.append({"result_score": 1.0, "item": item})
        return _data({"items": items})

    async def _fields(self, request: Request) -> Response:
        tiers = [{"id": 11, "label": "Silver"}, {"id": 12, "label": "Gold"}]
        labels = [{"id": 1, "label": "Gold"}, {"id": 2, "label": "Silver"}]
        found = [
            _field("Name", "name", "varchar"),
            _field("Labels", "label_ids", "set", labels),
            _field("Tier", TIER, "enum", tiers),
            _field("Points", POINTS, "double"),
            _field("Member", MEMBER, "varchar"),
        ]
        return _page(found, request)

    async def _one(self, request: Request) -> Response:
        resource, number = request.path_params["resource"], request.path_params["id"]
        if number not in self.resources[resource]:
            return _refused(404, "Person not found")
        if request.method == "PATCH":
            kept = self.put(resource, {**(await request.json()), "id": number})
            self.record(resource, **kept)
        return _data(self.resources[resource][number])

    async def _create(self, request: Request) -> Response:
        resource, fields = request.path_params["resource"], await request.json()
        needed = {"persons": "name", "deals": "title", "activities": "subject"}[resource]
        if not fields.get(needed):
            return _refused(400, f"{needed} is required")
        for one in fields.get("participants", ()):
            fields["person_id"] = one["person_id"]
        kept = self.put(resource, fields)
        self.record(resource, **kept)
        return _data(kept)

    async def _changed(self, request: Request) -> Response:
        query = request.query_params
        found = list(self.resources[request.path_params["resource"]].values())
        if since := query.get("updated_since"):
            found = [one for one in found if one["update_time"] >= since]
        if person := query.get("person_id"):
            found = [one for one in found if str(one.get("person_id")) == person]
        if status := query.get("status"):
            found = [one for one in found if one.get("status") == status]
        if "done" in query:
            found = [one for one in found if one.get("done") is (query["done"] == "true")]
        is_backwards = query.get("sort_direction") == "desc"
        found.sort(key=lambda one: (one[query["sort_by"]], one["id"]), reverse=is_backwards)
        return _page(found, request)

    async def _note(self, request: Request) -> Response:
        kept = self.put("notes", await request.json())
        self.record("notes", **kept)
        return _data(kept)

    async def _notes(self, request: Request) -> Response:
        person = request.query_params["person_id"]
        notes = self.resources["notes"].values()
        return _data([one for one in notes if str(one["person_id"]) == person][::-1])

    # --- webhooks ----------------------------------------------------------------------------

    async def _hooks(self, request: Request) -> Response:
        if request.method == "GET":
            return _data(list(self.webhooks.values()), status="ok")
        asked = await request.json()
        if not {"subscription_url", "event_action", "event_object", "name"} <= set(asked):
            return _refused(400, "a field is missing")
        if len(self.webhooks) >= 40:
            return _refused(400, "too many webhooks")
        made = {**asked, "id": next(self._numbers), "is_active": 1, "remove_time": None}
        self.webhooks[made["id"]] = made
        self.record("subscription", **made)
        return JSONResponse({"success": True, "status": "ok", "data": made}, status_code=201)

    async def _unhook(self, request: Request) -> Response:
        if self.webhooks.pop(request.path_params["id"], None) is None:
            return _refused(404, "Webhook not found")
        return JSONResponse({"success": True, "status": "ok"})

    # --- what it tells -----------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Mila changes, three come, a deal is won and a meeting is held."""
        at = datetime.now(UTC) - timedelta(hours=2)
        mila = self.put("persons", {"id": 7001, "first_name": "Mila"}, at=at)
        for number in range(3):
            self.put("persons", {"name": f"New {number}"}, at=at)
        won = {"title": "Tea", "status": "won", "person_id": 7001}
        deal = self.put("deals", won, at=at)
        self.put("deals", {"title": "Cups", "status": "open", "person_id": 7001}, at=at)
        meeting = {"subject": "Tasting", "type": "meeting", "done": True, "person_id": 7001}
        done = self.put("activities", meeting, at=at)
        return [("person", mila), ("deal", deal), ("activity", done)]

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        meta = {"action": "change", "entity": topic, "id": delivery_id, "attempt": 1}
        meta |= {"version": "2.0", "correlation_id": str(uuid4())}
        return {"meta": meta, "data": payload, "previous": {}}

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}


def _field(name: str, code: str, kind: str, options: list[Reply] | None = None) -> Reply:
    known = {"field_name": name, "field_code": code, "field_type": kind, "options": options}
    return {**known, "is_custom_field": len(code) == 40, "is_optional_response_field": False}


def _page(found: list[Reply], request: Request) -> Response:
    start = int(request.query_params.get("cursor", 0))
    end = start + min(int(request.query_params.get("limit", 100)), PAGE)
    more = {"additional_data": {"next_cursor": str(end)}} if end < len(found) else {}
    return JSONResponse({"success": True, "data": found[start:end], **more})


def _data(data: Any, **more: Any) -> Response:
    return JSONResponse({"success": True, "data": data, **more})


def _refused(status: int, error: str) -> Response:
    told = {"success": False, "error": error, "error_info": "See the documentation."}
    return JSONResponse(told, status_code=status)

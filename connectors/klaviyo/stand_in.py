"""The account behind the sandbox: profiles, lists, consents, imports, events, webhooks."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.kit.outgoing import SendingSandbox
from connectors.klaviyo.replies import (
    JSON_API,
    LINK,
    fields_of,
    identity_of,
    page,
    refusal,
    resource,
    why_not,
)

TOPICS = (
    "bounced_email",
    "marked_email_as_spam",
    "opened_email",
    "unsubscribed_from_email_marketing",
)
"""This account sends no text messages, so it has no topics of them."""

METRICS = {
    "OWN001": ("Unsubscribed from Email Marketing", "Klaviyo"),
    "OWN002": ("Unsubscribed from SMS Marketing", "Klaviyo"),
    "OWN003": ("Bounced Email", "Klaviyo"),
    "OWN004": ("Opened Email", "Klaviyo"),
    "API001": ("Submitted Review", "API"),
    "API002": ("Unsubscribed from Email Marketing", "API"),
}
MILA = {
    "email": "mila.brandt@shop.example",
    "phone_number": "+15005550123",
    "external_id": "m-1",
    "first_name": "Mila",
    "last_name": "Brandt",
}

Handler = Callable[[Request], Awaitable[Response]]


class KlaviyoStandIn(SendingSandbox):
    """One account with one profile, Mila.

    Attributes:
        past: What the poll finds: events as Klaviyo tells them, oldest first.
        hooks: The webhooks, by id.
    """

    def __init__(self) -> None:
        super().__init__()
        mila = {"kind": "profile", "id": "01SANDBOXMILA", "properties": {}, **MILA}
        self.profiles: dict[str, dict[str, Any]] = {MILA["email"]: mila}
        self.past: list[dict[str, Any]] = []
        self.lists: dict[str, set[str]] = {"gold": set()}
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.hooks: dict[str, dict[str, Any]] = {}

    def more_calls(self) -> list[tuple[str, str, Handler]]:
        """The addresses beside those of new events."""
        imports = "/api/profile-bulk-import-jobs"
        return [
            ("GET", "/api/profiles", self._profiles_found),
            ("POST", "/api/profile-subscription-bulk-create-jobs", self._subscribe),
            ("POST", "/api/lists/{list_id}/relationships/profiles", self._listed),
            ("DELETE", "/api/lists/{list_id}/relationships/profiles", self._listed),
            ("POST", imports, self._bulk_import),
            ("GET", f"{imports}/{{job_id}}", self._job),
            ("GET", f"{imports}/{{job_id}}/import-errors", self._job_errors),
            ("GET", "/api/metrics", self._metrics),
            ("GET", "/api/events", self._events),
            ("GET", "/api/webhooks", self._hooks),
            ("POST", "/api/webhooks", self._hook),
            ("DELETE", "/api/webhooks/{hook_id}", self._unhook),
            ("GET", "/api/webhook-topics", self._topics),
        ]

    # --- people ------------------------------------------------------------------------------

    async def _import(self, request: Request) -> Response:
        attributes = (await request.json())["data"]["attributes"]
        if not identity_of(attributes) or why_not(attributes, None):
            return refusal(400, "invalid", "One identifier is needed.", "/data/attributes")
        profile, created = self._write(attributes)
        data = resource("profile", profile["id"], **fields_of(profile))
        body = {"data": data, "links": data["links"]}
        return JSONResponse(body, status_code=201 if created else 200, media_type=JSON_API)

    def _write(self, attributes: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        identity = identity_of(attributes)
        created = identity not in self.profiles
        if created:
            number = f"01SANDBOX{len(self.profiles):017d}"
            self.profiles[identity] = self.record("profile", id=number, properties={})
        profile = self.profiles[identity]
        more = attributes.pop("properties", None) or {}
        profile.update(attributes)
        profile["properties"].update(more)
        return profile, created

    async def _profiles_found(self, request: Request) -> Response:
        asked = re.fullmatch(r'equals\((\w+),"(.*)"\)', request.query_params.get("filter", ""))
        if asked is None:
            return refusal(400, "invalid", "The filter cannot be read.")
        field, value = asked.groups()
        found = [one for one in self.profiles.values() if one.get(field) == value]
        data = [resource("profile", one["id"], **fields_of(one)) for one in found]
        return page("profiles", data)

    async def _subscribe(self, request: Request) -> Response:
        body = (await request.json())["data"]
        for one in body["attributes"]["profiles"]["data"]:
            attributes = one["attributes"]
            wrong = why_not(attributes, None)
            if wrong:
                return refusal(400, "invalid", wrong, "/data/attributes/profiles/data/0")
            self.record(
                "subscription",
                address=identity_of(attributes),
                channels=sorted(attributes["subscriptions"]),
                source=body["attributes"].get("custom_source"),
                list=body.get("relationships", {}).get("list", {}).get("data", {}).get("id"),
            )
        return Response(status_code=202)

    async def _listed(self, request: Request) -> Response:
        members = self.lists.get(request.path_params["list_id"])
        if members is None:
            return refusal(404, "not_found", "A list with this id does not exist.")
        known = {one["id"] for one in self.profiles.values()}
        asked = {one["id"] for one in (await request.json())["data"]}
        if not asked <= known:
            return refusal(404, "not_found", "A profile with this id does not exist.")
        (members.update if request.method == "POST" else members.difference_update)(asked)
        self.record("list", list=request.path_params["list_id"], members=sorted(members))
        return Response(status_code=204)

    async def _bulk_import(self, request: Request) -> Response:
        profiles = (await request.json())["data"]["attributes"]["profiles"]["data"]
        if len(profiles) > 10_000:
            return refusal(400, "invalid", "No more than 10000 profiles may be given.")
        identity = f"job{len(self.jobs) + 1}"
        errors = []
        for place, one in enumerate(profiles):
            wrong = why_not(one["attributes"], None)
            if not wrong:
                self._write(one["attributes"])
                continue
            source = {"pointer": f"/data/attributes/profiles/data/{place}/attributes"}
            fields = {"code": "invalid", "title": "Invalid input.", "detail": wrong}
            errors.append(resource("import-error", str(place), **fields, source=source))
        self.jobs[identity] = errors
        data = self._job_shown(identity, "queued", len(profiles))
        return JSONResponse({"data": data}, status_code=202, media_type=JSON_API)

    async def _job(self, request: Request) -> Response:
        identity = request.path_params["job_id"]
        if identity not in self.jobs:
            return refusal(404, "not_found", "There is no such job.")
        data = self._job_shown(identity, "complete", 0)
        return JSONResponse({"data": data}, media_type=JSON_API)

    def _job_shown(self, identity: str, status: str, total: int) -> dict[str, Any]:
        counts = {"total_count": total, "failed_count": len(self.jobs[identity])}
        created = "2026-11-02T10:15:00+00:00"
        kind = "profile-bulk-import-job"
        return resource(kind, identity, status=status, created_at=created, **counts)

    async def _job_errors(self, request: Request) -> Response:
        size = int(request.query_params.get("page[size]", 20))
        return page("import-errors", self.jobs[request.path_params["job_id"]][:size])

    # --- what happened -----------------------------------------------------------------------

    async def _metrics(self, request: Request) -> Response:
        """Two pages, so that everybody has to turn one."""
        known = [
            resource(
                "metric", one, name=name, integration={"object": "integration", "name": origin}
            )
            for one, (name, origin) in METRICS.items()
        ]
        is_second = request.query_params.get("page[cursor]") == "second"
        return page("metrics", known[3:] if is_second else known[:3], "" if is_second else "second")

    async def _events(self, request: Request) -> Response:
        """One event a page."""
        asked = re.fullmatch(
            r'and\(equals\(metric_id,"(\w+)"\),greater-or-equal\(datetime,([^)]+)\)\)',
            request.query_params.get("filter", ""),
        )
        if asked is None:
            return refusal(400, "invalid", "The filter cannot be read.")
        start = datetime.fromisoformat(asked[2])
        found = [
            one
            for one in self.past
            if one["relationships"]["metric"]["data"]["id"] == asked[1]
            and datetime.fromisoformat(one["attributes"]["datetime"]) >= start
        ]
        place = int(request.query_params.get("page[cursor]", 0))
        more = str(place + 1) if place + 1 < len(found) else ""
        shown = found[place : place + 1]
        wanted = {one["relationships"]["profile"]["data"]["id"] for one in shown}
        people = [
            resource("profile", one["id"], **fields_of(one))
            for one in self.profiles.values()
            if one["id"] in wanted
        ]
        return page("events", shown, more, included=people)

    def happen(self, identity: str, metric: str, when: datetime, **properties: Any) -> None:
        """Something happened to Mila."""
        relations = {
            "profile": {"data": {"type": "profile", "id": "01SANDBOXMILA"}},
            "metric": {"data": {"type": "metric", "id": metric}},
        }
        event = resource(
            "event",
            identity,
            timestamp=int(when.timestamp()),
            datetime=when.isoformat(sep=" "),
            event_properties=properties,
        )
        self.past.append({**event, "relationships": relations})

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Mila writes a review, an e-mail comes back, and she leaves; one webhook rings."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        self.happen("4Review", "API001", at, rating=5)
        self.happen("4Bounce", "OWN003", at + timedelta(minutes=5), **{"Bounce Type": "Soft"})
        self.happen("4Left", "OWN001", at + timedelta(minutes=9), method="PREFERENCE_PAGE")
        self.happen("4Text", "OWN002", at + timedelta(minutes=10))
        self.happen("4Forged", "API002", at + timedelta(minutes=11))
        topic = "event:klaviyo.unsubscribed_from_email_marketing"
        return [(topic, {"data": [{"topic": topic, "external_id": "4Left", "payload": {}}]})]

    # --- webhooks ----------------------------------------------------------------------------

    async def _topics(self, request: Request) -> Response:
        known = [resource("webhook-topic", f"event:klaviyo.{one}") for one in TOPICS]
        return page("webhook-topics", [{**one, "attributes": {}} for one in known])

    async def _hooks(self, request: Request) -> Response:
        return page("webhooks", [_hook_shown(one) for one in self.hooks.values()])

    async def _hook(self, request: Request) -> Response:
        body = (await request.json())["data"]
        topics = [one["id"] for one in body["relationships"]["webhook-topics"]["data"]]
        attributes = body["attributes"]
        if any(topic.removeprefix("event:klaviyo.") not in TOPICS for topic in topics):
            return refusal(400, "invalid", "This topic does not exist.", "/data/relationships")
        if not attributes["endpoint_url"].startswith("https://"):
            return refusal(400, "invalid", "The address must be https.", "/data/attributes")
        identity = f"01HOOK{len(self.hooks) + 1:04d}"
        self.hooks[identity] = {"id": identity, "topics": topics, **attributes}
        data = _hook_shown(self.hooks[identity])
        return JSONResponse({"data": data}, status_code=201, media_type=JSON_API)

    async def _unhook(self, request: Request) -> Response:
        if self.hooks.pop(request.path_params["hook_id"], None) is None:
            return refusal(404, "not_found", "There is no such webhook.")
        return Response(status_code=204)

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {"klaviyo-webhook-id": "01HOOK0001"}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        meta = {"klaviyo_webhook_id": "01HOOK0001", "timestamp": datetime.now(UTC).isoformat()}
        return {**payload, "meta": meta}


def _hook_shown(hook: Mapping[str, Any]) -> dict[str, Any]:
    """The address cut short, as Klaviyo shows it."""
    shown = resource(
        "webhook",
        hook["id"],
        name=hook["name"],
        description=hook.get("description"),
        endpoint_url=f"{hook['endpoint_url'][:16]}...",
        enabled=True,
    )
    data = [{"type": "webhook-topic", "id": topic} for topic in hook["topics"]]
    links = {"self": f"{LINK}/webhooks/{hook['id']}/relationships", "related": LINK}
    return {**shown, "relationships": {"webhook-topics": {"data": data, "links": links}}}

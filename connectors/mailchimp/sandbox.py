"""A stand-in for Mailchimp's Marketing API: members, tags, events, webhooks."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import md5
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import uuid4

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import CustomerChange
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import InboundRequest, Webhook
from connectors.mailchimp.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "api_key": "sandbox-mailchimp-key-us0",
    "audience_id": "sandbox01",
    "webhook_secret": "sandbox-mailchimp-webhook-secret",
}
MILA = "mila.brandt@shop.example"

HOOKS = "/lists/{list_id}/webhooks"
STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")

Handler = Callable[[Request], Awaitable[Response]]


class MailchimpSandbox(SendingSandbox):
    """Keeps one record per member, `member`, updated in place. Mila is there already.

    Args:
        connections: How many calls may be under way at once before 429 is answered.
    """

    slug = "mailchimp"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "change_member": (
            CustomerChange(
                email=MILA, add_tags=("gold",), remove_tags=("silver",), fields={"POINTS": 120}
            ),
        )
    }

    def __init__(self, *, connections: int = 10) -> None:
        super().__init__()
        mila = {"kind": "member", "id": _hash(MILA), "email": MILA, "status": "subscribed"}
        self.members: dict[str, dict[str, Any]] = {
            _hash(MILA): {**mila, "merge_fields": {}, "tags": ["silver"]}
        }
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.hooks: dict[str, dict[str, Any]] = {}
        self._recorded: set[str] = set()
        self._connections = connections
        self._busy = 0

    def routes(self) -> list[BaseRoute]:
        """The addresses the connector calls, below `/3.0` at the vendor."""
        member = "/lists/{list_id}/members/{member_id}"
        return [
            Route("/ping", self._guarded(self._ping)),
            Route("/lists/{list_id}", self._guarded(self._audience), methods=["GET"]),
            Route("/lists/{list_id}", self._guarded(self._add), methods=["POST"]),
            Route(member, self._guarded(self._put), methods=["PUT"]),
            Route(member, self._guarded(self._patch), methods=["PATCH"]),
            Route(f"{member}/tags", self._guarded(self._tag), methods=["POST"]),
            Route(f"{member}/events", self._guarded(self._event), methods=["POST"]),
            Route(f"{member}/events", self._guarded(self._events), methods=["GET"]),
            Route(HOOKS, self._guarded(self._listed), methods=["GET"]),
            Route(HOOKS, self._guarded(self._hooked), methods=["POST"]),
            Route(f"{HOOKS}/{{hook_id}}", self._guarded(self._unhooked), methods=["DELETE"]),
        ]

    def leave(self, email: str) -> None:
        """The person unsubscribes, as by the link in a newsletter."""
        self.members[_hash(email)]["status"] = "unsubscribed"

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if not _is_known(request.headers.get("authorization", "")):
                return _problem(401, "API Key Invalid", "Your API key may be invalid.")
            if request.path_params.get("list_id", "sandbox01") != SANDBOX_ACCOUNT["audience_id"]:
                return _problem(404, "Resource Not Found", "The list could not be found.")
            if self._busy >= self._connections:
                return _problem(429, "Too Many Requests", "Too many simultaneous connections.")
            self._busy += 1
            try:
                return await handler(request)
            finally:
                self._busy -= 1

        return guarded

    async def _ping(self, request: Request) -> Response:
        return JSONResponse({"health_status": "Everything's Chimpy!"})

    async def _audience(self, request: Request) -> Response:
        return JSONResponse({"id": SANDBOX_ACCOUNT["audience_id"], "name": "Sandbox audience"})

    async def _put(self, request: Request) -> Response:
        body, identity = await request.json(), request.path_params["member_id"]
        email = body.get("email_address", "")
        if _hash(email) != identity or "@" not in email:
            return _invalid("email_address", "Please provide a valid email address.")
        status = body.get("status") or body.get("status_if_new")
        if identity not in self.members and status not in STATUSES:
            return _invalid("status_if_new", "This value is required for a new member.")
        member = self.members.get(identity) or self._create(email, status)
        member["status"] = body.get("status") or member["status"]
        member["merge_fields"].update(body.get("merge_fields") or {})
        self._keep(member)
        return JSONResponse(_shown(member))

    async def _patch(self, request: Request) -> Response:
        member, body = self._member(request), await request.json()
        if member is None:
            return _problem(404, "Resource Not Found", "The member could not be found.")
        member["status"] = body.get("status") or member["status"]
        member["merge_fields"].update(body.get("merge_fields") or {})
        self._keep(member)
        return JSONResponse(_shown(member))

    def _member(self, request: Request) -> dict[str, Any] | None:
        return self.members.get(request.path_params["member_id"])

    def _keep(self, member: dict[str, Any]) -> None:
        """Mila was there before anything was written; who is changed is recorded once."""
        if member["id"] not in self._recorded:
            self._recorded.add(member["id"])
            self.records.append(member)

    async def _add(self, request: Request) -> Response:
        body = await request.json()
        if len(body["members"]) > 500:
            return _invalid("members", "No more than 500 members may be given.")
        added: list[dict[str, Any]] = []
        updated: list[dict[str, Any]] = []
        errors: list[dict[str, str]] = []
        seen: set[str] = set()
        for one in body["members"]:
            identity = _hash(one.get("email_address", ""))
            error = self._why_not(one, identity in seen, bool(body.get("update_existing")))
            seen.add(identity)
            if error:
                errors.append({"email_address": one.get("email_address", ""), **error})
                continue
            known = identity in self.members
            member = self.members.get(identity) or self._create(one["email_address"], "")
            member["status"] = one["status"]
            member["merge_fields"].update(one.get("merge_fields") or {})
            (updated if known else added).append(_shown(member))
        counts = {"total_created": len(added), "total_updated": len(updated)}
        return JSONResponse(
            {"new_members": added, "updated_members": updated, "errors": errors, **counts}
            | {"error_count": len(errors)}
        )

    def _why_not(self, one: dict[str, Any], doubled: bool, update: bool) -> dict[str, str]:
        email = one.get("email_address", "")
        if "@" not in email or one.get("status") not in STATUSES or doubled:
            return {"error_code": "ERROR_GENERIC", "error": "This member cannot be imported."}
        if _hash(email) in self.members and not update:
            return {"error_code": "ERROR_CONTACT_EXISTS", "error": "Already a list member."}
        return {}

    async def _tag(self, request: Request) -> Response:
        member = self._member(request)
        if member is None:
            return _problem(404, "Resource Not Found", "The member could not be found.")
        tags = set(member["tags"])
        for tag in (await request.json())["tags"]:
            (tags.add if tag["status"] == "active" else tags.discard)(tag["name"])
        member["tags"] = sorted(tags)
        self._keep(member)
        return Response(status_code=204)

    async def _event(self, request: Request) -> Response:
        member, event = self._member(request), await request.json()
        if member is None:
            return _problem(404, "Resource Not Found", "The member could not be found.")
        if not 2 <= len(event.get("name", "")) <= 30:
            return _invalid("name", "The name must be 2-30 characters in length.")
        self.events.setdefault(member["id"], []).insert(0, event)
        self.record("event", email=member["email"], **event)
        return Response(status_code=204)

    async def _events(self, request: Request) -> Response:
        member = self._member(request)
        if member is None:
            return _problem(404, "Resource Not Found", "The member could not be found.")
        found = self.events.get(member["id"], [])
        shown = found[: int(request.query_params.get("count", 10))]
        return JSONResponse({"events": shown, "total_items": len(found)})

    async def _listed(self, request: Request) -> Response:
        shown = [{**one, "signing_enabled": True} for one in self.hooks.values()]
        return JSONResponse({"webhooks": shown, "total_items": len(shown)})

    async def _hooked(self, request: Request) -> Response:
        hook = await request.json()
        if any(one["url"] == hook["url"] for one in self.hooks.values()):
            return _invalid("url", "You can't set up multiple WebHooks for one URL.")
        identity = uuid4().hex[:10]
        self.hooks[identity] = {"id": identity, "list_id": SANDBOX_ACCOUNT["audience_id"], **hook}
        once = {"signing_enabled": True, "signing_secret": uuid4().hex}
        return JSONResponse({**self.hooks[identity], **once})

    async def _unhooked(self, request: Request) -> Response:
        if self.hooks.pop(request.path_params["hook_id"], None) is None:
            return _problem(404, "Resource Not Found", "The webhook could not be found.")
        return Response(status_code=204)

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def prepare(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> InboundRequest:
        """A form under PHP's names, signed; `payload` holds the names inside `data`."""
        now = datetime.now(UTC)
        fields = {"type": topic, "fired_at": now.strftime("%Y-%m-%d %H:%M:%S")}
        fields |= {
            f"data{name if name[0] == '[' else f'[{name}]'}": payload[name] for name in payload
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        unsigned = InboundRequest("POST", hook_url, headers, urlencode(fields).encode(), now)
        return replace(unsigned, headers={**headers, **self.webhook.sign(unsigned, account)})

    def _create(self, email: str, status: str) -> dict[str, Any]:
        member = self.record(
            "member", id=_hash(email), email=email, status=status, merge_fields={}, tags=[]
        )
        self.members[member["id"]] = member
        self._recorded.add(member["id"])
        return member


def _hash(email: str) -> str:
    return md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def _is_known(authorization: str) -> bool:
    """HTTP Basic with any user name, or a bearer token."""
    scheme, _, value = authorization.partition(" ")
    if scheme == "Bearer":
        return value == SANDBOX_ACCOUNT["api_key"]
    try:
        password = base64.b64decode(value).decode().partition(":")[2]
    except ValueError:
        return False
    return scheme == "Basic" and password == SANDBOX_ACCOUNT["api_key"]


def _shown(member: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": member["id"],
        "email_address": member["email"],
        "status": member["status"],
        "merge_fields": member["merge_fields"],
        "tags": [{"id": number, "name": name} for number, name in enumerate(member["tags"], 1)],
        "list_id": SANDBOX_ACCOUNT["audience_id"],
    }


def _invalid(field: str, message: str) -> Response:
    return _problem(
        400,
        "Invalid Resource",
        "The resource submitted could not be validated.",
        errors=[{"field": field, "message": message}],
    )


def _problem(status: int, title: str, detail: str, **more: Any) -> Response:
    body = {
        "type": "https://mailchimp.com/developer/marketing/docs/errors/",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "sandbox-instance",
        **more,
    }
    return JSONResponse(body, status_code=status, media_type="application/problem+json")

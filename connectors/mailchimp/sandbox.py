"""A stand-in for Mailchimp's Marketing API: one audience, its members and their tags."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from hashlib import md5
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox

SANDBOX_ACCOUNT = {"api_key": "sandbox-mailchimp-key-us0", "audience_id": "sandbox01"}

STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")

Handler = Callable[[Request], Awaitable[Response]]


class MailchimpSandbox(VendorSandbox):
    """Keeps one record per member, `member`, updated in place.

    Args:
        connections: How many calls may be under way at once before 429 is answered.
    """

    slug = "mailchimp"

    def __init__(self, *, connections: int = 10) -> None:
        super().__init__()
        self.members: dict[str, dict[str, Any]] = {}
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
            Route(f"{member}/tags", self._guarded(self._tag), methods=["POST"]),
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
        return JSONResponse(_shown(member))

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
        member = self.members.get(request.path_params["member_id"])
        if member is None:
            return _problem(404, "Resource Not Found", "The member could not be found.")
        tags = set(member["tags"])
        for tag in (await request.json())["tags"]:
            (tags.add if tag["status"] == "active" else tags.discard)(tag["name"])
        member["tags"] = sorted(tags)
        return Response(status_code=204)

    def _create(self, email: str, status: str) -> dict[str, Any]:
        member = self.record(
            "member", id=_hash(email), email=email, status=status, merge_fields={}, tags=[]
        )
        self.members[member["id"]] = member
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

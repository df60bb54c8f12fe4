"""A stand-in for a Zendesk account: users, tickets, comments, webhooks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar
from uuid import uuid4

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.zendesk.tickets import TicketChange, TicketNote
from connectors.zendesk.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "agent_email": "hub@aroma.example",
    "api_token": "sandbox-zendesk-token",
    "signing_secret": "sandbox-zendesk-signing-secret",
}
LOGIN = f"{SANDBOX_ACCOUNT['agent_email']}/token:{SANDBOX_ACCOUNT['api_token']}"


class ZendeskSandbox(SendingSandbox):
    """Accepts the sandbox account's token; it has one end user, Mila, and one ticket.

    Attributes:
        replays: Answers by idempotency key, with the request that each belongs to.
    """

    slug = "zendesk"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "add_note": (TicketNote(ticket="35436", body="The points were given back."),),
        "change_ticket": (TicketChange(ticket="35436", status="solved", priority="low"),),
    }

    def __init__(self, *, calls: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(35437)
        self.users: dict[int, dict[str, Any]] = {}
        self.tickets: dict[int, dict[str, Any]] = {35436: {"id": 35436, "external_id": None}}
        self.comments: dict[int, list[dict[str, Any]]] = {35436: []}
        self.replays: dict[str, tuple[bytes, int]] = {}
        self.hooks: dict[str, dict[str, Any]] = {}
        self._keep_user(
            7001, email="mila.brandt@shop.example", name="Mila", external_id="m-1",
            phone="+15005550123", tags=["silver"],
        )  # fmt: skip

    def _keep_user(self, number: int, **fields: Any) -> dict[str, Any]:
        blank: dict[str, Any] = {"role": "end-user", "tags": [], "user_fields": {}, "phone": None}
        found = self.users.setdefault(number, {**blank, "id": number, "external_id": None})
        own = {**found["user_fields"], **fields.pop("user_fields", {})}
        found.update(fields, user_fields=own)
        return found

    def routes(self) -> Sequence[BaseRoute]:
        table: tuple[tuple[str, str, Any], ...] = (
            ("GET", "/users/me", self._me),
            ("GET", "/users/search", self._search),
            ("POST", "/users/create_or_update", self._create_user),
            ("GET", "/users/{id:int}", self._user),
            ("PUT", "/users/{id:int}", self._change_user),
            ("GET", "/ticket_fields", self._fields),
            ("GET", "/tickets", self._tickets),
            ("POST", "/tickets", self._open),
            ("PUT", "/tickets/{id:int}", self._change),
            ("GET", "/tickets/{id:int}/comments", self._comments),
            ("GET", "/webhooks", self._hooks),
            ("POST", "/webhooks", self._make_hook),
            ("DELETE", "/webhooks/{id}", self._drop_hook),
            ("GET", "/webhooks/{id}/signing_secret", self._secret),
        )
        api = [Route(path, self._guarded(work), methods=[verb]) for verb, path, work in table]
        return [Mount("/api/v2", routes=api)]

    def _guarded(self, work: Any) -> Any:
        good = f"Basic {b64encode(LOGIN.encode()).decode()}"

        async def answer(request: Request) -> Response:
            if request.headers.get("Authorization") != good:
                return JSONResponse({"error": "Couldn't authenticate you"}, status_code=401)
            if self._window.take():
                return JSONResponse({}, status_code=429, headers={"Retry-After": "2"})
            body = await request.body()
            found: Response = work(request, orjson.loads(body) if body else None)
            return found

        return answer

    # --- users ----------------------------------------------------------------------------

    def _me(self, request: Request, given: Any) -> Response:
        return JSONResponse({"user": {"id": 1, "name": "Hub", "role": "admin"}})

    def _search(self, request: Request, given: Any) -> Response:
        asked = request.query_params
        field, _, value = asked.get("query", "").partition(":")
        if "external_id" in asked:
            field, value = "external_id", asked["external_id"]
        found = [one for one in self.users.values() if str(one.get(field)) == value.strip('"')]
        return JSONResponse({"users": found})

    def _user(self, request: Request, given: Any) -> Response:
        found = self.users.get(request.path_params["id"])
        return JSONResponse({"user": found}) if found else _missing()

    def _create_user(self, request: Request, given: Any) -> Response:
        user = given["user"]
        if "@" not in user["email"]:
            detail = [{"description": "Email: is not properly formatted", "error": "InvalidFormat"}]
            return _refused({"email": detail})
        known = [one["id"] for one in self.users.values() if one["email"] == user["email"]]
        found = self._keep_user(known[0] if known else next(self._numbers), **user)
        self.record("user", **found)
        return JSONResponse({"user": found}, status_code=200 if known else 201)

    def _change_user(self, request: Request, given: Any) -> Response:
        number = request.path_params["id"]
        if number not in self.users:
            return _missing()
        found = self._keep_user(number, **given["user"])
        self.record("user", **found)
        return JSONResponse({"user": found})

    # --- tickets --------------------------------------------------------------------------

    def _fields(self, request: Request, given: Any) -> Response:
        fields = [
            {"id": 360001, "title": "Points owed", "type": "integer", "active": True},
            {"id": 360002, "title": "Old field", "type": "text", "active": False},
        ]
        return JSONResponse({"ticket_fields": fields})

    def _tickets(self, request: Request, given: Any) -> Response:
        wanted = request.query_params["external_id"]
        found = [one for one in self.tickets.values() if one["external_id"] == wanted]
        return JSONResponse({"tickets": found})

    def _open(self, request: Request, given: Any) -> Response:
        key, said = request.headers.get("Idempotency-Key", ""), orjson.dumps(given)
        if key in self.replays:
            before, number = self.replays[key]
            if before != said:
                refusal = {"error": "IdempotentRequestError", "description": "Another request"}
                return JSONResponse(refusal, status_code=400)
            return _ticket(self.tickets[number], "hit")
        number = next(self._numbers)
        self.replays[key] = (said, number)
        ticket = dict(given["ticket"])
        self.comments[number] = [ticket.pop("comment")]
        self.tickets[number] = {"requester_id": 1, **ticket, "id": number, "status": "new"}
        self.record("ticket", **self.tickets[number])
        return _ticket(self.tickets[number], "miss")

    def _change(self, request: Request, given: Any) -> Response:
        number = request.path_params["id"]
        if number not in self.tickets:
            return _missing()
        change = dict(given["ticket"])
        if comment := change.pop("comment", None):
            self.comments[number].append(comment)
        self.tickets[number].update(change)
        self.record("ticket", **self.tickets[number])
        return JSONResponse({"ticket": self.tickets[number], "audit": {"id": 1}})

    def _comments(self, request: Request, given: Any) -> Response:
        found = self.comments.get(request.path_params["id"])
        return _missing() if found is None else JSONResponse({"comments": found})

    # --- webhooks -------------------------------------------------------------------------

    def _hooks(self, request: Request, given: Any) -> Response:
        """One a page; the cursor stands there at the end as well, as Zendesk's does."""
        hooks = sorted(self.hooks.values(), key=lambda one: one["id"])
        place = int(request.query_params.get("page[after]", 0))
        more = place + 1 < len(hooks)
        meta = {"has_more": more, "after_cursor": str(place + 1)}
        return JSONResponse({"webhooks": hooks[place : place + 1], "meta": meta})

    def _make_hook(self, request: Request, given: Any) -> Response:
        identity = str(uuid4())
        self.hooks[identity] = {**given["webhook"], "id": identity}
        return JSONResponse({"webhook": self.hooks[identity]}, status_code=201)

    def _drop_hook(self, request: Request, given: Any) -> Response:
        found = self.hooks.pop(request.path_params["id"], None)
        return Response(status_code=204) if found else _missing()

    def _secret(self, request: Request, given: Any) -> Response:
        secret = {"algorithm": "SHA256", "secret": SANDBOX_ACCOUNT["signing_secret"]}
        return JSONResponse({"signing_secret": secret})

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {"x-zendesk-webhook-invocation-id": delivery_id}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        return {**payload, "type": topic}


def _ticket(ticket: dict[str, Any], lookup: str) -> Response:
    headers = {"x-idempotency-lookup": lookup}
    return JSONResponse({"ticket": ticket}, status_code=201, headers=headers)


def _missing() -> Response:
    return JSONResponse({"error": "RecordNotFound", "description": "Not found"}, status_code=404)


def _refused(details: dict[str, Any]) -> Response:
    body = {"error": "RecordInvalid", "description": "Record validation errors"}
    return JSONResponse({**body, "details": details}, status_code=422)

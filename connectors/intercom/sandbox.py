"""A stand-in for an Intercom workspace: contacts, tags, events, messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.intercom.triggers import WEBHOOK
from connectors.kit.capabilities import PushMessage
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window

SANDBOX_ACCOUNT = {
    "access_token": "sandbox-intercom-access-token",
    "client_secret": "sandbox-intercom-client-secret",
}
MILA = "6762f0dd1bb69f9f21937001"
JOINED = 1_700_000_000
Record = dict[str, Any]


class IntercomSandbox(SendingSandbox):
    """Accepts the sandbox account's token; it has one user, Mila, with one tag.

    Attributes:
        contacts: By id.
        tags: Names by number.
        worn: Numbers of tags by contact.
        attributes: Names of custom attributes that exist.
        seen: What makes an event one: person, name, second.
    """

    slug = "intercom"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "send_message": (PushMessage(to=MILA, text="You have 120 points."),)
    }

    def __init__(self, *, calls: int = 1666) -> None:
        super().__init__()
        self._window = Window(calls, 10.0)
        self._numbers = count(7002)
        self.contacts: dict[str, Record] = {}
        self.tags: dict[str, str] = {"80": "silver"}
        self.worn: dict[str, list[str]] = {MILA: ["80"]}
        self.attributes = {"tier", "points"}
        self.seen: set[tuple[str, str, int]] = set()
        self.put(MILA, email="mila.brandt@shop.example", name="Mila", external_id="m-1",
                 phone="+15005550123")  # fmt: skip

    def put(self, identity: str, **fields: Any) -> Record:
        """Keeps a contact, as it is with these fields."""
        blank: Record = {
            "type": "contact",
            "id": identity,
            "workspace_id": "aroma1",
            "role": "user",
        }
        blank |= {"external_id": None, "phone": None, "name": None, "created_at": JOINED}
        found = self.contacts.get(identity, {**blank, "custom_attributes": {}})
        own = {**found["custom_attributes"], **(fields.pop("custom_attributes", None) or {})}
        self.contacts[identity] = {**found, **fields, "custom_attributes": own}
        return self.contacts[identity]

    def routes(self) -> Sequence[BaseRoute]:
        table: tuple[tuple[str, str, Any], ...] = (
            ("GET", "/me", self._me),
            ("POST", "/contacts/search", self._search),
            ("GET", "/contacts/find_by_external_id/{external_id}", self._by_external_id),
            ("POST", "/contacts", self._create),
            ("GET", "/contacts/{id}", self._contact),
            ("PUT", "/contacts/{id}", self._change),
            ("GET", "/contacts/{id}/tags", self._tags_of),
            ("POST", "/contacts/{id}/tags", self._attach),
            ("DELETE", "/contacts/{id}/tags/{tag}", self._detach),
            ("POST", "/tags", self._tag),
            ("POST", "/events", self._event),
            ("POST", "/messages", self._message),
        )
        return [Route(path, self._guarded(work), methods=[verb]) for verb, path, work in table]

    def _guarded(self, work: Any) -> Any:
        async def answer(request: Request) -> Response:
            good = f"Bearer {SANDBOX_ACCOUNT['access_token']}"
            if request.headers.get("authorization") != good:
                return _refused(401, "unauthorized", "Access Token Invalid")
            if wait := self._window.take():
                return _refused(429, "rate_limit_exceeded", f"Exceeded; {wait:.0f} s")
            body = await request.body()
            found: Response = work(request, orjson.loads(body) if body else {})
            return found

        return answer

    def _me(self, request: Request, given: Record) -> Response:
        app = {"type": "app", "id_code": "aroma1", "name": "Aroma House", "region": "EU"}
        return JSONResponse({"type": "admin", "id": "991267459", "name": "Hub", "app": app})

    # --- contacts -------------------------------------------------------------------------

    def _search(self, request: Request, given: Record) -> Response:
        query = given["query"]
        known = [one for one in self.contacts.values() if one.get(query["field"]) == query["value"]]
        pages = {"type": "pages", "page": 1, "per_page": 50, "total_pages": 1}
        reply = {"type": "list", "data": known, "total_count": len(known), "pages": pages}
        return JSONResponse(reply)

    def _by_external_id(self, request: Request, given: Record) -> Response:
        wanted = request.path_params["external_id"]
        for one in self.contacts.values():
            if one["external_id"] == wanted:
                return JSONResponse(one)
        return _missing()

    def _contact(self, request: Request, given: Record) -> Response:
        found = self.contacts.get(request.path_params["id"])
        return JSONResponse(found) if found else _missing()

    def _create(self, request: Request, given: Record) -> Response:
        for one in self.contacts.values():
            taken = given.get("external_id") and one["external_id"] == given["external_id"]
            if taken or (one["email"] == given.get("email") and one["role"] == "user"):
                text = f"A contact matching those details already exists with id={one['id']}"
                return _refused(409, "conflict", text)
        return self._written(f"6762f0dd1bb69f9f2193{next(self._numbers):04d}", given)

    def _change(self, request: Request, given: Record) -> Response:
        identity = request.path_params["id"]
        return self._written(identity, given) if identity in self.contacts else _missing()

    def _written(self, identity: str, given: Record) -> Response:
        unknown = set(given.get("custom_attributes") or {}) - self.attributes
        if unknown:
            text = f"Custom attribute '{min(unknown)}' does not exist"
            return _refused(400, "parameter_invalid", text)
        found = self.put(identity, **given)
        self.record("contact", **found)
        return JSONResponse(found)

    # --- tags -----------------------------------------------------------------------------

    def _tag(self, request: Request, given: Record) -> Response:
        for number, name in self.tags.items():
            if name.casefold() == given["name"].casefold():
                return JSONResponse({"type": "tag", "id": number, "name": name})
        number = str(next(self._numbers))
        self.tags[number] = given["name"]
        return JSONResponse({"type": "tag", "id": number, "name": given["name"]})

    def _tags_of(self, request: Request, given: Record) -> Response:
        if request.path_params["id"] not in self.contacts:
            return _missing()
        worn = self.worn.get(request.path_params["id"], [])
        return JSONResponse({"type": "list", "data": [self._worn(number) for number in worn]})

    def _attach(self, request: Request, given: Record) -> Response:
        identity, number = request.path_params["id"], given["id"]
        if identity not in self.contacts or number not in self.tags:
            return _missing()
        worn = self.worn.setdefault(identity, [])
        if number not in worn:
            worn.append(number)
        self.record("tag", contact=identity, tag=self.tags[number], is_worn=True)
        return JSONResponse(self._worn(number))

    def _detach(self, request: Request, given: Record) -> Response:
        identity, number = request.path_params["id"], request.path_params["tag"]
        if number not in self.worn.get(identity, []):
            return _missing()
        self.worn[identity].remove(number)
        self.record("tag", contact=identity, tag=self.tags[number], is_worn=False)
        return JSONResponse(self._worn(number))

    def _worn(self, number: str) -> Record:
        by = {"type": "admin", "id": "991267459"}
        tag = {"type": "tag", "id": number, "name": self.tags[number]}
        return {**tag, "applied_at": JOINED, "applied_by": by}

    # --- events and messages --------------------------------------------------------------

    def _event(self, request: Request, given: Record) -> Response:
        found = [
            identity
            for identity, one in self.contacts.items()
            if given.get("id") == identity or given.get("user_id") in (one["external_id"],)
        ]
        if not found:
            return _missing()
        mark = (found[0], given["event_name"], given["created_at"])
        if mark not in self.seen:
            self.seen.add(mark)
            self.record("event", contact=found[0], **{k: v for k, v in given.items() if k != "id"})
        return Response(status_code=202)

    def _message(self, request: Request, given: Record) -> Response:
        if not given.get("body"):
            return _refused(400, "parameter_invalid", "Body is required")
        if given["to"]["id"] not in self.contacts:
            return _missing()
        number = str(next(self._numbers))
        message = {"type": "user_message", "id": number, "created_at": JOINED + 1}
        message |= {"body": given["body"], "message_type": "inapp", "conversation_id": f"9{number}"}
        self.record("message", sender=given["from"], to=given["to"], body=given["body"])
        return JSONResponse(message)

    # --- what it sends --------------------------------------------------------------------

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {"user-agent": "intercom-parrot-service-client/1.0"}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        return {"id": f"notif_{delivery_id}", **payload, "topic": topic}


def _missing() -> Response:
    return _refused(404, "not_found", "Resource Not Found")


def _refused(status: int, code: str, message: str) -> Response:
    errors = [{"code": code, "message": message}]
    body = {"type": "error.list", "request_id": None, "errors": errors}
    return JSONResponse(body, status_code=status)

"""A stand-in for an ActiveCampaign account: contacts, tags, lists, automations, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from connectors.activecampaign.contacts import ListExit
from connectors.activecampaign.triggers import WEBHOOK
from connectors.kit.capabilities import JourneyEntry
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import InboundRequest, Webhook
from connectors.kit.window import Window

SANDBOX_ACCOUNT = {
    "api_token": "sandbox-activecampaign-token",
    "hook_token": "sandbox-activecampaign-hook-word",
    "list_id": "3",
    "member_field": "MEMBER_ID",
    "event_key": "sandbox-event-key",
    "event_actid": "4711",
}
LONG_AGO = "2026-01-05T09:00:00-06:00"
FIELDS = {"TIER": "1", "POINTS": "2", "MEMBER_ID": "3"}


class ActiveCampaignSandbox(SendingSandbox):
    """Accepts the sandbox account's key; it has one contact, Mila.

    Attributes:
        contacts: By number. `fields`, `lists`, `tags` and `entries` hold what belongs to them.
    """

    slug = "activecampaign"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "unsubscribe": (ListExit(email="mila.brandt@shop.example"),),
        "enter_automation": (
            JourneyEntry(
                email="mila.brandt@shop.example",
                journey="9",
                time=datetime(2026, 11, 2, 10, 15, tzinfo=UTC),
                properties={"tier": "Gold"},
            ),
        ),
    }

    def __init__(self, *, calls: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(7002)
        self.contacts: dict[str, dict[str, Any]] = {}
        self.fields: dict[tuple[str, str], str] = {("7001", "3"): "m-1"}
        self.lists: dict[tuple[str, str], dict[str, Any]] = {}
        self.tags: dict[str, str] = {"silver": "20"}
        self.tagged: dict[str, tuple[str, str]] = {"500": ("7001", "20")}
        self.entries: dict[str, dict[str, str]] = {}
        self.hooks: dict[str, dict[str, Any]] = {}
        self.add("7001", email="mila.brandt@shop.example", firstName="Mila", phone="+15005550123")

    def account_at(self, base_url: str) -> dict[str, Any]:
        return {**SANDBOX_ACCOUNT, "base_url": base_url, "events_url": base_url}

    def add(self, number: str, at: str = LONG_AGO, **fields: str) -> dict[str, Any]:
        """A contact as the API tells it."""
        blank = {"email": "", "phone": "", "firstName": "", "lastName": ""}
        self.contacts[number] = {**blank, **fields, "id": number, "cdate": at, "udate": at}
        return self.contacts[number]

    def routes(self) -> Sequence[BaseRoute]:
        table: tuple[tuple[str, str, Any], ...] = (
            ("GET", "/lists", self._lists),
            ("GET", "/contacts", self._contacts),
            ("GET", "/contacts/{id}", self._contact),
            ("PUT", "/contacts/{id}", self._change),
            ("GET", "/contacts/{id}/contactLists", self._standings),
            ("GET", "/contacts/{id}/contactTags", self._tags_of),
            ("POST", "/contact/sync", self._sync),
            ("GET", "/fields", self._fields),
            ("GET", "/fieldValues", self._values),
            ("GET", "/tags", self._tags),
            ("POST", "/tags", self._make_tag),
            ("POST", "/contactTags", self._tag),
            ("DELETE", "/contactTags/{id}", self._untag),
            ("POST", "/contactLists", self._put_on_list),
            ("POST", "/contactAutomations", self._enter),
            ("GET", "/webhooks", self._hooks),
            ("POST", "/webhooks", self._make_hook),
            ("DELETE", "/webhooks/{id}", self._drop_hook),
        )
        api = [Route(path, self._guarded(work), methods=[verb]) for verb, path, work in table]
        return [Route("/event", self._event, methods=["POST"]), Mount("/api/3", routes=api)]

    def _guarded(self, work: Any) -> Any:
        async def answer(request: Request) -> Response:
            if request.headers.get("Api-Token") != SANDBOX_ACCOUNT["api_token"]:
                refusal = {"message": "You do not have permission to access this resource."}
                return JSONResponse(refusal, status_code=403)
            if self._window.take():
                return JSONResponse({}, status_code=429, headers={"Retry-After": "1"})
            body = await request.body()
            found: Response = work(request, orjson.loads(body) if body else {})
            return found

        return answer

    # --- what is read ---------------------------------------------------------------------

    def _lists(self, request: Request, given: Any) -> Response:
        return JSONResponse({"lists": [{"id": "3", "name": "News"}], "meta": {"total": "1"}})

    def _contacts(self, request: Request, given: Any) -> Response:
        asked = request.query_params
        after = int(asked.get("id_greater", 0))
        start = datetime.fromisoformat(asked.get("filters[updated_after]", LONG_AGO))
        found = [
            one
            for number, one in sorted(self.contacts.items(), key=lambda pair: int(pair[0]))
            if int(number) > after
            and datetime.fromisoformat(one["udate"]) >= start
            and asked.get("email", one["email"]) == one["email"]
            and asked.get("search", one["phone"]) in one["phone"]
        ]
        return JSONResponse({"contacts": found[:2], "meta": {"total": str(len(found))}})

    def _contact(self, request: Request, given: Any) -> Response:
        contact = self.contacts.get(request.path_params["id"])
        if contact is None:
            return _missing()
        entries = [one for one in self.entries.values() if one["contact"] == contact["id"]]
        return JSONResponse({"contact": contact, "contactAutomations": entries})

    def _standings(self, request: Request, given: Any) -> Response:
        found = [one for (who, _), one in self.lists.items() if who == request.path_params["id"]]
        return JSONResponse({"contactLists": found})

    def _tags_of(self, request: Request, given: Any) -> Response:
        owner = request.path_params["id"]
        found = [
            {"id": number, "contact": who, "tag": tag}
            for number, (who, tag) in self.tagged.items()
            if who == owner
        ]
        return JSONResponse({"contactTags": found})

    def _fields(self, request: Request, given: Any) -> Response:
        tag = request.query_params["filters[perstag]"]
        found = [{"id": FIELDS[tag], "perstag": tag}] if tag in FIELDS else []
        return JSONResponse({"fields": found, "meta": {"total": str(len(found))}})

    def _values(self, request: Request, given: Any) -> Response:
        field, value = (request.query_params[f"filters[{name}]"] for name in ("fieldid", "val"))
        found = [
            {"id": "1", "contact": who, "field": field, "value": value}
            for (who, which), held in self.fields.items()
            if (which, held) == (field, value)
        ]
        return JSONResponse({"fieldValues": found})

    def _tags(self, request: Request, given: Any) -> Response:
        sought = request.query_params["search"]
        found = [{"id": id, "tag": tag} for tag, id in self.tags.items() if sought in tag]
        return JSONResponse({"tags": found})

    # --- what is written ------------------------------------------------------------------

    def _sync(self, request: Request, given: Any) -> Response:
        contact = given["contact"]
        if "@" not in contact["email"]:
            return _refused("Email address is invalid", "email_invalid")
        known = [one for one in self.contacts.values() if one["email"] == contact["email"]]
        found = known[0] if known else self.add(str(next(self._numbers)), _now())
        self._write(found, contact)
        return JSONResponse({"contact": found}, status_code=200 if known else 201)

    def _change(self, request: Request, given: Any) -> Response:
        found = self.contacts.get(request.path_params["id"])
        if found is None:
            return _missing()
        self._write(found, given["contact"])
        return JSONResponse({"contact": found})

    def _write(self, found: dict[str, Any], contact: dict[str, Any]) -> None:
        for one in contact.pop("fieldValues", ()):
            self.fields[found["id"], one["field"]] = one["value"]
        found.update(contact)
        self.record("contact", id=found["id"], **contact)

    def _make_tag(self, request: Request, given: Any) -> Response:
        name = given["tag"]["tag"]
        if name in self.tags:
            return _refused("The tag already exists", "duplicate")
        self.tags[name] = str(len(self.tags) + 20)
        return JSONResponse({"tag": {**given["tag"], "id": self.tags[name]}}, status_code=201)

    def _tag(self, request: Request, given: Any) -> Response:
        pair = (given["contactTag"]["contact"], given["contactTag"]["tag"])
        if pair[0] not in self.contacts:
            return _missing()
        numbers = {held: number for number, held in self.tagged.items()}
        number = numbers.get(pair) or str(next(self._numbers))
        self.tagged[number] = pair
        self.record("tag", contact=pair[0], tag=pair[1])
        body = {"contactTag": {"id": number, "contact": pair[0], "tag": pair[1]}}
        return JSONResponse(body, status_code=201)

    def _untag(self, request: Request, given: Any) -> Response:
        pair = self.tagged.pop(request.path_params["id"], None)
        return JSONResponse({}) if pair else _missing()

    def _put_on_list(self, request: Request, given: Any) -> Response:
        wish = given["contactList"]
        place = (wish["contact"], wish["list"])
        was = self.lists.get(place, {}).get("status")
        if was == "2" and wish["status"] == "1" and wish.get("sourceid") != 4:
            return _refused("The contact unsubscribed from this list", "unsubscribed")
        found = {"contact": place[0], "list": place[1], "status": wish["status"]}
        self.lists[place] = {**found, "id": "8", "sdate": _now(), "udate": _now()}
        self.record("standing", **found)
        return JSONResponse({"contactList": self.lists[place]}, status_code=201)

    def _enter(self, request: Request, given: Any) -> Response:
        wish = given["contactAutomation"]
        if wish["automation"] != "9":
            return _missing()
        number = str(next(self._numbers))
        self.entries[number] = {"id": number, "adddate": _now(), **wish}
        self.record("entry", **wish)
        return JSONResponse({"contactAutomation": self.entries[number]}, status_code=201)

    async def _event(self, request: Request) -> Response:
        form = dict(await request.form())
        if form.get("key") != SANDBOX_ACCOUNT["event_key"]:
            return JSONResponse({"success": 0, "message": "Invalid key"})
        self.record("event", **{name: str(text) for name, text in form.items() if name != "key"})
        return JSONResponse({"success": 1, "message": "Event spawned"})

    # --- webhooks -------------------------------------------------------------------------

    def _hooks(self, request: Request, given: Any) -> Response:
        name = request.query_params.get("filters[name]", "")
        found = [one for one in self.hooks.values() if name in one["name"]]
        return JSONResponse({"webhooks": found})

    def _make_hook(self, request: Request, given: Any) -> Response:
        number = str(next(self._numbers))
        self.hooks[number] = {**given["webhook"], "id": number}
        return JSONResponse({"webhook": self.hooks[number]}, status_code=201)

    def _drop_hook(self, request: Request, given: Any) -> Response:
        return JSONResponse({}) if self.hooks.pop(request.path_params["id"], None) else _missing()

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Ada signs up, Mila changes, Emil unsubscribes."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        first, second = at.isoformat(), (at + timedelta(minutes=5)).isoformat()
        self.add("7100", first, email="ada.lind@shop.example", firstName="Ada")
        self.add("7101", first, email="emil.roth@shop.example")["udate"] = second
        self.contacts["7001"]["udate"] = second
        on_list = {"list": "3", "sdate": first, "udate": second}
        self.lists["7100", "3"] = {**on_list, "contact": "7100", "status": "1"}
        self.lists["7101", "3"] = {**on_list, "contact": "7101", "status": "2"}
        gone = {"contact[id]": "7101", "contact[email]": "emil.roth@shop.example"}
        return [
            ("subscribe", {"contact[id]": "7100", "list": "3", "date_time": first}),
            ("update", {"contact[id]": "7001", "date_time": second}),
            ("unsubscribe", {**gone, "list": "3", "date_time": second}),
        ]

    def prepare(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> InboundRequest:
        url = hook_url if "token=" in hook_url else self.webhook.address(hook_url, account)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode({"type": topic, **payload}).encode()
        unsigned = InboundRequest("POST", url, headers, body, datetime.now(UTC))
        return replace(unsigned, query={"token": account.hook_token.get_secret_value()})

    async def deliver(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> int:
        address = self.prepare(hook_url, topic, payload, account=account).url
        return await super().deliver(address, topic, payload, account=account)


def _now() -> str:
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def _missing() -> Response:
    return JSONResponse({"message": "No Result found"}, status_code=404)


def _refused(title: str, code: str) -> Response:
    return JSONResponse({"errors": [{"title": title, "code": code}]}, status_code=422)

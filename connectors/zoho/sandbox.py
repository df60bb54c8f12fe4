"""A stand-in for a Zoho CRM organisation: tokens, records of any module, tags, channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import CrmContact
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import InboundRequest, Webhook
from connectors.zoho.notes import ContactNote
from connectors.zoho.people import Lead
from connectors.zoho.stand_in import PAGE, Reply, data, failed, page, refused, succeeded
from connectors.zoho.triggers import WEBHOOK
from connectors.zoho.version import API, TOKEN

SANDBOX_ACCOUNT = {
    "client_id": "1000.SANDBOXCLIENT",
    "client_secret": "sandbox-zoho-client-secret",
    "refresh_token": "1000.sandbox-zoho-refresh",
    "hook_token": "sandbox-zoho-hook-token",
    "member_field": "Member_Id",
}
MANDATORY = {"Contacts": ("Last_Name",), "Leads": ("Last_Name",), "Notes": ("Parent_Id",)}
NUMBERS = frozenset({"points"})


class ZohoSandbox(SendingSandbox):
    """Gives out access tokens; the refresh token stays the same, as at Zoho.

    Attributes:
        modules: The records of each module, by id.
        channels: The notification channels, by number.
    """

    slug = "zoho"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[Any]]] = {
        "upsert_contact": (
            CrmContact(email="mila.brandt@shop.example", last_name="Brandt"),
            CrmContact(email="nameless@shop.example", properties={"points": 120}),
        ),
        "upsert_lead": (Lead(email="lead@shop.example", last_name="Okafor", company="Tea & Co"),),
        "add_note": (
            ContactNote(email="mila.brandt@shop.example", title="Gold", text="Reached Gold."),
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(5725767000000400001)
        self._tokens = count(1)
        self.token = ""
        self.modules: dict[str, dict[str, Reply]] = {
            name: {} for name in ("Contacts", "Leads", "Deals", "Notes")
        }
        self.channels: dict[str, Reply] = {}
        mila = {"Email": "mila.brandt@shop.example", "First_Name": "Mila", "Last_Name": "Brandt"}
        mila |= {"Phone": "+15005550123", "Member_Id": "m-1", "id": "7001"}
        self.put("Contacts", mila, at=datetime(2024, 3, 1, 8, tzinfo=UTC))

    def put(self, module: str, record: Reply, *, at: datetime | None = None) -> Reply:
        """Keeps a record, new or changed."""
        when = (at or datetime.now(UTC)).isoformat(timespec="seconds")
        kept = self.modules[module].get(str(record.get("id")), {"Created_Time": when, "Tag": []})
        kept = {"id": str(next(self._numbers)), **kept, **record, "Modified_Time": when}
        self.modules[module][kept["id"]] = kept
        return kept

    def account_at(self, base_url: str) -> dict[str, Any]:
        return {**SANDBOX_ACCOUNT, "base_url": base_url, "accounts_url": base_url}

    def routes(self) -> Sequence[BaseRoute]:
        def route(path: str, answer: Any, *methods: str) -> Route:
            return Route(f"{API}{path}", self._guarded(answer), methods=list(methods))

        return [
            Route(TOKEN, self._grant, methods=["POST"]),
            route("/actions/watch", self._listed, "GET"),
            route("/actions/watch", self._watch, "POST", "PUT"),
            route("/actions/watch", self._unwatch, "DELETE"),
            route("/{module}/upsert", self._upsert, "POST"),
            route("/{module}/search", self._search, "GET"),
            route("/{module}/actions/{what}_tags", self._tag, "POST"),
            route("/{module}/{id}/Notes", self._notes, "GET"),
            route("/{module}/{id}", self._update, "PUT"),
            route("/{module}", self._changed, "GET"),
            route("/{module}", self._create, "POST"),
        ]

    async def _grant(self, request: Request) -> Response:
        form = await request.form()
        if form.get("client_secret") != SANDBOX_ACCOUNT["client_secret"]:
            return JSONResponse({"error": "invalid_client"})
        if form.get("refresh_token") != SANDBOX_ACCOUNT["refresh_token"]:
            return JSONResponse({"error": "invalid_code"})
        self.token = f"1000.sandbox-zoho-access-{next(self._tokens)}"
        content = {"access_token": self.token, "api_domain": "https://www.zohoapis.com"}
        return JSONResponse({**content, "token_type": "Bearer", "expires_in": 3600})

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Zoho-oauthtoken {self.token}":
                return refused(401, "INVALID_TOKEN", "invalid oauth token")
            if request.path_params.get("module", "Contacts") not in self.modules:
                return refused(400, "INVALID_MODULE", "the module name given seems to be invalid")
            found: Response = await answer(request)
            return found

        return guarded

    # --- records -----------------------------------------------------------------------------

    async def _upsert(self, request: Request) -> Response:
        asked, module = await request.json(), request.path_params["module"]
        (by,) = asked["duplicate_check_fields"]
        told = []
        for record in asked["data"]:
            there = [
                one
                for one in self.modules[module].values()
                if str(one.get(by, "")).lower() == str(record.get(by, "")).lower()
            ]
            known = {"id": there[0]["id"]} if there else {}
            told.append(self._write(module, {**record, **known}, is_new=not there))
        return data(told)

    async def _create(self, request: Request) -> Response:
        module = request.path_params["module"]
        records = (await request.json())["data"]
        return data([self._write(module, one, is_new=True) for one in records], status=201)

    async def _update(self, request: Request) -> Response:
        module, record_id = request.path_params["module"], request.path_params["id"]
        if record_id not in self.modules[module]:
            return data([failed("INVALID_DATA", "the id given seems to be invalid", "id")])
        (record,) = (await request.json())["data"]
        return data([self._write(module, {**record, "id": record_id}, is_new=False)])

    def _write(self, module: str, record: Reply, *, is_new: bool) -> Reply:
        missing = [name for name in MANDATORY.get(module, ()) if not record.get(name)]
        if is_new and missing:
            return failed("MANDATORY_NOT_FOUND", "required field not found", missing[0])
        for name in NUMBERS & set(record):
            if isinstance(record[name], str):
                return failed("INVALID_DATA", "invalid data", name)
        kept = self.put(module, record)
        self.record(module.lower(), is_new=is_new, **kept)
        return succeeded(kept["id"], "insert" if is_new else "update")

    async def _search(self, request: Request) -> Response:
        query, records = request.query_params, self.modules[request.path_params["module"]]
        places = {"email": "Email", "phone": "Phone"}
        if criteria := query.get("criteria"):
            place, _, wanted = criteria.strip("()").partition(":equals:")
        else:
            asked = next(name for name in places if name in query)
            place, wanted = places[asked], query[asked]
        found = [one for one in records.values() if one.get(place) == wanted.replace("\\", "")]
        if not found:
            return Response(status_code=204)
        return JSONResponse({"data": found, "info": {"more_records": False, "count": len(found)}})

    async def _tag(self, request: Request) -> Response:
        asked, what = await request.json(), request.path_params["what"]
        told = []
        for record_id in asked["ids"]:
            record = self.modules[request.path_params["module"]].get(record_id)
            if record is None:
                told.append(failed("INVALID_DATA", "the id given seems to be invalid", "id"))
                continue
            names = {tag["name"] for tag in record["Tag"]}
            given = {tag["name"] for tag in asked["tags"]}
            names = names | given if what == "add" else names - given
            record["Tag"] = [{"name": name} for name in sorted(names)]
            self.record("tags", id=record_id, tags=sorted(names))
            told.append(succeeded(record_id, "update"))
        return data(told)

    async def _changed(self, request: Request) -> Response:
        records = list(self.modules[request.path_params["module"]].values())
        if since := request.headers.get("if-modified-since"):
            start = datetime.fromisoformat(since)
            records = [
                one for one in records if datetime.fromisoformat(one["Modified_Time"]) >= start
            ]
            if not records:
                return Response(status_code=304)
        return page(sorted(records, key=lambda one: one["Modified_Time"]), request)

    async def _notes(self, request: Request) -> Response:
        owner = request.path_params["id"]
        found = [one for one in self.modules["Notes"].values() if one["Parent_Id"]["id"] == owner]
        return page(found, request)

    # --- channels ----------------------------------------------------------------------------

    async def _listed(self, request: Request) -> Response:
        if not self.channels:
            return Response(status_code=204)
        found, number = list(self.channels.values()), int(request.query_params["page"])
        info = {"page": number, "more_records": len(found) > number * PAGE}
        return JSONResponse({"watch": found[(number - 1) * PAGE : number * PAGE], "info": info})

    async def _watch(self, request: Request) -> Response:
        (asked,) = (await request.json())["watch"]
        number, is_new = asked["channel_id"], request.method == "POST"
        if is_new == (number in self.channels):
            told = failed("INVALID_DATA", "the channel is not as expected", "channel_id")
            return JSONResponse({"watch": [told]}, status_code=400)
        end = datetime.fromisoformat(asked["channel_expiry"])
        if end - datetime.now(UTC) > timedelta(days=7) or len(asked["token"]) > 50:
            return JSONResponse(
                {"watch": [failed("INVALID_DATA", "too long", "channel_expiry")]}, status_code=400
            )
        self.channels[number] = {"resource_name": asked["events"][0].split(".")[0], **asked}
        self.record("channel", **asked)
        told = {**succeeded(number, "insert"), "details": {"events": []}}
        return JSONResponse({"watch": [told]}, status_code=201 if is_new else 200)

    async def _unwatch(self, request: Request) -> Response:
        if self.channels.pop(request.query_params["channel_ids"], None) is None:
            told = failed("INVALID_DATA", "the channel is not subscribed", "channel_id")
            return JSONResponse({"watch": [told]}, status_code=400)
        return JSONResponse({"watch": [{**succeeded("", "delete"), "details": {}}]})

    # --- what it tells -----------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Mila changes her number, three sign up, a lead comes in and a deal is won."""
        at = datetime.now(UTC) - timedelta(hours=2)
        self.put("Contacts", {"id": "7001", "Mobile": "+15005550124"}, at=at)
        for number in range(3):
            address = f"new{number}@shop.example"
            self.put("Contacts", {"Email": address, "Last_Name": "New"}, at=at)
        lead = self.put("Leads", {"Email": "lead@shop.example", "Last_Name": "Okafor"}, at=at)
        person = {"name": "Mila Brandt", "id": "7001"}
        deal = self.put("Deals", {"Stage": "Closed Won", "Contact_Name": person}, at=at)
        self.put("Deals", {"Stage": "Qualification", "Contact_Name": person}, at=at)
        return [
            ("Contacts", {"ids": ["7001"], "operation": "update"}),
            ("Leads", {"ids": [lead["id"]], "operation": "insert"}),
            ("Deals", {"ids": [deal["id"]], "operation": "update"}),
        ]

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        return {"module": topic, "channel_id": "1", "query_params": {}, **payload}

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
        """With the token in the address, as it was registered."""
        token = {"token": account.hook_token.get_secret_value()}
        made = super().prepare(hook_url, topic, payload, account=account, delivery_id=delivery_id)
        return replace(made, url=f"{hook_url}?{urlencode(token)}", query=token)

    async def deliver(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> int:
        address = hook_url if "?" in hook_url else WEBHOOK.address(hook_url, account)
        return await super().deliver(
            address, topic, payload, account=account, delivery_id=delivery_id
        )

"""A stand-in for a base at Airtable: tables, payloads of webhooks, signed pings."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.airtable.records import RecordCreate, RecordUpdate
from connectors.airtable.triggers import RECORDS, WEBHOOK
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook

PEOPLE, FORMS = "tblPeople00000001", "tblForms000000001"
SANDBOX_ACCOUNT = {
    "access_token": "patSandbox.airtable-token",
    "base_id": "appSandbox0000001",
    "table": "Members",
    "mac_secret": base64.b64encode(b"sandbox-airtable-mac-secret").decode(),
    "people_table": PEOPLE,
    "activity_table": FORMS,
}
MILA = "recMila0000000001"
ME, SOMEBODY = "usrHub00000000001", "usrSomebody000001"
PAGE, MOST = 2, 10
"""Pages are small, so that every walk has to go on; a call takes ten records."""
Reply = dict[str, Any]


class AirtableSandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Attributes:
        tables: The records of each table by id, with the instant of their last change.
        webhooks: By id, each with the payloads it noted.
    """

    slug = "airtable"
    webhook: ClassVar[Webhook] = WEBHOOK
    wrong: ClassVar[Mapping[str, Any]] = {"access_token": "patSandbox.another-token"}
    examples: ClassVar[Mapping[str, Sequence[Any]]] = {
        "create_record": (RecordCreate(fields={"What": "Reached Gold"}),),
        "update_record": (RecordUpdate(record_id=MILA, fields={"points": 150}, table=PEOPLE),),
    }

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)
        self._transactions = count(1001)
        self.tables: dict[str, dict[str, Reply]] = {"Members": {}, PEOPLE: {}, FORMS: {}}
        self.webhooks: dict[str, Reply] = {}
        self.payloads: dict[str, list[Reply]] = {}
        mila = {"Email": "mila.brandt@shop.example", "First name": "Mila"}
        self.put(PEOPLE, mila, record_id=MILA, at=datetime(2024, 3, 1, 8, tzinfo=UTC))

    def put(
        self,
        table: str,
        fields: Reply,
        *,
        record_id: str = "",
        at: datetime | None = None,
        by: str = SOMEBODY,
        source: str = "client",
    ) -> Reply:
        """Keeps a record, new or changed, and notes that in every webhook."""
        when = (at or datetime.now(UTC)).isoformat(timespec="milliseconds")
        identity = record_id or f"recNew{next(self._numbers):011d}"
        there = self.tables[table].get(identity)
        kept = there or {"id": identity, "createdTime": when, "fields": {}}
        cells = {**kept["fields"], **fields}
        kept["fields"] = {name: cell for name, cell in cells.items() if cell is not None}
        kept["changed"] = when
        self.tables[table][identity] = kept
        place = "changedRecordsById" if there else "createdRecordsById"
        payload = {
            "timestamp": when,
            "baseTransactionNumber": next(self._transactions),
            "payloadFormat": "v0",
            "actionMetadata": {"source": source, "sourceMetadata": {"user": {"id": by}}},
            "changedTablesById": {table: {place: {identity: {}}}},
        }
        for noted in self.payloads.values():
            noted.append(payload)
        return kept

    def routes(self) -> Sequence[BaseRoute]:
        base = SANDBOX_ACCOUNT["base_id"]

        def route(path: str, answer: Any, *methods: str) -> Route:
            return Route(f"/v0/{path}", self._guarded(answer), methods=list(methods))

        return [
            route("meta/whoami", self._whoami, "GET"),
            route(f"bases/{base}/webhooks", self._hooks, "GET"),
            route(f"bases/{base}/webhooks", self._hook, "POST"),
            route(f"bases/{base}/webhooks/{{id}}", self._unhook, "DELETE"),
            route(f"bases/{base}/webhooks/{{id}}/refresh", self._refresh, "POST"),
            route(f"bases/{base}/webhooks/{{id}}/payloads", self._noted, "GET"),
            route(f"{base}/{{table}}", self._list, "GET"),
            route(f"{base}/{{table}}", self._write, "PATCH"),
        ]

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            expected = f"Bearer {SANDBOX_ACCOUNT['access_token']}"
            if request.headers.get("authorization") != expected:
                return _refused(401, "AUTHENTICATION_REQUIRED", "Authentication required")
            if request.path_params.get("table", PEOPLE) not in self.tables:
                return _refused(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "Not found")
            hook = request.path_params.get("id")
            if hook is not None and hook not in self.webhooks:
                return JSONResponse({"error": "NOT_FOUND"}, status_code=404)
            found: Response = await answer(request)
            return found

        return guarded

    async def _whoami(self, request: Request) -> Response:
        return JSONResponse({"id": ME})

    # --- records -----------------------------------------------------------------------------

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        known = self.tables[request.path_params["table"]].values()
        formula = query.get("filterByFormula", "")
        found = [one for one in known if _is_true(formula, one)]
        start = int(query.get("offset", 0))
        end = start + min(int(query.get("pageSize", 100)), PAGE)
        more = {"offset": str(end)} if end < len(found) else {}
        return JSONResponse({"records": [_shown(one) for one in found[start:end]], **more})

    async def _write(self, request: Request) -> Response:
        asked, table = await request.json(), request.path_params["table"]
        records = asked["records"]
        if not 0 < len(records) <= MOST:
            return _refused(422, "INVALID_REQUEST_UNKNOWN", "Ten records at most")
        by = asked.get("performUpsert", {}).get("fieldsToMergeOn", [])
        targets = [self._target(table, one, by) for one in records]
        known = [one for one in targets if one]
        if None in targets or len(set(known)) < len(known):
            return _refused(422, "INVALID_RECORDS", "A record is missing, or meant twice")
        if any(isinstance(one["fields"].get("points"), str) for one in records):
            return _refused(422, "INVALID_VALUE_FOR_COLUMN", "Field points takes a number")
        told = []
        for target, one in zip(targets, records, strict=True):
            kept = self.put(table, one["fields"], record_id=target or "", by=ME, source="publicApi")
            self.record("row", table=table, id=kept["id"], **{"fields": dict(kept["fields"])})
            told.append(_shown(kept))
        made = [one["id"] for one, target in zip(told, targets, strict=True) if not target]
        upserted = {"createdRecords": made, "updatedRecords": known} if by else {}
        return JSONResponse({"records": told, **upserted})

    def _target(self, table: str, record: Reply, by: Sequence[str]) -> str | None:
        """The id of the record that is meant, empty for a new one; None where that fails."""
        if not by:
            return record["id"] if record["id"] in self.tables[table] else None
        found = [
            one["id"]
            for one in self.tables[table].values()
            if all(one["fields"].get(name) == record["fields"].get(name) for name in by)
        ]
        if len(found) > 1:
            return None
        return found[0] if found else ""

    # --- webhooks ----------------------------------------------------------------------------

    async def _hooks(self, request: Request) -> Response:
        found = [
            {**one, "cursorForNextPayload": len(self.payloads[identity]) + 1}
            for identity, one in self.webhooks.items()
        ]
        return JSONResponse({"webhooks": found})

    async def _hook(self, request: Request) -> Response:
        asked = await request.json()
        if not asked["specification"]["options"]["filters"].get("dataTypes"):
            return _refused(422, "INVALID_FILTERS", "dataTypes are needed")
        made = self.subscribe(asked["notificationUrl"], asked["specification"])
        self.record("webhook", **made)
        told = {"id": made["id"], "expirationTime": made["expirationTime"]}
        return JSONResponse({**told, "macSecretBase64": SANDBOX_ACCOUNT["mac_secret"]})

    def subscribe(self, address: str, specification: Reply) -> Reply:
        """Makes a webhook that notes what changes from now on."""
        identity = f"achSandbox{next(self._numbers):07d}"
        self.webhooks[identity] = {
            "id": identity,
            "notificationUrl": address,
            "specification": specification,
            "areNotificationsEnabled": True,
            "isHookEnabled": True,
            "expirationTime": _in_a_week(),
        }
        self.payloads[identity] = []
        return self.webhooks[identity]

    async def _unhook(self, request: Request) -> Response:
        del self.webhooks[request.path_params["id"]], self.payloads[request.path_params["id"]]
        return Response(status_code=200)

    async def _refresh(self, request: Request) -> Response:
        hook = self.webhooks[request.path_params["id"]]
        hook["expirationTime"] = _in_a_week()
        return JSONResponse({"expirationTime": hook["expirationTime"]})

    async def _noted(self, request: Request) -> Response:
        noted = self.payloads[request.path_params["id"]]
        start = int(request.query_params.get("cursor", 1)) - 1
        end = min(start + min(int(request.query_params["limit"]), PAGE), len(noted))
        content = {"payloads": noted[start:end], "cursor": max(start, end) + 1}
        return JSONResponse({**content, "mightHaveMore": end < len(noted)})

    # --- what it tells -----------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Mila changes, three people come, and somebody fills in the form."""
        everything = {"options": {"filters": {"dataTypes": ["tableData"]}}}
        hook = self.subscribe("https://hub.example/hooks/airtable/main", everything)
        at = datetime.now(UTC) - timedelta(hours=2)
        self.put(PEOPLE, {"Phone": "+15005550124"}, record_id=MILA, at=at)
        for number in range(3):
            self.put(PEOPLE, {"Email": f"new{number}@shop.example"}, at=at)
        self.put(FORMS, {"Email": "mila.brandt@shop.example"}, at=at, source="formSubmission")
        return [(RECORDS, {"webhook": {"id": hook["id"]}})]

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        known = {"base": {"id": SANDBOX_ACCOUNT["base_id"]}, "webhook": {"id": "achSandbox"}}
        return {**known, "timestamp": datetime.now(UTC).isoformat(), **payload}

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}


def _is_true(formula: str, record: Reply) -> bool:
    """The formulas that the connector asks with, and no others."""
    if not formula:
        return True
    if ids := re.findall(r"RECORD_ID\(\)='(\w+)'", formula):
        return record["id"] in ids
    if moment := re.search(r"DATETIME_PARSE\('([^']+)'\)", formula):
        start = datetime.fromisoformat(moment[1])
        name = "changed" if "LAST_MODIFIED_TIME()" in formula else "createdTime"
        return datetime.fromisoformat(record[name]) > start
    raise AssertionError(formula)


def _shown(record: Reply) -> Reply:
    return {name: record[name] for name in ("id", "createdTime", "fields")}


def _in_a_week() -> str:
    return (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="milliseconds")


def _refused(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": {"type": kind, "message": message}}, status_code=status)

"""A stand-in for a business unit of Marketing Cloud: token, contacts, journeys, mails, rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.salesforce.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "auth_url": "https://sandbox.auth.marketingcloudapis.com",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-sfmc-client-secret",
    "account_id": "510001",
    "attribute_set": "Loyalty",
    "email_definition": "loyalty-mail",
    "data_extension": "Members",
    "signature_key": "sandbox-sfmc-signature-key",
    "verification_key": "sandbox-sfmc-verification-key",
}
JOURNEYS = frozenset({"welcome"})


class SalesforceSandbox(SendingSandbox):
    """Accepts the sandbox account's package.

    Attributes:
        tokens: Given out so far; only the last one is good.
        rows: By data extension and key.
    """

    slug = "salesforce"
    webhook: ClassVar[Webhook] = WEBHOOK
    wrong: ClassVar[Mapping[str, Any]] = {"client_secret": "sandbox-sfmc-client-wrong"}

    def __init__(self, *, calls: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(1)
        self.tokens: list[str] = []
        self.contacts: dict[str, dict[str, Any]] = {}
        self.mails: dict[str, dict[str, Any]] = {}
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.callbacks: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}

    def account_at(self, base_url: str) -> dict[str, Any]:
        return {**SANDBOX_ACCOUNT, "base_url": base_url, "auth_url": base_url}

    def routes(self) -> Sequence[BaseRoute]:
        ens = "/platform/v1/ens"
        table: tuple[tuple[str, str, Any], ...] = (
            ("GET", "/platform/v1/tokenContext", self._context),
            ("PATCH", "/contacts/v1/contacts", self._change_contact),
            ("POST", "/contacts/v1/contacts", self._make_contact),
            ("POST", "/interaction/v1/events", self._enter),
            ("POST", "/messaging/v1/email/messages/{key}", self._send),
            ("GET", "/messaging/v1/email/messages/{key}", self._status),
            ("POST", "/hub/v1/dataevents/{key}/rowset", self._rowset),
            ("GET", f"{ens}-callbacks", self._callbacks),
            ("POST", f"{ens}-callbacks", self._make_callback),
            ("POST", f"{ens}-verify", self._verify),
            ("PUT", f"{ens}-regenerate", self._regenerate),
            ("GET", f"{ens}-subscriptions-by-cb/{{id}}", self._by_callback),
            ("POST", f"{ens}-subscriptions", self._subscribe),
            ("DELETE", f"{ens}-subscriptions/{{id}}", self._unsubscribe),
        )
        api = [Route(path, self._guarded(work), methods=[verb]) for verb, path, work in table]
        return [Route("/v2/token", self._token, methods=["POST"]), *api]

    async def _token(self, request: Request) -> Response:
        given = await request.json()
        names = ("client_id", "client_secret", "account_id")
        if any(given.get(name) != SANDBOX_ACCOUNT[name] for name in names):
            refusal = {"error": "invalid_client", "error_description": "Invalid client ID."}
            return JSONResponse(refusal, status_code=401)
        self.tokens.append(f"sandbox-token-{len(self.tokens) + 1}")
        found = {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": 1079}
        return JSONResponse({**found, "rest_instance_url": "https://sandbox.example/"})

    def _guarded(self, work: Any) -> Any:
        async def answer(request: Request) -> Response:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not self.tokens or token != self.tokens[-1]:
                return JSONResponse({"message": "Not Authorized", "errorcode": 0}, status_code=401)
            if self._window.take():
                return _refused("Rate limited", 50100, 429)
            body = await request.body()
            found: Response = work(request, orjson.loads(body) if body else None)
            return found

        return answer

    def _context(self, request: Request, given: Any) -> Response:
        return JSONResponse({"organization": {"id": 510001}, "enterprise": {"id": 510000}})

    def _change_contact(self, request: Request, given: Any) -> Response:
        if given["contactKey"] not in self.contacts:
            return _refused("Contact key not found", 10003, 404)
        return self._keep_contact(given)

    def _make_contact(self, request: Request, given: Any) -> Response:
        return self._keep_contact(given)

    def _keep_contact(self, given: Any) -> Response:
        values = [
            pair
            for one in given["attributeSets"]
            for item in one["items"]
            for pair in item["values"]
        ]
        found = {pair["name"]: pair["value"] for pair in values}
        if "@" not in found["Email Address"]:
            return _refused("Email Address is not valid", 10005)
        self.contacts[given["contactKey"]] = found
        self.record("contact", key=given["contactKey"], **{"values": found})
        return JSONResponse({"contactKey": given["contactKey"], "hasErrors": False})

    def _enter(self, request: Request, given: Any) -> Response:
        if given["EventDefinitionKey"] not in JOURNEYS:
            return _refused("The event definition key is unknown", 30003)
        self.record("entry", **given)
        return JSONResponse({"eventInstanceId": str(uuid4())}, status_code=201)

    def _send(self, request: Request, given: Any) -> Response:
        key = request.path_params["key"]
        if given["definitionKey"] != SANDBOX_ACCOUNT["email_definition"]:
            return _refused("Send definition not found", 30002)
        if key in self.mails:
            return _refused("Message key is not unique", 30011)
        reply = {"requestId": str(uuid4()), "errorcode": 0}
        if "@" not in given["recipient"]["to"]:
            item = {"messageKey": key, "errorCode": 30006, "message": "Invalid recipient"}
            return JSONResponse({**reply, "responses": [item]}, status_code=202)
        self.mails[key] = given["recipient"]
        self.record("email", key=key, to=given["recipient"]["to"])
        return JSONResponse({**reply, "responses": [{"messageKey": key}]}, status_code=202)

    def _status(self, request: Request, given: Any) -> Response:
        key = request.path_params["key"]
        if key not in self.mails:
            return _refused("Message not found", 30010, 404)
        kind = "TransactionalSendEvents.EmailSent"
        info = {"messageKey": key, "contactKey": self.mails[key]["contactKey"]}
        return JSONResponse({"requestId": "1", "eventCategoryType": kind, "info": info})

    def _rowset(self, request: Request, given: Any) -> Response:
        table = re.sub("^key:", "", request.path_params["key"])
        if table != SANDBOX_ACCOUNT["data_extension"]:
            return _refused("Unable to find a data extension", 10006)
        if len(given) > 50 or any(row["values"].get("points") == "many" for row in given):
            return _refused("A row is not valid", 10006)
        for row in given:
            self.rows[table, orjson.dumps(row["keys"]).decode()] = row["values"]
            self.record("row", table=table, **row)
        return JSONResponse(given)

    # --- notifications --------------------------------------------------------------------

    def _callbacks(self, request: Request, given: Any) -> Response:
        return JSONResponse(list(self.callbacks.values()))

    def _make_callback(self, request: Request, given: Any) -> Response:
        (wish,) = given
        if "?" in wish["url"] or any(one["url"] == wish["url"] for one in self.callbacks.values()):
            return _refused("The address cannot be registered", 10007)
        identity = str(uuid4())
        self.callbacks[identity] = {**wish, "callbackId": identity, "status": "unverified"}
        return JSONResponse([{**self.callbacks[identity], "signatureKey": "1"}], status_code=201)

    def _verify(self, request: Request, given: Any) -> Response:
        if given["verificationKey"] != SANDBOX_ACCOUNT["verification_key"]:
            return _refused("The verification key is not valid", 10008)
        self.callbacks[given["callbackId"]]["status"] = "verified"
        return JSONResponse({})

    def _regenerate(self, request: Request, given: Any) -> Response:
        found = self.callbacks[given["callbackId"]]
        return JSONResponse({**found, "signatureKey": f"new-signature-key-{next(self._numbers)}"})

    def _by_callback(self, request: Request, given: Any) -> Response:
        wanted = request.path_params["id"]
        found = [one for one in self.subscriptions.values() if one["callbackId"] == wanted]
        return JSONResponse(found)

    def _subscribe(self, request: Request, given: Any) -> Response:
        (wish,) = given
        if self.callbacks[wish["callbackId"]]["status"] != "verified":
            return _refused("The callback is not verified", 10009)
        identity = str(uuid4())
        self.subscriptions[identity] = {**wish, "subscriptionId": identity, "status": "active"}
        return JSONResponse([self.subscriptions[identity]], status_code=201)

    def _unsubscribe(self, request: Request, given: Any) -> Response:
        if self.subscriptions.pop(request.path_params["id"], None) is None:
            return _refused("Subscription not found", 10010, 404)
        return JSONResponse({})

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> Any:
        return [payload]


def _refused(message: str, code: int, status: int = 400) -> Response:
    headers = {"Retry-After": "5"} if code == 50100 else {}
    body = {"message": message, "errorcode": code}
    return JSONResponse(body, status_code=status, headers=headers)

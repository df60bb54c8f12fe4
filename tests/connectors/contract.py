"""Holds recorded traffic against a vendor's published contract, where the contracts are kept.

The contracts lie beside the project (`../shared/vendors`) and are no part of it: without them
the contract tests are skipped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.kit.sandbox import VendorSandbox

VENDORS = Path(__file__).resolve().parents[3] / "shared" / "vendors"


@dataclass
class Exchange:
    """One call and its answer, as they went over the wire."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    request: bytes = b""
    status: int = 0
    reply: bytes = b""


def record_traffic(sandbox: VendorSandbox) -> list[Exchange]:
    """What this sandbox is asked and answers from now on; call it before serving."""
    exchanges: list[Exchange] = []
    make = sandbox.app
    sandbox.app = lambda: _Recorder(make(), exchanges)  # type: ignore[method-assign]
    return exchanges


class _Recorder:
    def __init__(self, app: ASGIApp, exchanges: list[Exchange]) -> None:
        self._app = app
        self._exchanges = exchanges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        exchange = Exchange(scope["method"], path, query, headers)
        self._exchanges.append(exchange)

        async def heard() -> Message:
            message = await receive()
            exchange.request += message.get("body", b"")
            return message

        async def said(message: Message) -> None:
            exchange.status = message.get("status", exchange.status)
            exchange.reply += message.get("body", b"")
            await send(message)

        await self._app(scope, heard, said)


def contract(path: str) -> dict[str, Any]:
    """A contract file below the vendors' folder; skips the test where it is absent."""
    file = VENDORS / path
    if not file.is_file():
        pytest.skip(f"the vendors' contracts are not beside this project ({path})")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def openapi_complaints(spec: dict[str, Any], exchange: Exchange) -> list[str]:
    """What an OpenAPI 3.0 document has against this call or its answer; empty is well."""
    found = _operation(spec, exchange)
    if found is None:
        return [f"{exchange.method} {exchange.path} is not in the contract"]
    operation, root = found, {"components": _json_schema(spec.get("components", {}))}
    complaints: list[str] = []
    body = _resolved(spec, operation.get("requestBody", {}))
    if body.get("content"):
        schema = next(iter(body["content"].values()))["schema"]
        complaints += _mismatches({**_json_schema(schema), **root}, exchange.request, "request")
    answers = operation["responses"]
    answer = answers.get(str(exchange.status)) or answers.get(f"{exchange.status // 100}XX")
    answer = _resolved(spec, answer or answers.get("default") or {})
    if not answer:
        return [*complaints, f"the status {exchange.status} is not in the contract"]
    if answer.get("content"):
        schema = next(iter(answer["content"].values())).get("schema", {})
        complaints += _mismatches({**_json_schema(schema), **root}, exchange.reply, "reply")
    return complaints


def _operation(spec: dict[str, Any], exchange: Exchange) -> dict[str, Any] | None:
    for template, methods in spec["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, exchange.path) and exchange.method.lower() in methods:
            found: dict[str, Any] = methods[exchange.method.lower()]
            return found
    return None


def _resolved(spec: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _json_schema(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in JSON Schema's words; unknown formats stay annotations."""
    if isinstance(node, list):
        return [_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _json_schema(one) for name, one in node.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def _mismatches(schema: dict[str, Any], body: bytes, what: str) -> list[str]:
    validator = Draft202012Validator(schema)
    return [
        f"{what} {error.json_path}: {error.message[:200]}"
        for error in validator.iter_errors(json.loads(body or b"null"))
    ]

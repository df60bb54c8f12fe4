"""Holds recorded traffic against a vendor's published contract, where the contracts are kept.

The contracts lie beside the project (`../shared/vendors`) and are no part of it: without them
the contract tests are skipped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import graphql
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
    """A contract file below the vendors' folder; skips the test where it is absent.

    A GraphQL schema comes as `{"graphql": its text}`.
    """
    file = VENDORS / path
    if not file.is_file():
        pytest.skip(f"the vendors' contracts are not beside this project ({path})")
    if file.suffix == ".graphql":
        return {"graphql": file.read_text("utf-8")}
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def complaints_about(spec: dict[str, Any], exchange: Exchange, *, base: str = "") -> list[str]:
    """What a contract of any kind has against this call or its answer; empty is well.

    Args:
        base: What stands before the contract's paths in the calls, such as `/v1`; calls that
            do not begin so are of another contract, and complained about.
    """
    if "graphql" in spec:
        return graphql_complaints(spec["graphql"], exchange)
    if not exchange.path.startswith(base):
        return [f"{exchange.method} {exchange.path} does not begin with {base}"]
    told = replace(exchange, path=exchange.path.removeprefix(base))
    if "resources" in spec:
        return paths_complaints(spec, exchange)
    if "operations" in spec:
        return facts_complaints(spec, told)
    if "openapi" in spec:
        return openapi_complaints(spec, told)
    return [f"no reader for a contract with {sorted(spec)[:5]}"]


def openapi_complaints(spec: dict[str, Any], exchange: Exchange) -> list[str]:
    """What an OpenAPI 3.0 document has against this call or its answer; empty is well."""
    found = _operation(spec, exchange)
    if found is None:
        return [f"{exchange.method} {exchange.path} is not in the contract"]
    operation, root = found, {"components": _json_schema(spec.get("components", {}))}
    complaints: list[str] = []
    body = _resolved(spec, operation.get("requestBody", {}))
    if body.get("content") and (exchange.request or body.get("required")):
        kind, media = next(iter(body["content"].items()))
        schema = {**_json_schema(media["schema"]), **root}
        is_form = "form-urlencoded" in kind
        sent = _form(exchange.request) if is_form else exchange.request
        complaints += _mismatches(schema, sent, "request")
    complaints += _missing_parameters(spec, operation, exchange)
    answers = operation["responses"]
    answer = answers.get(str(exchange.status)) or answers.get(f"{exchange.status // 100}XX")
    answer = _resolved(spec, answer or answers.get("default") or {})
    if not answer:
        return [*complaints, f"the status {exchange.status} is not in the contract"]
    if exchange.reply:
        if _says_no(exchange.reply):
            answer = _resolved(spec, answers.get("default") or answer)
        complaints += _reply_complaints(answer, exchange.reply, root)
    return complaints


def _says_no(reply: bytes) -> bool:
    """Slack refuses with status 200, in words that it publishes as the default answer."""
    return reply.lstrip().startswith(b"{") and json.loads(reply).get("ok") is False


def _reply_complaints(answer: dict[str, Any], reply: bytes, root: dict[str, Any]) -> list[str]:
    kind, media = next(iter((answer.get("content") or {}).items()), ("", {}))
    if not kind or kind.startswith("text/"):
        return []
    return _mismatches({**_json_schema(media.get("schema", {})), **root}, reply, "reply")


def _operation(spec: dict[str, Any], exchange: Exchange) -> dict[str, Any] | None:
    """The operation of a call; of several templates that fit, the one with most fixed text."""
    fitting = sorted(
        (template.count("{"), template)
        for template, methods in spec["paths"].items()
        if exchange.method.lower() in methods and _fits(template, exchange.path)
    )
    if not fitting:
        return None
    item = spec["paths"][fitting[0][1]]
    found: dict[str, Any] = dict(item[exchange.method.lower()])
    found["parameters"] = [*item.get("parameters", []), *found.get("parameters", [])]
    return found


def _fits(template: str, path: str) -> bool:
    parts = re.split(r"\{[^}]+\}", template.split("?")[0].split("#")[0])
    return re.fullmatch("[^/]+".join(re.escape(part) for part in parts), path) is not None


def _missing_parameters(
    spec: dict[str, Any], operation: dict[str, Any], exchange: Exchange
) -> list[str]:
    known = [_resolved(spec, one) for one in operation["parameters"]]
    query = {name.split("[")[0] for name, _ in parse_qsl(exchange.query, keep_blank_values=True)}
    names = {one["name"].split("[")[0] for one in known if one.get("in") == "query"}
    needed = {one["name"] for one in known if one.get("in") == "query" and one.get("required")}
    asked = {name.split("[")[0] for name in needed}
    return [f"query {name}: is not in the contract" for name in sorted(query - names)] + [
        f"query {name}: is required" for name in sorted(asked - query)
    ]


def _form(body: bytes) -> bytes:
    """A form as the JSON object that its schema describes."""
    return json.dumps(dict(parse_qsl(body.decode(), keep_blank_values=True))).encode()


# --- contracts told as facts (`contracts/*.json`) ---------------------------------------------


def facts_complaints(spec: dict[str, Any], exchange: Exchange) -> list[str]:
    """What a list of operations has against a call: fields it does not know, or that lack."""
    for one in spec["operations"]:
        if one["method"] == exchange.method and _fits(one["path"], exchange.path):
            known = {
                text.removeprefix("query:").rstrip("*")
                for text in one["parameters"]
                if text.startswith("query:")
            }
            sent = {name for name, _ in parse_qsl(exchange.query, keep_blank_values=True)}
            complaints = [f"query {name}: is not in the contract" for name in sorted(sent - known)]
            if one["body"] and exchange.request:
                kind = one["body"].get("content_type", "")
                body = _form(exchange.request) if "form" in kind else exchange.request
                complaints += _against(one["body"]["fields"], json.loads(body), "request")
            return complaints
    return [f"{exchange.method} {exchange.path} is not in the contract"]


def _against(fields: Any, value: Any, where: str) -> list[str]:
    if isinstance(fields, list):
        if isinstance(value, list) and fields and isinstance(fields[0], dict):
            return [text for one in value for text in _against(fields[0], one, f"{where}[]")]
        return []
    if not isinstance(fields, dict):
        return []
    if isinstance(value, list):  # a list of objects is told by the fields of one of them
        return [text for one in value for text in _against(fields, one, f"{where}[]")]
    if not isinstance(value, dict):
        return [f"{where}: an object is expected, not {type(value).__name__}"]
    known = {name.rstrip("*"): inner for name, inner in fields.items()}
    needed = {name[:-1] for name in fields if name.endswith("*")}
    is_map = not known or any(not name or name in ("*", "{key}") for name in known)
    complaints = [f"{where}.{name}: is required" for name in sorted(needed - set(value))]
    for name, inner in value.items():
        if name in known:
            complaints += _against(known[name], inner, f"{where}.{name}")
        elif not is_map:
            complaints.append(f"{where}.{name}: is not in the contract")
    return complaints


def paths_complaints(spec: dict[str, Any], exchange: Exchange) -> list[str]:
    """What a table of paths has against a call; the version in the path may be a newer one."""
    anyone = re.compile(r"/\d{4}-\d{2}/")
    path = anyone.sub("/", exchange.path)
    for resource in spec["resources"].values():
        for one in resource:
            if one["method"] == exchange.method and _fits(anyone.sub("/", one["path"]), path):
                return []
    return [f"{exchange.method} {exchange.path} is not in the contract"]


# --- GraphQL ---------------------------------------------------------------------------------


@cache
def _graphql_schema(text: str) -> graphql.GraphQLSchema:
    return graphql.build_schema(text, assume_valid=True)


def graphql_complaints(text: str, exchange: Exchange) -> list[str]:
    """What a schema has against a GraphQL call: its document, its variables, its answer."""
    schema = _graphql_schema(text)
    asked, answered = json.loads(exchange.request), json.loads(exchange.reply)
    document = graphql.parse(asked["query"])
    complaints = [f"query: {error.message}" for error in graphql.validate(schema, document)]
    if complaints:
        return complaints
    operation = graphql.get_operation_ast(document)
    assert operation is not None
    values = graphql.execution.get_variable_values(
        schema, operation.variable_definitions or (), asked.get("variables") or {}
    )
    if isinstance(values, list):
        complaints += [f"variables: {error.message}" for error in values]
    if answered.get("data") is not None:
        complaints += _unanswered(schema, document, asked.get("variables") or {}, answered["data"])
    return complaints


def _unanswered(
    schema: graphql.GraphQLSchema, document: Any, variables: dict[str, Any], data: Any
) -> list[str]:
    """Runs the document over the answer itself: what is missing or of another type complains."""

    def look(source: Any, info: graphql.GraphQLResolveInfo, **_: Any) -> Any:
        return source.get(info.path.key) if isinstance(source, dict) else None

    def kind(value: Any, info: Any, abstract: Any) -> str | None:
        return value.get("__typename") if isinstance(value, dict) else None

    result = graphql.execute(
        schema, document, root_value=data, variable_values=variables,
        field_resolver=look, type_resolver=kind,
    )  # fmt: skip
    assert isinstance(result, graphql.ExecutionResult)
    return [f"reply: {error.message} at {error.path}" for error in result.errors or ()]


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

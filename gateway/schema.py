"""The hook address in the OpenAPI document: FastAPI does not know it, since it stands before it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema


class Kept(BaseModel):
    """The webhook's events are stored for good."""

    accepted: int = Field(description="How many of its events are new.")
    duplicates: int = Field(description="How many were known already; nothing happens twice.")
    events: list[str] = Field(description="The business keys of its events.")


class Ignored(BaseModel):
    """A genuine webhook of a kind that is not used; it is not stored."""

    status: str = Field(description="Always `ignored`.")
    topic: str = Field(description="The vendor's name of the kind.")


class Problem(BaseModel):
    """What is wrong, and what to do."""

    error: str = Field(description="What is wrong, in words.")
    hint: str = Field(description="What to do next.")


HOOK_PATH = "/hooks/{vendor}/{connection}"

_REFUSALS = {
    "401": "The signature is missing, wrong or stale. Nothing was stored.",
    "404": "There is no such connection, or it receives no webhooks.",
    "405": "The method is not POST, and the request is no handshake.",
    "408": "The body did not arrive in time.",
    "413": "The body is larger than 1 MiB.",
    "415": "The body is compressed.",
    "422": "The content cannot be understood. The request was kept for inspection.",
    "503": "Come again after Retry-After seconds: the database is away, too many requests wait, "
    "or the connection's credentials are not valid at the moment. Nothing was stored.",
}

_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to send the request again.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def with_hooks(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the hook address and what it answers."""
    _, definitions = models_json_schema(
        [(Kept, "serialization"), (Ignored, "serialization"), (Problem, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    document.setdefault("paths", {})[HOOK_PATH] = {
        "parameters": [
            _parameter("vendor", "The connector's slug, such as `shopify`."),
            _parameter("connection", "The connection's name, such as `main`."),
        ],
        "post": _receive(),
        "get": _greet(),
    }
    return document


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }


def _receive() -> dict[str, Any]:
    refusals = {code: _answer(text, "Problem") for code, text in _REFUSALS.items()}
    refusals["503"]["headers"] = _RETRY_AFTER
    kept_or_ignored = {"oneOf": [_reference("Kept"), _reference("Ignored")]}
    return {
        "tags": ["webhooks"],
        "summary": "Receive a vendor's webhook",
        "description": "Register this address at the vendor. The request must carry the vendor's "
        "signature; once 202 is answered, its events are stored for good. Set-up requests "
        "(handshakes) are answered as the vendor expects.",
        "operationId": "receive_webhook",
        "requestBody": {
            "required": True,
            "description": "The vendor's bytes as they are, at most 1 MiB, not compressed.",
            "content": {
                "application/json": {"schema": {}},
                "application/x-www-form-urlencoded": {"schema": {}},
            },
        },
        "responses": {
            "200": {"description": "A handshake was answered."},
            "202": {
                "description": "Stored for good, known already, or of a kind that is ignored.",
                "content": {"application/json": {"schema": kept_or_ignored}},
            },
            **refusals,
        },
    }


def _greet() -> dict[str, Any]:
    return {
        "tags": ["webhooks"],
        "summary": "Answer a vendor's set-up request",
        "operationId": "answer_handshake",
        "responses": {
            "200": {"description": "The answer that the vendor expects of a handshake."},
            **{code: _answer(_REFUSALS[code], "Problem") for code in ("401", "404", "405", "503")},
        },
    }


def _answer(description: str, model: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _reference(model)}},
    }


def _reference(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}

"""The addresses for Zapier in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.schema import Problem
from gateway.zapier.actions import DOINGS
from gateway.zapier.handlers import Subscription
from loyalty.events import EventType

TAG = "zapier"


class WhoseKey(BaseModel):
    """The connection that a key belongs to."""

    connection: str = Field(description="Such as `zapier/main`.")
    label: str = Field(description="What Zapier shows as the connection's name.")


class EventKind(BaseModel):
    """A type of event."""

    id: str
    name: str


class Subscribed(BaseModel):
    """A subscription."""

    id: str = Field(description="What unsubscribes it.")
    event: str


class Unsubscribed(BaseModel):
    """A subscription that has ended."""

    id: str


class Taken(BaseModel):
    """An action that is stored for good and will be worked off."""

    id: str = Field(description="The idempotency key.")
    event: str = Field(description="The business key of the event it became.")
    status: str = Field(description="`accepted`, or `duplicate` where it was known already.")


_REFUSALS = {
    "400": "The body is not a JSON object.",
    "401": "There is no key, or nobody has this one.",
    "404": "There is no such address, subscription or action.",
    "409": "The connection has as many subscriptions as it may have.",
    "408": "The body did not arrive in time.",
    "413": "The body is larger than 64 KiB.",
    "415": "The body is compressed.",
    "422": "The content does not fit; the error names the fields.",
    "503": "Come again after Retry-After seconds. Nothing was stored.",
}
_READING = ("401", "503")
_WRITING = ("400", "401", "408", "413", "415", "422", "503")


def with_zapier(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the addresses for Zapier and what they answer."""
    parts = document.setdefault("components", {})
    answered: list[type[BaseModel]] = [
        *(WhoseKey, EventKind, Subscribed, Unsubscribed, Taken, Problem)
    ]
    taken: set[type[BaseModel]] = {Subscription, *(doing.model for doing in DOINGS.values())}
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((one, "serialization") for one in answered),
        *((one, "validation") for one in sorted(taken, key=lambda one: one.__name__)),
    ]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    parts.setdefault("schemas", {}).update(definitions["$defs"])
    parts.setdefault("securitySchemes", {})["apiKey"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "The api_key of a Zapier block; the header X-API-Key takes it too.",
    }
    document.setdefault("paths", {}).update(_paths())
    return document


def _paths() -> dict[str, Any]:
    found: dict[str, Any] = {
        "/zapier/me": {
            "get": _operation("Whose key is this?", "zapier_me", {"200": _json("WhoseKey")}),
        },
        "/zapier/events": {
            "get": _operation("Types of event", "zapier_events", {"200": _list("EventKind")}),
        },
        "/zapier/hooks": {
            "post": _operation(
                "Subscribe a Zap to a type of event",
                "zapier_subscribe",
                {"201": _json("Subscribed"), "200": _json("Subscribed")},
                takes="Subscription",
                refusals=(*_WRITING, "409"),
            ),
        },
        "/zapier/hooks/{id}": {
            "parameters": [
                _parameter("id", "The subscription's id.", {"type": "string", "format": "uuid"})
            ],
            "delete": _operation(
                "Unsubscribe a Zap",
                "zapier_unsubscribe",
                {"200": _json("Unsubscribed")},
                refusals=(*_READING, "404"),
            ),
        },
        "/zapier/samples/{event}": {
            "parameters": [
                _parameter("event", "The type.", {"enum": [one.value for one in EventType]})
            ],
            "get": _operation(
                "Recent events of a type, without personal data; newest first",
                "zapier_samples",
                {"200": _events()},
                refusals=(*_READING, "422"),
            ),
        },
    }
    for name, doing in DOINGS.items():
        found[f"/zapier/actions/{name}"] = {
            "parameters": [_key()],
            "post": _operation(
                doing.title.rstrip("."),
                f"zapier_{name}",
                {"202": _json("Taken")},
                takes=doing.model.__name__,
                refusals=_WRITING,
            ),
        }
    return found


def _operation(
    summary: str,
    operation_id: str,
    answers: dict[str, Any],
    *,
    takes: str = "",
    refusals: tuple[str, ...] = _READING,
) -> dict[str, Any]:
    refused = {code: _json("Problem", _REFUSALS[code]) for code in refusals}
    found: dict[str, Any] = {
        "tags": [TAG],
        "summary": summary,
        "operationId": operation_id,
        "security": [{"apiKey": []}],
        "responses": {**answers, **refused},
    }
    if takes:
        content = {"application/json": {"schema": _reference(takes)}}
        found["requestBody"] = {
            "required": True,
            "description": "A JSON object, at most 64 KiB, not compressed.",
            "content": content,
        }
    return found


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _key() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "What makes it one; the field `id` of the body may stand in its place.",
        "schema": {"type": "string", "maxLength": 200},
    }


def _json(model: str, description: str = "Done.") -> dict[str, Any]:
    schema = _reference(model)
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _list(model: str) -> dict[str, Any]:
    schema = {"type": "array", "items": _reference(model)}
    return {"description": "All of them.", "content": {"application/json": {"schema": schema}}}


def _events() -> dict[str, Any]:
    event = {"type": "object", "required": ["id", "type", "time", "data"]}
    schema = {"type": "array", "items": event}
    described = "Events in the CloudEvents form; an invented one where nothing has happened yet."
    return {"description": described, "content": {"application/json": {"schema": schema}}}


def _reference(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}

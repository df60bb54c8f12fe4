"""The JSON Schema of a scenario file, for editors: completion, and a red line under typos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from deployments.scenario.expectations import Expectation
from deployments.scenario.settings import Settings
from deployments.scenario.steps import KINDS, Concurrent

PATH = Path(__file__).parent / "scenario.schema.json"
"""Where the schema is kept; a test says that it is current."""

_REFS = "#/$defs/{model}"


def schema() -> dict[str, Any]:
    """The schema (2020-12) of a whole file."""
    models: list[type[BaseModel]] = [Settings, Expectation, Concurrent]
    models += dict.fromkeys(KINDS.values())
    # What a file says, not what is made of it: amounts are written as text or numbers.
    names, defined = models_json_schema(
        [(model, "validation") for model in models],
        by_alias=True,
        ref_template=_REFS,
    )
    defs = {name: _plain(one) for name, one in defined["$defs"].items()}
    by_kind = {kind: names[model, "validation"] for kind, model in KINDS.items()}
    concurrent = defs["Concurrent"]
    concurrent["properties"]["concurrent"]["items"] = _one_of(by_kind)
    defs["Step"] = {
        "if": {"type": "object", "required": ["concurrent"]},
        "then": names[Concurrent, "validation"],
        "else": _one_of(by_kind),
    }
    defs["Case"] = _case()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenarios of a loyalty programme",
        "description": "See docs/scenarios.md.",
        "type": "object",
        "required": ["cases"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": 1},
            "defaults": {"$ref": "#/$defs/Settings"},
            "cases": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Case"}},
            "invariants": {"type": "array", "items": {"type": "string"}},
        },
        "$defs": dict(sorted(defs.items())),
    }


def text() -> str:
    """The schema as it is kept."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _plain(node: Any) -> Any:
    """Without the titles that pydantic makes of names, and its own word for unions."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _plain(one) for name, one in value.items()}
        if key == "properties"
        else _plain(value)
        for key, value in node.items()
        if key != "discriminator" and not (key == "title" and isinstance(value, str))
    }


def _one_of(by_kind: dict[str, Any]) -> dict[str, Any]:
    """The model that `do` names, so that an editor speaks of that one alone."""
    chosen = [
        {
            "if": {"properties": {"do": {"const": kind}}, "required": ["do"]},
            "then": reference,
        }
        for kind, reference in sorted(by_kind.items())
    ]
    return {
        "type": "object",
        "required": ["do"],
        "properties": {"do": {"enum": sorted(by_kind)}},
        "allOf": chosen,
    }


def _case() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id", "events"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": ["string", "integer"]},
            "settings": {"anyOf": [{"$ref": "#/$defs/Settings"}, {"type": "null"}]},
            "events": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Step"}},
            "reason": {"type": "string"},
            "source": {"type": "string"},
        },
    }


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")

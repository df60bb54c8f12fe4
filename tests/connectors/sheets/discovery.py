"""Holds calls against Google's discovery document, the kind of contract that it publishes."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.connectors.contract import Exchange


def complaints(spec: dict[str, Any], exchange: Exchange) -> list[str]:
    """What Google's discovery document has against this call or its answer."""
    spreadsheets = spec["resources"]["spreadsheets"]
    values = spreadsheets["resources"]["values"]["methods"]
    for method in (*spreadsheets["methods"].values(), *values.values()):
        pattern = "/" + re.sub(r"\{[^}]+\}", "[^/]+", method["path"])
        if method["httpMethod"] == exchange.method and re.fullmatch(pattern, exchange.path):
            known = {*method["parameters"], *spec["parameters"]}
            asked = {one.partition("=")[0] for one in exchange.query.split("&") if one}
            found = [f"{name} is not a parameter" for name in sorted(asked - known)]
            if "request" in method:
                found += _unknown(spec, method["request"]["$ref"], json.loads(exchange.request))
            return found + _unknown(spec, method["response"]["$ref"], json.loads(exchange.reply))
    return [f"{exchange.method} {exchange.path} is not in the contract"]


def _unknown(spec: dict[str, Any], name: str, value: Any) -> list[str]:
    properties = spec["schemas"][name]["properties"]
    found = [f"{name} has no {one}" for one in value if one not in properties]
    for one in set(value) & set(properties):
        kind, content = properties[one], value[one]
        if kind.get("type") == "array" and "$ref" in kind["items"]:
            for item in content:
                found += _unknown(spec, kind["items"]["$ref"], item)
        elif "$ref" in kind:
            found += _unknown(spec, kind["$ref"], content)
        elif kind.get("type") in ("string", "array", "boolean"):
            fits = {"string": str, "array": list, "boolean": bool}[kind["type"]]
            found += [] if isinstance(content, fits) else [f"{name}.{one} is not {kind['type']}"]
    return found

"""How the stand-in answers: JSON:API's forms, and why something is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

JSON_API = "application/vnd.api+json"
LINK = "https://a.klaviyo.com/api"


def identity_of(profile: dict[str, Any]) -> str:
    """By what a profile is known: its address, number or foreign id."""
    found = profile.get("email") or profile.get("phone_number") or profile.get("external_id")
    return str(found or "").lower()


def why_not(profile: dict[str, Any], event: dict[str, Any] | None) -> str:
    """Why Klaviyo refuses this profile or event; empty where it does not."""
    if not identity_of(profile):
        return "One profile identifier is needed."
    if "@" not in profile.get("email", "@"):
        return "Invalid email address."
    if not profile.get("phone_number", "+").startswith("+"):
        return "Invalid phone number format (Example of a valid format: +12345678901)."
    return "" if event is None or len(event["properties"]) <= 400 else "Too many properties."


def refusal(status: int, code: str, detail: str, pointer: str = "") -> Response:
    """A refusal in JSON:API's form."""
    error = {
        "id": "5c0f5c52-0000-4000-8000-000000000000",
        "status": status,
        "code": code,
        "title": "Invalid input." if status == 400 else "Refused.",
        "detail": detail,
        "source": {"pointer": pointer} if pointer else {},
    }
    return JSONResponse({"errors": [error]}, status_code=status, media_type=JSON_API)


def resource(kind: str, identity: str, **attributes: Any) -> dict[str, Any]:
    """One thing in JSON:API's form."""
    link = {"self": f"{LINK}/{kind}s/{identity}/"}
    return {"type": kind, "id": identity, "attributes": attributes, "links": link}


def fields_of(profile: Mapping[str, Any]) -> dict[str, Any]:
    """What a profile's reply shows."""
    return {name: one for name, one in profile.items() if name not in ("kind", "id")}


def page(name: str, data: Sequence[Any], more: str = "", **fields: Any) -> Response:
    """One page; `more` is the cursor of the next."""
    self = f"{LINK}/{name}"
    links = {"self": self}
    if more:
        links["next"] = f"{self}?page%5Bcursor%5D={more}"
    return JSONResponse({"data": list(data), "links": links, **fields}, media_type=JSON_API)

"""Turns templates into pages with the console's headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from connectors.kit.redact import without_people
from gateway.answers import SECURITY_HEADERS
from gateway.console.points import shown_points

GATEWAY = Path(__file__).parent.parent

PAGE_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # With no-referrer a browser would send forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def page(template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """A page of the console.

    Args:
        template: Its path below gateway/templates: `console/home.html`.
    """
    content = environment().get_template(template).render(**values)
    return HTMLResponse(content, status_code=status, headers=PAGE_HEADERS)


@cache
def environment() -> Environment:
    """The templates: escaping is on, and a name that does not exist is an error."""
    found = Environment(
        loader=FileSystemLoader(GATEWAY / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["instant"] = instant
    found.filters["number"] = number
    found.filters["discreet"] = without_people
    found.filters["points"] = shown_points
    found.filters["query"] = query
    found.globals["static"] = static
    return found


def instant(at: datetime | None) -> Markup:
    """A point in time that people and machines can read."""
    if at is None:
        return Markup('<span class="soft">never</span>')
    spoken = f"{at.astimezone(UTC):%d %b %Y %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), spoken)


def number(value: int) -> str:
    """A whole number with narrow blanks between the thousands."""
    return f"{value:,}".replace(",", "\u202f")


def query(values: Mapping[str, Any]) -> str:
    """The query of an address, without what is empty."""
    return urlencode({name: value for name, value in values.items() if value}, doseq=True)


def static(name: str) -> str:
    """The address of a static file, another one for each content of it."""
    return f"/static/{name}?v={_fingerprint(name)}"


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((GATEWAY / "static" / name).read_bytes()).hexdigest()[:12]

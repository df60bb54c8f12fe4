"""Refusals of Meta's Graph API: one shape, whatever platform it is of.

https://developers.facebook.com/docs/graph-api/guides/error-handling. What a code means, each
connector says for itself: Meta's platforms use the same numbers for different things.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from connectors.kit.errors import ConnectorError, OutcomeUnknown, RateLimited, Transient
from connectors.kit.http_errors import retry_after
from connectors.kit.paging import dig


def error_of(body: bytes) -> dict[str, Any]:
    """The error that a refusal names; empty where it names none."""
    try:
        error = dig(orjson.loads(body), "error")
    except orjson.JSONDecodeError:
        return {}
    return error if isinstance(error, dict) else {}


def refusal(
    kind: type[ConnectorError],
    text: str,
    error: Mapping[str, Any],
    *,
    status: int,
    headers: Mapping[str, str],
    writes: bool,
    pause: timedelta | None = None,
) -> ConnectorError:
    """The error of that kind with Meta's own codes; a read that failed may be made again.

    Args:
        pause: How long to wait after a limit where Meta does not say.
    """
    code, fine = error.get("code"), error.get("error_subcode")
    known: dict[str, Any] = {
        "status": status,
        "vendor_code": f"{code}.{fine}" if fine else str(code),
        "request_id": str(error.get("fbtrace_id") or "")[:100] or None,
    }
    if kind is RateLimited:
        return RateLimited(text, retry_after=retry_after(headers) or pause, **known)
    if kind is OutcomeUnknown and not writes:
        return Transient(text, **known)
    return kind(text, **known)

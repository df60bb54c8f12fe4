"""Which error of the tree a call over HTTP ends with.

It depends on what a failure means for a *write*: after a 500 or a read time-out nobody knows
whether the vendor did it, so a write becomes OutcomeUnknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx

from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.redact import without_people

MAX_WAIT = timedelta(days=1)

_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
)
_NO_ADDRESS = (
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    UnicodeError,
)


def transport_error(error: Exception, *, writes: bool) -> ConnectorError:
    """The error of a call that got no answer, made through httpx or aiohttp.

    Before the request left, nothing happened (Transient); after it left, a write's outcome
    is unknown. The aiohttp error behind an httpx one decides, since httpx_aiohttp calls
    every lost connection a ConnectTimeout, also one lost after the request was sent.
    """
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    name = type(cause).__name__
    if isinstance(cause, _NEVER_LEFT):
        return Transient(f"the vendor could not be reached ({name})")
    if isinstance(cause, _NO_ADDRESS):
        return InvalidRequest(f"the address cannot be used ({name})")
    if writes:
        return OutcomeUnknown(
            f"the request left, but no answer came ({name}): it may or may not have been done"
        )
    return Transient(f"no answer came ({name})")


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """How long the vendor asks to wait, or None; a day at most.

    Reads seconds and HTTP dates (RFC 9110, 10.2.3), in Retry-After or X-Retry-After.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    value = (lower.get("retry-after") or lower.get("x-retry-after") or "").strip()
    if not value:
        return None
    try:
        return min(max(timedelta(seconds=float(value)), timedelta(0)), MAX_WAIT)
    except OverflowError:
        return MAX_WAIT
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - (now or datetime.now(UTC)), timedelta(0)), MAX_WAIT)


def error_for_status(
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    writes: bool = True,
    detail: str = "",
    vendor_code: str | None = None,
) -> ConnectorError:
    """The error of the tree for an HTTP status, whichever client or SDK met it.

    Args:
        detail: A short, safe sentence of the vendor's (field names, error title).
        body: Used for `detail` where none is given: its first 200 characters. People's
            addresses are shortened in either.
    """
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    request_id = lower.get("x-request-id") or lower.get("request-id")
    text = without_people(detail or _excerpt(body)) or "no explanation given"
    known: dict[str, Any] = {
        "status": status,
        "vendor_code": vendor_code,
        "request_id": request_id,
    }
    if status == 429:
        return RateLimited(
            f"the vendor asks for a pause: {text}", retry_after=retry_after(lower), **known
        )
    plain: dict[int, tuple[type[ConnectorError], str]] = {
        401: (AuthError, "the credentials were refused: renew them in the connection's block"),
        402: (QuotaExceeded, "the plan's quota is used up"),
        403: (ScopeError, "the credentials lack a permission"),
        404: (NotFound, "the vendor does not know what this call names"),
        408: (Transient, "the vendor gave up waiting for the request (408)"),
        409: (Conflict, "the vendor already holds something that contradicts this"),
        502: (Transient, "the vendor is not available (502)"),
        503: (Transient, "the vendor is not available (503)"),
    }
    if status in plain:
        kind, says = plain[status]
        return kind(f"{says}: {text}", **known)
    if status >= 500:
        kind = OutcomeUnknown if writes else Transient
        return kind(f"the vendor failed ({status}) and it is unclear what it did: {text}", **known)
    if 300 <= status < 400:
        return ConnectorBug(f"the vendor redirects ({status}), which is not followed", **known)
    return InvalidRequest(f"the vendor refuses this content ({status}): {text}", **known)


def _excerpt(body: bytes) -> str:
    text = " ".join(body[:1000].decode("utf-8", "replace").split())
    return "an HTML page" if text.startswith("<") else text[:200]

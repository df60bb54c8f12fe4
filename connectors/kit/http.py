"""HTTP for every connector: one place for time-outs, error mapping and reply limits.

Replies map to the error tree by what the status means for a *write*: after a 500 or a read
time-out nobody knows whether the vendor did it, so a write becomes OutcomeUnknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

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

MAX_REPLY_BYTES = 8 * 1024 * 1024
TIMEOUT = httpx.Timeout(10.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A vendor's 2xx answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body; ConnectorBug where it is not JSON (an HTML page with status 200)."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise ConnectorBug(
                "the vendor answered with something that is not JSON", status=self.status
            ) from None


class HttpClient:
    """A vendor's HTTP API behind one base URL.

    Args:
        base_url: Of the vendor, or of its sandbox.
        headers: Sent with every call (authentication, pinned API version).
        timeout: Seconds; a read time-out of a write is an unknown outcome.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        connections: int = 16,
    ) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            headers=dict(headers or {}),
            timeout=timeout,
            follow_redirects=False,
            transport=AiohttpTransport(limits=limits, retries=0),
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        writes: bool | None = None,
    ) -> HttpReply:
        """Makes one call.

        Args:
            json: Body to encode; Decimals are not accepted, convert them to text first.
            writes: Whether a lost answer leaves the outcome unknown; by default, any method
                but GET and HEAD.

        Raises:
            ConnectorError: Of the class that says what happens next.
        """
        is_write = method not in ("GET", "HEAD") if writes is None else writes
        extra = dict(headers or {})
        if json is not None:
            content = orjson.dumps(json)
            extra.setdefault("Content-Type", "application/json")
        try:
            async with self._client.stream(
                method, path, content=content, headers=extra, params=params
            ) as response:
                body = await _read(response)
        except httpx.HTTPError as error:
            raise transport_error(error, writes=is_write) from None
        if response.is_success:
            return HttpReply(response.status_code, response.headers, body)
        raise error_for_status(
            response.status_code, headers=response.headers, body=body, writes=is_write
        )

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._client.aclose()


async def _read(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_REPLY_BYTES:
            raise ConnectorBug(
                "the vendor's reply is larger than 8 MiB", status=response.status_code
            )
        parts.append(part)
    return b"".join(parts)


def transport_error(error: Exception, *, writes: bool) -> ConnectorError:
    """The error of a call that got no answer.

    Before the request left, nothing happened (Transient); after it left, a write's outcome
    is unknown.
    """
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return Transient(f"the vendor could not be reached ({type(error).__name__})")
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return InvalidRequest(f"the address cannot be used ({type(error).__name__})")
    if writes:
        return OutcomeUnknown(
            f"the request left, but no answer came ({type(error).__name__}): "
            "it may or may not have been done"
        )
    return Transient(f"no answer came ({type(error).__name__})")


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """How long the vendor asks to wait: seconds or an HTTP date (RFC 9110, 10.2.3), or None."""
    value = headers.get("retry-after") or headers.get("x-retry-after")
    if not value:
        return None
    try:
        return timedelta(seconds=min(max(float(value), 0.0), 86_400.0))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(until - (now or datetime.now(UTC)), timedelta(0))


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
        body: Used for `detail` where none is given: its first 200 characters.
    """
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    request_id = lower.get("x-request-id") or lower.get("request-id")
    text = detail or body[:200].decode("utf-8", "replace").strip() or "no explanation given"
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

"""HTTP for every connector: one place for time-outs, error mapping and reply limits.

Replies map to the error tree by what the status means for a *write*: after a 500 or a read
time-out nobody knows whether the vendor did it, so a write becomes OutcomeUnknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext
from typing import Any

import aiohttp
import httpx
import orjson

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
from connectors.kit.redact import secrets_in_headers, without_people, without_secrets

MAX_REPLY_BYTES = 8 * 1024 * 1024
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
MAX_WAIT = timedelta(days=1)
KEEPALIVE_SECONDS = 3.0
"""Shorter than the 5 s after which many servers hang up: a write that meets a closing
connection has an unknown outcome, a fresh connection costs a millisecond."""
DNS_CACHE_SECONDS = 60

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


Explain = Callable[[int, Mapping[str, str], bytes, bool], ConnectorError | None]
"""Reads a vendor's own refusal (status, headers, body without secrets, whether it was a write);
None where the general mapping will do."""


class HttpClient:
    """A vendor's HTTP API behind one base URL. Keeps no cookies, follows no redirects.

    Args:
        base_url: Of the vendor, or of its sandbox.
        headers: Sent with every call (authentication, pinned API version).
        timeout: Seconds; a read time-out of a write is an unknown outcome. A reply that
            trickles in is given up after three read time-outs.
        resolver: Looks hosts up in place of the system, e.g. to refuse private addresses.
            It is not asked for literal IP addresses.
        explain: Asked first what a refusal means: only the vendor's connector can read its
            error bodies and quota headers.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        connections: int = 16,
        resolver: aiohttp.abc.AbstractResolver | None = None,
        explain: Explain | None = None,
    ) -> None:
        self._explain = explain
        self._base_url = base_url.rstrip("/")
        self._headers = {"Accept-Encoding": "gzip", **(headers or {})}
        self._timeout = aiohttp.ClientTimeout(
            total=None if timeout.read is None else timeout.read * 3,
            connect=timeout.pool,
            sock_connect=timeout.connect,
            sock_read=timeout.read,
        )
        self._connections = connections
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

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
            path: Below the base URL, or a whole address.
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
        url = path if path.startswith(("https://", "http://")) else self._url(path)
        try:
            async with self._open().request(
                method, url, data=content, headers=extra, params=params, allow_redirects=False
            ) as response:
                body = await _read(response)
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, writes=is_write) from None
        if 200 <= response.status < 300:
            return HttpReply(response.status, response.headers, body)
        secrets = secrets_in_headers({**self._headers, **extra})
        text = without_secrets(body[:2000].decode("utf-8", "replace"), secrets).encode()
        status, explain = response.status, self._explain
        explained = explain(status, response.headers, text, is_write) if explain else None
        raise explained or error_for_status(
            status, headers=response.headers, body=text, writes=is_write
        )

    async def aclose(self) -> None:
        """Closes the sockets."""
        if self._session is not None:
            await self._session.close()

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{path.lstrip('/')}"

    def _open(self) -> aiohttp.ClientSession:
        # Made on first use, since a session belongs to a running event loop.
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections,
                ssl=_tls(),
                resolver=self._resolver,
                ttl_dns_cache=DNS_CACHE_SECONDS,
                keepalive_timeout=KEEPALIVE_SECONDS,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Content-Type",),
            )
        return self._session


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The reply, unpacked. Of a refusal only what can be read: its status says enough."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_REPLY_BYTES:
            if response.status >= 300:
                break
            raise _too_large(response.status)
        parts.append(part)
    packed, coding = b"".join(parts), response.headers.get("content-encoding", "")
    try:
        return _unpacked(packed, coding.strip().lower(), response.status)
    except ConnectorBug:
        if response.status < 300:
            raise
        return b""


def _unpacked(packed: bytes, coding: str, status: int) -> bytes:
    """The body without its Content-Encoding, never more than the largest reply.

    httpx unpacks whole chunks, and a few kilobytes packed twice unpack to gigabytes.
    """
    if not packed or coding in ("", "identity"):
        return packed
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ConnectorBug("the vendor packed its reply in a way nobody asked for", status=status)
    body = b""
    try:
        while packed:
            unzip = zlib.decompressobj(zlib.MAX_WBITS | 32)
            body += unzip.decompress(packed, MAX_REPLY_BYTES + 1 - len(body))
            if len(body) > MAX_REPLY_BYTES:
                raise _too_large(status)
            if not unzip.eof:
                raise ConnectorBug("the vendor's packed reply is cut off", status=status)
            packed = unzip.unused_data
    except zlib.error:
        raise ConnectorBug("the vendor's packed reply cannot be unpacked", status=status) from None
    return body


def _too_large(status: int) -> ConnectorBug:
    return ConnectorBug("the vendor's reply is larger than 8 MiB", status=status)


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

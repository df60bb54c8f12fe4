"""HTTP for every connector: one place for time-outs, authorisation and the size of replies."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
import httpx
import orjson

from connectors.kit.errors import AuthError, ConnectorBug, ConnectorError
from connectors.kit.http_errors import error_for_status, transport_error
from connectors.kit.redact import secrets_in_headers, without_secrets
from connectors.kit.toll import pay
from connectors.kit.webhook import Unreadable, decode_json

MAX_REPLY_BYTES = 8 * 1024 * 1024
"""What a reply may hold unless a client says otherwise, within REPLY_BOUNDS."""
REPLY_BOUNDS = (64 * 1024, 10 * 1024 * 1024)
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
KEEPALIVE_SECONDS = 3.0
"""Shorter than the 5 s after which many servers hang up: a write that meets a closing
connection has an unknown outcome, a fresh connection costs a millisecond."""
DNS_CACHE_SECONDS = 60


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

    def exact_json(self) -> Any:
        """The same with Decimals, for amounts: they must not pass through a float."""
        try:
            return decode_json(self.body)
        except Unreadable as error:
            raise ConnectorBug(
                f"the vendor's answer cannot be read: {error}", status=self.status
            ) from None


Explain = Callable[[int, Mapping[str, str], bytes, bool], ConnectorError | None]
"""Reads a vendor's own refusal (status, headers, body without secrets, whether it was a write);
None where the general mapping will do."""


class Auth(Protocol):
    """What authorises calls where a fixed header does not (`oauth.TokenKeeper`)."""

    async def headers(self) -> Mapping[str, str]:
        """The headers for a call now."""
        ...

    async def refused(self, headers: Mapping[str, str]) -> bool:
        """After a 401 with these headers: whether there are other ones, worth a second try."""
        ...


class HttpClient:
    """A vendor's HTTP API behind one base URL. Keeps no cookies, follows no redirects.

    Whole addresses are taken where they lead to the base URL's own host, so that credentials
    never go elsewhere. Without a base URL any address is taken, and the caller vouches for it.

    Args:
        base_url: Of the vendor, or of its sandbox.
        headers: Sent with every call (authentication, pinned API version).
        timeout: Seconds; a read time-out of a write is an unknown outcome. A reply that
            trickles in is given up after three read time-outs.
        resolver: Looks hosts up in place of the system, e.g. to refuse private addresses.
            It is not asked for literal IP addresses.
        explain: Asked first what a refusal means: only the vendor's connector can read its
            error bodies and quota headers.
        auth: Authorises each call; after a 401 the call is made once more where it has
            other headers to offer (a 401 is refused before anything is done).
        max_reply_bytes: Between 64 KiB and 10 MiB; a larger reply is a ConnectorBug.

    Raises:
        AuthError: A header's value is not one line: such a token cannot be right.
    """

    def __init__(  # noqa: PLR0913 - each names one habit of a vendor
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        connections: int = 16,
        resolver: aiohttp.abc.AbstractResolver | None = None,
        explain: Explain | None = None,
        auth: Auth | None = None,
        max_reply_bytes: int = MAX_REPLY_BYTES,
    ) -> None:
        self._explain = explain
        self._auth = auth
        self._max_bytes = min(max(max_reply_bytes, REPLY_BOUNDS[0]), REPLY_BOUNDS[1])
        self._base_url = base_url.rstrip("/")
        self._headers = {"Accept-Encoding": "gzip", **(headers or {})}
        _require_one_line(self._headers)
        self._timeout = aiohttp.ClientTimeout(
            total=None if timeout.read is None else timeout.read * 3,
            connect=timeout.pool,
            sock_connect=timeout.connect,
            sock_read=timeout.read,
        )
        self._connections = connections
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def send(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        writes: bool | None = None,
    ) -> HttpReply:
        """Makes one call.

        Args:
            path: Below the base URL, or a whole address at the same host.
            json: Body to encode; Decimals are not accepted, convert them to text first.
            form: Body to send as application/x-www-form-urlencoded, in place of `json`.
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
        if form is not None:
            content = urlencode(form).encode()
            extra.setdefault("Content-Type", "application/x-www-form-urlencoded")
        url = self.url_of(path)
        call = _Call(method, url, content, params, is_write)
        if self._auth is None:
            return await self._once(call, extra)
        given = await self._auth.headers()
        try:
            return await self._once(call, {**extra, **given})
        except AuthError as error:
            if error.status != 401 or not await self._auth.refused(given):
                raise
        return await self._once(call, {**extra, **(await self._auth.headers())})

    def url_of(self, path: str) -> str:
        """The whole address of a path; ConnectorBug where it leads to another host."""
        if not path.startswith(("https://", "http://")):
            return f"{self._base_url}/{path.lstrip('/')}"
        mine, theirs = urlsplit(self._base_url), urlsplit(path)
        if self._base_url and (mine.scheme, mine.netloc) != (theirs.scheme, theirs.netloc):
            raise ConnectorBug(
                f"a call to {theirs.netloc[:80]!r} was not made: this client speaks to "
                f"{mine.netloc!r} alone"
            )
        return path

    async def _once(self, call: _Call, extra: Mapping[str, str]) -> HttpReply:
        _require_one_line(extra)
        await pay()
        try:
            async with self._open().request(
                call.method,
                call.url,
                data=call.content,
                headers=extra,
                params=call.params,
                allow_redirects=False,
            ) as response:
                body = await _read(response, self._max_bytes)
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, writes=call.writes) from None
        if 200 <= response.status < 300:
            return HttpReply(response.status, response.headers, body)
        secrets = secrets_in_headers({**self._headers, **extra})
        text = without_secrets(body[:2000].decode("utf-8", "replace"), secrets).encode()
        status, explain = response.status, self._explain
        explained = explain(status, response.headers, text, call.writes) if explain else None
        raise explained or error_for_status(
            status, headers=response.headers, body=text, writes=call.writes
        )

    async def aclose(self) -> None:
        """Closes the sockets."""
        if self._session is not None:
            await self._session.close()

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


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    content: bytes | None
    params: Mapping[str, str] | None
    writes: bool


def _require_one_line(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not value.isprintable():
            raise AuthError(
                f"the {name} header would hold a line break or another control character: "
                "a token was copied wrongly; enter it again in the connection's block"
            )


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context()


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The reply, unpacked. Of a refusal only what can be read: its status says enough."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > most:
            if response.status >= 300:
                break
            raise _too_large(response.status, most)
        parts.append(part)
    packed, coding = b"".join(parts), response.headers.get("content-encoding", "")
    try:
        return _unpacked(packed, coding.strip().lower(), response.status, most)
    except ConnectorBug:
        if response.status < 300:
            raise
        return b""


def _unpacked(packed: bytes, coding: str, status: int, most: int) -> bytes:
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
            body += unzip.decompress(packed, most + 1 - len(body))
            if len(body) > most:
                raise _too_large(status, most)
            if not unzip.eof:
                raise ConnectorBug("the vendor's packed reply is cut off", status=status)
            packed = unzip.unused_data
    except zlib.error:
        raise ConnectorBug("the vendor's packed reply cannot be unpacked", status=status) from None
    return body


def _too_large(status: int, most: int) -> ConnectorBug:
    size = f"{most // 1024**2} MiB" if most >= 1024**2 else f"{most // 1024} KiB"
    return ConnectorBug(f"the vendor's reply is larger than {size}", status=status)

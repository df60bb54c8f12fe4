"""OAuth 2 tokens that end: renewed once for all workers, kept before they are used.

RFC 6749, sections 4.4 (client credentials) and 6 (refresh). Many vendors rotate the refresh
token: whoever renews at the same time as another loses the connection for both. So a lease
is taken first, the new token is saved, and only then is it used by anybody.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import httpx
import orjson
from pydantic import SecretStr

from connectors.kit.errors import AuthError, ConnectorBug, ConnectorError, Transient
from connectors.kit.http import TIMEOUT, HttpClient

MARGIN = timedelta(seconds=60)
"""A token that ends within this time is renewed before it is used."""

LEASE_SECONDS = 40.0
"""Longer than a renewal can take; whoever dies in the middle blocks nobody for longer."""

PATIENCE_SECONDS = 45.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and what renews it.

    Attributes:
        refresh: None where the grant needs none (client credentials).
        expires_at: None where the vendor names no end.
        extra: What else the vendor said that calls need, such as SFMC's `rest_instance_url`.
        seed: Which credentials it grew from; after a re-authorisation it is worth nothing.
    """

    access: SecretStr
    refresh: SecretStr | None = None
    expires_at: datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    seed: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Whether it can be used for the length of a call."""
        return self.expires_at is None or self.expires_at - now > MARGIN

    def plain(self) -> dict[str, Any]:
        """With its secrets revealed: only for sealing."""
        return {
            "access": self.access.get_secret_value(),
            "refresh": self.refresh.get_secret_value() if self.refresh else None,
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "extra": dict(self.extra),
            "seed": self.seed,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Token:
        """The token that `plain` told."""
        ends, refresh = plain.get("expires_at"), plain.get("refresh")
        return cls(
            SecretStr(plain["access"]),
            SecretStr(refresh) if refresh else None,
            datetime.fromisoformat(ends) if ends else None,
            dict(plain.get("extra") or {}),
            plain.get("seed", ""),
        )


class TokenStore(Protocol):
    """Where the token of one connection is kept; the hub keeps it sealed in its database."""

    async def read(self) -> dict[str, Any] | None:
        """What was saved last."""
        ...

    async def lease(self, seconds: float) -> bool:
        """Whether the caller alone may renew for so many seconds."""
        ...

    async def save(self, content: dict[str, Any]) -> None:
        """Keeps a new token for good, before anybody uses it; the lease stays."""
        ...

    async def release(self) -> None:
        """Gives the caller's lease back."""
        ...


class MemoryTokens:
    """Keeps a token in this process: for scripts, tests and `check()` by hand."""

    def __init__(self) -> None:
        self._content: dict[str, Any] | None = None
        self._is_leased = False

    async def read(self) -> dict[str, Any] | None:
        """What was saved last."""
        return self._content

    async def lease(self, seconds: float) -> bool:
        """One at a time; the length does not matter within a process."""
        if self._is_leased:
            return False
        self._is_leased = True
        return True

    async def save(self, content: dict[str, Any]) -> None:
        """Keeps it as long as the process lives."""
        self._content = content

    async def release(self) -> None:
        """Lets the next one renew."""
        self._is_leased = False


class Grant(Protocol):
    """How a vendor gives out tokens."""

    @property
    def seed(self) -> str:
        """A digest of the credentials it starts from."""
        ...

    async def fetch(self, current: Token | None, now: datetime) -> Token:
        """A new token; AuthError where somebody has to authorise the connection again."""
        ...


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """Refresh token or client credentials at a token endpoint.

    Attributes:
        url: The token endpoint, from the account (so that the sandbox is reached too).
        refresh_token: What the owner's authorisation gave at first; None: client credentials.
        client_in: Where client id and secret go: HTTP Basic, the form, or a JSON body.
        fields: Further fields of the request (`scope`, `account_id`, …).
        keep: Names of the reply that calls need, kept in `Token.extra`.
        lifetime: Where the reply names no `expires_in`.
    """

    url: str
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr | None = None
    client_in: Literal["basic", "form", "json"] = "form"
    fields: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    lifetime: timedelta | None = None
    timeout: httpx.Timeout = field(default_factory=lambda: TIMEOUT)

    @property
    def seed(self) -> str:
        """Changes with the credentials, and tells nothing of them."""
        secret = self.refresh_token or self.client_secret
        content = f"{self.url}\n{self.client_id}\n{secret.get_secret_value()}".encode()
        return hashlib.sha256(content).hexdigest()[:32]

    async def fetch(self, current: Token | None, now: datetime) -> Token:
        """Asks the token endpoint.

        Raises:
            AuthError: `invalid_grant`, `invalid_client` and the like: authorise it again.
            ConnectorError: Anything else.
        """
        refresh = (current.refresh if current else None) or self.refresh_token
        form = {"grant_type": "refresh_token" if refresh else "client_credentials", **self.fields}
        if refresh:
            form["refresh_token"] = refresh.get_secret_value()
        headers = {"Accept": "application/json"}
        if self.client_in == "basic":
            pair = f"{self.client_id}:{self.client_secret.get_secret_value()}".encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode('ascii')}"
        else:
            form["client_id"] = self.client_id
            form["client_secret"] = self.client_secret.get_secret_value()
        return self._token(await self._asked(form, headers), refresh, now)

    async def _asked(self, form: Mapping[str, str], headers: dict[str, str]) -> dict[str, Any]:
        http = HttpClient("", timeout=self.timeout, connections=1, explain=_explain)
        is_json = self.client_in == "json"
        content = orjson.dumps(form) if is_json else urlencode(form).encode()
        kind = "application/json" if is_json else "application/x-www-form-urlencoded"
        try:
            # Not a write: where the answer is lost, asking again is all that anybody can do.
            reply = await http.send(
                "POST", self.url, content=content, writes=False,
                headers={**headers, "Content-Type": kind},
            )  # fmt: skip
        finally:
            await http.aclose()
        found = reply.json()
        if not isinstance(found, dict) or not isinstance(found.get("access_token"), str):
            refusal = _refusal_of(found) if isinstance(found, dict) else None
            raise refusal or ConnectorBug("the token endpoint's answer holds no access token")
        return found

    def _token(self, reply: dict[str, Any], refresh: SecretStr | None, now: datetime) -> Token:
        seconds = reply.get("expires_in")
        try:
            lifetime = timedelta(seconds=float(seconds)) if seconds else self.lifetime
        except (TypeError, ValueError, OverflowError):
            raise ConnectorBug("the token endpoint's expires_in is not a number") from None
        rotated = reply.get("refresh_token")
        return Token(
            SecretStr(reply["access_token"]),
            SecretStr(rotated) if isinstance(rotated, str) and rotated else refresh,
            now + lifetime if lifetime else None,
            {name: str(reply[name]) for name in self.keep if name in reply},
            self.seed,
        )


_FINAL = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "access_denied",
     "invalid_token", "invalid_code"}
)  # fmt: skip


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    if status not in (400, 401, 403):
        return None
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return _refusal_of(reply, status) if isinstance(reply, dict) else None


def _refusal_of(reply: dict[str, Any], status: int | None = None) -> AuthError | None:
    code = str(reply.get("error", ""))[:60]
    if code in _FINAL:
        return AuthError(
            f"the vendor gives no new token ({code}): authorise the connection again and enter "
            "the new credentials in its block",
            vendor_code=code,
            status=status,
        )
    return None


class TokenKeeper:
    """The current token of one connection, for as many callers and workers as there are.

    Give it to `HttpClient(auth=…)`; it also implements the retry after a 401.

    Args:
        scheme: What stands before the token in the header.
        header: The header that takes it.
    """

    def __init__(
        self,
        grant: Grant,
        store: TokenStore | None = None,
        *,
        header: str = "Authorization",
        scheme: str = "Bearer",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._grant = grant
        self._store = store or MemoryTokens()
        self._header = header
        self._scheme = f"{scheme} " if scheme else ""
        self._clock = clock
        self._token: Token | None = None
        self._turn = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """What authorises a call now."""
        token = await self.token()
        return {self._header: self._scheme + token.access.get_secret_value()}

    async def refused(self, headers: Mapping[str, str]) -> bool:
        """After a 401: whether another token than the one in these headers is there now."""
        used = headers.get(self._header, "").removeprefix(self._scheme)
        async with self._turn:
            token = self._token
            if token is None or token.access.get_secret_value() == used:
                self._token = token = await self._renewed(SecretStr(used))
            return token.access.get_secret_value() != used

    async def token(self) -> Token:
        """A token that is good for a call; renewed under the lease where it is due.

        Raises:
            AuthError: The vendor gives none any more.
            Transient: Another worker is renewing and does not come to an end.
        """
        if self._token is not None and self._token.is_fresh(self._clock()):
            return self._token
        async with self._turn:
            if self._token is None or not self._token.is_fresh(self._clock()):
                self._token = await self._renewed(None)
            return self._token

    async def _renewed(self, refused: SecretStr | None) -> Token:
        """The stored token where it is good, else a new one that is stored first."""
        for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
            found = await self._stored()
            if found is not None and self._is_good(found, refused):
                return found
            if await self._store.lease(LEASE_SECONDS):
                return await self._fetched(refused)
            await asyncio.sleep(LOOK_SECONDS)
        raise Transient("another worker renews the token and does not come to an end")

    async def _fetched(self, refused: SecretStr | None) -> Token:
        # Not to be interrupted: a token that was given and not saved is lost with its refresh.
        working = asyncio.ensure_future(self._fetch_and_save(refused))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])
            raise

    async def _fetch_and_save(self, refused: SecretStr | None) -> Token:
        try:
            found = await self._stored()  # somebody may have been faster than our lease
            if found is not None and self._is_good(found, refused):
                return found
            token = await self._grant.fetch(found, self._clock())
            await self._store.save(token.plain())
            return token
        finally:
            await self._store.release()

    async def _stored(self) -> Token | None:
        content = await self._store.read()
        token = Token.of(content) if content else None
        return token if token is not None and token.seed == self._grant.seed else None

    def _is_good(self, token: Token, refused: SecretStr | None) -> bool:
        return token.is_fresh(self._clock()) and token.access != refused

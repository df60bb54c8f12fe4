"""Tokens that end: renewed once, saved before use, and whoever is refused is told what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.errors import AuthError, ConnectorBug, Transient
from connectors.kit.http import HttpClient
from connectors.kit.oauth import MemoryTokens, Token, TokenGrant, TokenKeeper
from connectors.kit.sandbox import Fault, VendorSandbox
from loyalty.store.database import Database
from loyalty.store.tokens import StoredTokens
from loyalty.store.vault import Vault
from tests.connectors.conftest import Serve


class Issuer(VendorSandbox):
    """Gives tokens, rotates refresh tokens, and takes each refresh token once."""

    slug = "issuer"

    def __init__(self, *, lifetime: int | None = 3600) -> None:
        super().__init__()
        self.lifetime = lifetime
        self.refresh = "first-refresh-token"
        self.access = ""
        self.number = 0
        self.hears: list[dict[str, str]] = []

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/token", self._token, methods=["POST"]),
            Route("/me", self._me, methods=["GET", "POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        form = dict(await request.form())
        self.hears.append({name: str(value) for name, value in form.items()})
        await asyncio.sleep(0.05)
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        self.number += 1
        self.refresh, self.access = f"refresh-{self.number}", f"access-{self.number}"
        reply: dict[str, Any] = {"access_token": self.access, "rest_url": "https://x.example"}
        if form["grant_type"] == "refresh_token":
            reply["refresh_token"] = self.refresh
        return JSONResponse(reply | ({"expires_in": self.lifetime} if self.lifetime else {}))

    async def _me(self, request: Request) -> Response:
        if request.headers.get("authorization") == f"Bearer {self.access}":
            self.record("call")
            return JSONResponse({"ok": True})
        return JSONResponse({"error": "expired"}, status_code=401)


def grant(base_url: str, *, refresh: str | None = "first-refresh-token") -> TokenGrant:
    """The grant of an account that was authorised once."""
    return TokenGrant(
        f"{base_url}/token",
        "client",
        SecretStr("client-secret"),
        SecretStr(refresh) if refresh else None,
        keep=("rest_url",),
    )


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.of(tmp_path, SecretStr(""))


async def test_two_workers_make_one_refresh(serve: Serve, database: Database, vault: Vault) -> None:
    issuer = Issuer()
    base_url = await serve(issuer)
    keepers = [
        TokenKeeper(grant(base_url), StoredTokens(database, vault, "quickbooks/main"))
        for _ in range(4)
    ]
    tokens = await asyncio.gather(*(keeper.token() for keeper in keepers for _ in range(3)))
    assert {token.access.get_secret_value() for token in tokens} == {"access-1"}
    assert len(issuer.hears) == 1


async def test_the_new_token_is_saved_before_it_is_used(
    serve: Serve, database: Database, vault: Vault
) -> None:
    issuer = Issuer()
    base_url = await serve(issuer)
    store = StoredTokens(database, vault, "quickbooks/main")
    http = HttpClient(base_url, auth=TokenKeeper(grant(base_url), store))
    await http.send("GET", "/me")
    kept = await store.read()
    assert kept is not None
    assert (kept["access"], kept["refresh"]) == (issuer.access, issuer.refresh)
    async with database.begin() as connection:
        rows = (await connection.exec_driver_sql("select sealed from tokens")).all()
    assert all(issuer.access.encode() not in bytes(row.sealed) for row in rows)
    await http.aclose()


async def test_after_a_401_the_call_is_made_once_more_with_a_new_token(serve: Serve) -> None:
    issuer = Issuer()
    base_url = await serve(issuer)
    http = HttpClient(base_url, auth=TokenKeeper(grant(base_url)))
    await http.send("POST", "/me", json={})
    issuer.access = "revoked-in-the-meantime"
    await http.send("POST", "/me", json={})
    assert len(issuer.records) == 2
    assert issuer.number == 2
    await http.aclose()


async def test_a_refusal_that_no_new_token_helps_is_an_auth_error(serve: Serve) -> None:
    issuer = Issuer()
    base_url = await serve(issuer)
    http = HttpClient(base_url, auth=TokenKeeper(grant(base_url)))
    issuer.faults[:] = [Fault(status=401, times=9, path="/me")]
    with pytest.raises(AuthError):
        await http.send("GET", "/me")
    assert issuer.calls["GET /issuer/me"] == 2
    await http.aclose()


async def test_many_refused_at_once_make_one_refresh(serve: Serve) -> None:
    issuer = Issuer()
    base_url = await serve(issuer)
    http = HttpClient(base_url, auth=TokenKeeper(grant(base_url)))
    await http.send("GET", "/me")
    issuer.access = "revoked-in-the-meantime"
    await asyncio.gather(*(http.send("GET", "/me") for _ in range(8)))
    assert issuer.number == 2
    await http.aclose()


async def test_a_token_is_renewed_before_it_ends(serve: Serve) -> None:
    issuer = Issuer()
    now = [datetime(2026, 11, 1, tzinfo=UTC)]
    keeper = TokenKeeper(grant(await serve(issuer)), clock=lambda: now[0])
    first = await keeper.token()
    now[0] += timedelta(seconds=3500)
    assert await keeper.token() == first
    now[0] += timedelta(seconds=50)
    second = await keeper.token()
    assert second.access != first.access
    assert issuer.hears[1]["refresh_token"] == "refresh-1"


async def test_a_refused_grant_asks_for_a_new_authorisation(serve: Serve) -> None:
    keeper = TokenKeeper(grant(await serve(Issuer()), refresh="used-up-token"))
    with pytest.raises(AuthError, match="authorise the connection again") as caught:
        await keeper.token()
    assert "used-up-token" not in f"{caught.value!r} {keeper!r}"


async def test_new_credentials_make_the_old_token_worthless(serve: Serve) -> None:
    issuer = Issuer()
    base_url, store = await serve(issuer), MemoryTokens()
    await TokenKeeper(grant(base_url), store).token()
    issuer.refresh = "authorised-again"
    await TokenKeeper(grant(base_url, refresh="authorised-again"), store).token()
    assert issuer.hears[1]["refresh_token"] == "authorised-again"


async def test_client_credentials_need_no_refresh_token(serve: Serve) -> None:
    issuer = Issuer(lifetime=None)
    token = await TokenKeeper(grant(await serve(issuer), refresh=None)).token()
    assert issuer.hears[0]["grant_type"] == "client_credentials"
    assert (token.refresh, token.expires_at) == (None, None)
    assert token.extra == {"rest_url": "https://x.example"}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=503), Transient),
        (Fault(status=500), Transient),
        (Fault(status=200, body="<html>"), ConnectorBug),
        (Fault(status=200, body='{"token": 1}'), ConnectorBug),
        (Fault(status=200, body='{"error": "invalid_code"}'), AuthError),
    ],
    ids=["503", "500", "html", "no token", "error with 200"],
)
async def test_what_fails_gives_the_lease_back(
    serve: Serve, fault: Fault, kind: type[Exception]
) -> None:
    issuer = Issuer()
    keeper = TokenKeeper(grant(await serve(issuer)))
    issuer.faults[:] = [fault]
    with pytest.raises(kind):
        await keeper.token()
    assert (await keeper.token()).access.get_secret_value() == "access-1"


async def test_a_lease_of_somebody_who_died_ends_by_itself(
    database: Database, vault: Vault
) -> None:
    dead, alive = (StoredTokens(database, vault, "zoho/main") for _ in range(2))
    assert await dead.lease(0.3)
    assert not await alive.lease(30)
    await asyncio.sleep(0.35)
    assert await alive.lease(30)
    await dead.release()
    assert not await dead.lease(30), "the dead one gave back a lease that is not its own"


def test_a_token_comes_back_as_it_was_and_shows_nothing() -> None:
    token = Token(
        SecretStr("s3cret-access"),
        SecretStr("s3cret-refresh"),
        datetime(2026, 1, 1, tzinfo=UTC),
        {"url": "x"},
        "seed",
    )
    assert Token.of(token.plain()) == token
    assert "s3cret" not in repr(token)

"""The check of a block whose refresh token is good once: through the hub, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.kit.credentials import NotChecked
from connectors.lightspeed.credentials import LightspeedCredentials
from connectors.lightspeed.sandbox import LightspeedSandbox
from loyalty.store.database import Database
from loyalty.store.tokens import StoredTokens
from loyalty.store.vault import Vault
from tests.connectors.conftest import served

SLUG = "lightspeed/main"


def block(base_url: str, name: str = "main") -> LightspeedCredentials:
    """A block as it is after loading it by its name."""
    found = LightspeedCredentials(**LightspeedSandbox().account_at(base_url))
    found._block_document_name = name or None
    return found


async def test_a_check_uses_and_keeps_the_hubs_own_token(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE_URL", database.url)
    till = LightspeedSandbox()
    async with served(till) as base_url:
        first = await block(base_url).check()
        assert first.endswith(".")
        kept = await StoredTokens(database, Vault.of(tmp_path, SecretStr("")), SLUG).read()
        assert kept is not None
        assert kept["refresh"] == till.refresh, "the rotated token is where the hub looks for it"
        renewals = till.calls.copy()
        checks = await asyncio.gather(*(block(base_url).check() for _ in range(3)))
        assert set(checks) == {first}
        token_calls = [path for path in till.calls - renewals if "token" in path]
        assert token_calls == []


async def test_a_check_that_cannot_reach_the_hub_says_so_and_uses_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.delenv("HUB_DATABASE_URL", raising=False)
    till = LightspeedSandbox()
    async with served(till) as base_url:
        with pytest.raises(NotChecked, match="cannot be reached from here"):
            await block(base_url).check()
        monkeypatch.setenv("HUB_DATABASE_URL", "postgresql://hub@127.0.0.1:9/hub")
        with pytest.raises(NotChecked, match="cannot be reached from here"):
            await block(base_url).check()
        with pytest.raises(NotChecked, match="save the block first"):
            await block(base_url, name="").check()
    assert till.calls.total() == 0

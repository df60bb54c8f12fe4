"""`hub console`: an address that opens the console, and never the key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from deployments.cli.main import app
from deployments.console_address import console_lines
from loyalty.settings import HubSettings
from loyalty.store.console_key import ConsoleKey


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubSettings:
    for name, value in (("HUB_HOME", str(tmp_path)), ("HUB_PUBLIC_URL", "https://hub.example")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HUB_CONSOLE_KEY", raising=False)
    return HubSettings()


def test_the_address_carries_a_ticket_of_this_hub_and_not_the_key(settings: HubSettings) -> None:
    said = CliRunner().invoke(app, ["console"])
    assert said.exit_code == 0
    head, _, ticket = said.stdout.strip().partition("?ticket=")
    assert head == "https://hub.example/console/sign-in"
    key = ConsoleKey.of(settings.root, SecretStr(""))
    assert key.read_ticket(ticket, now=datetime.now(UTC)) is not None
    own = (settings.root / "console.key").read_text().strip()
    assert own not in said.stdout
    assert own not in "\n".join(console_lines(settings))


def test_a_weak_key_is_refused_with_what_to_do(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_CONSOLE_KEY", "short")
    said = CliRunner().invoke(app, ["console"])
    assert said.exit_code == 2
    assert "16 characters" in said.stderr

"""What the environment says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from loyalty.settings import HubSettings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_it_works_without_a_word(tmp_path: Path) -> None:
    settings = HubSettings()
    assert settings.root == tmp_path / ".hub"
    assert settings.root.is_dir()
    assert settings.base_url == "http://127.0.0.1:4300"
    assert settings.prefect_api_url == "http://127.0.0.1:4200/api"


def test_what_is_set_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "deep" / "home"))
    monkeypatch.setenv("HUB_PUBLIC_URL", "https://hub.example/")
    monkeypatch.setenv("HUB_SECRET_KEY", "very-secret")
    settings = HubSettings()
    assert settings.root == tmp_path / "deep" / "home"
    assert settings.base_url == "https://hub.example"
    assert "very-secret" not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [("HUB_WORKERS", "0"), ("HUB_BATCH", "1001"), ("HUB_STANDBY_MINUTES", "0"), ("HUB_PORT", "x")],
)
def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("HUB_").lower()):
        HubSettings()

"""A second start deploys nothing, unless what is deployed, or where to, has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments import prepared
from deployments.prepared import is_prepared, note_prepared
from loyalty.settings import HubSettings


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(home=tmp_path)


def test_nothing_is_prepared_in_a_new_home(settings: HubSettings) -> None:
    assert not is_prepared(settings)


def test_what_was_deployed_once_is_not_deployed_again(settings: HubSettings) -> None:
    note_prepared(settings)
    assert is_prepared(settings)


def test_another_prefect_database_is_prepared_anew(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_prepared(settings)
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://elsewhere/p")
    assert not is_prepared(settings)


@pytest.mark.parametrize(
    "changed", ["prefect.yaml", "flows/orders.py", "connectors/twilio/account.py"]
)
def test_changed_sources_are_deployed_again(
    settings: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    project = tmp_path / "project"
    source = project / changed
    source.parent.mkdir(parents=True)
    source.write_text("as it was")
    monkeypatch.setattr(prepared, "PROJECT", project)
    note_prepared(settings)
    assert is_prepared(settings)
    source.write_text("as it is now")
    assert not is_prepared(settings)

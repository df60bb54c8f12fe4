"""Whether Prefect holds what this code deploys, told without loading Prefect.

What is costly (deploying, registering blocks) is left out while nothing changed since the last
time, so that a second start takes seconds and keeps what operations changed in the Prefect UI.
"""

from __future__ import annotations

import hashlib
import os

from deployments.child import PROJECT
from loyalty.settings import HubSettings

SOURCES = (
    "prefect.yaml",
    "flows/*.py",
    "connectors/*/account.py",
    "connectors/*/credentials.py",
    "deployments/*.py",
)


def is_prepared(settings: HubSettings, what: str = "prefect") -> bool:
    """Whether a step was done from exactly these sources on this server and database."""
    note = settings.root / "prepared" / what
    return note.exists() and note.read_text("utf-8") == fingerprint(settings)


def note_prepared(settings: HubSettings, what: str = "prefect") -> None:
    """Keeps what was done, for the next start."""
    folder = settings.root / "prepared"
    if folder.is_file():
        folder.unlink()  # as an earlier version of the hub left it
    folder.mkdir(exist_ok=True)
    (folder / what).write_text(fingerprint(settings), "utf-8")


def fingerprint(settings: HubSettings) -> str:
    """A hash of all that deploying depends on."""
    digest = hashlib.sha256(str(settings.prefect_api_url).encode())
    digest.update(os.environ.get("PREFECT_API_DATABASE_CONNECTION_URL", "").encode())
    for pattern in SOURCES:
        for source in sorted(PROJECT.glob(pattern)):
            digest.update(source.read_bytes())
    return digest.hexdigest()

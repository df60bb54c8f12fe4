"""The file of authorities that Prefect's clients on loopback read."""

from __future__ import annotations

import ssl
from pathlib import Path

from deployments.authorities import one_authority


def test_it_holds_one_authority_however_often_it_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "prefect"
    kept = one_authority(folder)
    assert one_authority(folder) == kept
    context = ssl.create_default_context(cafile=str(kept))
    assert len(context.get_ca_certs()) == 1

"""The embedded PostgreSQL comes back whatever happened to it and to the folders around it."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from loyalty.store.embedded import EmbeddedPostgres

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root's server runs as another user, who has to reach its data"
)


@as_root
def test_a_killed_server_comes_back_though_the_folder_above_was_closed_to_its_user(
    tmp_path: Path,
) -> None:
    server = EmbeddedPostgres(tmp_path / "home")
    server.start()
    try:
        assert server.pid is not None
        psutil.Process(server.pid).kill()
        tmp_path.chmod(0o700)
        server.restart_after_crash()
        assert "1 row" in server.psql("select 1;")
    finally:
        server.stop(at_once=True)

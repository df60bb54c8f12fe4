"""Starts the hub's processes, says so line by line, and starts those again that die.

It imports nothing heavy: it lives as long as the hub does and must stay small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from deployments.authorities import one_authority
from deployments.child import PROJECT, Child, StartFailed, answers, end_leftovers, is_missing, tail
from deployments.prepared import is_prepared
from loyalty.settings import HubSettings
from loyalty.store.embedded import (
    HUB_DATABASE,
    PREFECT_DATABASE,
    EmbeddedPostgres,
    PostgresFailed,
)

RESTART_PAUSE = 0.3
DATABASE_PAUSE = 2.0
"""Before the next try, where the database could not be started again."""


@dataclass
class Supervisor:
    """All processes of one HUB_HOME.

    Args:
        say: Prints a line for people.
        with_sandboxes: Whether the vendors' stand-ins are served too (the demo).
    """

    settings: HubSettings
    say: Callable[[str], None]
    with_sandboxes: bool = False
    postgres: EmbeddedPostgres | None = None
    hub_url: str = ""
    children: dict[str, Child] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: TextIO | None = None
    _errand: subprocess.Popen[bytes] | None = None
    _before: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Brings everything up, each with a line, and prepares database and deployments."""
        self._hold_home()
        self._before = self._noted_processes()
        end_leftovers(self._before.values(), self.settings.root)
        environment = self._start_database()
        os.environ.update(environment)
        prefect = self._begin(self._prefect(environment))
        sandboxes = self._begin(self._sandboxes(environment)) if self.with_sandboxes else None
        self._run_once("migrations", ["-m", "deployments.prepare", "store"], environment)
        gateway = self._begin(self._gateway(environment))
        # Where nothing is to be deployed, the workers load while Prefect starts.
        workers = self._begin_workers(environment) if is_prepared(self.settings) else []
        self._ready(gateway, f"gateway at {self.settings.base_url}")
        if sandboxes is not None:
            self._ready(sandboxes, f"vendor sandboxes at {self.sandbox_url}")
        self._ready(prefect, f"Prefect at {self.prefect_url}", seconds=90)
        if not workers or self._is_other_prefect():
            self._run_once("deployments", ["-m", "deployments.prepare", "prefect"], environment)
        for worker in workers or self._begin_workers(environment):
            self._ready(worker, f"warm {worker.name.replace('-', ' ')}")
        if not is_prepared(self.settings, "credentials"):
            self._errand = self._send("credentials", ["-m", "deployments.prepare", "credentials"])

    def watch(self) -> None:
        """Starts again what dies, until `stop` is called."""
        while not self._stopping.wait(RESTART_PAUSE):
            self._watch_database()
            for child in self.children.values():
                if not child.is_alive() and child.may_start() and not self._stopping.is_set():
                    self.say(f"{child.name} died: starting it again")
                    child.start_again()
                    self._note_processes()

    def _watch_database(self) -> None:
        if self.postgres is None or self.postgres.is_running():
            return
        self.say("PostgreSQL died: starting it again")
        try:
            self.postgres.restart_after_crash()
        except PostgresFailed as error:
            self.say(f"{error}")
            self._stopping.wait(DATABASE_PAUSE)

    def stop(self) -> None:
        """Ends everything in the order of the work: gateway, workers, Prefect, database."""
        self._stopping.set()
        if self._errand is not None:
            self._errand.kill()  # it is begun again with the next start
            self._errand.wait()
        order = sorted(self.children.values(), key=lambda child: _ORDER.get(child.name[:6], 1))
        for child in order:
            child.stop()
        if self.postgres is not None:
            self.postgres.stop()
        if self._lock is not None:
            self._lock.close()

    @property
    def prefect_url(self) -> str:
        """The Prefect UI."""
        return f"http://127.0.0.1:{self.settings.prefect_port}"

    @property
    def sandbox_url(self) -> str:
        """The vendors' stand-ins."""
        return f"http://127.0.0.1:{self.settings.sandbox_port}"

    # --- the processes ---------------------------------------------------------------------------

    def _start_database(self) -> dict[str, str]:
        if self.settings.database_url:
            hub_url = self.settings.database_url
            prefect_url = os.environ.get("PREFECT_API_DATABASE_CONNECTION_URL", "")
            if not prefect_url:
                head, _, tail = hub_url.rpartition("/")
                query = tail.partition("?")[2]
                prefect_url = f"{head}/{PREFECT_DATABASE}" + (f"?{query}" if query else "")
            self.say("PostgreSQL as set in HUB_DATABASE_URL")
        else:
            started = time.monotonic()
            self.postgres = EmbeddedPostgres(self.settings.root)
            try:
                self.postgres.start()
            except PostgresFailed as error:
                raise StartFailed(str(error)) from error
            self.postgres.create_databases()
            hub_url = self.postgres.url(HUB_DATABASE)
            prefect_url = self.postgres.url(PREFECT_DATABASE)
            self.say(f"PostgreSQL, embedded ({time.monotonic() - started:.1f} s)")
        note = self.settings.root / "database.url"
        note.touch(mode=0o600)
        note.chmod(0o600)
        note.write_text(hub_url, "utf-8")
        self.hub_url = hub_url
        return self._environment(hub_url, prefect_url)

    def _environment(self, hub_url: str, prefect_url: str) -> dict[str, str]:
        address = prefect_url.replace("postgres://", "postgresql://", 1)
        address = address.replace("postgresql://", "postgresql+asyncpg://", 1)
        return {
            "HUB_HOME": str(self.settings.root),
            "HUB_DATABASE_URL": hub_url,
            "HUB_PREFECT_UI_URL": self.prefect_url,
            "PREFECT_HOME": str(self.settings.root / "prefect"),
            "PREFECT_API_URL": self.settings.prefect_api_url,
            "PREFECT_API_SSL_CERT_FILE": str(one_authority(self.settings.root / "prefect")),
            "PREFECT_API_DATABASE_CONNECTION_URL": address,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_CLI_PROMPT": "false",
            "DO_NOT_TRACK": "1",
            "PYTHONWARNINGS": "ignore",
        }

    def _prefect(self, environment: Mapping[str, str]) -> Child:
        port = str(self.settings.prefect_port)
        command = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        url = f"{self.settings.prefect_api_url}/health"
        return self._child("prefect", command, environment, lambda: answers(url))

    def _gateway(self, environment: Mapping[str, str]) -> Child:
        url = f"http://127.0.0.1:{self.settings.port}/readyz"
        return self._child("gateway", ["-m", "gateway.serve"], environment, lambda: answers(url))

    def _sandboxes(self, environment: Mapping[str, str]) -> Child:
        url = f"{self.sandbox_url}/healthz"
        command = ["-m", "deployments.sandboxes"]
        return self._child("sandboxes", command, environment, lambda: answers(url))

    def _worker(self, environment: Mapping[str, str], number: int) -> Child:
        ready = self.settings.root / f"worker-{number}.ready"
        ready.unlink(missing_ok=True)
        extra = {**environment, "HUB_WORKER_READY": str(ready)}
        command = ["-m", "deployments.work"]
        return self._child(f"worker-{number}", command, extra, ready.exists)

    def _child(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
    ) -> Child:
        log = self.settings.root / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        command = [sys.executable, *command]
        before = self._before.get(name)
        return Child(name, command, environment, log, is_ready, pid_before=before)

    # --- starting --------------------------------------------------------------------------------

    def _begin(self, child: Child) -> Child:
        child.start()
        self.children[child.name] = child
        self._note_processes()
        return child

    def _begin_workers(self, environment: Mapping[str, str]) -> list[Child]:
        numbers = range(1, self.settings.workers + 1)
        return [self._begin(self._worker(environment, number)) for number in numbers]

    def _is_other_prefect(self) -> bool:
        """Whether this Prefect database is not the one that was deployed to."""
        return is_missing(f"{self.settings.prefect_api_url}/work_pools/{self.settings.work_pool}")

    def _noted_processes(self) -> dict[str, int]:
        """The process ids of the latest hub of this home."""
        try:
            found = json.loads((self.settings.root / "processes.json").read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): int(pid) for name, pid in found.items()}

    def _note_processes(self) -> None:
        """Leaves the process ids in HUB_HOME, for people and tools that look for them."""
        found = {name: one.process.pid for name, one in self.children.items() if one.process}
        (self.settings.root / "processes.json").write_text(json.dumps(found), "utf-8")

    def _ready(self, child: Child, line: str, seconds: float = 60) -> None:
        child.wait_ready(seconds)
        self.say(f"{line} ({time.monotonic() - child.started_at:.1f} s)")

    def _run_once(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        started = time.monotonic()
        log = self.settings.root / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as sink:
            done = subprocess.run(  # noqa: S603 - our own commands
                [sys.executable, *command],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
                cwd=PROJECT,
                check=False,
            )
        if done.returncode:
            raise StartFailed(f"{name} failed. {tail(log)}")
        self.say(f"{name} are up to date ({time.monotonic() - started:.1f} s)")

    def _send(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Begins what nothing waits for."""
        with (self.settings.root / "logs" / f"{name}.log").open("ab") as sink:
            return subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, *command],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=PROJECT,
                start_new_session=True,
            )

    def _hold_home(self) -> None:
        """One hub per HUB_HOME: two would fight over ports and the database."""
        import fcntl

        self._lock = (self.settings.root / "hub.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartFailed(
                f"a hub runs already in {self.settings.root}: stop it, or set HUB_HOME"
            ) from None


_ORDER = {"gatewa": 0, "worker": 1, "sandbo": 2, "prefec": 3}

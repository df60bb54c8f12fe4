"""One process of the hub: started, asked whether it serves, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil

PROJECT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 25.0
LEFTOVER_SECONDS = 5.0

SOON, FIRST_PAUSE, LONGEST_PAUSE = 5.0, 1.0, 15.0
"""A process that died sooner after its start is started again after a pause that doubles."""

PID_BEFORE = "HUB_PID_BEFORE"
"""The variable that tells a process which one it follows."""


class StartFailed(Exception):
    """A process did not come up; the text names its log and the last lines of it."""


@dataclass
class Child:
    """One process of the hub.

    Attributes:
        is_ready: Asked until it says True, after a start.
        started_at: When it was last started, on the monotonic clock.
        pid_before: The process that it follows, so that it can take over what that one held.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started_at: float = 0.0
    pid_before: int | None = None
    pause: float = 0.0

    def start(self) -> None:
        """Starts the process; its output goes to its log."""
        self.started_at = time.monotonic()
        follows = {} if self.pid_before is None else {PID_BEFORE: str(self.pid_before)}
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment, **follows},
                cwd=PROJECT,
                start_new_session=True,
            )

    def start_again(self) -> None:
        """Starts it after it died, later and later where it dies at once."""
        self.restarts += 1
        lived = time.monotonic() - self.started_at
        self.pause = min(self.pause * 2 or FIRST_PAUSE, LONGEST_PAUSE) if lived < SOON else 0.0
        self.pid_before = self.process.pid if self.process else None
        self.start()

    def may_start(self) -> bool:
        """Whether it is time to start it again."""
        return time.monotonic() - self.started_at >= self.pause

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, seconds: float) -> None:
        """Waits until it serves; StartFailed where it died or took too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.is_alive():
                raise StartFailed(f"{self.name} ended at once. {tail(self.log)}")
            if self.is_ready():
                return
            time.sleep(0.05)
        raise StartFailed(f"{self.name} did not come up in {seconds:.0f} s. {tail(self.log)}")

    def stop(self) -> None:
        """Asks it to end; kills it when it does not."""
        if self.process is None or not self.is_alive():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_leftovers(pids: Iterable[int], home: Path) -> None:
    """Ends processes of this home whose supervisor was killed: they hold the ports."""
    left = [one for one in map(_living, pids) if one is not None and _home_of(one) == str(home)]
    for process in left:
        process.terminate()
    for process in psutil.wait_procs(left, timeout=LEFTOVER_SECONDS)[1]:
        process.kill()


def _living(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _home_of(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("HUB_HOME", ""))
    except psutil.Error:
        return ""


def answers(url: str) -> bool:
    """Whether a local address answers with 200."""
    try:
        with urlopen(url, timeout=1) as reply:  # noqa: S310 - our own loopback address
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False


def is_missing(url: str) -> bool:
    """Whether a local server says that there is nothing at an address; it may take its time."""
    try:
        with urlopen(url, timeout=30):  # noqa: S310 - our own loopback address
            return False
    except HTTPError as error:
        return error.code == HTTPStatus.NOT_FOUND
    except (URLError, OSError):
        return False


def tail(log: Path, lines: int = 12) -> str:
    """Where a log is, and how it ends."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    last = "\n".join(text.strip().splitlines()[-lines:])
    return f"Its log is {log}; the last lines:\n{last}"

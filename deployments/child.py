"""One process of the hub: started, asked whether it serves, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

PROJECT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 25.0


class StartFailed(Exception):
    """A process did not come up; the text names its log and the last lines of it."""


@dataclass
class Child:
    """One process of the hub.

    Attributes:
        is_ready: Asked until it says True, after a start.
        started_at: When it was last started, on the monotonic clock.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started_at: float = 0.0

    def start(self) -> None:
        """Starts the process; its output goes to its log."""
        self.started_at = time.monotonic()
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
                cwd=PROJECT,
                start_new_session=True,
            )

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


def answers(url: str) -> bool:
    """Whether a local address answers with 200."""
    try:
        with urlopen(url, timeout=1) as reply:  # noqa: S310 - our own loopback address
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False


def tail(log: Path, lines: int = 12) -> str:
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    last = "\n".join(text.strip().splitlines()[-lines:])
    return f"Its log is {log}; the last lines:\n{last}"

"""`hub up`: everything in the foreground, a line for each part, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

from deployments.console_address import console_lines
from deployments.supervise import StartFailed, Supervisor
from loyalty.settings import HubSettings


def run_up(*, with_sandboxes: bool) -> int:
    """Brings the hub up and watches over it; the exit code."""
    supervisor = Supervisor(HubSettings(), say, with_sandboxes=with_sandboxes)
    try:
        start(supervisor)
        say("")
        say(f"hub      {supervisor.settings.base_url}")
        say(f"Prefect  {supervisor.prefect_url}")
        for line in console_lines(supervisor.settings):
            say(line)
        say("Ctrl-C stops it; the data stays.")
        supervisor.watch()
    except StartFailed as error:
        print(f"hub: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("stopping …")
    finally:
        stop(supervisor)
    return 0


def start(supervisor: Supervisor) -> None:
    """Starts, with SIGTERM meaning the same as Ctrl-C.

    Both are set: whoever is started in the background of a script has inherited a deaf ear
    for Ctrl-C, and would hand it on to Prefect's server and to PostgreSQL.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, interrupt)
    supervisor.start()


def stop(supervisor: Supervisor) -> None:
    """Stops to the end: an impatient second Ctrl-C would leave processes behind."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    supervisor.stop()


def say(line: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(line, flush=True)

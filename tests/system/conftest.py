"""What the system tests share, besides the session's hub (`tests/running_hub.py`)."""

from __future__ import annotations

from tests.running_hub import RunningHub, free_ports, start_hub, stop_hub, until

__all__ = ["RunningHub", "free_ports", "start_hub", "stop_hub", "until"]

"""Prefect's entry point: makes the work pool type `hub` known to the Prefect CLI and server."""

from __future__ import annotations

from deployments.worker import HubWorker

__all__ = ["HubWorker"]

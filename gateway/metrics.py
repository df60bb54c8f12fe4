"""What Prometheus sees, in a registry of the gateway's own."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from gateway.figures import Figures

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_KEPT = frozenset({"accepted", "duplicate"})


class Metrics:
    """Counts what the gateway does, and shows what waits in the database."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._webhooks = Counter(
            "hub_webhooks",
            "Requests at hook addresses, by how they ended.",
            ("vendor", "connection", "outcome"),
            registry=self._registry,
        )
        self._acknowledgement = Histogram(
            "hub_acknowledgement_seconds",
            "From a webhook's first byte to its answer, for those that were committed.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._group_size = Histogram(
            "hub_commit_requests",
            "Requests that shared one transaction.",
            buckets=_SIZES,
            registry=self._registry,
        )
        self._commit_seconds = Histogram(
            "hub_commit_seconds",
            "How long the transactions took.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.queued = Gauge(
            "hub_commit_queued", "Requests that wait for a transaction.", registry=self._registry
        )
        self._is_database_up = Gauge(
            "hub_database_up",
            "1 where the database answered the latest count, else 0.",
            registry=self._registry,
        )
        self._events_waiting = Gauge(
            "hub_events_waiting",
            "Events that wait to be worked off; paused says that their deployment is paused.",
            ("trigger", "paused"),
            registry=self._registry,
        )
        self._deliveries = Gauge(
            "hub_deliveries",
            "Deliveries by connection and state; connection is empty where none is configured.",
            ("connection", "state"),
            registry=self._registry,
        )

    def answered(self, slug: str, outcome: str, seconds: float) -> None:
        """Counts an answered request at `vendor/name` (empty: an unknown address)."""
        vendor, _, connection = slug.partition("/")
        self._webhooks.labels(vendor, connection, outcome).inc()
        if outcome in _KEPT:
            self._acknowledgement.observe(seconds)

    def committed(self, requests: int, seconds: float) -> None:
        """Counts a commit."""
        self._group_size.observe(requests)
        self._commit_seconds.observe(seconds)

    def exposition(self, figures: Figures) -> bytes:
        """The text format, with the database's figures as last read."""
        self._is_database_up.set(0 if figures.problem else 1)
        self._events_waiting.clear()
        for one in figures.waiting:
            self._events_waiting.labels(one.trigger, str(one.is_paused).lower()).set(one.count)
        self._deliveries.clear()
        for tally in figures.deliveries:
            # Several capabilities may go through one connection.
            self._deliveries.labels(tally.route, tally.state).inc(tally.count)
        return generate_latest(self._registry)

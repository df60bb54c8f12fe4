"""What goes into a group commit and what comes out: work, its limits, and its outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.kit.webhook import Notice
from loyalty.store.inbox import Incoming


class Crowded(Exception):
    """Too many requests wait for the database already; this one was not queued."""


class Unstorable(Exception):
    """The database cannot take what this request holds; the text says why, without the data."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A proven request that cannot be read, to be kept for inspection."""

    connector: str
    connection: str
    received_at: datetime
    problem: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Word:
    """What a vendor said that is no event: that something changed, or a notice for operations.

    Attributes:
        rings: Whether the connection's poll is to be asked at once.
    """

    connector: str
    connection: str
    received_at: datetime
    rings: bool = False
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What one request wants to be kept: its events, a word, or itself as a rejection."""

    incoming: Sequence[Incoming] = ()
    rejection: Rejection | None = None
    word: Word | None = None

    @property
    def size(self) -> int:
        """About how many bytes it holds in memory."""
        kept = sum(len(one.raw or b"") for one in self.incoming)
        return kept + (len(self.rejection.body) if self.rejection else 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many events of a request are new, and how many were known."""

    accepted: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is taken on at once.

    Attributes:
        group: Requests in one transaction.
        group_bytes: Where a group stops growing.
        waiting: Requests that may wait.
        waiting_bytes: What they may hold together.
        in_flight: Transactions under way at once.
        patience_seconds: How long a request waits before it is told to come again.
        commit_seconds: How long a transaction may take before it is given up.
    """

    group: int = 256
    group_bytes: int = 4 * 1024 * 1024
    waiting: int = 4096
    waiting_bytes: int = 64 * 1024 * 1024
    in_flight: int = 2
    patience_seconds: float = 9.5
    commit_seconds: float = 9.0


class CommitObserver(Protocol):
    """Told about each commit, for the metrics."""

    def committed(self, requests: int, seconds: float) -> None:
        """A group of so many requests was committed within so many seconds."""
        ...

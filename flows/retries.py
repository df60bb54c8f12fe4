"""What becomes of a delivery after an attempt: one table from the error tree to a state."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.kit.action import Action, Idempotency
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Transient,
)

MAX_ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)
UNSAID_PAUSE = timedelta(seconds=30)
"""How long to wait where a vendor asks for a pause and does not say how long."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a delivery.

    Attributes:
        counts: Whether the attempt is spent; a vendor's request for a pause spends none.
        blocks_until: No further call of the connection before this instant.
        refuses: Whether the connection itself is refused and its deliveries are held.
    """

    state: str
    reason: str
    next_attempt_at: datetime | None = None
    counts: bool = True
    blocks_until: datetime | None = None
    refuses: bool = False


def fate_of(
    error: Exception, action: Action, *, attempt: int, now: datetime, jitter: random.Random
) -> Fate:
    """The fate of a delivery whose attempt number `attempt` ended with an error."""
    match error:
        case AuthError():
            return Fate("held", error.message, counts=False, refuses=True)
        case RateLimited():
            until = now + (error.retry_after or UNSAID_PAUSE)
            return Fate(
                "parked", error.message, next_attempt_at=until, counts=False, blocks_until=until
            )
        case QuotaExceeded():
            until = error.resets_at or now + LONGEST_PAUSE
            return Fate(
                "parked", error.message, next_attempt_at=until, counts=False, blocks_until=until
            )
        case Transient():
            return _again(error.message, attempt, now, jitter)
        case OutcomeUnknown():
            return _unknown(error.message, action, attempt=attempt, now=now, jitter=jitter)
        case ConnectorBug():
            return Fate("dead", f"the connector's owner must look: {error.message}")
        case ConnectorError():
            return Fate("dead", error.message)
        case _:
            text = f"the connector failed with {type(error).__name__}"
            return _unknown(text, action, attempt=attempt, now=now, jitter=jitter)


def _unknown(
    message: str, action: Action, *, attempt: int, now: datetime, jitter: random.Random
) -> Fate:
    if action.idempotency is Idempotency.NONE:
        return Fate(
            "unknown",
            f"{message}. {action.title} cannot be repeated safely: look at the vendor, then say "
            "`hub deliveries resolve` with --sent or --resend",
        )
    return _again(message, attempt, now, jitter)


def _again(message: str, attempt: int, now: datetime, jitter: random.Random) -> Fate:
    if attempt >= MAX_ATTEMPTS:
        return Fate("dead", f"given up after {attempt} attempts: {message}")
    return Fate("parked", message, next_attempt_at=now + pause_before(attempt + 1, jitter))


def pause_before(attempt: int, jitter: random.Random) -> timedelta:
    """How long to wait before an attempt: doubling, at most an hour, spread by a quarter."""
    plain = min(FIRST_PAUSE * 2 ** min(attempt - 2, 20), LONGEST_PAUSE)
    return plain * (0.75 + jitter.random() / 2)

"""What becomes of a delivery, for every class of the error tree and every kind of action."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from connectors.kit.action import Idempotency
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from flows.retries import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MAX_ATTEMPTS,
    UNSAID_PAUSE,
    Fate,
    fate_of,
    pause_before,
)
from tests.flows.sending.sink import ACTIONS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BY_IDEMPOTENCY = {one.idempotency: one for one in ACTIONS}


def fate(error: Exception, how: Idempotency = Idempotency.NONE, attempt: int = 1) -> Fate:
    """The fate after an error."""
    return fate_of(error, BY_IDEMPOTENCY[how], attempt=attempt, now=NOON, jitter=random.Random(1))


@pytest.mark.parametrize("how", Idempotency)
@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (AuthError("no"), Fate("held", "no", counts=False, refuses=True)),
        (ScopeError("no"), Fate("held", "no", counts=False, refuses=True)),
        (
            RateLimited("wait", retry_after=MINUTE),
            Fate("parked", "wait", NOON + MINUTE, counts=False, blocks_until=NOON + MINUTE),
        ),
        (
            RateLimited("wait"),
            Fate(
                "parked",
                "wait",
                NOON + UNSAID_PAUSE,
                counts=False,
                blocks_until=NOON + UNSAID_PAUSE,
            ),
        ),
        (
            QuotaExceeded("full", resets_at=NOON + MINUTE),
            Fate("parked", "full", NOON + MINUTE, counts=False, blocks_until=NOON + MINUTE),
        ),
        (
            QuotaExceeded("full"),
            Fate(
                "parked",
                "full",
                NOON + LONGEST_PAUSE,
                counts=False,
                blocks_until=NOON + LONGEST_PAUSE,
            ),
        ),
        (InvalidRequest("bad"), Fate("dead", "bad")),
        (NotFound("gone"), Fate("dead", "gone")),
        (Conflict("twice"), Fate("dead", "twice")),
        (ConnectorError("odd"), Fate("dead", "odd")),
        (ConnectorBug("odd"), Fate("dead", "the connector's owner must look: odd")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_does_not_depend_on_the_action(
    error: Exception, wanted: Fate, how: Idempotency
) -> None:
    assert fate(error, how) == wanted


@pytest.mark.parametrize("how", Idempotency)
def test_what_never_left_is_tried_again_whatever_the_action(how: Idempotency) -> None:
    assert fate(Transient("away"), how).state == "parked"
    assert fate(Transient("away"), how, MAX_ATTEMPTS - 1).state == "parked"
    last = fate(Transient("away"), how, MAX_ATTEMPTS)
    assert (last.state, last.reason) == ("dead", "given up after 12 attempts: away")


@pytest.mark.parametrize("how", Idempotency)
@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), RuntimeError("secret-token")])
def test_after_an_unknown_outcome_only_what_cannot_be_repeated_is_left_to_a_person(
    error: Exception, how: Idempotency
) -> None:
    """Whatever a connector raises that is not of the tree counts as unknown, and is not shown."""
    found = fate(error, how)
    assert found.state == ("unknown" if how is Idempotency.NONE else "parked")
    assert found.counts
    assert "secret-token" not in found.reason
    if how is Idempotency.NONE:
        assert "hub deliveries resolve" in found.reason


def test_pauses_double_up_to_an_hour_and_are_spread_by_a_quarter() -> None:
    for attempt in range(2, 60):
        plain = min(FIRST_PAUSE * 2 ** min(attempt - 2, 20), LONGEST_PAUSE)
        found = {pause_before(attempt, random.Random(seed)) for seed in range(50)}
        assert plain * 0.75 <= min(found) < plain < max(found) <= plain * 1.25

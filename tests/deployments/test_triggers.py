"""Runs in other work pools: one whose process may have died keeps no other from starting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType

from deployments.triggers import LOST, seems_lost

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - LOST - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("kind", "since", "expected"),
    [
        (StateType.RUNNING, NOW - timedelta(minutes=1), False),
        (StateType.RUNNING, LONG_AGO, True),
        (StateType.PENDING, NOW, False),
        (StateType.PENDING, LONG_AGO, True),
        (StateType.CANCELLING, LONG_AGO, True),
        (StateType.SCHEDULED, LONG_AGO, False),
    ],
)
def test_what_was_in_one_state_for_long_seems_lost(
    kind: StateType, since: datetime, expected: bool
) -> None:
    run = FlowRun(flow_id=uuid4(), state=State(type=kind, timestamp=since))
    assert seems_lost(run, NOW) is expected


def test_late_runs_wait_for_a_worker_however_long() -> None:
    """Otherwise a pool without a worker would fill with runs that have nothing to do."""
    late = State(type=StateType.SCHEDULED, name="Late", timestamp=LONG_AGO)
    assert not seems_lost(FlowRun(flow_id=uuid4(), state=late), NOW)

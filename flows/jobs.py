"""How deliveries become jobs of a connector: which go together, and what is asked first."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from connectors.kit.action import Action, Idempotency, Job, Sent
from connectors.kit.errors import ConnectorBug
from flows.clients import Line
from loyalty.store.deliveries import Delivery


def chunk_size(line: Line, action: Action) -> int:
    """How many deliveries are begun in one transaction."""
    if action.run_batch is not None:
        return action.batch_size * min(line.manifest.limit.concurrency, 2)
    concurrency, burst = line.manifest.limit.concurrency, line.manifest.limit.burst
    # A slot that waits for a free line is used later than the budget believes, and two seconds'
    # calls may meet in one. Where slots are plenty, fewer transactions matter more.
    return concurrency * 2 if burst >= concurrency * 4 else concurrency


def alike(backlog: Sequence[Delivery], action: Action) -> list[Delivery]:
    """Those that can be sent in the same way as the first: same action, looked for first or not."""
    looks = looks_first(action, backlog[0])
    return [
        one for one in backlog if one.action == action.name and looks_first(action, one) is looks
    ]


def looks_first(action: Action, delivery: Delivery) -> bool:
    """Whether an earlier attempt may have done it already, and the vendor can be asked."""
    return action.idempotency is Idempotency.SEARCH_FIRST and delivery.attempts > 0


async def found_before(line: Line, action: Action, job: Job, delivery: Delivery) -> Sent | None:
    """For an action that can look first: what an earlier attempt left behind, if anything."""
    if action.idempotency is Idempotency.SEARCH_FIRST and delivery.attempts > 1:
        assert action.find is not None
        return await action.find(line.client, job)
    return None


def job_of(action: Action, delivery: Delivery) -> Job:
    """The job as the connector takes it; ConnectorBug where the stored input does not fit."""
    try:
        return Job(delivery.key, action.input.model_validate(delivery.input))
    except ValidationError as error:
        raise ConnectorBug(f"the stored input does not fit {action.name}: {error.title}") from None

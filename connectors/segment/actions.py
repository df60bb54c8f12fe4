"""What the hub tells Segment: events, people, groups; singly or thousands a call.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#batch: 2,500
messages and 500 KB a call. Of a call that is too large Segment drops messages and answers 200,
so a batch is cut before it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from connectors.kit.action import Action, Capability, Idempotency, Job, Outcome, Sent
from connectors.kit.batches import in_batches
from connectors.kit.capabilities import CrmContact, ListMembership, TrackedEvent
from connectors.kit.errors import ConnectorError, InvalidRequest
from connectors.segment.account import SegmentAccount
from connectors.segment.messages import Body, group, identify, message_id, track

if TYPE_CHECKING:
    from connectors.segment.client import SegmentClient

BATCH_SIZE = 2500
MAX_BATCH_BYTES = 480_000

Compose = Callable[[SegmentAccount, Job], Body]
Run = Callable[["SegmentClient", Job], Awaitable[Sent]]
RunBatch = Callable[["SegmentClient", Sequence[Job]], Awaitable[Sequence[Outcome]]]


def _singly(kind: str, compose: Compose) -> Run:
    async def run(client: SegmentClient, job: Job) -> Sent:
        await client.write(kind, compose(client.account, job))
        return Sent(vendor_id=message_id(job))

    return run


def _in_batches(kind: str, compose: Compose) -> RunBatch:
    async def run_batch(client: SegmentClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
        outcomes: dict[str, Outcome] = {}
        ready: list[tuple[str, Body]] = []
        for job in jobs:
            try:
                ready.append((job.key, {"type": kind, **compose(client.account, job)}))
            except InvalidRequest as error:
                outcomes[job.key] = error
            else:
                outcomes[job.key] = Sent(vendor_id=message_id(job))
        for part in in_batches(ready, _length, most=BATCH_SIZE, most_bytes=MAX_BATCH_BYTES):
            try:
                await client.batch([body for _, body in part])
            except ConnectorError as error:
                outcomes.update({key: error for key, _ in part})
        return [outcomes[job.key] for job in jobs]

    return run_batch


def _length(one: tuple[str, Body]) -> int:
    return len(orjson.dumps(one[1])) + 1


def _action(kind: str, compose: Compose, **declared: Any) -> Action:
    return Action(
        output=Sent,
        run=_singly(kind, compose),
        run_batch=_in_batches(kind, compose),
        batch_size=BATCH_SIZE,
        **declared,
    )


TRACK = _action(
    "track",
    track,
    name="track",
    title="Record what a person did.",
    input=TrackedEvent,
    idempotency=Idempotency.NATIVE_KEY,
    capability=Capability.TRACK,
    sample="track.response.json",
)

IDENTIFY = _action(
    "identify",
    identify,
    name="identify",
    title="Write a person's traits.",
    input=CrmContact,
    idempotency=Idempotency.UPSERT,
    capability=Capability.CRM,
    sample="identify.response.json",
)

GROUP = _action(
    "group",
    group,
    name="group",
    title="Put a person into a group.",
    input=ListMembership,
    idempotency=Idempotency.UPSERT,
    capability=Capability.LIST,
    sample="group.response.json",
)

ACTIONS: tuple[Action, ...] = (TRACK, IDENTIFY, GROUP)

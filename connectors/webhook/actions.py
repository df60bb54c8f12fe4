"""What the hub does at an endpoint of your own."""

from __future__ import annotations

from typing import Any

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import WebhookCall


async def _call(client: Any, job: Job) -> Sent:
    sent: Sent = await client.call(job)
    return sent


CALL = Action(
    name="call",
    title="Call your own endpoint.",
    input=WebhookCall,
    output=Sent,
    # The webhook-id is the job's key: a receiver that follows the specification does the
    # work once, however often it is called.
    idempotency=Idempotency.NATIVE_KEY,
    run=_call,
    capability=Capability.WEBHOOK,
    sample="call.response.json",
)

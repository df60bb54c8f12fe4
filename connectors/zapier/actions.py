"""What the hub does at Zapier: it tells a Zap of an event."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from connectors.kit.action import Action, Idempotency, Job, Payload, Sent


class HookDelivery(Payload):
    """An event for one subscriber."""

    hook_id: str = Field(description="The subscription's id.")
    target_url: str = Field(description="Where the Zap listens.")
    event: dict[str, Any] = Field(description="The event in the CloudEvents 1.0 JSON form.")


async def _deliver(client: Any, job: Job) -> Sent:
    sent: Sent = await client.deliver(job)
    return sent


DELIVER = Action(
    name="deliver",
    title="Tell a subscribed Zap of an event.",
    input=HookDelivery,
    output=Sent,
    # The event's id is webhook-id and the body's id: whoever remembers it does the work once.
    idempotency=Idempotency.NATIVE_KEY,
    run=_deliver,
    sample="deliver.response.json",
)

ACTIONS = (DELIVER,)

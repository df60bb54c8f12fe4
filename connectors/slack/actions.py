"""What the hub does at Slack."""

from __future__ import annotations

from typing import Any

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import ChatPost


async def _post_message(client: Any, job: Job) -> Sent:
    sent: Sent = await client.post_message(job)
    return sent


POST_MESSAGE = Action(
    name="post_message",
    title="Post a message to a channel.",
    input=ChatPost,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=_post_message,
    capability=Capability.CHAT,
    sample="post_message.response.json",
    scopes=("chat:write",),
)

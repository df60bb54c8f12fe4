"""What the hub does with a mail server."""

from __future__ import annotations

from typing import Any

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import EmailMessage


async def _send_email(client: Any, job: Job) -> Sent:
    sent: Sent = await client.send_email(job)
    return sent


SEND_EMAIL = Action(
    name="send_email",
    title="Send an e-mail.",
    input=EmailMessage,
    output=Sent,
    # The Message-ID is the same at every attempt, but no server promises to look at it.
    idempotency=Idempotency.NONE,
    run=_send_email,
    capability=Capability.EMAIL,
    gated=True,
    sample="send_email.response.json",
)

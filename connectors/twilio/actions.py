"""What the hub does at Twilio."""

from __future__ import annotations

from typing import Any

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import SmsMessage


async def _send_sms(client: Any, job: Job) -> Sent:
    sent: Sent = await client.send_sms(job)
    return sent


SEND_SMS = Action(
    name="send_sms",
    title="Send a text message.",
    input=SmsMessage,
    output=Sent,
    # Twilio keeps no key of ours, and a look-up by recipient and text cannot tell a resend
    # from a second message with the same words.
    idempotency=Idempotency.NONE,
    run=_send_sms,
    capability=Capability.SMS,
    gated=True,
    sample="send_sms.response.json",
)

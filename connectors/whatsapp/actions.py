"""What the hub does at WhatsApp: it writes to a person, answers one, or sends a template."""

from __future__ import annotations

import re

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import PushMessage
from connectors.kit.errors import InvalidRequest
from connectors.whatsapp.client import WhatsappClient

NUMBER = re.compile(r"\+?([1-9]\d{6,14})")
"""As the hub keeps numbers (with a plus) and as WhatsApp's webhooks tell them (without)."""


async def send_message(client: WhatsappClient, job: Job) -> Sent:
    """Sends free text within the window of 24 hours, or a template at any time.

    Raises:
        InvalidRequest: No number, or the window is closed and it is no template.
        NotFound: Nobody with this number is at WhatsApp, or there is no such template.
    """
    message: PushMessage = job.input
    number = NUMBER.fullmatch(message.to)
    if number is None:
        raise InvalidRequest("WhatsApp needs a telephone number with its country, as +49…")
    to = number[1]
    if message.kind == "template":
        sent = await client.template(
            to,
            message.template,
            language=(message.language or client.default_language).replace("-", "_"),
            parameters=message.parameters,
        )
    else:
        answers = message.reply_token if message.kind == "reply" else ""
        sent = await client.text(to, message.text, answers=answers)
    return Sent(vendor_id=sent)


SEND_MESSAGE = Action(
    name="send_message",
    title="Send a WhatsApp message to a person.",
    input=PushMessage,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=send_message,
    capability=Capability.PUSH,
    gated=True,
    sample="send_message.response.json",
    scopes=("whatsapp_business_messaging",),
)

ACTIONS: tuple[Action, ...] = (SEND_MESSAGE,)

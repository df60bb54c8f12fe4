"""What the hub does at LINE: it writes to a person, or answers one."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, uuid5

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import PushMessage
from connectors.kit.errors import InvalidRequest
from connectors.line.client import LineClient

PERSON = re.compile(r"U[0-9a-f]{32}")
"""Groups and rooms have ids too; what is meant for one person must not be read by all."""


async def send_message(client: LineClient, job: Job) -> Sent:
    """Sends a push, or a reply where there is a token of what it answers.

    Raises:
        InvalidRequest: A template, which LINE has none of; an id that is no person's; a
            reply that comes too late.
    """
    message: PushMessage = job.input
    if message.kind == "template":
        raise InvalidRequest("LINE has no approved templates: send the text as a push")
    if message.kind == "reply":
        if not message.reply_token:
            raise InvalidRequest("a reply needs the reply token of what it answers")
        return Sent(vendor_id=await client.reply(message.reply_token, message.text))
    if not PERSON.fullmatch(message.to):
        raise InvalidRequest("this is no LINE user id: U and 32 hexadecimal digits")
    retry_key = str(uuid5(NAMESPACE_URL, job.key))
    button = (message.button.label, message.button.url) if message.button else None
    sent = await client.push(message.to, message.text, retry_key=retry_key, button=button)
    return Sent(vendor_id=sent)


SEND_MESSAGE = Action(
    name="send_message",
    title="Send a LINE message to a person.",
    input=PushMessage,
    output=Sent,
    idempotency=Idempotency.NATIVE_KEY,
    run=send_message,
    capability=Capability.PUSH,
    gated=True,
    sample="send_message.response.json",
)

ACTIONS: tuple[Action, ...] = (SEND_MESSAGE,)

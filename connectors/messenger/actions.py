"""What the hub does at Messenger: it writes to a person, answers one, or sends a template."""

from __future__ import annotations

import re

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import PushMessage
from connectors.kit.errors import InvalidRequest
from connectors.messenger.client import MessengerClient

PERSON = re.compile(r"\d{5,30}")
LONGEST = 2000


async def send_message(client: MessengerClient, job: Job) -> Sent:
    """Sends text within the window of 24 hours, or a utility template at any time.

    Raises:
        InvalidRequest: No page-scoped id, a text too long, or the window is closed.
        NotFound: The person cannot be reached by this Page.
    """
    message: PushMessage = job.input
    if not PERSON.fullmatch(message.to):
        raise InvalidRequest("Messenger needs the person's page-scoped id, which is digits only")
    if message.kind == "template":
        sent = await client.template(
            message.to,
            message.template,
            language=(message.language or client.default_language).replace("-", "_"),
            parameters=message.parameters,
        )
        return Sent(vendor_id=sent)
    if len(message.text) > LONGEST:
        raise InvalidRequest(f"Messenger takes {LONGEST:,} characters, this is longer")
    if message.button is not None:
        label, url = message.button.label, message.button.url
        return Sent(vendor_id=await client.button(message.to, message.text, label=label, url=url))
    is_answer = message.kind == "reply"
    return Sent(vendor_id=await client.text(message.to, message.text, is_answer=is_answer))


SEND_MESSAGE = Action(
    name="send_message",
    title="Send a Messenger message to a person.",
    input=PushMessage,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=send_message,
    capability=Capability.PUSH,
    gated=True,
    sample="send_message.response.json",
    scopes=("pages_messaging", "page_utility_messaging"),
)

ACTIONS: tuple[Action, ...] = (SEND_MESSAGE,)

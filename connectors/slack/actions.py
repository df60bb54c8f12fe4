"""What the hub does at Slack: https://docs.slack.dev/reference/methods/chat.postMessage."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connectors.kit.action import Action, Capability, Idempotency, Job
from connectors.kit.capabilities import ChatPost, PushMessage
from connectors.kit.errors import InvalidRequest
from connectors.slack.messages import (
    ButtonsPost,
    MessageUpdate,
    Posted,
    ThreadReply,
    WebhookPost,
    to_person,
)

if TYPE_CHECKING:
    from connectors.slack.client import SlackClient

SCOPES = ("chat:write",)
PERSON = re.compile(r"[UW][A-Z0-9]{5,30}")
PLACE = re.compile(r"([CG][A-Z0-9]{5,30}):(\d{10}\.\d{6})")
LONGEST = 2900
"""A section takes 3,000 characters, the mention among them."""


async def post_message(client: SlackClient, job: Job) -> Posted:
    """Posts a message, through the incoming webhook where there is no bot."""
    return await client.post_message(job.input.text, job.input.channel)


async def post_buttons(client: SlackClient, job: Job) -> Posted:
    """Posts a message with buttons; pressing one comes back as an activity."""
    return await client.post_message(job.input.text, job.input.channel, blocks=job.input.blocks())


async def reply_in_thread(client: SlackClient, job: Job) -> Posted:
    """Answers below a message."""
    wanted: ThreadReply = job.input
    return await client.post_message(
        wanted.text, wanted.channel, thread=wanted.thread, is_broadcast=wanted.is_broadcast
    )


async def update_message(client: SlackClient, job: Job) -> Posted:
    """Changes a message; the same change again changes nothing."""
    return await client.update_message(job.input.text, job.input.channel, job.input.message)


async def send_message(client: SlackClient, job: Job) -> Posted:
    """Answers a person in the thread of what they wrote in a shared inbox.

    Raises:
        InvalidRequest: No Slack user id, no place of a conversation, a text too long, or a
            template, which Slack has none of.
    """
    message: PushMessage = job.input
    if message.kind == "template":
        raise InvalidRequest("Slack has no approved templates: send the text as a push")
    place = PLACE.fullmatch(message.place)
    if not PERSON.fullmatch(message.to) or place is None:
        raise InvalidRequest(
            "Slack needs the person's user id and the place of what they wrote in a shared inbox"
        )
    text, blocks = to_person(message.to, message.text, message.button)
    if len(text) > LONGEST:
        raise InvalidRequest(f"Slack takes {LONGEST:,} characters in a message, this is longer")
    return await client.post_message(text, place[1], thread=place[2], blocks=blocks)


async def post_to_webhook(client: SlackClient, job: Job) -> Posted:
    """Posts through the incoming webhook, whether or not there is a bot as well."""
    await client.post_to_webhook(job.input.text)
    return Posted()


POST_MESSAGE = Action(
    name="post_message",
    title="Post a message to a channel.",
    input=ChatPost,
    output=Posted,
    idempotency=Idempotency.NONE,
    run=post_message,
    capability=Capability.CHAT,
    sample="post_message.response.json",
    scopes=SCOPES,
)
POST_BUTTONS = Action(
    name="post_buttons",
    title="Post a message with buttons.",
    input=ButtonsPost,
    output=Posted,
    idempotency=Idempotency.NONE,
    run=post_buttons,
    sample="post_buttons.response.json",
    scopes=SCOPES,
)
REPLY_IN_THREAD = Action(
    name="reply_in_thread",
    title="Answer below a message.",
    input=ThreadReply,
    output=Posted,
    idempotency=Idempotency.NONE,
    run=reply_in_thread,
    sample="reply_in_thread.response.json",
    scopes=SCOPES,
)
UPDATE_MESSAGE = Action(
    name="update_message",
    title="Change the words of a message.",
    input=MessageUpdate,
    output=Posted,
    idempotency=Idempotency.UPSERT,
    run=update_message,
    sample="update_message.response.json",
    scopes=SCOPES,
)
POST_TO_WEBHOOK = Action(
    name="post_to_webhook",
    title="Post through the incoming webhook.",
    input=WebhookPost,
    output=Posted,
    idempotency=Idempotency.NONE,
    run=post_to_webhook,
    sample="post_to_webhook.response.txt",
)
SEND_MESSAGE = Action(
    name="send_message",
    title="Answer a person in a shared inbox.",
    input=PushMessage,
    output=Posted,
    idempotency=Idempotency.NONE,
    run=send_message,
    capability=Capability.PUSH,
    gated=True,
    sample="send_message.response.json",
    scopes=SCOPES,
)

ACTIONS = (
    POST_MESSAGE,
    POST_BUTTONS,
    REPLY_IN_THREAD,
    UPDATE_MESSAGE,
    POST_TO_WEBHOOK,
    SEND_MESSAGE,
)

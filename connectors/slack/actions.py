"""What the hub does at Slack: https://docs.slack.dev/reference/methods/chat.postMessage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.kit.action import Action, Capability, Idempotency, Job
from connectors.kit.capabilities import ChatPost
from connectors.slack.messages import (
    ButtonsPost,
    MessageUpdate,
    Posted,
    ThreadReply,
    WebhookPost,
)

if TYPE_CHECKING:
    from connectors.slack.client import SlackClient

SCOPES = ("chat:write",)


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

ACTIONS = (POST_MESSAGE, POST_BUTTONS, REPLY_IN_THREAD, UPDATE_MESSAGE, POST_TO_WEBHOOK)

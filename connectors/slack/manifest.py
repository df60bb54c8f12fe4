"""What the Slack connector says of itself."""

from __future__ import annotations

from typing import Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.slack.account import SlackAccount
from connectors.slack.actions import ACTIONS
from connectors.slack.triggers import WEBHOOK


def _connect(account: Any) -> Any:
    # The gateway imports this manifest and never needs the SDK.
    from connectors.slack.client import SlackClient

    return SlackClient(account)


MANIFEST = Manifest(
    slug="slack",
    name="Slack",
    docs_url="https://docs.slack.dev/reference/methods/chat.postMessage",
    api_version="Web API (not versioned)",
    owner="loyalty-hub",
    account=SlackAccount,
    limit=Limit(
        burst=4,
        per_second=0.9,
        concurrency=4,
        scope="channel",
        source="https://docs.slack.dev/apis/web-api/rate-limits: about one message a second "
        "and channel, short bursts allowed",
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="a bot token, or an incoming webhook's secret address",
    scopes=("chat:write",),
    data_classes=("message text", "email", "phone"),
    contracts=(Contract("specs/slack/openapi.json"),),
    exempt={
        "subscriptions": "Slack's addresses for events and buttons are set in the app's "
        "configuration by a person.",
    },
    known_limits=(
        "Slack takes no idempotency key: after a lost answer a person decides whether to resend.",
        "An incoming webhook posts to one channel, cannot be checked, and tells no message id.",
        "The limit is kept per connection, as if all messages went to one channel.",
        "A button counts once per message, whoever presses it and however often.",
        "Who may press a button is who may read the channel: the hub asks nothing further.",
        "Messages, mentions, reactions and joinings are told as activities of the Slack user, who "
        "is a member only where their Slack id was linked.",
        "In the channels that the connection names as shared inboxes, what people of other "
        "workspaces write is kept with their conversation (the first 500 characters of the latest "
        "message); guests of one's own workspace are not told apart from the team.",
        "A message to a person stands in the channel, in the thread of what they wrote: others "
        "who read the channel see it, too.",
        "Shortcuts, menus, dialogs and slash commands are acknowledged and ignored.",
        "The published contract is of 2021; newer fields are not used.",
    ),
)

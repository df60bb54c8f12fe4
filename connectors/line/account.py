"""A LINE official account and the Messaging API channel that speaks for it.

Follows https://developers.line.biz/en/docs/messaging-api/building-bot/.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret


class LineAccount(Account):
    """One channel. Its secret signs the webhooks, its access token sends."""

    channel_access_token: Secret = Field(
        description="Long-lived channel access token (LINE Developers, the channel, Messaging API)."
    )
    channel_secret: Secret = Field(
        description="Channel secret (the channel, Basic settings): it signs the webhooks."
    )
    base_url: BaseUrl = Field(
        "https://api.line.me",
        description="Address of the Messaging API; another one is for the sandbox.",
    )

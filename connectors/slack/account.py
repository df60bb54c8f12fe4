"""A Slack workspace: https://docs.slack.dev/authentication/tokens."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret

SharedChannel = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{8,30}$")]
"""A channel's id, since a shared channel may have another name in each workspace."""


class SlackAccount(Account):
    """A bot of one workspace, or an incoming webhook of one channel."""

    bot_token: OptionalSecret = Field(
        None, description="The bot's token (xoxb-…), from OAuth & Permissions of your Slack app."
    )
    webhook_url: SecretStr | None = Field(
        None, description="An incoming webhook's address, in place of a bot token; it is secret."
    )
    default_channel: Annotated[str, Field(max_length=100, pattern=r"^\S*$")] = Field(
        "", description="Where messages go that name no channel: #loyalty or a channel id."
    )
    signing_secret: OptionalSecret = Field(
        None, description="The app's signing secret; it proves that events come from Slack."
    )
    shared_inboxes: tuple[SharedChannel, ...] = Field(
        (),
        description="Ids of channels shared with customers' workspaces (C…): what they write there "
        "are conversations; at first none.",
    )
    base_url: BaseUrl = Field(
        "https://slack.com/api", description="Where the API is; change it only for a sandbox."
    )

    @field_validator("webhook_url")
    @classmethod
    def _is_an_address(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else ""
        if value and (
            not text.startswith(("https://", "http://"))
            or not text.isprintable()
            or len(text.split()) != 1
        ):
            raise ValueError("must be the whole https:// address, without spaces")
        return value

    @model_validator(mode="after")
    def _can_post(self) -> Self:
        if self.bot_token is None and self.webhook_url is None:
            raise ValueError("give a bot_token, or the webhook_url of one channel")
        return self

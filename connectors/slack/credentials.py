"""The Slack workspace as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.slack.account import SlackAccount


class SlackCredentials(SlackAccount, CredentialsBlock):
    """A Slack bot, or an incoming webhook, that tells the team what happened."""

    _block_type_name = "Slack Credentials"
    _block_type_slug = "slack-credentials"
    _connector = "slack"
    _documentation_url = HttpUrl("https://docs.slack.dev/authentication/tokens")
    _description = "Posts messages to a Slack channel."
    _code_example = """
    ```python
    from connectors.slack.credentials import SlackCredentials

    print(await SlackCredentials.load("main").check())
    ```
    """

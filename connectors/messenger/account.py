"""A Facebook Page and the Meta app that speaks for it in Messenger.

Follows https://developers.facebook.com/documentation/business-messaging/messenger-platform/.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret


class MessengerAccount(Account):
    """One Page. The app's secret signs the webhooks, the Page's token sends."""

    page_id: str = Field(
        description="Id of the Facebook Page (the Page's About, Page transparency).",
        pattern=r"^\d{5,30}$",
    )
    page_access_token: Secret = Field(
        description="Page access token with the permission to send messages."
    )
    app_secret: Secret = Field(
        description="App secret (the app's dashboard, Settings, Basic): it signs the webhooks."
    )
    verify_token: Secret = Field(
        description="A long random word of your own; Meta repeats it when the webhook is set up."
    )
    default_language: str = Field(
        "en",
        description="Language of a template where the message names none, such as en or pt_BR.",
        pattern=r"^[a-z]{2,3}([_-][A-Za-z]{2,4})*$",
        max_length=20,
    )
    base_url: BaseUrl = Field(
        "https://graph.facebook.com",
        description="Address of the Graph API; another one is for the sandbox.",
    )

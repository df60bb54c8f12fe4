"""A business number at WhatsApp's Cloud API and the Meta app that speaks for it.

Follows https://developers.facebook.com/documentation/business-messaging/whatsapp/get-started.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret


class WhatsappAccount(Account):
    """One number. The app's secret signs the webhooks, a system user's token sends."""

    phone_number_id: str = Field(
        description="Id of the business number (WhatsApp Manager, API set-up); not the number.",
        pattern=r"^\d{5,30}$",
    )
    access_token: Secret = Field(
        description="Access token of a system user with the permission to send messages."
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

"""A Mailchimp account: one API key and one audience.

https://mailchimp.com/developer/marketing/guides/quick-start/
"""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret

DEFAULT_URL = "https://server.api.mailchimp.com/3.0"

_DATA_CENTRE = re.compile(r"-([a-z]{2,4}\d{1,3})$")


class MailchimpAccount(Account):
    """What the hub needs to write to one audience and to hear of it."""

    api_key: Secret = Field(
        description="API key from Profile, Extras, API keys; it ends with the data centre (-us21)."
    )
    audience_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,40}$")] = Field(
        description="Id of the audience, under Audience, Settings, Audience name and defaults."
    )
    webhook_secret: OptionalSecret = Field(
        None,
        description="Signing secret of the webhook. Leave it empty: the hub makes the webhook and "
        "keeps the secret, which Mailchimp tells once.",
    )
    base_url: BaseUrl = Field(
        DEFAULT_URL,
        description="Address of the API; the word server stands for the key's data centre.",
    )

    @model_validator(mode="after")
    def _has_data_centre(self) -> Self:
        if self.base_url == DEFAULT_URL and not self._data_centre():
            raise ValueError("the API key does not end with its data centre, such as -us21")
        return self

    def _data_centre(self) -> str:
        found = _DATA_CENTRE.search(self.api_key.get_secret_value())
        return found[1] if found else ""

    @property
    def host(self) -> str:
        """The base URL with the key's data centre in its place."""
        if self.base_url != DEFAULT_URL:
            return self.base_url
        return DEFAULT_URL.replace("server", self._data_centre())

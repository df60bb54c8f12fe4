"""A Twilio account: https://www.twilio.com/docs/usage/requests-to-twilio."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret

Sid = r"[0-9a-fA-F]{32}$"


class TwilioAccount(Account):
    """One Twilio account and the sender its texts come from."""

    account_sid: Annotated[str, Field(pattern=f"^AC{Sid}")] = Field(
        description="The account's SID, on the first page of the Twilio console (AC…)."
    )
    auth_token: Secret = Field(
        description="The account's auth token; it also proves that webhooks come from Twilio."
    )
    api_key_sid: Annotated[str, Field(pattern=f"^(SK{Sid})?")] = Field(
        "", description="An API key to send with in place of the auth token (SK…), if you use one."
    )
    api_key_secret: SecretStr | None = Field(
        None, description="The secret of that API key, shown once when it was made."
    )
    from_number: Annotated[str, Field(pattern=r"^([A-Za-z0-9 ]{1,11}|\+[1-9]\d{4,14}|)$")] = Field(
        "", description="The number (+1…), short code or sender name that texts come from."
    )
    messaging_service_sid: Annotated[str, Field(pattern=f"^(MG{Sid})?")] = Field(
        "", description="A messaging service that picks the sender (MG…), in place of a number."
    )
    status_callback: BaseUrl | None = Field(
        None, description="The hub's address for delivery reports: https://<hub>/hooks/twilio/…."
    )
    base_url: BaseUrl = Field(
        "https://api.twilio.com", description="Where the API is; change it only for a sandbox."
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.from_number) == bool(self.messaging_service_sid):
            raise ValueError("give either from_number or messaging_service_sid")
        has_secret = self.api_key_secret is not None and bool(
            self.api_key_secret.get_secret_value()
        )
        if bool(self.api_key_sid) != has_secret:
            raise ValueError("api_key_sid and api_key_secret go together")
        return self

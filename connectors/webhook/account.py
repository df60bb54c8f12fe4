"""An endpoint of your own: https://www.standardwebhooks.com."""

from __future__ import annotations

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import SigningSecret
from connectors.webhook.mapping import MAX_CHARACTERS, parse_mapping

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_TAKEN = frozenset(
    {"host", "content-length", "content-type", "content-encoding", "transfer-encoding",
     "connection", "accept-encoding", "webhook-id", "webhook-timestamp", "webhook-signature"}
)  # fmt: skip


class WebhookAccount(Account):
    """An address to call, the secret that signs in both directions, and where it may lead."""

    url: Annotated[str, Field(max_length=2000)] = Field(
        "", description="The address to call; leave it empty for a connection that only receives."
    )
    secret: SigningSecret = Field(
        description="The shared secret of both sides: whsec_ and base64 of 32 random bytes."
    )
    header_name: str = Field(
        "", description="An extra header that your endpoint asks for, such as Authorization."
    )
    header_value: SecretStr | None = Field(None, description="The secret value of that header.")
    allow_private_network: bool = Field(
        False, description="Whether the address may lie in a private network; off on the internet."
    )

    mapping: Annotated[str, Field(max_length=MAX_CHARACTERS)] = Field(
        "",
        description="How other JSON becomes events: a list of entries, each with `when` and "
        "`event`; empty where the bodies are in the hub's own words. The README shows one.",
    )

    @field_validator("mapping")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        if value.strip():
            parse_mapping(value)
        return value.strip()

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value:
            return value
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ValueError("must be ASCII without spaces (punycode for other letters)")
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
            raise ValueError("must be a whole http(s) address without a #fragment")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold a user or password: use the extra header")
        return value

    @field_validator("header_name")
    @classmethod
    def _may_be_set(cls, value: str) -> str:
        if value and (not _HEADER.fullmatch(value) or value.lower() in _TAKEN):
            raise ValueError("is not a header that may be set")
        return value

    @field_validator("header_value")
    @classmethod
    def _is_one_line(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else "-"
        if not text.strip() or not text.isascii() or not text.isprintable():
            raise ValueError("must be one line of ASCII characters")
        return value

    @model_validator(mode="after")
    def _header_is_complete(self) -> Self:
        if bool(self.header_name) != (self.header_value is not None):
            raise ValueError("header_name and header_value go together")
        return self

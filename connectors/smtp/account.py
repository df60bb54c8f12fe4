"""A mail server and the sender's name: RFC 5321 and RFC 6409."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.kit.account import Account
from connectors.kit.fields import OptionalSecret

ADDR_SPEC = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What no header may hold: line breaks of every kind, control characters, half characters."""


class Security(StrEnum):
    """How the connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class SmtpAccount(Account):
    """One mail server, and whom the mails come from."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\-]{1,253}$")] = Field(
        description="The mail server's name, such as smtp.example.com."
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        587, description="Usually 587 with STARTTLS, 465 with TLS, 25 without either."
    )
    security: Security = Field(
        Security.STARTTLS, description="How the connection is protected: none, starttls or tls."
    )
    username: Annotated[str, Field(max_length=320)] = Field(
        "", description="Whom to log in as; leave it empty where the server asks for nobody."
    )
    password: SecretStr | None = Field(
        None, description="The password or app password of that user."
    )
    from_email: str = Field(description="The address the mails come from.")
    from_name: Annotated[str, Field(max_length=200)] = Field(
        "", description="The name the mails come from, such as the shop's."
    )
    bounce_email: str = Field(
        "", description="Where mail servers send what cannot be delivered; from_email if empty."
    )
    hook_token: OptionalSecret = Field(
        None,
        description="A long word of your choice; the address that takes bounces ends with it.",
    )
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        10.0, description="How long to wait for the server's answer to one command, in seconds."
    )

    @field_validator("from_email")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not ADDR_SPEC.fullmatch(value):
            raise ValueError("must be a plain e-mail address")
        return value

    @field_validator("bounce_email")
    @classmethod
    def _is_an_address_if_any(cls, value: str) -> str:
        return cls._is_an_address(value) if value else ""

    @field_validator("from_name", "username")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        if CONTROL.search(value):
            raise ValueError("must be one line without control characters")
        return value

    @field_validator("password")
    @classmethod
    def _has_no_line_break(cls, value: SecretStr | None) -> SecretStr | None:
        if value and CONTROL.search(value.get_secret_value()):
            raise ValueError("must be one line without control characters")
        return value

    @model_validator(mode="after")
    def _login_is_complete(self) -> Self:
        if bool(self.username) != bool(self.password and self.password.get_secret_value()):
            raise ValueError("username and password go together")
        return self

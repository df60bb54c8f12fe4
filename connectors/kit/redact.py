"""Keeps secrets and personal data out of logs, errors and artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import SecretStr

from connectors.kit.account import Account

MASK = "[redacted]"

SENSITIVE_HEADERS = frozenset(
    {"authorization", "cookie", "set-cookie", "x-api-key", "x-shopify-access-token", "api-token"}
)

_EMAIL = re.compile(r"([\w.+-])[\w.+-]*@([\w-]+\.[\w.-]+)")
_PHONE = re.compile(r"\+\d{4,11}(\d{3})\b")


def secrets_of(account: Account) -> list[str]:
    """The secret texts of an account that are long enough to be searched for."""
    found = []
    for name in type(account).model_fields:
        value = getattr(account, name)
        if isinstance(value, SecretStr) and len(value.get_secret_value()) >= 4:
            found.append(value.get_secret_value())
    return found


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret masked."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def without_people(text: str) -> str:
    """The text with e-mail addresses and telephone numbers shortened: `a…@shop.example`."""
    return _PHONE.sub(r"+…\1", _EMAIL.sub(r"\1…@\2", text))


def safe_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    """Request headers fit to be stored: credentials masked."""
    return {
        name: MASK if name.lower() in SENSITIVE_HEADERS else value
        for name, value in headers.items()
    }

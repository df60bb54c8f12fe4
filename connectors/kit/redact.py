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
_SENSITIVE_WORDS = ("auth", "cookie", "token", "secret", "password", "api-key", "apikey", "x-guid")

_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-])[\w.+-]*@([\w-]+\.[\w.-]+)")
_PHONE = re.compile(r"\+\d{4,12}(\d{3})\b")


def secrets_of(account: Account) -> list[str]:
    """The secret texts of an account that are long enough to be searched for."""
    found: list[str] = []
    for name in type(account).model_fields:
        found.extend(_secrets_in(getattr(account, name)))
    return [one for one in found if len(one) >= 4]


def _secrets_in(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [secret for item in value for secret in _secrets_in(item)]
    return []


def secrets_in_headers(headers: Mapping[str, str]) -> list[str]:
    """The credentials among request headers, without their scheme (`Bearer `)."""
    values = [value for name, value in headers.items() if _is_sensitive(name)]
    return [part for value in values for part in value.split() if len(part) >= 8]


def _is_sensitive(name: str) -> bool:
    lower = name.lower()
    return lower in SENSITIVE_HEADERS or any(word in lower for word in _SENSITIVE_WORDS)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret masked, the longest first: one may be part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def without_people(text: str) -> str:
    """The text with e-mail addresses and telephone numbers shortened: `a…@shop.example`."""
    return _PHONE.sub(r"+…\1", _EMAIL.sub(r"\1…@\2", text))


def safe_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    """Request headers fit to be stored: credentials masked."""
    return {name: MASK if _is_sensitive(name) else value for name, value in headers.items()}

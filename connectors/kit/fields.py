"""The fields that accounts share: secrets, and the address of the API."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

_KEY_PREFIX = "whsec_"
_MIN_KEY_BYTES = 16
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/\-]*)?")


def _one_word(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text or not text.isprintable() or any(letter.isspace() for letter in text):
        raise ValueError("must be one unbroken line without spaces: copy it again")
    return secret


def _one_word_if_any(secret: SecretStr | None) -> SecretStr | None:
    """A field left empty in a form arrives as an empty text and means none."""
    return _one_word(secret) if secret is not None and secret.get_secret_value() else None


def _address(url: str) -> str:
    if not _ADDRESS.fullmatch(url):
        raise ValueError("must be an http(s) address without user, query or spaces")
    return url.rstrip("/")


def key_of(secret: SecretStr) -> bytes:
    """The bytes of a signing secret; ValueError where it is not base64."""
    text = secret.get_secret_value().removeprefix(_KEY_PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("must be base64 after whsec_") from None


def _is_key(secret: SecretStr) -> SecretStr:
    if len(key_of(secret)) < _MIN_KEY_BYTES:
        raise ValueError(f"must be base64 of {_MIN_KEY_BYTES} bytes or more, 32 at best")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_one_word)]
"""A key or token: printable, in one piece, never blank, so that it is safe in a header."""

OptionalSecret = Annotated[SecretStr | None, AfterValidator(_one_word_if_any)]
"""A secret that may be left out.

Written so, with the union inside: of `Secret | None` Prefect does not see that it is secret,
shows it, and stores asterisks instead of it.
"""

BaseUrl = Annotated[str, AfterValidator(_address)]
"""An http(s) address, kept without its trailing slash."""

SigningSecret = Annotated[Secret, AfterValidator(_is_key)]
"""`whsec_` and base64 of 16 random bytes or more, as Standard Webhooks wants it."""

"""The two kinds of field that every account has: a secret, and the address of the API."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

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


Secret = Annotated[SecretStr, AfterValidator(_one_word)]
"""A key or token: printable, in one piece, never blank, so that it is safe in a header."""

OptionalSecret = Annotated[SecretStr | None, AfterValidator(_one_word_if_any)]
"""A secret that may be left out.

Written so, with the union inside: of `Secret | None` Prefect does not see that it is secret,
shows it, and stores asterisks instead of it.
"""

BaseUrl = Annotated[str, AfterValidator(_address)]
"""An http(s) address, kept without its trailing slash."""

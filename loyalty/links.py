"""Signed links: what a person's click proves, and nothing more.

A token is readable by everybody and cannot be made or altered without the key (HMAC-SHA256 of the
`itsdangerous` library, https://itsdangerous.palletsprojects.com). It proves that the hub made it
for this purpose; whether it is expired or used already is asked of the store, where the instant
and the one use can be seen and changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

MAX_TOKEN = 1000


class LinkKind(StrEnum):
    """What a link is for; a token of one kind is worth nothing as another."""

    UNSUBSCRIBE = "u"
    PREFERENCES = "p"
    CONFIRM = "c"
    CLICK = "l"
    OPEN = "o"
    JOIN = "j"
    BIND = "b"
    REFER = "r"
    SIGN_IN = "s"
    HAND_OVER = "h"


class LinkInvalid(ValueError):
    """The token was not made by this hub for this purpose: altered, cut off, or made up."""


class Links:
    """Makes and reads the links of one installation.

    Args:
        key: At least 32 bytes, `Vault.derived("links")`.
        base_url: The gateway's public address, without a slash at its end.
    """

    def __init__(self, key: bytes, base_url: str) -> None:
        self._key = key
        self.base_url = base_url
        self._makers = {
            kind: URLSafeSerializer(
                key, salt=f"link:{kind}", signer_kwargs={"digest_method": hashlib.sha256}
            )
            for kind in LinkKind
        }

    def token(self, kind: LinkKind, content: Mapping[str, Any]) -> str:
        """The token that carries this content, which anybody can read: no secrets in it."""
        return str(self._makers[kind].dumps(dict(content)))

    def url(self, kind: LinkKind, content: Mapping[str, Any]) -> str:
        """The address that a person clicks: `{base_url}/{kind}/{token}`."""
        return f"{self.base_url}/{kind}/{self.token(kind, content)}"

    def read(self, kind: LinkKind, token: str) -> dict[str, Any]:
        """The content of a token.

        Raises:
            LinkInvalid: It is not one of this kind made with this key.
        """
        if len(token) > MAX_TOKEN:
            raise LinkInvalid("the link is too long to be one of ours")
        try:
            content = self._makers[kind].loads(token)
        except BadData:
            raise LinkInvalid("the link was altered or is incomplete") from None
        # Base64 can be spelt in several ways; only the one that we made is ours.
        if not isinstance(content, dict) or self.token(kind, content) != token:
            raise LinkInvalid("the link was altered or is incomplete")
        return content

    def __repr__(self) -> str:
        return f"Links(base_url={self.base_url!r})"

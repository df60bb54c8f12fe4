"""Signed links: what a person's click proves, and nothing more.

A token is readable by everybody and cannot be made or altered without the key (HMAC-SHA256 of the
`itsdangerous` library, https://itsdangerous.palletsprojects.com). It proves that the hub made it
for this purpose; whether it is expired or used already is asked of the store, where the instant
and the one use can be seen and changed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

from itsdangerous import BadData, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode
from itsdangerous.signer import SigningAlgorithm

MAX_TOKEN = 1000
WORTH_COMPRESSING = 160
"""Characters. An id and an address that are shorter hardly ever shrink, and trying takes longer
than signing."""


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
        self._makers = {kind: _Maker(key, salt=f"link:{kind}") for kind in LinkKind}

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
        maker = self._makers[kind]
        try:
            content = maker.loads(token)
        except BadData:
            raise LinkInvalid("the link was altered or is incomplete") from None
        # Base64 can be spelt in several ways; only the one that we made is ours.
        if not isinstance(content, dict) or not maker.spells(token):
            raise LinkInvalid("the link was altered or is incomplete")
        return content

    def __repr__(self) -> str:
        return f"Links(base_url={self.base_url!r})"


class _Hmac(SigningAlgorithm):
    """HMAC-SHA256 in one call of OpenSSL; a third of the time of an `hmac` object."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, hashlib.sha256)


class _Signer(Signer):
    """The library's, with its key derived once instead of for every token."""

    @cached_property
    def _derived(self) -> bytes:
        return super().derive_key()

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        return self._derived


class _Maker(URLSafeSerializer):
    """The library's tokens of one kind, made by one signer.

    A mail carries half a dozen: what the library does anew for each is done once here.
    """

    def __init__(self, key: bytes, *, salt: str) -> None:
        super().__init__(key, salt=salt)
        self._signer = _Signer(key, salt=salt, digest_method=hashlib.sha256, algorithm=_Hmac())

    def make_signer(self, salt: str | bytes | None = None) -> Signer:
        return self._signer

    def dump_payload(self, obj: Any) -> bytes:
        plain = self.serializer.dumps(obj).encode()
        return base64_encode(plain) if len(plain) < WORTH_COMPRESSING else super().dump_payload(obj)

    def spells(self, token: str) -> bool:
        """Whether the token is spelt as the signer spells what it carries."""
        signed = self._signer.sign(token.rpartition(".")[0])
        return hmac.compare_digest(signed, token.encode())

"""Seals credentials at rest, so that the gateway and the workers have them without Prefect."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr


class VaultError(Exception):
    """What is stored cannot be opened with the key at hand; the text says what to do."""


class Vault:
    """Seals and opens JSON objects with one Fernet key (AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, key: SecretStr) -> None:
        try:
            self._fernet = Fernet(key.get_secret_value().encode("ascii"))
        except (ValueError, UnicodeEncodeError):
            raise VaultError(
                "HUB_SECRET_KEY is not a Fernet key: 32 bytes, URL-safe base64"
            ) from None
        self._key = key

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, always the same, that tells nothing of the vault's
        own (HKDF, RFC 5869)."""
        own = self._key.get_secret_value().encode("ascii")
        return HKDF(SHA256(), 32, salt=None, info=f"loyalty-hub {purpose}".encode()).derive(own)

    @classmethod
    def of(cls, root: Path, key: SecretStr) -> Vault:
        """The vault of an installation: the given key, or one kept (0600) in its home."""
        if key.get_secret_value():
            return cls(key)
        return cls(SecretStr(kept_key(root / "secret.key")))

    def seal(self, content: dict[str, Any]) -> bytes:
        """The content, encrypted and authenticated; Decimals and the like become their text."""
        return self._fernet.encrypt(orjson.dumps(content, default=str))

    def open(self, sealed: bytes) -> dict[str, Any]:
        """The content of what was sealed; VaultError where the key is another one."""
        try:
            content: dict[str, Any] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise VaultError(
                "credentials were sealed with another key: restore secret.key or HUB_SECRET_KEY"
            ) from None
        return content


def kept_key(path: Path) -> str:
    """The key in a file that only its owner may read; made (Fernet) where there is none."""
    if not path.exists():
        _keep(path, Fernet.generate_key())
    return path.read_text("ascii").strip()


def _keep(path: Path, key: bytes) -> None:
    """Puts the key there whole, or leaves the one that another process was faster with."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)

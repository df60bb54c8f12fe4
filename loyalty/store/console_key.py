"""The key that opens the console, and one-time tickets made with it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe

from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr

from loyalty.store.vault import kept_key

FILE = "console.key"
TICKET_LASTS = timedelta(hours=1)
SHORTEST = 16


class ConsoleKeyWeak(ValueError):
    """HUB_CONSOLE_KEY is too short to keep anybody out."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a genuine ticket says: which one it is. Whether it was used is the store's matter."""

    id: str


class ConsoleKey:
    """One shared key for the people of the team."""

    def __init__(self, key: SecretStr) -> None:
        if len(key.get_secret_value()) < SHORTEST:
            raise ConsoleKeyWeak(
                f"HUB_CONSOLE_KEY must have at least {SHORTEST} characters; leave it empty to "
                "have a key made"
            )
        self._key = key
        self._tickets = URLSafeSerializer(
            self._derived("tickets"), signer_kwargs={"digest_method": hashlib.sha256}
        )

    @classmethod
    def of(cls, root: Path, given: SecretStr) -> ConsoleKey:
        """The console key of an installation: the given one, or one kept (0600) in its home."""
        if given.get_secret_value():
            return cls(given)
        return cls(SecretStr(kept_key(root / FILE)))

    def is_key(self, given: str) -> bool:
        """Whether this is the key; the time it takes tells nothing."""
        own = self._key.get_secret_value().encode()
        return hmac.compare_digest(given.strip().encode("utf-8", "replace"), own)

    def session_key(self, purpose: str) -> bytes:
        """A key for cookies and forms; another console key makes all of them worthless."""
        return self._derived(purpose)

    def ticket(self, *, now: datetime) -> str:
        """A ticket that opens the console once within an hour."""
        until = int((now + TICKET_LASTS).timestamp())
        return str(self._tickets.dumps([token_urlsafe(9), until]))

    def read_ticket(self, token: str, *, now: datetime) -> Ticket | None:
        """The ticket, where it was made with this key and its hour is not over."""
        try:
            id, until = self._tickets.loads(token[:500])
        except (BadData, ValueError, TypeError):
            return None
        return Ticket(str(id)) if now.timestamp() < until else None

    def _derived(self, purpose: str) -> bytes:
        own = self._key.get_secret_value().encode()
        return hmac.digest(own, f"loyalty-hub console {purpose}".encode(), "sha256")

    def __repr__(self) -> str:
        return "ConsoleKey(**********)"

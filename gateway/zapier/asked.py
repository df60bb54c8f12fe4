"""A request whose caller is known and whose body is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.answers import Answer, Refused
from gateway.zapier.keys import Caller


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose caller is known and whose body is read."""

    caller: Caller
    name: str
    query: str
    headers: dict[str, str]
    body: bytes
    now: datetime

    def document(self) -> dict[str, Any]:
        """The body as a JSON object; Refused (400) where it is none."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise Refused(400, "unreadable", "the body is not a JSON object", "Send a JSON object.")
        return found


Handler = Callable[[Asked], Awaitable[Answer]]

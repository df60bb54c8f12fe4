"""What the tests of the gate ask it: messages and what is known, in few words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from loyalty.events import Channel, ConsentState
from loyalty.gate import EVERYTHING, MARKETING, About, Knowledge, Message, Words
from loyalty.programme import Programme

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EMAIL = "ada@example.com"
PHONE = "+4915112345678"
GRANTED, PENDING, WITHDRAWN = ConsentState.GRANTED, ConsentState.PENDING, ConsentState.WITHDRAWN


def message(channel: str = "email", *, number: int = 1, **more: Any) -> Message:
    """A marketing message to Ada."""
    wire = Channel(channel)
    address = EMAIL if wire is Channel.EMAIL else PHONE
    return Message(**{"id": UUID(int=number), "channel": wire, "address": address} | more)


def knowing(*said: tuple[str, str, ConsentState]) -> Knowledge:
    """Who said what on which channel: `("sms", "everything", WITHDRAWN)`, a minute apart."""
    words = Words()
    for minute, (channel, purpose, state) in enumerate(said):
        address = EMAIL if channel == "email" else PHONE
        at = NOON.replace(hour=1, minute=minute)
        words.hear(About(channel, address, purpose), store="shop/main", state=state, at=at)
    return Knowledge(words=words)


def agreed(channel: str = "email") -> Knowledge:
    """Ada said yes to marketing."""
    return knowing((channel, MARKETING, GRANTED))


def stopped() -> Knowledge:
    """Ada said yes and then texted STOP."""
    return knowing(
        ("sms", MARKETING, GRANTED), ("sms", EVERYTHING, WITHDRAWN), ("sms", MARKETING, WITHDRAWN)
    )


def programme(**messaging: Any) -> Programme:
    """A programme with this `messaging`."""
    return Programme.model_validate({"zone": "Europe/Berlin", "messaging": messaging})


def night(**more: Any) -> Mapping[str, Any]:
    """Texts keep silent from ten in the evening to eight in the morning."""
    return {"quiet_hours": {"sms": {"from": "22:00", "to": "08:00", **more}}}

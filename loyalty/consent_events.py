"""The events of consents, with the keys and subjects that make each count once.

Who puts them into the inbox (the public pages, the widget, the CLI) calls these functions and
`loyalty.store.inbox.accept`; the desk in `flows` does the rest.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal
from uuid import UUID

from loyalty.contacts import normal_address
from loyalty.events import (
    Channel,
    Consent,
    ConsentConfirmation,
    ConsentImport,
    ConsentRequest,
    ConsentState,
    Event,
    EventType,
    Frozen,
    ReviewDecision,
)

HUB = "hub"
"""The store of events that happen at the hub itself."""

Said = Consent | ConsentImport | ConsentRequest


def given(said: Consent, *, at: datetime, store: str = HUB, key: str = "") -> Event:
    """A person gave consent: on a form, in the preference centre, on paper."""
    return _said(EventType.CONSENT_GIVEN, said, at=at, store=store, key=key)


def withdrawn(said: Consent, *, at: datetime, store: str = HUB, key: str = "") -> Event:
    """A person took consent back."""
    return _said(EventType.CONSENT_WITHDRAWN, said, at=at, store=store, key=key)


def imported(said: ConsentImport, *, at: datetime, store: str = HUB, key: str = "") -> Event:
    """A list or another system says what a person agreed to."""
    return _said(EventType.CONSENT_IMPORTED, said, at=at, store=store, key=key)


def requested(said: ConsentRequest, *, at: datetime, store: str = HUB, key: str = "") -> Event:
    """Somebody entered an address, which has to be confirmed."""
    return _said(EventType.CONSENT_REQUESTED, said, at=at, store=store, key=key)


def confirmed(request_id: UUID, *, at: datetime) -> Event:
    """Somebody pressed the button behind the link of a request."""
    data = ConsentConfirmation(request_id=str(request_id))
    # One that came too late is told so each time; one that counted, once.
    return _about(EventType.CONSENT_CONFIRMED, str(request_id), data, at=at)


def decided(
    review_id: UUID, decision: Literal["stop", "continue"], *, by: str, at: datetime
) -> Event:
    """Somebody read a wish to stop and says what it meant."""
    data = ReviewDecision(review_id=str(review_id), decision=decision, by=by)
    return _about(EventType.REVIEW_DECIDED, str(review_id), data, at=at)


def _said(kind: EventType, said: Said, *, at: datetime, store: str, key: str) -> Event:
    address = normal_address(said.channel, said.address)
    return Event(
        type=kind,
        store=store,
        key=key or _key(said, address, at),
        time=at,
        subject=f"contact:{address}",
        data=said,
    )


def _key(said: Said, address: str, at: datetime) -> str:
    """The same word at the same instant is one; a digest, since keys outlive a person."""
    state = said.state.value if isinstance(said, ConsentImport) else ""
    topic = f"{said.purpose}:{said.topic}" if isinstance(said, Consent) else ""
    told = "\n".join((said.channel.value, address, topic, state, at.isoformat()))
    return hashlib.sha256(told.encode()).hexdigest()[:40]


def _about(kind: EventType, key: str, data: Frozen, *, at: datetime) -> Event:
    return Event(type=kind, store=HUB, key=key, time=at, subject=f"{kind.value}:{key}", data=data)


__all__ = ["Channel", "ConsentState", "confirmed", "decided", "given", "imported", "requested",
           "withdrawn"]  # fmt: skip

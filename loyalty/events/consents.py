"""What people say about being written to, wherever they say it but in a shop's own record.

A web form, the preference centre, a one-click unsubscribe, a confirmed link, an import: each is
an event with its source and the version of the text that the person saw. Shops state consents in
their customers (`Customer.consents`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from loyalty.events.base import Frozen, Key, Text
from loyalty.events.kinds import Channel, ConsentState

Scope = Literal["marketing", "everything"]
"""What a consent is about: marketing, or the whole channel (a STOP from the handset)."""


class Consent(Frozen):
    """A person gave consent, or took it back (`consent.given`, `consent.withdrawn`).

    `is_proven` says that the address is the person's beyond doubt (they came by a link that was
    sent to it): then no double opt-in is needed.
    """

    channel: Channel
    address: Text
    member_id: str | None = Field(None, max_length=36, description="Where it is known.")
    purpose: Scope = "marketing"
    topic: str = Field("", max_length=100, description="Of the preference centre; empty for all.")
    via: Text = Field("", description="Where it was said: `web_form`, `preference_centre`.")
    text_version: str = Field("", max_length=100, description="Of the text that the person saw.")
    is_proven: bool = False


class ConsentImport(Frozen):
    """A list or another system says what a person agreed to, and since when."""

    channel: Channel
    address: Text
    state: ConsentState
    member_id: str | None = Field(None, max_length=36)
    evidence_at: AwareDatetime | None = Field(
        None, description="When the person said so; without it, a yes counts for nothing."
    )
    origin: Text = Field("", description="The list or system it comes from.")
    text_version: str = Field("", max_length=100)


class ConsentRequest(Frozen):
    """Somebody entered an address: it has to be confirmed by the link that is sent to it."""

    channel: Channel
    address: Text
    member_id: str | None = Field(None, max_length=36)
    via: Text = ""
    text_version: str = Field("", max_length=100)
    locale: str = Field("", max_length=35, description="BCP 47, for the message with the link.")
    name: Text = ""


class ConsentConfirmation(Frozen):
    """Somebody pressed the button behind the link of a request (a POST, never a GET)."""

    request_id: Key


class ReviewDecision(Frozen):
    """A person read a free-text wish to stop and decided what it meant."""

    review_id: Key
    decision: Literal["stop", "continue"]
    by: Text = ""

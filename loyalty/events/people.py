"""Customers as stores know them, and what happens to accounts."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from loyalty.events.base import Frozen, Key, Text
from loyalty.events.kinds import Channel, ConsentState

Trait = Literal["address", "payment", "device", "ip"]


class Customer(Frozen):
    """A person as a store knows them. Any of id, e-mail and phone may be missing."""

    id: Key | None = Field(None, description="The store's own id of the customer.")
    card: Key | None = Field(
        None, description="The number on the member's card: the same person in every store."
    )
    email: Text | None = None
    phone: Text | None = Field(None, description="E.164 where the store gives it so.")
    first_name: Text = ""
    last_name: Text = ""
    locale: str = Field("", max_length=35, description="BCP 47.")
    zone: str = Field("", max_length=64, description="IANA time zone of the person.")
    country: str = Field("", max_length=2, description="ISO 3166-1 alpha-2.")
    birthday: date | None = None
    created_at: AwareDatetime | None = Field(None, description="When the store first knew them.")
    tags: tuple[Text, ...] = ()
    consents: dict[Channel, ConsentState] = Field(
        default_factory=dict, description="Only what the store states explicitly."
    )
    referred_by: Key | None = Field(
        None, description="The code of the member's link by which they came."
    )
    traits: dict[Trait, Text] = Field(
        default_factory=dict, description="By what the store saw them; kept as fingerprints only."
    )

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing says who this is."""
        return not (self.id or self.card or self.email or self.phone)


def traits(*, address: str = "", ip: str = "") -> dict[Trait, str]:
    """By what a store saw somebody, of what it says; an address needs a street and a post code."""
    found: dict[Trait, str] = {}
    words = address.split()
    if len(words) > 1:
        found["address"] = " ".join(words)[:500]
    if ip.strip():
        found["ip"] = ip.strip()[:500]
    return found


class Activity(Frozen):
    """Something a member did that is no purchase: a review, a visit, a share."""

    name: Key
    ref: Key = Field(description="What makes it one: the product reviewed, the day of the visit.")
    customer: Customer | None = None


class MemberMerge(Frozen):
    """Two accounts are one person's (or, unmerged, are not): `source` goes into `target`."""

    source: Customer
    target: Customer


class MemberBlock(Frozen):
    """The team stops a member from spending, or lets them again: a doubt about the account.

    Points go on being earned, so that nothing is lost where the doubt was wrong.
    """

    customer: Customer | None = None
    reason: Text = ""
    by: Text = Field("", description="Who of the team decided it.")


class Erasure(Frozen):
    """A person asks to be forgotten (GDPR art. 17)."""

    customer: Customer

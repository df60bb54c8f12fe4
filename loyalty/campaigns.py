"""Campaigns that invite a shop's customers into the programme, and what an invitation promises.

The amount is fixed when the invitation is sent: what the campaign says later changes nothing for
whoever was promised something. An invitation is paid once, and a person is paid for joining once.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from loyalty.contacts import normal_email, normal_phone
from loyalty.events import (
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    Frozen,
    InvitationClaim,
)
from loyalty.occasions import known_zone, zone_of
from loyalty.programme import Programme

TEMPLATE = "invitation"
"""The text that a campaign sends where it names none of its own."""

TOPIC = "invitations"
"""The topic of the preference centre that invitations belong to."""

MAX_NAME = 100
"""Characters of a name that a message may say; what is longer is no name that people have."""


class CampaignState(StrEnum):
    """Where a campaign stands: a draft was never sent, an inactive one waits."""

    DRAFT = "draft"
    ACTIVE = "active"
    INACTIVE = "inactive"


class InvitationState(StrEnum):
    """What became of one customer's invitation."""

    WAITING = "waiting"
    INVITED = "invited"
    JOINED = "joined"
    OPTED_OUT = "opted_out"
    REFUSED = "refused"


ChannelChoice = Literal["email", "sms", "auto"]
"""`auto` writes an e-mail to whoever has an address, else an SMS."""

CampaignName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]


class CampaignPlan(Frozen):
    """What operations choose for a campaign.

    Attributes:
        points: In the programme's smallest unit (`Programme.unit_scale`).
        shop: Whose customers are invited, `shopify/main`; empty for every shop.
        shop_name: As the message calls the shop; empty for the programme's name.
        locale: The language of whoever has none, BCP 47; empty for the programme's own.
        valid_days: How long an invitation can be claimed after it was sent.
        join_url: The shop's sign-up page, for shops whose customers join there.
    """

    name: CampaignName
    points: int = Field(ge=0, le=1_000_000_000)
    shop: str = Field("", max_length=200, pattern=r"^([a-z0-9_]+/[^\s/]+)?$")
    template: str = Field(TEMPLATE, min_length=1, max_length=100)
    channel: ChannelChoice = "email"
    shop_name: str = Field("", max_length=100)
    locale: str = Field("", max_length=35)
    valid_days: int = Field(90, ge=1, le=3650)
    join_url: str = Field("", max_length=500, pattern=r"^(https?://[^\s]+)?$")


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it stands now."""

    id: UUID
    plan: CampaignPlan
    state: CampaignState
    created_by: str
    created_at: datetime
    activated_at: datetime | None = None

    @property
    def name(self) -> str:
        """What people call it; no two campaigns share one."""
        return self.plan.name


def values_of(
    plan: CampaignPlan, programme: Programme, *, link: str, expires_at: datetime
) -> dict[str, str | int]:
    """What the text of an invitation may speak of, as `values.…` (`loyalty.announced`)."""
    return {
        "points": plan.points,
        "shop": plan.shop_name or programme.name,
        "link": link,
        "until": expires_at.astimezone(zone_of(programme.zone, "UTC")).date().isoformat(),
    }


# --- customers as shops know them ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """A shop's customer in the hub's spelling.

    Attributes:
        problems: What the shop said of them that could not be taken over, in words for people.
    """

    store: str
    customer_id: str
    email: str | None = None
    phone: str | None = None
    first_name: str = ""
    last_name: str = ""
    locale: str = ""
    zone: str = ""
    country: str = ""
    birthday: date | None = None
    consents: dict[Channel, ConsentState] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """First and last name, as far as they are known."""
        return f"{self.first_name} {self.last_name}".strip()

    def address(self, channel: Channel) -> str | None:
        """Where a message of this channel goes; None where nowhere."""
        return self.email if channel is Channel.EMAIL else self.phone


NAMELESS = "the shop's record has no customer id"


def shop_customer(store: str, said: Customer, *, now: datetime) -> ShopCustomer:
    """What an import keeps of a customer; what cannot be used is left out and named.

    Raises:
        ValueError: The record has no id, so that it could not be told from others.
    """
    if not said.id:
        raise ValueError(NAMELESS)
    problems: list[str] = []
    email = normal_email(said.email)
    if said.email and email is None:
        problems.append("the e-mail address is none")
    phone = normal_phone(said.phone, said.country)
    if said.phone and phone is None:
        problems.append(
            "the telephone number is not valid, or has no country and the customer has none either"
        )
    birthday = said.birthday
    if birthday is not None and birthday > (now + timedelta(days=1)).date():
        birthday, problems = None, [*problems, "the birthday is in the future"]
    zone = said.zone if known_zone(said.zone) else ""
    if said.zone and not zone:
        problems.append("the time zone is not known")
    first, last = spoken_name(said.first_name), spoken_name(said.last_name)
    if (said.first_name.strip() and not first) or (said.last_name.strip() and not last):
        problems.append("the name is an address of a web page or too long, so nobody is called so")
    return ShopCustomer(
        store=store,
        customer_id=said.id,
        email=email,
        phone=phone,
        first_name=first,
        last_name=last,
        locale=said.locale,
        zone=zone,
        country=said.country,
        birthday=birthday,
        consents=dict(said.consents),
        problems=tuple(problems),
    )


# Whoever registers at a shop under a name like this wants the shop to mail their advertisement.
_ADVERTISES = re.compile(r"://|\bwww\.|\b[\w-]+\.(com|net|org|ru|info|xyz|top|shop)\b", re.I)
_DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Embeddings and overrides, which would turn the text around a name; marks such as RLM stay."""


def spoken_name(name: str) -> str:
    """A name as a message may say it: letters, emoji and marks stay; empty where it is no name.

    HTML in it stays too: it is text, and every part of a message that is HTML escapes it.
    """
    kept = "".join(
        " " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
        for one in name.translate(_DIRECTIONS)
    )
    kept = " ".join(kept.split())
    return "" if len(kept) > MAX_NAME or _ADVERTISES.search(kept) else kept


# --- claiming ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Invitation:
    """One customer's invitation, worked on in memory under a lock and written back.

    Attributes:
        amount: Promised when it was sent; None before.
        address: Where it went; empty once the person asked to be forgotten.
    """

    id: UUID
    campaign_id: UUID
    customer_id: UUID
    channel: Channel
    address: str
    state: InvitationState
    amount: int | None = None
    invited_at: datetime | None = None
    expires_at: datetime | None = None
    campaign: str = ""
    store: str = ""
    shop_id: str = ""
    joined_at: datetime | None = None
    reason: str = ""
    is_changed: bool = False

    def close(self, state: InvitationState, *, at: datetime, reason: str = "") -> None:
        """Ends it."""
        self.state, self.reason, self.is_changed = state, reason, True
        if state is InvitationState.JOINED:
            self.joined_at = at


@dataclass(frozen=True, slots=True)
class Claimant:
    """Whoever wants what an invitation promised.

    Attributes:
        since: When the hub first knew them as a member.
        addresses: E-mail and telephone, as their account has them.
        has_claimed: Whether they were paid for joining before.
    """

    since: datetime
    addresses: frozenset[str]
    has_claimed: bool


@dataclass(frozen=True, slots=True)
class ClaimRefusal:
    """Why an invitation is not paid: a code for machines, a sentence for people."""

    code: str
    reason: str


USED = ClaimRefusal("already_claimed", "this invitation was used before")


def judge_claim(invitation: Invitation, who: Claimant, *, at: datetime) -> ClaimRefusal | None:
    """Why this person does not get what the invitation promised; None where they do.

    It is for whoever signs up through it. Whoever was a member before is paid only at the
    address that was invited, so that a forwarded link is worth nothing to members.

    Args:
        at: When they claimed it.
    """
    if invitation.state is InvitationState.JOINED:
        return USED
    if invitation.invited_at is None or invitation.amount is None:
        return ClaimRefusal("not_invited", "this invitation was never sent")
    if invitation.expires_at is not None and at >= invitation.expires_at:
        day = invitation.expires_at.date().isoformat()
        return ClaimRefusal("expired", f"this invitation could be used until {day}")
    if who.has_claimed:
        return ClaimRefusal(
            "already_joined", "joining is rewarded once, and this member was rewarded before"
        )
    is_theirs = bool(invitation.address) and invitation.address in who.addresses
    if who.since < invitation.invited_at and not is_theirs:
        return ClaimRefusal(
            "member_before", "it is for new members, and this member joined before it was sent"
        )
    return None


def claim_event(
    invitation_id: UUID,
    *,
    at: datetime,
    via: Literal["link", "address"] = "link",
    member_id: UUID | None = None,
    customer: Customer | None = None,
    store: str = "hub",
) -> Event:
    """The event by which a person claims an invitation: the same person's claim counts once.

    Somebody else's claim of the same invitation is an event of its own, so that one who may not
    have it does not stand in the way of one who may; the invitation is paid once all the same.

    Args:
        member_id: Whoever is signed in.
        customer: Whoever signs up with this; one of the two is given.
        store: Whose customer id `customer.id` is.
    """
    if member_id is not None:
        who = f"member:{member_id}"
    elif customer is not None and not customer.is_anonymous:
        who = next(
            f"{kind}:{value.strip().lower()}"
            for kind in ("card", "email", "phone", "id")
            if (value := getattr(customer, kind))
        )
    else:
        raise ValueError("an invitation is claimed by a member or by a customer who signs up")
    return Event(
        type=EventType.INVITATION_CLAIMED,
        store=store,
        key=f"{invitation_id}:{hashlib.sha256(who.encode()).hexdigest()[:32]}",
        time=at,
        subject=who if member_id is not None else f"invitation:{invitation_id}",
        data=InvitationClaim(
            invitation_id=str(invitation_id),
            via=via,
            member_id=None if member_id is None else str(member_id),
            customer=customer,
        ),
    )

"""Recommendations: whether a friend is new, is somebody else, and has done what counts.

Pure. Two spellings of one mailbox are one: Gmail ignores dots and takes `googlemail.com` for
itself, and most providers ignore what follows a plus
(https://support.google.com/mail/answer/7436150, RFC 5233).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from loyalty.contacts import normal_email
from loyalty.referral_policy import ReferralPolicy, Trait

KNOWN_BEFORE = timedelta(days=1)
"""A customer whom a shop has known for longer than this is no newcomer."""

_STRONG: tuple[Trait, ...] = ("email", "phone")
_WEAK: tuple[Trait, ...] = ("address", "payment", "device", "ip")


class ReferralState(StrEnum):
    """How far a recommendation is."""

    ATTACHED = "attached"
    HELD = "held"
    EARNED = "earned"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    LAPSED = "lapsed"
    BLOCKED_SELF = "blocked_self"
    ALREADY_MEMBER = "already_member"


@dataclass(slots=True)
class Referral:
    """One friend's recommendation: there is one for a person, for ever.

    Attributes:
        reasons: Why it was held or blocked, as words of `ReferralPolicy.identity` and others.
        sale: The order that made it count (`store:order id`); empty while there is none.
        counted_at: When that was: the return window begins then.
        terms: The programme's terms of then; what was promised stays, whatever changes later.
    """

    friend_id: UUID
    referrer_id: UUID
    code: str
    state: ReferralState
    joined_at: datetime
    reasons: tuple[str, ...] = ()
    sale: str = ""
    counted_at: datetime | None = None
    decided_by: str = ""
    terms: ReferralPolicy | None = None
    is_changed: bool = True

    def count(self, terms: ReferralPolicy, *, at: datetime, sale: str = "") -> None:
        """Notes what makes it count, and under which terms."""
        self.sale, self.counted_at, self.terms, self.is_changed = sale, at, terms, True

    def become(self, state: ReferralState) -> None:
        """Moves on to another state."""
        self.state, self.is_changed = state, True


@dataclass(frozen=True, slots=True)
class Bought:
    """An order of a friend's; `spend` is what of it counts for points."""

    key: str
    spend: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """What tells a person from another.

    Attributes:
        traits: Fingerprints of address, payment, device and network, `(trait, value)`.
    """

    id: UUID
    email: str | None = None
    phone: str | None = None
    traits: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many others came the same way: friends of this network in a day, of the referrer in
    30 days."""

    of_network: int = 0
    of_referrer: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What becomes of a new recommendation, and why."""

    state: ReferralState
    reasons: tuple[str, ...] = field(default=())


def find(
    friend: Person, referrer: Person, policy: ReferralPolicy, *, crowd: Crowd, is_known: bool
) -> Finding:
    """Whether a recommendation stands, is held for a look, or does not count.

    Args:
        crowd: Without this friend.
        is_known: Whether the friend was a member or a customer before.
    """
    if friend.id == referrer.id:
        return Finding(ReferralState.BLOCKED_SELF, ("same account",))
    same = [one for one in _STRONG if one in policy.identity and _is_same(one, friend, referrer)]
    if same:
        return Finding(ReferralState.BLOCKED_SELF, tuple(f"same {one}" for one in same))
    if is_known:
        return Finding(ReferralState.ALREADY_MEMBER, ("known before",))
    shared = {trait for trait, _ in friend.traits & referrer.traits}
    doubts = [f"same {one}" for one in _WEAK if one in policy.identity and one in shared]
    if "ip" in policy.identity and crowd.of_network >= policy.per_network:
        doubts.append("many from one network")
    if policy.per_referrer is not None and crowd.of_referrer >= policy.per_referrer:
        doubts.append("many friends in 30 days")
    state = ReferralState.HELD if doubts else ReferralState.ATTACHED
    return Finding(state, tuple(doubts))


def counts(
    referral: Referral, policy: ReferralPolicy, *, spend: Decimal, at: datetime
) -> ReferralState | None:
    """What an order makes of a recommendation that none has counted for yet; None: nothing.

    Args:
        spend: What of the order counts for points, in the programme's currency.
    """
    if referral.sale or referral.state not in (ReferralState.ATTACHED, ReferralState.HELD):
        return None
    days = policy.window_days
    if days is not None and at > referral.joined_at + timedelta(days=days):
        return ReferralState.LAPSED
    if spend < policy.min_order or at < referral.joined_at - KNOWN_BEFORE:
        return None
    is_held = referral.state is ReferralState.HELD
    return ReferralState.HELD if is_held else ReferralState.EARNED


def available_at(referral: Referral, policy: ReferralPolicy) -> datetime:
    """From when on the reward can be spent: the end of the return window."""
    assert referral.counted_at is not None
    return referral.counted_at + timedelta(days=policy.hold_days)


def mailbox(email: str | None) -> str | None:
    """The mailbox behind an address, however it is spelt; None where it is no address."""
    normal = normal_email(email)
    if normal is None:
        return None
    name, _, domain = normal.rpartition("@")
    name = name.partition("+")[0] or name
    if domain in ("gmail.com", "googlemail.com"):
        return f"{name.replace('.', '') or name}@gmail.com"
    return f"{name}@{domain}"


def _is_same(trait: str, one: Person, other: Person) -> bool:
    if trait == "email":
        found = mailbox(one.email)
        return found is not None and found == mailbox(other.email)
    return one.phone is not None and one.phone == other.phone

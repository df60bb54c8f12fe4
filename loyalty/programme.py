"""The programme: the settings that operations choose, in one document."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator

from loyalty.chat_policy import ChatPolicy
from loyalty.eligibility import EligibilityPolicy
from loyalty.events import EventType, Frozen
from loyalty.gift_codes_policy import GiftCodePolicy
from loyalty.letterhead import Letterhead
from loyalty.lifecycle_policy import (
    DigestPolicy,
    FallbackPolicy,
    ReminderPolicy,
    TrackingPolicy,
    WalletPolicy,
)
from loyalty.locales import DEFAULT_LOCALE, is_known
from loyalty.messaging_policy import MessagingPolicy
from loyalty.money import Amount
from loyalty.occasions import known_zone
from loyalty.policies import (
    AdjustPolicy,
    BirthdayPolicy,
    Cap,
    ExpiryPolicy,
    MilestonePlan,
    OccasionPolicy,
    OfflinePolicy,
    RefundPolicy,
    ReportPolicy,
    RewardPolicy,
    Rounding,
    TierPlan,
)
from loyalty.referral_policy import ReferralPolicy
from loyalty.sites import Site, one_of_each
from loyalty.topics_policy import Topics


class Programme(Frozen):
    """Everything the books and the planner need to know of the programme.

    `routes` says which connections serve a capability (`sms: [twilio/main]`), first choice
    first. A capability without a route is not an error: its deliveries wait for one.
    """

    name: str = "Loyalty"
    zone: str = Field("UTC", description="IANA zone of the programme's calendar.")
    currency: str = "EUR"
    unit_scale: int = Field(
        0, ge=0, le=6, description="Decimals of a point: with 2, books count hundredths of it."
    )
    enrols: Literal["everyone", "on_request"] = Field(
        "everyone", description="Whether a customer becomes a member by buying or signing up."
    )
    retro_days: int | None = Field(
        None, ge=0, description="How old a guest's orders may be to count from sign-up on."
    )
    eligible: EligibilityPolicy = EligibilityPolicy()
    rounding: Rounding = "floor"
    rounding_scope: Literal["order", "line"] = "order"
    multipliers: Literal["product", "additive", "max", "best_single_rule"] = "product"
    pending_days: int = Field(
        0, ge=0, le=3650, description="Points of an order can be spent so many days (24 h) later."
    )
    expiry: ExpiryPolicy = ExpiryPolicy()
    consume: Literal["soonest_expiry", "fifo"] = "soonest_expiry"
    refund: RefundPolicy = RefundPolicy()
    rewards: RewardPolicy = RewardPolicy()
    tiers: TierPlan | None = None
    milestones: tuple[MilestonePlan, ...] = ()
    caps: tuple[Cap, ...] = ()
    adjust: AdjustPolicy = AdjustPolicy()
    offline: OfflinePolicy = OfflinePolicy()
    anniversary: OccasionPolicy = OccasionPolicy()
    birthday: BirthdayPolicy = BirthdayPolicy()
    fx: dict[str, dict[date, Amount]] = Field(
        default_factory=dict,
        description="What one unit of a currency was worth in the programme's, by local day.",
    )
    fx_rounding: Rounding = "half_even"
    referral: ReferralPolicy | None = None
    chat: ChatPolicy = ChatPolicy()
    report: ReportPolicy = ReportPolicy()
    gift_codes: GiftCodePolicy = GiftCodePolicy()
    messaging: MessagingPolicy = MessagingPolicy()
    max_lateness_hours: int | None = Field(
        None, ge=0, description="A message about something older than this is not sent."
    )
    digests: dict[str, DigestPolicy] = Field(
        default_factory=dict, description="Messages that are collected, by the name of their text."
    )
    fallback: FallbackPolicy = FallbackPolicy()
    reminders: ReminderPolicy = ReminderPolicy()
    tracking: TrackingPolicy = TrackingPolicy()
    wallet: WalletPolicy = WalletPolicy()
    default_locale: str = Field(
        DEFAULT_LOCALE,
        description="The language (BCP 47) for people whose own is not known or has no text.",
    )
    letterhead: Letterhead = Letterhead()
    topics: Topics = Field(
        (), description="What people can choose to hear about in the preference centre."
    )
    approvals: bool = Field(
        False, description="Whether a second person has to agree to every change of the rules."
    )
    routes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    sites: tuple[Site, ...] = Field(
        (), max_length=100, description="Where members see the programme: widgets and portals."
    )

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        if known_zone(value) is None:
            raise ValueError(f"{value!r} is no IANA time zone; one is `Europe/Berlin`")
        return value

    @field_validator("default_locale")
    @classmethod
    def _language_is_known(cls, value: str) -> str:
        if not is_known(value):
            raise ValueError(f"{value!r} is no language tag; one is `pt-BR`")
        return value

    @field_validator("sites")
    @classmethod
    def _sites_have_names_of_their_own(cls, value: tuple[Site, ...]) -> tuple[Site, ...]:
        return one_of_each(value)

    @property
    def version(self) -> str:
        """Twelve hex digits of the SHA-256 of what an award depends on; each award keeps it."""
        kept = self.model_dump(mode="json", include=set(_AWARDS_DEPEND_ON))
        text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def factor_of(self, tier: str) -> Decimal:
        """What the tier multiplies earnings by; 1 where there is no such tier."""
        levels = self.tiers.levels if self.tiers else ()
        return next((level.factor for level in levels if level.name == tier), Decimal(1))


def policy_of(programme: Programme, event_type: EventType) -> OccasionPolicy | None:
    """What holds for yearly days of this type; None for other events."""
    return {
        EventType.ANNIVERSARY_DUE: programme.anniversary,
        EventType.BIRTHDAY_DUE: programme.birthday,
    }.get(event_type)


_AWARDS_DEPEND_ON = (
    "zone", "currency", "unit_scale", "eligible", "rounding", "rounding_scope", "multipliers",
    "pending_days", "expiry", "fx_rounding",
)  # fmt: skip

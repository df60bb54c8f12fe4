"""The settings of a scenario: the programme in the words that operations use.

The defaults are those of a plain programme: one point for each unit of money, in UTC and US
dollars, spendable at once, for ever.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from deployments.scenario.parts import Count, Moment, Name, Part, Points, Target
from loyalty.eligibility import EligibilityPolicy
from loyalty.events import Channel
from loyalty.events.chats import ChatChannel
from loyalty.gift_codes_policy import GiftCodePolicy
from loyalty.lifecycle_policy import FallbackPolicy, WalletPolicy
from loyalty.messaging_policy import DoubleOptIn, FrequencyCap, QuietHours, SmsPolicy
from loyalty.money import Amount
from loyalty.policies import (
    AdjustPolicy,
    BirthdayPolicy,
    Cap,
    ExpiryPolicy,
    MilestonePlan,
    OccasionPolicy,
    OfflinePolicy,
    Period,
    RefundPolicy,
    ReportPolicy,
    RewardPolicy,
    Rounding,
    TierPlan,
    Whose,
)
from loyalty.referral_policy import ReferralPolicy
from rules.document import RuleDocument

Weekday = Annotated[int, Field(ge=1, le=7, description="1 is Monday, 7 is Sunday.")]
OnShort = Literal["partial", "skip"]
Notice = Literal["points_earned", "tier_up", "anniversary", "expiry_reminder"]


class Earn(Part):
    """So many points for so much eligible money; `whole` counts only full multiples of `per`."""

    points: Points = Field(Decimal(1), ge=0)
    per: Amount = Field(Decimal("1.00"), gt=0)
    steps: Literal["proportional", "whole"] = "proportional"


class Condition(Part):
    """When a rule counts: on these weekdays, from so much eligible money on, in this time."""

    id: Name
    weekdays: tuple[Weekday, ...] = ()
    min_amount: Amount | None = None
    starts: Moment | None = Field(None, alias="from")
    ends: Moment | None = Field(None, alias="to", description="The first instant after it.")


class EarnFilter(Condition):
    """Lines that earn nothing: with this tag, or all without that one."""

    kind: Literal["earn_filter"]
    exclude_tag: Name | None = None
    include_tag: Name | None = None

    @model_validator(mode="after")
    def _names_a_tag(self) -> EarnFilter:
        if (self.exclude_tag is None) == (self.include_tag is None):
            raise ValueError("an earn_filter has either `exclude_tag` or `include_tag`")
        return self


class Multiplier(Condition):
    """Multiplies what is earned, of all lines or of those with a tag."""

    kind: Literal["multiplier"]
    factor: Amount = Field(gt=0)
    tag: Name | None = None


class Flat(Condition):
    """So many points for an order, within a budget for everybody together."""

    kind: Literal["flat"]
    points: Points = Field(gt=0)
    tag: Name | None = Field(None, description="Only where a line of the order has it.")
    budget_points: Points | None = Field(None, ge=0)
    budget_on_short: OnShort = "partial"


class Written(Part):
    """A rule document as in `rules/*.yaml` (rules/language.md): for tests of your own rules."""

    kind: Literal["document"]
    rule: RuleDocument


Rule = Annotated[EarnFilter | Multiplier | Flat | Written, Field(discriminator="kind")]


class ActionLimit(Part):
    """So often per member and period."""

    count: int = Field(ge=1)
    period: Period
    zone: Whose = "program"


class ActionPlan(Part):
    """What something is worth that a member does and that is no purchase."""

    points: Points = Field(gt=0)
    limit: ActionLimit | None = None


class SignUp(Part):
    """What signing up is worth."""

    points: Points = Field(gt=0)


class Anniversary(OccasionPolicy):
    """The yearly day of joining, and its points."""

    points: Points = Field(gt=0)


class Birthday(BirthdayPolicy):
    """The birthday, its points, and the guards against birthdays that move."""

    points: Points = Field(gt=0)


class Window(Part):
    """How long notices are collected, from the first of them on."""

    minutes: int = Field(gt=0)


class Messaging(Part):
    """Which messages the programme sends by itself, when they may go, and what becomes of them."""

    notify: tuple[Notice, ...] = ()
    max_lateness_hours: Count | None = None
    quiet_hours: dict[Channel, QuietHours] = Field(default_factory=dict)
    unknown_zone: Literal["suppress", "program"] = "suppress"
    sms: SmsPolicy = SmsPolicy()
    double_opt_in: DoubleOptIn = DoubleOptIn()
    frequency_caps: tuple[FrequencyCap, ...] = ()
    digest: dict[Name, Window] = Field(
        default_factory=dict, description="Notices that are collected, and for how long."
    )
    window_hours: dict[str, int] = Field(default_factory=dict)
    invite_link_minutes: int = Field(60, ge=1)
    invite_channels: tuple[ChatChannel, ...] = ("messenger", "line")
    click_implies_open: bool = True
    scanner_seconds: int = Field(10, ge=0, le=3600)
    fallback: FallbackPolicy = FallbackPolicy()
    expiry_reminder_days: tuple[int, ...] = (7, 1)
    default_locale: str = Field("en", description="For people whose language has no text.")
    templates: dict[Name, tuple[str, ...]] = Field(
        default_factory=dict, description="Texts of the case and the languages each is in."
    )


class Settings(Part):
    """A whole programme. What a case does not say is as in the file's `defaults`."""

    timezone: str = Field("UTC", description="IANA zone of the programme.")
    currency: str = Field("USD", description="ISO 4217.")
    unit_scale: int = Field(0, ge=0, le=6, description="Decimals of a point.")
    earn: Earn = Earn()
    rounding: Rounding = "floor"
    rounding_scope: Literal["order", "line"] = "order"
    eligible: EligibilityPolicy = EligibilityPolicy()
    pending_days: int = Field(0, ge=0, le=3650)
    expiry: ExpiryPolicy = ExpiryPolicy()
    consume: Literal["soonest_expiry", "fifo"] = "soonest_expiry"
    refund: RefundPolicy = RefundPolicy()
    rewards: RewardPolicy = RewardPolicy()
    multipliers: Literal["product", "additive", "max", "best_single_rule"] = "product"
    rules: tuple[Rule, ...] = ()
    tiers: TierPlan | None = None
    milestones: tuple[MilestonePlan, ...] = ()
    caps: tuple[Cap, ...] = ()
    adjust: AdjustPolicy = AdjustPolicy()
    offline: OfflinePolicy = OfflinePolicy()
    actions: dict[Name, ActionPlan] = Field(default_factory=dict)
    signup: SignUp | None = None
    anniversary: Anniversary | None = None
    birthday: Birthday | None = None
    retro_days: int | None = Field(None, ge=0)
    fx: dict[str, dict[date, Amount]] = Field(default_factory=dict)
    fx_rounding: Rounding = "half_even"
    report: ReportPolicy = ReportPolicy()
    messaging: Messaging = Messaging()
    gift_codes: GiftCodePolicy = GiftCodePolicy()
    referral: ReferralPolicy | None = None
    fanout: dict[Literal["order.paid"], tuple[Target, ...]] = Field(
        default_factory=dict, description="Where every such event is told besides."
    )
    wallet: WalletPolicy = WalletPolicy()


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The settings with others laid over them: mappings are merged, all else replaces."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        is_deep = isinstance(known, dict) and isinstance(value, dict)
        result[key] = merged(known, value) if is_deep else value  # type: ignore[arg-type]
    return result

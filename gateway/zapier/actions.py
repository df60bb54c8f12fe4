"""What a Zap can do at the hub: each becomes a canonical event, once under the caller's key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from loyalty.events import (
    Activity,
    Adjustment,
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    Frozen,
    Key,
    Redemption,
    Text,
    subject_of,
)
from loyalty.events.rewards import Points


def _blank_is_none(value: Any) -> Any:
    """Zapier sends fields that nobody filled in as empty text."""
    return None if isinstance(value, str) and not value.strip() else value


Maybe = BeforeValidator(_blank_is_none)


class _Report(Frozen):
    """Whom it is about, in flat fields as Zapier's forms have them."""

    id: Annotated[Key | None, Maybe] = Field(
        None,
        description="What makes it one: the same id counts once, however often it comes. The "
        "header Idempotency-Key may stand in its place.",
    )
    time: Annotated[AwareDatetime | None, Maybe] = Field(
        None, description="When it happened (ISO 8601 with zone); now where it is left out."
    )
    email: Annotated[Text | None, Maybe] = Field(None, description="The customer's e-mail.")
    phone: Annotated[Text | None, Maybe] = Field(None, description="E.164, such as +4915550100200.")
    card: Annotated[Key | None, Maybe] = Field(None, description="The member's card number.")
    customer_id: Annotated[Key | None, Maybe] = Field(
        None, description="The id that Zaps of this connection know the customer by."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.email or self.phone or self.card or self.customer_id):
            raise ValueError("name the customer by email, phone, card or customer_id")
        return self

    def customer(self) -> Customer:
        """Whom it is about."""
        return Customer(id=self.customer_id, card=self.card, email=self.email, phone=self.phone)


class GivePoints(_Report):
    """Points given, or taken where the number is negative."""

    points: int = Field(ge=-1_000_000_000, le=1_000_000_000, description="Negative takes points.")
    reason: Text = Field("", description="Shown to the member and to the team.")
    expires_days: Annotated[int | None, Maybe] = Field(None, ge=0, le=36_500)
    is_qualifying: bool = Field(False, description="Whether it counts towards tiers.")

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if self.points == 0:
            raise ValueError("points must not be 0")
        return self


class ReportActivity(_Report):
    """Something the customer did that is no purchase."""

    name: Key = Field(description="Such as review or visit; what rules ask for.")
    ref: Annotated[Key | None, Maybe] = Field(
        None, description="What it was about: the product, the day; the id where left out."
    )


class EnrolCustomer(_Report):
    """Somebody who becomes a customer, or whose data changed."""

    first_name: Text = ""
    last_name: Text = ""
    locale: str = Field("", max_length=35, description="BCP 47.")
    zone: str = Field("", max_length=64, description="IANA time zone.")
    country: str = Field("", max_length=2, description="ISO 3166-1 alpha-2.")
    birthday: Annotated[str | None, Maybe] = Field(None, description="YYYY-MM-DD.")
    email_consent: Annotated[ConsentState | None, Maybe] = Field(
        None, description="Only where the person said so: granted or withdrawn."
    )
    sms_consent: Annotated[ConsentState | None, Maybe] = Field(
        None, description="Only where the person said so: granted or withdrawn."
    )

    def customer(self) -> Customer:
        """The customer with everything that was said."""
        said = {Channel.EMAIL: self.email_consent, Channel.SMS: self.sms_consent}
        return Customer.model_validate(
            {
                **super().customer().model_dump(exclude_none=True),
                "first_name": self.first_name,
                "last_name": self.last_name,
                "locale": self.locale,
                "zone": self.zone,
                "country": self.country,
                "birthday": self.birthday,
                "consents": {channel: state for channel, state in said.items() if state},
            }
        )


class RedeemPoints(_Report):
    """Points spent on a reward."""

    points: Points
    reward: Text = Field("", description="What they are spent on.")
    used_on: Annotated[Key | None, Maybe] = Field(
        None, description="The order that the reward was used on."
    )


def _give(said: GivePoints, slug: str, key: str) -> Adjustment:
    return Adjustment(
        id=key,
        points=said.points,
        reason=said.reason,
        by=slug,
        expires_days=said.expires_days,
        is_qualifying=said.is_qualifying,
        customer=said.customer(),
    )


def _report(said: ReportActivity, slug: str, key: str) -> Activity:
    return Activity(name=said.name, ref=said.ref or key, customer=said.customer())


def _enrol(said: EnrolCustomer, slug: str, key: str) -> Customer:
    return said.customer()


def _redeem(said: RedeemPoints, slug: str, key: str) -> Redemption:
    return Redemption(
        id=key,
        points=said.points,
        reward=said.reward,
        used_on=said.used_on,
        customer=said.customer(),
    )


class Doing(Frozen):
    """One action: what it takes, and the event it becomes."""

    title: str
    model: type[_Report]
    event: EventType
    data: Any


DOINGS: Mapping[str, Doing] = {
    "give_points": Doing(
        title="Give or take points.",
        model=GivePoints,
        event=EventType.POINTS_ADJUSTED,
        data=_give,
    ),
    "report_activity": Doing(
        title="Report that a customer did something.",
        model=ReportActivity,
        event=EventType.ACTIVITY_REPORTED,
        data=_report,
    ),
    "enrol_customer": Doing(
        title="Enrol a customer.",
        model=EnrolCustomer,
        event=EventType.CUSTOMER_CREATED,
        data=_enrol,
    ),
    "update_customer": Doing(
        title="Change a customer's data.",
        model=EnrolCustomer,
        event=EventType.CUSTOMER_UPDATED,
        data=_enrol,
    ),
    "redeem_points": Doing(
        title="Spend a customer's points.",
        model=RedeemPoints,
        event=EventType.REWARD_REDEEMED,
        data=_redeem,
    ),
}


def event_of(doing: Doing, said: _Report, *, slug: str, key: str, now: datetime) -> Event:
    """The event that an action comes to; ValidationError where a text does not fit."""
    data = doing.data(said, slug, key)
    whom = data if isinstance(data, Customer) else data.customer
    return Event(
        type=doing.event,
        store=slug,
        key=key,
        time=said.time or now,
        subject=subject_of(slug, whom, key),
        data=data,
    )

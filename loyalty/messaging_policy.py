"""What operations choose about messages: when, how often, and with whose consent.

The words are those of the acceptance scenarios' `messaging`. The defaults change nothing.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from loyalty.events import Channel, Frozen
from loyalty.policies import Whose

Weekday = Annotated[int, Field(ge=1, le=7, description="1 is Monday, 7 is Sunday.")]


class QuietHours(Frozen):
    """When a channel is silent, on the clock of the person's wall.

    `from` is the first quiet minute, `to` the first that is not; it may lie on the next day. On
    `no_weekdays` and `holidays` nothing goes all day. This holds for marketing; what a person
    waits for (a receipt, a confirmation) goes at any time, unless `transactional` says `hours`:
    then it keeps to the hours, and never to the days.
    """

    model_config = ConfigDict(populate_by_name=True)

    begins: time | None = Field(None, alias="from")
    ends: time | None = Field(None, alias="to")
    no_weekdays: Annotated[tuple[Weekday, ...], Field(max_length=6)] = ()
    holidays: Annotated[tuple[date, ...], Field(max_length=1000)] = ()
    transactional: Literal["exempt", "hours"] = "exempt"

    @model_validator(mode="after")
    def _leaves_time(self) -> QuietHours:
        if (self.begins is None) != (self.ends is None):
            raise ValueError("quiet hours have both `from` and `to`, or neither")
        if self.begins is not None and self.begins == self.ends:
            raise ValueError("quiet hours from and to the same minute would be always or never")
        if any(one is not None and one.tzinfo is not None for one in (self.begins, self.ends)):
            raise ValueError("quiet hours are on the person's clock: give them without an offset")
        return self


class FrequencyCap(Frozen):
    """At most so many marketing messages to one address of a channel.

    `hours` counts a rolling window: a message leaves it exactly so many hours after it went.
    `per` counts calendar days, ISO weeks or months, in the person's zone or the programme's.
    """

    model_config = ConfigDict(populate_by_name=True)

    channel: Channel
    purpose: Literal["marketing"] = Field("marketing", alias="class")
    count: int = Field(ge=0, le=10_000)
    hours: int | None = Field(None, ge=1, le=24 * 366)
    per: Literal["day", "iso_week", "month"] | None = None
    zone: Whose = "program"

    @model_validator(mode="after")
    def _has_a_period(self) -> FrequencyCap:
        if (self.hours is None) == (self.per is None):
            raise ValueError("a frequency cap has either `hours` or `per`")
        return self


class SmsPolicy(Frozen):
    """What lifts a STOP from the handset: any later consent, or only START from the handset.

    Carriers that filter by themselves (Twilio's error 21610) go on refusing until the person
    texts START: there `needs_keyword` is the truth.
    """

    handset_optout: Literal["any_word", "needs_keyword"] = "any_word"


Connection = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9_]+/\S+$")]


class DoubleOptIn(Frozen):
    """Where a consent has to be confirmed by a link, and how long that link is good."""

    email: bool = False
    sms: bool = False
    token_hours: int = Field(72, ge=1, le=24 * 90)
    resend_minutes: int = Field(10, ge=0, le=24 * 60)
    shops: tuple[Connection, ...] = Field(
        (),
        max_length=50,
        description="Connections (`shopify/main`) whose yes leads to the link, too; that of the "
        "others counts as it is.",
    )

    def needed_of(self, shop: str, channel: Channel) -> bool:
        """Whether a yes that a connection reports has to be confirmed."""
        return shop in self.shops and self.needed(channel)

    def needed(self, channel: Channel) -> bool:
        """Whether a consent on the channel has to be confirmed."""
        return self.email if channel is Channel.EMAIL else self.sms


class MessagingPolicy(Frozen):
    """Everything the gate has to know of the programme."""

    quiet_hours: dict[Channel, QuietHours] = Field(default_factory=dict)
    unknown_zone: Literal["suppress", "program"] = Field(
        "suppress",
        description="What holds where nobody knows the person's time zone and there are quiet "
        "hours: the message does not go, or the programme's zone counts.",
    )
    sms: SmsPolicy = SmsPolicy()
    double_opt_in: DoubleOptIn = DoubleOptIn()
    frequency_caps: Annotated[tuple[FrequencyCap, ...], Field(max_length=20)] = ()
    window_hours: dict[str, Annotated[int, Field(ge=1, le=24 * 30)]] = Field(
        default_factory=dict,
        description="Chat channels: so long after the person's last message they may be answered.",
    )

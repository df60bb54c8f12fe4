"""What operations choose about a message's life: collecting, falling back, reminding, tracking."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from loyalty.events import Channel, Frozen

Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 7)]


class DigestPolicy(Frozen):
    """One message for everything that comes within so many minutes of the first of it."""

    minutes: Minutes = Field(description="How long the window is open, from its first event on.")
    template: str = Field(
        "points_digest",
        description="The text that says it all, with `values.points`, `count` and `balance`; "
        "empty for the text that is collected.",
    )


class FallbackPolicy(Frozen):
    """Which channels a message with `channel: auto` tries, one after the other.

    The next one is tried at once where a channel fails, and after `wait_minutes` in which nobody
    said that the message arrived; without them only a failure leads on.
    """

    chain: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=5)] = (
        Channel.SMS,
        Channel.EMAIL,
    )
    wait_minutes: Minutes | None = None

    @field_validator("chain")
    @classmethod
    def _names_each_once(cls, value: tuple[Channel, ...]) -> tuple[Channel, ...]:
        if len(set(value)) != len(value):
            raise ValueError("the chain names a channel twice")
        return value


class ReminderPolicy(Frozen):
    """How many days before the last usable day people hear that points expire; never if empty."""

    days: Annotated[tuple[Annotated[int, Field(ge=0, le=365)], ...], Field(max_length=10)] = ()
    template: str = "expiry_reminder"

    @field_validator("days")
    @classmethod
    def _falls(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value), reverse=True))


class TrackingPolicy(Frozen):
    """Whether e-mails tell of their opens and clicks, and what counts as a machine.

    Attributes:
        scanner_seconds: Whatever opens a mail or a link so soon after delivery is a machine.
        click_implies_open: Whoever clicked has read, also where pictures are not shown.
    """

    marketing: bool = Field(True, description="In e-mails that advertise.")
    transactional: bool = Field(False, description="In e-mails about a purchase or an account.")
    scanner_seconds: int = Field(10, ge=0, le=3600)
    click_implies_open: bool = True

    def covers(self, purpose: str) -> bool:
        """Whether mails of this purpose are tracked."""
        return self.transactional if purpose == "transactional" else self.marketing


class WalletQuota(Frozen):
    """So many notifications of a pass within so many hours; the pass itself may always change."""

    max_notifications: int = Field(3, ge=0, le=100)
    hours: int = Field(24, ge=1, le=24 * 31)


class WalletPolicy(Frozen):
    """What the makers of wallets allow; Google: 3 notifications per pass in 24 hours
    (https://developers.google.com/wallet/generic/use-cases/trigger-push-notifications)."""

    google: WalletQuota = WalletQuota()

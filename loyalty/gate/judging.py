"""The verdict on one message: it goes now, waits until an instant, or does not go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from loyalty.events import Channel, ConsentState, Purpose
from loyalty.gate.caps import Use, cap_reached
from loyalty.gate.quiet import awake_at
from loyalty.gate.reasons import Reason, told
from loyalty.gate.words import Words
from loyalty.messaging_policy import QuietHours
from loyalty.occasions import known_zone
from loyalty.programme import Programme

Address = tuple[str, str]
"""(channel, address)"""


@dataclass(frozen=True, slots=True)
class Message:
    """What the gate is asked about: a message to one address, its text aside.

    Attributes:
        zone: The person's IANA time zone; empty or unknown where nobody knows it.
        not_before: The message is meant for this instant or later.
        valid_until: From this instant on it is of no use.
        about_at: When what it speaks of happened; None where that makes no difference.
        priority: Who wins where a frequency cap leaves fewer places than there are messages.
        answers_help: The person texted HELP: that is answered also after STOP.
    """

    id: UUID
    channel: Channel
    address: str
    purpose: Purpose = Purpose.MARKETING
    topic: str = ""
    zone: str = ""
    priority: int = 0
    not_before: datetime | None = None
    valid_until: datetime | None = None
    about_at: datetime | None = None
    is_erased: bool = False
    answers_help: bool = False

    @property
    def is_marketing(self) -> bool:
        """Whether it needs consent, keeps days off, and counts to the caps."""
        return self.purpose is Purpose.MARKETING


@dataclass(slots=True)
class Knowledge:
    """What is known of the addresses of one transaction.

    Attributes:
        stopped: Addresses that nothing is sent to, and why: a bounce, a complaint, a review.
        uses: Messages that take a place under the caps, by address.
    """

    words: Words = field(default_factory=Words)
    stopped: dict[Address, Reason] = field(default_factory=dict)
    uses: dict[Address, list[Use]] = field(default_factory=lambda: defaultdict(list))

    def line_up(self, messages: Iterable[Message], *, now: datetime) -> None:
        """Says that these stand side by side to go now, and that none of them has gone."""
        for message in messages:
            self._place(message, Use(message.id, now, message.priority, is_waiting=True))

    def count(self, message: Message, verdict: Verdict, *, now: datetime) -> None:
        """Gives a message its place, or takes it away, for those that are judged after it."""
        waits = verdict.outcome == "defer"
        use = Use(message.id, verdict.send_at or now, message.priority, waits)
        self._place(message, use if verdict.may_go else None)

    def _place(self, message: Message, use: Use | None) -> None:
        if not message.is_marketing:
            return
        uses = self.uses.setdefault((message.channel.value, message.address), [])
        uses[:] = [one for one in uses if one.id != message.id]
        if use is not None:
            uses.append(use)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message, and why where it does not simply go.

    Attributes:
        told: The reason's code and a sentence for people.
        send_at: When a deferred message goes.
        known: What the verdict rests on, in plain words; nobody's name or address.
    """

    outcome: Literal["send", "defer", "suppress"]
    reason: Reason | None = None
    told: str = ""
    send_at: datetime | None = None
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def may_go(self) -> bool:
        """Whether it goes, now or later."""
        return self.outcome != "suppress"


def judge(message: Message, known: Knowledge, programme: Programme, *, now: datetime) -> Verdict:
    """May this message go, and when? What is not certain is a no."""
    reason = _refused(message, known, programme) or _too_old(message, programme, now)
    if reason is not None:
        return _verdict("suppress", message, known, reason=reason)
    send_at, waits_for = _awake(message, programme, now)
    if send_at is None:
        return _verdict("suppress", message, known, reason=waits_for)
    if message.valid_until is not None and send_at >= message.valid_until:
        return _verdict("suppress", message, known, reason=Reason.WOULD_BE_LATE)
    if message.is_marketing and _is_capped(message, known, programme, send_at):
        return _verdict("suppress", message, known, reason=Reason.FREQUENCY_CAP)
    if waits_for is not None:
        return _verdict("defer", message, known, reason=waits_for, send_at=send_at)
    return _verdict("send", message, known)


def _refused(message: Message, known: Knowledge, programme: Programme) -> Reason | None:
    """Why this address may not be written to at all; None where it may."""
    if message.is_erased:
        return Reason.ERASED
    if not message.address:
        return Reason.NO_ADDRESS
    channel, address = message.channel.value, message.address
    stopped = known.stopped.get((channel, address))
    if message.answers_help and stopped in (None, Reason.PAUSED_FOR_REVIEW):
        return None
    if stopped is not None:
        return stopped
    only_by_keyword = programme.messaging.sms.handset_optout == "needs_keyword"
    if known.words.is_stopped(channel, address, only_by_keyword=only_by_keyword):
        return Reason.OPTED_OUT
    return _without_consent(message, known) if message.is_marketing else None


def _without_consent(message: Message, known: Knowledge) -> Reason | None:
    channel, address = message.channel.value, message.address
    match known.words.state(channel, address):
        case None:
            return Reason.NO_CONSENT
        case ConsentState.WITHDRAWN:
            return Reason.OPTED_OUT
        case ConsentState.PENDING:
            return Reason.NOT_CONFIRMED
    topic = known.words.state(channel, address, "marketing", message.topic)
    return Reason.OPTED_OUT if topic is ConsentState.WITHDRAWN else None


def _too_old(message: Message, programme: Programme, now: datetime) -> Reason | None:
    """Whether it is about something longer ago than the programme's messages may be."""
    hours = programme.max_lateness_hours
    if hours is None or message.about_at is None:
        return None
    return Reason.WOULD_BE_LATE if now - message.about_at > timedelta(hours=hours) else None


def _awake(
    message: Message, programme: Programme, now: datetime
) -> tuple[datetime | None, Reason | None]:
    """When it can go at the earliest, and what it waits for; None and why where it never can."""
    earliest, waits_for = now, None
    if message.not_before is not None and message.not_before > now:
        earliest, waits_for = message.not_before, Reason.NOT_YET
    hours = programme.messaging.quiet_hours.get(message.channel)
    if hours is None or (not message.is_marketing and hours.transactional == "exempt"):
        return earliest, waits_for
    return _out_of(hours, message, programme, earliest=earliest, waits_for=waits_for)


def _out_of(
    hours: QuietHours,
    message: Message,
    programme: Programme,
    *,
    earliest: datetime,
    waits_for: Reason | None,
) -> tuple[datetime | None, Reason | None]:
    zone = known_zone(message.zone) if message.zone else None
    if zone is None and programme.messaging.unknown_zone == "program":
        zone = known_zone(programme.zone)
    if zone is None:
        return None, Reason.UNKNOWN_ZONE
    awake = awake_at(earliest, hours, zone, days_off=message.is_marketing)
    if awake is None:
        return None, Reason.NEVER_AWAKE
    return awake, waits_for if awake == earliest else Reason.QUIET_HOURS


def _is_capped(message: Message, known: Knowledge, programme: Programme, at: datetime) -> bool:
    caps = [one for one in programme.messaging.frequency_caps if one.channel is message.channel]
    if not caps:
        return False
    uses = known.uses.get((message.channel.value, message.address), [])
    zone = message.zone if known_zone(message.zone) else ""
    zones = (zone, programme.zone)
    found = cap_reached(caps, uses, own=message.id, priority=message.priority, at=at, zones=zones)
    return found is not None


def _verdict(
    outcome: Literal["send", "defer", "suppress"],
    message: Message,
    known: Knowledge,
    *,
    reason: Reason | None = None,
    send_at: datetime | None = None,
) -> Verdict:
    channel = message.channel.value
    said = known.words.said(channel, message.address) if message.address else None
    rests_on: dict[str, Any] = {"purpose": message.purpose.value}
    if said is not None:
        rests_on |= {"consent": said.state.value, "said_at": said.at.isoformat()}
    if message.zone:
        rests_on["zone"] = message.zone
    if message.topic:
        rests_on["topic"] = message.topic
    sentence = "" if reason is None else told(reason, channel)
    return Verdict(outcome, reason, sentence, send_at, rests_on)

"""Why a message waits or does not go: a code for machines, a sentence for people."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Every reason of the gate."""

    ERASED = "erased"
    NO_ADDRESS = "no_address"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    NOT_CONFIRMED = "not_confirmed"
    PAUSED_FOR_REVIEW = "paused_for_review"
    UNKNOWN_ZONE = "unknown_zone"
    NEVER_AWAKE = "never_awake"
    WOULD_BE_LATE = "would_be_late"
    FREQUENCY_CAP = "frequency_cap"
    WINDOW_CLOSED = "window_closed"
    QUIET_HOURS = "quiet_hours"
    NOT_YET = "not_yet"


_SENTENCES = {
    Reason.ERASED: "this person asked to be forgotten",
    Reason.NO_ADDRESS: "the person has no {address}",
    Reason.HARD_BOUNCE: "a message to this {address} came back for good: ask for a new one",
    Reason.COMPLAINT: "the person called a message to this {address} spam",
    Reason.OPTED_OUT: "consent to {channel} was withdrawn for this {address}",
    Reason.NO_CONSENT: "no consent to {channel} was ever given for this {address}",
    Reason.NOT_CONFIRMED: "consent to {channel} was asked for and is not confirmed yet",
    Reason.PAUSED_FOR_REVIEW: "the person seems to want no more messages: somebody has to read "
    "what they wrote and decide",
    Reason.UNKNOWN_ZONE: "nobody knows the person's time zone, so the quiet hours there are not "
    "known: add the zone, or set messaging.unknown_zone to program",
    Reason.NEVER_AWAKE: "the quiet hours leave no time within a year",
    Reason.WOULD_BE_LATE: "it would come when it is of no use any more",
    Reason.FREQUENCY_CAP: "the person gets as many {channel} messages as the programme allows",
    Reason.WINDOW_CLOSED: "the person has not written lately enough to be answered there",
    Reason.QUIET_HOURS: "waits for the end of the quiet hours where the person lives",
    Reason.NOT_YET: "waits for the time it was planned for",
}
_ADDRESS = {"email": "e-mail address", "sms": "telephone number"}


def told(reason: Reason, channel: str) -> str:
    """The code and the sentence: `opted_out: consent to sms was withdrawn …`."""
    address = _ADDRESS.get(channel, "account")
    return f"{reason.value}: {_SENTENCES[reason].format(channel=channel, address=address)}"

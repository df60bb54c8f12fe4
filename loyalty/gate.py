"""The one gate that every message to a person passes; it fails closed and says why."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty.events import Channel, ConsentState


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message may go, and why not where it may not."""

    may_go: bool
    reason: str = ""


def judge(channel: Channel, address: str | None, consent: ConsentState | None) -> Verdict:
    """May this message go to this address now?

    Args:
        address: Where it would go; None where the member has none.
        consent: The latest word of the person on the channel; None where they never said.
    """
    if not address:
        name = "e-mail address" if channel is Channel.EMAIL else "telephone number"
        return Verdict(False, f"the member has no {name}")
    if consent is None:
        return Verdict(False, f"no consent to {channel.value} was ever given for this address")
    if consent is ConsentState.WITHDRAWN:
        return Verdict(False, f"consent to {channel.value} was withdrawn")
    return Verdict(True)

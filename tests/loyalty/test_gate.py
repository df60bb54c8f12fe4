"""The gate fails closed and says why."""

from __future__ import annotations

import pytest

from loyalty.events import Channel, ConsentState
from loyalty.gate import judge


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("consent", [None, *ConsentState])
@pytest.mark.parametrize("address", [None, "", "somebody"])
def test_only_a_granted_consent_and_an_address_let_a_message_go(
    channel: Channel, consent: ConsentState | None, address: str | None
) -> None:
    verdict = judge(channel, address, consent)
    assert verdict.may_go == (bool(address) and consent is ConsentState.GRANTED)
    assert bool(verdict.reason) != verdict.may_go


@pytest.mark.parametrize(
    ("channel", "address", "consent", "reason"),
    [
        (Channel.SMS, None, ConsentState.GRANTED, "the member has no telephone number"),
        (Channel.EMAIL, "", ConsentState.GRANTED, "the member has no e-mail address"),
        (Channel.SMS, "+49", None, "no consent to sms was ever given for this address"),
        (Channel.EMAIL, "a", ConsentState.WITHDRAWN, "consent to email was withdrawn"),
    ],
)
def test_the_reason_is_a_sentence(
    channel: Channel, address: str | None, consent: ConsentState | None, reason: str
) -> None:
    assert judge(channel, address, consent).reason == reason

"""Events by which somebody of the team takes down that a member wants no more messages."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.console.visit import Visitor
from loyalty import consent_events
from loyalty.events import Channel, Consent, Event
from loyalty.store.people import Member

VIA = "console"


def stopping_events(visit: Visitor, member: Member) -> Iterator[Event]:
    """A withdrawal for each address of the member."""
    for channel, address in ((Channel.EMAIL, member.email), (Channel.SMS, member.phone)):
        if address:
            said = Consent(channel=channel, address=address, member_id=str(member.id), via=VIA)
            yield consent_events.withdrawn(said, at=visit.now)

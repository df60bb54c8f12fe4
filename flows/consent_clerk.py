"""What the desks of consents share: the log, messages of their own, and how an event closes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flows.announcing import Announcement, planned
from flows.clerk import Clerk
from flows.closings import done
from loyalty.events import Channel, ConsentState
from loyalty.gate import EVERYTHING, MARKETING, About
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Member


class ConsentClerk(Clerk):
    """Writes words of people into the log; what it writes is what the gate sees next."""

    def _note(
        self,
        item: Claimed,
        about: About,
        state: ConsentState,
        *,
        via: str = "",
        text_version: str = "",
        evidence_at: datetime | None = None,
        member_id: UUID | None = None,
    ) -> None:
        member = self.work.member(item)
        source = " ".join(part for part in (item.event.store, item.event.type.value, via) if part)
        self.work.note(
            ConsentNote(
                member_id=member.id if member else member_id,
                channel=Channel(about.channel),
                address=about.address,
                state=state,
                source=source,
                occurred_at=evidence_at or item.event.time,
                purpose=about.purpose,
                topic=about.topic,
                text_version=text_version,
                evidence_at=evidence_at,
            )
        )

    def _stop(
        self, item: Claimed, channel: str, address: str, *, member_id: UUID | None = None
    ) -> None:
        """The person wants nothing more on the channel, whatever it is for."""
        for purpose in (EVERYTHING, MARKETING):
            about = About(channel, address, purpose)
            self._note(item, about, ConsentState.WITHDRAWN, member_id=member_id)

    def _announce(self, announcement: Announcement) -> None:
        planner = self.terms.planner
        self.work.deliveries.append(planned(planner, announcement, self.work.known))

    def _booked(self, item: Claimed) -> Closing:
        member: Member | None = self.work.member(item)
        if member is None:
            return done(item, None, "nobody is known under this address: kept for it all the same")
        return self.apply(item, member)

    def _known(self, item: Claimed, code: str, reason: str) -> Closing:
        return done(item, self.work.member(item), reason, code=code)

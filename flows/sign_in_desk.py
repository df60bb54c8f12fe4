"""Sends links that sign people in."""

from __future__ import annotations

from collections.abc import Callable

from flows.announcing import Announcement
from flows.closings import done, refused
from flows.consent_clerk import ConsentClerk
from loyalty.events import EventType
from loyalty.links import LinkKind
from loyalty.store.inbox import Claimed, Closing

TEMPLATE = "magic_link"
PRIORITY = 100
"""Somebody sits in front of the screen and waits for it."""


class SignInDesk(ConsentClerk):
    """Announces the link that somebody asked for; whether they are a member is not looked at."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {EventType.SIGN_IN_ASKED: self._asked}

    def _asked(self, item: Claimed) -> Closing:
        asked = self.work.sign_ins.get(item.event.data.sign_in_id)
        links = self.terms.planner.links
        if asked is None or links is None:
            return refused(item, "nobody asked for this link any more", code="unknown_sign_in")
        if asked.expires_at <= self.terms.now:
            return done(item, None, "the link would be over already", code="too_late")
        minutes = round((asked.expires_at - item.event.time).total_seconds() / 60)
        self._announce(
            Announcement(
                key=f"sign-in:{asked.id}",
                template=TEMPLATE,
                channel="email",
                purpose="transactional",
                member=None,
                address=asked.email,
                locale=asked.locale,
                values={
                    "link": links.url(LinkKind.SIGN_IN, {"i": str(asked.id)}),
                    "minutes": minutes,
                },
                valid_until=asked.expires_at,
                priority=PRIORITY,
                event_id=item.id,
            )
        )
        return done(item, None, "")

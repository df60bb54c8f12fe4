"""Books opens and clicks: rules speak of what people do, and of no machine."""

from __future__ import annotations

from collections.abc import Callable

from flows.clerk import Clerk
from flows.closings import done
from loyalty.events import EventType
from loyalty.store.inbox import Claimed, Closing


class EngagementDesk(Clerk):
    """Asks the rules about opens and clicks of people."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {EventType.MESSAGE_OPENED: self._touched, EventType.MESSAGE_CLICKED: self._touched}

    def _touched(self, item: Claimed) -> Closing:
        if item.event.data.is_machine:
            member = self.work.member(item)
            return done(item, member, "a machine's, no person's: counted apart", code="machine")
        return self.occurred(item)

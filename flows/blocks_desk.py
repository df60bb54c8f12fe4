"""Members that the team stops from spending, while there is a doubt about the account."""

from __future__ import annotations

from collections.abc import Callable

from flows.clerk import Clerk
from flows.closings import done, refused
from flows.redemptions_desk import NOBODY
from loyalty.events import EventType, MemberBlock
from loyalty.store.inbox import Claimed, Closing


class BlocksDesk(Clerk):
    """Notes since when a member is blocked; who spends points looks there."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.MEMBER_BLOCKED: self._blocked,
            EventType.MEMBER_UNBLOCKED: self._unblocked,
        }

    def _blocked(self, item: Claimed) -> Closing:
        member, said = self.work.member(item), _said(item)
        if member is None:
            return refused(item, NOBODY, code="unknown_member")
        if not said.reason.strip():
            reason = "a member is stopped from spending for a reason only"
            return refused(item, reason, code="reason_required", member=member)
        if member.blocked_at is not None:
            return done(item, member, "this member was blocked before", code="already_blocked")
        member.blocked_at, member.is_changed = item.event.time, True
        return done(item, member)

    def _unblocked(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return refused(item, NOBODY, code="unknown_member")
        if member.blocked_at is None:
            return done(item, member, "this member is not blocked", code="not_blocked")
        member.blocked_at, member.is_changed = None, True
        return done(item, member)


def _said(item: Claimed) -> MemberBlock:
    said: MemberBlock = item.event.data
    return said

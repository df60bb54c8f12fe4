"""Books points that people of the team give and take: with a reason, and a second pair of eyes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flows.clerk import Clerk
from flows.closings import done, parked, refused
from flows.papers import ADJUSTMENT, APPROVAL, adjustment_key
from flows.redemptions_desk import NOBODY
from loyalty.events import Adjustment, AdjustmentApproval, EventType
from loyalty.expiry import end_of_local_day
from loyalty.points import EntryKind, Posting
from loyalty.store.adjustments import Asked
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member


class AdjustmentsDesk(Clerk):
    """Keeps who asked for points by hand, why, and who agreed."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.POINTS_ADJUSTED: self._adjusted,
            EventType.ADJUSTMENT_APPROVED: self._approved,
        }

    def _adjusted(self, item: Claimed) -> Closing:
        member, wanted = self.work.member(item), item.event.data
        key = adjustment_key(item)
        if member is None:
            return refused(item, NOBODY, code="unknown_member")
        known = self.work.papers.asked.get(key)
        if known is not None and known.state == "booked":
            reason = f"booked when {known.approved_by or known.data.by} agreed"
            return done(item, member, reason, code="already_booked")
        if not wanted.reason.strip():
            reason = "points given or taken by hand need a reason"
            return refused(item, reason, code="reason_required", member=member)
        if wanted.points == 0:
            return refused(item, "no points to give or take", code="no_points", member=member)
        asked = known or Asked(key, member.id, wanted, asked_at=item.event.time)
        asked.is_changed = True
        self.work.papers.asked[key] = asked
        self.work.released.append(ADJUSTMENT + key)
        limit = self.terms.programme.adjust.approval_above
        if limit is not None and abs(wanted.points) > limit:
            reason = (
                f"more than {limit} points: somebody other than {_name(wanted.by)} has to agree"
            )
            return parked(
                item, reason, waits_for=APPROVAL + key, code="needs_approval", member=member
            )
        return self._book(item, member, asked)

    def _approved(self, item: Claimed) -> Closing:
        approval: AdjustmentApproval = item.event.data
        key = adjustment_key(item)
        asked = self.work.papers.asked.get(key)
        if asked is None:
            reason = f"the adjustment {approval.adjustment_id} is not known yet"
            return parked(item, reason, waits_for=ADJUSTMENT + key, code="unknown_adjustment")
        member = self.work.holder(asked.member_id)
        if asked.state == "booked":
            reason = f"{_name(asked.approved_by)} agreed already"
            return done(item, member, reason, code="already_approved")
        if not approval.by.strip():
            return refused(item, "an approval says whose it is", code="reason_required")
        if _same(approval.by, asked.data.by):
            reason = f"{approval.by} asked for it: somebody else has to agree"
            return refused(item, reason, code="same_person", member=member)
        asked.approved_by = approval.by
        closing = self._book(item, member, asked)
        if closing.state == "done":
            self.work.released.append(APPROVAL + key)
        else:
            asked.approved_by = ""
        return closing

    def _book(self, item: Claimed, member: Member, asked: Asked) -> Closing:
        case = self.case(item, member)
        counts_at = asked.asked_at if asked.data.is_qualifying else None
        posting = replace(
            self.posting(case, "", verb="adjust"),
            occurred_at=asked.asked_at,
            counts_at=counts_at,
            reason=f"adjustment {asked.key}",
        )
        if not self._move(member, asked.data, posting):
            available = self.work.book(member).available(self.terms.now)
            reason = f"{-asked.data.points} points to take, {available} available"
            if asked.state == "waiting" and not asked.approved_by:
                del self.work.papers.asked[asked.key]
            return refused(item, reason, code="would_go_negative", member=member)
        asked.state, asked.ended_at, asked.is_changed = "booked", self.terms.now, True
        if counts_at is not None:
            self.progress.count_points(
                member, asked.data.points, kind=EntryKind.ADJUST, at=counts_at
            )
        return self.close_case(case)

    def _move(self, member: Member, wanted: Adjustment, posting: Posting) -> bool:
        """Gives or takes the points; False where there are not enough to take."""
        book, now, at = self.work.book(member), self.terms.now, posting.occurred_at
        if wanted.points < 0:
            negative = self.terms.programme.adjust.negative
            return book.deduct(-wanted.points, posting, now=now, negative=negative) is not None
        available_at = min(at, now)
        expires_at = book.expiry_for(earned_at=at, available_at=available_at)
        if wanted.expires_days is not None:
            expires_at = end_of_local_day(at, self.terms.zone, days=wanted.expires_days)
        book.earn(
            wanted.points,
            posting,
            lot_id=new_id(now),
            earned_at=at,
            available_at=available_at,
            expires_at=expires_at,
            kind=EntryKind.ADJUST,
        )
        return True


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _name(who: str) -> str:
    return who.strip() or "whoever asked"

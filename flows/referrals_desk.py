"""Books recommendations: who came by whom, when it counts, and what it earns both sides.

The reward of each side is an event of its own, so that it is booked once for ever whatever
happens to the order; it is pending until the return window is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flows.clerk import Case, Clerk
from flows.closings import done, refused
from flows.recommending import pay, refer, terms_of
from loyalty.events import Event, EventType, ReferralDecided
from loyalty.referrals import ReferralState
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing

JUST_JOINED = timedelta(hours=1)
"""How long after signing up somebody may still be said to have come by a link."""

RULE = "referral"
NOT_REFERRED = "nobody recommended this member"


class ReferralsDesk(Clerk):
    """Keeps recommendations, and gives and takes what they earn."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.REFERRAL_ATTACHED: self._attached,
            EventType.REFERRAL_DECIDED: self._decided,
            EventType.REFERRAL_EARNED: self._earned,
            EventType.REFERRAL_CANCELLED: self._cancelled,
        }

    def _attached(self, item: Claimed) -> Closing:
        """Somebody signed up by a link, and the shop did not say so itself."""
        member = self.work.member(item)
        if self.terms.programme.referral is None:
            return refused(item, "the programme has no referrals", code="no_programme")
        if member is None:
            return refused(item, "nobody is named who came by the link", code="nobody")
        if item.event.time - member.joined_at > JUST_JOINED:
            reason = "a member already: only newcomers can be recommended"
            return refused(item, reason, code="already_member", member=member)
        refer(self, item, member)
        return self.apply(item, member)

    def _decided(self, item: Claimed) -> Closing:
        decision: ReferralDecided = item.event.data
        member = self.work.member(item)
        referral = self.work.referrals.known.get(member.id) if member else None
        if member is None or referral is None:
            return refused(item, NOT_REFERRED, code="unknown_referral")
        if referral.state is not ReferralState.HELD:
            reason = f"the recommendation is {referral.state.value}: there is nothing to decide"
            return done(item, member, reason, code="already_decided")
        if not decision.by.strip():
            return refused(item, "a decision says whose it is", code="reason_required")
        referral.decided_by = decision.by.strip()
        if not decision.approved:
            referral.become(ReferralState.REFUSED)
        elif referral.counted_at is not None and (terms := terms_of(self, referral)) is not None:
            pay(self, referral, terms)
        else:
            referral.become(ReferralState.ATTACHED)
        return self.apply(item, member)

    # --- what it earns

    def _earned(self, item: Claimed) -> Closing:
        member, earned = self.work.member(item), item.event.data
        if member is None:
            return refused(item, "the member is gone", code="unknown_member")
        case = self.case(item, member)
        self.work.book(member).earn(
            earned.points,
            self._posting(case, earned.friend_id, verb="refer"),
            lot_id=new_id(self.terms.now),
            earned_at=item.event.time,
            available_at=earned.available_at,
            expires_at=self.work.book(member).expiry_for(
                earned_at=item.event.time, available_at=earned.available_at
            ),
        )
        return self.close_case(case)

    def _cancelled(self, item: Claimed) -> Closing:
        member, cancelled = self.work.member(item), item.event.data
        if member is None:
            return refused(item, "the member is gone", code="unknown_member")
        case = self.case(item, member)
        posting = self._posting(case, cancelled.friend_id, verb="unrefer")
        lots = [one for one in self.work.book(member).lots if one.sale == posting.sale]
        points = sum(one.remaining for one in lots)
        if points:
            self.work.book(member).reverse(
                points,
                posting,
                now=self.terms.now,
                negative="own_lot_only",
                make_id=self.progress.make_id,
            )
        return self.close_case(case, reason=cancelled.reason)

    def _posting(self, case: Case, friend_id: str, *, verb: str) -> Any:
        posting = self.posting(case, RULE, verb=verb, reason=_told(case.item.event))
        return replace(posting, sale=f"{RULE}:{friend_id}")


def _told(event: Event) -> str:
    if event.type is EventType.REFERRAL_CANCELLED:
        return f"referral taken back: {event.data.reason}"
    return "for recommending a friend" if event.data.side == "referrer" else "came by a friend"

"""Books recommendations: who came by whom, when it counts, and what it earns both sides.

The reward of each side is an event of its own, so that it is booked once for ever whatever
happens to the order; it is pending until the return window is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flows.clerk import Case, Clerk
from flows.closings import done, refused
from flows.referral_papers import code_in
from loyalty.events import Event, EventType, ReferralCancelled, ReferralDecided, ReferralEarned
from loyalty.referral_policy import ReferralPolicy
from loyalty.referrals import (
    KNOWN_BEFORE,
    Crowd,
    Person,
    Referral,
    ReferralState,
    available_at,
    counts,
    find,
)
from loyalty.sales import Sale
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member

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
        elif referral.sale or self._at_sign_up():
            self._pay(referral)
        else:
            referral.become(ReferralState.ATTACHED)
        return self.apply(item, member)

    def _at_sign_up(self) -> bool:
        policy = self.terms.programme.referral
        return policy is not None and policy.reward_on == "sign_up"

    def _pay(self, referral: Referral) -> None:
        policy = self.terms.programme.referral
        if policy is not None:
            pay(self, referral, policy)

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
        self.award(case)
        return self.conclude(case)

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
        return self.conclude(case, reason=cancelled.reason)

    def _posting(self, case: Case, friend_id: str, *, verb: str) -> Any:
        posting = self.posting(case, RULE, verb=verb, reason=_told(case.item.event))
        return replace(posting, sale=f"{RULE}:{friend_id}")


# --- for other desks -----------------------------------------------------------------------------


def refer(clerk: Clerk, item: Claimed, member: Member) -> None:
    """For somebody who signs up with a code: whether the recommendation stands, and notes it."""
    work, policy = clerk.work, clerk.terms.programme.referral
    code = code_in(item)
    owner = work.referrals.owners.get(code) if code else None
    if policy is None or owner is None or member.id in work.referrals.known:
        return
    friend = _person(work.referrals.seen.get(member.id, set()), member)
    finding = find(
        friend,
        owner,
        policy,
        crowd=work.referrals.crowds.get(item.id, Crowd()),
        is_known=_is_known(item, member),
    )
    referral = Referral(
        friend_id=member.id,
        referrer_id=owner.id,
        code=code,
        state=finding.state,
        joined_at=item.event.time,
        reasons=finding.reasons,
    )
    work.referrals.known[member.id] = referral
    if policy.reward_on == "sign_up" and finding.state in _OPEN:
        referral.counted_at = item.event.time
        if finding.state is ReferralState.ATTACHED:
            pay(clerk, referral, policy)


def follow_sale(clerk: Clerk, sale: Sale, *, at: datetime) -> None:
    """For a sale that was booked or changed: whether it makes its buyer's recommendation count,
    or count no more."""
    policy = clerk.terms.programme.referral
    referral = clerk.work.referrals.known.get(clerk.work.holder(sale.member_id).id)
    if policy is None or referral is None:
        return
    if referral.sale == sale.key:
        if not sale.is_counted or sale.spend < policy.min_order:
            _take_back(clerk, referral, policy, at=at)
        return
    if policy.reward_on == "first_order" and sale.is_counted:
        _count(clerk, referral, policy, sale)


def pay(clerk: Clerk, referral: Referral, policy: ReferralPolicy) -> None:
    """Gives both sides their reward, by an event for each."""
    referral.become(ReferralState.EARNED)
    for side, member_id, points in _sides(referral, policy):
        if points:
            earned = ReferralEarned(
                member_id=str(member_id),
                friend_id=str(referral.friend_id),
                side=side,
                points=points,
                available_at=available_at(referral, policy),
            )
            event_type, at = EventType.REFERRAL_EARNED, referral.counted_at or clerk.terms.now
            clerk.work.emitted.append(_event(event_type, earned, at))


def _count(clerk: Clerk, referral: Referral, policy: ReferralPolicy, sale: Sale) -> None:
    state = counts(referral, policy, spend=sale.spend, at=sale.occurred_at)
    if state is None:
        return
    if state is ReferralState.LAPSED:
        referral.become(state)
        return
    referral.sale, referral.counted_at, referral.is_changed = sale.key, sale.occurred_at, True
    if state is ReferralState.EARNED:
        pay(clerk, referral, policy)


def _take_back(clerk: Clerk, referral: Referral, policy: ReferralPolicy, *, at: datetime) -> None:
    is_open = referral.state in (ReferralState.EARNED, ReferralState.HELD)
    if not is_open or at >= available_at(referral, policy):
        return
    was_paid = referral.state is ReferralState.EARNED
    referral.become(ReferralState.CANCELLED)
    if was_paid:
        withdraw(clerk, referral, policy, at=at, reason="the order was given back")


def withdraw(
    clerk: Clerk, referral: Referral, policy: ReferralPolicy, *, at: datetime, reason: str
) -> None:
    """Takes from both sides what is left of their reward, by an event for each."""
    for side, member_id, points in _sides(referral, policy):
        if points:
            cancelled = ReferralCancelled(
                member_id=str(member_id),
                friend_id=str(referral.friend_id),
                side=side,
                reason=reason,
            )
            clerk.work.emitted.append(_event(EventType.REFERRAL_CANCELLED, cancelled, at))


def end_inner(clerk: Clerk, *, at: datetime) -> None:
    """After a merge: nobody recommends themselves, so what such a thing earned goes back."""
    policy = clerk.terms.programme.referral
    for referral in clerk.work.referrals.inner:
        was_paid = referral.state is ReferralState.EARNED
        referral.become(ReferralState.BLOCKED_SELF)
        referral.reasons = (*referral.reasons, "one account by now")
        if policy is not None and was_paid:
            reason = "both accounts are one person's"
            withdraw(clerk, referral, policy, at=at, reason=reason)


_OPEN = (ReferralState.ATTACHED, ReferralState.HELD)


def _sides(referral: Referral, policy: ReferralPolicy) -> list[tuple[Any, UUID, int]]:
    return [
        ("referrer", referral.referrer_id, policy.referrer_points),
        ("friend", referral.friend_id, policy.friend_points),
    ]


def _event(event_type: EventType, data: Any, at: datetime) -> Event:
    return Event(
        type=event_type,
        store="hub",
        key=f"{data.friend_id}:{data.side}",
        time=at,
        subject=f"member:{data.member_id}",
        data=data,
    )


def _person(seen: set[tuple[str, str]], member: Member) -> Person:
    return Person(member.id, member.email, member.phone, frozenset(seen))


def _is_known(item: Claimed, member: Member) -> bool:
    """Whether a newcomer is none: a customer of long, or a member."""
    return member.joined_at < item.event.time - KNOWN_BEFORE


def _told(event: Event) -> str:
    if event.type is EventType.REFERRAL_CANCELLED:
        return f"referral taken back: {event.data.reason}"
    return "for recommending a friend" if event.data.side == "referrer" else "came by a friend"

"""What the desks do about recommendations: note one, see what a sale makes of it, pay, take back.

A recommendation keeps the terms under which it counted: they say what it is worth, how long the
return window is, and what of the order must be left, whatever the programme says since.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flows.clerk import Clerk
from flows.referral_papers import code_in
from loyalty.events import Event, EventType, ReferralCancelled, ReferralEarned
from loyalty.referral_policy import ReferralPolicy
from loyalty.referrals import (
    KNOWN_BEFORE,
    Bought,
    Crowd,
    Person,
    Referral,
    ReferralState,
    available_at,
    counts,
    find,
)
from loyalty.sales import Sale
from loyalty.store.inbox import Claimed
from loyalty.store.people import Member


def terms_of(clerk: Clerk, referral: Referral) -> ReferralPolicy | None:
    """The terms under which it counted; those in force where that is still to come."""
    return referral.terms or clerk.terms.programme.referral


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
    if policy.reward_on == "first_order":
        _count_earlier(clerk, referral, policy)
    elif finding.state in _OPEN:
        referral.count(policy, at=item.event.time)
        if finding.state is ReferralState.ATTACHED:
            pay(clerk, referral, policy)


def _count_earlier(clerk: Clerk, referral: Referral, policy: ReferralPolicy) -> None:
    """Orders may be told before the sign-up that they belong to: the first that fits counts."""
    work = clerk.work
    found = {one.key: one for one in work.referrals.bought.get(referral.friend_id, ())}
    for sale in work.sales.values():
        if work.holder(sale.member_id).id == referral.friend_id:
            found.pop(sale.key, None)
            if sale.is_counted:
                found[sale.key] = _bought(sale)
    for one in sorted(found.values(), key=lambda one: (one.at, one.key)):
        _count(clerk, referral, policy, one)


def _bought(sale: Sale) -> Bought:
    return Bought(sale.key, sale.spend, sale.occurred_at)


def follow_sale(clerk: Clerk, sale: Sale, *, at: datetime) -> None:
    """For a sale that was booked or changed: whether it makes its buyer's recommendation count,
    or count no more."""
    policy = clerk.terms.programme.referral
    referral = clerk.work.referrals.known.get(clerk.work.holder(sale.member_id).id)
    if referral is None:
        return
    if referral.sale == sale.key:
        terms = terms_of(clerk, referral)
        if terms is not None and (not sale.is_counted or sale.spend < terms.min_order):
            _take_back(clerk, referral, terms, at=at)
        return
    if policy is not None and policy.reward_on == "first_order" and sale.is_counted:
        _count(clerk, referral, policy, _bought(sale))


def pay(clerk: Clerk, referral: Referral, policy: ReferralPolicy) -> None:
    """Gives both sides their reward, by an event for each.

    Args:
        policy: The terms under which it counted.
    """
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


def _count(clerk: Clerk, referral: Referral, policy: ReferralPolicy, bought: Bought) -> None:
    state = counts(referral, policy, spend=bought.spend, at=bought.at)
    if state is None:
        return
    if state is ReferralState.LAPSED:
        referral.become(state)
        return
    referral.count(policy, at=bought.at, sale=bought.key)
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
    for referral in clerk.work.referrals.inner:
        policy = terms_of(clerk, referral)
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

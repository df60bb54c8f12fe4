"""Books points that are spent, set aside at a checkout, used or let go, and that come back."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flows.clerk import Case, Clerk
from flows.closings import done, parked, refused
from flows.papers import HOLD, hold_key
from loyalty.events import EventType, HoldEnd, Redemption
from loyalty.expiry import end_of_local_day
from loyalty.points import Entry
from loyalty.sales import Sale, sale_key
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.store.redemptions import Redeemed

NOBODY = "nobody is known whom this concerns"
OVERDRAWN = "offline_overdraw"
"""The alert for a till that spent, without a line to the hub, what was not there."""


class RedemptionsDesk(Clerk):
    """Keeps what points were spent on, and the holds of open checkouts."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.REWARD_REDEEMED: self._redeemed,
            EventType.REWARD_HELD: self._held,
            EventType.REWARD_CAPTURED: self._captured,
            EventType.REWARD_RELEASED: self._released,
        }

    def _redeemed(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        wanted: Redemption = item.event.data
        policy = self.terms.programme.offline
        if member is None:
            return refused(item, NOBODY, code="unknown_member")
        if member.blocked_at is not None and not wanted.is_offline:
            # What a till took offline is spent already: it is booked, whoever it was.
            return self._is_blocked(item, member)
        if wanted.is_offline and wanted.points > policy.max_points:
            reason = f"a till may spend {policy.max_points} points offline, not {wanted.points}"
            return refused(item, reason, code="offline_limit", member=member)
        available = self.work.book(member).available(self.terms.now)
        is_short = wanted.points > available
        may_owe = wanted.is_offline and policy.on_sync_short == "accept_as_debt"
        if is_short and not may_owe:
            return self._too_few(item, member, wanted.points, available=available)
        case = self.case(item, member)
        posting = self.posting(case, "", verb="redeem")
        entry = self.work.book(member).redeem(
            wanted.points, posting, now=self.terms.now, into_debt=may_owe
        )
        assert entry is not None
        key = f"{item.event.store}:{wanted.id}"
        note_spent(self, case, key, entry, used_on=wanted.used_on, reward=wanted.reward)
        return self.close_case(case, alerts=[OVERDRAWN] if is_short else [])

    def _too_few(self, item: Claimed, member: Member, points: int, *, available: int) -> Closing:
        reason = f"not enough points: {points} asked for, {available} available"
        return refused(item, reason, code="insufficient_points", member=member)

    def _is_blocked(self, item: Claimed, member: Member) -> Closing:
        reason = "the team stopped this member from spending; their page in the console says why"
        return refused(item, reason, code="member_blocked", member=member)

    # --- holds

    def _held(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        key, wanted = hold_key(item), item.event.data
        self.work.released.append(HOLD + key)
        if member is None:
            self.work.papers.refused_holds.add(key)
            return refused(item, NOBODY, code="unknown_member")
        if key in self.work.papers.holds:
            return done(item, member, "these points are held already", code="already_held")
        if member.blocked_at is not None:
            self.work.papers.refused_holds.add(key)
            return self._is_blocked(item, member)
        book = self.work.book(member)
        case = self.case(item, member)
        hold = book.hold(key, wanted.points, self.terms.now, wanted.reward)
        if hold is None:
            self.work.papers.refused_holds.add(key)
            available = book.available(self.terms.now)
            return self._too_few(item, member, wanted.points, available=available)
        self.work.papers.holds[key] = hold
        return self.close_case(case)

    def _captured(self, item: Claimed) -> Closing:
        key, end = hold_key(item), item.event.data
        member = self._holder(item)
        if member is None:
            return self._no_hold(item, key)
        state = self._state(member, key)
        if state == "released":
            reason = "the points of this hold were released: they may be spent elsewhere by now"
            return refused(item, reason, code="already_released", member=member)
        if state == "captured":
            return done(item, member, "the hold was captured already", code="already_captured")
        case = self.case(item, member)
        book = self.work.book(member)
        posting = self.posting(case, "", verb="capture")
        entry = book.capture(book.holds[key], posting, self.terms.now)
        note_spent(self, case, key, entry, used_on=end.used_on)
        return self.close_case(case)

    def _released(self, item: Claimed) -> Closing:
        key = hold_key(item)
        member = self._holder(item)
        if member is None:
            return self._no_hold(item, key)
        state = self._state(member, key)
        if state == "captured":
            reason = "the points of this hold were spent: give the reward back instead"
            return refused(item, reason, code="already_captured", member=member)
        if state == "released":
            return done(item, member, "the hold was released already", code="already_released")
        case = self.case(item, member)
        book = self.work.book(member)
        book.release(book.holds[key], self.terms.now)
        book.lapse(self.terms.now, lambda: new_id(self.terms.now))
        return self.close_case(case)

    def _holder(self, item: Claimed) -> Member | None:
        """Whose hold it is now: merges move open holds with the account."""
        hold = self.work.papers.holds.get(hold_key(item))
        return None if hold is None else self.work.holder(hold.member_id)

    def _state(self, member: Member, key: str) -> str:
        """The book knows of this batch; ended holds are only in the papers."""
        hold = self.work.book(member).holds.get(key) or self.work.papers.holds[key]
        return hold.state

    def _no_hold(self, item: Claimed, key: str) -> Closing:
        end: HoldEnd = item.event.data
        if key in self.work.papers.refused_holds:
            reason = f"the hold {end.hold_id} was refused: there is nothing to end"
            return refused(item, reason, code="unknown_hold")
        reason = f"the hold {end.hold_id} is not in the books yet: this goes on when it arrives"
        return parked(item, reason, waits_for=HOLD + key, code="unknown_hold")


# --- what is spent, and what comes back ---------------------------------------------------------


def note_spent(
    clerk: Clerk,
    case: Case,
    key: str,
    entry: Entry,
    *,
    used_on: str | None = None,
    reward: str = "",
) -> Redeemed:
    """Notes what was spent on what, so that it can come back, and that somebody was active.

    Args:
        key: Names the request, so that it is spent once.
        used_on: The id of the order, at the event's store, that it was used on.
    """
    event, member = case.item.event, case.member
    points = -entry.points
    spent = Redeemed(
        key=key,
        member_id=member.id,
        entry_id=entry.posting.entry_id,
        points=points,
        created_at=clerk.terms.now,
        reward=reward,
        used_on=sale_key(event.store, used_on) if used_on else "",
    )
    clerk.work.papers.redeemed.append(spent)
    member.points_redeemed += points
    member.redemptions_count += 1
    member.is_changed = True
    clerk.work.book(member).touch(event.time, "redeem")
    return spent


def give_back_spent(clerk: Clerk, case: Case, sale: Sale) -> int:
    """Brings back points that were spent on a sale which is wholly refunded or cancelled, once.

    For the sales desk. They go into the lots they came from, or, where their day has passed,
    into one that lives through the programme's days of grace, counted from the refund.

    Returns:
        How many points came back; 0 where the programme gives none back.
    """
    if clerk.terms.programme.rewards.return_on == "never":
        return 0
    return sum(give_back(clerk, case, spent) for spent in _spent_on(clerk, sale.key))


def give_back(clerk: Clerk, case: Case, spent: Redeemed) -> int:
    """Brings back the points of one redemption; the caller notes that they came back.

    Returns:
        How many came back: none where they did before.
    """
    now, at = clerk.terms.now, case.item.event.time
    days = clerk.terms.programme.rewards.grace_days
    member = clerk.work.holder(spent.member_id)
    book = clerk.work.book(member)
    owed = sum(one.remaining for one in book.debts if one.entry_id == spent.entry_id)
    parts = _parts(clerk, member, spent)
    if not owed and not parts:
        return 0
    entry = book.give_back(
        parts,
        clerk.posting(case, "", verb=f"return:{spent.key}"),
        redeemed=spent.entry_id,
        now=now,
        grace_until=end_of_local_day(at, clerk.terms.zone, days=days),
        make_id=lambda: new_id(now),
    )
    member.points_redeemed -= entry.points
    member.redemptions_count -= 1
    member.is_changed = True
    spent.state = "returned"
    return entry.points


def _spent_on(clerk: Clerk, key: str) -> list[Redeemed]:
    """What was spent on a sale and not given back; from now on it is."""
    papers = clerk.work.papers
    known = [one for one in papers.used_on.get(key, []) if one.state == "spent"]
    papers.returned += [one.key for one in known]
    return known + [one for one in papers.redeemed if one.used_on == key and one.state == "spent"]


def _parts(clerk: Clerk, member: Member, spent: Redeemed) -> list[tuple[UUID, int]]:
    """Points by lot that a redemption took, those that this batch took among them."""
    parts = dict(spent.parts)
    for one in clerk.work.book(member).allocations:
        if one.entry_id == spent.entry_id:
            parts[one.lot_id] = parts.get(one.lot_id, 0) + one.points
    return [(lot_id, points) for lot_id, points in parts.items() if points > 0]

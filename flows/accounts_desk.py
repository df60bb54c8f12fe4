"""Books what changes whose things are whose: merges, their undoing, and being forgotten.

Such an event is booked alone. This desk moves the points and `papers.save` what lies in the
store; then a merge is booked once more like any other event: tiers, milestones, rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flows.clerk import Case, Clerk
from flows.closings import done, refused
from flows.letters import address_of
from flows.papers import Erased, Parting
from flows.progress import Counters
from flows.recommending import end_inner
from flows.redemptions_desk import NOBODY
from loyalty.events import Channel, ConsentState, Customer, EventType, MemberMerge
from loyalty.points import EntryKind
from loyalty.store import people
from loyalty.store.accounts import Bonus, Merge, Sums
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Member

_SUMS = (
    "orders_count",
    "lifetime_spend",
    "lifetime_points",
    "points_redeemed",
    "redemptions_count",
)
_TIER = ("tier", "tier_since", "tier_until")
_WORDS = ("first_name", "last_name", "email", "phone", "locale", "zone", "country")


@dataclass(frozen=True, slots=True)
class Moved:
    """What a first booking has moved, for the second.

    Attributes:
        before: The counters of whoever holds the points, before they were moved.
        parted: The account that stands for itself again, where a merge was undone.
    """

    before: Counters
    parted: UUID | None = None


class AccountsDesk(Clerk):
    """Makes two accounts one, one two again, and one nobody's."""

    moved: Moved | None = None

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.MEMBER_MERGED: self._merged,
            EventType.MEMBER_UNMERGED: self._unmerged,
            EventType.MEMBER_ERASED: self._erased,
        }

    def go_on(self, item: Claimed, moved: Moved) -> Closing:
        """The second booking, once everything lies where it belongs."""
        if moved.parted is not None:
            source = self.work.members[moved.parted]
            self.progress.advance(item, source, _nothing(Counters.of(source)))
            case = self.case(item, self.work.holder(self._target(item, moved.parted)))
            self.progress.advance(item, case.member, _nothing(Counters.of(case.member)))
        else:
            member = self.work.member(item)
            assert member is not None
            end_inner(self, at=item.event.time)
            case = self.case(item, member, before=moved.before)
        self.award(case)
        return self.conclude(case)

    def _target(self, item: Claimed, source: UUID) -> UUID:
        _, target = self.work.papers.sides[item.id]
        return target or source

    # --- two become one

    def _merged(self, item: Claimed) -> Closing:
        source_id, target_id = self.work.papers.sides[item.id]
        if source_id is None or target_id is None:
            return self._linked(item, source_id or target_id)
        source, target = self.work.holder(source_id), self.work.holder(target_id)
        if source.id == target.id:
            return done(item, target, "they are one account already", code="already_merged")
        self.moved = Moved(Counters.of(target))
        welcome = self._take_back_welcome(item, source, target)
        before = {
            "marker": str(new_id(self.terms.now)),
            "sums": {name: getattr(source, name) for name in _SUMS},
            "target_tier": {name: getattr(target, name) for name in _TIER},
            "welcome": welcome,
            "filled": _fill(target, source),
        }
        self._keep_the_stricter(item, source, target)
        self._move(item, source, target)
        for name in _SUMS:
            setattr(target, name, getattr(target, name) + getattr(source, name))
            setattr(source, name, type(getattr(source, name))(0))
        target.last_order_at = _later(target.last_order_at, source.last_order_at)
        target.blocked_at = target.blocked_at or source.blocked_at
        source.state, source.merged_into, source.tier_until = "merged", target.id, None
        source.is_changed = target.is_changed = True
        merge = Merge(item.event.business_key, source.id, target.id, self.terms.now, before)
        self.work.papers.joined.append(merge)
        return done(item, target)

    def _keep_the_stricter(self, item: Claimed, source: Member, target: Member) -> None:
        """Who said no with one account is not written to because of the other one's yes."""
        words = self.work.words
        for channel in Channel:
            said, kept = address_of(source, channel), address_of(target, channel)
            if not said or not kept or said == kept:
                continue
            is_no = words.state(channel.value, said) is ConsentState.WITHDRAWN
            if is_no and words.state(channel.value, kept) is not ConsentState.WITHDRAWN:
                origin = f"{item.event.store} {item.event.type.value}"
                self.work.note(
                    ConsentNote(
                        target.id, channel, kept, ConsentState.WITHDRAWN, origin, item.event.time
                    )
                )

    def _linked(self, item: Claimed, known: UUID | None) -> Closing:
        """Only one of two accounts is known here: from now on it has both names."""
        if known is None:
            return refused(item, "neither account is known here", code="unknown_member")
        merge: MemberMerge = item.event.data
        store = item.event.store
        for customer in (merge.source, merge.target):
            for key in people.identities_of(store, customer):
                self.work.papers.identities[key] = known
        reason = "only one of the accounts was known: from now on it has both names"
        return done(item, self.work.holder(known), reason, code="linked")

    def _move(
        self,
        item: Claimed,
        giver: Member,
        taker: Member,
        *,
        origins: frozenset[UUID] | None = None,
    ) -> None:
        """Moves lots, debts and holds, with an entry on both sides."""
        case = self.case(item, taker)
        out = replace(self.posting(case, "", verb="transfer:out"), origin_id=giver.id)
        into = replace(self.posting(case, "", verb="transfer:in"), origin_id=taker.id)
        book = self.work.book(giver)
        estate, _ = book.hand_over(out, origins=origins)
        self.work.book(taker).take_over(estate, into, now=self.terms.now)
        latest = _later(book.last_activity, self.work.book(taker).last_activity)
        self.work.book(taker).last_activity = latest

    def _take_back_welcome(
        self, item: Claimed, source: Member, target: Member
    ) -> list[dict[str, Any]]:
        """A person is welcomed once: where both accounts were, what the source got goes back."""
        papers = self.work.papers
        ours, theirs = papers.welcomes.get(source.id, []), papers.welcomes.get(target.id, [])
        taken = []
        for bonus in ours if theirs else []:
            case = self.case(item, source)
            posting = replace(
                self.posting(case, bonus.rule, verb=f"welcome:{bonus.lot_id}"),
                counts_at=item.event.time,
                snapshot={"bonus_lot": str(bonus.lot_id)},
                origin_id=source.id,
            )
            self.work.book(source).reverse(
                bonus.points,
                posting,
                now=self.terms.now,
                negative="allow",
                make_id=self.progress.make_id,
                own_lots=[bonus.lot_id],
            )
            self.progress.count_points(
                source, -bonus.points, kind=EntryKind.REVERSE, at=item.event.time
            )
            taken.append(_plain(bonus))
        return taken

    # --- one becomes two again

    def _unmerged(self, item: Claimed) -> Closing:
        source_id, target_id = self.work.papers.sides[item.id]
        if source_id is None:
            return refused(item, NOBODY, code="unknown_member")
        source, holder = self.work.members[source_id], self.work.holder(source_id)
        parting = self.work.papers.partings.get(item.id)
        is_elsewhere = target_id is not None and self.work.holder(target_id).id != holder.id
        if parting is None or is_elsewhere:
            reason = "these accounts are not merged: there is nothing to undo"
            return refused(item, reason, code="not_merged", member=holder)
        if parting.is_mixed or self._is_held(holder, parting.origins):
            reason = (
                "points were spent or set aside since the merge: whose they were cannot be told"
            )
            return refused(item, reason, code="spent_since_merge", member=holder)
        self.moved = Moved(Counters.of(holder), parted=source.id)
        self._move(item, holder, source, origins=parting.origins)
        source.state, source.merged_into = "enrolled", None
        _set(source, parting.source_sums)
        _set(holder, parting.holder_sums)
        self._part(item, source, holder, parting)
        return done(item, holder)

    def _is_held(self, holder: Member, origins: frozenset[UUID]) -> bool:
        lots = self.work.book(holder).lots
        return any(lot.held and (lot.origin_id or holder.id) in origins for lot in lots)

    def _part(self, item: Claimed, source: Member, holder: Member, parting: Parting) -> None:
        before = parting.merge.before
        for name in before.get("filled", []):
            setattr(holder, name, None if name in ("email", "phone", "birthday") else "")
        for name, value in before.get("target_tier", {}).items():
            is_instant = name != "tier" and value is not None
            setattr(holder, name, datetime.fromisoformat(value) if is_instant else value)
        for bonus in before.get("welcome", []):
            self._welcome_again(item, source, bonus)
        source.is_changed = holder.is_changed = True
        self.work.papers.parted.append((parting.merge, holder.id, parting.origins))

    def _welcome_again(self, item: Claimed, source: Member, bonus: dict[str, Any]) -> None:
        case: Case = self.case(item, source)
        posting = replace(
            self.posting(case, bonus["rule"], verb=f"welcome:{bonus['lot_id']}"),
            counts_at=item.event.time,
            snapshot={"bonus_lot": bonus["lot_id"]},
            origin_id=source.id,
        )
        expires_at = bonus["expires_at"]
        self.work.book(source).earn(
            bonus["points"],
            posting,
            lot_id=new_id(self.terms.now),
            earned_at=datetime.fromisoformat(bonus["earned_at"]),
            available_at=datetime.fromisoformat(bonus["available_at"]),
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            kind=EntryKind.RESTORE,
        )
        self.progress.count_points(
            source, bonus["points"], kind=EntryKind.RESTORE, at=item.event.time
        )

    # --- one becomes nobody's

    def _erased(self, item: Claimed) -> Closing:
        customer: Customer = item.event.data.customer
        member = self.work.member(item)
        papers = self.work.papers
        papers.erased.append(
            Erased(item.id, item.event.store, customer, member.id if member else None)
        )
        if member is None:
            return done(item, None, "no account: what waited for this person is forgotten")
        case = self.case(item, member)
        entry = self.work.book(member).forfeit(
            self.posting(case, "", verb="forfeit"), self.terms.now
        )
        member.state, member.is_changed = "erased", True
        points = entry.points if entry else 0
        outcome = {"code": "", "points": points, "balance": 0, "alerts": []}
        return done(item, member, outcome=outcome)


def _fill(target: Member, source: Member) -> list[str]:
    """Takes over what the target does not know of the person; returns which fields those were."""
    filled = []
    for name in (*_WORDS, "birthday"):
        if not getattr(target, name) and getattr(source, name):
            setattr(target, name, getattr(source, name))
            filled.append(name)
    if "birthday" in filled:
        target.birthday_told_at = source.birthday_told_at
    target.birthday_paid_at = _later(target.birthday_paid_at, source.birthday_paid_at)
    return filled


def _set(member: Member, sums: Sums) -> None:
    for name in _SUMS:
        setattr(member, name, getattr(sums, name))


def _plain(bonus: Bonus) -> dict[str, Any]:
    return {
        "rule": bonus.rule,
        "points": bonus.points,
        "lot_id": str(bonus.lot_id),
        "earned_at": bonus.earned_at.isoformat(),
        "available_at": bonus.available_at.isoformat(),
        "expires_at": bonus.expires_at.isoformat() if bonus.expires_at else None,
    }


def _nothing(counters: Counters) -> Counters:
    return Counters(*(type(one)(0) for one in counters))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)

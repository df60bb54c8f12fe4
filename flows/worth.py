"""What a sale is worth: the award of what remains of it, and the entries that lead there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from flows.clerk import Case, Clerk
from loyalty.eligibility import rate
from loyalty.events import Event, EventType, Order, Payment
from loyalty.limits import Room, grant
from loyalty.points import EntryKind
from loyalty.sales import Sale
from rules import decide
from rules.decision import Award, Decision

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a rule's award comes to within the room it has."""

    award: Award
    points: int
    by: str = ""


class Worth(Clerk):
    """Settles sales: books the difference between what they are worth and what was booked."""

    def with_sale(self, case: Case, sale: Sale) -> Case:
        """The case of an event as one of a sale: its entries are the sale's, and so the facts."""
        return replace(case, sale=sale, facts=sale.facts, origin=sale.origin_id or case.origin)

    def settle(self, case: Case, sale: Sale, *, rated: Any = None) -> None:
        """Makes the sale worth what its remainder earns.

        Args:
            case: Of the sale; a new one's decision is that of the award.
            rated: For a new sale: it, rated.
        """
        if rated is not None:
            rest, decision = rated, case.decision
        else:
            rest = self._rated_rest(sale, sale.remaining())
            decision = self._redecide(sale, rest)
        granted = self._granted(case, sale, decision)
        if sale.standing_refunds and decision.awards:
            granted = self._no_more_than_whole(case, sale, granted)
        self._use_room(case, sale, granted)
        self._post(case, sale, granted)
        self._count(case, sale, rest)

    # --- what it is worth

    def _rated_rest(self, sale: Sale, rest: Order | Payment | None) -> Any:
        return None if rest is None else rate(rest, self.terms.programme_for(sale), sale.fx_rate)

    def _redecide(self, sale: Sale, rated: Any) -> Decision:
        if rated is None:
            return Decision(version=sale.version)
        kind = EventType.ORDER_PAID if sale.kind == "order" else EventType.PAYMENT_COMPLETED
        event = Event.model_construct(
            type=kind,
            store=sale.store,
            key=sale.order_id,
            time=sale.occurred_at,
            subject=sale.key,
            data=rated,
        )
        return decide(
            event,
            sale.facts,
            self.terms.programme_for(sale),
            self.terms.rules_for(sale),
            data=rated,
            explain=False,
            remember=False,
        )

    def _granted(self, case: Case, sale: Sale, decision: Decision) -> dict[str, Granted]:
        """The awards within the room they had at the first award; a rule that is new has it now."""
        known = {(room.rule, room.counter.limit): room for room in sale.rooms}
        taken: dict[Any, int] = {}
        found: dict[str, Granted] = {}
        for award in decision.awards:
            rooms = [
                known.get((room.rule, room.counter.limit)) or self._first(sale, room, taken)
                for room in self.rooms(case, award.rule, award.limits, sale.occurred_at)
            ]
            points, by = grant(award.points, [self._now(room) for room in rooms])
            for room in rooms:
                taken[room.counter, room.kind] = taken.get(
                    (room.counter, room.kind), 0
                ) + room.use_of(points)
            found[award.rule] = Granted(award, points, by)
        return self._capped(case, sale, found)

    def _first(self, sale: Sale, room: Room, taken: dict[Any, int]) -> Room:
        """A room that the sale has not had yet; two rules of it may draw on one counter."""
        room.left -= taken.get((room.counter, room.kind), 0)
        sale.rooms.append(room)
        return room

    def _now(self, room: Room) -> Room:
        """The room as it was at the award, less what others have used since and still use."""
        return replace(room, left=self._left(room))

    def _left(self, room: Room) -> int:
        left = self.work.meters.left(room.counter, room.kind, room.amount)
        return max(room.used, min(room.left, room.used + left))

    def _capped(self, case: Case, sale: Sale, found: dict[str, Granted]) -> dict[str, Granted]:
        for room in self._caps(case, sale):
            left = self._left(room)
            for rule, one in found.items():
                points = min(one.points, max(left, 0))
                if points < one.points:
                    found[rule] = Granted(one.award, points, room.counter.limit)
                left -= max(found[rule].points, 0)
        return found

    def _caps(self, case: Case, sale: Sale) -> list[Room]:
        """The rooms of the programme's caps, made at the first award."""
        programme = self.terms.programme_for(sale)
        if not programme.caps:
            return []
        rooms = {room.counter: room for room in sale.rooms if not room.rule}
        if not sale.awards and not sale.given and not rooms:
            counters = self.terms.caps_of(programme, case.member, sale.occurred_at)
            for cap, counter in zip(programme.caps, counters, strict=True):
                left = self.work.meters.left(counter, "points", cap.points)
                rooms[counter] = Room(counter, "", "points", cap.points, left)
            sale.rooms += rooms.values()
        return list(rooms.values())

    def _no_more_than_whole(
        self, case: Case, sale: Sale, granted: dict[str, Granted]
    ) -> dict[str, Granted]:
        """A refund never brings points: the rest is worth no more than the whole would be."""
        whole = self._granted(case, sale, self._redecide(sale, self._rated_rest(sale, sale.data)))
        excess = sum(one.points for one in granted.values()) - sum(
            one.points for one in whole.values()
        )
        for rule in reversed(list(granted)):
            if excess <= 0:
                break
            one = granted[rule]
            more = one.points - (whole[rule].points if rule in whole else 0)
            cut = min(max(more, 0), excess)
            granted[rule] = replace(one, points=one.points - cut)
            excess -= cut
        return granted

    def _use_room(self, case: Case, sale: Sale, granted: dict[str, Granted]) -> None:
        total = sum(max(one.points, 0) for one in granted.values())
        for room in sale.rooms:
            points = total if not room.rule else 0
            if room.rule in granted:
                points = granted[room.rule].points
            self.work.meters.settle(room, points)
        for rule, one in granted.items():
            if one.by:
                self._withhold(case, rule, wanted=one.award.points, granted=one.points, by=one.by)

    # --- the entries

    def _post(self, case: Case, sale: Sale, granted: dict[str, Granted]) -> None:
        """Books the difference, rule by rule.

        Points of the sale that have expired are not taken a second time, and what was let off
        before is let off still.
        """
        target = {rule: one.points for rule, one in granted.items() if one.points}
        changes = {
            rule: target.get(rule, 0) - sale.awards.get(rule, 0)
            for rule in sorted({*sale.awards, *target})
        }
        fresh: dict[str, int] = {}
        for rule, points in target.items():
            new = points - max(sale.given.get(rule, 0), 0)
            if new > 0 and changes[rule] > 0:
                fresh[rule] = new
                sale.given[rule] = sale.given.get(rule, 0) + new
        sale.awards = target
        lost = sum(sale.given.values()) - sum(target.values())
        expired = self.work.book(case.member).expired_of(sale.key)
        missing = lost - sale.taken_back - sale.written_off
        for rule, points in fresh.items():
            self._give(case, sale, rule, points, kind=EntryKind.EARN, granted=granted)
        if missing > expired:
            self._take_back(case, sale, missing - expired, changes)
        elif missing < 0:
            self._restore(case, sale, -missing, changes=changes, granted=granted)

    def _give(
        self,
        case: Case,
        sale: Sale,
        rule: str,
        points: int,
        *,
        kind: EntryKind,
        granted: dict[str, Granted],
    ) -> None:
        reason = granted[rule].award.arithmetic if rule in granted else ""
        posting = self.posting(
            case, rule, verb=kind.value, reason=reason, counts_at=sale.occurred_at
        )
        days = self.terms.programme_for(sale).pending_days
        self.earn(case, points, posting, earned_at=sale.occurred_at, pending_days=days, kind=kind)

    def _take_back(self, case: Case, sale: Sale, points: int, changes: dict[str, int]) -> None:
        policy = self.terms.programme.refund
        if policy.method == "none" and case.item.event.type is EventType.ORDER_REFUNDED:
            sale.written_off += points
            return
        for rule, part in _parts(points, {r: -change for r, change in changes.items()}):
            posting = self.posting(case, rule, verb="reverse", counts_at=sale.occurred_at)
            what = self.work.book(case.member).reverse(
                part,
                posting,
                now=self.terms.now,
                negative=policy.negative,
                make_id=self.progress.make_id,
            )
            sale.taken_back += part - what.written_off
            sale.written_off += what.written_off
            self.progress.count_points(
                case.member, -part, kind=EntryKind.REVERSE, at=sale.occurred_at
            )
            for name, some in (("written_off", what.written_off), ("owed", what.owed)):
                if some:
                    case.extra[name] = case.extra.get(name, 0) + some

    def _restore(
        self,
        case: Case,
        sale: Sale,
        points: int,
        *,
        changes: dict[str, int],
        granted: dict[str, Granted],
    ) -> None:
        """Gives back what was taken; what was let off was never taken."""
        excused = min(points, sale.written_off)
        sale.written_off -= excused
        points -= excused
        sale.taken_back -= points
        for rule, part in _parts(points, changes):
            self._give(case, sale, rule, part, kind=EntryKind.RESTORE, granted=granted)

    # --- what it counts

    def _count(self, case: Case, sale: Sale, rest: Any) -> None:
        member, at = case.member, sale.occurred_at
        if not sale.version:
            return
        spend = NOTHING if rest is None else rest.eligible
        gross = spend
        if sale.standing_refunds or sale.is_cancelled:
            gross = self._rated_rest(sale, sale.data).eligible
        self.progress.count_spend(member, spend - sale.spend, gross - sale.spend_gross, at=at)
        sale.spend, sale.spend_gross = spend, gross
        if sale.is_counted != (rest is not None):
            sale.is_counted = rest is not None
            self.progress.count_order(member, 1 if rest is not None else -1, is_new=False, at=at)


def _parts(points: int, changes: dict[str, int]) -> list[tuple[str, int]]:
    """So many points shared by rules that changed in this direction; the first bears the rest."""
    parts: dict[str, int] = {}
    for rule, change in changes.items():
        part = min(max(change, 0), points)
        if part:
            parts[rule] = part
            points -= part
    if points:
        first = next(iter(parts), next(iter(changes), ""))
        parts[first] = parts.get(first, 0) + points
    return list(parts.items())

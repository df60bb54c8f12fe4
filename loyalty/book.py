"""A member's points book: opened, worked on and handed back; the store writes what was added.

Pure: instants and identifiers come in. `available + pending + held = total = sum of entries`
holds whenever what time has brought is written down (`lapse`), and what is left of all lots is
the total and the debt together. The words are those of the acceptance scenarios' header.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from loyalty.open_book import MakeId, OpenBook
from loyalty.points import Entry, EntryKind, Estate, Hold, Lot, Move, Posting, Reversal

Negative = Literal["allow", "clamp", "own_lot_only"]


class PointsBook(OpenBook):
    """The book with everything that people do to their points; see `OpenBook` for the rest."""

    # --- earning and taking back

    def earn(
        self,
        points: int,
        posting: Posting,
        *,
        lot_id: UUID,
        earned_at: datetime,
        available_at: datetime,
        expires_at: datetime | None = None,
        kind: EntryKind = EntryKind.EARN,
    ) -> Entry:
        """Books points earned as a lot; what is owed is paid from it once it is spendable."""
        _check_positive(points)
        entry = self._enter(kind, points, posting)
        lot = Lot(
            id=lot_id,
            member_id=self.member_id,
            entry_id=posting.entry_id,
            sale=posting.sale,
            points=points,
            remaining=points,
            available_at=available_at,
            expires_at=expires_at,
            earned_at=earned_at,
            origin_id=posting.origin_id or self.member_id,
            is_new=True,
        )
        self._shelf.add(lot)
        self.settle(posting.posted_at)
        if lot.free and self._shelf.is_expired(lot, posting.posted_at):
            self._lapsed_at = None
        return entry

    def reverse(
        self,
        points: int,
        posting: Posting,
        *,
        now: datetime,
        negative: Negative,
        make_id: MakeId,
        own_lots: Iterable[UUID] = (),
    ) -> Reversal:
        """Takes back what a sale earned: from its own lots first, pending ones too.

        Then from others that can be spent (`allow`, `clamp`). What is left is owed (`allow`) or
        let off with an entry of its own, under the posting's key and `:write_off`.

        Args:
            own_lots: Where no sale earned the points: the lots that they lie in.
        """
        _check_positive(points)
        self._enter(EntryKind.REVERSE, -points, posting)
        named = [self._shelf.by_id[one] for one in own_lots if one in self._shelf.by_id]
        own = self._shelf.in_order([*self._shelf.of_sale(posting.sale), *named])
        taken = self._take(points, own, posting)
        if negative != "own_lot_only":
            taken += self._take(points - taken, self._shelf.usable(now), posting)
        short = points - taken
        if short and negative == "allow":
            self._owe(short, posting)
            return Reversal(taken, short, 0)
        if short:
            pardon = replace(
                posting,
                key=f"{posting.key}:write_off",
                entry_id=make_id(),
                counts_at=None,
                snapshot={},
            )
            self._enter(EntryKind.WRITE_OFF, short, pardon)
        return Reversal(taken, 0, short)

    def deduct(
        self,
        points: int,
        posting: Posting,
        *,
        now: datetime,
        negative: Literal["refuse", "allow", "clamp"] = "refuse",
    ) -> Entry | None:
        """Takes points by hand or by rule, in the order of use.

        Where there are not enough: None (`refuse`), a debt (`allow`), or as many as there are
        (`clamp`; None where there are none).
        """
        _check_positive(points)
        there = max(self.available(now), 0)
        if negative == "clamp":
            points = min(points, there)
        if points == 0 or (negative == "refuse" and points > there):
            return None
        return self._spend(EntryKind.ADJUST, points, posting, now)

    # --- spending

    def redeem(
        self, points: int, posting: Posting, *, now: datetime, into_debt: bool = False
    ) -> Entry | None:
        """Spends points; None where there are not enough, unless it may be owed."""
        _check_positive(points)
        if points > self.available(now) and not into_debt:
            return None
        return self._spend(EntryKind.REDEEM, points, posting, now)

    def hold(self, key: str, points: int, now: datetime, reward: str = "") -> Hold | None:
        """Sets points aside, so that nobody else spends them; None where there are not enough."""
        _check_positive(points)
        if points > self.available(now):
            return None
        parts, left = [], points
        for lot in self._shelf.usable(now):
            part = min(left, lot.free)
            parts.append((lot.id, part))
            self._shelf.hold(lot, part)
            left -= part
            if left == 0:
                break
        hold = Hold(key, self.member_id, points, parts, now, reward, is_new=True)
        self.holds[key] = hold
        return hold

    def release(self, hold: Hold, now: datetime) -> None:
        """Lets held points go, into the lots they are of; what is owed is paid from them."""
        self._end(hold, "released", now)
        self._lapsed_at = None
        self.settle(now)

    def capture(self, hold: Hold, posting: Posting, now: datetime) -> Entry:
        """Spends what was held."""
        self._end(hold, "captured", now)
        entry = self._enter(EntryKind.REDEEM, -hold.points, posting)
        for lot_id, points in hold.parts:
            self._move(self._shelf.by_id[lot_id], -points, posting)
        return entry

    def give_back(
        self,
        allocations: Iterable[tuple[UUID, int]],
        posting: Posting,
        *,
        redeemed: UUID,
        now: datetime,
        grace_until: datetime,
        make_id: MakeId,
    ) -> Entry:
        """Brings back the points of a redemption.

        What is still owed for it is owed no more; the rest goes into the lots it came from, or,
        where their day has passed, into a new one that lives until `grace_until`.

        Args:
            allocations: Points by lot, as the redemption's entry took them; the lots have to be
                in the book.
            redeemed: The redemption's entry.
        """
        parts = [(self._shelf.by_id[lot_id], points) for lot_id, points in allocations]
        excused = [debt for debt in self.debts if debt.entry_id == redeemed and debt.remaining]
        points = sum(part for _, part in parts) + sum(debt.remaining for debt in excused)
        _check_positive(points)
        entry = self._enter(EntryKind.RETURN, points, posting)
        for debt in excused:
            debt.remaining, debt.is_changed = 0, True
        late = 0
        for lot, part in parts:
            if self._shelf.is_expired(lot, now):
                late += part
            else:
                self._move(lot, part, posting)
        if late:
            self._shelf.add(self._late_lot(late, posting, make_id(), grace_until))
        self.settle(now)
        return entry

    # --- accounts

    def hand_over(
        self, posting: Posting, *, origins: frozenset[UUID] | None = None
    ) -> tuple[Estate, Entry | None]:
        """Gives lots, debts and holds away, with their own dates, for `take_over`.

        Args:
            origins: Only what was earned on these accounts (to undo a merge); None for all.

        Returns:
            The entry is None where the points given and the debts are equal.
        """

        def goes(origin: UUID | None) -> bool:
            return origins is None or (origin or self.member_id) in origins

        lots = tuple(lot for lot in self.lots if goes(lot.origin_id))
        debts = tuple(debt for debt in self.debts if goes(debt.origin_id))
        holds = tuple(self.holds.values()) if origins is None else ()
        points = sum(lot.remaining for lot in lots) - sum(debt.remaining for debt in debts)
        entry = self._enter(EntryKind.TRANSFER, -points, posting) if points else None
        self._shelf.forget(lots)
        self.debts = [debt for debt in self.debts if debt not in debts]
        self.holds = {} if origins is None else self.holds
        return Estate(self.member_id, points, lots, debts, holds, origins), entry

    def take_over(self, estate: Estate, posting: Posting, *, now: datetime) -> Entry | None:
        """Receives what another account gave; what either owes is paid from what there is."""
        entry = None
        if estate.points:
            entry = self._enter(EntryKind.TRANSFER, estate.points, posting)
        for lot in estate.lots:
            lot.origin_id = lot.origin_id or estate.source
            lot.member_id = self.member_id
            self._shelf.add(lot)
        for debt in estate.debts:
            debt.origin_id = debt.origin_id or estate.source
            debt.member_id = self.member_id
            self.debts.append(debt)
        for hold in estate.holds:
            hold.member_id = self.member_id
            self.holds[hold.key] = hold
        self.moves.append(Move(estate.source, self.member_id, estate.origins))
        self._lapsed_at = None
        self.settle(now)
        return entry

    def forfeit(self, posting: Posting, now: datetime) -> Entry | None:
        """Ends the account: holds are let go, points are lost, debts are forgiven."""
        for hold in list(self.holds.values()):
            if hold.state == "held":
                self._end(hold, "released", now)
        for debt in self.debts:
            self._pay(debt, [lot for lot in self.lots if lot.free], now)
        entry = self._enter(EntryKind.FORFEIT, -self.total, posting) if self.total else None
        for lot in self.lots:
            if lot.remaining:
                self._move(lot, -lot.remaining, posting)
        for debt in self.debts:
            if debt.remaining:
                debt.remaining, debt.is_changed = 0, True
        return entry

    # --- how it is done

    def _spend(self, kind: EntryKind, points: int, posting: Posting, now: datetime) -> Entry:
        entry = self._enter(kind, -points, posting)
        short = points - self._take(points, self._shelf.usable(now), posting)
        if short:
            self._owe(short, posting)
        return entry

    def _end(self, hold: Hold, state: Literal["captured", "released"], now: datetime) -> None:
        if hold.state != "held":
            raise ValueError(f"the hold is {hold.state} already")
        hold.state, hold.ended_at, hold.is_changed = state, now, True
        for lot_id, points in hold.parts:
            self._shelf.hold(self._shelf.by_id[lot_id], -points)

    def _late_lot(self, points: int, posting: Posting, lot_id: UUID, until: datetime) -> Lot:
        return Lot(
            id=lot_id,
            member_id=self.member_id,
            entry_id=posting.entry_id,
            sale="",
            points=points,
            remaining=points,
            available_at=posting.occurred_at,
            expires_at=until,
            earned_at=posting.occurred_at,
            origin_id=posting.origin_id or self.member_id,
            is_new=True,
        )


def _check_positive(points: int) -> None:
    if points <= 0:
        raise ValueError("points that move are positive")

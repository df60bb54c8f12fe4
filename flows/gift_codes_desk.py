"""Books the points of gift codes: each as often as it may be used, and nothing for guesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from flows.clerk import Clerk
from flows.closings import refused
from flows.redemptions_desk import NOBODY
from loyalty.events import EventType, GiftCodeUse
from loyalty.gift_codes import (
    GUESSES,
    GiftCode,
    Guard,
    guard_of_member,
    guard_of_origin,
    is_mistyped,
    readings,
    refusal,
)
from loyalty.store.gift_codes import CodeBook
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member


class GiftCodesDesk(Clerk):
    """Looks a code up, books what it is worth, and lets rules add to it."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {EventType.GIFT_CODE_REDEEMED: self._typed}

    def _typed(self, item: Claimed) -> Closing:
        member, book = self.work.member(item), self.work.gift_codes
        if member is None:
            return refused(item, NOBODY, code="unknown_member")
        if book is None:
            return self._rehearse(item, member)
        guards = self._guards(item, member, book)
        locked = [one.lock_at(self.terms.now) for one in guards]
        until = max((one for one in locked if one is not None), default=None)
        if until is not None:
            reason = f"too many wrong codes: even a right one is refused until {until}"
            return refused(item, reason, code="too_many_attempts", member=member)
        found = self._find(item.event.data, book)
        if isinstance(found, GiftCode):
            return self._use(item, member, found, book)
        return self._guessed(item, member, found, guards)

    def _guards(self, item: Claimed, member: Member, book: CodeBook) -> list[Guard]:
        origin = item.event.data.origin
        keys = [guard_of_member(member.id), *([guard_of_origin(origin)] if origin else [])]
        return [book.guard(key) for key in keys]

    def _find(self, typed: GiftCodeUse, book: CodeBook) -> GiftCode | tuple[str, str]:
        for reading in readings(typed.code, book.shapes):
            if reading in book.codes:
                return book.codes[reading]
        if is_mistyped(typed.code, book.shapes):
            return "code_mistyped", "there is a slip in this code: compare it with the card"
        return "code_unknown", "there is no such code"

    def _guessed(
        self, item: Claimed, member: Member, found: tuple[str, str], guards: Sequence[Guard]
    ) -> Closing:
        policy = self.terms.programme.gift_codes
        most = (policy.max_failures, policy.max_failures_per_address)
        code, reason = found
        assert code in GUESSES
        for guard, limit in zip(guards, most, strict=False):
            lock = timedelta(minutes=policy.lock_minutes)
            guard.fail(self.terms.now, most=limit, lock=lock)
        return refused(item, reason, code=code, member=member)

    def _use(self, item: Claimed, member: Member, code: GiftCode, book: CodeBook) -> Closing:
        at = item.event.time
        no = refusal(code, book.uses(code, member.id), at, self.terms.zone)
        if no is not None:
            return refused(item, no[1], code=no[0], member=member)
        origin = self.work.origin_of.get(item.id, member.id)
        book.use(code, member.id, member_id=origin, event_id=item.id, at=self.terms.now)
        known = {"batch": code.batch, "points": code.points}
        return self._book(item, member, item.event.data.model_copy(update=known), code.shown)

    def _rehearse(self, item: Claimed, member: Member) -> Closing:
        """Where no store stands behind the books, a code is what it turned out to be back then."""
        data: GiftCodeUse = item.event.data
        if not data.points:
            return refused(item, "the code was refused", code="code_unknown", member=member)
        return self._book(item, member, data, data.code)

    def _book(self, item: Claimed, member: Member, data: GiftCodeUse, shown: str) -> Closing:
        case = self.case(item, member, data=data)
        posting = replace(
            self.posting(case, "", verb="gift_code", counts_at=item.event.time),
            reason=f"gift code {shown} ({data.batch})",
        )
        self.earn(case, data.points, posting, earned_at=item.event.time)
        self.award(case)
        case.extra["gift_code"] = {"batch": data.batch, "points": data.points}
        return self.conclude(case, data)

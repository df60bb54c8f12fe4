"""Books rewards of the catalogue: asked for, issued, failed, used, expired, voided.

The points are held when a member asks; they are spent once the shop has issued the reward, and
free again where it never will. What became of the shop's delivery is read from its row and not
from the event that tells of it, so that an event that comes twice, late or out of turn books
what is true.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from pydantic import ValidationError

from flows import reward_issuing, reward_messages
from flows.announcing import planned
from flows.clerk import Case, Clerk
from flows.closings import done, refused
from flows.redemptions_desk import NOBODY, give_back, give_back_spent, note_spent
from loyalty.catalogue import Asker, cost_of, why_not, worth_of
from loyalty.events import EventType, RewardRequest, RewardStep
from loyalty.expiry import end_of_local_day
from loyalty.points import Hold
from loyalty.sales import sale_key
from loyalty.store.catalogue import CatalogueItem
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.store.rewards import Reward, next_reminder

USED_AFTER_END = "reward_used_after_end"
"""The alert for a code that was used although its points went back to the member."""
STILL_IN_SHOP = "reward_code_still_in_shop"
"""The alert for a voided code that the shop could not be asked to disable."""


class RewardsDesk(Clerk):
    """Keeps what members get for their points."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.REWARD_REQUESTED: self._requested,
            EventType.REWARD_ISSUED: self._of_a_reward(self._settled),
            EventType.REWARD_FAILED: self._of_a_reward(self._settled),
            EventType.REWARD_USED: self._of_a_reward(self._used),
            EventType.REWARD_EXPIRED: self._of_a_reward(self._expired),
            EventType.REWARD_VOIDED: self._of_a_reward(self._voided),
        }

    def _of_a_reward(
        self, book: Callable[[Claimed, Member, Reward], Closing]
    ) -> Callable[[Claimed], Closing]:
        """Finds the member and the reward that an event is about."""

        def handle(item: Claimed) -> Closing:
            step: RewardStep = item.event.data
            member = self.work.member(item)
            reward = self.work.papers.rewards.known.get(UUID(step.reward_id))
            if member is None or reward is None:
                return refused(item, "there is no such reward", code="unknown_reward")
            return book(item, member, reward)

        return handle

    # --- asked for

    def _requested(self, item: Claimed) -> Closing:
        asked: RewardRequest = item.event.data
        member = self.work.member(item)
        if member is None:
            return refused(item, NOBODY, code="unknown_member")
        papers = self.work.papers.rewards
        found = papers.items.get(asked.item)
        if found is None:
            reason = f"there is no reward {asked.item!r} in the catalogue"
            return refused(item, reason, code="unknown_reward", member=member)
        refusal = why_not(
            found.item,
            self._asker(member),
            taken=papers.taken.of(asked.item, member.id),
            at=item.event.time,
            amount=asked.amount,
        )
        if refusal is not None:
            return refused(item, refusal.words, code=refusal.code, member=member)
        return self._take(item, member, found)

    def _asker(self, member: Member) -> Asker:
        available = self.work.book(member).available(self.terms.now)
        return Asker(
            available, member.tier, member.state == "enrolled" and member.blocked_at is None
        )

    def _take(self, item: Claimed, member: Member, found: CatalogueItem) -> Closing:
        """Holds the points and asks the shop; neither where the shop could not take it."""
        papers, now = self.work.papers, self.terms.now
        reward = self._reward(item, member, found)
        route = reward_issuing.route_for(reward, self.terms)
        reward.store = found.item.connection or route.slug
        customer = papers.rewards.customers.get((member.id, route.slug), "")
        try:
            delivery = reward_issuing.issue(
                reward, member, route, self.terms, event_id=item.id, customer_id=customer
            )
        except ValidationError as error:
            reason = f"{route.slug or 'the shop'} could not issue it: {_told(error)}"
            return refused(item, reason, code="cannot_issue", member=member)
        case = self.case(item, member)
        hold = self.work.book(member).hold(reward.hold_key, reward.points, now, found.item.id)
        assert hold is not None, "why_not has looked whether there are enough"
        papers.holds[hold.key] = hold
        reward.delivery_id = delivery.id
        papers.rewards.new.append(reward)
        papers.rewards.taken.add(reward.item_id, member.id)
        self.work.deliveries.append(delivery)
        case.extra["reward"] = str(reward.id)
        return self.conclude(case)

    def _reward(self, item: Claimed, member: Member, found: CatalogueItem) -> Reward:
        asked: RewardRequest = item.event.data
        kind, now, days = found.item.kind, self.terms.now, found.item.valid_days
        expires_at = None if days is None else end_of_local_day(now, self.terms.zone, days=days)
        return Reward(
            id=new_id(now),
            request_key=item.event.key,
            member_id=member.id,
            item_id=found.item.id,
            item_version=found.version,
            terms=found.item,
            points=cost_of(found.item, asked.amount),
            state="held",
            requested_at=item.event.time,
            value=worth_of(found.item, asked.amount),
            currency=self.terms.programme.currency,
            code=reward_issuing.code_for(kind, found.item.code_prefix),
            expires_at=expires_at,
        )

    # --- what the shop made of it

    def _settled(self, item: Claimed, member: Member, reward: Reward) -> Closing:
        papers = self.work.papers.rewards
        if reward.state != "held":
            reason = f"the reward is {reward.state} already"
            return done(item, member, reason, code=f"already_{reward.state}")
        ending = papers.endings.get(reward.id, "open")
        if ending == "open":
            reward.tries += 1
            papers.change(reward)
            reason = "its delivery is being tried again: this goes on when that has ended"
            return done(item, member, reason, code="tried_again")
        hold = self._hold(member, reward)
        if hold is None:
            reason = "its points are not held any more: look at the member's history"
            return refused(item, reason, code="unknown_hold", member=member)
        case = self.case(item, member)
        if ending == "gone":
            step: RewardStep = item.event.data
            return self._fail(case, reward, hold, step.reason)
        return self._issue(case, reward, hold)

    def _hold(self, member: Member, reward: Reward) -> Hold | None:
        return self.work.book(member).holds.get(reward.hold_key)

    def _issue(self, case: Case, reward: Reward, hold: Hold) -> Closing:
        self._capture(case, reward, hold)
        if reward.void is None:
            self._tell(case, reward)
            return self.conclude(case)
        alerts = self._end(case, reward)
        return self.conclude(case, alerts=alerts)

    def _tell(self, case: Case, reward: Reward) -> None:
        """Tells the member the code, as far as the gate lets it."""
        if reward.code:
            told = reward_messages.of_issuing(reward, case.member, event_id=case.item.id)
            self.work.deliveries.append(planned(self.terms.planner, told, self.work.known))

    def _capture(self, case: Case, reward: Reward, hold: Hold) -> None:
        """Spends what was held: the member has the reward from now on."""
        now, papers = self.terms.now, self.work.papers.rewards
        posting = self.posting(case, "", verb="capture", reason=reward.terms.name_in(""))
        entry = self.work.book(case.member).capture(hold, posting, now)
        spent = note_spent(self, case, reward.hold_key, entry, reward=reward.item_id)
        papers.spent[reward.id] = spent
        reward.state, reward.issued_at = "issued", now
        reward.store = reward.store or papers.shops.get(reward.id, "")
        reward.remind_at = next_reminder(reward.terms, reward.expires_at, after=now)
        papers.change(reward)

    def _fail(self, case: Case, reward: Reward, hold: Hold, reason: str) -> Closing:
        self._release(case.member, hold)
        reward.state = "voided" if reward.void is not None else "failed"
        reward.reason, reward.ended_at = reason, self.terms.now
        self.work.papers.rewards.change(reward)
        self._disable_leftover(case, reward)
        return self.conclude(case)

    def _release(self, member: Member, hold: Hold) -> None:
        book, now = self.work.book(member), self.terms.now
        book.release(hold, now)
        book.lapse(now, lambda: new_id(now))

    def _disable_leftover(self, case: Case, reward: Reward) -> None:
        """After an attempt whose answer was lost the code may be there, though nobody knows it."""
        if reward.id in self.work.papers.rewards.begun:
            self._disable(case, reward, reason="given up")

    def _disable(self, case: Case, reward: Reward, *, reason: str) -> bool:
        delivery = reward_issuing.end(reward, self.terms, event_id=case.item.id, reason=reason)
        if delivery is None:
            return False
        self.work.deliveries.append(delivery)
        reward.disable_id = delivery.id
        return True

    # --- used

    def _used(self, item: Claimed, member: Member, reward: Reward) -> Closing:
        step: RewardStep = item.event.data
        order = sale_key(item.event.store, step.order_id) if step.order_id else ""
        if reward.state == "used":
            code = "already_used" if order in ("", reward.used_on) else "used_twice"
            return done(
                item, member, f"it was used already on {reward.used_on or 'a sale'}", code=code
            )
        case = self.case(item, member)
        hold = self._hold(member, reward) if reward.state == "held" else None
        if hold is not None:
            # An order carries the code: it is in the shop, whatever became of the answer.
            self._capture(case, reward, hold)
        if reward.state in ("issued", "expired") and not reward.is_returned:
            self._note_used(case, reward, order)
            return self.conclude(case)
        reward.used_on, reward.used_at = order, item.event.time
        self.work.papers.rewards.change(reward)
        return self.conclude(case, alerts=[USED_AFTER_END])

    def _note_used(self, case: Case, reward: Reward, order: str) -> None:
        papers, at = self.work.papers, case.item.event.time
        reward.state, reward.used_on, reward.used_at = "used", order, at
        reward.ended_at, reward.remind_at = self.terms.now, None
        papers.rewards.change(reward)
        spent = papers.rewards.spent.get(reward.id)
        if not order or spent is None:
            return
        spent.used_on = order
        if spent not in papers.redeemed:
            papers.rewards.used_on[spent.key] = order
            papers.used_on.setdefault(order, []).append(spent)
        sale = next((one for one in self.work.sales.values() if one.key == order), None)
        if sale is not None and not sale.is_counted and (sale.is_cancelled or sale.refunds):
            case.extra["returned"] = give_back_spent(self, case, sale)

    # --- not used

    def _expired(self, item: Claimed, member: Member, reward: Reward) -> Closing:
        if reward.state != "expired":
            reason = f"the reward is {reward.state}"
            return done(item, member, reason, code=f"already_{reward.state}")
        case = self.case(item, member)
        if reward.terms.returns_on_expiry:
            self._give_back(case, reward)
        return self.conclude(case)

    def _give_back(self, case: Case, reward: Reward) -> None:
        spent = self.work.papers.rewards.spent.get(reward.id)
        if spent is None or spent.state != "spent" or reward.is_returned:
            return
        case.extra["returned"] = give_back(self, case, spent)
        reward.is_returned = True
        if spent not in self.work.papers.redeemed:
            self.work.papers.returned.append(spent.key)
        self.work.papers.rewards.change(reward)

    # --- voided

    def _voided(self, item: Claimed, member: Member, reward: Reward) -> Closing:
        step: RewardStep = item.event.data
        if reward.void is not None or reward.state not in ("held", "issued"):
            state = "voided" if reward.void is not None else reward.state
            return done(item, member, f"the reward is {state} already", code=f"already_{state}")
        reward.void = {"by": step.by, "reason": step.reason, "gives_back": step.gives_back}
        self.work.papers.rewards.change(reward)
        case = self.case(item, member)
        if reward.state == "issued":
            return self.conclude(case, alerts=self._end(case, reward))
        return self._void_held(case, reward)

    def _void_held(self, case: Case, reward: Reward) -> Closing:
        """What was not issued yet is called off, or voided as soon as it is known to be there."""
        ending = self.work.papers.rewards.endings.get(reward.id, "open")
        hold = self._hold(case.member, reward)
        if hold is not None and ending == "gone":
            return self._fail(case, reward, hold, _reason(reward))
        if hold is not None and ending == "sent":
            return self._issue(case, reward, hold)
        case.extra["waits"] = "it is on its way to the shop: voided as soon as that has ended"
        return self.conclude(case)

    def _end(self, case: Case, reward: Reward) -> list[str]:
        """Ends a reward that was issued; the alerts that this needs."""
        assert reward.void is not None
        reward.state, reward.reason = "voided", _reason(reward)
        reward.ended_at, reward.remind_at = self.terms.now, None
        self.work.papers.rewards.change(reward)
        if reward.void["gives_back"]:
            self._give_back(case, reward)
        is_disabled = self._disable(case, reward, reason=reward.reason)
        return [] if is_disabled or not reward.code else [STILL_IN_SHOP]


def _reason(reward: Reward) -> str:
    assert reward.void is not None
    by, why = reward.void["by"], reward.void["reason"]
    return f"voided by {by or 'the team'}" + (f": {why}" if why else "")


def _told(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])

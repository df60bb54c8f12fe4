"""Books rewards of the catalogue that are asked for, issued by the shop, or never will be.

The points are held when a member asks; they are spent once the shop has issued the reward, and
free again where it never will. What became of the shop's delivery is read from its row and not
from the event that tells of it, so that an event that comes twice, late or out of turn books
what is true.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from flows import reward_issuing
from flows.closings import done, refused
from flows.redemptions_desk import NOBODY
from flows.reward_clerk import RewardClerk
from loyalty.catalogue import Asker, cost_of, why_not, worth_of
from loyalty.events import EventType, RewardRequest, RewardStep
from loyalty.expiry import end_of_local_day
from loyalty.store.catalogue import CatalogueItem
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.store.rewards import Reward


class RewardsDesk(RewardClerk):
    """Gives members what they want for their points, and takes the points for it."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.REWARD_REQUESTED: self._requested,
            EventType.REWARD_ISSUED: self._of_a_reward(self._settled),
            EventType.REWARD_FAILED: self._of_a_reward(self._settled),
        }

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
        return self.close_case(case)

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


def _told(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])

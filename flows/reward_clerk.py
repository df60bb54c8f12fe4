"""What all the steps of a reward share: its hold, what is spent on it, and what undoes both."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flows import reward_ending, reward_messages
from flows.announcing import planned
from flows.clerk import Case, Clerk
from flows.closings import refused
from flows.redemptions_desk import give_back, note_spent
from loyalty.catalogue import RewardKind
from loyalty.events import RewardStep
from loyalty.points import Hold
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.store.reward_issuings import Issuing
from loyalty.store.rewards import Reward, next_reminder

STILL_IN_SHOP = "reward_code_still_in_shop"
"""The alert for a voided code or credit that the shop could not be asked to end."""


class RewardClerk(Clerk):
    """Lends the desks of rewards what they do to points and codes."""

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

    def _hold(self, member: Member, reward: Reward) -> Hold | None:
        return self.work.book(member).holds.get(reward.hold_key)

    def _issue(self, case: Case, reward: Reward, hold: Hold) -> Closing:
        self._capture(case, reward, hold)
        if reward.void is None:
            self._tell(case, reward)
            return self.close_case(case)
        alerts = self._end(case, reward)
        return self.close_case(case, alerts=alerts)

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
        return self.close_case(case)

    def _release(self, member: Member, hold: Hold) -> None:
        book, now = self.work.book(member), self.terms.now
        book.release(hold, now)
        book.lapse(now, lambda: new_id(now))

    def _disable_leftover(self, case: Case, reward: Reward) -> None:
        """After an attempt whose answer was lost the code may be there, though nobody knows it.

        Credit is not: where nobody knows, its delivery stays open until a person has said it.
        """
        is_code = reward.terms.kind is not RewardKind.STORE_CREDIT
        if is_code and reward.id in self.work.papers.rewards.begun:
            self._disable(case, reward, reason="given up")

    def _disable(self, case: Case, reward: Reward, *, reason: str) -> bool:
        issuing = self.work.papers.rewards.issuing.get(reward.id, Issuing())
        delivery = reward_ending.end(
            reward, issuing, self.terms, event_id=case.item.id, reason=reason
        )
        if delivery is None:
            return False
        self.work.deliveries.append(delivery)
        reward.disable_id = delivery.id
        return True

    def _give_back(self, case: Case, reward: Reward) -> None:
        spent = self.work.papers.rewards.spent.get(reward.id)
        if spent is None or spent.state != "spent" or reward.is_returned:
            return
        case.extra["returned"] = give_back(self, case, spent)
        reward.is_returned = True
        if spent not in self.work.papers.redeemed:
            self.work.papers.returned.append(spent.key)
        self.work.papers.rewards.change(reward)

    def _end(self, case: Case, reward: Reward) -> list[str]:
        """Ends a reward that was issued; the alerts that this needs."""
        assert reward.void is not None
        reward.state, reward.reason = "voided", reason_of(reward)
        reward.ended_at, reward.remind_at = self.terms.now, None
        self.work.papers.rewards.change(reward)
        if reward.void["gives_back"]:
            self._give_back(case, reward)
        is_disabled = self._disable(case, reward, reason=reward.reason)
        is_there = bool(reward.code) or reward.terms.kind is RewardKind.STORE_CREDIT
        return [STILL_IN_SHOP] if is_there and not is_disabled else []


def reason_of(reward: Reward) -> str:
    """Who voided it, and why, in a sentence."""
    assert reward.void is not None
    by, why = reward.void["by"], reward.void["reason"]
    return f"voided by {by or 'the team'}" + (f": {why}" if why else "")

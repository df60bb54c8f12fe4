"""Books how rewards end: used on an order or handed out, expired, taken back by the team."""

from __future__ import annotations

from collections.abc import Callable

from flows.clerk import Case
from flows.closings import done
from flows.redemptions_desk import give_back_spent
from flows.reward_clerk import RewardClerk, reason_of
from loyalty.events import EventType, RewardStep
from loyalty.sales import sale_key
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.store.rewards import Reward

USED_AFTER_END = "reward_used_after_end"
"""The alert for a code that was used although its points went back to the member."""


class RewardEndsDesk(RewardClerk):
    """Ends rewards, each once."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.REWARD_USED: self._of_a_reward(self._used),
            EventType.REWARD_EXPIRED: self._of_a_reward(self._expired),
            EventType.REWARD_VOIDED: self._of_a_reward(self._voided),
        }

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
            return self.close_case(case)
        reward.used_on, reward.used_at = order, item.event.time
        self.work.papers.rewards.change(reward)
        return self.close_case(case, alerts=[USED_AFTER_END])

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
        return self.close_case(case)

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
            return self.close_case(case, alerts=self._end(case, reward))
        return self._void_held(case, reward)

    def _void_held(self, case: Case, reward: Reward) -> Closing:
        """What was not issued yet is called off, or voided as soon as it is known to be there."""
        ending = self.work.papers.rewards.endings.get(reward.id, "open")
        hold = self._hold(case.member, reward)
        if hold is not None and ending == "gone":
            return self._fail(case, reward, hold, reason_of(reward))
        if hold is not None and ending == "sent":
            return self._issue(case, reward, hold)
        case.extra["waits"] = "it is on its way to the shop: voided as soon as that has ended"
        return self.close_case(case)

"""Books what members do besides buying: reviews, visits, shares, as far as rules reward it."""

from __future__ import annotations

from collections.abc import Callable

from flows.clerk import Clerk
from flows.closings import refused, waits_for_person
from flows.redemptions_desk import NOBODY
from loyalty.contacts import normal_email, normal_phone
from loyalty.events import EventType
from loyalty.store.inbox import Claimed, Closing


class ActivitiesDesk(Clerk):
    """Asks the rules what an activity is worth; one that a limit bars is refused."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {EventType.ACTIVITY_REPORTED: self._reported}

    def _reported(self, item: Claimed) -> Closing:
        member, activity = self.work.member(item), item.event.data
        if member is None:
            return self._nobody(item)
        case = self.case(item, member)
        self.award(case)
        rewarding = {award.rule for award in case.decision.awards if award.points > 0}
        if rewarding and rewarding <= case.withheld:
            by = ", ".join(sorted({str(one["capped_by"]) for one in case.bitten}))
            reason = f"{activity.name} is rewarded only so often, and that was reached: {by}"
            return refused(item, reason, code="limit_reached", member=member)
        return self.conclude(case)

    def _nobody(self, item: Claimed) -> Closing:
        customer = item.event.data.customer
        address = None
        if customer is not None:
            address = normal_email(customer.email) or normal_phone(customer.phone, customer.country)
        if address is None:
            return refused(item, NOBODY, code="unknown_member")
        return waits_for_person(item, address, "nobody is known under this address yet")

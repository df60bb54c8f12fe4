"""What a shop is asked to do for a reward that was voided: to end it there, as far as it can."""

from __future__ import annotations

from pydantic import ValidationError

from connectors.kit.action import Capability, Payload
from connectors.kit.capabilities import CouponEnd, GiftCardEnd, StoreCreditEnd
from flows.offers import CAPABILITY_OF_REWARD
from flows.reward_issuing import delivery_for
from flows.terms import Terms
from loyalty.catalogue import RewardKind
from loyalty.store.deliveries import Delivery
from loyalty.store.reward_issuings import Issuing
from loyalty.store.rewards import Reward

END_OF: dict[Capability, Capability] = {
    Capability.COUPON: Capability.COUPON_END,
    Capability.GIFT_CARD: Capability.GIFT_CARD_END,
    Capability.STORE_CREDIT: Capability.STORE_CREDIT_END,
}
"""What ends what was issued. A ticket is a person's affair, and so is its end."""


def end(
    reward: Reward, issuing: Issuing, terms: Terms, *, event_id: int, reason: str
) -> Delivery | None:
    """The delivery that ends the reward in the shop; None where the shop cannot be asked to."""
    capability = END_OF.get(CAPABILITY_OF_REWARD[reward.terms.kind])
    if capability is None:
        return None
    route = terms.planner.directory.route(capability, terms.programme, reward.store)
    payload = _payload(reward, issuing, reason) if route.action else None
    if payload is None:
        return None
    return delivery_for(
        reward, route, terms, capability=capability, payload=payload, verb="end", event=event_id
    )


def _payload(reward: Reward, issuing: Issuing, reason: str) -> Payload | None:
    """None where it is not known (any more) what was issued, or to whom."""
    match reward.terms.kind:
        case RewardKind.GIFT_CARD:
            return GiftCardEnd(
                code=reward.code,
                issued_id=issuing.vendor_id,
                issued_by=issuing.key,
                reason=reason[:200],
            )
        case RewardKind.STORE_CREDIT:
            return _credit(issuing, reason)
    return CouponEnd(code=reward.code, reason=reason[:200]) if reward.code else None


def _credit(issuing: Issuing, reason: str) -> StoreCreditEnd | None:
    fields = ("email", "phone", "customer_id", "external_id", "amount", "currency")
    said = {name: value for name, value in (issuing.input or {}).items() if name in fields}
    try:
        return StoreCreditEnd(**said, issued_id=issuing.vendor_id, reason=reason[:500])
    except ValidationError:
        # A person who was forgotten: what was sent for them is forgotten, too.
        return None

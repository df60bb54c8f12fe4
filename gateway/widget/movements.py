"""Every movement of a member's points in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.widget.wording import Wording
from loyalty.store.statements import Movement

_FOR_EVENT = {
    "customer.created": "movement_sign_up",
    "milestone.reached": "movement_milestone",
    "birthday.due": "movement_birthday",
    "anniversary.due": "movement_anniversary",
}
_FOR_FAMILY = {
    "gift_code": "movement_gift_code",
    "referral": "movement_referral",
    "invitation": "movement_campaign",
    "campaign": "movement_campaign",
}


def told(
    movements: Sequence[Movement], titles: Mapping[str, str], wording: Wording
) -> list[dict[str, Any]]:
    """The movements for the page.

    Args:
        titles: What the rules are called, by id.
    """
    return [
        {
            "id": str(one.id),
            "text": in_words(one, titles, wording),
            "points": one.points,
            "at": one.occurred_at.isoformat(),
        }
        for one in movements
    ]


def in_words(movement: Movement, titles: Mapping[str, str], wording: Wording) -> str:
    """What a movement was, for the member it belongs to."""
    rule = titles.get(movement.rule, "")
    order = movement.sale.rpartition(":")[2]
    match movement.kind:
        case "earn":
            return _earned(movement, rule, order, wording)
        case "adjust" if movement.reason:
            return wording.say("movement_adjust_reason", reason=movement.reason)
        case "redeem" if movement.reward:
            return wording.say("movement_redeem_reward", reward=movement.reward)
        case kind if wording.knows(f"movement_{kind}"):
            return wording.say(f"movement_{kind}", order=order)
        case kind:
            return kind.replace("_", " ")


def _earned(movement: Movement, rule: str, order: str, wording: Wording) -> str:
    if order:
        key = "movement_order_rule" if rule else "movement_order"
        return wording.say(key, order=order, rule=rule)
    if rule:
        return wording.say("movement_rule", rule=rule)
    family = movement.event_type.partition(".")[0]
    known = _FOR_EVENT.get(movement.event_type) or _FOR_FAMILY.get(family)
    return wording.say(known or "movement_earn")

"""Movements of points in words, for the people of the team."""

from __future__ import annotations

from loyalty.store.member_records import Movement

_FOR_EVENT = {
    "customer.created": "for signing up",
    "milestone.reached": "for reaching a milestone",
    "birthday.due": "for a birthday",
    "anniversary.due": "for an anniversary",
    "gift_code.redeemed": "for a gift code",
    "activity.reported": "for an activity",
}

_KINDS = {
    "reverse": "Taken back",
    "restore": "Given again",
    "return": "Spent points came back",
    "expire": "Expired",
    "write_off": "Let off: a refund could not take them",
    "transfer": "Moved between accounts that were joined or parted",
    "forfeit": "Ended with the account",
}


def in_words(one: Movement) -> str:
    """What a movement was: `Earned with order 1001 by the rule points-per-currency`."""
    order = one.sale.rpartition(":")[2]
    match one.kind:
        case "earn":
            what = f"with order {order}" if order else _FOR_EVENT.get(one.event_type, "")
            rule = f"by the rule {one.rule}" if one.rule else ""
            return " ".join(part for part in ("Earned", what, rule) if part)
        case "adjust" if one.asked_by or one.asked_for:
            by = f" by {one.asked_by}" if one.asked_by else ""
            why = f": {one.asked_for}" if one.asked_for else ""
            return f"{'Given' if one.points > 0 else 'Taken'} by hand{by}{why}"
        case "redeem":
            return f"Spent on {one.reward}" if one.reward else "Spent"
        case kind:
            what = _KINDS.get(kind, kind.replace("_", " ").capitalize())
            return f"{what}, order {order}" if order else what

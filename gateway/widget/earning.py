"""The ways to earn points: each rule in force that gives members something, in their words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.widget.wording import Wording
from loyalty.events import EventType
from loyalty.programme import Programme
from loyalty.sites import Site
from rules.actions import AwardPoints, Earn, Multiply
from rules.document import RuleDocument
from rules.shown import Shown, in_language

_GIVES = ("earn", "award", "multiply", "issue_reward")
_ORDERS = (EventType.ORDER_PAID, EventType.PAYMENT_COMPLETED)
MOST = 100


def ways_to_earn(
    rules: Iterable[RuleDocument],
    programme: Programme,
    site: Site,
    wording: Wording,
    *,
    now: datetime,
) -> list[dict[str, Any]]:
    """The rules that a member can earn by now, the most important first.

    A rule for some members only is told where it says itself how (`shown`).
    """
    told = (rule for rule in rules if _is_told(rule, now))
    return [_way(rule, programme, site, wording) for rule in told][:MOST]


def title_of(rule: RuleDocument, language: str) -> str:
    """What a rule is called towards its members."""
    shown = rule.shown or Shown()
    return in_language(shown.title, language) or rule.description.rstrip(".") or _spoken(rule.id)


def _is_told(rule: RuleDocument, now: datetime) -> bool:
    gives = any(action.given[0] in _GIVES for action in rule.then)
    is_over = rule.ends is not None and rule.ends <= now
    is_for_all = rule.audience is None and rule.holdout is None
    is_hidden = rule.shown is not None and rule.shown.hidden
    return (
        rule.enabled
        and gives
        and not is_over
        and not is_hidden
        and (is_for_all or rule.shown is not None)
    )


def _way(rule: RuleDocument, programme: Programme, site: Site, wording: Wording) -> dict[str, Any]:
    shown = rule.shown or Shown()
    kind = _button_kind(rule)
    label = in_language(shown.button, wording.language) or wording.say(kind)
    href = _leads_to(rule, shown, site)
    is_joining = kind == "button_sign_up" and not href
    return {
        "id": rule.id,
        "title": title_of(rule, wording.language),
        "text": in_language(shown.text, wording.language),
        "worth": _worth(rule, programme, wording),
        "starts": rule.starts.isoformat() if rule.starts else None,
        "ends": rule.ends.isoformat() if rule.ends else None,
        "button": {"label": label, "href": href} if href or is_joining else None,
    }


def _button_kind(rule: RuleDocument) -> str:
    if rule.on[0] in _ORDERS:
        return "button_order"
    return "button_sign_up" if rule.on[0] is EventType.CUSTOMER_CREATED else "button_go"


def _leads_to(rule: RuleDocument, shown: Shown, site: Site) -> str:
    """Where the button leads; empty where it leads nowhere (a birthday comes by itself)."""
    if shown.page:
        return site.page(shown.page)
    if rule.on[0] in _ORDERS:
        return site.page("shop") or site.home
    return site.page("sign_up") if rule.on[0] is EventType.CUSTOMER_CREATED else ""


def _worth(rule: RuleDocument, programme: Programme, wording: Wording) -> str:
    """What it brings, in words; empty where that depends on more than a number.

    Written here and not in the browser: there, making the first `Intl.NumberFormat` takes 25 ms
    and more of the time between the click and a panel that works.
    """
    for action in rule.then:
        body = action.given[1]
        match body:
            case Earn():
                amount = wording.money(body.per, programme.currency)
                return wording.say("per", points=wording.points(body.points), amount=amount)
            case AwardPoints() if _is_number(body.points):
                return wording.points(Decimal(body.points))
            case Multiply() if _is_number(body.by):
                return wording.say("times", factor=wording.number(Decimal(body.by)))
    return ""


def _is_number(expression: str) -> bool:
    try:
        return Decimal(expression).is_finite()
    except InvalidOperation:
        return False


def _spoken(id: str) -> str:
    return id.replace("-", " ").capitalize()

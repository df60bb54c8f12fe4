"""The settings of a scenario written out as the rules that operations would publish."""

from __future__ import annotations

import re
from typing import Any

from deployments.scenario.settings import EarnFilter, Flat, Multiplier, Settings, Written
from deployments.scenario.texts import FAN_OUT
from loyalty.policies import TierPlan

SALES = ["order.paid", "payment.completed"]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EARNING = "earning"
NOTICE = "notice-"
"""Begins the ids of the rules that send the programme's own messages."""


def documents_of(settings: Settings) -> list[dict[str, Any]]:
    """Every rule of the settings: what orders earn, their own rules, days, actions, messages."""
    found = [*_earning(settings), *_rules(settings), *_occasions(settings)]
    return [*found, *_actions(settings), *_notices(settings), *_fan_outs(settings)]


def slug(name: str) -> str:
    """A name as a rule's id: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "rule"


def id_of(rule: Any) -> str:
    """The id that the file gives a rule."""
    return str(rule.rule.id if isinstance(rule, Written) else rule.id)


def _earning(settings: Settings) -> list[dict[str, Any]]:
    earn = settings.earn
    if not earn.points:
        return []
    body = {"points": str(earn.points), "per": str(earn.per), "steps": earn.steps}
    return [{"id": EARNING, "on": SALES, "then": [{"earn": body}]}]


def _rules(settings: Settings) -> list[dict[str, Any]]:
    return [found for rule in settings.rules if (found := _rule(rule)) is not None]


def _rule(rule: EarnFilter | Multiplier | Flat | Written) -> dict[str, Any] | None:
    if isinstance(rule, Written):
        return rule.rule.plain()
    # Tags and lines are of orders; a payment at a till has none.
    document: dict[str, Any] = {"id": slug(rule.id), "on": ["order.paid"], "when": []}
    if rule.weekdays:
        document["days"] = [WEEKDAYS[day - 1] for day in rule.weekdays]
    if rule.min_amount is not None:
        document["when"].append(f"order.eligible >= {rule.min_amount}")
    for key, value in (("starts", rule.starts), ("ends", rule.ends)):
        if value is not None:
            document[key] = value.isoformat()
    if isinstance(rule, EarnFilter):
        return document | {"then": [{"exclude": {"lines": _excluded(rule)}}]}
    if isinstance(rule, Multiplier):
        body = {"by": str(rule.factor)} | ({"lines": _tagged(rule.tag)} if rule.tag else {})
        return document | {"then": [{"multiply": body}]}
    return _flat(rule, document)


def _flat(rule: Flat, document: dict[str, Any]) -> dict[str, Any] | None:
    if rule.budget_points is not None and not rule.budget_points:
        return None
    if rule.tag:
        document["when"].append(f"any({_tagged(rule.tag)} for line in order.lines)")
    if rule.budget_points is not None:
        document["limits"] = [
            {"points": str(rule.budget_points), "per": "rule", "on_short": rule.budget_on_short}
        ]
    return document | {"then": [{"award": {"points": str(rule.points), "flat": True}}]}


def _excluded(rule: EarnFilter) -> str:
    if rule.exclude_tag is not None:
        return _tagged(rule.exclude_tag)
    return f"not ({_tagged(str(rule.include_tag))})"


def _tagged(tag: str) -> str:
    return f"{_text(tag)} in line.tags"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _occasions(settings: Settings) -> list[dict[str, Any]]:
    found = [
        ("sign-up", "customer.created", settings.signup),
        ("anniversary", "anniversary.due", settings.anniversary),
        ("birthday", "birthday.due", settings.birthday),
    ]
    return [
        {
            "id": f"bonus-{name}",
            "on": [kind],
            "then": [{"award": {"points": str(plan.points), "flat": True}}],
        }
        for name, kind, plan in found
        if plan is not None
    ]


def _actions(settings: Settings) -> list[dict[str, Any]]:
    documents = []
    for name, plan in settings.actions.items():
        document: dict[str, Any] = {
            "id": f"action-{slug(name)}",
            "on": ["activity.reported"],
            "when": [f"activity.name == {_text(name)}"],
            "then": [{"award": {"points": str(plan.points), "flat": True}}],
        }
        if plan.limit is not None:
            document["limits"] = [
                {"times": plan.limit.count, "every": plan.limit.period, "zone": plan.limit.zone}
            ]
        documents.append(document)
    return documents


# --- its messages


def _notices(settings: Settings) -> list[dict[str, Any]]:
    wanted = settings.messaging.notify
    documents = []
    if "points_earned" in wanted:
        documents.append(_notice("points_earned", SALES, also=" and result.points > 0"))
    if "anniversary" in wanted:
        documents.append(_notice("anniversary", ["anniversary.due"]))
    if "tier_up" in wanted and settings.tiers is not None:
        documents.append(_notice("tier_up", ["tier.changed"], when=[_is_up(settings.tiers)]))
    return documents


def _notice(
    template: str, kinds: list[str], *, when: list[str] | None = None, also: str = ""
) -> dict[str, Any]:
    """A message by e-mail, or by SMS to those who have no e-mail address."""
    by_email = "member.email is not None"
    by_sms = "member.email is None and member.phone is not None"
    return {
        "id": NOTICE + template.replace("_", "-"),
        "on": kinds,
        "when": when or [],
        "priority": -100,
        "then": [
            {"send_message": {"channel": channel, "template": template, "if": condition + also}}
            for channel, condition in (("email", by_email), ("sms", by_sms))
        ],
    }


def _is_up(plan: TierPlan) -> str:
    """Whether a change of tier is a rise: after it, a higher level than before.

    To be put into a level that everybody has from the beginning is none.
    """
    names = [level.name for level in plan.levels]
    rises = [
        f"(tier_change.after == {_text(name)} and tier_change.before in "
        f"[{', '.join(_text(one) for one in ['', *names[:at]])}])"
        for at, name in enumerate(names)
        if plan.levels[at].at > 0
    ]
    return " or ".join(rises) or "False"


# --- its targets

_TO_TARGET: dict[str, dict[str, Any]] = {
    "sms": {"send_message": {"channel": "sms", "template": FAN_OUT}},
    "slack": {"post_to_chat": {"template": FAN_OUT}},
    "sheets": {"append_row": {"values": ["event.key", "event.time"]}},
}


def _fan_outs(settings: Settings) -> list[dict[str, Any]]:
    """A rule that tells every target of an event."""
    return [
        {
            "id": f"fan-out-{slug(kind)}",
            "on": [kind],
            "priority": -100,
            "then": [_TO_TARGET[target] for target in targets],
        }
        for kind, targets in settings.fanout.items()
    ]

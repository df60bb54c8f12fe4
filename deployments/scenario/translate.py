"""From the settings of a scenario to what the hub runs on: a programme, rule documents, texts.

Nothing of a scenario is decided here. What the settings say in their short words is written out
as the rules that operations would publish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any, get_args

from deployments.scenario.settings import EarnFilter, Flat, Multiplier, Settings, Written
from loyalty.eligibility import EligibilityPolicy
from loyalty.events import Tender
from loyalty.policies import BirthdayPolicy, OccasionPolicy, TierPlan
from loyalty.programme import Programme
from rules import RuleSet

SALES = ["order.paid", "payment.completed"]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ROUTES = {"email": ("smtp/main",), "sms": ("twilio/main",)}
EARNING = "earning"
_TENDERS = frozenset(get_args(Tender.model_fields["kind"].annotation))
NOTICE = "notice-"
"""Begins the ids of the rules that send the programme's own messages."""


@dataclass(frozen=True)
class Terms:
    """What the settings come to.

    Attributes:
        names: The ids that the file gives its rules, by the ids of the documents.
        families: What each document would be called, were there no earlier one of that name.
    """

    settings: Settings
    programme: Programme
    rules: RuleSet
    names: dict[str, str]
    families: dict[str, str]


def terms_of(
    settings: Settings, *, before: Terms | None = None, since: datetime | None = None
) -> Terms:
    """The programme and the rules of these settings.

    Args:
        before: What they replace. Its rules go on to count for what happened before `since`,
            however late that is reported, and the new ones count from then on.

    Raises:
        RuleSetError: A rule document of the file is not accepted.
    """
    documents = [*_earning(settings), *_rules(settings), *_occasions(settings)]
    documents += [*_actions(settings), *_notices(settings)]
    names = {slug(_id_of(rule)): _id_of(rule) for rule in settings.rules}
    rules = RuleSet.load(documents)
    programme = _programme(settings)
    families = {rule.id: rule.id for rule in rules.rules}
    if before is None or since is None:
        return Terms(settings, programme, rules, names, families)
    found, families = _following(before, rules, since)
    names = before.names | names
    names |= {key: names[family] for key, family in families.items() if family in names}
    return Terms(settings, programme, RuleSet.load(found), names, families)


def _following(
    before: Terms, rules: RuleSet, since: datetime
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The rules of before to the end of their time, the new ones from then on, and whose
    successors they are; a rule that is in both goes on as it is."""
    wanted = {rule.id: rule.plain() for rule in rules.rules}
    found: dict[str, dict[str, Any]] = {}
    families: dict[str, str] = {}
    for rule in before.rules.rules:
        family, ends = before.families[rule.id], rule.ends
        if rule.starts is not None and rule.starts >= since:
            continue
        families[rule.id], found[rule.id] = family, rule.plain()
        if (ends is None or ends > since) and not _goes_on(found[rule.id], wanted.get(family)):
            found[rule.id]["ends"] = since.isoformat()
        elif ends is None or ends > since:
            del wanted[family]
    for family, document in wanted.items():
        key = next(one for one in _free(family) if one not in found)
        families[key] = family
        found[key] = document | {"id": key, "starts": _later(document.get("starts"), since)}
    return list(found.values()), families


def _goes_on(old: dict[str, Any], new: dict[str, Any] | None) -> bool:
    """Whether a rule stays as it is, since whenever it may have begun."""
    return new is not None and _bare(old) == _bare(new)


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("id", "starts")}


def _free(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def _later(starts: str | None, since: datetime) -> str:
    return (
        since.isoformat()
        if starts is None
        else max(datetime.fromisoformat(starts), since).isoformat()
    )


def slug(name: str) -> str:
    """A name as a rule's id: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "rule"


def units(points: Decimal | int, scale: int) -> int:
    """Points as people see them, in the smallest unit."""
    exact = Decimal(points).scaleb(scale)
    if exact != int(exact):
        raise ValueError(f"{points} points have more decimals than `unit_scale` allows ({scale})")
    return int(exact)


def tender(name: str) -> str:
    """The hub's word for a way to pay; what has none of its own is `other`."""
    return name if name in _TENDERS else "other"


def _id_of(rule: Any) -> str:
    return str(rule.rule.id if isinstance(rule, Written) else rule.id)


# --- the programme


def _programme(settings: Settings) -> Programme:
    scale = settings.unit_scale
    caps = [one.model_copy(update={"points": units(one.points, scale)}) for one in settings.caps]
    return Programme(
        name="Scenario",
        zone=settings.timezone,
        currency=settings.currency,
        unit_scale=scale,
        retro_days=settings.retro_days,
        eligible=_eligible(settings.eligible),
        rounding=settings.rounding,
        rounding_scope=settings.rounding_scope,
        multipliers=settings.multipliers,
        pending_days=settings.pending_days,
        expiry=settings.expiry,
        consume=settings.consume,
        refund=settings.refund,
        rewards=settings.rewards,
        tiers=_tiers(settings.tiers, scale),
        milestones=tuple(_milestone(one, scale) for one in settings.milestones),
        caps=tuple(caps),
        adjust=_scaled(settings.adjust, "approval_above", scale),
        offline=_scaled(settings.offline, "max_points", scale),
        anniversary=_of(OccasionPolicy, settings.anniversary),
        birthday=_of(BirthdayPolicy, settings.birthday),
        fx=settings.fx,
        fx_rounding=settings.fx_rounding,
        report=settings.report,
        max_lateness_hours=settings.messaging.max_lateness_hours,
        routes=ROUTES,
    )


def _eligible(policy: EligibilityPolicy) -> EligibilityPolicy:
    known = tuple(dict.fromkeys(tender(name) for name in policy.subtract_tenders))
    return policy.model_copy(update={"subtract_tenders": known})


def _tiers(plan: TierPlan | None, scale: int) -> TierPlan | None:
    if plan is None:
        return None
    levels = []
    for level in plan.levels:
        changes: dict[str, Any] = {"entry_bonus": units(level.entry_bonus, scale)}
        if plan.metric == "earned_points":
            changes["at"] = level.at.scaleb(scale)
        levels.append(level.model_copy(update=changes))
    return plan.model_copy(update={"levels": tuple(levels)})


def _milestone(plan: Any, scale: int) -> Any:
    changes: dict[str, Any] = {"points": units(plan.points, scale)}
    if plan.metric == "earned_points":
        for mark in ("at", "every"):
            value = getattr(plan, mark)
            changes[mark] = None if value is None else value.scaleb(scale)
    return plan.model_copy(update=changes)


def _scaled(policy: Any, field: str, scale: int) -> Any:
    value = getattr(policy, field)
    return policy.model_copy(update={field: None if value is None else units(value, scale)})


def _of(model: Any, given: Any) -> Any:
    if given is None:
        return model()
    return model.model_validate(given.model_dump(include=set(model.model_fields)))


# --- its rules


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

"""From the settings of a scenario to what the hub runs on: a programme, rule documents, texts.

Nothing of a scenario is decided here. What the settings say in their short words is written out
as the rules that operations would publish.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any, get_args

from deployments.scenario.rule_documents import documents_of, id_of, slug
from deployments.scenario.settings import Messaging, Settings
from deployments.scenario.texts import DIGEST
from loyalty.chat_policy import ChatPolicy
from loyalty.eligibility import EligibilityPolicy
from loyalty.events import Tender
from loyalty.lifecycle_policy import DigestPolicy, ReminderPolicy, TrackingPolicy
from loyalty.messaging_policy import MessagingPolicy
from loyalty.policies import BirthdayPolicy, OccasionPolicy, TierPlan
from loyalty.programme import Programme
from rules import RuleSet

ROUTES = {
    "email": ("smtp/main",),
    "sms": ("twilio/main",),
    "chat": ("slack/main",),
    "sheet": ("sheets/main",),
}
_TENDERS = frozenset(get_args(Tender.model_fields["kind"].annotation))


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
    names = {slug(id_of(rule)): id_of(rule) for rule in settings.rules}
    rules = RuleSet.load(documents_of(settings))
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


def units(points: Decimal | int, scale: int) -> int:
    """Points as people see them, in the smallest unit."""
    exact = Decimal(points).scaleb(scale)
    if exact != int(exact):
        raise ValueError(f"{points} points have more decimals than `unit_scale` allows ({scale})")
    return int(exact)


def tender(name: str) -> str:
    """The hub's word for a way to pay; what has none of its own is `other`."""
    return name if name in _TENDERS else "other"


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
        referral=_referral(settings.referral, scale),
        report=settings.report,
        wallet=settings.wallet,
        digests={
            name: DigestPolicy(minutes=window.minutes, template=DIGEST + name)
            for name, window in settings.messaging.digest.items()
        },
        fallback=settings.messaging.fallback,
        reminders=_reminders(settings),
        tracking=TrackingPolicy(
            scanner_seconds=settings.messaging.scanner_seconds,
            click_implies_open=settings.messaging.click_implies_open,
        ),
        gift_codes=settings.gift_codes,
        messaging=_messaging(settings.messaging),
        chat=_chat(settings.messaging),
        max_lateness_hours=settings.messaging.max_lateness_hours,
        default_locale=settings.messaging.default_locale,
        routes=ROUTES,
    )


def _chat(given: Messaging) -> ChatPolicy:
    return ChatPolicy(
        invite_link_minutes=given.invite_link_minutes, invite_channels=given.invite_channels
    )


def _messaging(given: Messaging) -> MessagingPolicy:
    named = set(MessagingPolicy.model_fields) & set(Messaging.model_fields)
    return MessagingPolicy(**{name: getattr(given, name) for name in named})


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


def _reminders(settings: Settings) -> ReminderPolicy:
    messaging = settings.messaging
    if "expiry_reminder" not in messaging.notify:
        return ReminderPolicy()
    return ReminderPolicy(days=messaging.expiry_reminder_days)


def _referral(policy: Any, scale: int) -> Any:
    for side in ("referrer_points", "friend_points"):
        policy = policy and _scaled(policy, side, scale)
    return policy


def _scaled(policy: Any, field: str, scale: int) -> Any:
    value = getattr(policy, field)
    return policy.model_copy(update={field: None if value is None else units(value, scale)})


def _of(model: Any, given: Any) -> Any:
    if given is None:
        return model()
    return model.model_validate(given.model_dump(include=set(model.model_fields)))

"""Works out one action towards the outside: its expressions evaluated, made plain for storage."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from loyalty.events import made
from rules.actions import EffectBody, IssueReward, JoinCampaign, SendMessage, UpdateRow
from rules.compiled import CompiledEffect, CompiledRule
from rules.decision import Effect, EffectKind, RewardOffer
from rules.judge import defect
from rules.language import RuleRuntimeError
from rules.language.arithmetic import plain, written
from rules.language.tree import Environment


def work_out(
    rule: CompiledRule,
    effect: CompiledEffect,
    environment: Environment,
    *,
    found: list[Effect],
    errors: list[str],
) -> None:
    """Adds the effect to those found, where its condition holds, or why it cannot be known."""
    try:
        if effect.condition is None or effect.condition.run(environment):
            found.append(_effect(effect, environment))
    except RuleRuntimeError as error:
        errors.append(f"{rule.id}, {effect.place}: {error.reason}")
    except Exception as error:  # noqa: BLE001 - a defect in one effect must stop no other.
        errors.append(f"{rule.id}, {effect.place}: {defect(error)}")


def fixed_part(rule: str, index: int, kind: EffectKind, body: EffectBody) -> Effect:
    """What of an effect is the same for every event, worked out once with the rule.

    Args:
        index: Goes on counting from `then` to `otherwise`.
    """
    return Effect(
        rule=rule,
        index=index,
        kind=kind,
        **_of_message(body),
        template=getattr(body, "template", ""),
        connection=body.connection,
        name=_name(body),
        tags=getattr(body, "tags", ()),
        key_column=body.column if isinstance(body, UpdateRow) else "",
    )


def _of_message(body: EffectBody) -> dict[str, Any]:
    """What the gate has to know of a message; nothing for anything else."""
    if not isinstance(body, SendMessage):
        return {}
    return {
        "channel": body.channel,
        "purpose": body.purpose.value,
        "topic": body.topic,
        "valid_minutes": body.valid_minutes,
        "priority": body.priority,
    }


def _effect(effect: CompiledEffect, environment: Environment) -> Effect:
    body = effect.body
    fields = {
        **effect.fixed.__dict__,
        "values": {name: _plain(one.run(environment)) for name, one in effect.values},
        "row": tuple([_plain(cell.run(environment)) for cell in effect.row]),
        "key": _plain(effect.key.run(environment)) if effect.key else None,
        "reward": _reward(effect, body, environment) if isinstance(body, IssueReward) else None,
    }
    return made(Effect, **fields)


def _name(body: object) -> str:
    if isinstance(body, JoinCampaign):
        return body.campaign
    return getattr(body, "name", "") or getattr(body, "queue", "")


def _reward(effect: CompiledEffect, body: IssueReward, environment: Environment) -> RewardOffer:
    value = None
    if effect.worth is not None:
        value = Decimal(effect.worth.run(environment))
        if value < 0 or (body.percent and value > 100):
            what = "a percentage from 0 to 100" if body.percent else "an amount from 0 on"
            problem = f"the reward would be worth {written(value)}, and has to be {what}"
            raise RuleRuntimeError(problem, text=effect.worth.text)
    return RewardOffer(
        kind=body.kind,
        value=value,
        is_percent=body.percent,
        product=body.product,
        code_prefix=body.code_prefix,
        valid_days=body.valid_days,
    )


def _plain(value: Any) -> Any:
    """The value without its model's clothes: whole numbers as int, enums and dates as text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, Decimal)):
        return plain(value)
    if isinstance(value, str):
        return str(getattr(value, "value", value))
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value

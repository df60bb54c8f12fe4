"""The events by which people and the hub itself act on rewards; every door uses these.

Each carries its business key: a request counts once per member however often a button is
pressed, and a reward is voided or handed out once.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from loyalty.catalogue import RewardItem
from loyalty.events import Event, EventType, RewardRequest, RewardStep


def requested(
    member_id: UUID, item: str, *, request_id: str, now: datetime, amount: Decimal | None = None
) -> Event:
    """A member wants a reward.

    Args:
        request_id: Made by the page when it is shown, so that a second press is the same request.
        amount: What they chose, in the programme's currency, where the amount is theirs.
    """
    key = f"{member_id}:{request_id}"
    data = RewardRequest(id=request_id, member_id=str(member_id), item=item, amount=amount)
    return Event(
        type=EventType.REWARD_REQUESTED,
        store="hub",
        key=key,
        time=now,
        subject=f"member:{member_id}",
        data=data,
    )


def voided(reward: Any, *, by: str, reason: str, gives_back: bool, now: datetime) -> Event:
    """Somebody of the team voids a reward."""
    return step_of(
        reward,
        EventType.REWARD_VOIDED,
        key=str(reward.id),
        at=now,
        by=by[:500],
        reason=reason[:500],
        gives_back=gives_back,
    )


def handed_out(reward: Any, *, by: str, now: datetime) -> Event:
    """Somebody of the team gave the member what the reward is: it is used."""
    return step_of(reward, EventType.REWARD_USED, key=f"{reward.id}:by-hand", at=now, by=by[:500])


def step_of(reward: Any, kind: EventType, *, key: str, at: datetime, **said: Any) -> Event:
    """The event of a step in a reward's life.

    Args:
        reward: A reward or its row: `id`, `member_id`, `item_id`, `terms` and `points` of it.
    """
    terms = reward.terms
    item = terms if isinstance(terms, RewardItem) else RewardItem.model_validate(terms)
    step = RewardStep(
        reward_id=str(reward.id),
        member_id=str(reward.member_id),
        item=reward.item_id,
        title=item.name_in(""),
        points=reward.points,
        **said,
    )
    return Event(
        type=kind, store="hub", key=key, time=at, subject=f"member:{reward.member_id}", data=step
    )

"""What a member sees of rewards: what can be had for points, what they have, what was before.

Everything is read at an instant: a reward whose day has passed is expired, whether or not a job
has written it down. Nothing is locked; whether a request is granted is decided when it is booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.catalogue import Asker, RewardItem, cost_of, why_not
from loyalty.reward_use import UseTarget, use_target
from loyalty.store import balances, catalogue, rewards
from loyalty.store.books import BookTerms
from loyalty.store.rewards import Reward, reward_of

MOST = 200
"""How many of their rewards a member is shown: the newest."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward of the catalogue as one member sees it; texts are in their language.

    Attributes:
        points: What it costs; where the amount is theirs to choose, of the least amount.
        points_per_unit: What a unit of money costs, where the amount is theirs to choose.
        why_not: Why they cannot have it (now), a sentence; empty where they can.
        code: The same for machines.
    """

    id: str
    kind: str
    name: str
    description: str
    image_url: str
    points: int
    points_per_unit: int | None
    least_amount: Decimal | None
    most_amount: Decimal | None
    value: Decimal | None
    is_percent: bool
    order_minimum: Decimal | None
    valid_days: int | None
    can_have: bool
    why_not: str
    code: str


@dataclass(frozen=True, slots=True)
class MyReward:
    """A reward that a member asked for.

    Attributes:
        state: requested (not looked at yet), held (on its way from the shop), issued, used,
            expired, voided, failed, refused.
        words: What the state means for the member, a sentence.
        code: Only once it is issued.
        use: What "Use it now" does; None where there is nothing to use (any more).
        points_came_back: Whether they have their points again.
    """

    id: str
    item: str
    name: str
    image_url: str
    points: int
    value: Decimal | None
    currency: str
    state: str
    words: str
    code: str
    asked_at: datetime
    issued_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None
    use: UseTarget | None
    points_came_back: bool


_MEMBER = text("select tier, state from members where id = :id")


async def offers(
    connection: AsyncConnection,
    member_id: UUID,
    terms: BookTerms,
    *,
    locale: str,
    now: datetime,
) -> list[Offer]:
    """The catalogue for a member: what they can have, and why not what they cannot.

    What is switched off, over or not begun is left out; what is for other tiers is shown.
    """
    row = (await connection.execute(_MEMBER, {"id": member_id})).first()
    held = await balances.balance(connection, member_id, terms, now=now)
    if row is None or held is None:
        return []
    asker = Asker(held.available, row.tier, row.state == "enrolled")
    shown = [one.item for one in await catalogue.items(connection) if is_shown(one.item, now)]
    taken = await rewards.taken(connection, [one.id for one in shown], [member_id])
    found = []
    for item in shown:
        refusal = why_not(
            item, asker, taken=taken.of(item.id, member_id), at=now, amount=item.least_amount
        )
        found.append(
            _offer(item, locale, *((refusal.words, refusal.code) if refusal else ("", "")))
        )
    return found


def is_shown(item: RewardItem, now: datetime) -> bool:
    """Whether an item is on the shelf at an instant."""
    has_begun = item.starts is None or now >= item.starts
    return item.is_active and has_begun and (item.ends is None or now < item.ends)


def _offer(item: RewardItem, locale: str, why: str, code: str) -> Offer:
    return Offer(
        id=item.id,
        kind=item.kind.value,
        name=item.name_in(locale),
        description=item.description_in(locale),
        image_url=item.image_url,
        points=cost_of(item),
        points_per_unit=item.points_per_unit,
        least_amount=item.least_amount,
        most_amount=item.most_amount,
        value=item.value,
        is_percent=item.is_percent,
        order_minimum=item.order_minimum,
        valid_days=item.valid_days,
        can_have=not code,
        why_not=why,
        code=code,
    )


_MINE = text("""
select r.*, exists (select 1 from redemptions d where d.key = 'reward:' || r.id
                    and d.state = 'returned') as came_back
from rewards r where r.member_id = :id order by r.id desc limit :most
""")
# What was asked for and not worked off yet, or refused lately: it is no reward (yet).
_ASKED = text("""
select id, data, state, reason, occurred_at from inbox
where subject = cast(:subject as text) and type = 'reward.requested'
  and (state in ('waiting', 'parked', 'failed')
       or (state = 'refused' and occurred_at > cast(:now as timestamptz) - interval '1 day'))
order by id desc limit :most
""")


async def mine(
    connection: AsyncConnection, member_id: UUID, *, locale: str, now: datetime
) -> list[MyReward]:
    """A member's rewards, newest first: usable ones, what is on its way, and the history."""
    wanted = {"id": member_id, "most": MOST}
    rows = await connection.execute(_MINE, wanted)
    have = [_mine(reward_of(row), row.came_back, locale, now) for row in rows]
    asked = {"subject": f"member:{member_id}", "now": now, "most": MOST}
    waiting = (await connection.execute(_ASKED, asked)).all()
    items = await catalogue.named(connection, [row.data["item"] for row in waiting])
    return [*(_requested(row, items, locale) for row in waiting), *have]


def _mine(reward: Reward, came_back: bool, locale: str, now: datetime) -> MyReward:
    state = reward.state_at(now)
    is_shown = state in ("issued", "used", "expired")
    code = reward.code if is_shown else ""
    use = use_target(reward.terms, store=reward.store, code=reward.code)
    return MyReward(
        id=str(reward.id),
        item=reward.item_id,
        name=reward.terms.name_in(locale),
        image_url=reward.terms.image_url,
        points=reward.points,
        value=reward.value,
        currency=reward.currency,
        state=state,
        words=_WORDS[state],
        code=code,
        asked_at=reward.requested_at,
        issued_at=reward.issued_at,
        expires_at=reward.expires_at,
        used_at=reward.used_at,
        use=use if state == "issued" else None,
        points_came_back=came_back or state == "failed",
    )


_WORDS = {
    "held": "your points are set aside while the shop makes your reward",
    "issued": "ready to be used",
    "used": "used",
    "expired": "not used in time",
    "voided": "taken back by the shop's team",
    "failed": "the shop could not make it: your points are back",
}


def _requested(row: Any, items: Mapping[str, catalogue.CatalogueItem], locale: str) -> MyReward:
    data, state = row.data, row.state
    found = items.get(data["item"])
    is_refused = state == "refused"
    return MyReward(
        id=str(data["id"]),
        item=data["item"],
        name=found.item.name_in(locale) if found else data["item"],
        image_url=found.item.image_url if found else "",
        points=0,
        value=None,
        currency="",
        state="refused" if is_refused else "requested",
        words=row.reason if is_refused else "your wish has arrived",
        code="",
        asked_at=row.occurred_at,
        issued_at=None,
        expires_at=None,
        used_at=None,
        use=None,
        points_came_back=False,
    )

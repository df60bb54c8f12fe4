"""Writes down what time makes of rewards, reminds of those that expire soon, and voids many.

No Prefect here: the flows `standing` and `void-rewards` call it, and so do tests. Nothing waits
for it, since whoever reads a reward compares instants.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from flows.reward_messages import remind
from flows.terms import Terms
from loyalty import reward_events
from loyalty.store import inbox, reward_ends, reward_lists
from loyalty.store.database import Database
from loyalty.store.reward_lists import Wanted


@dataclass(slots=True)
class RewardsKept:
    """What a round came to."""

    told: int = 0
    expired: int = 0
    reminded: int = 0


async def keep_rewards(database: Database, terms: Terms) -> RewardsKept:
    """Brings all rewards up to `terms.now`, in a transaction per batch.

    It may be stopped anywhere, run twice and beside itself.
    """
    kept = RewardsKept()
    async with database.begin() as connection:
        kept.told = await reward_ends.tell_all(connection, now=terms.now)
    while True:
        async with database.begin() as connection:
            expired = await reward_ends.expire(connection, now=terms.now)
        async with database.begin() as connection:
            reminded = await remind(connection, terms)
        kept.expired += expired
        kept.reminded += reminded
        if not expired and not reminded:
            return kept


@dataclass(frozen=True, slots=True)
class Voiding:
    """Which rewards to void, who says so, and whether their points come back."""

    wanted: Wanted
    by: str
    reason: str
    gives_back: bool


async def void_all(
    database: Database,
    voiding: Voiding,
    *,
    now: datetime,
    progress: Callable[[int], Awaitable[None]],
) -> int:
    """Asks for all of them to be voided, in a transaction per batch; returns how many.

    The desk voids each once; whoever starts it again after a crash goes on with what is left.
    """
    voided, beyond = 0, None
    while True:
        async with database.begin() as connection:
            found = await reward_lists.voidable(connection, voiding.wanted, beyond=beyond)
            events = [
                reward_events.voided(
                    one,
                    by=voiding.by,
                    reason=voiding.reason,
                    gives_back=voiding.gives_back,
                    now=now,
                )
                for one in found
            ]
            voided += len(await inbox.emit(connection, events, now=now))
        if not found:
            return voided
        beyond = found[-1].id
        await progress(voided)

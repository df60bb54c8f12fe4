"""What the store knows of rewards and invitations that a replay meets again.

The catalogue and the campaigns are not part of a trial: a member asks for what they asked for
then, under the terms of then, and the shop makes of it what it made of it. Whether they have the
points (and the tier) for it is the trial's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.papers import Papers
from flows.reward_papers import STEPS
from flows.simulation.history import Happened
from loyalty.campaigns import Invitation, InvitationState
from loyalty.events import EventType
from loyalty.store import invitations
from loyalty.store.catalogue import CatalogueItem
from loyalty.store.rewards import Reward, TakenSoFar, reward_of

_REWARDS = text("select * from rewards where request_key = any(cast(:keys as text[]))")
_TRIED_AGAIN = "tried_again"


@dataclass(slots=True)
class Past:
    """Rewards that were asked for and invitations that were claimed, as they went.

    Attributes:
        rewards: By their own id, and `asked` by the key of the request.
        claimed: Invitations as they were before somebody joined by them.
        again: How many rewards were asked for again in the replay.
        missed: How many of those the member could not have had under the rules on trial.
    """

    rewards: dict[UUID, Reward] = field(default_factory=dict)
    asked: dict[str, Reward] = field(default_factory=dict)
    claimed: dict[UUID, Invitation] = field(default_factory=dict)
    again: int = 0
    missed: int = 0

    @classmethod
    async def of(cls, connection: AsyncConnection, events: Sequence[Happened]) -> Past:
        """What these events are about; nothing is locked."""
        found = cls()
        done = [one.event for one in events if one.is_done]
        keys = [one.key for one in done if one.type is EventType.REWARD_REQUESTED]
        if keys:
            for row in await connection.execute(_REWARDS, {"keys": keys}):
                reward = reward_of(row)
                found.rewards[reward.id] = found.asked[reward.request_key] = reward
        claims = [one for one in done if one.type is EventType.INVITATION_CLAIMED]
        ids = [UUID(one.data.invitation_id) for one in claims]
        for one in await invitations.known(connection, ids):
            open_again = replace(one, state=InvitationState.INVITED, joined_at=None)
            found.claimed[one.id] = open_again
        return found

    def lay_out(self, papers: Papers, one: Happened) -> None:
        """Puts before the desks what an event is about, as the store would."""
        papers.invitations = self.claimed
        if one.event.type is EventType.REWARD_REQUESTED:
            real = self.asked.get(one.event.key)
            papers.rewards.items = {real.item_id: _offered(real)} if real else {}
            papers.rewards.taken = TakenSoFar({}, {})
        elif one.event.type in STEPS:
            self._lay_out_step(papers, one)

    def _lay_out_step(self, papers: Papers, one: Happened) -> None:
        number = UUID(one.event.data.reward_id)
        real, again = self.rewards.get(number), papers.rewards.known.get(number)
        if real is None or again is None:
            return
        if one.event.type is EventType.REWARD_EXPIRED and again.state == "issued":
            again.state = "expired"
        papers.rewards.endings.pop(again.id, None)
        was_open = one.code == _TRIED_AGAIN
        if one.event.type is EventType.REWARD_ISSUED and not was_open:
            papers.rewards.endings[again.id] = "sent"
        if one.event.type is EventType.REWARD_FAILED and not was_open:
            papers.rewards.endings[again.id] = "gone"
        if one.event.type is EventType.REWARD_VOIDED and real.issued_at is None:
            papers.rewards.endings[again.id] = "gone"

    def put_away(self, papers: Papers, one: Happened) -> None:
        """Keeps what the desks made of it, as the store would."""
        if one.event.type is EventType.REWARD_REQUESTED and one.event.key in self.asked:
            real = self.asked[one.event.key]
            self.again += 1
            self.missed += not papers.rewards.new
            for again in papers.rewards.new:
                again.store, again.code = real.store, real.code
                papers.rewards.known[real.id] = again
        papers.rewards.new.clear()
        papers.rewards.changed.clear()
        papers.rewards.used_on.clear()
        papers.claims.clear()


def _offered(real: Reward) -> CatalogueItem:
    return CatalogueItem(real.terms, real.item_version, real.requested_at, "")

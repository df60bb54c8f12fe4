"""A planner that plans nothing: it says what would be sent, and whether the gate lets it."""

from __future__ import annotations

from uuid import UUID

from flows.directory import Directory
from flows.letters import verdict_on
from flows.planning import Occasion, Planner, capability_of
from loyalty.store.deliveries import Delivery
from rules.decision import Effect, EffectKind

_NOBODY = UUID(int=0)


class Rehearsal(Planner):
    """Leaves out texts and routes, which take most of the time and post nothing anyway."""

    def plan(self, occasion: Occasion, effect: Effect) -> Delivery:
        """What would be sent; `suppressed` where it may not."""
        may_go = True
        if effect.kind is EffectKind.SEND_MESSAGE:
            may_go = any(
                verdict_on(self, letter, occasion.known).may_go
                for letter in self.letters(occasion, effect)
            )
        return Delivery(
            id=_NOBODY,
            key="",
            capability=capability_of(effect).value,
            input={},
            state="pending" if may_go else "suppressed",
            created_at=self.now,
            rule=effect.rule,
        )


def nowhere() -> Directory:
    """No connections at all."""
    return Directory({})

"""A planner that plans nothing: it says what would be sent, and whether the gate lets it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flows.directory import Directory
from flows.letters import Letter, verdict_on
from flows.planning import Occasion, Planner, capability_of
from loyalty.gate import Knowledge
from loyalty.store.deliveries import Delivery
from rules.decision import Effect, EffectKind

_NOBODY = UUID(int=0)


class Rehearsal(Planner):
    """Leaves out texts and routes, which take most of the time and post nothing anyway."""

    def plan(self, occasion: Occasion, effect: Effect) -> Delivery:
        """What would be sent; `suppressed` where it may not."""
        if effect.kind is EffectKind.SEND_MESSAGE:
            return self.write(self.letters(occasion, effect), occasion.known)
        return self._said(capability_of(effect).value, effect.rule)

    def write(self, letters: Sequence[Letter], known: Knowledge) -> Delivery:
        """A message that would go by the first channel that the gate lets it."""
        able = [one for one in letters if verdict_on(self, one, known).may_go]
        first = (able or letters)[0]
        return self._said(first.channel.value, first.rule, may_go=bool(able))

    def _said(self, capability: str, rule: str, *, may_go: bool = True) -> Delivery:
        return Delivery(
            id=_NOBODY,
            key="",
            capability=capability,
            input={},
            state="pending" if may_go else "suppressed",
            created_at=self.now,
            rule=rule,
        )


def nowhere() -> Directory:
    """No connections at all."""
    return Directory({})

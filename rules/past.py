"""A decision of once, made again from what was stored: its rules, its programme, its facts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from loyalty.eligibility import rate
from loyalty.events import Event, EventType, Order, Payment
from loyalty.facts import MemberFacts
from loyalty.programme import Programme
from loyalty.story import PastEvent, Story
from rules.decide import decide
from rules.decision import Decision
from rules.problems import RuleSetError
from rules.ruleset import RuleSet


class Past:
    """The event as rules saw it then; parts are None where they cannot be read any more."""

    event: Event | None = None
    rules: RuleSet | None = None
    rated: Any = None
    programme: Programme | None = None
    decision: Decision | None = None

    @classmethod
    def of(cls, story: Story, doubts: list[str]) -> Past:
        """What can be read of it; what cannot is added to `doubts`."""
        past, outcome = cls(), story.event.outcome
        past.programme = story.programme
        try:
            past.event = event_of(story.event)
            if outcome is None:
                return past
            if story.documents is None:
                doubts.append(f"the rules {outcome.get('version')} are not in the store")
                return past
            past.rules = RuleSet.from_documents(story.documents)
            if past.programme is None:
                doubts.append(f"the programme {outcome.get('programme')} is not in the store")
                past.programme = Programme()
            past.decide(outcome)
        except (ValidationError, RuleSetError, KeyError, ValueError) as error:
            doubts.append(f"what was stored cannot be read fully ({type(error).__name__})")
        return past

    def decide(self, outcome: Mapping[str, Any]) -> None:
        """Decides again from what was known, this time in words."""
        assert self.event is not None
        assert self.rules is not None
        assert self.programme is not None
        data = self.event.data
        if isinstance(data, Order | Payment):
            fx_rate = Decimal(str((outcome.get("rated") or {}).get("fx_rate", "1")))
            self.rated = rate(data, self.programme, fx_rate)
        facts = MemberFacts.model_validate(outcome["facts"])
        self.decision = decide(
            self.event, facts, self.programme, self.rules, data=self.rated, explain=True
        )


def event_of(past: PastEvent) -> Event:
    """The event as it was accepted; ValidationError where it is of a form that is gone."""
    return Event(
        type=EventType(past.type),
        store=past.store,
        key=past.key,
        time=past.occurred_at,
        subject=past.subject,
        data=dict(past.data),
    )

"""How the demo's story is told: webhooks in order, each with the facts that it claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deployments.demo.cast import DemoDay
from loyalty.events import EventType

Fact = tuple[EventType, str]


@dataclass(frozen=True)
class DemoWebhook:
    """One webhook of the story.

    Attributes:
        connector: Whose webhook it is: `shopify`, `woocommerce`, `square`.
        expected: The events it becomes, as type and key; empty where it is acknowledged only.
        delivery_id: The vendor's id of the delivery; a redelivery has another one.
        is_repeat: Whether its facts were all told before, so that nothing may come of it.
    """

    connector: str
    topic: str
    payload: dict[str, Any]
    comment: str
    at: datetime
    expected: tuple[Fact, ...] = ()
    delivery_id: str = ""
    is_repeat: bool = False


@dataclass
class Story:
    """Collects the webhooks in the order in which they arrive."""

    day: DemoDay
    told: list[DemoWebhook] = field(default_factory=list)
    facts: set[tuple[str, Fact]] = field(default_factory=set)

    def add(
        self,
        where: str,
        payload: dict[str, Any],
        comment: str,
        *,
        clock: str,
        facts: Sequence[tuple[EventType, Any]] = (),
    ) -> None:
        """`where` is `connector topic`; `facts` are pairs of event type and key."""
        connector, topic = where.split(" ")
        expected = tuple((kind, str(key)) for kind, key in facts)
        new = {(connector, fact) for fact in expected}
        self.told.append(
            DemoWebhook(
                connector,
                topic,
                payload,
                comment,
                self.day.at(clock),
                expected,
                f"demo-{self.day.stamp}-{len(self.told):03d}",
                bool(new) and new <= self.facts,
            )
        )
        self.facts |= new

    def instant(self, clock: str) -> str:
        """A moment as it stands in keys: ISO 8601, in UTC."""
        return self.day.at(clock).astimezone(UTC).isoformat()

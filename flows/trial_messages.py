"""A text sent to somebody of the team, filled in with samples, on the way of every message.

No Prefect here: the flow `send-test-message` calls it, and so do the command and tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.letters import Letter, numbered, plan_letter
from flows.planning import Planner
from loyalty.contacts import normal_email, normal_phone
from loyalty.events import Channel, Purpose
from loyalty.store import deliveries, gate
from loyalty.store.deliveries import Delivery
from rules import RuleSet
from rules.text_samples import Person, sample_of

TRIAL = "test-message"
"""The rule name of such deliveries."""


class CannotTry(ValueError):
    """The text cannot be sent as a test; the message says why."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A text to be tried.

    Args:
        key: Makes it once.
        to: An e-mail address, or a telephone number with its country.
        values: Instead of the samples.
    """

    key: str
    template: str
    to: str
    locale: str = ""
    name: str = "Ada Lovelace"
    zone: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def channel(self) -> Channel:
        """The channel that the address belongs to."""
        return Channel.EMAIL if "@" in self.to else Channel.SMS

    @property
    def person(self) -> Person:
        """Whom the samples speak of."""
        first, _, last = self.name.partition(" ")
        return Person(first_name=first, last_name=last, locale=self.locale, zone=self.zone)


async def try_out(
    connection: AsyncConnection, trial: Trial, planner: Planner, rules: RuleSet
) -> Delivery | None:
    """Plans the message in the caller's transaction; any worker sends it within seconds.

    It passes the gate as a transactional message, so that an address that bounced or said STOP
    gets no test either. Links of its foot are samples and lead nowhere.

    Returns:
        The delivery with its state; None where the key was used before.

    Raises:
        CannotTry: Nothing sends this text on this channel, or the address is none.
    """
    letter = _letter(trial, planner, rules)
    asked = {(trial.channel.value, letter.address)}
    policy = planner.programme.messaging
    known = await gate.knowledge(connection, asked, policy, now=planner.now)
    delivery = plan_letter(planner, letter, known)
    # Nobody's yet: whichever worker looks next takes it.
    delivery.owner, delivery.lease_until = "", None
    new = await deliveries.plan(connection, [delivery])
    return new[0] if new else None


def _letter(trial: Trial, planner: Planner, rules: RuleSet) -> Letter:
    channel = trial.channel
    address = normal_email(trial.to) if channel is Channel.EMAIL else normal_phone(trial.to)
    if not address:
        raise CannotTry(
            f"{trial.to!r} is neither an e-mail address nor a number as +49 170 1234567"
        )
    context = sample_of(
        trial.template, channel.value, rules, programme=planner.programme, person=trial.person
    )
    if context is None:
        raise CannotTry(
            f"nothing sends the {channel.value} text {trial.template!r}: see `hub templates list`"
        )
    return Letter(
        id=numbered(planner.now),
        key=f"{TRIAL}:{trial.key}",
        rule=TRIAL,
        template=trial.template,
        channel=channel,
        purpose=Purpose.TRANSACTIONAL,
        context=context | {"values": {**context["values"], **trial.values}},
        address=address,
        name=trial.name,
        locale=trial.locale,
    )

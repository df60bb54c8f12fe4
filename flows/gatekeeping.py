"""The gate's second look: what waited is judged again just before it would go.

Between planning and sending a person may withdraw consent, a mail may bounce, a message of a
higher priority may take the place. What was held because a connection was not ready may have
waited for days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.letters import answers_help
from flows.terms import Terms
from loyalty.events import Channel, Purpose
from loyalty.gate import Message, judge
from loyalty.store import gate, people, verdicts
from loyalty.store.deliveries import Delivery
from loyalty.store.people import Person


async def judge_again(
    connection: AsyncConnection, taken: Sequence[Delivery], terms: Terms
) -> list[Delivery]:
    """Those of the leased deliveries that may go now, in their order.

    Messages that may not are suppressed or put off, and every verdict is written down.
    """
    letters = [one for one in taken if one.purpose]
    if not letters:
        return list(taken)
    asked = {(one.capability, one.target) for one in letters}
    known = await gate.knowledge(connection, asked, terms.programme.messaging, now=terms.now)
    persons = await people.persons(connection, {one.member_id for one in letters if one.member_id})
    in_turn = sorted(letters, key=lambda one: (-one.priority, one.id))
    messages = [_message(one, persons) for one in in_turn]
    known.line_up(messages, now=terms.now)
    for letter, message in zip(in_turn, messages, strict=True):
        letter.verdict = judge(message, known, terms.programme, now=terms.now)
        known.count(message, letter.verdict, now=terms.now)
    await verdicts.judged(connection, letters, now=terms.now)
    return [one for one in taken if one.state == "pending"]


def _message(letter: Delivery, persons: Mapping[UUID, Person]) -> Message:
    person = persons.get(letter.member_id) if letter.member_id else None
    return Message(
        id=letter.id,
        channel=Channel(letter.capability),
        address=letter.target,
        purpose=Purpose(letter.purpose),
        topic=letter.topic,
        zone=(person.zone if person else "") or letter.zone,
        priority=letter.priority,
        not_before=letter.next_attempt_at,
        valid_until=letter.valid_until,
        is_erased=person is not None and person.is_erased,
        answers_help=answers_help(letter.key),
    )

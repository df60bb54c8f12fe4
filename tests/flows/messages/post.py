"""A post room: announces through the gate and sends what is due, with the clock of a desk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.announcing import Announcement, announce
from flows.gatekeeping import judge_again
from loyalty.events import Channel, ConsentState
from loyalty.links import Links
from loyalty.programme import Programme
from loyalty.store import deliveries, people
from loyalty.store.deliveries import Delivery, Outcome
from loyalty.store.people import ConsentNote
from loyalty.texts import Texts
from rules import RuleSet
from tests.flows.booking.desk import ADA, FLAT, NOON, OWNER, Desk

LINKS = Links(b"a key of thirty-two bytes or more", "https://hub.example.com")
HELLO = Texts(
    {
        "hello": {"sms": "Hello", "email": {"subject": "Hello", "text": "Hello"}},
        "sms_help": {"sms": "Reply STOP to opt out."},
        "confirm_optin": {
            "sms": "{{ values.link }}",
            "email": {"subject": "Please confirm", "text": "{{ values.link }}"},
        },
    }
)
NIGHT = {"quiet_hours": {"sms": {"from": "22:00", "to": "08:00"}}, "unknown_zone": "program"}


def governed(**messaging: Any) -> Programme:
    """The programme with this `messaging`."""
    given = FLAT.model_dump(mode="json") | {"messaging": messaging}
    return Programme.model_validate(given)


@dataclass
class Post:
    """The desk, and what goes out of it."""

    desk: Desk
    numbers: list[int] = field(default_factory=lambda: [0])

    @classmethod
    async def open(cls, desk: Desk, **messaging: Any) -> Post:
        """A post room under this `messaging`, with both vendors ready."""
        desk.programme, desk.texts, desk.links = governed(**messaging), HELLO, LINKS
        desk.rules = RuleSet.load([])
        async with desk.database.begin() as connection:
            for slug in ("twilio/main", "smtp/main"):
                connector, _, name = slug.partition("/")
                await connection.execute(
                    text("""
                        insert into connections (connector, name, state, sealed, fingerprint,
                                                 updated_at)
                        values (:connector, :name, 'active', '', 'f', now())
                    """),
                    {"connector": connector, "name": name},
                )
        return cls(desk)

    def letter(self, channel: Any = "sms", **more: Any) -> Announcement:
        """A marketing message to Ada, who is no member, with a key of its own."""
        self.numbers[0] += 1
        address = ADA["email"] if channel == "email" else ADA["phone"]
        given = {"key": f"k{self.numbers[0]}", "template": "hello", "channel": channel,
                 "purpose": "marketing", "member": None, "address": address}  # fmt: skip
        return Announcement(**(given | more))

    async def announce(self, *letters: Announcement) -> list[Delivery]:
        """Plans them in one transaction."""
        async with self.desk.database.begin() as connection:
            return await announce(connection, letters, terms=self.desk.terms())

    async def said(
        self, channel: str, state: ConsentState, *, address: str = "", at: datetime = NOON
    ) -> None:
        """Ada (or whoever has the address) said this to a shop."""
        address = address or (ADA["email"] if channel == "email" else ADA["phone"])
        note = ConsentNote(None, Channel(channel), address, state, "shopify/main t", at)
        async with self.desk.database.begin() as connection:
            await people.note_consents(connection, [note], now=at)

    async def send_due(self) -> list[Delivery]:
        """What a worker sends now, having asked the gate once more."""
        async with self.desk.database.begin() as connection:
            taken = await self.take(connection)
            await deliveries.begin(
                connection, [one.id for one in taken], owner=OWNER, now=self.desk.now
            )
            now = self.desk.now
            await deliveries.finish(connection, [Outcome(one, "sent", now, now) for one in taken])
        return taken

    async def take(self, connection: AsyncConnection) -> list[Delivery]:
        """What may go now."""
        due = await deliveries.take_due(connection, owner=OWNER, limit=1000, now=self.desk.now)
        return await judge_again(connection, due, self.desk.terms())

    async def verdicts(self, delivery_id: UUID) -> list[tuple[str, str]]:
        """(outcome, reason) of every time the gate was asked."""
        rows = await self.desk.rows(
            "select outcome, reason from verdicts where delivery_id = :id order by at",
            id=delivery_id,
        )
        return [tuple(row) for row in rows]

    async def states(self) -> list[tuple[str, str]]:
        """(state, code of the reason) of all messages, in the order of planning."""
        rows = await self.desk.rows("select state, reason from deliveries order by id")
        return [(row.state, row.reason.partition(":")[0]) for row in rows]

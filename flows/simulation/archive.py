"""Rule sets and programmes of the past, by version, each read and compiled once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.simulation.history import Happened
from loyalty.programme import Programme
from loyalty.store import rulebook
from rules import RuleSet


class Unknown(Exception):
    """Events were booked under rules or a programme that the store does not hold."""


class Archive:
    """What events were booked under."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.rules: dict[str, RuleSet] = {}
        self.programmes: dict[str, Programme] = {}

    async def fetch(self, events: Iterable[Happened]) -> None:
        """Makes sure that what these events were booked under is at hand."""
        for one in events:
            if one.version and one.version not in self.rules:
                self.rules[one.version] = await self.rules_of(self._connection, one.version)
            if one.programme and one.programme not in self.programmes:
                self.programmes[one.programme] = await self.programme_of(
                    self._connection, one.programme
                )

    async def rules_of(self, connection: AsyncConnection, version: str) -> RuleSet:
        """The rule set of a version."""
        documents = await rulebook.documents_of(connection, version)
        if documents is None:
            raise Unknown(f"the rule set {version} is not in the store any more")
        return RuleSet.from_documents(documents)

    async def programme_of(self, connection: AsyncConnection, version: str) -> Programme:
        """The programme of a version."""
        found = await rulebook.programme_of(connection, version)
        if found is None:
            raise Unknown(f"the programme {version} is not in the store any more")
        return found

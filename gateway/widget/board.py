"""What every request of the widget needs to know of the programme, read every few seconds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic

from gateway.answers import Refused
from loyalty.programme import Programme
from loyalty.sites import Site
from loyalty.store import rulebook
from loyalty.store.books import BookTerms
from loyalty.store.database import Database
from loyalty.store.expiry_since import expiry_since
from rules.document import RuleDocument

FRESH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Board:
    """The programme and its rules as they were a moment ago.

    Attributes:
        rules: Those in force, the most important first.
    """

    programme: Programme
    terms: BookTerms
    rules: tuple[RuleDocument, ...]
    rules_version: str

    def site(self, id: str) -> Site:
        """A site by its id; Refused (404) where there is none."""
        found = next((one for one in self.programme.sites if one.id == id), None)
        if found is None:
            raise Refused(
                404,
                "unknown_site",
                f"there is no site {id[:40]!r}",
                "The programme's settings name the sites; the script's address has the site's id.",
            )
        return found


class Boards:
    """Reads the board when it is older than a few seconds; many requests share one reading."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._board: Board | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def latest(self) -> Board:
        """The board; StoreAway where it was never read and the database is away."""
        async with self._reading:
            if self._board is None or monotonic() - self._read_at > FRESH_SECONDS:
                self._board = await self._read(self._board)
                self._read_at = monotonic()
            return self._board

    async def site(self, id: str) -> Site:
        """A site by its id; Refused (404) where there is none."""
        return (await self.latest()).site(id)

    async def _read(self, known: Board | None) -> Board:
        async with self._database.begin() as connection:
            programme = await rulebook.programme(connection)
            since = await expiry_since(connection)
            active = await rulebook.active(connection)
        version, documents = active or ("", [])
        if known is not None and known.rules_version == version:
            rules = known.rules
        else:
            rules = _in_order(documents)
        return Board(programme, BookTerms.of(programme, since), rules, version)


def _in_order(documents: list[dict[str, object]]) -> tuple[RuleDocument, ...]:
    found = [RuleDocument.model_validate(one) for one in documents]
    return tuple(sorted(found, key=lambda one: (-one.priority, one.id)))

"""A worker of its own that sends a campaign, to be killed: `python -m … URL`."""

from __future__ import annotations

import asyncio
import sys

from flows.campaigns import Sent, invite_newcomers
from loyalty.store.database import Database
from rules import RuleSet
from tests.flows.booking.desk import Desk
from tests.flows.campaigns.drive import LINKS, NAME, Drive


async def main(url: str) -> None:
    """Says after each chunk how many it has looked at."""
    database = Database(url)
    drive = Drive(database, Desk(database, rules=RuleSet.load([])))

    async def told(sent: Sent) -> None:
        print(sent.total, flush=True)

    await invite_newcomers(database, NAME, terms=drive.terms, links=LINKS, progress=told)
    await database.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""Imports a shop's customers, page by page, for campaigns that invite them.

No Prefect here: the flow `invite-customers` calls it, and so do tests and the command line. A
page's customers, the cursor behind them and the proof that the turn is still ours are one
transaction, so that a stop anywhere loses nothing and the next import goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.customers import CustomerList, CustomerPage
from connectors.kit.errors import AuthError, ConnectorError, RateLimited
from connectors.kit.registry import manifest, slugs
from connectors.kit.toll import Toll, paying
from connectors.kit.webhook import Source
from flows.refusals import refuse
from flows.retries import UNSAID_PAUSE
from flows.runtime import Hub
from flows.sending import budget_name
from flows.tolls import BudgetUsedUp, toll_of
from loyalty.campaigns import NAMELESS, ShopCustomer, shop_customer
from loyalty.events import Customer
from loyalty.store import budgets, customer_imports, shop_customers
from loyalty.store.customer_imports import ImportTurn

LONGEST_WAIT = timedelta(minutes=2)
"""How long an import waits for a vendor that asks for a pause; beyond it, it stops where it is."""

MOST_NAMED = 50
"""How many unreadable records are named; all are counted."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of some customers: how many were kept, and why others were not."""

    kept: int
    refused: tuple[str, ...]


@dataclass(slots=True)
class Imported:
    """What one import has come to so far.

    Attributes:
        kept: Customers that are new or were told anew.
        refused: Records that could not be kept; `reasons` names the first of them.
        problem: Why it stopped before its end; empty where it did not.
    """

    store: str
    pages: int = 0
    read: int = 0
    kept: int = 0
    refused: int = 0
    reasons: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_through(self) -> bool:
        """Whether it came to the end."""
        return not self.problem

    def count(self, page: CustomerPage, taken: TakenIn) -> None:
        """Adds what a page brought."""
        refused = (*page.unreadable, *taken.refused)
        self.pages, self.read = self.pages + 1, self.read + len(page.customers)
        self.read += len(page.unreadable)
        self.kept, self.refused = self.kept + taken.kept, self.refused + len(refused)
        self.reasons = (*self.reasons, *refused)[:MOST_NAMED]


Told = Callable[[Imported], Awaitable[None]]


async def _silent(done: Imported) -> None:
    """Tells nobody."""


class TurnLost(Exception):
    """The lease ended meanwhile and another worker imports; what was committed stays."""


def shops_with_customers(hub: Hub) -> dict[str, CustomerList]:
    """The active connections whose customers can be listed, and how."""
    found = {}
    for slug, stored in hub.clients.stored.items():
        if stored.state == "active" and stored.connector in slugs():
            listing = manifest(stored.connector).customers
            if listing is not None:
                found[slug] = listing
    return found


async def import_customers(hub: Hub, store: str, *, told: Told = _silent) -> Imported:
    """Imports a shop's customers to the end, or goes on where the last import stopped.

    Args:
        told: Hears of every page.

    Raises:
        ValueError: The shop is not connected, or its customers cannot be listed.
    """
    known = shops_with_customers(hub)
    if store not in known:
        raise ValueError(
            f"the customers of {store or 'no shop'} cannot be imported: no such connection, not "
            f"active, or its vendor lists none; these can: {', '.join(sorted(known)) or 'none'}"
        )
    done = Imported(store)
    async with hub.database.begin() as connection:
        turn = await customer_imports.take(
            connection, store, owner=hub.owner, now=hub.clock(), alive=hub.patience()
        )
    if turn is None:
        done.problem = f"another run imports the customers of {store} at the moment"
        return done
    try:
        await _to_the_end(hub, turn, known[store], done, told)
    except TurnLost:
        done.problem = "another run went on with it"
        return done
    except asyncio.CancelledError:
        await asyncio.shield(_end(hub, turn, "it was stopped"))
        raise
    except ConnectorError as error:
        done.problem = error.message
        if isinstance(error, AuthError):
            await refuse(hub, store, done.problem)
    except Exception as error:
        await _end(hub, turn, f"it failed with {type(error).__name__}: see the worker's log")
        raise
    await _end(hub, turn, done.problem or None)
    return done


async def _end(hub: Hub, turn: ImportTurn, problem: str | None) -> None:
    await hub.database.persist(
        lambda connection: customer_imports.end(connection, turn, now=hub.clock(), problem=problem)
    )


async def _to_the_end(
    hub: Hub, turn: ImportTurn, listing: CustomerList, done: Imported, told: Told
) -> None:
    cursor = turn.cursor
    while True:
        try:
            async for reached in _pages(hub, turn, listing, cursor=cursor, done=done, told=told):
                cursor = reached
                if hub.is_stopping:
                    done.problem = "the worker stops: start it again to go on from here"
                    return
        except RateLimited as error:
            await _wait(hub, turn.store, error)
            continue
        return


async def _pages(
    hub: Hub,
    turn: ImportTurn,
    listing: CustomerList,
    *,
    cursor: str,
    done: Imported,
    told: Told,
) -> AsyncIterator[str]:
    line = hub.clients.line(turn.store)
    source = Source(*turn.store.split("/", 1))
    async with line.in_use():
        with paying(_weighed(toll_of(hub, turn.store), listing.slots)):
            pages = listing.every(line.client, source, cursor=cursor)
            async with aclosing(pages) as walking:  # type: ignore[type-var]
                async for page in walking:
                    taken = await hub.database.persist(partial(_keep, hub, turn, page))
                    done.count(page, taken)
                    await told(done)
                    yield page.cursor


def _weighed(toll: Toll, slots: int) -> Toll:
    async def pay() -> None:
        for _ in range(slots):
            await toll()

    return pay


async def _wait(hub: Hub, store: str, error: RateLimited) -> None:
    """Waits as long as the vendor asks; everybody else who uses the connection does as well."""
    pause = error.retry_after or UNSAID_PAUSE
    if not isinstance(error, BudgetUsedUp):
        until = hub.clock() + pause
        async with hub.database.begin() as connection:
            await budgets.block(connection, budget_name(store), until)
    if pause > LONGEST_WAIT or hub.is_stopping:
        raise ConnectorError(
            f"{store} asks for a pause of {pause.total_seconds():.0f} s: start the import again "
            "after it, it goes on from here"
        ) from error
    await asyncio.sleep(pause.total_seconds())


async def _keep(
    hub: Hub, turn: ImportTurn, page: CustomerPage, connection: AsyncConnection
) -> TakenIn:
    """A page's customers, what they agreed to, and the cursor behind them, in one transaction."""
    now = hub.clock()
    taken = await take_in(connection, turn.store, page.customers, now=now)
    is_ours = await customer_imports.advance(
        connection,
        turn,
        page.cursor,
        read=len(page.customers) + len(page.unreadable),
        kept=taken.kept,
        refused=len(page.unreadable) + len(taken.refused),
        now=now,
    )
    if not is_ours:
        raise TurnLost
    return taken


async def take_in(
    connection: AsyncConnection, store: str, said: Sequence[Customer], *, now: datetime
) -> TakenIn:
    """Keeps what a shop says of its customers, and of what they agreed to, in a few statements."""
    found: list[ShopCustomer] = []
    refused: list[str] = []
    for one in said:
        if one.id:
            found.append(shop_customer(store, one, now=now))
        else:
            refused.append(NAMELESS)
    kept = await shop_customers.keep(connection, found, now=now)
    await shop_customers.note_consents(connection, store, found, now=now)
    return TakenIn(kept, tuple(refused))

"""Books a batch of events: decides, posts, plans, all in the transaction that claimed them.

No Prefect here: the flows call it, and so do tests and tools. The desks work on the working set
in memory, in order of arrival; what they did is written by `workset.flush`. The same `handle`
serves a working set that no database stands behind (see `flows.workset`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import workset
from flows.accounts_desk import AccountsDesk
from flows.activities_desk import ActivitiesDesk
from flows.adjustments_desk import AdjustmentsDesk
from flows.answers_desk import AnswersDesk
from flows.blocks_desk import BlocksDesk
from flows.campaigns_desk import CampaignsDesk
from flows.chats_desk import ChatsDesk
from flows.clerk import Clerk
from flows.closings import done
from flows.consents_desk import ConsentsDesk
from flows.engagement_desk import EngagementDesk
from flows.fallback import begin_chains
from flows.gift_codes_desk import GiftCodesDesk
from flows.hooks_out import tell_subscribers
from flows.papers import ABOUT_ACCOUNTS
from flows.people_desk import PeopleDesk
from flows.redemptions_desk import RedemptionsDesk
from flows.referrals_desk import ReferralsDesk
from flows.reward_ends_desk import RewardEndsDesk
from flows.rewards_desk import RewardsDesk
from flows.sales_desk import SalesDesk
from flows.sign_in_desk import SignInDesk
from flows.terms import Terms
from flows.vendor_reports import hear
from flows.workset import Workset
from loyalty.events import Event, EventType
from loyalty.store import deliveries, inbox
from loyalty.store.deliveries import Delivery
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.uncollected import uncollected

__all__ = ["Booked", "Terms", "book", "handle"]

DESKS: tuple[type[Clerk], ...] = (
    PeopleDesk,
    ConsentsDesk,
    AnswersDesk,
    SalesDesk,
    RedemptionsDesk,
    RewardsDesk,
    RewardEndsDesk,
    AdjustmentsDesk,
    ActivitiesDesk,
    BlocksDesk,
    EngagementDesk,
    GiftCodesDesk,
    CampaignsDesk,
    ReferralsDesk,
    ChatsDesk,
    SignInDesk,
)


@dataclass(frozen=True)
class Booked:
    """What became of a batch: how each event ended, and the deliveries that are new."""

    items: Sequence[Claimed]
    closings: Sequence[Closing]
    deliveries: Sequence[Delivery]
    emitted: Sequence[Event]


async def book(
    connection: AsyncConnection, items: Sequence[Claimed], terms: Terms, *, run_id: UUID | None
) -> Booked:
    """Works off claimed events in this transaction and closes them."""
    booked = Booked(items, [], [], [])
    for part in _parts(items):
        with uncollected():
            found = await _book_part(connection, part, terms, run_id=run_id)
        booked = Booked(
            items,
            [*booked.closings, *found.closings],
            [*booked.deliveries, *found.deliveries],
            [*booked.emitted, *found.emitted],
        )
    subjects = [item.event.subject for item in items]
    await inbox.ring_followers(connection, subjects, trigger=items[0].event.trigger)
    return booked


def _parts(items: Sequence[Claimed]) -> Iterator[Sequence[Claimed]]:
    """The batch in order; what changes whose things are whose is a part of its own."""
    for is_alone, part in groupby(items, lambda item: item.event.type in ABOUT_ACCOUNTS):
        if is_alone:
            yield from ([item] for item in part)
        else:
            yield list(part)


async def _book_part(
    connection: AsyncConnection, items: Sequence[Claimed], terms: Terms, *, run_id: UUID | None
) -> Booked:
    work = await workset.load(connection, items, terms)
    heard = await hear(connection, items, terms.programme, now=terms.now)
    if items[0].event.type in ABOUT_ACCOUNTS:
        work, closings = await _book_account(connection, items[0], terms, work)
    else:
        closings = handle(heard.items, terms, work)
    work.deliveries.extend(heard.instead)
    await workset.flush(connection, work)
    told = tell_subscribers(items, closings, terms)
    new = await deliveries.plan(connection, [*work.deliveries, *told])
    await begin_chains(connection, new, terms.programme.fallback, now=terms.now)
    await workset.close(connection, work, items, closings, run_id=run_id)
    return Booked(items, closings, new, tuple(work.emitted))


async def _book_account(
    connection: AsyncConnection, item: Claimed, terms: Terms, work: Workset
) -> tuple[Workset, list[Closing]]:
    """Moves what a merge moves, writes it, and books the event again on what lies there now."""
    desk = AccountsDesk(terms, work)
    bring_up_to_date(work, desk)
    closing = desk.handlers()[item.event.type](item)
    if desk.moved is None:
        return work, [closing]
    await workset.flush(connection, work)
    settled = await workset.load(connection, [item], terms)
    settled.released += work.released
    again = AccountsDesk(terms, settled)
    bring_up_to_date(settled, again)
    return settled, [again.go_on(item, desk.moved)]


def bring_up_to_date(work: Workset, clerk: Clerk) -> None:
    """Writes down what time has brought: points that expired, debts that can be paid, tiers."""
    for book in work.books.values():
        book.lapse(work.now, clerk.progress.make_id)
    clerk.progress.pass_time()


def handle(items: Sequence[Claimed], terms: Terms, work: Workset) -> list[Closing]:
    """Takes each event to its desk, in order; what has none is what the rules say of it.

    What time has brought is written down before and after: points that expired, debts that can
    be paid, tiers that ended.
    """
    clerk = Clerk(terms, work)
    make_id = clerk.progress.make_id
    for book in work.books.values():
        book.lapse(terms.now, make_id)
    clerk.progress.pass_time()
    handlers = handlers_of(terms, work)
    closings = []
    for item in items:
        member = work.member(item)
        if member is not None:
            work.book(member).lapse(terms.now, make_id)
        if member is not None and member.state == "erased":
            closings.append(done(item, member, "the member was forgotten", code="erased"))
            continue
        closings.append(handlers.get(item.event.type, clerk.occurred)(item))
    for book in work.books.values():
        book.lapse(terms.now, make_id)
    return closings


def handlers_of(terms: Terms, work: Workset) -> Mapping[EventType, Callable[[Claimed], Closing]]:
    """Which desk handles which event; what has none just `occurred` (`Clerk`)."""
    found: dict[EventType, Callable[[Claimed], Closing]] = {}
    for desk in DESKS:
        found |= desk(terms, work).handlers()
    return found

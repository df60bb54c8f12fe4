"""Members' histories once more, in memory: the same desks, books that nobody keeps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.booking import handlers_of
from flows.clerk import Clerk
from flows.planning import Planner
from flows.progress import Progress
from flows.simulation.archive import Archive
from flows.simulation.history import COUNTED, MESSAGES, Happened, sent_key
from flows.simulation.past import Past
from flows.simulation.rehearsal import Rehearsal, nowhere
from flows.simulation.trial import Figures, Tally, Trial
from flows.terms import Terms
from flows.workset import Workset
from loyalty.book import PointsBook
from loyalty.events import Event, EventType
from loyalty.programme import Programme
from loyalty.store.expiry_since import expiry_since
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.texts import Texts
from rules import RuleSet

_KEPT = frozenset(COUNTED)

_LEFT_OUT = frozenset({EventType.MEMBER_MERGED, EventType.MEMBER_UNMERGED, EventType.MEMBER_ERASED})
"""Accounts that are one person's by now are one from the beginning: nothing is handed over."""

_OF_THE_AWARD = frozenset(
    {
        EventType.ORDER_EDITED,
        EventType.ORDER_CANCELLED,
        EventType.ORDER_REFUNDED,
        EventType.REFUND_REVERSED,
    }
)
"""Events whose stored facts may be those of an earlier one: of the sale they change."""

_MEMBERS = text("""
select id, joined_at, created_at, state, first_name, last_name, email, phone, locale, zone,
       country, birthday, birthday_told_at
from members where id = any(:ids)
""")

Handler = Callable[[Claimed], Closing]


@dataclass(slots=True)
class _Office:
    """Desks that work under one rule set and one programme."""

    terms: Terms
    planner: Planner
    progress: Progress
    handlers: Mapping[EventType, Handler]
    otherwise: Handler

    def set_clock(self, now: datetime) -> None:
        """Lets it be another instant: a new set of desks for each event would cost more than
        the event itself."""
        object.__setattr__(self.terms, "now", now)
        object.__setattr__(self.planner, "now", now)
        self.progress.work.now = now


class Replay:
    """Works off the events of some members again.

    Attributes:
        events: How many of them lie in the period on trial.
        replayed: How many there were in all.
    """

    def __init__(
        self, trial: Trial, archive: Archive, *, since: datetime | None, now: datetime
    ) -> None:
        self.trial = trial
        self.archive = archive
        self.tally = Tally()
        self.events = 0
        self.replayed = 0
        self._since = since
        self._work = Workset(now=now)
        self._roots: dict[UUID, UUID] = {}
        self._figures: dict[UUID, Figures] = {}
        self._offices: dict[tuple[str, str], _Office] = {}
        self._latest: tuple[RuleSet, Programme] = (trial.rules, trial.programme)
        self._older = archive.rules
        self._programmes = archive.programmes
        self._older.setdefault(trial.rules.version, trial.rules)
        self._programmes.setdefault(trial.programme.version, trial.programme)
        self._number = 0

    @classmethod
    async def open(
        cls,
        connection: AsyncConnection,
        trial: Trial,
        archive: Archive,
        groups: Sequence[Sequence[UUID]],
    ) -> Replay:
        """Begins with these members as they were before their first event."""
        found = cls(trial, archive, since=await expiry_since(connection), now=trial.since)
        roots = {one: group[0] for group in groups for one in group}
        rows = await connection.execute(_MEMBERS, {"ids": sorted(set(roots.values()))})
        for row in rows:
            values = dict(row._mapping) | {"state": "enrolled"}
            found._admit(Member(**values))
        found._roots = {one: root for one, root in roots.items() if root in found._figures}
        return found

    def _admit(self, member: Member) -> None:
        programme = self.trial.programme
        self._figures[member.id] = Figures()
        self._work.members[member.id] = member
        self._work.books[member.id] = PointsBook(
            member.id,
            expiry=programme.expiry,
            zone=programme.zone,
            expiry_since=self._since,
            consume=programme.consume,
        )

    def run(self, events: Iterable[Happened], past: Past) -> None:
        """Works the events off in their order.

        Args:
            past: What the store knows of the rewards and invitations among them.
        """
        for one in events:
            root = self._roots.get(one.member_id)
            if root is None or one.event.type in _LEFT_OUT:
                continue
            self.replayed += 1
            self._recall(self._work.members[root], one)
            past.lay_out(self._work.papers, one)
            self._work_off(one.event, root, office=self._office_of(one), at=one.at, number=one.id)
            past.put_away(self._work.papers, one)

    def figures(self, root: UUID) -> Figures:
        """What came of a member by the end of the period."""
        found = self._figures.get(root)
        if found is None:
            return Figures()
        office = self._office(self.trial.rules, self.trial.programme)
        office.set_clock(self.trial.until)
        self._pass_time(office, root)
        found.tier = self._work.members[root].tier
        return found

    # --- one event

    def _work_off(
        self, event: Event, root: UUID, *, office: _Office, at: datetime, number: int
    ) -> None:
        """An event and, at once, what it brings forth (milestones, tiers)."""
        waiting = deque([(event, number)])
        while waiting:
            event, number = waiting.popleft()
            office.set_clock(at)
            self._pass_time(office, root)
            waiting.extend(self._brought_forth())
            self._work.member_of = {number: root}
            self._work.origin_of = {number: root}
            item = Claimed(number, event, at, 0)
            closing = office.handlers.get(event.type, office.otherwise)(item)
            self._work.books[root].lapse(at, lambda: new_id(at))
            self._note(item, closing, root)
            waiting.extend(self._brought_forth())

    def _brought_forth(self) -> list[tuple[Event, int]]:
        emitted, self._work.emitted = self._work.emitted, []
        found = []
        for event in emitted:
            self._number -= 1
            found.append((event, self._number))
        return found

    def _pass_time(self, office: _Office, root: UUID) -> None:
        """Points lapse, debts are paid, tiers end: what is true by now without any event."""
        work, now = self._work, office.terms.now
        book = work.books[root]
        book.lapse(now, lambda: new_id(now))
        book.settle(now)
        until = work.members[root].tier_until
        if until is not None and until <= now:
            everybody, work.members = work.members, {root: work.members[root]}
            office.progress.pass_time()
            work.members = everybody

    def _note(self, item: Claimed, closing: Closing, root: UUID) -> None:
        """Counts what is on trial, and forgets what only the store would want."""
        work, event = self._work, item.event
        is_tried = self.trial.since <= event.time < self.trial.until
        book = work.books[root]
        if is_tried:
            self.events += item.id > 0
            self._count(closing, book, root)
        book.entries.clear()
        book.allocations.clear()
        work.notes.clear()
        work.deliveries.clear()
        work.released.clear()
        work.marked.clear()
        work.meters.changed.clear()
        self._keep_papers()

    def _count(self, closing: Closing, book: PointsBook, root: UUID) -> None:
        figures, tally = self._figures[root], self.tally
        for entry in book.entries:
            if entry.kind in _KEPT:
                figures.book(entry.points)
                tally.count("points", entry.posting.rule or entry.kind.value, entry.points)
        for delivery in self._work.deliveries:
            if delivery.state != "suppressed":
                tally.count("sent", sent_key(delivery.rule, delivery.capability))
                figures.messages += delivery.capability in MESSAGES
        # What no rule was asked about (an erasure, a refusal) tells of none.
        outcome = closing.outcome or {}
        for rule in outcome.get("fired", ()):
            tally.count("fired", rule)
        for error in outcome.get("errors", ()):
            tally.count("errors", error)
        for bitten in outcome.get("limits", ()):
            tally.count("capped", bitten["capped_by"])
            tally.count("withheld", bitten["capped_by"], bitten["wanted"] - bitten["granted"])

    def _keep_papers(self) -> None:
        """What a transaction would write and the next one read."""
        papers = self._work.papers
        for one in papers.redeemed:
            if one.used_on:
                papers.used_on.setdefault(one.used_on, []).append(one)
        papers.redeemed.clear()
        papers.returned.clear()

    def _recall(self, member: Member, one: Happened) -> None:
        """What was known of the member then and is in no event: tags, segments, the zone."""
        known = one.known
        if known is not None and one.event.type not in _OF_THE_AWARD:
            member.tags, member.segments = list(known.tags), list(known.segments)
            member.zone, member.email, member.phone = known.zone, known.email, known.phone

    # --- under what

    def _office_of(self, one: Happened) -> _Office:
        if one.event.time >= self.trial.since:
            return self._office(self.trial.rules, self.trial.programme)
        rules, programme = self._latest
        if one.version:
            rules = self.archive.rules.get(one.version, rules)
            programme = self.archive.programmes.get(one.programme, programme)
            self._latest = (rules, programme)
        return self._office(rules, programme)

    def _office(self, rules: RuleSet, programme: Programme) -> _Office:
        key = (rules.version, str(id(programme)))
        if key not in self._offices:
            self._offices[key] = self._opened(rules, programme)
        return self._offices[key]

    def _opened(self, rules: RuleSet, programme: Programme) -> _Office:
        texts = Texts({})
        planner = Rehearsal(programme, texts, nowhere(), "simulation", self._work.now)
        terms = Terms(
            programme=programme,
            rules=rules,
            texts=texts,
            planner=planner,
            now=self._work.now,
            rules_of=self.archive.rules_of,
            programme_of=self.archive.programme_of,
            older=self._older,
            older_programmes=self._programmes,
            expiry_since=self._since,
            remembers=False,
        )
        clerk = Clerk(terms, self._work)
        handlers = handlers_of(terms, self._work)
        return _Office(terms, planner, clerk.progress, handlers, clerk.occurred)

"""`hub events` and `hub event`: how events ended, and why each rule fired or did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from connectors.kit.redact import without_people
from deployments.cli import queries
from deployments.cli.answers import (
    Failure,
    answering,
    moment,
    say,
    show_fields,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.deliveries import listed, show_deliveries
from deployments.cli.desk import Desk, at_desk
from deployments.cli.queries import StoredEntry, StoredEvent
from loyalty.events import TRIGGERS, Event
from loyalty.facts import MemberFacts
from loyalty.programme import Programme
from loyalty.store import inbox, rulebook
from loyalty.store.deliveries import Delivery
from rules import RuleSet, RuleSetError, decide
from rules.decision import RuleTrace

STATES = ("waiting", "done", "refused", "parked", "failed")


@answering
def run_events(states: Sequence[str], *, trigger: str, limit: int, as_json: bool) -> int:
    """Lists events that match, newest first, after a count of all by state."""
    for one in states:
        if one not in STATES:
            raise unusable(f"there is no state {one!r}; there are: {', '.join(STATES)}")
    if trigger and trigger not in TRIGGERS:
        raise unusable(f"there is no trigger {trigger!r}; there are: {', '.join(TRIGGERS)}")

    async def find(desk: Desk) -> tuple[dict[str, int], list[StoredEvent]]:
        async with desk.database.begin() as connection:
            counts = await inbox.states(connection)
            found = await queries.find_events(
                connection, states=states, trigger=trigger, limit=limit
            )
            return counts, found

    counts, found = at_desk(find)
    if as_json:
        write_json({"counts": counts, "events": [_listed(one) for one in found]})
        return 0
    if not counts:
        say("No events yet: they come in as webhooks, below /hooks/ of the gateway.")
        return 0
    say(", ".join(f"{counts[one]} {one}" for one in STATES if one in counts))
    if not found:
        say("No events match.")
        return 0
    show_rows(
        ("key", "state", "received", "why"),
        [
            (without_people(one.business_key), one.state, one.received_at, _why(one))
            for one in found
        ],
    )
    if len(found) == limit:
        say(f"The newest {limit}; --limit shows more. `hub event KEY` explains one.")
    return 0


def _listed(one: StoredEvent) -> dict[str, Any]:
    return {
        "key": one.business_key,
        "type": one.type,
        "store": one.store,
        "trigger": one.trigger,
        "state": one.state,
        "reason": without_people(one.reason),
        "waits_for": without_people(one.waits_for),
        "attempts": one.attempts,
        "occurred_at": one.occurred_at,
        "received_at": one.received_at,
        "done_at": one.done_at,
        "run_id": one.run_id,
        "member_id": one.member_id,
        "vendor_delivery_id": one.delivery_id,
    }


def _why(one: StoredEvent) -> str:
    return without_people(one.reason)


@dataclass(frozen=True, slots=True)
class _Rulebook:
    """Under what the event was decided: the rules of then, the programme of now."""

    documents: list[dict[str, Any]] | None
    programme: Programme


@dataclass(frozen=True, slots=True)
class _Story:
    """All there is to tell of an event."""

    event: StoredEvent
    entries: Sequence[StoredEntry]
    sent: Sequence[Delivery]
    traces: Sequence[RuleTrace]
    untold: str


@answering
def run_event(key: str, *, as_json: bool) -> int:
    """Tells how an event ended, what it booked and sent, and why each rule fired or not."""

    async def find(desk: Desk) -> _Story:
        async with desk.database.begin() as connection:
            event = (await queries.events_by_key(connection, [key])).get(key)
            if event is None:
                raise Failure(f"there is no event {key!r}", "`hub events` lists the latest")
            version = str((event.outcome or {}).get("version", ""))
            book = _Rulebook(
                await rulebook.documents_of(connection, version) if version else None,
                await rulebook.programme(connection),
            )
            entries = await queries.entries_of(connection, event)
            sent = await queries.deliveries_of(connection, event.id)
        traces, untold = explain(event, event.outcome, book)
        return _Story(event, entries, sent, traces, untold)

    story = at_desk(find)
    if as_json:
        write_json(_told(story))
    else:
        _tell(story)
    return 0


def explain(
    stored: StoredEvent, outcome: Mapping[str, Any] | None, book: _Rulebook
) -> tuple[Sequence[RuleTrace], str]:
    """Decides again, from what was known then; the traces, or why there are none."""
    if outcome is None:
        return (), "the rules were not asked"
    if book.documents is None:
        return (), f"the rules {outcome.get('version')} are not in the store"
    try:
        event = Event(
            type=stored.type,
            store=stored.store,
            key=stored.key,
            time=stored.occurred_at,
            subject=stored.subject,
            data=stored.data,
        )
        facts = MemberFacts.model_validate(outcome["facts"])
        rules = RuleSet.from_documents(book.documents)
    except (KeyError, ValidationError, RuleSetError) as error:
        return (), f"what was stored cannot be read by this version ({type(error).__name__})"
    return decide(event, facts, book.programme, rules, explain=True).traces, ""


def _told(story: _Story) -> dict[str, Any]:
    outcome = story.event.outcome or {}
    return {
        **_listed(story.event),
        "points": outcome.get("points"),
        "balance": outcome.get("balance"),
        "rules_version": outcome.get("version"),
        "fired": outcome.get("fired", []),
        "errors": outcome.get("errors", []),
        "entries": [asdict(one) for one in story.entries],
        "deliveries": [listed(one) for one in story.sent],
        "rules": [one.model_dump(mode="json") for one in story.traces],
        "rules_untold": story.untold,
    }


def _tell(story: _Story) -> None:
    event, outcome = story.event, story.event.outcome or {}
    show_fields(
        [
            (name, value)
            for name, value in [
                ("event", without_people(event.business_key)),
                ("state", event.state),
                ("why", _why(event)),
                ("waits for", without_people(event.waits_for)),
                ("occurred", moment(event.occurred_at)),
                ("received", moment(event.received_at)),
                ("done", moment(event.done_at)),
                ("member", event.member_id),
                ("flow run", event.run_id),
                ("rules", outcome.get("version")),
                ("balance", outcome.get("balance")),
            ]
            if value not in ("", None)
        ]
    )
    say("\nbooked" if story.entries else "\nIt booked nothing.")
    if story.entries:
        show_rows(
            ("points", "kind", "rule", "reckoning"),
            [(f"{one.points:+d}", one.kind, one.rule, one.reason) for one in story.entries],
        )
    say("\ndeliveries" if story.sent else "\nIt had nothing sent.")
    if story.sent:
        show_deliveries(story.sent)
    _tell_rules(story)


def _tell_rules(story: _Story) -> None:
    if story.untold:
        say(f"\nWhy the rules fired or not cannot be told: {story.untold}.")
        return
    say("\nrules" if story.traces else "\nNo rule listens to events of this kind.")
    show_fields([(f"  {one.rule}", without_people(one.why)) for one in story.traces])
    for error in (story.event.outcome or {}).get("errors", []):
        say(f"  failed: {without_people(str(error))}")

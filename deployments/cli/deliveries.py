"""`hub deliveries`: what was sent, what waits and why, and a person's word on what nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from connectors.kit.redact import without_people
from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    moment,
    say,
    show_fields,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, actor, at_desk
from deployments.cli.private import shortened_input
from loyalty.store import audit, delivery_lists
from loyalty.store.attempts import Attempt, attempts_of
from loyalty.store.deliveries import Delivery
from loyalty.store.delivery_lists import Search
from loyalty.store.tables import deliveries as deliveries_table
from loyalty.store.tallies import Tally, tally

STATES = (
    "pending", "sending", "sent", "parked", "held", "unknown", "dead", "suppressed", "cancelled",
)  # fmt: skip


@answering
def run_summary(*, as_json: bool) -> int:
    """Counts deliveries by connection and state."""

    async def count(desk: Desk) -> list[Tally]:
        async with desk.database.begin() as connection:
            return await tally(connection)

    found = at_desk(count)
    if as_json:
        rows = [{**asdict(one), "reason": without_people(one.reason)} for one in found]
        write_json({"deliveries": rows, "total": sum(one.count for one in found)})
    elif not found:
        say("No deliveries yet: rules ask for them when events arrive.")
    else:
        show_rows(
            ("connection", "serves", "state", "count", "why"),
            [
                (one.route or "none", one.capability, one.state, one.count, _line(one.reason))
                for one in found
            ],
        )
    return 0


@answering
def run_list(wanted: Search, *, as_json: bool) -> int:
    """Lists deliveries that match, newest first."""
    _check_states(wanted.states)

    async def find(desk: Desk) -> list[Delivery]:
        async with desk.database.begin() as connection:
            return await delivery_lists.search(connection, wanted)

    found = at_desk(find)
    if as_json:
        write_json({"deliveries": [listed(one) for one in found]})
    elif not found:
        say("No deliveries match." if _narrows(wanted) else "No deliveries yet.")
    else:
        show_deliveries(found)
        if len(found) == wanted.limit:
            say(f"The newest {wanted.limit}; --limit shows more.")
    return 0


def show_deliveries(found: Sequence[Delivery]) -> None:
    """Prints deliveries as a table, without whole addresses."""
    show_rows(
        ("id", "state", "connection", "to", "tries", "since", "why"),
        [
            (
                one.id,
                _state(one),
                one.route or one.capability,
                without_people(one.target),
                one.attempts,
                one.created_at,
                _line(one.reason),
            )
            for one in found
        ],
    )


def listed(one: Delivery) -> dict[str, Any]:
    """A delivery for machines, without what it says and without whole addresses."""
    return {
        "id": one.id,
        "key": without_people(one.key),
        "state": one.state,
        "reason": without_people(one.reason),
        "connection": one.route,
        "action": one.action,
        "capability": one.capability,
        "rule": one.rule,
        "target": without_people(one.target),
        "attempts": one.attempts,
        "next_attempt_at": one.next_attempt_at,
        "created_at": one.created_at,
        "sent_at": one.sent_at,
        "vendor_id": one.vendor_id,
        "event_id": one.event_id,
        "member_id": one.member_id,
    }


@answering
def run_show(wanted: str, *, full: bool, as_json: bool) -> int:
    """Shows one delivery with its tries; addresses and texts shortened unless `full`."""
    wanted_id = read_ids([wanted])[0]

    async def find(desk: Desk) -> tuple[Delivery, list[Attempt]]:
        async with desk.database.begin() as connection:
            found = await delivery_lists.search(connection, Search(ids=(wanted_id,)))
            if not found:
                raise Failure(f"there is no delivery {wanted_id}", "`hub deliveries list` has them")
            return found[0], await attempts_of(connection, wanted_id)

    one, tries = at_desk(find)
    content = one.input if full else shortened_input(one.capability, one.input)
    shown = listed(one) | ({"key": one.key, "target": one.target} if full else {})
    shown |= {"reason": one.reason} if full else {}
    details = [asdict(each) | {"detail": _seen(each.detail, full=full)} for each in tries]
    if as_json:
        write_json({**shown, "input": content, "tries": details})
        return 0
    show_fields(list(shown.items()))
    say("\ninput")
    show_fields([(f"  {name}", value) for name, value in content.items()])
    say("\ntries" if tries else "\nNothing was tried yet.")
    if tries:
        show_rows(
            ("", "at", "took", "outcome", "detail", "vendor's code", "vendor's request"),
            [_try_row(each, full=full) for each in tries],
        )
    return 0


def _try_row(one: Attempt, *, full: bool) -> tuple[object, ...]:
    took = f"{(one.ended_at - one.started_at).total_seconds():.2f} s"
    detail = _seen(one.detail, full=full)
    at = moment(one.started_at)
    return (one.number, at, took, one.outcome, detail, one.vendor_code, one.request_id)


@answering
def run_resolve(ids: Sequence[str], *, state: str, reason: str, as_json: bool) -> int:
    """Writes down a person's word on deliveries, with a line in the audit log for each."""
    if not reason.strip():
        raise unusable("the reason is empty", "say why: it is kept in the audit log")
    wanted = list(dict.fromkeys(read_ids(ids)))

    async def resolve(desk: Desk) -> tuple[list[UUID], dict[UUID, str]]:
        async with desk.database.begin() as connection:
            changed = await delivery_lists.decide(connection, wanted, state=state, reason=reason)
            for one in changed:
                await audit.note(
                    connection,
                    actor=actor(),
                    action=f"delivery.{_ACTS[state]}",
                    subject=str(one),
                    now=desk.now,
                    detail={"why": reason},
                )
            rest = [one for one in wanted if one not in set(changed)]
            known = deliveries_table.select().where(deliveries_table.c.id.in_(rest))
            return changed, {row.id: row.state for row in await connection.execute(known)}

    changed, known = at_desk(resolve)
    left = [
        {"id": one, "why": _why_not(known.get(one), state)} for one in wanted if one not in changed
    ]
    if as_json:
        write_json({"state": state, "changed": changed, "left": left})
    else:
        say(f"{counted(len(changed), 'delivery', 'deliveries')} {_DONE[state]}.")
        for one in left:
            say(f"{one['id']} stays as it is: {one['why']}.")
    return 1 if left else 0


_ACTS = {"sent": "said_to_be_sent", "pending": "sent_again", "cancelled": "cancelled"}
_DONE = {"sent": "marked as sent", "pending": "sent again", "cancelled": "cancelled"}


def _why_not(known: str | None, wanted: str) -> str:
    if known is None:
        return "there is no such delivery"
    if wanted == "sent":
        return f"it is {known}; only one whose outcome is unknown can be said to be sent"
    return f"it is {known} already" if known == wanted else f"it is {known}"


def read_ids(texts: Sequence[str]) -> list[UUID]:
    """Delivery ids as given on the command line; a Failure names the one that is none."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            raise unusable(
                f"{text!r} is no delivery id", "`hub deliveries list` has them"
            ) from None
    return found


def _check_states(states: Sequence[str]) -> None:
    for one in states:
        if one not in STATES:
            raise unusable(f"there is no state {one!r}; there are: {', '.join(STATES)}")


def _narrows(wanted: Search) -> bool:
    return bool(wanted.states or wanted.route or wanted.key)


def _state(one: Delivery) -> str:
    if one.state == "parked" and one.next_attempt_at is not None:
        return f"parked until {moment(one.next_attempt_at)}"
    return one.state


def _seen(text: str, *, full: bool) -> str:
    return text if full else without_people(text)


def _line(text: str) -> str:
    return without_people(text)

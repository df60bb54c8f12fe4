"""Deals, activities and notes of a person.

https://developers.pipedrive.com/docs/api/v1/Deals, /Activities, /Notes. Pipedrive takes no key,
so each carries a mark by which it is found again after a lost answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import Currency, Whom
from connectors.pipedrive.fields import number
from connectors.pipedrive.persons import person_of

if TYPE_CHECKING:
    from connectors.pipedrive.client import PipedriveClient

Id = Annotated[int, Field(gt=0)]


class DealOpen(Whom):
    """A deal of a person. Without a stage it is put into the first one."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    value: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4)] | None = None
    currency: Currency | None = None
    pipeline_id: Id | None = None
    stage_id: Id | None = None


class ActivityAdd(Whom):
    """Something to do about a person, or something that was done."""

    subject: Annotated[str, Field(min_length=1, max_length=200)]
    type: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,50}$")] = "task"
    note: Annotated[str, Field(max_length=10_000)] = ""
    due_date: date | None = None
    done: bool = False


class NoteAdd(Whom):
    """A note for the team, at a person."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


async def create_deal(client: PipedriveClient, job: Job) -> Sent:
    """Opens a deal."""
    deal: DealOpen = job.input
    person = await person_of(client, deal)
    body: dict[str, Any] = {"title": f"{deal.title} {_mark(job)}", "person_id": person}
    if deal.value is not None:
        body["value"] = number(deal.value, "value")
    known = {"currency": deal.currency, "pipeline_id": deal.pipeline_id, "stage_id": deal.stage_id}
    body |= {name: value for name, value in known.items() if value is not None}
    return Sent(vendor_id=str(await client.create("deals", body)))


async def find_deal(client: PipedriveClient, job: Job) -> Sent | None:
    """The deal whose title carries this job's mark."""
    person = await person_of(client, job.input)
    return _marked(await client.newest("deals", person), "title", job)


async def add_activity(client: PipedriveClient, job: Job) -> Sent:
    """Plans an activity, or notes that one was done."""
    activity: ActivityAdd = job.input
    person = await person_of(client, activity)
    body: dict[str, Any] = {
        "subject": activity.subject,
        "type": activity.type,
        "done": activity.done,
        "note": _html(activity.note, job),
        "participants": [{"person_id": person, "primary": True}],
    }
    if activity.due_date is not None:
        body["due_date"] = activity.due_date.isoformat()
    return Sent(vendor_id=str(await client.create("activities", body)))


async def find_activity(client: PipedriveClient, job: Job) -> Sent | None:
    """The activity whose note carries this job's mark."""
    person = await person_of(client, job.input)
    return _marked(await client.newest("activities", person), "note", job)


async def add_note(client: PipedriveClient, job: Job) -> Sent:
    """Writes a note at a person."""
    note: NoteAdd = job.input
    body = {"content": _html(note.text, job), "person_id": await person_of(client, note)}
    return Sent(vendor_id=str(await client.create_note(body)))


async def find_note(client: PipedriveClient, job: Job) -> Sent | None:
    """The note that carries this job's mark."""
    person = await person_of(client, job.input)
    return _marked(await client.newest_notes(person), "content", job)


def _marked(records: Sequence[Any], place: str, job: Job) -> Sent | None:
    for one in records:
        if isinstance(one, dict) and _mark(job) in str(one.get(place) or ""):
            return Sent(vendor_id=str(one.get("id", "")))
    return None


def _html(text: str, job: Job) -> str:
    """Notes are HTML at Pipedrive: what a person wrote must stay text."""
    lines = [escape(line, quote=False) for line in text.splitlines()]
    return "<br>".join([*lines, _mark(job)])


def _mark(job: Job) -> str:
    """What tells this job's record from all others."""
    return f"[hub {hashlib.sha256(job.key.encode()).hexdigest()[:12]}]"

"""Tickets for the team: opened once, commented, changed. Nobody outside the team is written to.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/. A ticket carries the
job's mark as its external id and as its idempotency key: the key is kept for two hours only, so
before a resend the mark is looked for. Comments are internal notes that end with such a mark.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from connectors.kit.action import Job, Payload, Sent
from connectors.kit.capabilities import Properties, TicketOpen, Whom
from connectors.kit.paging import dig, listed
from connectors.zendesk.client import number_of
from connectors.zendesk.users import new_user, tag_of

if TYPE_CHECKING:
    from connectors.zendesk.client import ZendeskClient

TicketNumber = Annotated[str, Field(pattern=r"^\d{1,20}$")]


class TicketNote(Payload):
    """An internal note on a ticket."""

    ticket: TicketNumber
    body: Annotated[str, Field(min_length=1, max_length=10_000)]


class TicketChange(Payload):
    """What a ticket shall be; what is left out stays as it is."""

    ticket: TicketNumber
    status: Literal["open", "pending", "hold", "solved"] | None = None
    priority: Literal["low", "normal", "high", "urgent"] | None = None
    fields: Properties = Field(default_factory=dict)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.status or self.priority or self.fields):
            raise ValueError("it changes nothing of the ticket")
        return self


def mark_of(job: Job) -> str:
    """What a job's work is found by; it tells nothing of the job."""
    return f"hub-{sha256(job.key.encode()).hexdigest()[:32]}"


async def open_ticket(client: ZendeskClient, job: Job) -> Sent:
    """Opens a ticket with an internal note, about a person where their address is given."""
    given: TicketOpen = job.input
    ticket: dict[str, Any] = {
        "subject": given.subject,
        "comment": {"body": given.body, "public": False},
        "priority": given.priority,
        "external_id": mark_of(job),
    }
    if given.tags:
        ticket["tags"] = [tag_of(tag) for tag in given.tags]
    if given.fields:
        ticket["custom_fields"] = await client.custom_fields(given.fields)
    if given.email:
        ticket["requester_id"] = await _requester(client, given)
    headers = {"Idempotency-Key": mark_of(job)}
    reply = await client.write("POST", "/tickets", {"ticket": ticket}, headers)
    return Sent(vendor_id=str(number_of(dig(reply, "ticket"))))


async def _requester(client: ZendeskClient, given: TicketOpen) -> int:
    found = await client.user_of(Whom(email=given.email))
    if found is not None:
        return number_of(found)
    return await new_user(client, given.email, {"name": given.name} if given.name else {})


async def find_ticket(client: ZendeskClient, job: Job) -> Sent | None:
    """The ticket with this job's mark."""
    mark = mark_of(job)
    for one in listed(await client.get("/tickets", external_id=mark), "tickets"):
        if one.get("external_id") == mark:
            return Sent(vendor_id=str(number_of(one)))
    return None


async def add_note(client: ZendeskClient, job: Job) -> Sent:
    """Writes an internal note; the job's mark stands below it."""
    note: TicketNote = job.input
    comment = {"body": f"{note.body}\n\n({mark_of(job)})", "public": False}
    await client.write("PUT", f"/tickets/{note.ticket}", {"ticket": {"comment": comment}})
    return Sent(vendor_id=note.ticket)


async def find_note(client: ZendeskClient, job: Job) -> Sent | None:
    """The ticket's number where this job's note is on it."""
    note: TicketNote = job.input
    mark = f"({mark_of(job)})"
    reply = await client.get(f"/tickets/{note.ticket}/comments")
    found = any(mark in str(one.get("body", "")) for one in listed(reply, "comments"))
    return Sent(vendor_id=note.ticket) if found else None


async def change_ticket(client: ZendeskClient, job: Job) -> Sent:
    """Sets status, priority and fields of a ticket."""
    change: TicketChange = job.input
    ticket: dict[str, Any] = {"status": change.status, "priority": change.priority}
    ticket = {name: value for name, value in ticket.items() if value}
    if change.fields:
        ticket["custom_fields"] = await client.custom_fields(change.fields)
    await client.write("PUT", f"/tickets/{change.ticket}", {"ticket": ticket})
    return Sent(vendor_id=change.ticket)

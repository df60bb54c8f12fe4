"""What the hub does at Zendesk: tickets and notes for the team, users and their fields."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import CrmContact, CustomerChange, TicketOpen
from connectors.zendesk.tickets import (
    TicketChange,
    TicketNote,
    add_note,
    change_ticket,
    find_note,
    find_ticket,
    open_ticket,
)
from connectors.zendesk.users import change_user, upsert_user

OPEN_TICKET = Action(
    name="open_ticket",
    title="Open a ticket for the team.",
    input=TicketOpen,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=open_ticket,
    find=find_ticket,
    capability=Capability.TICKET,
    sample="open_ticket.response.json",
    scopes=("tickets:read", "tickets:write", "users:read", "users:write"),
)

ADD_NOTE = Action(
    name="add_note",
    title="Add an internal note to a ticket.",
    input=TicketNote,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=add_note,
    find=find_note,
    sample="add_note.response.json",
    scopes=("tickets:read", "tickets:write"),
)

CHANGE_TICKET = Action(
    name="change_ticket",
    title="Change a ticket's status, priority and fields.",
    input=TicketChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=change_ticket,
    sample="change_ticket.response.json",
    scopes=("tickets:read", "tickets:write"),
)

UPSERT_USER = Action(
    name="upsert_user",
    title="Create or update a user by e-mail.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_user,
    capability=Capability.CRM,
    sample="upsert_user.response.json",
    scopes=("users:read", "users:write"),
)

CHANGE_USER = Action(
    name="change_user",
    title="Change a user's tags and fields.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=change_user,
    capability=Capability.CUSTOMER,
    sample="change_user.response.json",
    scopes=("users:read", "users:write"),
)

ACTIONS: tuple[Action, ...] = (OPEN_TICKET, ADD_NOTE, CHANGE_TICKET, UPSERT_USER, CHANGE_USER)

"""Members of an audience, written so that nobody who left is subscribed again.

https://mailchimp.com/developer/marketing/api/list-members/add-or-update-list-member/

A single PUT says `status_if_new` and no `status`: an existing member keeps theirs. The batch
endpoint (`POST /lists/{id}`) documents no `status_if_new`, and with `update_existing` it would
write the status of existing members. So a batch only *adds* (`update_existing: false`), and
whoever it did not add, because they exist or because something is wrong with them, is written
by the single PUT, which keeps their status or says what is wrong with this one member.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Action, Capability, Idempotency, Job, Outcome, Sent
from connectors.kit.capabilities import AudienceMember
from connectors.kit.errors import ConnectorError, InvalidRequest
from connectors.mailchimp.changes import ADD_EVENT, CHANGE_MEMBER
from connectors.mailchimp.members import member_id, plain

if TYPE_CHECKING:
    from connectors.mailchimp.client import MailchimpClient

BATCH_SIZE = 500


class MailchimpMember(Sent):
    """The member as Mailchimp holds it after the call. `vendor_id` is the subscriber hash."""

    status: str = ""


async def upsert_member(client: MailchimpClient, job: Job) -> MailchimpMember:
    """Writes one member and then its tags, where it has any."""
    member: AudienceMember = job.input
    body = {**_content(member), "status_if_new": _status_if_new(member)}
    reply = await client.put_member(member_id(member.email), body)
    return await _tagged(client, member, str(reply.get("status", "")))


async def upsert_members(client: MailchimpClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Adds the new ones in one call; the others one by one, those of one address in order."""
    first = {job.input.email.lower(): index for index, job in reversed(list(enumerate(jobs)))}
    chosen = [jobs[index].input for index in first.values()]
    try:
        added = await client.add_members(
            [{**_content(one), "status": _status_if_new(one)} for one in chosen]
        )
    except InvalidRequest:
        # One member outside Mailchimp's schema sinks the call; alone, it says which one.
        added = []
    status_of = {
        first[email]: str(one.get("status", ""))
        for one in added
        if (email := str(one.get("email_address", "")).lower()) in first
    }
    by_address: dict[str, list[int]] = {}
    for index, job in enumerate(jobs):
        by_address.setdefault(job.input.email.lower(), []).append(index)
    groups = await asyncio.gather(
        *(_settle(client, jobs, indexes, status_of) for indexes in by_address.values())
    )
    outcomes = {index: outcome for group in groups for index, outcome in group}
    return [outcomes[index] for index in range(len(jobs))]


async def _settle(
    client: MailchimpClient, jobs: Sequence[Job], indexes: list[int], status_of: dict[int, str]
) -> list[tuple[int, Outcome]]:
    """Finishes the jobs of one address in their order: the last one's values stay."""
    settled: list[tuple[int, Outcome]] = []
    for index in indexes:
        job = jobs[index]
        try:
            if index in status_of:
                sent = await _tagged(client, job.input, status_of[index])
            else:
                sent = await upsert_member(client, job)
            settled.append((index, sent))
        except ConnectorError as error:
            settled.append((index, error))
    return settled


async def _tagged(client: MailchimpClient, member: AudienceMember, status: str) -> MailchimpMember:
    identity = member_id(member.email)
    if member.tags:
        await client.set_tags(identity, add=member.tags)
    return MailchimpMember(vendor_id=identity, status=status)


def _status_if_new(member: AudienceMember) -> str:
    return "subscribed" if member.is_subscribed else "transactional"


def _content(member: AudienceMember) -> dict[str, Any]:
    """Empty names are left out: writing them would erase what Mailchimp holds."""
    names = {"FNAME": member.first_name, "LNAME": member.last_name}
    fields: dict[str, str | int] = {tag: text for tag, text in names.items() if text}
    fields.update({tag: plain(value) for tag, value in member.merge_fields.items()})
    return {"email_address": member.email, "merge_fields": fields}


UPSERT_MEMBER = Action(
    name="upsert_member",
    title="Add or update a member of the audience.",
    input=AudienceMember,
    output=MailchimpMember,
    idempotency=Idempotency.UPSERT,
    run=upsert_member,
    capability=Capability.AUDIENCE,
    run_batch=upsert_members,
    batch_size=BATCH_SIZE,
    sample="upsert_member.response.json",
)

ACTIONS = (UPSERT_MEMBER, CHANGE_MEMBER, ADD_EVENT)

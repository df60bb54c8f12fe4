"""Notes at a contact: https://www.zoho.com/crm/developer/docs/api/v8/create-notes.html."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import Whom
from connectors.zoho.people import CONTACTS, contact_id

if TYPE_CHECKING:
    from connectors.zoho.client import ZohoClient


class ContactNote(Whom):
    """A note for the team, at a contact that is there already."""

    title: Annotated[str, Field(min_length=1, max_length=90)]
    text: Annotated[str, Field(min_length=1, max_length=10_000)]


async def find_note(client: ZohoClient, job: Job) -> Sent | None:
    """The note whose title carries this job's mark."""
    owner = await contact_id(client, job.input)
    async for page in client.notes(CONTACTS, owner):
        for note in page:
            if isinstance(note, dict) and _mark(job) in str(note.get("Note_Title") or ""):
                return Sent(vendor_id=str(note.get("id", "")))
    return None


async def add_note(client: ZohoClient, job: Job) -> Sent:
    """Writes a note at a contact."""
    note: ContactNote = job.input
    owner = {"module": {"api_name": CONTACTS}, "id": await contact_id(client, note)}
    record = {
        "Note_Title": f"{note.title} {_mark(job)}",
        "Note_Content": note.text,
        "Parent_Id": owner,
    }
    return Sent(vendor_id=await client.create("Notes", record))


def _mark(job: Job) -> str:
    """What tells this job's note from all others."""
    return f"[hub {hashlib.sha256(job.key.encode()).hexdigest()[:16]}]"

"""Contacts of the CRM, created or updated by their e-mail address.

https://developers.hubspot.com/docs/guides/api/crm/objects/contacts#upsert-contacts

HubSpot refuses a batch that names one address twice, so the jobs of one address become one
contact in which the last value of each property stays, as if they had been written in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.hubspot.activity import SEND_EVENT, SUBMIT_FORM
from connectors.kit.action import Action, Capability, Idempotency, Job, Outcome, Sent
from connectors.kit.capabilities import CrmContact
from connectors.kit.errors import Conflict, ConnectorError, InvalidRequest, Transient
from connectors.kit.values import as_text

if TYPE_CHECKING:
    from connectors.hubspot.client import Contact, HubSpotClient, Written

BATCH_SIZE = 100
MAX_CALLS = 32
"""Enough to single out two wrong contacts in a hundred; the rest waits for its next turn."""


class HubSpotContact(Sent):
    """The contact's id, and whether this call made it."""

    created: bool = False


async def upsert_contact(client: HubSpotClient, job: Job) -> Sent:
    """Creates or updates one contact."""
    [outcome] = await upsert_contacts(client, [job])
    if isinstance(outcome, ConnectorError):
        raise outcome
    return outcome


async def upsert_contacts(client: HubSpotClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Creates or updates up to 100 contacts in one call."""
    by_address: dict[str, list[Job]] = {}
    for job in jobs:
        by_address.setdefault(job.input.email.lower(), []).append(job)
    merged = [_merged(some) for some in by_address.values()]
    written = await _written(client, merged)
    outcomes: dict[str, list[Outcome]] = {}
    for (address, some), contact in zip(by_address.items(), merged, strict=True):
        outcome = _outcome(written[contact.email])
        if len(some) > 1 and isinstance(outcome, InvalidRequest):
            # One of them spoils the merged contact: alone, each gets its own answer.
            outcomes[address] = await _one_by_one(client, some)
        else:
            outcomes[address] = [outcome] * len(some)
    turns = {address: iter(found) for address, found in outcomes.items()}
    return [next(turns[job.input.email.lower()]) for job in jobs]


async def _one_by_one(client: HubSpotClient, jobs: Sequence[Job]) -> list[Outcome]:
    found: list[Outcome] = []
    for job in jobs:
        contact = _merged([job])
        written = await _written(client, [contact])
        found.append(_outcome(written[contact.email]))
    return found


async def _written(
    client: HubSpotClient, contacts: list[Contact]
) -> dict[str, Written | ConnectorError]:
    """Outcomes by address. A batch refused as a whole is halved until the culprit is alone."""
    waiting, calls = [contacts], 0
    found: dict[str, Written | ConnectorError] = {}
    while waiting:
        some = waiting.pop()
        if calls == MAX_CALLS:
            late = Transient("its batch was refused for other contacts: it is tried again")
            found.update({one.email: late for one in some})
            continue
        calls += 1
        try:
            found.update(await client.upsert(some))
        except (InvalidRequest, Conflict) as error:
            if len(some) == 1:
                found[some[0].email] = error
            else:
                middle = len(some) // 2
                waiting += [some[middle:], some[:middle]]
        except ConnectorError as error:
            found.update({one.email: error for one in some})
    return found


def _outcome(written: Written | ConnectorError) -> Outcome:
    if isinstance(written, ConnectorError):
        return written
    return HubSpotContact(vendor_id=written.id, created=written.created)


def _merged(jobs: Sequence[Job]) -> Contact:
    """One contact of the jobs of one address. Empty names are left out: they would erase."""
    from connectors.hubspot.client import Contact

    properties: dict[str, str] = {}
    for job in jobs:
        contact: CrmContact = job.input
        known = {
            "firstname": contact.first_name,
            "lastname": contact.last_name,
            "phone": contact.phone,
        }
        properties.update({name: text for name, text in known.items() if text})
        properties.update({name: as_text(value) for name, value in contact.properties.items()})
    return Contact(email=jobs[-1].input.email, properties=properties)


UPSERT_CONTACT = Action(
    name="upsert_contact",
    title="Create or update a contact by e-mail.",
    input=CrmContact,
    output=HubSpotContact,
    idempotency=Idempotency.UPSERT,
    run=upsert_contact,
    capability=Capability.CRM,
    run_batch=upsert_contacts,
    batch_size=BATCH_SIZE,
    sample="upsert_contact.response.json",
    scopes=("crm.objects.contacts.write",),
)

ACTIONS = (UPSERT_CONTACT, SEND_EVENT, SUBMIT_FORM)

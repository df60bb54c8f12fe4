"""What people did, as custom events, and forms filled in for them.

https://developers.hubspot.com/docs/guides/api/analytics-and-events/custom-events and
https://developers.hubspot.com/docs/reference/api/marketing/forms/v3-legacy

An event carries a `uuid` made of the delivery's key. HubSpot does not promise to count such a
one once, so nothing is sent again after a lost answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, Field

from connectors.kit.action import Action, Capability, Idempotency, Job, Outcome, Payload, Sent
from connectors.kit.capabilities import Properties, TrackedEvent
from connectors.kit.errors import ConnectorError, InvalidRequest, Transient
from connectors.kit.values import as_text

if TYPE_CHECKING:
    from connectors.hubspot.client import HubSpotClient

EVENT_BATCH = 100
MAX_CALLS = 32
"""Enough to single out two wrong events in a hundred; the rest waits for its next turn."""

_FULL_NAME = re.compile(r"pe\d{1,15}_[a-z0-9_]+")


class FormSubmission(Payload):
    """A form filled in for somebody; the names are those of the form's fields.

    Attributes:
        form: HubSpot's id of the form, a GUID.
    """

    form: Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{36}$")]
    email: Annotated[str, Field(min_length=3, max_length=254)]
    fields: Properties = Field(default_factory=dict)
    time: AwareDatetime
    page: Annotated[str, Field(max_length=200)] = Field("", description="What the page is called.")


async def send_event(client: HubSpotClient, job: Job) -> Sent:
    """Sends one event."""
    [outcome] = await send_events(client, [job])
    if isinstance(outcome, ConnectorError):
        raise outcome
    return outcome


async def send_events(client: HubSpotClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Sends up to 100 events in one call, which HubSpot takes or refuses as a whole."""
    outcomes: dict[int, Outcome] = {}
    ready: dict[int, dict[str, Any]] = {}
    for place, job in enumerate(jobs):
        try:
            ready[place] = _event(job, client.account.event_prefix)
        except InvalidRequest as error:
            outcomes[place] = error
    waiting, calls = [list(ready)] if ready else [], 0
    while waiting:
        some = waiting.pop()
        if calls == MAX_CALLS:
            late = Transient("its batch was refused for other events: it is tried again")
            outcomes.update(dict.fromkeys(some, late))
            continue
        calls += 1
        try:
            await client.send_events([ready[place] for place in some])
            outcomes.update({place: Sent(vendor_id=ready[place]["uuid"]) for place in some})
        except InvalidRequest as error:
            middle = len(some) // 2
            if middle:
                waiting += [some[middle:], some[:middle]]
            else:
                outcomes[some[0]] = error
        except ConnectorError as error:
            outcomes.update(dict.fromkeys(some, error))
    return [outcomes[place] for place in range(len(jobs))]


def _event(job: Job, prefix: str) -> dict[str, Any]:
    event: TrackedEvent = job.input
    if not event.email:
        raise InvalidRequest("HubSpot finds the person of an event by e-mail, and none is known")
    properties = {
        name: as_text(value) for name, value in event.properties.items() if value is not None
    }
    if event.value is not None:
        properties["value"] = as_text(event.value)
    return {
        "eventName": _name(event.name, prefix),
        "email": event.email,
        "occurredAt": event.time.isoformat(),
        "properties": properties,
        "uuid": str(uuid5(NAMESPACE_URL, job.key)),
    }


def _name(name: str, prefix: str) -> str:
    """`Points earned` is `pe12345_points_earned`, as HubSpot makes it of the label."""
    if _FULL_NAME.fullmatch(name):
        return name
    if not prefix:
        raise InvalidRequest(
            "the connection has no event prefix (pe12345_): enter it in its credentials"
        )
    return prefix + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


async def submit_form(client: HubSpotClient, job: Job) -> Sent:
    """Submits one form. It states no consent: nobody is subscribed by it."""
    form: FormSubmission = job.input
    values = {"email": form.email, **form.fields}
    body: dict[str, Any] = {
        "fields": [
            {"objectTypeId": "0-1", "name": name, "value": as_text(value)}
            for name, value in values.items()
        ],
        "submittedAt": str(int(form.time.timestamp() * 1000)),
    }
    if form.page:
        body["context"] = {"pageName": form.page}
    await client.submit_form(form.form, body)
    return Sent()


SEND_EVENT = Action(
    name="send_event",
    title="Record something a person did.",
    input=TrackedEvent,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=send_event,
    capability=Capability.TRACK,
    run_batch=send_events,
    batch_size=EVENT_BATCH,
    sample="send_event.response.json",
    scopes=("analytics.behavioral_events.send",),
)

SUBMIT_FORM = Action(
    name="submit_form",
    title="Submit a form for somebody.",
    input=FormSubmission,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=submit_form,
    sample="submit_form.response.json",
    scopes=("forms",),
)

"""Events of people, and their profiles.

https://developers.klaviyo.com/en/reference/create_event,
https://developers.klaviyo.com/en/reference/bulk_create_events and
https://developers.klaviyo.com/en/reference/create_or_update_profile

The key of the delivery is the event's `unique_id`. The single endpoint records the first of a
repeated key and accepts the rest, which makes a resend harmless; the bulk endpoint refuses a
*whole* job in which one key is repeated or one event is wrong. So the events a refusal points
at are sent singly, where each gets its own answer, and the rest in bulk again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from connectors.kit.action import Action, Capability, Idempotency, Job, Outcome, Payload, Sent
from connectors.kit.batches import in_batches
from connectors.kit.capabilities import Properties, TrackedEvent
from connectors.kit.errors import ConnectorError, InvalidRequest
from connectors.kit.values import json_number, json_value_or_text
from connectors.klaviyo.people import (
    CHANGE_LIST,
    MAX_BULK_BYTES,
    SUBSCRIBE,
    import_profiles,
)

if TYPE_CHECKING:
    from connectors.klaviyo.client import KlaviyoClient

BATCH_SIZE = 1000
BULK_ROUNDS = 3
SINGLES_PER_SECOND = 40
"""Of a refused batch, so that even a thousand stay below the 3,500 a minute of the endpoint."""

SINGLE_IMPORTS = 5
"""So few profiles are written one by one, each with its own answer: those calls have five times
the rate of bulk jobs, on which the connection's limit is set."""


class ProfileInput(Payload):
    """A person's profile, found by e-mail, telephone or the shop's id. Empty is left unchanged."""

    email: str = Field("", max_length=254)
    phone: str = Field("", description="E.164.", max_length=16)
    external_id: str = Field("", max_length=200)
    first_name: str = Field("", max_length=200)
    last_name: str = Field("", max_length=200)
    properties: Properties = Field(default_factory=dict)


class ProfileSent(Sent):
    """The profile's id, and whether this call made it."""

    created: bool = False


async def track_event(client: KlaviyoClient, job: Job) -> Sent:
    """Hands one event over; 202 means validated and queued, not yet visible."""
    attributes = {**_event(job), "profile": {"data": _profile(job.input)}}
    await client.create_event({"type": "event", "attributes": attributes})
    return Sent(vendor_id=job.key)


async def track_events(client: KlaviyoClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Hands events over in bulk jobs of at most 1,000 events and 4.5 MB."""
    outcomes: dict[str, Outcome] = {}
    ready: dict[str, tuple[Job, dict[str, Any]]] = {}
    for job in jobs:
        try:
            ready[job.key] = (job, _bulk_entry(job))
        except InvalidRequest as error:
            outcomes[job.key] = error
    for part in in_batches(ready.values(), _length, most=BATCH_SIZE, most_bytes=MAX_BULK_BYTES):
        outcomes.update(await _send(client, part, BULK_ROUNDS))
    return [outcomes[job.key] for job in jobs]


async def _send(
    client: KlaviyoClient, part: list[tuple[Job, dict[str, Any]]], rounds: int
) -> dict[str, Outcome]:
    from connectors.klaviyo.client import BatchRefused

    jobs = [job for job, _ in part]
    if len(part) == 1 or rounds == 0:
        return await _send_singly(client, jobs)
    try:
        await client.create_events([entry for _, entry in part])
    except BatchRefused as error:
        suspects = {jobs[place].key for place in error.suspects if place < len(jobs)}
        rest = [one for one in part if one[0].key not in suspects] if suspects else []
        alone = [job for job in jobs if job.key in suspects or not suspects]
        settled = await _send(client, rest, rounds - 1) if rest else {}
        return settled | await _send_singly(client, alone)
    except ConnectorError as error:
        return {job.key: error for job in jobs}
    return {job.key: Sent(vendor_id=job.key) for job in jobs}


async def _send_singly(client: KlaviyoClient, jobs: list[Job]) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for start in range(0, len(jobs), SINGLES_PER_SECOND):
        if start:
            await asyncio.sleep(1)
        some = jobs[start : start + SINGLES_PER_SECOND]
        found = await asyncio.gather(*(_attempt(track_event(client, job)) for job in some))
        outcomes.update(zip((job.key for job in some), found, strict=True))
    return outcomes


async def upsert_profile(client: KlaviyoClient, job: Job) -> ProfileSent:
    """Creates or updates one profile."""
    identity, created = await client.import_profile(_attributes(job.input))
    return ProfileSent(vendor_id=identity, created=created)


async def upsert_profiles(client: KlaviyoClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """A few imports side by side on one slot; many as one import, whose errors are asked for."""
    if len(jobs) <= SINGLE_IMPORTS:
        return await asyncio.gather(*(_attempt(upsert_profile(client, job)) for job in jobs))
    outcomes: dict[int, Outcome] = {}
    ready: dict[int, dict[str, Any]] = {}
    for place, job in enumerate(jobs):
        try:
            ready[place] = _attributes(job.input)
        except InvalidRequest as error:
            outcomes[place] = error
    imported = await import_profiles(client, list(ready.values()))
    for place, found in zip(ready, imported, strict=True):
        outcomes[place] = ProfileSent(vendor_id=found) if isinstance(found, str) else found
    return [outcomes[place] for place in range(len(jobs))]


def _attributes(profile: ProfileInput) -> dict[str, Any]:
    names = {"first_name": profile.first_name, "last_name": profile.last_name}
    return {
        **_identifiers(profile),
        **{name: text for name, text in names.items() if text},
        "properties": {
            name: json_value_or_text(value) for name, value in profile.properties.items()
        },
    }


async def _attempt(call: Any) -> Outcome:
    try:
        outcome: Outcome = await call
    except ConnectorError as error:
        return error
    return outcome


def _bulk_entry(job: Job) -> dict[str, Any]:
    events = {"data": [{"type": "event", "attributes": _event(job)}]}
    attributes = {"profile": {"data": _profile(job.input)}, "events": events}
    return {"type": "event-bulk-create", "attributes": attributes}


def _event(job: Job) -> dict[str, Any]:
    event: TrackedEvent = job.input
    found: dict[str, Any] = {
        "unique_id": job.key,
        "time": event.time.isoformat(),
        "metric": {"data": {"type": "metric", "attributes": {"name": event.name}}},
        "properties": {
            name: json_value_or_text(value)
            for name, value in event.properties.items()
            if value is not None
        },
    }
    if event.value is not None:
        found["value"] = json_number(event.value, "value")
    return found


def _profile(event: TrackedEvent) -> dict[str, Any]:
    return {"type": "profile", "attributes": _identifiers(event)}


def _identifiers(person: TrackedEvent | ProfileInput) -> dict[str, str]:
    known = {
        "email": person.email,
        "phone_number": person.phone,
        "external_id": person.external_id,
    }
    found = {name: text for name, text in known.items() if text}
    if not found:
        raise InvalidRequest("Klaviyo needs an e-mail, a telephone number or an external id")
    return found


def _length(one: tuple[Job, dict[str, Any]]) -> int:
    # As the SDK writes it: with spaces, and escapes for everything beyond ASCII.
    return len(json.dumps(one[1]))


TRACK_EVENT = Action(
    name="track_event",
    title="Track something a person did.",
    input=TrackedEvent,
    output=Sent,
    idempotency=Idempotency.NATIVE_KEY,
    run=track_event,
    capability=Capability.TRACK,
    run_batch=track_events,
    batch_size=BATCH_SIZE,
    sample="track_event.response.json",
    scopes=("events:write",),
)

UPSERT_PROFILE = Action(
    name="upsert_profile",
    title="Create or update a person's profile.",
    input=ProfileInput,
    output=ProfileSent,
    idempotency=Idempotency.UPSERT,
    run=upsert_profile,
    run_batch=upsert_profiles,
    batch_size=BATCH_SIZE,
    sample="upsert_profile.response.json",
    scopes=("profiles:write",),
)

ACTIONS = (TRACK_EVENT, UPSERT_PROFILE, SUBSCRIBE, CHANGE_LIST)

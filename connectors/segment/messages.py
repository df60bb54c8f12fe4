"""Segment's messages: who somebody is, and what is said of them.

https://segment.com/docs/connections/spec/identify/ and .../spec/track/. A message carries the
hub's name as its library, so that what comes back by a webhook is known for the hub's own.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from connectors.kit.action import Job
from connectors.kit.capabilities import (
    CrmContact,
    ListMembership,
    Properties,
    TrackedEvent,
    Whom,
)
from connectors.kit.errors import InvalidRequest
from connectors.kit.values import json_value_or_text
from connectors.segment.account import SegmentAccount

LIBRARY = "loyalty-hub"
MAX_MESSAGE_BYTES = 32_000
"""Segment drops larger ones, and says so nowhere."""

Body = dict[str, Any]


def message_id(job: Job) -> str:
    """Segment drops a second message with the same id; it tells nothing of the job."""
    return str(uuid5(NAMESPACE_URL, job.key))


def track(account: SegmentAccount, job: Job) -> Body:
    """Something a person did."""
    event: TrackedEvent = job.input
    if not (event.email or event.phone or event.external_id):
        raise InvalidRequest("Segment needs a member id, an e-mail or a telephone number")
    who = Whom(email=event.email, phone=event.phone[:16], external_id=event.external_id)
    properties = plain(event.properties)
    if event.value is not None:
        properties["value"] = json_value_or_text(event.value)
    return _message(
        account, job, who, timestamp=event.time.isoformat(), event=event.name, properties=properties
    )


def identify(account: SegmentAccount, job: Job) -> Body:
    """What is known of a person."""
    given: CrmContact = job.input
    properties = dict(given.properties)
    member = str(properties.pop(account.member_property, None) or "")
    who = Whom(email=given.email, phone=given.phone[:16], external_id=member[:150])
    named = {"firstName": given.first_name, "lastName": given.last_name, "phone": given.phone}
    traits = {name: text for name, text in named.items() if text}
    return _message(account, job, who, traits={**plain(properties), **traits, "email": given.email})


def group(account: SegmentAccount, job: Job) -> Body:
    """A person belongs to a group.

    Raises:
        InvalidRequest: They shall leave it, for which Segment has no call.
    """
    given: ListMembership = job.input
    if not given.is_member:
        raise InvalidRequest(
            "Segment has no call for leaving a group: write a trait with identify instead"
        )
    return _message(account, job, given, groupId=given.list, traits={"name": given.list})


def _message(account: SegmentAccount, job: Job, who: Whom, **content: Any) -> Body:
    context: Body = {"library": {"name": LIBRARY, "version": "1"}}
    traits = {"email": who.email, "phone": who.phone}
    if known := {name: text for name, text in traits.items() if text}:
        context["traits"] = known
    body = {"messageId": message_id(job), **identity(account, who), "context": context, **content}
    size = len(orjson.dumps(body))
    if size > MAX_MESSAGE_BYTES:
        raise InvalidRequest(
            f"the message has {size} bytes, and Segment drops what has more than 32 KB: name "
            "fewer properties in the rule"
        )
    return body


def identity(account: SegmentAccount, who: Whom) -> dict[str, str]:
    """A person's userId, or an anonymousId that is always the same for the same address."""
    email = who.email.strip().lower()
    known = email if account.identify_by == "email" else who.external_id
    if who.customer_id or known:
        return {"userId": who.customer_id or known}
    mark = email or who.phone or who.external_id
    return {"anonymousId": str(uuid5(NAMESPACE_URL, f"{LIBRARY}:{mark}"))}


def plain(properties: Properties) -> Body:
    """Properties as JSON takes them."""
    return {name: json_value_or_text(value) for name, value in properties.items()}

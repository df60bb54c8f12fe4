"""Changes of members that are there already: fields, tags, events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import pytest_asyncio

from connectors.kit.action import Job
from connectors.kit.capabilities import CustomerChange, JourneyEntry
from connectors.kit.errors import InvalidRequest, NotFound, OutcomeUnknown
from connectors.kit.sandbox import Fault
from connectors.mailchimp.account import MailchimpAccount
from connectors.mailchimp.changes import ADD_EVENT, CHANGE_MEMBER
from connectors.mailchimp.client import MailchimpClient
from connectors.mailchimp.members import member_id
from connectors.mailchimp.sandbox import MILA, SANDBOX_ACCOUNT, MailchimpSandbox
from tests.connectors.conftest import Serve

AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


@pytest.fixture
def sandbox() -> MailchimpSandbox:
    return MailchimpSandbox()


@pytest_asyncio.fixture
async def client(sandbox: MailchimpSandbox, serve: Serve) -> AsyncIterator[MailchimpClient]:
    account = MailchimpAccount(**SANDBOX_ACCOUNT, base_url=await serve(sandbox))
    made = MailchimpClient(account, read_seconds=1.0)
    yield made
    await made.aclose()


def entry(key: str = "k1", **fields: object) -> Job:
    given = {"email": MILA, "journey": "points_earned", "time": AT, **fields}
    return Job(key, JourneyEntry.model_validate(given))


async def test_fields_and_tags_change_and_the_status_stays(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    sandbox.leave(MILA)
    change = CustomerChange(
        email=MILA.upper(),
        add_tags=("gold",),
        remove_tags=("silver",),
        fields={"POINTS": Decimal("12.50"), "TIER": None},
    )
    sent = await CHANGE_MEMBER.run(client, Job("k", change))
    assert sent.vendor_id == member_id(MILA)
    member = sandbox.members[member_id(MILA)]
    assert member["tags"] == ["gold"]
    assert member["merge_fields"] == {"POINTS": "12.50", "TIER": ""}
    assert member["status"] == "unsubscribed"


async def test_nobody_is_made_by_a_change(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    for change in (
        CustomerChange(email="new@customer.example", add_tags=("gold",)),
        CustomerChange(email="new@customer.example", fields={"POINTS": 1}),
    ):
        with pytest.raises(NotFound):
            await CHANGE_MEMBER.run(client, Job("k", change))
    assert set(sandbox.members) == {member_id(MILA)}


@pytest.mark.parametrize("whom", [{"external_id": "m-1"}, {"customer_id": "../../lists"}])
async def test_who_has_no_address_is_not_asked_for(
    client: MailchimpClient, sandbox: MailchimpSandbox, whom: dict[str, str]
) -> None:
    with pytest.raises(NotFound, match="e-mail"):
        await CHANGE_MEMBER.run(client, Job("k", CustomerChange(**whom, add_tags=("gold",))))
    assert not sandbox.calls


async def test_a_member_is_found_by_mailchimp_s_own_id(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    change = CustomerChange(customer_id=member_id(MILA), add_tags=("gold",))
    await CHANGE_MEMBER.run(client, Job("k", change))
    assert sandbox.members[member_id(MILA)]["tags"] == ["gold", "silver"]


async def test_an_event_carries_its_values_and_its_mark(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    sent = await ADD_EVENT.run(client, entry(properties={"points": Decimal("120"), "vip": True}))
    [record] = [one for one in sandbox.records if one["kind"] == "event"]
    assert record["name"] == "points_earned"
    assert record["occurred_at"] == "2026-11-02T10:15:00+00:00"
    assert record["properties"] == {
        "points": "120",
        "vip": "true",
        "hub_delivery": sent.vendor_id,
    }


async def test_a_lost_event_is_found_by_its_own_delivery_only(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.append(Fault(status=500, when="after"))
    with pytest.raises(OutcomeUnknown):
        await ADD_EVENT.run(client, entry())
    assert ADD_EVENT.find is not None
    assert await ADD_EVENT.find(client, entry()) is not None
    assert await ADD_EVENT.find(client, entry("another delivery")) is None


async def test_a_name_mailchimp_would_refuse_is_not_sent(
    client: MailchimpClient, sandbox: MailchimpSandbox
) -> None:
    with pytest.raises(InvalidRequest, match="2 to 30"):
        await ADD_EVENT.run(client, entry(journey="x" * 31))
    assert not sandbox.calls

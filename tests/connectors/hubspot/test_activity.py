"""Custom events and forms at HubSpot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
import pytest_asyncio

from connectors.hubspot.account import HubSpotAccount
from connectors.hubspot.activity import SEND_EVENT, SUBMIT_FORM, FormSubmission
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.sandbox import FORM, SANDBOX_ACCOUNT, HubSpotSandbox
from connectors.kit.action import Job, Outcome, Sent
from connectors.kit.capabilities import TrackedEvent
from connectors.kit.errors import InvalidRequest, NotFound, OutcomeUnknown, Transient
from connectors.kit.sandbox import Fault
from tests.connectors.conftest import Serve

AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
BATCH = "POST /hubspot/events/v3/send/batch"


@pytest.fixture
def sandbox() -> HubSpotSandbox:
    return HubSpotSandbox()


@pytest_asyncio.fixture
async def client(sandbox: HubSpotSandbox, serve: Serve) -> AsyncIterator[HubSpotClient]:
    account = HubSpotAccount.model_validate(sandbox.account_at(await serve(sandbox)))
    made = HubSpotClient(account, timeout=httpx.Timeout(1.0))
    yield made
    await made.aclose()


def event(number: int = 0, **fields: object) -> Job:
    given = {"name": "Points earned", "time": AT, "email": f"p{number}@customer.example", **fields}
    return Job(f"key:{number}", TrackedEvent.model_validate(given))


def form(**fields: object) -> Job:
    given = {"form": FORM, "email": "ada@customer.example", "time": AT, **fields}
    return Job("k", FormSubmission.model_validate(given))


async def run_batch(client: HubSpotClient, jobs: list[Job]) -> list[Outcome]:
    assert SEND_EVENT.run_batch is not None
    return list(await SEND_EVENT.run_batch(client, jobs))


async def test_an_event_arrives_under_its_internal_name_with_texts(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    properties = {"points": Decimal("120.50"), "vip": True, "none": None}
    sent = await SEND_EVENT.run(client, event(value=Decimal("19.99"), properties=properties))
    [record] = sandbox.records
    assert record == {
        "kind": "event",
        "eventName": "pe62515_points_earned",
        "email": "p0@customer.example",
        "occurredAt": "2026-11-02T10:15:00+00:00",
        "properties": {"points": "120.50", "vip": "true", "value": "19.99"},
        "uuid": sent.vendor_id,
    }
    again = await SEND_EVENT.run(client, event())
    assert again.vendor_id == sent.vendor_id


async def test_a_hundred_events_cost_one_call(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    outcomes = await run_batch(client, [event(number) for number in range(100)])
    assert all(isinstance(one, Sent) for one in outcomes)
    assert dict(sandbox.calls) == {BATCH: 1}


async def test_in_a_refused_batch_each_error_belongs_to_its_event(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    jobs = [event(number) for number in range(100)]
    jobs[41] = event(41, name="pe999_somebody_elses")
    jobs[42] = event(42, email="", external_id="m-1")
    outcomes = await run_batch(client, jobs)
    nobody, unknown = outcomes.pop(42), outcomes.pop(41)
    assert isinstance(nobody, InvalidRequest)
    assert isinstance(unknown, InvalidRequest)
    assert "does not exist" in str(unknown)
    assert all(isinstance(one, Sent) for one in outcomes)
    assert len(sandbox.records) == 98
    assert sandbox.calls[BATCH] <= 15


async def test_a_batch_of_only_wrong_events_does_not_flood_hubspot(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    outcomes = await run_batch(client, [event(n, name="pe999_other") for n in range(100)])
    assert {type(one) for one in outcomes} == {InvalidRequest, Transient}
    assert sandbox.calls[BATCH] == 32


async def test_a_lost_answer_is_unknown_for_all_of_the_batch(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    sandbox.faults.append(Fault(status=500, when="after"))
    outcomes = await run_batch(client, [event(0), event(1)])
    assert all(isinstance(one, OutcomeUnknown) for one in outcomes)
    assert not SEND_EVENT.idempotency.may_resend


async def test_without_a_prefix_only_full_names_are_sent(serve: Serve) -> None:
    sandbox = HubSpotSandbox()
    fields = {**sandbox.account_at(await serve(sandbox)), "event_prefix": ""}
    client = HubSpotClient(HubSpotAccount.model_validate(fields))
    short, full = await run_batch(client, [event(0), event(1, name="pe62515_points_earned")])
    assert isinstance(short, InvalidRequest)
    assert "event prefix" in str(short)
    assert isinstance(full, Sent)
    await client.aclose()


async def test_a_form_goes_to_the_address_of_forms_and_states_no_consent(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    await SUBMIT_FORM.run(client, form(fields={"points": 120, "vip": False}, page="Loyalty"))
    [record] = sandbox.records
    assert record == {
        "kind": "form",
        "form": FORM,
        "fields": {"email": "ada@customer.example", "points": "120", "vip": "false"},
        "at": "1793614500000",
    }


async def test_a_form_that_is_not_there_is_not_found(client: HubSpotClient) -> None:
    with pytest.raises(NotFound, match="no such form"):
        await SUBMIT_FORM.run(client, form(form=FORM.replace("5", "6")))


async def test_without_the_account_s_number_no_form_is_sent(serve: Serve) -> None:
    sandbox = HubSpotSandbox()
    fields = {**sandbox.account_at(await serve(sandbox)), "portal_id": ""}
    client = HubSpotClient(HubSpotAccount.model_validate(fields))
    with pytest.raises(InvalidRequest, match="Hub ID"):
        await SUBMIT_FORM.run(client, form())
    assert not sandbox.calls
    await client.aclose()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"portal_id": "1/../2"}, id="a path as number"),
        pytest.param({"event_prefix": "points"}, id="no prefix of HubSpot's"),
        pytest.param({"forms_url": "forms.example"}, id="no scheme"),
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        HubSpotAccount.model_validate({**SANDBOX_ACCOUNT, **fields})

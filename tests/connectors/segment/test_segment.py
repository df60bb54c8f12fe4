"""Segment: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, ListMembership, TrackedEvent
from connectors.kit.errors import AuthError, ConnectorBug, InvalidRequest, RateLimited
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import BadSignature, InboundRequest, Source
from connectors.segment.account import SegmentAccount
from connectors.segment.actions import GROUP, IDENTIFY, TRACK
from connectors.segment.client import SegmentClient
from connectors.segment.sandbox import SANDBOX_ACCOUNT, SegmentSandbox
from connectors.segment.triggers import WEBHOOK, sign, verify

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
EMAIL = "mila.brandt@shop.example"
ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "connectors" / "segment" / "samples"
PUBLISHED = ROOT.parent / "shared" / "vendors" / "samples" / "segment" / "webhook_identify.json"
ACCOUNT = SegmentAccount.model_validate(SANDBOX_ACCOUNT)


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: SegmentSandbox, **fields: Any
) -> AsyncIterator[SegmentClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = SegmentClient(SegmentAccount.model_validate(account))
    try:
        yield client
    finally:
        await client.aclose()


def tracked(**fields: Any) -> TrackedEvent:
    return TrackedEvent(**{"name": "Points earned", "time": NOW, "email": EMAIL, **fields})


def jobs(*inputs: Any) -> list[Job]:
    return [Job(f"shopify/main:order.paid:{n}", given) for n, given in enumerate(inputs)]


# --- who somebody is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identify_by", "person", "user_id"),
    [
        ("member", {"email": EMAIL, "external_id": "m-1"}, "m-1"),
        ("member", {"email": EMAIL}, None),
        ("email", {"email": EMAIL.upper(), "external_id": "m-1"}, EMAIL),
        ("email", {"email": "", "external_id": "m-1"}, None),
        ("email", {"email": "", "phone": "+15005550123"}, None),
    ],
)
async def test_a_user_id_is_what_the_workspace_says_it_is(
    serve: Serve, identify_by: str, person: dict[str, str], user_id: str | None
) -> None:
    """Another kind of id than the other sources send would make everybody two people."""
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox, identify_by=identify_by) as client:
        for job in jobs(tracked(**person), tracked(**person)):
            await TRACK.run(client, job)
    first, second = sandbox.records
    assert first.get("userId") == user_id
    assert ("anonymousId" in first) is (user_id is None)
    assert first.get("anonymousId") == second.get("anonymousId")


async def test_a_track_call_is_golden(serve: Serve) -> None:
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox) as client:
        given = tracked(
            external_id="m-1",
            value=Decimal("28.56"),
            properties={
                "points": 120,
                "rate": Decimal("1.5"),
                "long": Decimal("1.23456789012345678901"),
            },
        )
        sent = await TRACK.run(client, jobs(given)[0])
    assert sandbox.records[0] == {
        "kind": "track",
        "messageId": sent.vendor_id,
        "userId": "m-1",
        "context": {"library": {"name": "loyalty-hub", "version": "1"}, "traits": {"email": EMAIL}},
        "timestamp": "2026-11-02T10:15:00+00:00",
        "event": "Points earned",
        "properties": {
            "points": 120,
            "rate": 1.5,
            "long": "1.23456789012345678901",
            "value": 28.56,
        },
    }


async def test_traits_and_groups_are_of_the_member(serve: Serve) -> None:
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox) as client:
        contact = CrmContact(
            email=EMAIL, first_name="Mila", properties={"member_id": "m-1", "tier": "Gold"}
        )
        await IDENTIFY.run(client, jobs(contact)[0])
        await GROUP.run(client, Job("g", ListMembership(external_id="m-1", list="gold")))
        out = ListMembership(external_id="m-1", list="gold", is_member=False)
        with pytest.raises(InvalidRequest, match="leaving a group"):
            await GROUP.run(client, Job("out", out))
    identified, grouped = sandbox.records
    assert identified["userId"] == grouped["userId"] == "m-1"
    assert identified["traits"] == {"tier": "Gold", "firstName": "Mila", "email": EMAIL}
    assert grouped["groupId"] == "gold"


async def test_nobody_is_not_sent(serve: Serve) -> None:
    """Segment would answer 200 and drop it."""
    async with at_work(serve, SegmentSandbox()) as client:
        with pytest.raises(InvalidRequest, match="member id"):
            await TRACK.run(client, jobs(tracked(email=""))[0])


# --- repeats and batches ---------------------------------------------------------------------


async def test_a_repeat_is_dropped_by_its_id(serve: Serve) -> None:
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox) as client:
        (job,) = jobs(tracked())
        assert await TRACK.run(client, job) == await TRACK.run(client, job)
        assert TRACK.run_batch is not None
        (again,) = await TRACK.run_batch(client, [job])
    assert isinstance(again, Sent)
    assert (len(sandbox.records), sandbox.dropped) == (1, ["repeated", "repeated"])
    assert job.key not in json.dumps(sandbox.records[0])


async def test_2501_messages_are_two_calls(serve: Serve) -> None:
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox) as client:
        assert TRACK.run_batch is not None
        many = jobs(*(TrackedEvent(name="x", time=NOW, external_id="m") for _ in range(2501)))
        outcomes = await TRACK.run_batch(client, many)
    assert all(isinstance(one, Sent) for one in outcomes)
    assert (len(sandbox.records), sandbox.dropped) == (2501, [])
    assert sandbox.calls["POST /segment/v1/batch"] == 2


async def test_large_messages_make_more_calls_and_one_too_large_is_its_own_error(
    serve: Serve,
) -> None:
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox) as client:
        large = [tracked(properties={"note": "ü" * 10_000}) for _ in range(50)]
        huge = tracked(properties={"note": "x" * 33_000})
        assert TRACK.run_batch is not None
        outcomes = await TRACK.run_batch(client, jobs(*large[:25], huge, *large[25:]))
    assert isinstance(outcomes[25], InvalidRequest)
    assert "32 KB" in str(outcomes[25])
    assert [type(one) for one in outcomes].count(Sent) == 50
    assert (len(sandbox.records), sandbox.dropped) == (50, [])
    assert sandbox.calls["POST /segment/v1/batch"] == 3


async def test_a_part_that_was_refused_is_its_own_jobs_error(serve: Serve) -> None:
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox) as client:
        large = jobs(*(tracked(properties={"note": "x" * 30_000}) for _ in range(20)))
        sandbox.faults[:] = [Fault(status=429, retry_after="3")]
        assert TRACK.run_batch is not None
        outcomes = await TRACK.run_batch(client, large)
    refused = [one for one in outcomes if isinstance(one, RateLimited)]
    assert 0 < len(refused) < 20
    assert len(sandbox.records) == 20 - len(refused)


# --- answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, '{"success": false}', InvalidRequest),
        (200, "[]", ConnectorBug),
        (200, '{"ok": true}', ConnectorBug),
        (401, '{"success": false}', AuthError),
    ],
)
async def test_an_answer_that_is_no_yes_is_an_error(
    serve: Serve, status: int, body: str, kind: type[Exception]
) -> None:
    sandbox = SegmentSandbox()
    async with at_work(serve, sandbox) as client:
        sandbox.faults[:] = [Fault(status=status, body=body)]
        with pytest.raises(kind):
            await client.check()


# --- webhooks --------------------------------------------------------------------------------


def delivery(body: bytes) -> InboundRequest:
    plain = InboundRequest("POST", "https://hub.example/hooks/segment/main", {}, body, NOW)
    return InboundRequest("POST", plain.url, sign(plain, ACCOUNT), body, NOW)


def told(payload: dict[str, Any]) -> list[Any]:
    request = delivery(json.dumps(payload).encode())
    verify(request, ACCOUNT)
    decoded = WEBHOOK.decode(request.body)
    trigger = WEBHOOK.triggers[WEBHOOK.topic(request, decoded)]
    return list(trigger.parse(decoded, request, Source("segment", "main")))


def sample(name: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads((SAMPLES / name).read_text("utf-8")), **changes}


def test_the_signature_is_sha1_in_hex() -> None:
    key = SANDBOX_ACCOUNT["shared_secret"].encode()
    body = b'{"type":"track"}'
    assert sign(delivery(body), ACCOUNT) == {"x-signature": hmac.new(key, body, "sha1").hexdigest()}


def test_a_list_of_one_is_taken() -> None:
    one = json.dumps(sample("track.json")).encode()
    request = delivery(b"[" + one + b"]")
    assert request.headers == delivery(one).headers
    verify(request, ACCOUNT)
    assert WEBHOOK.topic(request, WEBHOOK.decode(request.body)) == "track"


def test_what_the_signature_leaves_out_is_not_believed() -> None:
    """Segment signs the first message only: the second could be anybody's."""
    first, second = (json.dumps(sample(name)).encode() for name in ("track.json", "identify.json"))
    headers = delivery(first).headers
    batch = InboundRequest("POST", "https://x", headers, b"[" + first + b"," + second + b"]", NOW)
    with pytest.raises(BadSignature, match="batch size to 1"):
        verify(batch, ACCOUNT)


def test_without_a_secret_nothing_is_heard() -> None:
    silent = ACCOUNT.model_copy(update={"shared_secret": None})
    with pytest.raises(BadSignature, match="no webhook secret"):
        verify(delivery(b"{}"), silent)


@pytest.mark.parametrize("name", ["track.json", "identify.json", "delete.json"])
def test_the_hub_does_not_hear_itself(name: str) -> None:
    """Otherwise a trait that it writes would make an event that writes a trait."""
    assert told(sample(name, context={"library": {"name": "loyalty-hub"}})) == []


@pytest.mark.parametrize("name", ["track.json", "identify.json", "delete.json"])
def test_nobody_known_is_ignored(name: str) -> None:
    assert told(sample(name, userId=None, traits=None, context=None)) == []


def test_traits_become_a_customer() -> None:
    (event,) = told(sample("identify.json"))
    who = event.data
    assert (who.id, who.email, who.phone) == ("m-1", EMAIL, "+15005550123")
    assert (who.first_name, who.country, who.birthday) == ("Mila", "DE", date(1990, 5, 17))
    assert who.consents == {}


def test_odd_traits_say_nothing() -> None:
    traits = {"email": 7, "name": "Mila", "phone": ["x"], "birthday": "soon", "address": "here"}
    (event,) = told(sample("identify.json", traits=traits))
    who = event.data
    assert (who.email, who.phone, who.birthday, who.country) == (None, None, None, "")
    assert (who.first_name, who.last_name) == ("Mila", "")


def test_a_track_call_is_an_activity_of_its_own_name() -> None:
    (event,) = told(sample("track.json"))
    assert (event.data.name, event.data.ref) == ("Product Reviewed", event.key)
    assert event.data.customer.email == EMAIL
    assert told(sample("track.json", event=" ")) == []


def test_a_person_who_asks_is_forgotten() -> None:
    (event,) = told(sample("delete.json"))
    assert (event.type.value, event.data.customer.id) == ("member.erased", "m-1")


def test_the_published_sample_without_an_id_is_one_fact() -> None:
    if not PUBLISHED.is_file():
        pytest.skip("the vendors' samples are not beside this project")
    body = json.loads(PUBLISHED.read_text("utf-8"))["body"]
    (first,), (second,) = told(body), told(body)
    assert first.business_key == second.business_key
    assert first.data.email == body["traits"]["email"]
    assert first.data.first_name == body["traits"]["name"]
    (other,) = told({**body, "userId": "another"})
    assert other.business_key != first.business_key

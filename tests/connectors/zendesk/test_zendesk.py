"""Zendesk: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.kit.action import Job
from connectors.kit.capabilities import CrmContact, CustomerChange, TicketOpen
from connectors.kit.errors import (
    AuthError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.zendesk.account import ZendeskAccount
from connectors.zendesk.actions import ACTIONS
from connectors.zendesk.client import ZendeskClient
from connectors.zendesk.sandbox import SANDBOX_ACCOUNT, ZendeskSandbox
from connectors.zendesk.subscriptions import SUBSCRIPTIONS
from connectors.zendesk.tickets import (
    TicketChange,
    TicketNote,
    add_note,
    change_ticket,
    find_note,
    find_ticket,
    open_ticket,
)
from connectors.zendesk.triggers import WEBHOOK, sign, verify
from connectors.zendesk.users import change_user, upsert_user
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
EMAIL = "mila.brandt@shop.example"
SAMPLES = Path(__file__).parents[3] / "connectors" / "zendesk" / "samples"


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: ZendeskSandbox, **fields: Any
) -> AsyncIterator[ZendeskClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = ZendeskClient(ZendeskAccount.model_validate(account))
    try:
        yield client
    finally:
        await client.aclose()


def job(given: Any, key: str = "shopify/main:order.paid:1001:thanks") -> Job:
    return Job(key, given)


def ticket(**fields: Any) -> TicketOpen:
    return TicketOpen(subject="Points owed", body="Mila owes 40 points.", **fields)


# --- tickets ---------------------------------------------------------------------------------


async def test_a_ticket_is_for_the_team_alone(serve: Serve) -> None:
    """A public first comment would write to the person."""
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        done = await open_ticket(client, job(ticket(email=EMAIL, tags=("Points Owed",))))
        await add_note(client, job(TicketNote(ticket=done.vendor_id, body="See the ledger.")))
    number = int(done.vendor_id)
    assert [one["public"] for one in sandbox.comments[number]] == [False, False]
    assert sandbox.tickets[number]["requester_id"] == 7001
    assert sandbox.tickets[number]["tags"] == ["points_owed"]


async def test_a_lost_ticket_is_found_and_a_resend_makes_no_second(serve: Serve) -> None:
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        sandbox.faults[:] = [Fault(status=500, when="after", path="/tickets")]
        with pytest.raises(OutcomeUnknown):
            await open_ticket(client, job(ticket()))
        found = await find_ticket(client, job(ticket()))
        assert found is not None
        assert await open_ticket(client, job(ticket())) == found
        assert await find_ticket(client, job(ticket(), "another")) is None
    assert len(sandbox.tickets) == 2


async def test_a_note_is_found_by_its_own_job_alone(serve: Serve) -> None:
    """The same words may well be written twice."""
    async with at_work(serve, ZendeskSandbox()) as client:
        note = TicketNote(ticket="35436", body="The points were given back.")
        await add_note(client, job(note))
        assert await find_note(client, job(note)) is not None
        assert await find_note(client, job(note, "another")) is None


async def test_somebody_new_is_made_without_a_letter(serve: Serve) -> None:
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        done = await open_ticket(client, job(ticket(email="ada@shop.example")))
    made = sandbox.users[sandbox.tickets[int(done.vendor_id)]["requester_id"]]
    assert (made["name"], made["skip_verify_email"]) == ("ada", True)


async def test_ticket_fields_go_by_title_or_number(serve: Serve) -> None:
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        fields = {"points OWED": 40, "360009": Decimal("1.50")}
        await change_ticket(client, job(TicketChange(ticket="35436", fields=fields)))
        given = [{"id": 360001, "value": 40}, {"id": 360009, "value": "1.50"}]
        assert sandbox.tickets[35436]["custom_fields"] == given
        for title in ("Old field", "Unheard"):
            with pytest.raises(InvalidRequest, match=title):
                await open_ticket(client, job(ticket(fields={title: 1})))


async def test_a_ticket_that_is_gone_is_not_found(serve: Serve) -> None:
    async with at_work(serve, ZendeskSandbox()) as client:
        with pytest.raises(NotFound):
            await add_note(client, job(TicketNote(ticket="1", body="Hello?")))


def test_a_change_changes_something() -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        TicketChange(ticket="35436")


# --- users -----------------------------------------------------------------------------------


async def test_a_known_name_is_not_overwritten_by_a_made_up_one(serve: Serve) -> None:
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        given = CrmContact(email=EMAIL.upper(), properties={"Tier": "Gold", "member_id": "m-9"})
        assert (await upsert_user(client, job(given))).vendor_id == "7001"
    found = sandbox.users[7001]
    assert (found["name"], found["external_id"]) == ("Mila", "m-9")
    assert found["user_fields"] == {"tier": "Gold"}


async def test_the_field_that_was_refused_is_named(serve: Serve) -> None:
    async with at_work(serve, ZendeskSandbox()) as client:
        with pytest.raises(InvalidRequest, match="email: Email: is not properly") as caught:
            await upsert_user(client, job(CrmContact(email="nobody")))
        assert caught.value.vendor_code == "RecordInvalid"


@pytest.mark.parametrize(
    "whom",
    [{"email": EMAIL}, {"external_id": "m-1"}, {"phone": "+15005550123"}, {"customer_id": "7001"}],
)
async def test_a_person_is_found_by_whatever_is_known(serve: Serve, whom: dict[str, str]) -> None:
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        change = CustomerChange(**whom, add_tags=("Gold Club",), remove_tags=("Silver",))
        assert (await change_user(client, job(change))).vendor_id == "7001"
    assert sandbox.users[7001]["tags"] == ["gold_club"]


async def test_who_only_resembles_the_person_is_not_taken(serve: Serve) -> None:
    """Zendesk's search answers with what is near; a wrong customer is worse than none."""

    class Vague(ZendeskSandbox):
        def _search(self, request: Any, given: Any) -> Any:
            from starlette.responses import JSONResponse

            return JSONResponse({"users": list(self.users.values())})

    async with at_work(serve, Vague()) as client:
        strangers = ({"email": "mila@shop.example"}, {"external_id": "m-2"})
        for whom in (*strangers, {"customer_id": "gid://7001"}):
            with pytest.raises(NotFound):
                await change_user(client, job(CustomerChange(**whom, add_tags=("gold",))))


# --- refusals --------------------------------------------------------------------------------


async def test_a_visitor_is_nobody(serve: Serve) -> None:
    """Zendesk answers 200 to whom it does not know."""
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        anonymous = json.dumps({"user": {"id": None, "name": "Anonymous user"}})
        sandbox.faults[:] = [Fault(status=200, body=anonymous)]
        with pytest.raises(AuthError, match="visitor"):
            await client.check()


async def test_a_pause_is_as_long_as_zendesk_says(serve: Serve) -> None:
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        sandbox.faults[:] = [Fault(status=429, retry_after="93")]
        with pytest.raises(RateLimited) as caught:
            await client.check()
    assert caught.value.retry_after == timedelta(seconds=93)


# --- webhooks --------------------------------------------------------------------------------

ACCOUNT = ZendeskAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": "https://a.example"})


def delivery(body: bytes, at: datetime = NOW) -> InboundRequest:
    plain = InboundRequest("POST", "https://hub.example/hooks/zendesk/main", {}, body, at)
    return InboundRequest("POST", plain.url, sign(plain, ACCOUNT), body, at)


def test_another_time_in_the_header_breaks_the_signature() -> None:
    good = delivery(b"{}")
    verify(good, ACCOUNT)
    moved = {**good.headers, "x-zendesk-webhook-signature-timestamp": "2026-11-02T10:15:01Z"}
    with pytest.raises(BadSignature, match="does not match"):
        verify(InboundRequest("POST", good.url, moved, b"{}", NOW), ACCOUNT)


@pytest.mark.parametrize(("minutes", "is_taken"), [(29, True), (-29, True), (31, False)])
def test_an_old_request_is_refused(minutes: int, is_taken: bool) -> None:
    good = delivery(b"{}")
    late = InboundRequest("POST", good.url, good.headers, b"{}", NOW + timedelta(minutes=minutes))
    if is_taken:
        verify(late, ACCOUNT)
    else:
        with pytest.raises(BadSignature, match="away"):
            verify(late, ACCOUNT)


def told(sample: str, **changes: Any) -> list[Any]:
    payload = json.loads((SAMPLES / sample).read_text("utf-8"))
    for name, change in changes.items():
        payload[name] = {**payload[name], **change} if isinstance(change, dict) else change
    request = delivery(b"{}")
    trigger = WEBHOOK.triggers[WEBHOOK.topic(request, payload)]
    return list(trigger.parse(payload, request, Source("zendesk", "main")))


@pytest.mark.parametrize("role", ["agent", "admin", ""])
def test_the_team_are_no_customers(role: str) -> None:
    assert told("user_tags_changed.json", detail={"role": role}) == []


def test_each_change_of_a_user_is_a_fact_of_its_own() -> None:
    (first,), (second,) = told("user_tags_changed.json"), told("user_tags_changed.json", id="other")
    assert first.business_key != second.business_key


def test_a_ticket_tells_what_became_of_it() -> None:
    (event,) = told("ticket_status_changed.json")
    assert (event.data.name, event.data.ref) == ("ticket.solved", "35436")
    assert event.data.customer.id == "7001"
    assert told("ticket_status_changed.json", detail={"requester_id": "0"}) == []


def test_a_field_is_named_and_its_value_is_not_told() -> None:
    (event,) = told("ticket_custom_field_changed.json")
    assert event.data.ref == "35436:360001"
    assert "40" not in event.data.model_dump_json()
    (event,) = told("ticket_custom_field_changed.json", event=None)
    assert event.data.ref == "35436"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(Unreadable, match="time"):
        told("user_created.json", time="2026-11-02T10:15:18")


async def test_the_secret_comes_with_the_webhook_and_foreign_ones_stay(serve: Serve) -> None:
    sandbox = ZendeskSandbox()
    async with at_work(serve, sandbox) as client:
        for number in range(3):
            foreign = Wanted(f"https://other.example/{number}", ("conditional_ticket_events",))
            await SUBSCRIPTIONS.create(client, foreign)
        wanted = Wanted("https://hub.example/hooks/zendesk/main", SUBSCRIPTIONS.topics)
        done = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
        assert done.secret is not None
        assert done.secret.get_secret_value() == SANDBOX_ACCOUNT["signing_secret"]
        sandbox.hooks[done.current[0].id]["status"] = "inactive"
        again = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
        assert (len(again.created), len(again.removed)) == (1, 1)
    assert len(sandbox.hooks) == 4


# --- the contract ----------------------------------------------------------------------------

KNOWN_GAPS = {
    "request.user.name: is required",
    "request.user.email: is required",
    "request.user.tags: is not in the contract",
    "request.user.user_fields: is not in the contract",
}
"""The contract describes every write of a user as a creation, and only in part."""


async def test_all_traffic_but_the_known_gaps_fits_the_contract(serve: Serve) -> None:
    spec = contract("contracts/zendesk.json")
    spec["operations"].sort(key=lambda one: one["path"].count("{"))  # search is no user's number
    sandbox = ZendeskSandbox()
    traffic = record_traffic(sandbox)
    async with at_work(serve, sandbox) as client:
        await client.check()
        for action in ACTIONS:
            await action.run(client, job(sandbox.example(action)))
            if action.find is not None:
                await action.find(client, job(sandbox.example(action)))
        wanted = Wanted("https://hub.example/hooks/zendesk/main", SUBSCRIPTIONS.topics)
        made = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
        await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
        await SUBSCRIPTIONS.delete(client, made.current[0].id)
    wrong: set[str] = set()
    for one in traffic:
        base = "/api/v2" if one.path.startswith("/api/v2/webhooks") else ""
        wrong |= set(complaints_about(spec, one, base=base))
    assert wrong == KNOWN_GAPS

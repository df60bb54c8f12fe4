"""ActiveCampaign: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.activecampaign.account import ActiveCampaignAccount
from connectors.activecampaign.actions import ACTIONS
from connectors.activecampaign.client import ActiveCampaignClient
from connectors.activecampaign.contacts import (
    ListExit,
    change_contact,
    change_segment,
    enter_automation,
    find_entry,
    subscribe,
    sync_contact,
    track_event,
    unsubscribe,
)
from connectors.activecampaign.polling import changed_since
from connectors.activecampaign.sandbox import ActiveCampaignSandbox
from connectors.activecampaign.subscriptions import SUBSCRIPTIONS
from connectors.activecampaign.triggers import WEBHOOK, decode_form
from connectors.kit.action import Job
from connectors.kit.capabilities import (
    CrmContact,
    CustomerChange,
    JourneyEntry,
    ListMembership,
    SubscribeAct,
    TrackedEvent,
)
from connectors.kit.errors import AuthError, InvalidRequest, NotFound
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import InboundRequest, Source
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime.now(UTC)
EMAIL = "mila.brandt@shop.example"
SOURCE = Source("activecampaign", "main")


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: ActiveCampaignSandbox, **fields: Any
) -> AsyncIterator[ActiveCampaignClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = ActiveCampaignClient(ActiveCampaignAccount.model_validate(account))
    try:
        yield client
    finally:
        await client.aclose()


def job(given: Any) -> Job:
    return Job("shopify/main:order.paid:1001:thanks", given)


# --- contacts --------------------------------------------------------------------------------


async def test_properties_become_custom_fields(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    async with at_work(serve, sandbox) as client:
        given = CrmContact(email=EMAIL, properties={"tier": "Gold", "points": None})
        assert (await sync_contact(client, job(given))).vendor_id == "7001"
        assert sandbox.fields["7001", "1"] == "Gold"
        assert sandbox.fields["7001", "2"] == ""
        assert sandbox.contacts["7001"]["firstName"] == "Mila"


async def test_an_unknown_field_is_named_to_the_person_who_can_make_it(serve: Serve) -> None:
    async with at_work(serve, ActiveCampaignSandbox()) as client:
        given = CrmContact(email=EMAIL, properties={"shoe size": 38})
        with pytest.raises(InvalidRequest, match="%SHOE_SIZE%"):
            await sync_contact(client, job(given))


async def test_the_vendors_own_words_explain_a_refusal(serve: Serve) -> None:
    async with at_work(serve, ActiveCampaignSandbox()) as client:
        with pytest.raises(InvalidRequest, match="Email address is invalid") as caught:
            await sync_contact(client, job(CrmContact(email="nobody")))
        assert caught.value.vendor_code == "email_invalid"


async def test_tags_are_made_once_added_and_taken_off(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    async with at_work(serve, sandbox) as client:
        change = CustomerChange(email=EMAIL, add_tags=("gold",), remove_tags=("silver", "unheard"))
        await change_contact(client, job(change))
        assert list(sandbox.tagged.values()) == [("7001", sandbox.tags["gold"])]
        assert "unheard" not in sandbox.tags


async def test_a_tag_that_another_worker_made_meanwhile_is_taken(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    async with at_work(serve, sandbox) as client:
        real, looks = client._tag, []

        async def blind_at_first(name: str) -> str | None:
            looks.append(name)
            return None if len(looks) == 1 else await real(name)

        client._tag = blind_at_first  # type: ignore[method-assign]
        sandbox.tags["gold"] = "99"
        assert await client.tag_id("gold", make=True) == "99"


@pytest.mark.parametrize(
    "whom",
    [{"email": EMAIL}, {"phone": "+15005550123"}, {"external_id": "m-1"}, {"customer_id": "7001"}],
)
async def test_a_person_is_found_by_whatever_is_known(serve: Serve, whom: dict[str, str]) -> None:
    async with at_work(serve, ActiveCampaignSandbox()) as client:
        done = await change_segment(client, job(ListMembership(**whom, list="silver")))
        assert done.vendor_id == "7001"


async def test_nobody_found_is_not_found(serve: Serve) -> None:
    async with at_work(serve, ActiveCampaignSandbox(), member_field="") as client:
        known = ({"email": "x@shop.example"}, {"external_id": "m-1"}, {"phone": "+15005550"})
        for whom in (*known, {"customer_id": "7001/../1"}):
            with pytest.raises(NotFound):
                await change_segment(client, job(ListMembership(**whom, list="gold")))


# --- lists and automations -------------------------------------------------------------------


async def test_a_fresh_act_may_follow_an_unsubscription(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    act = SubscribeAct(channel="email", address=EMAIL, acted_at=NOW, source="the form")
    async with at_work(serve, sandbox) as client:
        await unsubscribe(client, job(ListExit(email=EMAIL)))
        assert sandbox.lists["7001", "3"]["status"] == "2"
        await subscribe(client, job(act))
        assert sandbox.lists["7001", "3"]["status"] == "1"


async def test_only_a_fresh_act_makes_a_subscription(serve: Serve) -> None:
    """Neither a contact's sync nor a segment puts anybody on a list."""
    sandbox = ActiveCampaignSandbox()
    async with at_work(serve, sandbox) as client:
        await sync_contact(client, job(CrmContact(email="new@shop.example")))
        await change_segment(client, job(ListMembership(email=EMAIL, list="3")))
        assert sandbox.lists == {}


async def test_texts_and_unnamed_lists_are_refused(serve: Serve) -> None:
    async with at_work(serve, ActiveCampaignSandbox(), list_id="") as client:
        for channel in ("sms", "email"):
            act = SubscribeAct(channel=channel, address=EMAIL, acted_at=NOW, source="the form")
            with pytest.raises(InvalidRequest, match="list"):
                await subscribe(client, job(act))


async def test_an_earlier_entry_is_not_taken_for_this_one(serve: Serve) -> None:
    async with at_work(serve, ActiveCampaignSandbox()) as client:
        early = JourneyEntry(email=EMAIL, journey="9", time=NOW - timedelta(hours=1))
        done = await enter_automation(client, job(early))
        assert await find_entry(client, job(early)) == done
        late = early.model_copy(update={"time": NOW + timedelta(hours=1)})
        assert await find_entry(client, job(late)) is None


async def test_an_automation_has_a_number(serve: Serve) -> None:
    async with at_work(serve, ActiveCampaignSandbox()) as client:
        with pytest.raises(InvalidRequest, match="number"):
            await enter_automation(client, job(JourneyEntry(email=EMAIL, journey="hi", time=NOW)))


# --- events ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"), [({"event_key": None}, "event key"), ({"event_key": "other"}, "Invalid")]
)
async def test_a_refused_event_is_an_error(serve: Serve, fields: Any, says: str) -> None:
    """The tracker answers 200 whatever happens."""
    async with at_work(serve, ActiveCampaignSandbox(), **fields) as client:
        with pytest.raises(InvalidRequest, match=says):
            await track_event(client, job(TrackedEvent(name="Earned", time=NOW, email=EMAIL)))


async def test_an_event_without_an_address_is_refused(serve: Serve) -> None:
    async with at_work(serve, ActiveCampaignSandbox()) as client:
        with pytest.raises(InvalidRequest, match="e-mail"):
            await track_event(client, job(TrackedEvent(name="Earned", time=NOW, phone="+1500")))


async def test_a_403_pauses_the_connection(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    async with at_work(serve, sandbox) as client:
        sandbox.faults[:] = [Fault(status=403, body='{"message": "no"}')]
        with pytest.raises(AuthError, match="permission"):
            await client.check()


# --- what comes in ---------------------------------------------------------------------------


def hook(text: str, received_at: datetime = NOW) -> list[Any]:
    request = InboundRequest("POST", "https://hub.example/hooks", {}, text.encode(), received_at)
    payload = decode_form(request.body)
    return list(WEBHOOK.triggers[WEBHOOK.topic(request, payload)].parse(payload, request, SOURCE))


UNSUBSCRIBE = "type=unsubscribe&list=3&contact%5Bid%5D=1&contact%5Bemail%5D=a%40shop.example"


def test_a_time_without_a_zone_is_not_guessed() -> None:
    """It counts when it arrives, and a redelivery is the same fact."""
    form = f"{UNSUBSCRIBE}&date_time=2026-11-02+04%3A15%3A00"
    (first,), (again,) = hook(form), hook(form, NOW + timedelta(hours=1))
    assert first.time == NOW
    assert first.business_key == again.business_key


def test_what_may_earn_only_rings() -> None:
    """A forged subscription may cause a poll and nothing else."""
    body = "list=3&contact%5Bid%5D=1&contact%5Bemail%5D=a%40shop.example"
    for topic in ("subscribe", "update", "contact_tag_added", "contact_tag_removed"):
        assert hook(f"type={topic}&{body}") == []
        assert WEBHOOK.triggers[topic].rings


@pytest.mark.parametrize(("kind", "permanent"), [("hard", True), ("soft", False), ("", False)])
def test_only_a_hard_bounce_is_for_good(kind: str, permanent: bool) -> None:
    body = UNSUBSCRIBE.replace("unsubscribe", "bounce") + f"&bounce%5Btype%5D={kind}"
    assert [event.data.permanent for event in hook(body)] == [permanent]


# --- the poll --------------------------------------------------------------------------------


async def poll(client: ActiveCampaignClient, cursor: str = "") -> tuple[list[Any], list[str], str]:
    pages = [page async for page in changed_since(client, SOURCE, cursor=cursor, now=NOW)]
    events = [event for page in pages for event in page.events]
    bad = [reason for page in pages for reason in page.unreadable]
    assert all(page.cursor == cursor for page in pages[:-1]), "a stop would lose contacts"
    return events, bad, pages[-1].cursor


async def test_many_short_pages_are_walked_to_the_end(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    for number in range(8000, 8025):
        sandbox.add(
            str(number), (NOW - timedelta(hours=1)).isoformat(), email=f"{number}@s.example"
        )
    async with at_work(serve, sandbox, list_id="") as client:
        events, bad, cursor = await poll(client)
    assert (len(events), bad) == (25, [])
    assert datetime.fromisoformat(cursor) == NOW - timedelta(hours=1)


async def test_an_old_opt_in_is_not_told_again_because_the_contact_changed(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    sandbox.contacts["7001"]["udate"] = NOW.isoformat()
    old = {"list": "3", "status": "1", "sdate": "2025-01-05T09:00:00-06:00", "udate": None}
    sandbox.lists["7001", "3"] = old
    async with at_work(serve, sandbox) as client:
        events, _, _ = await poll(client)
        assert [event.type for event in events] == ["customer.created", "customer.updated"]
        sandbox.lists["7001", "3"] = {**old, "sdate": NOW.isoformat()}
        events, _, _ = await poll(client)
        assert [event.type for event in events][-1] == "customer.opted_in"
        assert events[-1].data.consents == {"email": "granted"}


async def test_an_unreadable_contact_stops_nobody_else(serve: Serve) -> None:
    sandbox = ActiveCampaignSandbox()
    at = (NOW - timedelta(minutes=9)).isoformat()
    sandbox.add("8000", at)["email"] = ["odd"]
    sandbox.add("8001", at, email="ada@shop.example")
    async with at_work(serve, sandbox, list_id="") as client:
        events, bad, _ = await poll(client)
    assert [event.subject for event in events] == [events[0].subject]
    assert len(bad) == 1
    assert bad[0].startswith("8000")


# --- the contract ----------------------------------------------------------------------------

KNOWN_GAPS = {
    "GET /contacts/7001/contactTags is not in the contract",
    "query limit: is not in the contract",
}
"""What the trimmed contract leaves out; the vendor documents both."""


async def test_all_traffic_but_the_known_gaps_fits_the_contract(serve: Serve) -> None:
    spec = contract("contracts/activecampaign.json")
    sandbox = ActiveCampaignSandbox()
    traffic = record_traffic(sandbox)
    async with at_work(serve, sandbox) as client:
        await client.check()
        for action in ACTIONS:
            await action.run(client, job(sandbox.example(action)))
        sandbox.stage()
        await poll(client)
        wanted = Wanted("https://hub.example/hooks?token=x", SUBSCRIPTIONS.topics)
        made = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
        await SUBSCRIPTIONS.delete(client, made.current[0].id)
    wrong: set[str] = set()
    for one in traffic:
        base = "/api/3" if one.path.startswith("/api/3") else ""
        wrong |= set(complaints_about(spec, one, base=base))
    assert wrong == KNOWN_GAPS

"""People at Klaviyo: subscribed, listed, imported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import ListMembership, SubscribeAct
from connectors.kit.errors import InvalidRequest, NotFound
from connectors.klaviyo.account import KlaviyoAccount
from connectors.klaviyo.actions import UPSERT_PROFILE, ProfileInput
from connectors.klaviyo.client import KlaviyoClient
from connectors.klaviyo.people import CHANGE_LIST, SUBSCRIBE
from connectors.klaviyo.sandbox import SANDBOX_ACCOUNT, KlaviyoSandbox
from tests.connectors.conftest import Serve
from tests.connectors.contract import contract, openapi_complaints, record_traffic

AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
MILA = "mila.brandt@shop.example"
IMPORTS = "POST /klaviyo/api/profile-bulk-import-jobs"


@pytest.fixture
def sandbox() -> KlaviyoSandbox:
    return KlaviyoSandbox()


@pytest_asyncio.fixture
async def client(sandbox: KlaviyoSandbox, serve: Serve) -> AsyncIterator[KlaviyoClient]:
    fields = {**SANDBOX_ACCOUNT, "base_url": await serve(sandbox)}
    made = KlaviyoClient(KlaviyoAccount.model_validate(fields), read_seconds=1.0)
    yield made
    await made.aclose()


@pytest.mark.parametrize(("channel", "address"), [("email", MILA), ("sms", "+15005550123")])
async def test_only_the_channel_that_was_asked_for_is_subscribed(
    client: KlaviyoClient, sandbox: KlaviyoSandbox, channel: str, address: str
) -> None:
    act = SubscribeAct.model_validate(
        {"channel": channel, "address": address, "acted_at": AT, "source": "till", "list": "gold"}
    )
    await SUBSCRIBE.run(client, Job("k", act))
    assert list(sandbox.records) == [
        {
            "kind": "subscription",
            "address": address,
            "channels": [channel],
            "source": "till",
            "list": "gold",
        }
    ]


async def test_no_other_action_writes_a_consent(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    people = [ProfileInput(email=f"p{number}@customer.example") for number in range(6)]
    assert UPSERT_PROFILE.run_batch is not None
    await UPSERT_PROFILE.run_batch(client, [Job(str(n), one) for n, one in enumerate(people)])
    await CHANGE_LIST.run(client, Job("k", ListMembership(email=MILA, list="gold")))
    assert not any("subscription" in path for path in sandbox.calls)


@pytest.mark.parametrize(
    "whom",
    [{"email": MILA}, {"phone": "+15005550123"}, {"external_id": "m-1"},
     {"customer_id": "01SANDBOXMILA"}, {"email": 'x"y@shop.example', "external_id": "m-1"}],
)  # fmt: skip
async def test_a_list_takes_whom_klaviyo_knows_and_lets_them_go(
    client: KlaviyoClient, sandbox: KlaviyoSandbox, whom: dict[str, str]
) -> None:
    sent = await CHANGE_LIST.run(client, Job("k", ListMembership(**whom, list="gold")))
    assert (sent.vendor_id, sandbox.lists["gold"]) == ("01SANDBOXMILA", {"01SANDBOXMILA"})
    off = ListMembership(**whom, list="gold", is_member=False)
    await CHANGE_LIST.run(client, Job("k", off))
    assert sandbox.lists["gold"] == set()


async def test_nobody_and_no_list_are_not_found(client: KlaviyoClient) -> None:
    with pytest.raises(NotFound, match="no profile"):
        await CHANGE_LIST.run(client, Job("k", ListMembership(email="a@b.example", list="gold")))
    with pytest.raises(NotFound, match="list"):
        await CHANGE_LIST.run(client, Job("k", ListMembership(email=MILA, list="none")))


async def test_a_thousand_profiles_are_one_import_and_each_error_is_its_own(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    people = [ProfileInput(email=f"p{number}@customer.example") for number in range(1000)]
    people[7] = ProfileInput(phone="0660 123")
    people[8] = ProfileInput()
    assert UPSERT_PROFILE.run_batch is not None
    outcomes = list(
        await UPSERT_PROFILE.run_batch(client, [Job(str(n), one) for n, one in enumerate(people)])
    )
    nobody, odd = outcomes.pop(8), outcomes.pop(7)
    assert isinstance(nobody, InvalidRequest)
    assert isinstance(odd, InvalidRequest)
    assert "Invalid phone number" in str(odd)
    assert all(isinstance(one, Sent) and one.vendor_id == "job1" for one in outcomes)
    assert sandbox.calls[IMPORTS] == 1
    assert len(sandbox.records) == 998


async def test_an_import_stays_below_five_megabytes(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    people = [
        ProfileInput(email=f"p{number}@customer.example", properties={"note": "ä" * 15_000})
        for number in range(100)
    ]
    assert UPSERT_PROFILE.run_batch is not None
    jobs = [Job(str(number), one) for number, one in enumerate(people)]
    assert all(isinstance(one, Sent) for one in await UPSERT_PROFILE.run_batch(client, jobs))
    assert sandbox.calls[IMPORTS] == 3


async def test_imports_fit_the_published_contract(serve: Serve) -> None:
    spec = contract("specs/klaviyo/openapi.json")
    sandbox = KlaviyoSandbox()
    traffic = record_traffic(sandbox)
    fields = {**SANDBOX_ACCOUNT, "base_url": await serve(sandbox)}
    client = KlaviyoClient(KlaviyoAccount.model_validate(fields))
    people = [ProfileInput(email="a@customer.example", first_name="A", properties={"points": 1})]
    jobs = [Job(str(n), one) for n, one in enumerate([*people * 6, ProfileInput(phone="1")])]
    assert UPSERT_PROFILE.run_batch is not None
    await UPSERT_PROFILE.run_batch(client, jobs)
    await client.aclose()
    assert len(traffic) == 3
    assert [openapi_complaints(spec, one) for one in traffic] == [[]] * 3

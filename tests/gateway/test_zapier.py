"""A private Zapier app at the gateway: its key, its subscriptions, samples and actions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from connectors.kit import registry
from connectors.zapier.sandbox import SANDBOX_ACCOUNT, ZapierSandbox
from gateway.zapier.actions import DOINGS
from gateway.zapier.samples import built_in
from loyalty.events import DATA_MODELS, Event, EventType
from loyalty.store import hooks_out, inbox
from loyalty.store.inbox import Closing
from tests.gateway.conftest import Running

ZAP = "https://hooks.zapier.com/hooks/standard/1/abc/"
KEY = {"authorization": f"Bearer {SANDBOX_ACCOUNT['api_key']}"}
OTHER_KEY = "another-connections-key-0123456789-abcdef"
ANN = {"email": "ann@buyer.example", "first_name": "Ann"}

Serve = Callable[..., Any]

NOBODYS = "019cae6b-6600-7004-ac17-5c20391038bf"
"""An id that no subscription has."""


@pytest_asyncio.fixture
async def hub(serve: Serve) -> Running:
    """A gateway with the connection `zapier/main`."""
    gateway: Running = await serve(manifests=registry.manifest)
    await gateway.add(vendor="zapier", content=SANDBOX_ACCOUNT)
    gateway.client.headers.update(KEY)
    return gateway


async def act(hub: Running, name: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await hub.client.post(f"/zapier/actions/{name}", json=body, headers=headers)


async def subscribe(hub: Running, event: str = "order.paid", url: str = ZAP) -> httpx.Response:
    return await hub.client.post("/zapier/hooks", json={"event": event, "target_url": url})


async def add_other(hub: Running) -> dict[str, str]:
    """Adds `zapier/other` and answers its header, once its key is known."""
    await hub.add("other", vendor="zapier", content={**SANDBOX_ACCOUNT, "api_key": OTHER_KEY})
    headers = {"authorization": f"Bearer {OTHER_KEY}"}
    await until(hub, headers, 200)
    return headers


async def until(hub: Running, headers: dict[str, str], status: int) -> None:
    """Waits until the key is answered so: the gateway hears of connections by a bell."""
    async with asyncio.timeout(5):
        while (await hub.client.get("/zapier/me", headers=headers)).status_code != status:
            await asyncio.sleep(0.02)


# --- who calls --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["active", "paused", "refused"])
async def test_the_key_says_which_connection_it_is(hub: Running, state: str) -> None:
    await hub.add(vendor="zapier", content=SANDBOX_ACCOUNT, state=state)
    answer = await hub.client.get("/zapier/me")
    assert (answer.status_code, answer.json()["connection"]) == (200, "zapier/main")
    assert "Loyalty Hub" in answer.json()["label"]


async def test_a_key_may_stand_in_its_own_header(hub: Running) -> None:
    headers = {"authorization": "", "x-api-key": SANDBOX_ACCOUNT["api_key"]}
    assert (await hub.client.get("/zapier/me", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Bearer",
        "Bearer wrong",
        "Basic abc",
        f"Bearer {SANDBOX_ACCOUNT['api_key']}x",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/zapier/me"),
        ("GET", "/zapier/events"),
        ("POST", "/zapier/hooks"),
        ("DELETE", f"/zapier/hooks/{NOBODYS}"),
        ("GET", "/zapier/samples/order.paid"),
        ("POST", "/zapier/actions/give_points"),
    ],
)
async def test_without_a_good_key_nothing_is_done(
    hub: Running, said: str, method: str, path: str
) -> None:
    answer = await hub.client.request(method, path, headers={"authorization": said})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert set(answer.json()) == {"error", "hint"}
    assert SANDBOX_ACCOUNT["api_key"] not in answer.text


@pytest.mark.parametrize("state", ["absent", "invalid"])
async def test_a_connection_that_is_gone_lets_nobody_in(hub: Running, state: str) -> None:
    headers = await add_other(hub)
    answer = await hub.client.get("/zapier/me", headers=headers)
    assert answer.json()["connection"] == "zapier/other"
    await hub.add(
        "other", vendor="zapier", state=state, content={**SANDBOX_ACCOUNT, "api_key": OTHER_KEY}
    )
    await until(hub, headers, 401)


async def test_credentials_that_cannot_be_opened_close_nobody_else_out(hub: Running) -> None:
    await hub.add("broken", vendor="zapier", sealed=b"not sealed by this hub")
    assert (await hub.client.get("/zapier/me")).status_code == 200


# --- subscriptions ----------------------------------------------------------------------------


async def test_a_zap_subscribes_once_and_unsubscribes(hub: Running) -> None:
    first = await subscribe(hub)
    again = await subscribe(hub)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == {"id": first.json()["id"], "event": "order.paid"}
    async with hub.database.begin() as connection:
        [hook] = (await hooks_out.load(connection))["order.paid"]
    assert (hook.slug, hook.target_url, str(hook.id)) == ("zapier/main", ZAP, first.json()["id"])
    for _ in range(2):
        gone = await hub.client.delete(f"/zapier/hooks/{first.json()['id']}")
        assert gone.status_code == 200
    async with hub.database.begin() as connection:
        assert await hooks_out.load(connection) == {}


async def test_subscribing_twice_at_once_leaves_one(hub: Running) -> None:
    both = await asyncio.gather(subscribe(hub), subscribe(hub))
    assert sorted(one.status_code for one in both) == [200, 201]
    assert len({one.json()["id"] for one in both}) == 1


async def test_a_connection_cannot_end_anothers_subscription(hub: Running) -> None:
    id = (await subscribe(hub)).json()["id"]
    headers = await add_other(hub)
    answer = await hub.client.delete(f"/zapier/hooks/{id}", headers=headers)
    assert answer.status_code == 404
    async with hub.database.begin() as connection:
        assert "order.paid" in await hooks_out.load(connection)


@pytest.mark.parametrize("id", [NOBODYS, "nonsense", "%00"])
async def test_what_was_never_subscribed_is_not_found(hub: Running, id: str) -> None:
    assert (await hub.client.delete(f"/zapier/hooks/{id}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"event": "order.lost", "target_url": ZAP}, 422, "no event of this type"),
        ({"event": "order.paid"}, 422, "target_url"),
        ({"event": "order.paid", "target_url": "http://a.example/"}, 422, "https"),
        ({"event": "order.paid", "target_url": "https://169.254.169.254/"}, 422, "private"),
        ({"event": "order.paid", "target_url": "https://[::1]/"}, 422, "private"),
        ({"event": "order.paid", "target_url": ZAP, "more": 1}, 422, "more"),
        ([], 400, "JSON object"),
    ],
)
async def test_a_bad_subscription_is_refused_in_words(
    hub: Running, body: Any, status: int, said: str
) -> None:
    answer = await hub.client.post("/zapier/hooks", json=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]


async def test_too_many_subscriptions_are_refused(
    hub: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks_out, "MOST", 1)
    await subscribe(hub)
    assert (await subscribe(hub, "order.refunded")).status_code == 409


# --- samples ----------------------------------------------------------------------------------


async def test_types_are_listed_for_a_menu(hub: Running) -> None:
    listed = (await hub.client.get("/zapier/events")).json()
    assert {one["id"] for one in listed} == {one.value for one in EventType}


@pytest.mark.parametrize("event", list(EventType))
def test_each_type_has_an_invented_sample_of_its_shape(event: EventType) -> None:
    sample = built_in()[event.value]
    assert sample["type"] == event.value
    assert DATA_MODELS[event].model_validate(sample["data"])
    assert set(sample) == {
        *("specversion", "id", "source", "type", "time", "subject", "data"),
        *("memberid", "points", "balance"),
    }


async def test_before_anything_happened_the_sample_is_invented(hub: Running) -> None:
    assert (await hub.client.get("/zapier/samples/order.paid")).json() == [built_in()["order.paid"]]
    assert (await hub.client.get("/zapier/samples/order.lost")).status_code == 422


async def test_real_samples_come_newest_first_without_personal_data(hub: Running) -> None:
    for number in (1, 2, 3):
        await act(hub, "enrol_customer", {"id": f"c-{number}", "last_name": "Lee", **ANN})
    async with hub.database.begin() as connection:
        ids = list((await connection.execute(text("select id from inbox order by id"))).scalars())
        closings = [Closing(id, "done", outcome={"points": 5, "balance": 9}) for id in ids[:2]]
        await inbox.close(connection, closings, run_id=None, now=hub.clock())
    answer = await hub.client.get("/zapier/samples/customer.created")
    found = answer.json()
    assert [one["id"] for one in found] == [str(ids[1]), str(ids[0])]
    assert (found[0]["points"], found[0]["balance"]) == (5, 9)
    assert found[0]["data"]["email"] == "ann@customer.example"
    assert "buyer.example" not in answer.text
    assert "Lee" not in answer.text
    few = await hub.client.get("/zapier/samples/customer.created", params={"limit": 1})
    assert len(few.json()) == 1


# --- actions ----------------------------------------------------------------------------------

ACTIONS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "give_points",
        {"points": 50, "reason": "A review"},
        "points.adjusted",
        {"points": 50, "reason": "A review", "by": "zapier/main"},
    ),
    ("report_activity", {"name": "review"}, "activity.reported", {"name": "review", "ref": "z-1"}),
    (
        "enrol_customer",
        {"first_name": "Ann", "birthday": "1990-02-28", "email_consent": "granted"},
        "customer.created",
        {"first_name": "Ann", "consents": {"email": "granted"}, "birthday": "1990-02-28"},
    ),
    ("update_customer", {"last_name": "Berg"}, "customer.updated", {"last_name": "Berg"}),
    (
        "redeem_points",
        {"points": 200, "reward": "free-mug"},
        "reward.redeemed",
        {"points": 200, "reward": "free-mug", "id": "z-1"},
    ),
]


@pytest.mark.parametrize(("name", "body", "event", "data"), ACTIONS)
async def test_an_action_becomes_an_event_once(
    hub: Running, name: str, body: dict[str, Any], event: str, data: dict[str, Any]
) -> None:
    whole = {"email": "ann@buyer.example", "phone": "", "time": "", **body}
    first = await act(hub, name, {"id": "z-1", **whole})
    again = await act(hub, name, whole, **{"Idempotency-Key": "z-1"})
    key = f"zapier/main:{event}:z-1"
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == {"id": "z-1", "event": key, "status": "accepted"}
    assert again.json() == {"id": "z-1", "event": key, "status": "duplicate"}
    [row] = await hub.rows("select * from inbox")
    assert (row.business_key, row.state) == (key, "waiting")
    assert row.subject == "contact:ann@buyer.example"
    stored = Event.model_validate(
        {
            **{"type": row.type, "store": row.store, "key": row.key},
            **{"time": row.occurred_at, "subject": row.subject, "data": row.data},
        }
    )
    told = stored.data.model_dump(mode="json")
    assert {field: told[field] for field in data} == data
    whom = told.get("customer") or told
    assert whom["email"] == "ann@buyer.example"
    assert whom["phone"] is None


def test_every_action_is_tried() -> None:
    assert {one[0] for one in ACTIONS} == set(DOINGS)


@pytest.mark.parametrize(
    ("name", "body", "status", "said"),
    [
        ("give_points", {"points": 1, "email": "a@b.example"}, 422, "what makes this one"),
        ("give_points", {"points": 1, "id": "1"}, 422, "name the customer"),
        ("give_points", {"points": 0, "id": "1", "email": "a@b.example"}, 422, "must not be 0"),
        ("give_points", {"points": "many", "id": "1", "email": "a@b.example"}, 422, "points"),
        ("redeem_points", {"points": -5, "id": "1", "email": "a@b.example"}, 422, "points"),
        ("report_activity", {"id": "1", "email": "a@b.example"}, 422, "name"),
        ("report_activity", {"id": "1", "email": "a@b.example", "name": "a\x00"}, 422, "NUL"),
        ("enrol_customer", {"id": "1", "email": "a@b.example", "birthday": "soon"}, 422, "birth"),
        ("give_points", {"points": 1, "id": "x" * 201, "email": "a@b.example"}, 422, "id"),
        ("give_points", {"points": 1, "id": "a\nb", "email": "a@b.example"}, 422, "printable"),
        ("give_all", {"id": "1"}, 404, "no such action"),
    ],
)
async def test_a_bad_action_is_refused_in_words(
    hub: Running, name: str, body: dict[str, Any], status: int, said: str
) -> None:
    answer = await act(hub, name, body)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert await hub.rows("select id from inbox") == []


async def test_a_large_body_is_refused_unread(hub: Running) -> None:
    answer = await hub.client.post("/zapier/actions/give_points", content=b"x" * 70_000)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/zapier/me", 405),
        ("GET", "/zapier/hooks", 405),
        ("GET", "/zapier/", 404),
        ("GET", "/zapier/nothing", 404),
        ("DELETE", "/zapier/hooks/", 404),
        ("GET", "/zapier/me/more", 404),
    ],
)
async def test_other_addresses_say_what_there_is(
    hub: Running, method: str, path: str, status: int
) -> None:
    answer = await hub.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["hint"]


async def test_while_the_database_is_away_the_caller_is_told_to_come_again(
    hub: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await hub.client.get("/zapier/me")).status_code == 200
    await hub.database.aclose()
    monkeypatch.setattr(hub.database, "begin", _away)
    answer = await subscribe(hub)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


def _away() -> Any:
    from loyalty.store.database import StoreAway

    raise StoreAway("PostgreSQL is away")


async def test_the_openapi_document_describes_every_address(hub: Running) -> None:
    paths = (await hub.client.get("/openapi.json")).json()["paths"]
    assert {path for path in paths if path.startswith("/zapier/")} == {
        "/zapier/me",
        "/zapier/events",
        "/zapier/hooks",
        "/zapier/hooks/{id}",
        "/zapier/samples/{event}",
        *(f"/zapier/actions/{name}" for name in DOINGS),
    }


async def test_the_connectors_own_check_is_answered_by_the_gateway(hub: Running) -> None:
    fields = {**SANDBOX_ACCOUNT, "hub_url": f"http://127.0.0.1:{hub.port}"}
    manifest = registry.manifest(ZapierSandbox.slug)
    client = manifest.open(manifest.account.model_validate(fields))
    try:
        assert await client.check() == "The hub knows this key as that of zapier/main."
    finally:
        await client.aclose()
